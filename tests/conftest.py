"""What tests are given: a database of their own, an application over it, a clock to turn, callers.

Every test that touches a database runs on SQLite, and once more on PostgreSQL where there is one. The
database is built by the migrations once and copied for each test.
"""

import asyncio
import os
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.database import Database, migrate, sqlite_url
from app.main import create_app
from app.settings import Settings
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import ManualClock

POSTGRESQL = os.environ.get("TESTS_POSTGRESQL", "postgresql://postgres@127.0.0.1:5432/postgres")
REQUIRED = os.environ.get("TESTS_REQUIRED", "").split(",")


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
    """A migrated database of the server, dropped with its copies at the end."""

    def __init__(self) -> None:
        self.name = f"shares_test_{uuid.uuid4().hex}"
        self._administer(f'CREATE DATABASE "{self.name}"')
        asyncio.run(migrate(self._url(self.name)))

    def copy_for_a_test(self, folder: Path) -> str:
        name = f"shares_test_{uuid.uuid4().hex}"
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{self.name}"')
        return self._url(name)

    def drop(self, url: str) -> None:
        self._administer(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')

    def _url(self, name: str) -> str:
        return POSTGRESQL.rpartition("/")[0] + "/" + name

    def _administer(self, statement: str) -> None:
        async def run() -> None:
            connection = await asyncpg.connect(POSTGRESQL)
            await connection.execute(statement)
            await connection.close()

        asyncio.run(run())


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
    made.drop(made.name)


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
