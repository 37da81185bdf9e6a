"""The short way: a request whose operation is compiled is answered without resolvers, and almost without Python.

It takes nothing upon itself that needs words: whatever is not plainly right goes the ordinary way, with the same
doors, and is refused or executed there. Only a write that fails is at its end: it may have been done.
"""

import logging
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from time import perf_counter_ns
from typing import Any, ClassVar

import orjson
from starlette.types import Message, Receive, Scope, Send
from strawberry.types import ExecutionResult

from app.compiler.plan import NotCompiled
from app.compiler.texts import Statement
from app.domain.audit import Origin
from app.domain.policies import Policy
from app.graph.compiled import AnyCompiled, Compiled, compile_operation
from app.graph.compiled_writes import CompiledWrite
from app.graph.context import Services
from app.graph.documents import Document, OperationName
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock, days_of
from app.kit.problem import Problem, Problems
from app.security.tokens import AccessClaims
from app.web.caching import NO_STORE
from app.web.context import BEARER
from app.web.deadlines import OutOfTime, TimeLimits, in_time, is_late
from app.web.documents import NamedDocuments
from app.web.exchange import AUTH, PLAN, AtOnce, Exchange, Way, exchange_of
from app.web.kept_answers import Generations, KeptAnswer, KeptAnswers, Key
from app.web.media_types import EVENT_STREAM, is_json, negotiate
from app.web.operations import read_operation
from app.web.rates import Quota, Rates

logger = logging.getLogger("app")

# Who sends one of these asks for more than the answer.
_ASKS_FOR_MORE = frozenset(
    {b"content-encoding", b"idempotency-key", b"repeatability-request-id", b"repeatability-first-sent"}
)

_LOOKED_AT = _ASKS_FOR_MORE | {b"authorization", b"content-type", b"accept"}

_PARAMETERS = {"query": str, "documentId": str, "operationName": str, "variables": dict, "extensions": dict}

_NOT_TO_BE_KEPT = (b"cache-control", NO_STORE.encode())


@dataclass(slots=True)
class _Caller:
    """Who sends requests of one head.

    Attributes:
        token: The access token; None of a stranger.
        quota: How many requests the trader may send; None as long as nobody has verified the token.
    """

    token: str | None
    quota: Quota | None = None


@dataclass(slots=True)
class _Wanted:
    """What a request asks for, by those who may have it."""

    key: Key
    policies: Collection[Policy]
    statement: Statement
    values: Sequence[Any]
    is_short: bool
    operation: OperationName
    way: ClassVar[Way] = "compiled"


@dataclass(slots=True)
class _ToWrite:
    """What a request wants written, by those who may write it."""

    write: CompiledWrite
    variables: Mapping[str, Any] | None
    operation: OperationName
    way: ClassVar[Way] = "compiled"


_Found = KeptAnswer | _Wanted | _ToWrite


class WriteFailed(Exception):
    """A write failed, and nobody knows whether it was done: it must not be tried in another way.

    Attributes:
        result: What the executor would have made of it.
    """

    def __init__(self, result: ExecutionResult) -> None:
        super().__init__()
        self.result = result


