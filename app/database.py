"""Engines and sessions: where statements run, and when a unit of work is true.

Knows no entity. Reads take a connection for as long as a statement or a session needs it; a write is
one unit of work that commits as a whole or not at all.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Executable, event, make_url, text
from sqlalchemy import Row as Found
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, NullPool, PoolProxiedConnection
from sqlalchemy.util import greenlet_spawn

from app.drivers import link_maker, open_reader
from app.drivers.links import Link, RuleBroken
from app.drivers.readers import Reader
from app.drivers.sqlite import BUSY_TIMEOUT_MILLISECONDS, SqliteWriter, lower
from app.kit import facts
from app.kit.facts import Fact
from app.statements import DRIVERS, Prepared, Row, Session

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent.parent / "migrations"

# The driver logs every parameter of every statement where all of logging is set to DEBUG.
logging.getLogger("aiosqlite").setLevel(logging.INFO)

_SQLITE_READERS = 4
_POSTGRESQL_READERS = 10
_PREPARING = 7_427_373  # The key of PostgreSQL's advisory lock: any number that nobody else uses there.


class UnusableMigrations(Exception):
    """The migrations do not lead from the database as it is to where they should; the text says why."""


class SwiftUnit:
    """A unit of work that runs nothing but prepared statements, past sessions and engines.

    Those take several times as long as the few statements of a write.

    Attributes:
        info: What is noted in it until it is committed.
    """

    def __init__(self, link: Link, dialect_name: str) -> None:
        self.info: dict[Any, Any] = {}
        self._link = link
        self._dialect_name = dialect_name

    async def run(self, prepared: Prepared, /, **values: Any) -> Sequence[Row]:
        """Run a prepared statement, and give its rows.

        Raises:
            IntegrityError: It breaks a rule that the database holds.
        """
        spelling = prepared.spelled(self._dialect_name)
        try:
            rows = await self._link.fetch(spelling.sql, spelling.values(values))
        except RuleBroken as broken:
            raise IntegrityError(spelling.sql, None, broken.error, hide_parameters=True) from broken
        return [spelling.row(row) for row in rows]


class Database:
    """One database as its callers see it: many readers, and units of work.

    On SQLite there is a single writing connection, because SQLite lets one transaction write at a time
    and a queue in the process is fairer than its retries; the reading ones refuse to write. On
    PostgreSQL both come from one pool.

    Attributes:
        reader: Runs compiled statements, past the engines.
        link_over: Makes what runs prepared statements, past the engines, of a driver's connection.
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
        self._leaving: set[asyncio.Task[None]] = set()
        if self.url.get_backend_name() == "sqlite":
            self._readers = _sqlite_reading_engine(self.url, synchronous)
            self._writer = _sqlite_writing_engine(self.url, synchronous)
        else:
            self._readers = self._writer = create_async_engine(
                self.url, pool_size=10, max_overflow=10, hide_parameters=True
            )
            event.listen(self._writer.sync_engine, "handle_error", _leave_out_the_row)
        self.reader: Reader = open_reader(self.url, connections=_POSTGRESQL_READERS)
        self.link_over: Callable[[Any], Link] = link_maker(self.url)

    @property
    def dialect_name(self) -> str:
        """The database's name as SQLAlchemy spells it: sqlite or postgresql."""
        return self.url.get_backend_name()

    @property
    def engines(self) -> tuple[AsyncEngine, ...]:
        """The engines in use, for those who count statements."""
        return tuple(dict.fromkeys((self._readers, self._writer)))

    async def fetch(self, statement: Executable) -> Sequence[Found[Any]]:
        """Run one reading statement by itself and give its rows."""
        async with self._readers.connect() as connection:
            return (await connection.execute(statement)).all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """Open a session that reads; what it gives stays usable when it is closed."""
        async with Session(self._readers, expire_on_commit=False, autoflush=False) as session:
            yield session

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Session]:
        """Open a session whose changes are committed together at the end, or not at all.

        The facts noted in it are told to the listeners once it is committed; a failed one tells nobody.
        """
        async with Session(self._writer, expire_on_commit=False) as session:
            async with session.begin():
                yield session
            self._tell(facts.noted(session))

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[SwiftUnit]:
        """Open a unit of work for prepared statements alone, which are committed together or not at all.

        Its facts are told as those of any other.
        """
        connection = await self._writer.raw_connection()
        link = self.link_over(connection.driver_connection)
        try:
            await link.begin()
        except asyncio.CancelledError:
            # It may go on elsewhere, where it waits for a lock: until then nobody else can have the connection.
            leaving = asyncio.create_task(self._leave(link, connection))
            self._leaving.add(leaving)
            leaving.add_done_callback(self._leaving.discard)
            raise
        except BaseException:
            await greenlet_spawn(connection.close)
            raise
        try:
            unit = SwiftUnit(link, self.dialect_name)
            try:
                yield unit
            except BaseException:
                await link.roll_back()
                raise
            await _wholly(self._commit(link, unit))
        finally:
            await greenlet_spawn(connection.close)

    async def _leave(self, link: Link, connection: PoolProxiedConnection) -> None:
        await link.settle()
        await link.roll_back()
        await greenlet_spawn(connection.close)

    async def _commit(self, link: Link, unit: SwiftUnit) -> None:
        await link.commit()
        self._tell(facts.noted(unit))

    def apart(self) -> AbstractAsyncContextManager[Session]:
        """Open a unit of work that is committed by itself: here all of them are."""
        return self.unit_of_work()

    @asynccontextmanager
    async def operation(self, begin: Callable[[Session], Awaitable[None]]) -> AsyncIterator["Transaction"]:
        """Hold units of work together in one transaction, which is undone unless it is committed within.

        Args:
            begin: Runs first in the transaction; if it raises, there is none.
        """
        transaction = Transaction(self, self._writer, begin, self._tell)
        try:
            yield transaction
        finally:
            await transaction.close()

    def _tell(self, noted: Sequence[Fact]) -> None:
        for fact in noted:
            for listener in self._listeners:
                listener(fact)

    async def prepare_alone(self, session: Session) -> None:
        """Let no other server prepare the database between here and the end of this unit of work."""
        if self.dialect_name != "sqlite":  # There a unit of work is alone anyway.
            await _take_turns(await session.connection())

    def listen(self, listener: Callable[[Fact], None]) -> None:
        """Have every fact told from now on; a listener must be quick and never fail."""
        self._listeners.append(listener)

    async def close(self) -> None:
        """Close every connection."""
        await self.reader.close()
        for engine in self.engines:
            await engine.dispose()


