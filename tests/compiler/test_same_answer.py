"""Whatever is asked, the compiled answer is the executed one: its data, its errors, its status."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings

from app.settings import Settings
from tests.callers import Callers
from tests.compiler.both import Both
from tests.compiler.operations import Cursors, Operation, Order, every_order, operations
from tests.factories import NOON, ManualClock, make_industry, make_share, make_trader
from tests.graph.conftest import quiet_app

EXAMPLES = 10_000 if os.environ.get("TESTS_LONG") else 200


@asynccontextmanager
async def both_ways(settings: Settings, clock: ManualClock) -> AsyncIterator[Both]:
    async with quiet_app(settings, clock) as compiling, quiet_app(settings, clock) as executing:
        async with compiling.state.services.database.unit_of_work() as session:
            # Of two and of four prices the mean lies between two amounts.
            for number, (tag, shares) in enumerate(
                (("tech", 5), ("béé", 2), ('q"uo\\te', 4), ("empty", 0)), start=1
            ):
                name = f"Ünï {number} / 100 % \n\x7f {'long ' * 20}"
                industry = await make_industry(session, tag=tag, name=name, now=_moment(number))
                for position in range(shares):
                    price = f"{position * 10}.{(2800, 2801, 2803, 2802, 2806)[position]}"
                    tag_of_share = f"{tag.upper()}{position}" if number > 1 else f"SHARE-{position}"
                    await make_share(session, industry, tag=tag_of_share, price=price, now=_moment(position))
        await make_trader(compiling.state.services.database, email="one@example.com")
        yield Both(compiling, executing, clock)


def _moment(number: int) -> datetime:
    """Some are the same, so that the key decides."""
    return NOON + timedelta(milliseconds=number // 2)


async def cursors(both: Both) -> Cursors:
    """The cursors that the server gives for all rows, in all orders by up to two fields."""
    given: dict[tuple[str, Order], list[str]] = {}
    for of, field in (("Share", "sharesConnection"), ("Industry", "industriesConnection")):
        for order in every_order(of):
            written = ", ".join(f"{{field: {name}, direction: {way}}}" for name, way in order)
            document = f"{{ {field}(orderBy: [{written}]) {{ edges {{ cursor }} }} }}"
            answer = await both.executed(document)
            given[of, order] = [edge["cursor"] for edge in answer.data[field]["edges"]]
    return given


@pytest.fixture
def run(settings: Settings, clock: ManualClock) -> Iterator[Callable[[Callable[[Both], Awaitable[Any]]], Any]]:
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
    @given(operations(run(cursors)))
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
