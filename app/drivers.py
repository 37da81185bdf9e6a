"""The databases' own drivers, for statements that are texts already and give one value.

Between a request and a compiled statement every layer costs more than the statement: SQLAlchemy's engines are
for everything else. What runs texts here only reads; the connection that writes is for the engines.
"""

import asyncio
import base64
import sqlite3
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeAlias

import aiosqlite
import asyncpg
from sqlalchemy.engine import URL

BUSY_TIMEOUT_MILLISECONDS = 10_000

_THREADS = 4
_FETCHED_AT_ONCE = 64
_PRIMARY_CODE = 0xFF  # SQLite's extended result codes have the primary one in their lowest byte.
# Triggers count, so that nothing is written past them. A migration that makes a table anew writes it too.
_GENERATIONS = """
SELECT entity, times FROM written
UNION ALL SELECT '', schema_version FROM pragma_schema_version
"""
_STATEMENTS = 512  # How many prepared statements a connection keeps; a client has tens.


Later: TypeAlias = Coroutine[Any, Any, bytes | None]
"""A value that has to be waited for; nothing is done before that."""


class Unreadable(Exception):
    """The database refuses a statement, or cannot be reached; the cause says why."""


class Reader(Protocol):
    """Reads one value at a time; what it gives is always as new as the last commit."""

    def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> bytes | Later | None:
        """Run a statement and give its one value, a text in UTF-8; None for NULL.

        What can be had at once is given at once, without a turn of the event loop.

        Args:
            sql: In the database's own spelling.
            values: The values of its binds, as the driver takes them.
            is_short: Whether it takes less time than it would to have it done elsewhere.

        Raises:
            Unreadable: The statement cannot be run.
        """

    def generations(self) -> Mapping[str, int] | None:
        """Say how often each table was written, by whatever process, up to the last commit.

        As long as the numbers of some tables are the same, so is whatever is read from them alone. What is read
        after this was called is at least as new as the numbers.

        Returns:
            The very same object as the last time if nothing at all was committed since. None if it cannot be had
            without waiting.
        """

    async def close(self) -> None:
        """Close every connection."""


def lower(value: Any) -> Any:
    """Make a text's letters lower case, letter by letter, as SQLite's own function does for ASCII only."""
    # As a whole, Python would give a sigma at the end of a word another form.
    return "".join(map(str.lower, value)) if isinstance(value, str) else value


def _base64url(value: str) -> str:
    return base64.urlsafe_b64encode(value.encode()).decode()


class SqliteReader:
    """Reads short statements on the event loop by one connection, and long ones in threads with one each."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._here: sqlite3.Connection | None = None
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="reading")
        self._of_thread = threading.local()
        self._opened: list[sqlite3.Connection] = []
        self._changes: int | None = None
        self._generations: Mapping[str, int] = {}

    def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> bytes | Later | None:
        """Run a statement and give its one value."""
        if not is_short:
            return self._elsewhere(sql, values)
        try:
            return _value(self._here or self._open_here(), sql, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in ("SQLITE_BUSY", "SQLITE_BUSY_RECOVERY", "SQLITE_LOCKED"):
                raise Unreadable from error
            return self._elsewhere(sql, values)
        except sqlite3.Error as error:
            raise Unreadable from error

    def generations(self) -> Mapping[str, int] | None:
        """Say how often each table was written, up to the last commit."""
        try:
            here = self._here or self._open_here()
            # Differs from the last time if any other connection, of any process, has committed since; this one
            # never does.
            ((changes,),) = here.execute("PRAGMA data_version").fetchall()
            if changes != self._changes:
                rows = here.execute(_GENERATIONS).fetchall()
                self._generations = {name.decode(): times for name, times in rows}
                self._changes = changes
        except sqlite3.OperationalError:
            # A lock, for which nobody is to wait here, or a database that is not migrated.
            return None
        return self._generations

    async def _elsewhere(self, sql: str, values: Sequence[Any]) -> bytes | None:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._in_thread, sql, values)
        except sqlite3.Error as error:
            raise Unreadable from error

    def _in_thread(self, sql: str, values: Sequence[Any]) -> bytes | None:
        connection: sqlite3.Connection | None = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = self._of_thread.connection = self._open(busy_timeout=BUSY_TIMEOUT_MILLISECONDS)
        return _value(connection, sql, values)

    def _open_here(self) -> sqlite3.Connection:
        # Whoever must wait for a lock must not wait here, where everybody would.
        self._here = self._open(busy_timeout=0)
        return self._here

    def _open(self, *, busy_timeout: int) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, isolation_level=None, check_same_thread=False, cached_statements=_STATEMENTS
        )
        connection.execute(f"PRAGMA busy_timeout = {busy_timeout}")
        connection.execute("PRAGMA query_only = ON")
        connection.create_function("lower", 1, lower, deterministic=True)
        connection.create_function("base64url", 1, _base64url, deterministic=True)
        connection.text_factory = bytes
        self._opened.append(connection)
        return connection

    async def close(self) -> None:
        """Close every connection, once the threads have finished."""
        await asyncio.to_thread(self._threads.shutdown)
        while self._opened:
            self._opened.pop().close()
        # The next connection counts from a beginning of its own.
        self._here = self._changes = None


def _value(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> bytes | None:
    # All rows are taken: a statement that is not finished would hold its snapshot, and the next reads that.
    ((value,),) = connection.execute(sql, values).fetchall()
    return value  # type: ignore[no-any-return]


class SqliteWriter(aiosqlite.Connection):
    """Runs the statements of a unit of work where it is called, and only waits elsewhere.

    Most statements of a unit of work touch a row or two, and take less time than to have them done by another
    thread. What does wait is done there: for a lock that another process holds, and for the disk to commit.
    """

    def __init__(self, path: str) -> None:
        """Prepare to open a file; the connection begins and commits nothing by itself."""
        super().__init__(
            lambda: sqlite3.connect(path, isolation_level=None, check_same_thread=False),
            iter_chunk_size=_FETCHED_AT_ONCE,
        )
        # A process that ends without closing it must not wait for it.
        self._thread.daemon = True

    async def begin(self) -> None:
        """Begin a transaction that writes, as soon as no other process is in one."""
        await self._execute(self._conn.execute, "BEGIN IMMEDIATE")

    def fetch_here(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a statement of a transaction that has begun, and give its rows: it waits for nothing."""
        return self._conn.execute(sql, values).fetchall()

    async def idle(self) -> None:
        """Wait until its thread has nothing to do."""
        await super()._execute(_do_nothing)  # type: ignore[no-untyped-call]

    async def commit(self) -> None:
        """Commit the transaction."""
        await super()._execute(self._conn.commit)  # type: ignore[no-untyped-call]

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        connection = self._conn
        try:
            return fn(*args, **kwargs)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & _PRIMARY_CODE != sqlite3.SQLITE_BUSY:
                raise
        return await super()._execute(_patiently, connection, fn, *args, **kwargs)  # type: ignore[no-untyped-call]


