"""Migrations make what the entities say, go up and down over rows, and do all of it or nothing.

Every test looks at all revisions there are: a new one is covered by being there.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Column, Connection, MetaData, Table, inspect, select
from sqlalchemy.engine.reflection import Inspector
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool
from sqlmodel import SQLModel

import app.credentials
import app.entities  # noqa: F401 - both fill the metadata
from app.database import (
    MIGRATIONS,
    UnusableMigrations,
    check_migrations,
    migrate,
    sqlite_url,
    unmigrate,
    with_driver,
)

pytestmark = pytest.mark.anyio

SCRIPTS = ScriptDirectory(str(MIGRATIONS))
REVISIONS = {script.revision: str(script.down_revision or "base") for script in SCRIPTS.walk_revisions()}
"""Each revision with the one before it."""

VERSIONS = "alembic_version"

Rows = dict[str, list[dict[str, Any]]]


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection of its own each time, for a kept one would remember the tables as they were."""
    engine = create_async_engine(with_driver(url), poolclass=NullPool)
    async with engine.begin() as connection:
        yield connection
    await engine.dispose()


async def run(url: str, statement: str) -> None:
    async with connected(url) as connection:
        await connection.exec_driver_sql(statement)


def _tables(connection: Connection) -> list[Table]:
    metadata = MetaData()
    metadata.reflect(connection)
    return [table for table in metadata.sorted_tables if table.name != VERSIONS]


def value(column: Column[Any], number: int) -> Any:
    """Something for a column, the same for the same number and type: so that references find their row."""
    kinds: list[tuple[type[Any], Any]] = [
        (sa.Boolean, number % 2 == 0),
        (sa.Integer, number),
        (sa.Numeric, Decimal(number)),
        (sa.DateTime, datetime(2026, 6, number, tzinfo=UTC)),
        (sa.Date, date(2026, 6, number)),
        (sa.LargeBinary, bytes([number]) * 32),
        (sa.JSON, {"number": number}),
        (sa.String, str(number)),
    ]
    return next(made for kind, made in kinds if isinstance(column.type, kind))


async def fill(url: str) -> None:
    """Put two rows into every table."""
    async with connected(url) as connection:
        for table in await connection.run_sync(_tables):
            columns = [column for column in table.columns if column.computed is None]
            rows = [{column.name: value(column, number) for column in columns} for number in (11, 12)]
            await connection.execute(table.insert(), rows)


async def rows_of(url: str) -> Rows:
    """All rows of all tables."""
    async with connected(url) as connection:
        return {
            table.name: [
                dict(row._mapping)  # noqa: SLF001 - the public name of a row as a dictionary
                for row in await connection.execute(select(table).order_by(*table.primary_key))
            ]
            for table in await connection.run_sync(_tables)
        }


def kept(rows: Rows, of: Rows) -> Rows:
    """The rows of the tables that `of` has too, in the columns that it has there."""
    columns = {table: set(of[table][0]) for table in rows if table in of}
    return {
        table: [{name: each for name, each in row.items() if name in columns[table]} for row in rows[table]]
        for table in columns
    }


def _schema(connection: Connection) -> dict[str, Any]:
    inspector = inspect(connection)
    return {
        table: {
            "columns": {
                column["name"]: {key: str(column.get(key)) for key in ("type", "nullable", "default")}
                for column in inspector.get_columns(table)
            },
            "keys": inspector.get_pk_constraint(table)["constrained_columns"],
            "references": sorted(map(str, inspector.get_foreign_keys(table))),
            "unique": sorted(map(str, inspector.get_unique_constraints(table))),
            "checks": sorted(map(str, inspector.get_check_constraints(table))),
            "indexes": sorted(map(str, inspector.get_indexes(table))),
        }
        for table in inspector.get_table_names()
        if table != VERSIONS
    }


async def schema_of(url: str) -> dict[str, Any]:
    """Everything that a database says of its tables."""
    async with connected(url) as connection:
        return await connection.run_sync(_schema)


def _names(connection: Connection) -> list[tuple[str | None, str]]:
    """Every name of a constraint or an index, with the one that the convention gives it."""
    inspector = inspect(connection)
    tables = [table for table in inspector.get_table_names() if table != VERSIONS]
    return [name for table in tables for name in _names_in(inspector, table)]


def _names_in(inspector: Inspector, table: str) -> Iterator[tuple[str | None, str]]:
    yield inspector.get_pk_constraint(table)["name"], f"pk_{table}"
    for key in inspector.get_foreign_keys(table):
        yield key["name"], f"fk_{table}_{key['constrained_columns'][0]}_{key['referred_table']}"
    for unique in inspector.get_unique_constraints(table):
        yield unique["name"], f"uq_{table}_{unique['column_names'][0]}"
    for index in inspector.get_indexes(table):
        if "duplicates_constraint" not in index:
            yield index["name"], f"ix_{table}_{index['column_names'][0]}"
    for check in inspector.get_check_constraints(table):
        yield check["name"], f"ck_{table}_{str(check['name']).removeprefix(f'ck_{table}_')}"


async def test_revisions_stand_in_one_line() -> None:
    assert len(SCRIPTS.get_heads()) == len(SCRIPTS.get_bases()) == 1
    assert sorted(REVISIONS) == [f"{number:04}" for number in range(1, len(REVISIONS) + 1)]


