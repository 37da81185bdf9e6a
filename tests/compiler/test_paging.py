"""Whoever goes through the pages sees each row once, whatever is written meanwhile, as lists in Python have it."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import delete, update
from sqlmodel import col

from app.database import Database
from app.entities import Share
from app.settings import Settings
from tests.callers import Callers
from tests.compiler.both import Both
from tests.compiler.operations import Operation
from tests.factories import NOON, ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app

EXAMPLES = 1_000 if os.environ.get("TESTS_LONG") else 60

_CONNECTION = """
sharesConnection(orderBy: $by, first: $first, after: $after, last: $last, before: $before) {
  nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
}
"""
_VARIABLES = "$by: [ShareOrder!], $first: Int, $after: String, $last: Int, $before: String"
PAGES = {
    None: f"query ({_VARIABLES}) {{ {_CONNECTION} }}",
    1: f'query ({_VARIABLES}) {{ industry(id: "1") {{ {_CONNECTION} }} }}',
}


@dataclass(frozen=True)
class Row:
    """A share as the test knows it: all that it may be ordered by as a number."""

    id: int
    industry_id: int
    tag: int
    price: int
    updated_at: int


COLUMNS = {"ID": "id", "TAG": "tag", "PRICE": "price", "UPDATED_AT": "updated_at"}

Order = list[tuple[str, str]]


@dataclass(frozen=True)
class Walk:
    """A way through the pages, and what is written before each of them."""

    order: Order
    is_backwards: bool
    industry_id: int | None
    sizes: list[int]
    writes: list[list[tuple[str, int, int, int]]]


# Few prices and moments, so that many rows have the same.
_VALUES = st.tuples(st.integers(0, 3), st.integers(0, 2))
_ORDERS = st.lists(st.tuples(st.sampled_from(list(COLUMNS)), st.sampled_from(["ASC", "DESC"])), max_size=3)
_WRITES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "delete", "change"]), st.integers(0, 20), st.integers(0, 3), st.integers(0, 2)
    ),
    max_size=3,
)
WALKS = st.builds(
    Walk,
    order=_ORDERS,
    is_backwards=st.booleans(),
    industry_id=st.sampled_from([None, 1]),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=12),
    writes=st.lists(_WRITES, min_size=1, max_size=12),
)


class Market:
    """The shares in the database beside what they should be."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tags = 0
        self.rows: dict[int, Row] = {}

    async def begin(self, values: list[tuple[int, int]]) -> None:
        async with self._database.unit_of_work() as session:
            await session.exec(delete(Share))
        self.rows = {}
        for price, moment in values:
            await self.insert(len(self.rows), price, moment)

    async def write(self, what: str, which: int, price: int, moment: int, order: Order) -> None:
        if what == "insert":
            await self.insert(which, price, moment)
        elif self.rows:
            row = list(self.rows.values())[which % len(self.rows)]
            await (self.delete(row) if what == "delete" else self.change(row, price, moment, order))

    async def insert(self, which: int, price: int, moment: int) -> None:
        # A tag between those that are there, as often as one after all of them.
        self._tags += 1
        number = (which * 7919 + self._tags * 104_729) % 1_000_000
        share = Share(
            industry_id=1 + which % 2,
            tag=f"T{number:06}",
            price=Decimal(price).scaleb(-4),
            created_at=NOON,
            updated_at=NOON + timedelta(milliseconds=moment),
        )
        async with self._database.unit_of_work() as session:
            session.add(share)
        self.rows[share.id] = Row(share.id, share.industry_id, number, price, moment)

    async def delete(self, row: Row) -> None:
        async with self._database.unit_of_work() as session:
            await session.exec(delete(Share).where(col(Share.id) == row.id))
        del self.rows[row.id]

    async def change(self, row: Row, price: int, moment: int, order: Order) -> None:
        """Change what the row is not ordered by."""
        by = {COLUMNS[name] for name, _ in order}
        changed = replace(
            row,
            price=row.price if "price" in by else price,
            updated_at=row.updated_at if "updated_at" in by else moment,
        )
        values = {
            "price": Decimal(changed.price).scaleb(-4),
            "updated_at": NOON + timedelta(milliseconds=changed.updated_at),
        }
        async with self._database.unit_of_work() as session:
            await session.exec(update(Share).where(col(Share.id) == row.id).values(**values))
        self.rows[row.id] = changed


def place(row: Row, order: Order) -> tuple[int, ...]:
    by = [(COLUMNS[name], way) for name, way in order]
    values = ((getattr(row, attribute), way) for attribute, way in [*by, ("id", "ASC")])
    return tuple(-value if way == "DESC" else value for value, way in values)


