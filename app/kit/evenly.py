"""Answers at even times, so that how long one took tells nothing of what it found."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import timedelta

from app.kit.problem import Problem


@asynccontextmanager
async def evenly(step: timedelta) -> AsyncIterator[None]:
    """Let what happens inside end, well or by a problem, only at a multiple of a step after its beginning.

    Work that is done in less than one step always takes one, whichever road it went.

    Args:
        step: The step; zero waits for nothing.
    """
    even = _Even(step)
    try:
        yield
    except Problem:
        await even.wait()
        raise
    await even.wait()


@asynccontextmanager
async def failing_evenly(step: timedelta) -> AsyncIterator[None]:
    """Do the same only where it ends by a problem: for acts whose success is no secret."""
    even = _Even(step)
    try:
        yield
    except Problem:
        await even.wait()
        raise


@asynccontextmanager
async def waiting_last() -> AsyncIterator[None]:
    """Put off every wait of what happens inside until all of it is over.

    For what holds a lock around acts that answer evenly: who waits must not keep others waiting.
    """
    owed: list[_Even] = []
    token = _owed.set(owed)
    try:
        yield
    except Exception:
        await _pay(owed)
        raise
    finally:
        _owed.reset(token)
    await _pay(owed)


async def _pay(owed: "list[_Even]") -> None:
    for even in owed:
        await even.sleep()


class _Even:
    def __init__(self, step: timedelta) -> None:
        self._step = step.total_seconds()
        self._begun = asyncio.get_running_loop().time()

    async def wait(self) -> None:
        owed = _owed.get()
        if owed is None:
            await self.sleep()
        else:
            owed.append(self)

    async def sleep(self) -> None:
        if self._step:
            elapsed = asyncio.get_running_loop().time() - self._begun
            await asyncio.sleep(self._step - elapsed % self._step)


_owed: ContextVar[list[_Even] | None] = ContextVar("owed", default=None)
