"""The door that every request comes in by and every answer goes out by: ids, headers, and the last refusal."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.exceptions import ExceptionMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.graph.errors import InternalError
from app.kit.phrases import Phrases
from app.kit.problem import Problem
from app.web.connections import RESTARTED
from app.web.deadlines import ServerEnds
from app.web.exchange import HEADER_LINE, AnswersAtOnce, Exchange, RawHeaders, WholeAnswer, exchange_of, raw
from app.web.problems import MalformedRequest, MethodNotAllowed, NotFound
from app.web.refusing import Voice, deny, refuse
from app.web.watching import Watch, server_timing

ANSWER_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer is sent with that is no page: whoever opens one in a browser can do nothing with it."""

STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"
"""What is added over HTTPS: for a year browsers come by no other way (RFC 6797, section 6.1)."""

ASKED = (
    *("authorization", "content-type", "x-api-version", "x-ms-client-request-id"),
    *("x-device-signature", "x-software-version", "x-hardware-version"),
    *("idempotency-key", "repeatability-request-id", "repeatability-first-sent"),
    *("if-none-match", "traceparent", "tracestate"),
)
"""The request headers that pages of allowed origins may send."""

SHOWN = (
    *("x-ms-request-id", "x-ms-client-request-id", "x-ms-error-code"),
    *("api-supported-versions", "api-deprecated-versions", "deprecation", "sunset", "link"),
    *("token-expired", "www-authenticate", "retry-after", "repeatability-result"),
    *("etag", "content-language", "server-timing"),
)
"""The headers of an answer that pages of allowed origins may read."""

logger = logging.getLogger("app")


