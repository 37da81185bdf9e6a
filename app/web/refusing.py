"""Requests that end in a problem: its words, its status and its headers, as one answer."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from app.graph.errors import BadRequest, Speaker, say_refusal
from app.kit.phrases import Phrases
from app.kit.problem import Problem
from app.security.tokens import InvalidToken
from app.web.caching import NO_STORE
from app.web.deadlines import TransportLimits
from app.web.events import single_answer
from app.web.exchange import HEADER_LINE, Exchange, exchange_of, raw
from app.web.locale import negotiate
from app.web.media_types import EVENT_STREAM, JSON
from app.web.problems import MethodNotAllowed, headers_of, status_of
from app.web.watching import Watch, server_timing


@dataclass(frozen=True, slots=True)
class Voice:
    """Speaks to a caller of whom nothing is known but a language.

    Attributes:
        locale: The language, a BCP 47 tag that the catalogues have.
        request_id: The name of the request in the log.
    """

    phrases: Phrases
    locale: str
    request_id: str

    @classmethod
    def of(cls, scope: Scope, phrases: Phrases) -> "Voice":
        """Find the language that the caller of a request understands."""
        said = b",".join(value for name, value in scope["headers"] if name == b"accept-language")
        locale = negotiate(said.decode("latin-1") or None, phrases.locales)
        return cls(phrases, locale, exchange_of(scope).request_id)

    def say(self, key: str, **params: str | int) -> str:
        """Say a phrase in the caller's language."""
        return self.phrases.say(self.locale, key, **params)


def refuse(problem: Problem, speaker: Speaker, scope: Scope, media_type: str = JSON) -> Response:
    """Make the answer that tells a problem and nothing else."""
    errors = say_refusal(problem, speaker)
    exchange = exchange_of(scope)
    # Whatever was to be told before is not told now.
    exchange.codes = ()
    exchange.tell(errors)
    status = status_of(problem, media_type)
    if media_type == EVENT_STREAM and status == HTTPStatus.OK:
        response = single_answer({"errors": errors})
        response.headers["Content-Language"] = speaker.locale
        return response
    return Response(
        orjson.dumps({"errors": errors}),
        status_code=status,
        headers={"Content-Language": speaker.locale, "Cache-Control": NO_STORE, **headers_of_refusal(problem)},
        media_type=f"{JSON if media_type == EVENT_STREAM else media_type}; charset=utf-8",
    )


async def deny(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    """Give an answer to a request, or to a handshake in place of a socket."""
    if scope["type"] != "websocket":
        await response(scope, receive, send)
        return
    await WebSocket(scope, receive, send).send_denial_response(response)
    # uvicorn closes the connection a moment later, and logs a handshake as broken until then.
    await asyncio.sleep(0)


SOCKET_VERSION = "13"
"""The version of the WebSocket protocol (RFC 6455)."""

# RFC 6455, section 4.4, and RFC 9110, section 15.5.22
_OF_STATUS: Mapping[HTTPStatus, Mapping[str, str]] = {
    HTTPStatus.UPGRADE_REQUIRED: {
        "Connection": "close, upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": SOCKET_VERSION,
    }
}


def raw_refusal(
    asked: Scope, limits: TransportLimits, watch: Watch, status: HTTPStatus, phrase: str, **params: str | int
) -> bytes:
    """Write the whole answer to what is no request, and so never meets the application.

    Args:
        asked: The headers that have come so far, the client's address and the scheme.
        limits: They have the words, and the headers of every answer.
        watch: Who is told of it.
        status: The answer's.
        phrase: What is wrong.
        params: What the phrase's placeables stand for.
    """
    # Of all that has come nothing else is certain.
    languages = [header for header in asked["headers"] if header[0] == b"accept-language"]
    scope = {**asked, "type": "http", "headers": languages}
    exchange = Exchange(scope)
    voice = Voice.of(scope, limits.phrases)
    message = voice.say(BadRequest.code, detail=voice.say(phrase, **params))
    error = {"message": message, "extensions": {"code": BadRequest.code}}
    exchange.tell([error])
    body = orjson.dumps({"errors": [error]})
    headers = {
        "Date": formatdate(usegmt=True),
        "Content-Type": f"{JSON}; charset=utf-8",
        "Content-Length": str(len(body)),
        "Content-Language": voice.locale,
        "Cache-Control": NO_STORE,
        "Connection": "close",
        **limits.always,
        "x-ms-request-id": exchange.request_id,
        "x-ms-error-code": BadRequest.code,
        **_OF_STATUS.get(status, {}),
    }
    lines = b"".join(map(HEADER_LINE.__mod__, raw(headers)))
    if watch.shows_timing:
        lines += HEADER_LINE % (b"server-timing", server_timing(exchange))
    exchange.status, exchange.sent_bytes = status.value, len(body)
    watch.ended(exchange, scope)
    return b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status.value, status.phrase.encode(), lines, body)


def headers_of_refusal(problem: Problem) -> Mapping[str, str]:
    """Give the headers that the answer to a refused request has because of the problem."""
    headers = dict(headers_of(problem))
    if isinstance(problem, MethodNotAllowed):
        headers["Allow"] = str(problem.params.get("allowed", "GET, POST"))
    if problem.code == "TOKEN_EXPIRED":
        headers["Token-Expired"] = "true"
    if problem.code in ("TOKEN_EXPIRED", "UNAUTHENTICATED"):
        # RFC 6750, section 3.1: who has sent no token is told of no error.
        is_broken = isinstance(problem, InvalidToken)
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"' if is_broken else "Bearer"
    if problem.code == "RATE_LIMITED":
        headers["Retry-After"] = str(problem.params["seconds"])
    return headers
