"""Whatever is asked, the compiled answer is the executed one: its data, its errors, its status."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from app.settings import Settings
from tests.callers import Callers
from tests.compiler.both import Both
from tests.compiler.operations import Operation, operations
from tests.factories import ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app

EXAMPLES = 10_000 if os.environ.get("TESTS_LONG") else 300


@asynccontextmanager
async def both_ways(settings: Settings, clock: ManualClock) -> AsyncIterator[Both]:
    async with quiet_app(settings, clock) as compiling, quiet_app(settings, clock) as executing:
        async with compiling.state.services.database.unit_of_work() as session:
            for number, tag in enumerate(("tech", "béé", 'q"uo\\te', "empty"), start=1):
                industry = await make_industry(session, tag=tag, name=f"Ünï {number} / 100 %")
                for position in range(0 if tag == "empty" else 5):
                    price = f"{position * 10}.{2800 + position}"
                    tag_of_share = f"{tag.upper()}{position}" if number > 1 else f"SHARE-{position}"
                    await make_share(session, industry, tag=tag_of_share, price=price)
        yield Both(compiling, executing, clock)


@pytest.fixture
def run(settings: Settings, clock: ManualClock) -> Iterator[Callable[[Callable[[Both], Awaitable[None]]], None]]:
    """Runs what is asked of both applications, in one event loop for all the examples of a test."""
    with asyncio.Runner() as runner:
        opened = both_ways(settings, clock)
        both = runner.run(opened.__aenter__())
        yield lambda ask: runner.run(ask(both))  # type: ignore[arg-type]
        runner.run(opened.__aexit__(None, None, None))


def test_a_compiled_answer_is_the_executed_one(run: Any, clock: ManualClock) -> None:
    compiled_ones = 0

    @settings(
        max_examples=EXAMPLES,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        deadline=None,
    )
    @given(operations())
    def answers_agree(operation: Operation) -> None:
        async def ask(both: Both) -> None:
            nonlocal compiled_ones
            token = Callers(both.services, clock).skilled
            compiled, executed, was_compiled = await both.ask(operation, token)
            event("compiled" if was_compiled else f"executed: {executed.codes}")
            compiled_ones += was_compiled
            assert (compiled.status, compiled.data) == (executed.status, executed.data)
            # Fields that fail side by side are told of as they fail.
            assert sorted(compiled.errors, key=str) == sorted(executed.errors, key=str)

        run(ask)

    answers_agree()
    assert compiled_ones > EXAMPLES / 3