class ShortWay:
    """Answers POST requests for compiled operations of one API version."""

    def __init__(
        self,
        schema: SecuredSchema,
        services: Services,
        named_documents: NamedDocuments,
        rates: Rates,
        time_limits: TimeLimits,
        kept_answers: KeptAnswers | None,
        *,
        max_body_bytes: int,
    ) -> None:
        self._schema = schema
        self._services = services
        self._tokens = services.identity.tokens
        self._named_documents = named_documents
        self._rates = rates
        self._time_limits = time_limits
        self._kept_answers = kept_answers
        self._database = services.database
        self._dialect = services.database.dialect_name
        # Of any other database every answer has to be waited for.
        self._is_embedded = self._dialect == "sqlite"
        self._clock: Clock = services.clock
        self._today = days_of(services.clock)
        self._max_body_bytes = max_body_bytes

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> Receive | None:
        """Answer a request, or leave it as it was.

        Returns:
            None if the request is answered; otherwise what the ordinary way receives it from, whole.

        Raises:
            OutOfTime: It took longer than it may.
            WriteFailed: A write failed.
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
        answer = await self._answer(exchange_of(scope), _Caller(asked[0]), body) if is_whole else None
        if answer is None:
            return _again(messages, receive)
        headers = [(b"content-length", b"%d" % len(answer)), (b"content-type", asked[1]), _NOT_TO_BE_KEPT]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})
        return None

    def at_once(self, scope: Scope) -> AtOnce | None:
        """Say how POST requests are answered from what is kept, or by what is read before one could wait."""
        asked = _headers(scope["headers"]) if self._is_embedded and scope["method"] == "POST" else None
        if asked is None:
            return None
        token, media_type = asked
        headers = ((b"content-type", media_type), _NOT_TO_BE_KEPT)
        return AtOnce(partial(self._answer_at_once, _Caller(token)), headers)

    def _answer_at_once(self, caller: _Caller, exchange: Exchange, body: bytes) -> bytes | None:
        if len(body) > self._max_body_bytes:
            return None
        try:
            claims = self._claims(exchange, caller)
            found = self._found(exchange, claims, body)
            answer = None
            if isinstance(found, KeptAnswer):
                answer = found.body
            elif isinstance(found, _Wanted) and found.is_short:
                answer = self._read_at_once(exchange, found)
            if found is not None and answer is not None:
                exchange.way, exchange.operation = found.way, found.operation
                return answer
        except Exception as error:  # noqa: BLE001 - whatever is not plainly right goes the ordinary way
            _tell_unexpected(error)
        _give_back(caller, exchange)
        return None

    async def _answer(self, exchange: Exchange, caller: _Caller, body: bytes) -> bytes | None:
        """Give the body of the answer; None if the request has to go the ordinary way."""
        exchange.note_said(body)
        # To wait for the request took time that no room had.
        exchange.left = perf_counter_ns()
        try:
            claims = self._claims(exchange, caller)
            found = self._found(exchange, claims, body)
            answer = None
            if isinstance(found, KeptAnswer):
                answer = found.body
            elif isinstance(found, _Wanted):
                answer = await self._read(exchange, found)
            elif found is not None:
                answer = await self._write(exchange, claims, found)
            if found is not None and answer is not None:
                exchange.way, exchange.operation = found.way, found.operation
                return answer
        except (OutOfTime, WriteFailed):
            # To be executed it would take as long again, or be done twice.
            raise
        except Exception as error:  # noqa: BLE001 - whatever is not plainly right goes the ordinary way
            _tell_unexpected(error)
        _give_back(caller, exchange)
        return None

    def _found(self, exchange: Exchange, claims: AccessClaims | None, body: bytes) -> _Found | None:
        """Find the answer if it is kept, or else what is wanted; None if it is nothing for these claims."""
        began = exchange.left
        found = self._kept(claims, body) or self._wanted(claims, body)
        exchange.passed(PLAN, began)
        return found

    def _kept(self, claims: AccessClaims | None, body: bytes) -> KeptAnswer | None:
        if self._kept_answers is None:
            return None
        kept = self._kept_answers.find((self._schema.version, body))
        return kept if kept is not None and self._may(claims, kept.policies) else None

    def _wanted(self, claims: AccessClaims | None, body: bytes) -> _Wanted | _ToWrite | None:
        """Find out what answers a request; None if nothing compiled does, or nothing for these claims."""
        parameters = orjson.loads(body)
        compiled = self._compiled(parameters)
        if compiled is None or not self._may(claims, compiled.policies):
            return None
        variables = parameters.get("variables")
        if compiled.costs.of(variables) > self._services.document_limits.cost:
            return None
        if isinstance(compiled.operation, CompiledWrite):
            return _ToWrite(compiled.operation, variables, compiled.name)
        statement, values, is_short = compiled.operation.statement_for(variables)
        key = (self._schema.version, body)
        return _Wanted(key, compiled.policies, statement, values, is_short, compiled.name)

    def _read_at_once(self, exchange: Exchange, wanted: _Wanted) -> bytes | None:
        began = exchange.left
        generations = self._generations(wanted.key)
        found = self._database.reader.read(wanted.statement.sql, wanted.values, is_short=True)
        if isinstance(found, bytes):
            exchange.ran(wanted.statement.sql, began)
            return self._answer_of(wanted, generations, found)
        if found is not None:
            # Somebody has a lock: whoever waits for it does so in the other way.
            found.close()
        return None

    async def _read(self, exchange: Exchange, wanted: _Wanted) -> bytes | None:
        statement, began = wanted.statement, exchange.left
        generations = self._generations(wanted.key)
        try:
            found = self._database.reader.read(statement.sql, wanted.values, is_short=wanted.is_short)
            if found is not None and not isinstance(found, bytes):
                found = await in_time(self._time_limits.execution_seconds, found)
        finally:
            # Also of what took too long.
            exchange.ran(statement.sql, began)
        return None if found is None else self._answer_of(wanted, generations, found)

    async def _write(self, exchange: Exchange, claims: AccessClaims | None, wanted: _ToWrite) -> bytes | None:
        began = exchange.left
        values = wanted.write.values(wanted.variables)
        exchange.passed(PLAN, began)
        actor_id = None if claims is None else claims.trader_id
        origin = Origin(request_id=exchange.request_id, client=exchange.client, actor_id=actor_id)
        work = self._services.audited(origin)
        writing = wanted.write.run(work, values, self._clock())
        try:
            data = await in_time(self._time_limits.execution_seconds, writing)
        except (Problem, Problems):
            raise
        except Exception as error:
            exchange.way, exchange.operation = wanted.way, wanted.operation
            raise WriteFailed(wanted.write.failed(error)) from error
        return orjson.dumps({"data": data})

    def _generations(self, key: Key) -> Generations | None:
        return None if self._kept_answers is None else self._kept_answers.before_reading(key)

    def _answer_of(self, wanted: _Wanted, generations: Generations | None, data: bytes) -> bytes:
        answer = b'{"data":%b}' % data
        if self._kept_answers is not None and generations is not None:
            kept = KeptAnswer(answer, wanted.policies, wanted.statement.tables, generations, wanted.operation)
            self._kept_answers.keep(wanted.key, kept)
        return answer

    def _compiled(self, parameters: Any) -> AnyCompiled | None:
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
        known: AnyCompiled | NotCompiled | None = document.compiled.get((self._dialect, name))
        if known is None:
            known = document.compiled[self._dialect, name] = self._compile(document, name)
        return known if isinstance(known, Compiled) else None

    def _compile(self, document: Document, name: str | None) -> AnyCompiled | NotCompiled:
        schema = self._schema
        operation = read_operation(document.text, name, schema.documents, self._services.document_limits)
        try:
            return compile_operation(schema.graphql, document, operation.node, schema.shelves, self._dialect)
        except NotCompiled as why:
            return why

    def _claims(self, exchange: Exchange, caller: _Caller) -> AccessClaims | None:
        began, claims = exchange.left, None
        if caller.token is not None:
            claims = self._tokens.read_access(caller.token)
            self._services.revocations.hold_against(claims)
            quota = caller.quota
            if quota is None:
                quota = caller.quota = self._rates.quota_of_trader(claims.trader_id)
            quota.take()
            exchange.trader_id = claims.trader_id
        exchange.passed(AUTH, began)
        return claims

    def _may(self, claims: AccessClaims | None, policies: Collection[Policy]) -> bool:
        today = self._today()
        for policy in policies:  # noqa: SIM110 - a generator takes longer than what it is asked
            if not policy.allows(claims, today):
                return False
        return True


def _give_back(caller: _Caller, exchange: Exchange) -> None:
    """Count a request of a trader, if it was counted, no more: the ordinary way counts it again."""
    if caller.quota is not None and exchange.trader_id is not None:
        caller.quota.give_back()


def _tell_unexpected(error: Exception) -> None:
    if not isinstance(error, ValueError | NotCompiled | Problem | Problems):
        logger.error("a compiled operation failed and is executed instead", exc_info=error)


def _headers(headers: list[tuple[bytes, bytes]]) -> tuple[str | None, bytes] | None:
    """Give the access token and the media type to answer in; None if a header asks for the ordinary way."""
    authorization = content_type = accept = b""
    for name, value in headers:
        if name not in _LOOKED_AT:
            continue
        if name == b"authorization":
            if authorization:
                return None
            authorization = value
        elif name == b"content-type":
            content_type = value
        elif name == b"accept":
            accept = b"%b,%b" % (accept, value) if accept else value
        else:
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
