"""PostgreSQL over asyncpg: a pool that reads, and links over the connections that write."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from sqlalchemy.engine import URL

from app.drivers.links import RuleBroken
from app.drivers.readers import STATEMENTS, Unreadable


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
                    statement_cache_size=STATEMENTS,
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
