"""The databases' own drivers, for statements that are texts already and give one value.

Between a request and a compiled statement every layer costs more than the statement: SQLAlchemy's engines are
for everything else. What runs here only reads.
"""

import asyncio
import base64
import sqlite3
import threading
from collections.abc import Awaitable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import asyncpg
from sqlalchemy.engine import URL

BUSY_TIMEOUT_MILLISECONDS = 10_000

_THREADS = 4
_STATEMENTS = 512  # How many prepared statements a connection keeps; a client has tens.


class Unreadable(Exception):
    """The database refuses a statement, or cannot be reached; the cause says why."""


class Reader(Protocol):
    """Reads one value at a time; what it gives is always as new as the last commit."""

    def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> bytes | Awaitable[bytes | None] | None:
        """Run a statement and give its one value, a text in UTF-8; None for NULL.

        What can be had at once is given at once, without a turn of the event loop.

        Args:
            sql: In the database's own spelling.
            values: The values of its binds, as the driver takes them.
            is_short: Whether it takes less time than it would to have it done elsewhere.

        Raises:
            Unreadable: The statement cannot be run.
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

    def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> bytes | Awaitable[bytes | None] | None:
        """Run a statement and give its one value."""
        if not is_short:
            return self._elsewhere(sql, values)
        if self._here is None:
            # Whoever must wait for a lock must not wait here, where everybody would.
            self._here = self._open(busy_timeout=0)
        try:
            return _value(self._here, sql, values)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in ("SQLITE_BUSY", "SQLITE_BUSY_RECOVERY", "SQLITE_LOCKED"):
                raise Unreadable from error
            return self._elsewhere(sql, values)
        except sqlite3.Error as error:
            raise Unreadable from error

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
        self._here = None


def _value(connection: sqlite3.Connection, sql: str, values: Sequence[Any]) -> bytes | None:
    # All rows are taken: a statement that is not finished would hold its snapshot, and the next reads that.
    ((value,),) = connection.execute(sql, values).fetchall()
    return value  # type: ignore[no-any-return]


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
