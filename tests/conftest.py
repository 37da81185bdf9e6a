"""What tests are given: a database of their own, an application over it, a clock to turn, callers.

Every test that touches a database runs on SQLite, and once more on PostgreSQL where there is one. The
database is built by the migrations once and copied for each test.
"""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import hypothesis
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.database import Database, migrate, sqlite_url
from app.main import create_app
from app.settings import Settings
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import UNLIMITED, ManualClock

POSTGRESQL = os.environ.get("TESTS_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("TESTS_REQUIRED", "").split(",")

# How long an example takes says something of the machine, and nothing of the code.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


def _why_no_postgresql() -> str | None:
    async def connect() -> None:
        connection = await asyncpg.connect(POSTGRESQL, timeout=3)
        await connection.close()

    try:
        asyncio.run(connect())
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        return f"no PostgreSQL at TESTS_POSTGRESQL ({type(error).__name__})"
    return None


class Template:
    """A migrated database of which each test gets a copy."""

    def copy_for_a_test(self, folder: Path) -> str:
        """Make a copy and give its URL."""
        raise NotImplementedError

    def drop(self, url: str) -> None:
        """Take a copy away."""


class SqliteTemplate(Template):
    """A migrated file."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "template.sqlite"
        asyncio.run(migrate(sqlite_url(self.file)))

    def copy_for_a_test(self, folder: Path) -> str:
        return sqlite_url(Path(shutil.copy(self.file, folder / "shares.sqlite")))


class PostgresqlTemplate(Template):
    """A migrated database of the server, dropped with its copies at the end.

    To make and drop a database takes longer than most tests, so that a copy is emptied and used again.
    """

    def __init__(self) -> None:
        self.name = f"shares_test_{uuid.uuid4().hex}"
        self._copies: list[str] = []
        self._clean: list[str] = []
        asyncio.run(_administer(f'CREATE DATABASE "{self.name}"'))
        asyncio.run(migrate(self._url(self.name)))
        self._emptying = asyncio.run(_how_to_empty(self._url(self.name)))
        self._structure = asyncio.run(self._structure_of(self.name))

    def copy_for_a_test(self, folder: Path) -> str:
        if not self._clean:
            name = f"{self.name}_{len(self._copies)}"
            asyncio.run(
                _administer(
                    f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"',
                    # That the database's own server may crash is what no test is about.
                    f'ALTER DATABASE "{name}" SET synchronous_commit = off',
                )
            )
            self._copies.append(name)
            self._clean.append(name)
        return self._url(self._clean.pop())

    def drop(self, url: str) -> None:
        asyncio.run(self._take_back(url.rpartition("/")[2]))

    def drop_all(self) -> None:
        """Take everything away."""
        drops = [f'DROP DATABASE "{name}" WITH (FORCE)' for name in (*self._copies, self.name)]
        asyncio.run(_administer(*drops))

    async def _take_back(self, name: str) -> None:
        async with _connected(self._url(name)) as connection:
            await connection.execute(_END_OTHER_CONNECTIONS)
            # One whose tables a test has changed is of no use to the next.
            if await connection.fetchval(_STRUCTURE) == self._structure:
                await connection.execute(self._emptying)
                self._clean.append(name)

    async def _structure_of(self, name: str) -> str:
        async with _connected(self._url(name)) as connection:
            structure: str = await connection.fetchval(_STRUCTURE)
            return structure

    def _url(self, name: str) -> str:
        return POSTGRESQL.rpartition("/")[0] + "/" + name


_END_OTHER_CONNECTIONS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""

_STRUCTURE = """
SELECT string_agg(concat_ws(' ', relname, attname, atttypid, attnotnull), ',' ORDER BY relname, attnum)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
WHERE relnamespace = 'public'::regnamespace AND attnum > 0
"""

_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"

_EMPTY = "DELETE FROM {0};"

_KEYS_ANEW = """
SELECT setval(pg_class.oid, 1, false) FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind = 'S';
"""

_ROWS = "SELECT quote_literal(json_agg(each)::text) FROM {0} AS each"
_ROWS_AGAIN = "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM json_populate_recordset(NULL::{0}, {1});"


async def _how_to_empty(url: str) -> str:
    """Give the statements that make a copy what the template is: its few rows again, its keys from the start."""
    async with _connected(url) as connection:
        tables = [f'"{name}"' for (name,) in await connection.fetch(_TABLES)]
        rows = {table: await connection.fetchval(_ROWS.format(table)) for table in tables}
    return "\n".join(
        [
            "SET session_replication_role = replica;",
            *(_EMPTY.format(table) for table in tables),
            *(_ROWS_AGAIN.format(table, found) for table, found in rows.items() if found is not None),
            _KEYS_ANEW,
        ]
    )


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


async def _administer(*statements: str) -> None:
    async with _connected(POSTGRESQL) as connection:
        for statement in statements:
            await connection.execute(statement)


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Template]:
    if request.param == "sqlite":
        yield SqliteTemplate(tmp_path_factory.mktemp("template"))
        return
    reason = _why_no_postgresql()
    if reason is not None:
        if "postgresql" in REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    made = PostgresqlTemplate()
    yield made
    made.drop_all()


@pytest.fixture
def database_url(template: Template, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated, empty database that is this test's own."""
    url = template.copy_for_a_test(tmp_path)
    yield url
    template.drop(url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's database without an application."""
    database = Database(database_url, synchronous="NORMAL")
    yield database
    await database.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        database_url=SecretStr(database_url),
        secret=SecretStr("a secret of the tests that is long enough"),
        password_hashing="cheap",
        even_answer_milliseconds=0,
        **UNLIMITED,
    )


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    """The whole application over the test's database."""
    made = create_app(settings, clock=clock)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def api(app: Starlette) -> AsyncIterator[Api]:
    """A client that speaks to the application over HTTP."""
    async with Api(app) as api:
        yield api


@pytest.fixture
def callers(app: Starlette, clock: ManualClock) -> Callers:
    """Makes the access tokens of all kinds of callers."""
    return Callers(app.state.services, clock)


@pytest.fixture
def statements(app: Starlette) -> Iterator[Statements]:
    """The statements that the application has run since the test began, or since `clear()`."""
    with Statements(app.state.services.database) as counted:
        yield counted


@pytest.fixture
def app_database(app: Starlette) -> Database:
    """The application's own database, to prepare what a test needs and to see what is there afterwards."""
    database: Database = app.state.services.database
    return database
