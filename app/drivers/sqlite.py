"""SQLite: short statements on the event loop, long ones in threads, and one connection that writes."""

import asyncio
import base64
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiosqlite

from app.drivers.links import RuleBroken
from app.drivers.readers import STATEMENTS, Later, Unreadable

BUSY_TIMEOUT_MILLISECONDS = 10_000

_THREADS = 4
_FETCHED_AT_ONCE = 64
_PRIMARY_CODE = 0xFF  # SQLite's extended result codes have the primary one in their lowest byte.
# Triggers count, so that nothing is written past them. A migration that makes a table anew writes it too.
_GENERATIONS = """
SELECT entity, times FROM written
UNION ALL SELECT '', schema_version FROM pragma_schema_version
"""


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
            self._path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
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