def _do_nothing() -> None:
    """Take a turn."""


def _patiently(connection: sqlite3.Connection, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MILLISECONDS}")
    try:
        return fn(*args, **kwargs)
    finally:
        connection.execute("PRAGMA busy_timeout = 0")


class Link(Protocol):
    """A writing connection without anything between the program and its driver, for one transaction at a time."""

    async def begin(self) -> None:
        """Begin a transaction; where only one at a time can write, wait for the turn."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run a statement and give its rows.

        Raises:
            RuleBroken: It breaks a rule that the database holds; the cause says which.
        """

    async def commit(self) -> None:
        """Make the transaction true."""

    async def roll_back(self) -> None:
        """Undo the transaction."""

    async def settle(self) -> None:
        """Wait until what was begun and not waited for is over."""


class RuleBroken(Exception):
    """A statement breaks a rule that the database holds.

    Attributes:
        error: What the driver said of it.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class SqliteLink:
    """Runs statements where it is called, and waits for locks and for the disk elsewhere."""

    def __init__(self, connection: SqliteWriter) -> None:
        self._connection = connection

    async def begin(self) -> None:
        """Begin a transaction."""
        await self._connection.begin()

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run a statement and give its rows."""
        try:
            return self._connection.fetch_here(sql, values)
        except sqlite3.IntegrityError as error:
            raise RuleBroken(error) from error

    async def commit(self) -> None:
        """Make the transaction true."""
        await self._connection.commit()

    async def roll_back(self) -> None:
        """Undo the transaction."""
        await self._connection.rollback()

    async def settle(self) -> None:
        """Wait until the connection's own thread has nothing to do."""
        await self._connection.idle()


class PostgresqlLink:
    """Runs statements that the connection prepares when they come first."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def begin(self) -> None:
        """Begin a transaction."""
        await self._connection.execute("BEGIN")

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run a statement and give its rows."""
        try:
            rows: Sequence[Sequence[Any]] = await self._connection.fetch(sql, *values)
        except asyncpg.IntegrityConstraintViolationError as error:
            # It tells the row at fault, and tracebacks would print it.
            error.detail = None
            raise RuleBroken(error) from error
        return rows

    async def commit(self) -> None:
        """Make the transaction true."""
        await self._connection.execute("COMMIT")

    async def roll_back(self) -> None:
        """Undo the transaction."""
        await self._connection.execute("ROLLBACK")

    async def settle(self) -> None:
        """Wait for nothing: the driver itself calls back what was given up."""


def link_over(connection: Any) -> Link:
    """Give a link over a connection of a driver: a `SqliteWriter` or one of asyncpg."""
    return SqliteLink(connection) if isinstance(connection, SqliteWriter) else PostgresqlLink(connection)


class PostgresqlReader:
    """Reads by a pool of connections, each of which knows the statements that it ran before."""

    def __init__(self, url: URL, *, connections: int) -> None:
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connections = connections
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> bytes | None:
        """Run a statement and give its one value."""
        try:
            pool = self._pool or await self._open()
            text: str | None = await pool.fetchval(sql, *values)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise Unreadable from error
        return None if text is None else text.encode()

    def generations(self) -> None:
        """Say nothing: to ask would take as long as to read."""

    async def _open(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    self._dsn,
                    min_size=0,
                    max_size=self._connections,
                    statement_cache_size=_STATEMENTS,
                    server_settings={"default_transaction_read_only": "on"},
                    # A reading statement leaves nothing behind that would have to be put back.
                    reset=_leave_as_it_is,
                )
            return self._pool

    async def close(self) -> None:
        """Close every connection."""
        if self._pool is not None:
            await self._pool.close()
            self._pool = None


async def _leave_as_it_is(_: asyncpg.Connection) -> None:
    """Spare the round trip that would put a connection's settings back."""


def open_reader(url: URL, *, connections: int) -> Reader:
    """Prepare to read a database; nothing is opened before it is needed.

    Args:
        url: An SQLAlchemy URL of SQLite or PostgreSQL.
        connections: How many PostgreSQL connections there are at most.
    """
    if url.get_backend_name() == "sqlite":
        return SqliteReader(url.database or "")
    return PostgresqlReader(url, connections=connections)
