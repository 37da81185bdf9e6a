"""How often tables were written: whoever writes, and however, is counted once it is committed."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.database import Database, migrate, sqlite_url
from app.drivers.sqlite import SqliteReader
from app.main import make_schema
from tests.factories import make_industry, make_share

pytestmark = pytest.mark.anyio

INDUSTRY = "INSERT INTO industry (tag, name, version, created_at, updated_at) VALUES ('t', 'n', 1, 0, 0)"
SHARE = """
INSERT INTO share (industry_id, tag, price, version, created_at, updated_at) VALUES (1, 't', 1, 1, 0, 0)
"""


@pytest.fixture
async def file(tmp_path: Path) -> Path:
    """A migrated SQLite database with an industry and a share."""
    url = sqlite_url(tmp_path / "embedded.sqlite")
    await migrate(url)
    database = Database(url)
    async with database.unit_of_work() as session:
        await make_share(session, await make_industry(session))
    await database.close()
    return tmp_path / "embedded.sqlite"


@pytest.fixture
async def reader(file: Path) -> AsyncIterator[SqliteReader]:
    made = SqliteReader(str(file))
    yield made
    await made.close()


@pytest.fixture
def other(file: Path) -> sqlite3.Connection:
    """Another process, as far as the database can tell."""
    return sqlite3.connect(file, isolation_level=None)


def counted(reader: SqliteReader) -> dict[str, int]:
    generations = reader.generations()
    assert generations is not None
    return dict(generations)


WRITES = {
    "inserts": ("share", SHARE),
    "updates": ("share", "UPDATE share SET price = 2"),
    "updates nothing but a version": ("share", "UPDATE share SET version = version + 1"),
    "deletes": ("share", "DELETE FROM share WHERE id = 1"),
    "deletes all": ("share", "DELETE FROM share"),
    "replaces": ("share", SHARE.replace("INSERT", "INSERT OR REPLACE")),
    "inserts an industry": ("industry", INDUSTRY),
    "updates industries": ("industry", "UPDATE industry SET name = 'other'"),
    "deletes an industry": ("industry", "DELETE FROM industry"),
}


@pytest.mark.parametrize("write", WRITES)
async def test_a_table_counts_who_writes_it_and_no_other(
    reader: SqliteReader, other: sqlite3.Connection, write: str
) -> None:
    table, statement = WRITES[write]
    before = counted(reader)

    other.execute(statement)

    assert {name for name, times in counted(reader).items() if times != before[name]} == {table}


async def test_what_is_not_committed_is_not_counted(reader: SqliteReader, other: sqlite3.Connection) -> None:
    before = counted(reader)

    other.execute("BEGIN")
    other.execute("UPDATE share SET price = 2")
    within = counted(reader)
    other.execute("ROLLBACK")

    assert within == counted(reader) == before


async def test_a_table_that_is_made_anew_counts_as_written(
    reader: SqliteReader, other: sqlite3.Connection
) -> None:
    before = reader.generations()

    other.execute("ALTER TABLE share ADD COLUMN colour TEXT")

    assert reader.generations() != before


async def test_as_long_as_nothing_is_written_the_counts_are_the_same_object(reader: SqliteReader) -> None:
    assert reader.generations() is reader.generations()


async def test_a_database_that_counts_nothing_says_so(tmp_path: Path) -> None:
    reader = SqliteReader(str(tmp_path / "empty.sqlite"))

    assert reader.generations() is None
    await reader.close()


async def test_every_table_that_short_way_may_touch_is_counted(reader: SqliteReader) -> None:
    roots = {"Industry", "Share"}

    shelves = {name: str(shelf.entity.__tablename__) for name, shelf in make_schema().shelves.items()}

    assert {shelves[name] for name in roots} <= counted(reader).keys()
