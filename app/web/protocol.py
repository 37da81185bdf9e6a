"""HTTP/1.1 as uvicorn speaks it, with an end to how large the head of a request is and how long it takes to come.

Limits of the application do not reach what is not a request yet: who opens connections and says nothing, or one
letter a second, or asks for much and reads nothing of it. What they are told is said in the language that they
have asked for so far.
"""

import asyncio
import logging
import socket
from http import HTTPStatus
from typing import Any, cast

import httptools
from starlette.types import Scope
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from app.web.deadlines import TransportLimits, is_late, note_late
from app.web.exchange import HEADER_LINE, Front
from app.web.known_heads import KnownHeads
from app.web.refusing import raw_refusal
from app.web.watching import Watch

# The application answers in its own words first.
_LAST_SECONDS = 2.0
# RFC 5482: how long what is sent may wait for the other side. Linux has it.
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


_OK = STATUS_LINE[HTTPStatus.OK]

# What is wrong with a request stands in its line of the request log, and clients can send many of them.
_failures = logging.getLogger("uvicorn.error.requests")
_failures.setLevel(logging.ERROR)


class BoundedHttp(HttpToolsProtocol):
    """One connection. The application's `state.transport_limits` are its limits."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _failures
        self._limits: TransportLimits = config.loaded_app.state.transport_limits
        self._timer: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._is_whole = False
        self._received = 0
        self._front: Front = config.loaded_app.state.at_once
        self._known = KnownHeads()
        self._packet: bytes | None = None
        self._was_asked = False
        self._answered_at = 0.0
        self._default_headers: list[tuple[bytes, bytes]] | None = None
        self._default_lines = b""
        self._watch: Watch = config.loaded_app.state.watch
        self._is_beginning = False
        self._begun: tuple[RequestResponseCycle, ASGI3Application] | None = None
        self._served: RequestResponseCycle | None = None
        self._refusal = (HTTPStatus.BAD_REQUEST, "request-malformed", 0)

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; whoever connects has to send a request."""
        super().connection_made(transport)
        self._bound_unread(transport)
        self._start_timer(self._limits.request_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """End; whatever is still to be answered is answered to nobody, and what has not begun never does."""
        self._stop_timer()
        for cycle in (self._served, *(waiting for waiting, _ in self.pipeline)):
            if cycle is not None and not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()
        self.pipeline.clear()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take some of a request, or several."""
        if self._is_idle():
            if self._answers_known(data):
                return
            self._packet = data
        self._received += len(data)
        super().data_received(data)
        self._packet, self._was_asked = None, False
        if self._begun is not None:
            # The rest of it is still to come.
            self._serve_begun()
        if self.transport.is_closing() or self._is_whole:
            self._stop_timer()
        elif self._is_in_head and self._received > self._limits.head_bytes:
            self._refuse_head()
            self.send_400_response("")
        elif self._timer is None:
            self._start_timer(self._limits.request_seconds)

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection over."""
        self._stop_timer()
        super().handle_websocket_upgrade()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._is_in_head, self._is_whole = True, False
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Begin to serve a request, unless its head is too large.

        Raises:
            HttpParserError: It is too large.
        """
        # Behind another request in one packet nothing is counted yet.
        may_be_too_large = not 0 < self._received <= self._limits.head_bytes
        if may_be_too_large and self._head_bytes() > self._limits.head_bytes:
            self._refuse_head()
            raise httptools.HttpParserError
        self._is_in_head = False
        self._is_beginning = True
        super().on_headers_complete()
        self._is_beginning = False

    def on_message_complete(self) -> None:
        """End a request."""
        self._is_whole = True
        self._received = 0
        super().on_message_complete()
        if self._begun is not None and not self._answers_at_once(self._begun[0]):
            self._serve_begun()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        may_be_answered_at_once = cycle.keep_alive and cycle.scope["method"] == "POST"
        if self._is_beginning and may_be_answered_at_once and not self.flow.write_paused:
            self._begun = (cycle, app)
        else:
            self._served = cycle
            super()._start_asgi_task(cycle, app)

    def _serve_begun(self) -> None:
        if self._begun is not None:
            cycle, app = self._begun
            self._begun = None
            self._served = cycle
            super()._start_asgi_task(cycle, app)

    def _answers_at_once(self, cycle: RequestResponseCycle) -> bool:
        """Answer without a task of the event loop, which takes longer to begin and to end than many an answer."""
        if self._was_asked:
            return False
        answer_of = self._front.at_once(cast("Scope", cycle.scope))
        if answer_of is None:
            return False
        if self._packet is not None:
            self._known.learn(self._packet, len(cycle.body), answer_of)
        answer = answer_of(bytes(cycle.body))
        if answer is None:
            return False
        self._begun = None
        cycle.response_started = cycle.response_complete = True
        self._write(answer)
        self.on_response_complete()
        return True

    def _is_idle(self) -> bool:
        """Say whether the next packet begins a request, and nobody waits for an answer."""
        cycle = self.cycle
        if cycle is None:
            return not self._received
        return (
            self._is_whole
            and cycle.response_complete
            and not self.pipeline
            and not self.flow.write_paused
            and not self.transport.is_closing()
        )

    def _answers_known(self, data: bytes) -> bool:
        """Answer a whole request whose head was understood before: nothing of it has to be looked at again."""
        known = self._known.find(data)
        if known is None:
            return False
        answer_of, body = known
        answer = answer_of(body)
        if answer is None:
            # It is read for the usual way, and is not to be asked about again.
            self._was_asked = True
            return False
        self.server_state.total_requests += 1
        self._answered_at = self.loop.time()
        self._write(answer)
        return True

    def _write(self, answer: tuple[bytes, bytes]) -> None:
        lines, body = answer
        headers = self.server_state.default_headers
        if headers is not self._default_headers:
            # The server makes them anew each second, with the date.
            self._default_headers, self._default_lines = headers, b"".join(map(HEADER_LINE.__mod__, headers))
        self.transport.write(b"".join((_OK, self._default_lines, lines, b"\r\n", body)))

    def timeout_keep_alive_handler(self) -> None:
        """Hang up if nothing has come for long; requests of known heads leave the timer as it is."""
        left = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if left > 0:
            self.timeout_keep_alive_task = self.loop.call_later(left, self.timeout_keep_alive_handler)
        else:
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that the application never sees, and hang up."""
        status, phrase, most = self._refusal
        asked = {"headers": self.headers or (), "client": self.client, "scheme": self.scheme}
        self.transport.write(raw_refusal(asked, self._limits, self._watch, status, phrase, most=most))
        self.transport.close()

    def _bound_unread(self, transport: asyncio.Transport) -> None:
        # The system itself hangs up, also on what is closed here already and waits to be read to its end.
        connection = transport.get_extra_info("socket")
        if connection is not None and _USER_TIMEOUT is not None:
            connection.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, round(self._limits.unread_seconds * 1_000))

    def _head_bytes(self) -> int:
        # As they came: name, colon, space, value, line end.
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _refuse_head(self) -> None:
        most = self._limits.head_bytes
        self._refusal = (HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "request-head-too-large", most)

    def _start_timer(self, seconds: float) -> None:
        self._timer = self.loop.call_later(seconds, self._end_waiting)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _may_be_told(self) -> bool:
        scope = cast("Scope", self.cycle.scope)
        return not self._is_in_head and not self.cycle.response_started and not is_late(scope)

    def _end_waiting(self) -> None:
        self._timer = None
        if self.transport.is_closing():
            return
        is_served = self.cycle is not None and not self.cycle.response_complete
        if not is_served:
            if self._is_in_head and self._received:
                seconds = round(self._limits.request_seconds)
                self._refusal = (HTTPStatus.REQUEST_TIMEOUT, "request-too-slow", seconds)
                self.send_400_response("")
            else:
                # Nothing was asked, or it was answered before it was whole.
                self.transport.close()
        elif self._may_be_told():
            note_late(cast("Scope", self.cycle.scope))
            self.cycle.message_event.set()
            self._start_timer(_LAST_SECONDS)
        elif self._is_in_head:
            # The next request waits for the answer to the one before.
            self._start_timer(self._limits.request_seconds)
        else:
            self.transport.close()
