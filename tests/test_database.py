"""Units of work are true as a whole or not at all, readers cannot write, and errors tell no values."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, text
from sqlalchemy.exc import IntegrityError, InvalidRequestError, OperationalError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.database import Database, Transaction, migrate, sqlite_url, with_driver
from app.entities import Industry, Share, Trader
from app.kit.facts import Fact, note
from tests.factories import NOON, make_industry, make_share, make_trader

SECRET = "a-value-that-nobody-may-read"
PRAGMAS = ("foreign_keys", "journal_mode", "busy_timeout", "synchronous", "query_only")


class Opened(Fact):
    """A fact of the tests."""


@pytest.fixture
async def embedded(tmp_path: Path) -> AsyncIterator[Database]:
    """A migrated SQLite database; for what is SQLite's own."""
    url = sqlite_url(tmp_path / "embedded.sqlite")
    await migrate(url)
    database = Database(url, synchronous="FULL")
    yield database
    await database.close()


async def tags(database: Database) -> list[str]:
    """The tags of the industries on record."""
    return [row[0] for row in await database.fetch(select(Industry.tag).order_by(col(Industry.id)))]


async def pragmas(session: AsyncSession) -> dict[str, Any]:
    connection = await session.connection()
    return {name: (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one() for name in PRAGMAS}


async def count_up(database: Database, industry_id: int) -> None:
    """Read a version and write the next one."""
    async with database.unit_of_work() as session:
        industry = await session.get_one(Industry, industry_id, with_for_update=True)
        industry.version += 1


async def fail_after_writing(work: Database | Transaction, tag: str = "tech") -> None:
    async with work.unit_of_work() as session:
        await make_industry(session, tag=tag)
        note(session, Opened())
        raise RuntimeError("something went wrong")


async def write_while_reading(database: Database) -> None:
    async with database.reading() as session:
        await make_industry(session, tag="tech")


@pytest.mark.anyio
async def test_the_writing_connection_of_sqlite_is_durable_and_keeps_references(embedded: Database) -> None:
    async with embedded.unit_of_work() as session:
        chosen = await pragmas(session)

    assert chosen == {
        "foreign_keys": 1,
        "journal_mode": "wal",
        "busy_timeout": 0,
        "synchronous": 2,
        "query_only": 0,
    }


@pytest.mark.anyio
async def test_a_write_waits_for_the_lock_of_another_process_and_lets_everything_else_go_on(
    embedded: Database,
) -> None:
    async def write() -> None:
        async with embedded.unit_of_work() as session:
            await make_industry(session, tag="tech")

    await embedded.fetch(text("SELECT 1"))
    with closing(sqlite3.connect(embedded.url.database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(write())
        # Were the loop to wait with it, this would come after ten seconds, and the write would have failed.
        await asyncio.wait([writing], timeout=0.2)
        was_waiting = not writing.done()
        other.execute("ROLLBACK")
        await writing

    assert was_waiting
    assert await tags(embedded) == ["tech"]


@pytest.mark.anyio
async def test_a_write_that_a_lock_keeps_waiting_too_long_fails_and_the_next_is_done(
    embedded: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.drivers.sqlite.BUSY_TIMEOUT_MILLISECONDS", 50)
    await embedded.fetch(text("SELECT 1"))
    with closing(sqlite3.connect(embedded.url.database or "", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            async with embedded.unit_of_work() as session:
                await make_industry(session, tag="late")
        other.execute("ROLLBACK")
    async with embedded.unit_of_work() as session:
        await make_industry(session, tag="tech")

    assert await tags(embedded) == ["tech"]


@pytest.mark.anyio
async def test_every_reading_connection_of_sqlite_refuses_to_write(embedded: Database) -> None:
    async with AsyncExitStack() as opened:
        sessions = [await opened.enter_async_context(embedded.reading()) for _ in range(4)]
        chosen = [await pragmas(session) for session in sessions]

    assert chosen == 4 * [
        {"foreign_keys": 1, "journal_mode": "wal", "busy_timeout": 10_000, "synchronous": 2, "query_only": 1}
    ]


@pytest.mark.anyio
async def test_the_durability_of_sqlite_can_be_chosen(tmp_path: Path) -> None:
    database = Database(sqlite_url(tmp_path / "embedded.sqlite"), synchronous="NORMAL")

    async with database.unit_of_work() as session:
        chosen = await pragmas(session)

    await database.close()
    assert chosen["synchronous"] == 1


@pytest.mark.anyio
async def test_sqlite_refuses_a_write_through_a_reading_session(embedded: Database) -> None:
    with pytest.raises(OperationalError, match="attempt to write a readonly database"):
        await write_while_reading(embedded)

    assert await tags(embedded) == []


@pytest.mark.anyio
async def test_nothing_that_a_reading_session_or_statement_wrote_stays(database: Database) -> None:
    values = {"tag": "tech", "name": "Technology", "created_at": NOON, "updated_at": NOON}
    statement = insert(Industry).values(**values).returning(col(Industry.id))

    for write in (write_while_reading(database), database.fetch(statement)):
        await asyncio.gather(write, return_exceptions=True)

    assert await tags(database) == []


@pytest.mark.anyio
async def test_a_reference_to_nothing_is_refused(database: Database) -> None:
    nowhere = Industry(id=404, tag="none", name="None", created_at=NOON, updated_at=NOON)

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        async with database.unit_of_work() as session:
            await make_share(session, nowhere)


@pytest.mark.anyio
async def test_a_unit_of_work_is_committed_at_its_end_and_not_before(database: Database) -> None:
    async with database.unit_of_work() as session:
        await make_industry(session, tag="tech")
        during = await tags(database)

    assert (during, await tags(database)) == ([], ["tech"])


@pytest.mark.anyio
async def test_a_unit_of_work_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="something went wrong"):
        await fail_after_writing(database)

    assert await tags(database) == []


@pytest.mark.anyio
async def test_a_unit_of_work_that_is_cancelled_leaves_nothing_and_lets_the_next_one_write(
    database: Database,
) -> None:
    written = asyncio.Event()

    async def wait_after_writing() -> None:
        async with database.unit_of_work() as session:
            await make_industry(session, tag="tech")
            written.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait_after_writing())
    await written.wait()
    task.cancel()
    await asyncio.wait([task])

    async with database.unit_of_work() as session:
        await make_industry(session, tag="finc")
    assert (task.cancelled(), await tags(database)) == (True, ["finc"])


@pytest.mark.anyio
async def test_the_facts_of_a_unit_of_work_are_told_in_their_order_once_it_is_true(database: Database) -> None:
    told: list[tuple[str, Fact]] = []
    facts = [Opened(), Opened()]
    database.listen(lambda fact: told.append(("one", fact)))
    database.listen(lambda fact: told.append(("other", fact)))

    async with database.unit_of_work() as session:
        for fact in facts:
            note(session, fact)
        await make_industry(session)
        during = list(told)

    assert during == []
    assert told == [("one", facts[0]), ("other", facts[0]), ("one", facts[1]), ("other", facts[1])]


@pytest.mark.anyio
async def test_a_unit_of_work_that_fails_tells_nobody(database: Database) -> None:
    told: list[Fact] = []
    database.listen(told.append)

    with pytest.raises(RuntimeError, match="something went wrong"):
        await fail_after_writing(database)

    assert told == []


@pytest.mark.anyio
async def test_what_a_session_gave_stays_usable_when_it_is_closed(database: Database) -> None:
    async with database.unit_of_work() as session:
        await make_industry(session, tag="tech")

    async with database.reading() as session:
        read = (await session.exec(select(Industry))).one()

    assert (read.tag, read.version, read.created_at) == ("tech", 1, NOON)


@pytest.mark.anyio
async def test_two_servers_on_one_database_write_at_once(database_url: str) -> None:
    servers = [Database(database_url), Database(database_url)]
    async with servers[0].unit_of_work() as session:
        industry = await make_industry(session)

    await asyncio.gather(*(count_up(servers[turn % 2], industry.id) for turn in range(20)))

    counts = [(await server.fetch(select(Industry.version)))[0][0] for server in servers]
    for server in servers:
        await server.close()
    assert counts == [21, 21]


@pytest.mark.anyio
async def test_a_relation_that_was_not_loaded_raises(database: Database) -> None:
    async with database.unit_of_work() as session:
        await make_share(session)

    async with database.reading() as session:
        share = (await session.exec(select(Share))).one()
        industry = (await session.exec(select(Industry))).one()

        with pytest.raises(InvalidRequestError, match="lazy='raise'"):
            _ = share.industry
        with pytest.raises(InvalidRequestError, match="lazy='raise'"):
            _ = industry.shares


@pytest.mark.anyio
async def test_letters_of_every_language_have_their_lower_case_in_sql(database: Database) -> None:
    rows = await database.fetch(select(func.lower("ÀÉÎÕÜ ŁÓDŹ ЦЕНА")))

    assert [tuple(row) for row in rows] == [("àéîõü łódź цена",)]


@pytest.mark.anyio
async def test_a_logged_error_of_a_duplicate_holds_no_values(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    trader = await make_trader(database, email=f"{SECRET}@example.com")

    try:
        async with database.unit_of_work() as session:
            session.add(Trader(**trader.model_dump(exclude={"id"})))
    except IntegrityError:
        logging.getLogger("tests").exception("the request failed")

    assert "IntegrityError" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.anyio
async def test_a_logged_error_of_a_broken_rule_holds_no_values(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    try:
        async with database.unit_of_work() as session:
            await make_share(session, tag=SECRET, price="-1")
    except IntegrityError:
        logging.getLogger("tests").exception("the request failed")

    assert "ck_share_price" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:///shares.sqlite", "sqlite+aiosqlite:///shares.sqlite"),
        ("sqlite+aiosqlite:///shares.sqlite", "sqlite+aiosqlite:///shares.sqlite"),
        ("postgresql://ada:pw@host:5433/shares", "postgresql+asyncpg://ada:pw@host:5433/shares"),
        ("postgres://ada:pw@host/shares", "postgresql+asyncpg://ada:pw@host/shares"),
        ("postgresql+asyncpg://host/shares", "postgresql+asyncpg://host/shares"),
    ],
)
def test_a_url_is_given_its_asynchronous_driver(given: str, driver: str) -> None:
    assert with_driver(given).render_as_string(hide_password=False) == driver


@pytest.mark.parametrize(
    "folder", ["plain", "with space", "100%", "a%20b", "who?x=1", "hash#1", "co:lon@at", "සිං"]
)
def test_the_url_of_a_file_keeps_every_character_of_its_path(folder: str, tmp_path: Path) -> None:
    file = tmp_path / folder / "shares.sqlite"

    assert with_driver(sqlite_url(file)).database == str(file)


def test_the_url_of_a_database_hides_its_password_when_it_is_shown() -> None:
    database = Database(f"postgresql://ada:{SECRET}@127.0.0.1/shares")

    assert SECRET not in f"{database.url} {database.url!r} {database.engines}"


async def nothing_first(_: AsyncSession) -> None:
    """What an operation may begin with."""


async def note_and_make(work: Transaction, tag: str) -> None:
    async with work.unit_of_work() as session:
        await make_industry(session, tag=tag)
        note(session, Opened())


@pytest.mark.anyio
async def test_the_units_of_an_operation_are_true_together_and_told_then(database: Database) -> None:
    told: list[Fact] = []
    database.listen(told.append)

    async with database.operation(nothing_first) as operation:
        await note_and_make(operation, "tech")
        await note_and_make(operation, "finc")
        within = [row[0] for row in await operation.fetch(select(Industry.tag).order_by(col(Industry.id)))]
        async with operation.reading() as session:
            read = (await session.exec(select(Industry.tag).order_by(col(Industry.id)))).all()
        before = (await tags(database), list(told))
        await operation.commit()

    assert within == read == ["tech", "finc"]
    assert before == ([], [])
    assert await tags(database) == ["tech", "finc"]
    assert [type(fact) for fact in told] == [Opened, Opened]


@pytest.mark.anyio
async def test_a_unit_that_fails_is_undone_alone_and_its_facts_are_forgotten(database: Database) -> None:
    told: list[Fact] = []
    database.listen(told.append)

    async with database.operation(nothing_first) as operation:
        await note_and_make(operation, "tech")
        with pytest.raises(IntegrityError):
            await note_and_make(operation, "tech")
        with pytest.raises(RuntimeError, match="something went wrong"):
            await fail_after_writing(operation, "finc")
        await operation.commit()

    assert await tags(database) == ["tech"]
    assert len(told) == 1


@pytest.mark.anyio
async def test_an_operation_that_is_not_committed_leaves_nothing_tells_nobody_and_lets_others_write(
    database: Database,
) -> None:
    told: list[Fact] = []
    database.listen(told.append)

    async with database.operation(nothing_first) as operation:
        await note_and_make(operation, "tech")
    async with database.unit_of_work() as session:
        await make_industry(session, tag="finc")

    assert (await tags(database), told) == (["finc"], [])


@pytest.mark.anyio
async def test_an_operation_without_a_unit_of_work_takes_no_connection(database: Database) -> None:
    begun: list[AsyncSession] = []

    async def begin(session: AsyncSession) -> None:
        begun.append(session)

    async with database.operation(begin) as operation:
        # On SQLite there is one writing connection: had it been taken, this would wait for it forever.
        async with operation.apart() as session:
            await make_industry(session, tag="tech")
        assert await tags(database) == ["tech"]
        await operation.commit()

    assert (begun, operation.has_begun) == ([], False)


@pytest.mark.anyio
async def test_a_unit_apart_is_refused_once_the_operation_has_begun(database: Database) -> None:
    async with database.operation(nothing_first) as operation:
        await note_and_make(operation, "tech")
        with pytest.raises(RuntimeError, match="before the transaction"):
            operation.apart()


@pytest.mark.anyio
async def test_an_operation_that_may_not_begin_refuses_every_unit_for_the_same_reason(database: Database) -> None:
    async def refuse(_: AsyncSession) -> None:
        raise LookupError("no")

    async with database.operation(refuse) as operation:
        for tag in ("tech", "finc"):
            with pytest.raises(LookupError):
                await note_and_make(operation, tag)
        refusal = operation.refusal
        await operation.commit()

    assert isinstance(refusal, LookupError)
    assert await tags(database) == []
