"""The server that leads connections here: uvicorn with our protocols, in one process or several."""

import sys

import uvicorn
from uvicorn.supervisors import Multiprocess

_FAILED_TO_START = 3


def serve(
    application: str,
    *,
    host: str,
    port: int,
    workers: int,
    log_level: str,
    answer_seconds: int,
    socket_message_bytes: int,
    socket_ping_seconds: float,
) -> None:
    """Serve until the process is asked to end, and then as long as answers are under way.

    Args:
        application: Where each process finds what makes the application, as `module:function`.
        host: The address to listen on.
        port: The port to listen on.
        workers: How many processes serve.
        log_level: From which level on the server itself is heard.
        answer_seconds: How long answers that are under way are waited for at the end.
        socket_message_bytes: The largest message of a socket.
        socket_ping_seconds: How often a socket's client is asked whether it is there, and has to answer.

    Raises:
        SystemExit: The server cannot start.
    """
    config = uvicorn.Config(
        application,
        factory=True,
        workers=workers,
        host=host,
        port=port,
        # Its records are written as all others are.
        log_config=None,
        log_level=log_level,
        http="app.web.protocol:BoundedHttp",
        server_header=False,
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=answer_seconds,
        # A new process cannot say that it lives before it has imported its modules, which takes long on a machine
        # that is busy: killed for that, its successor would fare no better.
        timeout_worker_healthcheck=30,
        ws="app.web.frames:BoundedSocket",
        ws_max_size=socket_message_bytes,
        ws_ping_interval=socket_ping_seconds,
        ws_ping_timeout=socket_ping_seconds,
        # Messages are short, and what is compressed has to be unpacked before its size is known.
        ws_per_message_deflate=False,
    )
    try:
        if workers > 1:
            _Workers(config, [config.bind_socket()]).run()
            return
        server = uvicorn.Server(config)
        server.run()
    except KeyboardInterrupt:
        # From the keyboard it is asked to end as well as by a signal.
        return
    if not server.started:
        sys.exit(_FAILED_TO_START)


class _Workers(Multiprocess):
    """Processes that serve the same address."""

    def terminate_all(self) -> None:
        """Ask all of them to end, and listen no more: who connects now would wait for nobody."""
        for listening in self.sockets:
            listening.close()
        super().terminate_all()