class DatabaseBusy(Exception):
    """Another transaction holds what this one waits for, and for too long."""


class Transaction:
    """One transaction for all units of work of an operation, which sees the same as in a `Database`.

    It begins with the first unit of work and not before, so that nobody waits for a lock while the operation
    does something slow ahead of it. Each unit is a savepoint: one that fails is undone by itself, and its
    facts are forgotten. What is read after the first unit is read in the transaction, so that the answer to
    a write shows what was written. Nothing is true, and nobody is told, before `commit`.

    It holds one connection at most, and waits for no lock longer than ten seconds.

    Attributes:
        refusal: Why the transaction did not begin; every unit of work raises it again.
    """

    def __init__(
        self,
        database: Database,
        engine: AsyncEngine,
        begin: Callable[[Session], Awaitable[None]],
        tell: Callable[[Sequence[Fact]], None],
    ) -> None:
        self.refusal: Exception | None = None
        self._database = database
        self._engine = engine
        self._begin = begin
        self._tell = tell
        self._connection: AsyncConnection | None = None
        self._facts: list[Fact] = []
        # Fields of one answer are read side by side, and a connection does one thing at a time.
        self._turn = asyncio.Lock()

    @property
    def has_begun(self) -> bool:
        """Whether there was a unit of work."""
        return self._connection is not None

    async def fetch(self, statement: Executable) -> Sequence[Found[Any]]:
        """Run one reading statement by itself and give its rows."""
        if self._connection is None:
            return await self._database.fetch(statement)
        async with self._turn:
            return (await self._connection.execute(statement)).all()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """Open a session that reads; what it gives stays usable when it is closed."""
        if self._connection is None:
            async with self._database.reading() as session:
                yield session
        else:
            async with self._turn, _joined(self._connection, autoflush=False) as session:
                yield session

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Session]:
        """Open a session whose changes become part of the transaction together, or not at all.

        Raises:
            DatabaseBusy: The transaction cannot begin for now.
        """
        async with self._turn, _joined(await self._begun(), autoflush=True) as session:
            async with session.begin():
                yield session
            self._facts.extend(facts.noted(session))

    def writing(self) -> AbstractAsyncContextManager[Session]:
        """Open a unit of work as part of the transaction, as `unit_of_work` does."""
        return self.unit_of_work()

    def apart(self) -> AbstractAsyncContextManager[Session]:
        """Open a unit of work that is committed by itself, whatever becomes of the transaction.

        Raises:
            RuntimeError: The transaction has begun: on SQLite the unit would wait for it forever.
        """
        if self.has_begun:
            raise RuntimeError("a unit of work apart has to come before the transaction")
        return self._database.unit_of_work()

    def take_facts(self) -> list[Fact]:
        """Give the facts that were noted so far, for the last unit of work to look at and to note again."""
        taken, self._facts = self._facts, []
        return taken

    async def commit(self) -> None:
        """Make all of it true, then tell the facts."""
        if self._connection is not None:
            await self._connection.commit()
            await self.close()
            self._tell(self._facts)

    async def close(self) -> None:
        """Undo what is not committed, and give the connection back."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _begun(self) -> AsyncConnection:
        if self.refusal is not None:
            raise self.refusal
        if self._connection is None:
            try:
                self._connection = await self._connect()
            except Exception as error:
                self.refusal = error
                raise
        return self._connection

    async def _connect(self) -> AsyncConnection:
        connection = await self._engine.connect()
        try:
            await connection.begin()
            if self._database.dialect_name != "sqlite":  # There each connection has its busy_timeout.
                await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
            async with _joined(connection, autoflush=True) as session, session.begin():
                await self._begin(session)
        except BaseException as error:
            await connection.close()
            if isinstance(error, DBAPIError) and _is_busy(error):
                raise DatabaseBusy from error
            raise
        return connection


def _joined(connection: AsyncConnection, *, autoflush: bool) -> Session:
    return Session(
        connection, expire_on_commit=False, autoflush=autoflush, join_transaction_mode="create_savepoint"
    )


async def _wholly(work: Coroutine[Any, Any, None]) -> None:
    """Do something to its end even if whoever waits for it gives up: what is committed has to be told."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait({doing})
        raise


