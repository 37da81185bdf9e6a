"""Engines and sessions: where statements run, and when a unit of work is true.

Knows no entity. Reads take a connection for as long as a statement or a session needs it; a write is
one unit of work that commits as a whole or not at all.
"""

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Executable, Row, event, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlmodel.ext.asyncio.session import AsyncSession

from app.kit import facts
from app.kit.facts import Fact

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent.parent / "migrations"

# The driver logs every parameter of every statement where all of logging is set to DEBUG.
logging.getLogger("aiosqlite").setLevel(logging.INFO)

_BUSY_TIMEOUT_MILLISECONDS = 10_000
_SQLITE_READERS = 4
_PREPARING = 7_427_373  # The key of PostgreSQL's advisory lock: any number that nobody else uses there.


class Database:
    """One database as its callers see it: many readers, and units of work.

    On SQLite there is a single writing connection, because SQLite lets one transaction write at a time
    and a queue in the process is fairer than its retries; the reading ones refuse to write. On
    PostgreSQL both come from one pool.
    """

    def __init__(self, url: str, *, synchronous: str = "FULL") -> None:
        """Prepare the engines; nothing is opened before it is needed.

        Args:
            url: An SQLAlchemy URL: `sqlite+aiosqlite:///path` or `postgresql+asyncpg://...`. The driver
                may be left out.
            synchronous: SQLite's PRAGMA: FULL survives a loss of power, NORMAL a crash of the process.
        """
        self.url = with_driver(url)
        self._listeners: list[Callable[[Fact], None]] = []
        if self.url.get_backend_name() == "sqlite":
            self._readers = _sqlite_engine(self.url, synchronous, begin=None, connections=_SQLITE_READERS)
            self._writer = _sqlite_engine(self.url, synchronous, begin="BEGIN IMMEDIATE", connections=1)
        else:
            self._readers = self._writer = create_async_engine(
                self.url, pool_size=10, max_overflow=10, hide_parameters=True
            )
            event.listen(self._writer.sync_engine, "handle_error", _leave_out_the_row)

    @property
    def dialect_name(self) -> str:
        """The database's name as SQLAlchemy spells it: sqlite or postgresql."""
        return self.url.get_backend_name()

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """The engines in use, for those who count statements."""
        return tuple(dict.fromkeys((self._readers, self._writer)))

    async def fetch(self, statement: Executable) -> Sequence[Row[Any]]:
        """Run one reading statement by itself and give its rows."""
        async with self._readers.connect() as connection:
            return (await connection.execute(statement)).all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a session that reads; what it gives stays usable when it is closed."""
        async with AsyncSession(self._readers, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[AsyncSession]:
        """Open a session whose changes are committed together at the end, or not at all.

        The facts noted in it are told to the listeners once it is committed; a failed one tells nobody.
        """
        async with AsyncSession(self._writer, expire_on_commit=False) as session:
            async with session.begin():
                yield session
            for fact in facts.noted(session):
                for listener in self._listeners:
                    listener(fact)

    async def prepare_alone(self, session: AsyncSession) -> None:
        """Let no other server prepare the database between here and the end of this unit of work."""
        if self.dialect_name != "sqlite":  # There a unit of work is alone anyway.
            await _take_turns(await session.connection())

    def listen(self, listener: Callable[[Fact], None]) -> None:
        """Have every fact told from now on; a listener must be quick and never fail."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Close every connection."""
        for engine in self.engines:
            await engine.dispose()


async def _take_turns(connection: AsyncConnection) -> None:
    """Wait until no other server prepares this PostgreSQL database, and keep others waiting until the commit."""
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PREPARING})")


def with_driver(url: str) -> URL:
    """Name the asynchronous driver in a database URL that names only the database."""
    parsed = make_url(url)
    drivers = {
        "sqlite": "sqlite+aiosqlite",
        "postgresql": "postgresql+asyncpg",
        "postgres": "postgresql+asyncpg",
    }
    return parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername))


def sqlite_url(path: Path) -> str:
    """Give the URL of an SQLite file."""
    url = URL.create("sqlite+aiosqlite", database=str(path.absolute()))
    return url.render_as_string(hide_password=False)


def _sqlite_engine(url: URL, synchronous: str, *, begin: str | None, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url, pool_size=connections, max_overflow=0, hide_parameters=True, connect_args={"isolation_level": None}
    )

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MILLISECONDS}")
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.execute("PRAGMA foreign_keys = ON")
        if begin is None:
            cursor.execute("PRAGMA query_only = ON")
        cursor.close()
        # SQLite's own lower() knows ASCII only; PostgreSQL's and the caller's expectation know more.
        connection.create_function("lower", 1, _lower, deterministic=True)

    if begin is not None:

        @event.listens_for(engine.sync_engine, "begin")
        def take_the_write_lock(connection: Any) -> None:
            # A transaction that reads first and writes later could find the lock taken half-way.
            connection.exec_driver_sql(begin)

    return engine


def _leave_out_the_row(context: ExceptionContext) -> None:
    # PostgreSQL tells the row at fault in an error's detail, hashes and all, and tracebacks print it.
    told = context.original_exception.__cause__
    if getattr(told, "detail", None):
        told.detail = None  # type: ignore[union-attr]


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


async def is_migrated(database: Database) -> bool:
    """Say whether a database has the newest revision; quicker by far than to migrate it in vain."""
    newest = max(file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("[0-9]*.py"))
    try:
        rows = await database.fetch(text("SELECT version_num FROM alembic_version"))
    except DBAPIError:
        return False
    return [tuple(row) for row in rows] == [(newest,)]


async def migrate(url: str, revision: str = "head") -> None:
    """Bring a database up to a revision of its schema; `head` is the newest.

    Raises:
        CommandError: There is no such revision.
    """
    await _with_alembic(url, lambda alembic, config: alembic.upgrade(config, revision))


async def unmigrate(url: str, revision: str) -> None:
    """Bring a database down to an earlier revision; `base` is before the first.

    Raises:
        CommandError: There is no such revision.
    """
    await _with_alembic(url, lambda alembic, config: alembic.downgrade(config, revision))


async def check_migrations(url: str) -> None:
    """Hold a migrated database against the entities.

    Raises:
        AutogenerateDiffsDetected: An entity differs from what the migrations make.
    """
    await _with_alembic(url, lambda alembic, config: alembic.check(config))


async def _with_alembic(url: str, work: Callable[[ModuleType, "Config"], None]) -> None:
    # Imported here: serving needs none of it, and it would double the time to start.
    from alembic import command
    from alembic.config import Config

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        work(command, config)

    parsed = with_driver(url)
    embedded = parsed.get_backend_name() == "sqlite"
    engine = create_async_engine(
        parsed,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"isolation_level": None} if embedded else {},
    )
    if embedded:
        # Left to itself, the driver commits every CREATE and ALTER alone: a failure would leave half of them.
        event.listen(engine.sync_engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    async with engine.begin() as connection:
        if not embedded:
            await _take_turns(connection)
        await connection.run_sync(run)
    await engine.dispose()
