"""How long a request may take: to come in whole, and to be answered."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from starlette.types import Scope

from app.kit.phrases import Phrases
from app.kit.problem import Problem
from app.web.problems import DoorProblem

T = TypeVar("T")

_LATE = "late"
_RETRY_SECONDS = "5"


class RequestTooSlow(DoorProblem):
    """The request did not come in whole within its time (RFC 9110, section 15.5.9)."""

    status = 408
    # What is still to come of the body nobody will read.
    headers: ClassVar[Mapping[str, str]] = {"Connection": "close"}


class OutOfTime(Problem):
    """The operation took longer than it may."""

    code = "UNAVAILABLE"
    status: ClassVar[int] = 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": _RETRY_SECONDS}

    def __init__(self) -> None:
        super().__init__(phrase="unavailable-out-of-time")


class ServerEnds(Problem):
    """The server was asked to end, and the operation took longer than it waits."""

    code = "UNAVAILABLE"
    status: ClassVar[int] = 503
    headers: ClassVar[Mapping[str, str]] = {"Retry-After": _RETRY_SECONDS}

    def __init__(self) -> None:
        super().__init__(phrase="unavailable-server-ends")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimits:
    """How long a request may take.

    Attributes:
        request_seconds: To come in whole.
        execution_seconds: To be answered; a subscription goes on.
    """

    request_seconds: float
    execution_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TransportLimits:
    """What a connection may take, whatever comes over it.

    Attributes:
        head_bytes: The most bytes of the first line and the headers of a request.
        request_seconds: How long a request may take to come in whole.
        unread_seconds: How long the client may leave unread what is sent to it.
        frames_per_second: How many frames a socket may send in the long run.
        frame_burst: How many it may send at once.
        phrases: The words for refusals.
        always: The headers of every answer.
    """

    head_bytes: int
    request_seconds: float
    unread_seconds: float
    frames_per_second: int
    frame_burst: int
    phrases: Phrases
    always: Mapping[str, str]


def note_late(scope: Scope) -> None:
    """Note that the rest of a request's body will not be waited for."""
    scope["state"][_LATE] = True


def is_late(scope: Scope) -> bool:
    """Say whether the rest of a request's body is not waited for."""
    return bool(scope.get("state", {}).get(_LATE))


@asynccontextmanager
async def deadline(seconds: float | None) -> AsyncIterator[None]:
    """End what takes longer; None for what may take as long as it likes.

    Raises:
        OutOfTime: It took longer.
    """
    try:
        async with asyncio.timeout(seconds) as limit:
            yield
    except TimeoutError as error:
        if limit.expired():
            raise OutOfTime from error
        raise


async def in_time(seconds: float, work: Awaitable[T]) -> T:
    """Wait for something that may take so long.

    Raises:
        OutOfTime: It took longer.
    """
    async with deadline(seconds):
        return await work


async def all_in_time(seconds: float, items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Pass on items that may take so long altogether.

    Raises:
        OutOfTime: They took longer.
    """
    loop = asyncio.get_running_loop()
    ends = loop.time() + seconds
    async with aclosing(items):
        while True:
            # Never over a yield: whoever takes the items would be timed as well.
            try:
                item = await in_time(ends - loop.time(), anext(items))
            except StopAsyncIteration:
                return
            yield item
