"""The short way: a request whose operation is compiled is answered without resolvers, and almost without Python.

It takes nothing upon itself that needs words: whatever is not plainly right goes the ordinary way, with the same
doors, and is refused or executed there.
"""

import logging
from collections import deque
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from starlette.types import Message, Receive, Scope, Send

from app.compiler.texts import NotCompiled
from app.graph.compiled import Compiled, compile_operation
from app.graph.context import Services
from app.graph.documents import Document
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock
from app.kit.problem import Problem
from app.security.tokens import AccessClaims
from app.web.caching import NO_STORE
from app.web.context import BEARER
from app.web.deadlines import OutOfTime, TimeLimits, in_time, is_late
from app.web.documents import NamedDocuments
from app.web.media_types import EVENT_STREAM, is_json, negotiate
from app.web.operations import read_operation
from app.web.rates import Rates

logger = logging.getLogger("app")

# Who sends one of these asks for more than the answer.
_ASKS_FOR_MORE = frozenset(
    {b"content-encoding", b"idempotency-key", b"repeatability-request-id", b"repeatability-first-sent"}
)

_PARAMETERS = {"query": str, "documentId": str, "operationName": str, "variables": dict, "extensions": dict}

_NOT_TO_BE_KEPT = (b"cache-control", NO_STORE.encode())


class CompiledReads:
    """Answers POST requests for compiled operations of one API version."""

    def __init__(
        self,
        schema: SecuredSchema,
        services: Services,
        named_documents: NamedDocuments,
        rates: Rates,
        time_limits: TimeLimits,
        *,
        max_body_bytes: int,
    ) -> None:
        self._schema = schema
        self._services = services
        self._tokens = services.identity.tokens
        self._named_documents = named_documents
        self._rates = rates
        self._time_limits = time_limits
        self._database = services.database
        self._dialect = services.database.dialect_name
        self._clock: Clock = services.clock
        self._max_body_bytes = max_body_bytes

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer a request, or leave it as it was.

        Returns:
            None if the request is answered; otherwise what the ordinary way receives it from, whole.

        Raises:
            OutOfTime: The statement took longer than it may.
        """
        if scope["method"] != "POST":
            return receive
        asked = _headers(scope["headers"])
        if asked is None:
            return receive
        message = await receive()
        messages = [message]
        body = message.get("body", b"")
        while message.get("more_body") and len(body) <= self._max_body_bytes and not is_late(scope):
            message = await receive()
            messages.append(message)
            body += message.get("body", b"")
        is_whole = not message.get("more_body") and len(body) <= self._max_body_bytes
        data = await self._data(asked[0], body) if is_whole else None
        if data is None:
            return _again(messages, receive)
        answer = b'{"data":%b}' % data
        await send(
            {
                "type": "http.response.start",
                "status": 200,
                "headers": [
                    (b"content-length", b"%d" % len(answer)),
                    (b"content-type", asked[1]),
                    _NOT_TO_BE_KEPT,
                ],
            }
        )
        await send({"type": "http.response.body", "body": answer})
        return None

    async def _data(self, token: str | None, body: bytes) -> bytes | None:
        """Give the JSON of `data`; None if the request has to go the ordinary way."""
        try:
            parameters = orjson.loads(body)
            compiled = self._compiled(parameters)
            if compiled is None:
                return None
            claims = self._claims(token)
            if not self._may(claims, compiled):
                return None
            variables = parameters.get("variables")
            if compiled.costs.of(variables) > self._services.document_limits.cost:
                return None
            statement, values = compiled.operation.statement_for(variables)
            found = self._database.reader.read(statement.sql, values, is_short=statement.is_short)
            if found is None or isinstance(found, bytes):
                data = found
            else:
                data = await in_time(self._time_limits.execution_seconds, found)
            if data is not None and claims is not None:
                self._rates.count_request_of_trader(claims.trader_id)
            return data
        except OutOfTime:
            # To be executed it would take as long again.
            raise
        except (ValueError, NotCompiled, Problem):
            return None
        except Exception as error:
            logger.error("a compiled operation failed and is executed instead", exc_info=error)
            return None

    def _compiled(self, parameters: Any) -> Compiled | None:
        if not _is_plain(parameters):
            return None
        text, extensions = parameters.get("query"), parameters.get("extensions")
        if extensions and "cost" in extensions:
            return None
        if extensions or parameters.get("documentId"):
            text = self._named_documents.find(text, parameters.get("documentId"), extensions).text
        elif not self._named_documents.takes(text):
            return None
        document = self._schema.documents.find(text) if text else None
        if document is None:
            # Nobody has parsed or validated it yet: whoever executes it does, and keeps it.
            return None
        name = parameters.get("operationName") or None
        known: Compiled | NotCompiled | None = document.compiled.get((self._dialect, name))
        if known is None:
            known = document.compiled[self._dialect, name] = self._compile(document, name)
        return known if isinstance(known, Compiled) else None

    def _compile(self, document: Document, name: str | None) -> Compiled | NotCompiled:
        schema = self._schema
        operation = read_operation(document.text, name, schema.documents, self._services.document_limits)
        try:
            return compile_operation(schema.graphql, document, operation.node, schema.shelves, self._dialect)
        except NotCompiled as why:
            return why

    def _claims(self, token: str | None) -> AccessClaims | None:
        if token is None:
            return None
        claims = self._tokens.read_access(token)
        self._services.revocations.hold_against(claims)
        self._rates.hold(claims.trader_id)
        return claims

    def _may(self, claims: AccessClaims | None, compiled: Compiled) -> bool:
        today = self._clock().date()
        return all(policy.allows(claims, today) for policy in compiled.policies)


def _headers(headers: list[tuple[bytes, bytes]]) -> tuple[str | None, bytes] | None:
    """Give the access token and the media type to answer in; None if a header asks for the ordinary way."""
    authorization = content_type = accept = b""
    for name, value in headers:
        if name == b"authorization":
            if authorization:
                return None
            authorization = value
        elif name == b"content-type":
            content_type = value
        elif name == b"accept":
            accept = b"%b,%b" % (accept, value) if accept else value
        elif name in _ASKS_FOR_MORE:
            return None
    media_type = _media_type(accept, content_type)
    token = _token(authorization)
    return None if media_type is None or token is None else (token or None, media_type)


# Callers are many and their headers few; a token comes again and again for as long as it lasts.
@lru_cache(maxsize=256)
def _media_type(accept: bytes, content_type: bytes) -> bytes | None:
    media_type = negotiate(accept.decode("latin-1"))
    if media_type is None or media_type == EVENT_STREAM or not is_json(content_type.decode("latin-1")):
        return None
    return f"{media_type}; charset=utf-8".encode()


@lru_cache(maxsize=4096)
def _token(authorization: bytes) -> str | None:
    """Give the token of a header; an empty one without a header, None for a header that is malformed."""
    bearer = BEARER.fullmatch(authorization.decode("latin-1"))
    return bearer[1] if bearer else None if authorization else ""


def _is_plain(parameters: Any) -> bool:
    if type(parameters) is not dict:
        return False
    for name, value in parameters.items():
        expected = _PARAMETERS.get(name)
        if expected is not None and value is not None and type(value) is not expected:
            return False
    return True


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    waiting = deque(messages)

    async def replay() -> Message:
        return waiting.popleft() if waiting else await receive()

    return replay