async def test_the_last_step_down_leaves_nothing_and_the_way_up_again_makes_the_same(database_url: str) -> None:
    before = await schema_of(database_url)

    await unmigrate(database_url, "base")
    nothing = await schema_of(database_url)
    await migrate(database_url)

    assert nothing == {}
    assert await schema_of(database_url) == before


async def test_migrating_what_is_migrated_changes_nothing(database_url: str) -> None:
    await fill(database_url)
    before = (await schema_of(database_url), await rows_of(database_url))

    await migrate(database_url)

    assert (await schema_of(database_url), await rows_of(database_url)) == before


@pytest.mark.parametrize("revision", sorted(REVISIONS))
async def test_a_step_down_and_up_again_keeps_the_rows_of_the_tables_that_stay(
    database_url: str, revision: str
) -> None:
    await unmigrate(database_url, revision)
    await fill(database_url)
    schema, rows = await schema_of(database_url), await rows_of(database_url)

    await unmigrate(database_url, REVISIONS[revision])
    below = await rows_of(database_url)
    await migrate(database_url, revision)
    again = await rows_of(database_url)

    assert below == kept(rows, below)
    assert kept(again, below) == below
    assert await schema_of(database_url) == schema


async def test_rows_of_the_first_revision_reach_the_last_one_with_their_references(database_url: str) -> None:
    await unmigrate(database_url, min(REVISIONS))
    await fill(database_url)
    rows = await rows_of(database_url)

    await migrate(database_url)

    assert kept(await rows_of(database_url), rows) == rows
    async with connected(database_url) as connection:
        if connection.dialect.name == "sqlite":
            assert (await connection.exec_driver_sql("PRAGMA foreign_key_check")).all() == []


async def test_migrations_agree_with_the_entities(database_url: str) -> None:
    await check_migrations(database_url)


@pytest.mark.parametrize(
    "difference",
    [
        "ALTER TABLE share ADD COLUMN colour VARCHAR(9)",
        "ALTER TABLE industry DROP COLUMN name",
        "DROP INDEX ix_share_industry_id",
        "CREATE UNIQUE INDEX uq_industry_name ON industry (name)",
        "DROP TABLE refresh_token",
    ],
)
async def test_a_difference_to_the_entities_is_found(database_url: str, difference: str) -> None:
    await run(database_url, difference)

    with pytest.raises(UnusableMigrations, match="New upgrade operations detected"):
        await check_migrations(database_url)


async def test_migrations_make_exactly_what_the_entities_would(database_url: str) -> None:
    migrated = await schema_of(database_url)
    # Counted by triggers, and no record of anything.
    migrated.pop("written", None)
    await unmigrate(database_url, "base")

    async with connected(database_url) as connection:
        await connection.run_sync(SQLModel.metadata.create_all)

    assert migrated == await schema_of(database_url)


async def test_every_constraint_and_index_has_its_name_by_the_convention(database_url: str) -> None:
    async with connected(database_url) as connection:
        names = await connection.run_sync(_names)
        embedded = connection.dialect.name == "sqlite"

    unlike = [(name, convention) for name, convention in names if name != convention]
    if embedded:
        # SQLite counts up only a key that is declared within its column, where it cannot have a name.
        unlike = [(name, convention) for name, convention in unlike if (name, convention[:3]) != (None, "pk_")]
    assert unlike == []
    assert {convention[:3] for _, convention in names} == {"pk_", "fk_", "uq_", "ix_", "ck_"}


async def test_a_migration_that_fails_leaves_the_database_as_it_was(database_url: str) -> None:
    await unmigrate(database_url, "base")
    # The first revision makes this table last, so it fails when the others are made already.
    await run(database_url, "CREATE TABLE refresh_token (id INTEGER)")
    before = await schema_of(database_url)

    with pytest.raises(DBAPIError, match="refresh_token"):
        await migrate(database_url)

    assert await schema_of(database_url) == before
    await run(database_url, "DROP TABLE refresh_token")
    await migrate(database_url)
    await check_migrations(database_url)


async def test_a_revision_that_is_not_there_is_refused(database_url: str) -> None:
    with pytest.raises(UnusableMigrations, match="9999"):
        await migrate(database_url, "9999")


async def test_a_table_made_anew_gives_no_key_again_and_is_counted_as_before(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "shares.sqlite")
    await migrate(url, "0006")
    await fill(url)
    await run(url, "DELETE FROM price_tick WHERE share_id = 12")
    await run(url, "DELETE FROM share WHERE id = 12")
    await migrate(url)
    before = await rows_of(url)

    await run(
        url,
        "INSERT INTO share (industry_id, tag, price, version, created_at, updated_at) "
        "SELECT industry_id, 'NEXT', 102800, version, created_at, updated_at FROM share",
    )

    rows = await rows_of(url)
    assert [(row["id"], row["price_text"]) for row in rows["share"]] == [(11, "0.0011"), (13, "10.2800")]
    written = [{row["entity"]: row["times"] for row in each["written"]} for each in (before, rows)]
    assert written[1] == written[0] | {"share": written[0]["share"] + 1}
