"""HTTP/1.1 as uvicorn speaks it, with an end to how large the head of a request is and how long it takes to come.

Limits of the application do not reach what is not a request yet: who opens connections and says nothing, or one
letter a second, or asks for much and reads nothing of it. What they are told is said in the language that they
have asked for so far.
"""

import asyncio
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
from app.web.exchange import AnswersAtOnce
from app.web.refusing import raw_refusal
from app.web.watching import Watch

# The application answers in its own words first.
_LAST_SECONDS = 2.0
# RFC 5482: how long what is sent may wait for the other side. Linux has it.
_USER_TIMEOUT: int | None = getattr(socket, "TCP_USER_TIMEOUT", None)


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
        self._limits: TransportLimits = config.loaded_app.state.transport_limits
        self._timer: asyncio.TimerHandle | None = None
        self._is_in_head = True
        self._is_whole = False
        self._received = 0
        self._at_once: AnswersAtOnce = config.loaded_app.state.at_once
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
        self._received += len(data)
        super().data_received(data)
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
        answer = self._at_once.answer_at_once(cast("Scope", cycle.scope), bytes(cycle.body))
        if answer is None:
            return False
        self._begun = None
        headers, body = answer
        lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join((STATUS_LINE[HTTPStatus.OK], *lines, b"\r\n", body)))
        self.on_response_complete()
        return True

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that the application never sees, and hang up."""
        status, phrase, most = self._refusal
        asked = {"headers": self.headers or (), "client": self.client, "scheme": self.scheme}
        self.transport.write(raw_refusal(asked, self._limits.phrases, self._watch, status, phrase, most=most))
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
