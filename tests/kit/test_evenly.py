"""What happens inside ends at a multiple of the step, on a clock that only sleeping moves."""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from app.kit.evenly import evenly, failing_evenly, waiting_last
from app.kit.problem import Problem

STEP = timedelta(seconds=10)


class Refused(Problem):
    """Some problem."""

    code = "LOGIN_FAILED"


class _InstantSelector(selectors.DefaultSelector):
    now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        self.now += timeout or 0.0
        return super().select(0)


def seconds(work: Callable[[], Awaitable[None]]) -> float:
    """Run something on a clock of its own, and say how long it took there."""
    selector = _InstantSelector()
    loop = asyncio.SelectorEventLoop(selector)
    loop.time = lambda: selector.now  # type: ignore[method-assign]
    try:
        loop.run_until_complete(asyncio.wait_for(work(), None))
        return round(selector.now, 3)
    finally:
        loop.close()


@pytest.mark.parametrize(("lasts", "ends"), [(0, 10), (1, 10), (9.9, 10), (10.5, 20), (25, 30)])
@pytest.mark.parametrize("around", [evenly, failing_evenly])
def test_a_problem_is_told_at_a_multiple_of_the_step(around: Any, lasts: float, ends: float) -> None:
    async def refuse() -> None:
        async with around(STEP):
            await asyncio.sleep(lasts)
            raise Refused

    async def work() -> None:
        with pytest.raises(Refused):
            await refuse()

    assert seconds(work) == ends


@pytest.mark.parametrize(("around", "ends"), [(evenly, 10), (failing_evenly, 3)])
def test_a_success_is_told_evenly_only_where_it_is_a_secret(around: Any, ends: float) -> None:
    async def work() -> None:
        async with around(STEP):
            await asyncio.sleep(3)

    assert seconds(work) == ends


@pytest.mark.parametrize("around", [evenly, failing_evenly])
def test_no_step_waits_for_nothing(around: Any) -> None:
    async def work() -> None:
        async with around(timedelta(0)):
            await asyncio.sleep(3)

    assert seconds(work) == 3


@pytest.mark.parametrize("around", [evenly, failing_evenly])
def test_a_request_that_is_given_up_is_not_held(around: Any) -> None:
    async def last() -> None:
        async with around(STEP):
            await asyncio.sleep(100)

    async def work() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(last(), 4)

    assert seconds(work) == 4


@pytest.mark.parametrize("fails", [True, False])
def test_a_wait_that_is_put_off_is_waited_for_at_the_end_of_all(fails: bool) -> None:  # noqa: FBT001
    between = 0.0

    async def refuse() -> None:
        nonlocal between
        async with waiting_last():
            async with evenly(STEP):
                await asyncio.sleep(3)
            between = asyncio.get_running_loop().time()
            await asyncio.sleep(4)
            if fails:
                raise Refused

    async def work() -> None:
        if fails:
            with pytest.raises(Refused):
                await refuse()
        else:
            await refuse()

    assert seconds(work) == 10
    assert round(between, 3) == 3


def test_nothing_is_put_off_any_more_after_that() -> None:
    async def work() -> None:
        async with waiting_last():
            pass
        async with evenly(STEP):
            await asyncio.sleep(3)

    assert seconds(work) == 10
