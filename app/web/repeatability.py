"""Exactly once: a mutation that is sent again gets the answer that it had, and is not done again.

A mutation with the header `Repeatability-Request-ID` (OASIS Repeatable Requests 1.0) or `Idempotency-Key`
runs in one transaction, from its first change to the record of its answer. So a server that ends at any
moment leaves either both or neither, and the next try is answered or done accordingly. An operation of
several fields is done as a whole: if the server fails in one of them, all are undone.

Three decisions:

- **What changed nothing leaves no record.** An operation that never came to a unit of work, refused by its
  policy or by a rule, is simply answered anew. A flood of refused requests writes nothing.
- **Nobody waits for the database while a hash is made**: a password is checked before the transaction begins.
  Therefore a field that hashes stands alone in a repeatable operation; with another one ahead of it, the
  count of its tries would wait for a transaction that waits for it. And an answer that is held back, so that
  its time tells nothing, is held after the commit.
- **Who has the same id is told apart by trader, not by token**, so that a renewed token changes nothing. What
  is open to anyone is known by its id alone, for an access token that expires between two tries of a
  renewal must not make it another one.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any, ClassVar, cast
from weakref import WeakValueDictionary

import orjson
from graphql import GraphQLSchema
from sqlmodel.ext.asyncio.session import AsyncSession
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.types import ExecutionResult

from app.database import DatabaseBusy
from app.domain import repeating
from app.domain.repeating import Repeatable
from app.domain.work import GivenUp
from app.graph.context import Context, Services
from app.graph.errors import InternalError, say_result
from app.kit.evenly import waiting_last
from app.kit.problem import Problem
from app.web.operations import Operation, hashes_beside_others, opens_without_token
from app.web.problems import DoorProblem

RESULT = "Repeatability-Result"

_REQUEST_ID, _FIRST_SENT, _KEY = "repeatability-request-id", "repeatability-first-sent", "idempotency-key"
_REJECTED = {RESULT: "rejected"}

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
# As the draft of the header field has it a string in quotes; most clients leave them out.
_IDEMPOTENCY_KEY = re.compile(r'(?P<quote>"?)(?P<key>[!#-\[\]-~]{1,255})(?P=quote)')
# RFC 9110, section 5.6.7; the form is looked at first because the parser takes many others.
_IMF_FIXDATE = re.compile(r"[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} GMT")

_SKEW = timedelta(minutes=5)
"""How far ahead of the server's a client's clock may be."""

# Kept beside what GraphQL has at the top of an answer: data, errors and extensions.
_LOCALE = "locale"

_PATIENCE_SECONDS = 10.0
_MOST_FORGOTTEN = 500


class MalformedRepeatability(DoorProblem):
    """A header of a repeatable request has the wrong form, or the operation cannot be repeatable."""

    status = 400
    headers = _REJECTED


class SentTooLongAgo(DoorProblem):
    """The request was first sent before anything that is still remembered, or in the future."""

    status = 412
    headers = _REJECTED


class RepeatedRequestMismatch(Problem):
    """The same id came with a different request."""

    code = "REPEATED_REQUEST_MISMATCH"
    status: ClassVar[int] = 400
    headers = _REJECTED


class StillRunning(Problem):
    """The same request is being done, and is not done yet. Nothing is said about what will come of it."""

    code = "UNAVAILABLE"
    status: ClassVar[int] = 409
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": "1"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """An operation that is about to be executed.

    Attributes:
        execute: Executes it.
    """

    request: Request
    operation: Operation
    data: GraphQLRequestData
    schema: GraphQLSchema
    context: Context
    execute: Callable[[], Awaitable[ExecutionResult]]


@dataclass
class Answered(ExecutionResult):
    """A result that has the form of an answer already, now or since long.

    Attributes:
        answer: The answer.
        locale: The language of its words, if they were said long ago.
    """

    answer: GraphQLHTTPResponse = field(kw_only=True)
    locale: str | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, answer: GraphQLHTTPResponse, locale: str | None = None) -> "Answered":
        """Make one of an answer whose errors, if any, stand in it in words."""
        return cls(data=answer.get("data"), errors=None, answer=answer, locale=locale)


def id_of(headers: Headers, now: datetime, window: timedelta) -> str | None:
    """Give the id of a repeatable request; None if the request is not repeatable.

    Args:
        headers: The request's.
        now: The moment, in UTC.
        window: How long ago the request may have been sent first.

    Raises:
        MalformedRepeatability: A header has the wrong form, or is missing or repeated.
        SentTooLongAgo: The request was sent first outside the window.

    Source: OASIS Repeatable Requests 1.0, section 2; draft-ietf-httpapi-idempotency-key-header-07.
    """
    ids, sent, keys = (headers.getlist(name) for name in (_REQUEST_ID, _FIRST_SENT, _KEY))
    if not (ids or sent or keys):
        return None
    if len(ids) + len(keys) != 1:
        raise MalformedRepeatability(phrase="request-repeat-one-id")
    if keys:
        match = _IDEMPOTENCY_KEY.fullmatch(keys[0])
        if match is None:
            raise MalformedRepeatability(phrase="request-repeat-key")
        return _canonical(match["key"])
    if not _GUID.fullmatch(ids[0]):
        raise MalformedRepeatability(phrase="request-repeat-id")
    first_sent = _moment(sent[0]) if len(sent) == 1 else None
    if first_sent is None:
        raise MalformedRepeatability(phrase="request-repeat-first-sent")
    if not now - window <= first_sent <= now + _SKEW:
        raise SentTooLongAgo(phrase="request-repeat-too-long-ago")
    return _canonical(ids[0])


class Repeatability:
    """Does repeatable mutations once, and answers those that come again."""

    def __init__(self, services: Services, window: timedelta) -> None:
        """Begin without any request under way.

        Args:
            services: Where records are kept, and what they are sealed with.
            window: How long records answer.
        """
        self._services = services
        self._window = window
        self._lines: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    async def run(self, attempt: Attempt, response: Response) -> ExecutionResult:
        """Execute an operation, or give the answer that it had.

        Queries are safe by themselves: their headers are not looked at.

        Raises:
            MalformedRepeatability: A header has the wrong form, or the operation cannot be repeatable.
            SentTooLongAgo: The request was sent first outside the window.
            RepeatedRequestMismatch: The same id came with a different request before.
            StillRunning: The same request is under way, and took too long to be waited for.
            InternalError: The server failed; nothing was done, and the next try does it.
        """
        context = attempt.context
        if not attempt.operation.is_mutation:
            return await attempt.execute()
        request_id = id_of(attempt.request.headers, context.now, self._window)
        if request_id is None:
            return await attempt.execute()
        if hashes_beside_others(attempt.operation, attempt.schema):
            raise MalformedRepeatability(phrase="request-repeat-password-alone")
        result = await self._once(self._repeatable(attempt, request_id), attempt)
        response.headers[RESULT] = "accepted"
        if isinstance(result, Answered) and result.locale is not None:
            response.headers["Content-Language"] = result.locale
        return result

    def refuse_stream(self, attempt: Attempt) -> None:
        """Refuse a repeatable mutation whose answer is to be a stream of events: none is kept.

        Raises:
            MalformedRepeatability: It is one.
            SentTooLongAgo: The request was sent first outside the window.
        """
        if attempt.operation.is_mutation and id_of(attempt.request.headers, attempt.context.now, self._window):
            raise MalformedRepeatability(phrase="request-repeat-stream")

    def refuse_batch(self, headers: Headers) -> None:
        """Refuse a repeatable request that is a list of operations: an id stands for one.

        Raises:
            MalformedRepeatability: It is one.
        """
        if any(name in headers for name in (_REQUEST_ID, _FIRST_SENT, _KEY)):
            raise MalformedRepeatability(phrase="request-repeat-batch")

    async def forget(self) -> None:
        """Delete the records that answer no more, a few at a time so that nobody waits long."""
        deleted = _MOST_FORGOTTEN
        while deleted == _MOST_FORGOTTEN:
            async with self._services.database.unit_of_work() as session:
                deleted = await repeating.forget(session, most=_MOST_FORGOTTEN, now=self._services.clock())

    def _repeatable(self, attempt: Attempt, request_id: str) -> Repeatable:
        claims, data = attempt.context.claims, attempt.data
        is_strangers = claims is None or opens_without_token(attempt.operation, attempt.schema)
        # Neither the language nor the token: in another one the same is asked.
        asked = [attempt.context.version, data.query, data.operation_name, data.variables or {}]
        return repeating.repeatable(
            self._services.identity.seals,
            request_id,
            repeating.STRANGER if claims is None or is_strangers else claims.trader_id,
            json.dumps(asked, sort_keys=True).encode(),
        )

    async def _once(self, request: Repeatable, attempt: Attempt) -> ExecutionResult:
        # In a line for each request: who is sent twice to one process waits here, without a connection.
        line = self._lines.setdefault(request.key, asyncio.Lock())
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                await line.acquire()
        except TimeoutError:
            raise StillRunning from None
        try:
            return await self._recalled(request) or await self._done(request, attempt)
        finally:
            line.release()

    async def _recalled(self, request: Repeatable) -> ExecutionResult | None:
        database, seals = self._services.database, self._services.identity.seals
        async with database.reading() as session:
            recalled = await repeating.recall(session, seals, request, self._services.clock())
        if recalled is None:
            return None
        if not recalled.is_same:
            async with database.unit_of_work() as session:
                await repeating.count_other(session, request)
            raise RepeatedRequestMismatch
        answer = orjson.loads(recalled.answer)
        locale = answer.pop(_LOCALE, None)
        return Answered.of(answer, locale)

    async def _done(self, request: Repeatable, attempt: Attempt) -> ExecutionResult:
        context, services = attempt.context, self._services

        async def claim(session: AsyncSession) -> None:
            now = services.clock()
            # As long as any try can come that was sent first within the window.
            await repeating.claim(session, request, expires_at=now + self._window + _SKEW, now=now)

        async with waiting_last(), services.database.operation(claim) as transaction:
            context.transaction = transaction
            result = await attempt.execute()
            context.transaction = None
            if isinstance(transaction.refusal, GivenUp):
                # Another process was first: what this one did is undone, and the other's answer is there.
                return await self._found(request)
            if isinstance(transaction.refusal, DatabaseBusy):
                raise StillRunning from transaction.refusal
            if not transaction.has_begun and transaction.refusal is None:
                return result
            answer = say_result(result, context)
            if _has_failed(answer):
                raise InternalError(requestId=context.request_id)
            async with services.audited_operation(transaction, context.origin).last() as session:
                kept = {**answer, _LOCALE: context.locale} if context.has_spoken else answer
                await repeating.complete(session, services.identity.seals, request, orjson.dumps(kept))
            await transaction.commit()
        return Answered.of(answer)

    async def _found(self, request: Repeatable) -> ExecutionResult:
        recalled = await self._recalled(request)
        if recalled is None:
            raise StillRunning
        return recalled


def _canonical(request_id: str) -> str:
    # The same id by either header is the same; a GUID has no case.
    return request_id.lower() if _GUID.fullmatch(request_id) else request_id


def _moment(text: str) -> datetime | None:
    """Read a moment; None if it is none, or on another day of the week than it says."""
    if not _IMF_FIXDATE.fullmatch(text):
        return None
    try:
        moment = parsedate_to_datetime(text)
        return moment if format_datetime(moment, usegmt=True) == text else None
    except ValueError:
        return None


def _has_failed(answer: GraphQLHTTPResponse) -> bool:
    errors = cast("list[dict[str, Any]]", answer.get("errors") or [])
    return any(error["extensions"]["code"] == InternalError.code for error in errors)
