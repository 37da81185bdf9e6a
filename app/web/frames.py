"""WebSocket as uvicorn speaks it, with an end to how many frames a client may send.

The application sees messages only. Pings, pongs and the parts of a message never reach it, and keep a process
busy all the same; who never reads the answers to pings fills its memory.
"""

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.exceptions import InvalidHandshake, SecurityError
from websockets.http11 import Request

from app.web.deadlines import TransportLimits
from app.web.refusing import SOCKET_VERSION, raw_refusal
from app.web.watching import Watch

NOT_TEXT = 1007
TIMED_OUT = 4408
TOO_MANY = 4429

# A frame has six bytes at least: so many bytes are a few milliseconds of work, then it is others' turn.
_TAKEN_AT_ONCE = 4_096
_LAST_SECONDS = 2.0


class BoundedSocket(WebSocketsSansIOProtocol):
    """One socket. The application's `state.transport_limits` are its limits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits: TransportLimits = config.loaded_app.state.transport_limits
        self._watch: Watch = config.loaded_app.state.watch
        self._allowance = Allowance(self._limits.frames_per_second, self._limits.frame_burst)
        self._is_cut = False
        # For the client's answer to a close.
        self.close_timeout = _LAST_SECONDS

    def data_received(self, data: bytes) -> None:
        """Take some frames, a few at a time: of those that are too many, most are never looked at."""
        for begin in range(0, len(data), _TAKEN_AT_ONCE):
            if self._is_cut:
                return
            super().data_received(data[begin : begin + _TAKEN_AT_ONCE])
            if self.conn.handshake_exc is not None and not self.handshake_complete:
                is_too_large = isinstance(self.conn.handshake_exc, SecurityError)
                self._turn_away(
                    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_too_large else HTTPStatus.BAD_REQUEST
                )

    def handle_events(self) -> None:
        """Take the frames that have come, unless there are too many."""
        # The handshake is none.
        if not self.handshake_initiated or self._allowance.take(self.loop.time(), len(self.conn.events)):
            super().handle_events()
        else:
            self._fail(TOO_MANY, "Too many messages")

    def handle_connect(self, event: Request) -> None:
        """Begin, or say in our words that this is no handshake (RFC 6455, section 4.2.1)."""
        try:
            self.conn.process_request(event)
        except InvalidHandshake:
            is_other = event.headers.get_all("Sec-WebSocket-Version") not in ([], [SOCKET_VERSION])
            self._turn_away(HTTPStatus.UPGRADE_REQUIRED if is_other else HTTPStatus.BAD_REQUEST, event)
        else:
            super().handle_connect(event)

    def send_receive_event_to_app(self) -> None:
        """Hand a message on, unless it is said to be text and is none."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self._fail(NOT_TEXT, "Not UTF-8")
                return
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """Give up a client that answers no ping, by a code after which it connects again."""
        self.pong_timer = self.pending_ping_payload = None
        if not self.close_sent and not self.transport.is_closing():
            self._fail(TIMED_OUT, "Ping not answered")

    def shutdown(self) -> None:
        """Leave it to the application to close the socket, once it has answered what is under way."""
        if self.close_sent or not self.handshake_complete:
            super().shutdown()

    def handle_parser_exception(self) -> None:
        """Close what breaks the protocol, and wait a moment for the client to read why.

        To hang up at once on what it still sends would have its own system drop the reason unread.
        """
        closed = self.conn.close_sent
        assert closed is not None  # noqa: S101 - whoever calls this has failed the connection
        # What the application has still to say goes nowhere.
        self._is_cut = self.close_sent = self.disconnected = True
        self.stop_keepalive()
        self.queue.put_nowait({"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(_LAST_SECONDS, self.transport.close)

    def _turn_away(self, status: HTTPStatus, handshake: Request | None = None) -> None:
        self._is_cut = self.handshake_complete = self.close_sent = True
        # Of a handshake that could not be read to its end nothing is at hand.
        sent = () if handshake is None else handshake.headers.raw_items()
        headers = [(name.lower().encode(), value.encode(errors="surrogateescape")) for name, value in sent]
        asked = {"headers": headers, "client": self.client, "scheme": self.scheme}
        self.transport.write(raw_refusal(asked, self._limits, self._watch, status, "request-malformed"))
        self.transport.close()

    def _fail(self, code: int, reason: str) -> None:
        self.conn.fail(code, reason)
        self.handle_parser_exception()


class Allowance:
    """How many frames may still come: as many as saved up, and so many more each second."""

    def __init__(self, per_second: int, burst: int) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left = float(burst)
        self._as_of: float | None = None

    def take(self, now: float, times: int = 1) -> bool:
        """Use up some, if there are as many left at a moment, in seconds of any clock that never goes back."""
        if self._as_of is not None:
            self._left = min(self._burst, self._left + (now - self._as_of) * self._per_second)
        self._as_of = now
        if self._left < times:
            return False
        self._left -= times
        return True