class Door:
    """The outermost layer of the application, in pure ASGI."""

    def __init__(
        self,
        routes: ASGIApp,
        *,
        endpoints: Mapping[str, ASGIApp],
        at_once: Mapping[str, AnswersAtOnce],
        phrases: Phrases,
        origins: Sequence[str],
        always: Mapping[str, str],
        watch: Watch,
    ) -> None:
        """Build the door.

        Args:
            routes: The application's routes.
            endpoints: What is asked so often that it is not looked for among the routes, by its path.
            at_once: Those of them that may answer without waiting, by the same paths.
            phrases: The words for refusals.
            origins: The origins whose pages may read answers (CORS); `*` stands for all of them.
            always: The headers of every answer besides those about safety.
            watch: Who is told of each request when it has ended.
        """
        self._routes = ExceptionMiddleware(routes, {HTTPException: self._refuse, Problem: self._refuse})
        self._endpoints = endpoints
        self._at_once = at_once
        self._is_for_pages = bool(origins)
        self._phrases = phrases
        self._always = raw(always)
        self._watch = watch
        self._safe = raw(ANSWER_HEADERS)
        self._over_https = raw({"Strict-Transport-Security": STRICT_TRANSPORT})
        self._within: ASGIApp = self._lead
        if origins:
            self._within = CORSMiddleware(
                self._lead,
                allow_origins=origins,
                allow_methods=("GET", "POST"),
                allow_headers=ASKED,
                expose_headers=SHOWN,
                max_age=600,
            )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, and see to it that its answer has the headers that every answer has."""
        if scope["type"] == "lifespan":
            await self._routes(scope, receive, send)
            return
        exchange = Exchange(scope)

        async def answer(message: Message) -> None:
            kind = message["type"]
            if kind == "http.response.start" or kind in _HANDSHAKE_ANSWERS:
                exchange.status = message.get("status", 101)
                message["headers"] = self._complete(message.get("headers", ()), exchange, scope)
            elif kind in _BODIES:
                exchange.sent_bytes += len(message.get("body", b""))
            await send(message)

        with self._watch.watching(exchange, scope):
            await self._within(scope, receive, answer)

    def at_once(self, scope: Scope) -> WholeAnswer | None:
        """Say how requests of such a head are answered, with the headers that every answer has."""
        room = self._at_once.get(scope["path"])
        if room is None or (self._is_for_pages and any(name == b"origin" for name, _ in scope["headers"])):
            return None
        first = Exchange(scope)
        found = room.at_once(scope)
        if found is None:
            return None
        answer_of, version, watch = found.answer, found.version, self._watch
        same = b"".join(map(HEADER_LINE.__mod__, self._usual(found.headers, first, scope)))

        def answer(body: bytes) -> tuple[bytes, bytes] | None:
            exchange = Exchange(scope)
            exchange.version = version
            watch.prepare(exchange)
            said = answer_of(exchange, body)
            if said is None:
                return None
            exchange.status, exchange.sent_bytes = 200, len(said)
            lines = b"content-length: %d\r\nx-ms-request-id: %b\r\n%b" % (
                len(said),
                exchange.request_id.encode(),
                same,
            )
            if watch.shows_timing:
                lines += HEADER_LINE % (b"server-timing", server_timing(exchange))
            watch.ended(exchange, scope)
            return lines, said

        return answer

    def _complete(self, headers: RawHeaders, exchange: Exchange, scope: Scope) -> RawHeaders:
        complete = [*self._usual(headers, exchange, scope), (b"x-ms-request-id", exchange.request_id.encode())]
        complete.extend(exchange.headers)
        if exchange.codes:
            complete.append((b"x-ms-error-code", exchange.codes[0].encode()))
        if self._watch.shows_timing:
            complete.append((b"server-timing", server_timing(exchange)))
        return complete

    def _usual(self, headers: RawHeaders, exchange: Exchange, scope: Scope) -> list[tuple[bytes, bytes]]:
        """Give the headers that all answers to such a request have, with some of its own."""
        complete = [*headers, *self._always]
        if exchange.client_request_id is not None:
            complete.append((b"x-ms-client-request-id", exchange.client_request_id))
        for name, _ in headers:
            if name == b"content-security-policy":
                # A page says itself what it may load.
                break
        else:
            complete.extend(self._safe)
        if scope.get("scheme") in ("https", "wss"):
            complete.extend(self._over_https)
        return complete

    async def _lead(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lead a request to its room; a failure that nobody has caught there is masked."""
        room = self._endpoints.get(scope["path"], self._routes)
        try:
            await room(scope, receive, self._worded(scope, receive, send))
        except ClientDisconnect:
            # Nobody waits for an answer any more, and nothing failed here.
            return
        except asyncio.CancelledError:
            # Nobody cancels a request but a server that ends, and has waited for it.
            await self._give_up(scope, receive, send)
        except Exception as error:
            voice = Voice.of(scope, self._phrases)
            logger.error("request %s failed at the door", voice.request_id, exc_info=error)
            # Of an answer that has begun, the server cuts the rest off.
            if exchange_of(scope).status is None and scope["type"] == "http":
                response = refuse(InternalError(requestId=voice.request_id), voice, scope)
                await response(scope, receive, send)

    def _worded(self, scope: Scope, receive: Receive, send: Send) -> Send:
        """Say in words that there is no socket at an address, where routes close what was never opened."""
        if scope["type"] != "websocket":
            return send

        async def worded(message: Message) -> None:
            if message["type"] == "websocket.close" and exchange_of(scope).status is None:
                nothing = refuse(NotFound(phrase="request-not-found"), Voice.of(scope, self._phrases), scope)
                await deny(nothing, scope, receive, send)
            else:
                await send(message)

        return worded

    async def _give_up(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            with suppress(OSError, RuntimeError):  # It is closed already, or was never opened.
                await send({"type": "websocket.close", "code": RESTARTED, "reason": ""})
        elif exchange_of(scope).status is None:
            await refuse(ServerEnds(), Voice.of(scope, self._phrases), scope)(scope, receive, send)

    async def _refuse(self, request: Request, refusal: Exception) -> Response:
        problem = refusal if isinstance(refusal, Problem) else _problem_of(refusal, request.method)
        return refuse(problem, Voice.of(request.scope, self._phrases), request.scope)


_HANDSHAKE_ANSWERS = frozenset({"websocket.accept", "websocket.http.response.start"})
_BODIES = frozenset({"http.response.body", "websocket.http.response.body"})


def _problem_of(turned_away: Exception, method: str) -> Problem:
    assert isinstance(turned_away, HTTPException)  # noqa: S101 - there is no other handler
    if turned_away.status_code == 404:
        return NotFound(phrase="request-not-found")
    if turned_away.status_code == 405:
        allowed = (turned_away.headers or {}).get("Allow", "GET, HEAD")
        return MethodNotAllowed(phrase="request-method-here", method=method, allowed=allowed)
    return MalformedRequest(phrase="request-malformed")
