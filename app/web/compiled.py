"""The short way: a request whose operation is compiled is answered without resolvers, and almost without Python.

It takes nothing upon itself that needs words: whatever is not plainly right goes the ordinary way, with the same
doors, and is refused or executed there.
"""

import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import orjson
from starlette.types import Message, Receive, Scope, Send

from app.compiler.texts import NotCompiled
from app.drivers import Unreadable
from app.graph.compiled import Compiled, compile_operation
from app.graph.context import Services
from app.graph.documents import Document
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock
from app.kit.problem import Problem
from app.web.caching import NO_STORE
from app.web.documents import NamedDocuments
from app.web.media_types import EVENT_STREAM, is_json, negotiate
from app.web.operations import read_operation

logger = logging.getLogger("app")

# RFC 6750, section 2.1, as in `app.web.context`: one space, then token68.
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] ([A-Za-z0-9\-._~+/]+=*)")

# Who sends one of these asks for more than the answer.
_ASKS_FOR_MORE = frozenset(
    {b"content-encoding", b"idempotency-key", b"repeatability-request-id", b"repeatability-first-sent"}
)


class CompiledReads:
    """Answers POST requests for compiled operations of one API version."""

    def __init__(
        self, schema: SecuredSchema, services: Services, named_documents: NamedDocuments, *, max_body_bytes: int
    ) -> None:
        self._schema = schema
        self._services = services
        self._tokens = services.identity.tokens
        self._named_documents = named_documents
        self._database = services.database
        self._dialect = services.database.dialect_name
        self._clock: Clock = services.clock
        self._max_body_bytes = max_body_bytes

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer a request, or leave it as it was.

        Returns:
            None if the request is answered; otherwise what the ordinary way receives it from, whole.
        """
        if scope["method"] != "POST":
            return receive
        asked = _headers(scope["headers"])
        if asked is None:
            return receive
        token, media_type = asked
        messages = [await receive()]
        size = len(messages[0].get("body", b""))
        while messages[-1].get("more_body") and size <= self._max_body_bytes:
            messages.append(await receive())
            size += len(messages[-1].get("body", b""))
        data = None if size > self._max_body_bytes else await self._data(token, messages)
        if data is None:
            return _again(messages, receive)
        body = b'{"data":' + data + b"}"
        await send(
            {
                "type": "http.response.start",
                "status": HTTPStatus.OK,
                "headers": [
                    (b"content-length", b"%d" % len(body)),
                    (b"content-type", media_type),
                    (b"x-content-type-options", b"nosniff"),
                    (b"cache-control", NO_STORE.encode()),
                    (b"x-ms-request-id", str(uuid4()).encode()),
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})
        return None

    async def _data(self, token: str | None, messages: Sequence[Message]) -> bytes | None:
        """Give the JSON of `data`; None if the request has to go the ordinary way."""
        try:
            parameters = orjson.loads(b"".join([message.get("body", b"") for message in messages]))
            compiled = self._compiled(parameters)
            if compiled is None or not self._may(token, compiled):
                return None
            statement, values = compiled.operation.statement_for(parameters.get("variables"))
            found = self._database.reader.read(statement.sql, values, is_short=statement.is_short)
            return found if found is None or isinstance(found, bytes) else await found
        except (ValueError, NotCompiled, Problem):
            return None
        except Unreadable as error:
            logger.error("a compiled statement failed, its operation is executed instead", exc_info=error)
            return None

    def _compiled(self, parameters: Any) -> Compiled | None:
        if not _is_plain(parameters):
            return None
        text, extensions = parameters.get("query"), parameters.get("extensions")
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
        operation = read_operation(document.text, name, schema.documents)
        try:
            return compile_operation(schema.graphql, document, operation.node, schema.shelves, self._dialect)
        except NotCompiled as why:
            return why

    def _may(self, token: str | None, compiled: Compiled) -> bool:
        claims = None
        if token is not None:
            claims = self._tokens.read_access(token)
            self._services.revocations.hold_against(claims)
        today = self._clock().date()
        return all(policy.allows(claims, today) for policy in compiled.policies)


def _headers(headers: list[tuple[bytes, bytes]]) -> tuple[str | None, bytes] | None:
    """Give the access token and the media type to answer in; None if a header asks for the ordinary way."""
    token: str | None = None
    content_type = accept = None
    for name, value in headers:
        if name == b"authorization":
            bearer = _BEARER.fullmatch(value.decode("latin-1"))
            if token is not None or bearer is None:
                return None
            token = bearer[1]
        elif name == b"content-type":
            content_type = value.decode("latin-1")
        elif name == b"accept":
            accept = value.decode("latin-1") if accept is None else f"{accept},{value.decode('latin-1')}"
        elif name in _ASKS_FOR_MORE:
            return None
    media_type = negotiate(accept)
    if media_type is None or media_type == EVENT_STREAM or not is_json(content_type):
        return None
    return token, f"{media_type}; charset=utf-8".encode()


def _is_plain(parameters: Any) -> bool:
    return (
        isinstance(parameters, dict)
        and isinstance(parameters.get("query"), str | None)
        and isinstance(parameters.get("documentId"), str | None)
        and isinstance(parameters.get("operationName"), str | None)
        and isinstance(parameters.get("variables"), Mapping | None)
        and isinstance(parameters.get("extensions"), Mapping | None)
    )


def _again(messages: Sequence[Message], receive: Receive) -> Receive:
    waiting = deque(messages)

    async def replay() -> Message:
        return waiting.popleft() if waiting else await receive()

    return replay