def _is_busy(error: DBAPIError) -> bool:
    # SQLite names what is wrong, PostgreSQL numbers it (SQLSTATE 55P03, lock_not_available).
    found = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return found in ("SQLITE_BUSY", "55P03")


async def _take_turns(connection: AsyncConnection) -> None:
    """Wait until no other server prepares this PostgreSQL database, and keep others waiting until the commit."""
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_PREPARING})")


def with_driver(url: str) -> URL:
    """Name the asynchronous driver in a database URL that names only the database."""
    parsed = make_url(url)
    drivers = DRIVERS | {"postgres": DRIVERS["postgresql"]}
    return parsed.set(drivername=drivers.get(parsed.drivername, parsed.drivername))


def sqlite_url(path: Path) -> str:
    """Give the URL of an SQLite file."""
    url = URL.create("sqlite+aiosqlite", database=str(path.absolute()))
    return url.render_as_string(hide_password=False)


def _sqlite_reading_engine(url: URL, synchronous: str) -> AsyncEngine:
    engine = create_async_engine(
        url,
        pool_size=_SQLITE_READERS,
        max_overflow=0,
        hide_parameters=True,
        connect_args={"isolation_level": None},
    )
    _prepare_each(engine, synchronous, f"busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}", "query_only = ON")
    return engine


def _sqlite_writing_engine(url: URL, synchronous: str) -> AsyncEngine:
    async def connect() -> SqliteWriter:
        return await SqliteWriter(url.database or "")  # type: ignore[return-value]  # Awaited, it gives itself.

    engine = create_async_engine(url, pool_size=1, max_overflow=0, hide_parameters=True, async_creator=connect)
    # Whoever must wait for a lock must not wait on the event loop: the connection sees to that itself.
    _prepare_each(engine, synchronous, "busy_timeout = 0")

    @event.listens_for(engine.sync_engine, "begin")
    def take_the_write_lock(connection: Any) -> None:
        # A transaction that reads first and writes later could find the lock taken half-way.
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _prepare_each(engine: AsyncEngine, synchronous: str, *pragmas: str) -> None:
    common = ("journal_mode = WAL", f"synchronous = {synchronous}", "foreign_keys = ON")

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for pragma in (*pragmas, *common):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
        # SQLite's own lower() knows ASCII only; PostgreSQL's and the caller's expectation know more.
        connection.create_function("lower", 1, lower, deterministic=True)


def _leave_out_the_row(context: ExceptionContext) -> None:
    # PostgreSQL tells the row at fault in an error's detail, hashes and all, and tracebacks print it.
    told = context.original_exception.__cause__
    if getattr(told, "detail", None):
        told.detail = None  # type: ignore[union-attr]


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
        UnusableMigrations: There is no such revision, or the database has one that is not known here.
    """
    await _with_alembic(url, lambda alembic, config: alembic.upgrade(config, revision))


async def unmigrate(url: str, revision: str) -> None:
    """Bring a database down to an earlier revision; `base` is before the first.

    Raises:
        UnusableMigrations: There is no such revision.
    """
    await _with_alembic(url, lambda alembic, config: alembic.downgrade(config, revision))


async def check_migrations(url: str) -> None:
    """Hold a migrated database against the entities.

    Raises:
        UnusableMigrations: An entity differs from what the migrations make, or they have not all run.
    """
    await _with_alembic(url, lambda alembic, config: alembic.check(config))


async def _with_alembic(url: str, work: Callable[[ModuleType, "Config"], None]) -> None:
    # Imported here: serving needs none of it, and it would double the time to start.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    def run(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        try:
            work(command, config)
        except CommandError as error:
            raise UnusableMigrations(str(error)) from error

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
