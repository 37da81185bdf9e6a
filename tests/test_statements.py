"""Prepared statements do the same in a session and past it, and a unit of work past it is as true as any."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import bindparam, delete, insert, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.database import Database
from app.drivers.links import Link
from app.entities import Industry, Share
from app.kit.facts import Fact, note
from app.statements import Prepared, Unit
from tests.counting import Statements
from tests.factories import NOON, make_share

pytestmark = pytest.mark.anyio

SECRET = "a-value-that-nobody-may-read"

INDUSTRY = Prepared(
    insert(Industry)
    .values(
        tag=bindparam("tag"), name="An industry", version=1, created_at=bindparam("at"), updated_at=bindparam("at")
    )
    .returning(col(Industry.id))
)
SHARE = Prepared(
    insert(Share).values(
        industry_id=bindparam("industry_id"),
        tag=bindparam("tag"),
        price=bindparam("price"),
        version=1,
        created_at=bindparam("at"),
        updated_at=bindparam("at"),
    )
)
SHARES = Prepared(
    select(col(Share.tag), col(Share.price), col(Share.created_at))
    .where(col(Share.price) >= bindparam("least"))
    .order_by(col(Share.id))
)
REPRICE = Prepared(update(Share).values(price=bindparam("new")))
DELETE = Prepared(delete(Share).where(col(Share.id) == bindparam("key")))

Opens = Callable[[Database], AbstractAsyncContextManager[Unit]]
OPENERS: dict[str, Opens] = {"a session": Database.unit_of_work, "past it": Database.writing}


class Opened(Fact):
    """A fact of the tests."""


@pytest.fixture(params=list(OPENERS.values()), ids=list(OPENERS))
def opens(request: pytest.FixtureRequest) -> Opens:
    """Opens a unit of work, in each way that there is."""
    found: Opens = request.param
    return found


async def tags(database: Database) -> list[str]:
    """The tags of the industries on record."""
    return [row[0] for row in await database.fetch(select(Industry.tag).order_by(col(Industry.id)))]


async def add(unit: Unit, tag: str) -> int:
    ((key,),) = await unit.run(INDUSTRY, tag=tag, at=NOON)
    return int(key)


async def add_and_fail(database: Database, opens: Opens, *tags: str) -> None:
    """Insert industries in one unit of work, note a fact, and fail unless the database fails before."""
    async with opens(database) as unit:
        for tag in tags:
            await add(unit, tag)
        note(unit, Opened())
        raise RuntimeError("something went wrong")


async def test_values_come_back_as_they_went_in(database: Database, opens: Opens) -> None:
    moment = datetime(2026, 6, 15, 12, 0, 0, 123_000, tzinfo=UTC)
    async with opens(database) as unit:
        key = await add(unit, "tech")
        for tag, price in (("LOW", "0.0001"), ("ÄÖ'\"", "123456789012345.6789")):
            await unit.run(SHARE, industry_id=key, tag=tag, price=Decimal(price), at=moment)

        found = await unit.run(SHARES, least=Decimal("0.0001"))

    assert found == [("LOW", Decimal("0.0001"), moment), ("ÄÖ'\"", Decimal("123456789012345.6789"), moment)]


async def test_a_statement_runs_again_with_other_values(database: Database, opens: Opens) -> None:
    async with opens(database) as unit:
        keys = [await add(unit, tag) for tag in ("one", "two", "three")]

    assert len(set(keys)) == 3
    assert await tags(database) == ["one", "two", "three"]


async def test_a_statement_that_gives_no_rows_gives_none(database: Database, opens: Opens) -> None:
    async with database.unit_of_work() as session:
        share = await make_share(session)

    async with opens(database) as unit:
        changed = await unit.run(REPRICE, new=Decimal(2))
        deleted = await unit.run(DELETE, key=share.id)

    assert (changed, deleted) == ([], [])
    assert await database.fetch(select(Share)) == []


async def test_a_session_runs_a_statement_after_what_it_was_given(database: Database) -> None:
    async with database.unit_of_work() as session:
        session.add(Industry(tag="tech", name="Technology", created_at=NOON, updated_at=NOON))

        await add(session, "finc")

    assert await tags(database) == ["tech", "finc"]


async def test_it_is_committed_at_the_end_and_not_before(database: Database, opens: Opens) -> None:
    async with opens(database) as unit:
        await add(unit, "tech")
        during = await tags(database)

    assert (during, await tags(database)) == ([], ["tech"])


async def test_what_fails_leaves_nothing_and_tells_nobody(database: Database, opens: Opens) -> None:
    told: list[Fact] = []
    database.listen(told.append)

    with pytest.raises(RuntimeError, match="something went wrong"):
        await add_and_fail(database, opens, "tech")
    async with opens(database) as unit:
        await add(unit, "finc")

    assert (await tags(database), told) == (["finc"], [])


async def test_a_broken_rule_is_told_alike_and_leaves_nothing(database: Database, opens: Opens) -> None:
    with pytest.raises(IntegrityError) as refused:
        await add_and_fail(database, opens, "tech", "tech")

    named = getattr(refused.value.orig, "sqlstate", None) or getattr(refused.value.orig, "sqlite_errorname", None)
    assert named == {"sqlite": "SQLITE_CONSTRAINT_UNIQUE", "postgresql": "23505"}[database.dialect_name]
    assert await tags(database) == []


async def test_a_logged_error_holds_no_values(
    database: Database, opens: Opens, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        await add_and_fail(database, opens, SECRET, SECRET)
    except IntegrityError:
        logging.getLogger("tests").exception("the request failed")

    assert "IntegrityError" in caplog.text
    assert SECRET not in caplog.text


async def test_what_is_cancelled_leaves_nothing_and_lets_the_next_one_write(
    database: Database, opens: Opens
) -> None:
    written = asyncio.Event()

    async def wait_after_writing() -> None:
        async with opens(database) as unit:
            await add(unit, "tech")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait_after_writing())
    await written.wait()
    task.cancel()
    await asyncio.wait([task])
    async with opens(database) as unit:
        await add(unit, "finc")

    assert (task.cancelled(), await tags(database)) == (True, ["finc"])


async def test_facts_are_told_in_their_order_once_they_are_true(database: Database, opens: Opens) -> None:
    told: list[Fact] = []
    facts = [Opened(), Opened()]
    database.listen(told.append)

    async with opens(database) as unit:
        for fact in facts:
            note(unit, fact)
        during = list(told)

    assert (during, told) == ([], facts)


@pytest.fixture
async def slow_to_commit(database: Database) -> AsyncIterator[asyncio.Event]:
    """An event that is set as soon as a commit has begun, which then goes on."""
    committing = asyncio.Event()

    link_over = database.link_over

    def slow_link_over(connection: Any) -> Link:
        link = link_over(connection)
        commit = link.commit

        async def announced() -> None:
            committing.set()
            await asyncio.sleep(0)
            await commit()

        link.commit = announced  # type: ignore[method-assign]
        return link

    database.link_over = slow_link_over
    yield committing
    database.link_over = link_over


async def test_who_gives_up_during_the_commit_has_it_committed_and_told(
    database: Database, slow_to_commit: asyncio.Event
) -> None:
    told: list[Fact] = []
    database.listen(told.append)

    async def write() -> None:
        async with database.writing() as unit:
            await add(unit, "tech")
            note(unit, Opened())

    task = asyncio.create_task(write())
    await slow_to_commit.wait()
    task.cancel()
    await asyncio.wait([task])

    assert (task.cancelled(), await tags(database), len(told)) == (True, ["tech"], 1)


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
async def test_who_gives_up_waiting_for_a_lock_holds_nobody_up(database: Database) -> None:
    async def write(tag: str) -> None:
        async with database.writing() as unit:
            await add(unit, tag)

    await write("before")
    with closing(sqlite3.connect(database.url.database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        given_up = asyncio.create_task(write("given up"))
        await asyncio.wait([given_up], timeout=0.2)
        given_up.cancel()
        await asyncio.wait([given_up])
        waiting = asyncio.create_task(write("waiting"))
        await asyncio.wait([waiting], timeout=0.1)
        other.execute("ROLLBACK")
        await waiting

    assert given_up.cancelled()
    assert await tags(database) == ["before", "waiting"]


async def test_writers_of_both_kinds_take_turns(database: Database) -> None:
    async def write(number: int) -> None:
        async with list(OPENERS.values())[number % 2](database) as unit:
            await add(unit, f"tag-{number}")
            await asyncio.sleep(0)
            await add(unit, f"other-{number}")

    await asyncio.gather(*map(write, range(20)))

    assert len(await tags(database)) == 40


async def test_statements_past_the_engines_are_counted_too(database: Database) -> None:
    with Statements(database) as statements:
        async with database.writing() as unit:
            await add(unit, "tech")

    assert [statement.split()[0] for statement in statements] == ["INSERT"]