@asynccontextmanager
async def two_ways(settings: Settings, clock: ManualClock) -> AsyncIterator[tuple[Both, Market]]:
    async with quiet_app(settings, clock) as compiling, quiet_app(settings, clock) as executing:
        database = compiling.state.services.database
        async with database.unit_of_work() as session:
            for _ in range(2):
                await make_industry(session)
        yield Both(compiling, executing, clock), Market(database)


@pytest.fixture
def run(
    settings: Settings, clock: ManualClock
) -> Iterator[Callable[[Callable[[Both, Market], Awaitable[Any]]], Any]]:
    """Runs what is done with both applications and the market, in one event loop."""
    with asyncio.Runner() as runner:
        opened = two_ways(settings, clock)
        both, market = runner.run(opened.__aenter__())
        yield lambda act: runner.run(act(both, market))  # type: ignore[arg-type]
        runner.run(opened.__aexit__(None, None, None))


def test_pages_are_those_of_the_rows_that_are_there_beyond_the_last_one_seen(run: Any, clock: ManualClock) -> None:
    @examples(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(_VALUES, max_size=12), WALKS)
    def goes_through(values: list[tuple[int, int]], walk: Walk) -> None:
        async def go(both: Both, market: Market) -> None:
            await market.begin(values)
            await _go_through(both, market, walk, Callers(both.services, clock).skilled)

        run(go)

    goes_through()


async def _go_through(both: Both, market: Market, walk: Walk, token: str) -> None:
    size, cursor = ("last", "before") if walk.is_backwards else ("first", "after")
    own, start = ("hasPreviousPage", "startCursor") if walk.is_backwards else ("hasNextPage", "endCursor")
    variables: dict[str, Any] = {"by": [{"field": name, "direction": way} for name, way in walk.order]}
    last: tuple[int, ...] | None = None
    there_from_the_start, seen = set(market.rows), []
    pages = 0
    while True:
        for write in walk.writes[pages] if pages < len(walk.writes) else []:
            await market.write(*write, walk.order)
        there_from_the_start &= set(market.rows)
        variables[size] = wanted = walk.sizes[pages % len(walk.sizes)]
        compiled, executed, was_compiled = await both.ask(Operation(PAGES[walk.industry_id], variables), token)

        assert was_compiled
        assert compiled.body == executed.body
        found = (compiled.data["industry"] if walk.industry_id else compiled.data)["sharesConnection"]
        expected = _beyond(market, walk, last)
        page = expected[:wanted]
        assert found["nodes"] == [{"id": str(row.id)} for row in (reversed(page) if walk.is_backwards else page)]
        assert found["pageInfo"][own] == (len(expected) > wanted)
        seen += [row.id for row in page]
        if not found["pageInfo"][own]:
            break
        last, variables[cursor] = place(page[-1], walk.order), found["pageInfo"][start]
        pages += 1
    of_the_industry = {row.id for row in market.rows.values() if walk.industry_id in (None, row.industry_id)}
    assert len(seen) == len(set(seen))
    assert there_from_the_start & of_the_industry <= set(seen)


def _beyond(market: Market, walk: Walk, last: tuple[int, ...] | None) -> list[Row]:
    """The rows that are still to come, those first that come next."""
    rows = sorted(
        (row for row in market.rows.values() if walk.industry_id in (None, row.industry_id)),
        key=lambda row: place(row, walk.order),
        reverse=walk.is_backwards,
    )
    return [
        row
        for row in rows
        if last is None or (place(row, walk.order) < last if walk.is_backwards else place(row, walk.order) > last)
    ]


@pytest.mark.anyio
async def test_a_thousand_rows_come_once_each_by_pages_of_any_size(settings: Settings, clock: ManualClock) -> None:
    async with two_ways(settings, clock) as (both, _):
        async with both.services.database.unit_of_work() as session:
            industry = await make_industry(session)
            for number in range(1_000):
                await make_share(session, industry, price=Decimal(number % 7))
        walk = Walk([("PRICE", "DESC")], is_backwards=False, industry_id=None, sizes=[], writes=[])
        token, seen = Callers(both.services, clock).skilled, []
        variables: dict[str, Any] = {"by": [{"field": name, "direction": way} for name, way in walk.order]}
        for size in (500, 1, 499):
            answer, _, _ = await both.ask(Operation(PAGES[None], {**variables, "first": size}), token)
            found = answer.data["sharesConnection"]
            seen += [int(node["id"]) for node in found["nodes"]]
            variables["after"] = found["pageInfo"]["endCursor"]

    assert seen == sorted(range(1, 1_001), key=lambda id_: (-((id_ - 1) % 7), id_))
    assert not found["pageInfo"]["hasNextPage"]
