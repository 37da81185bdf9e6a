"""Notes the statements that engines and links run, with the exchange that they are run for."""

from collections.abc import Sequence
from time import perf_counter_ns
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.engine.interfaces import ExceptionContext
from sqlalchemy.pool import ConnectionPoolEntry

from app.database import Database
from app.drivers.links import Link
from app.web.exchange import DATABASE, current

_STATEMENT, _COMMIT = "statement began", "commit began"
# What begins and parts transactions takes time, but reads and writes nothing.
_NO_STATEMENTS = ("BEGIN", "SAVEPOINT", "RELEASE", "ROLLBACK", "SET LOCAL")


def note_statements(database: Database) -> None:
    """Have every statement noted from now on that is not run by the database's own reader."""
    for engine in database.engines:
        of_engine = engine.sync_engine
        event.listen(of_engine, "before_cursor_execute", _begin)
        event.listen(of_engine, "after_cursor_execute", _end)
        event.listen(of_engine, "handle_error", _fail)
        event.listen(of_engine, "commit", _begin_commit)
        event.listen(of_engine, "checkin", _end_commit)
    link_over = database.link_over
    database.link_over = lambda connection: _NotedLink(link_over(connection))


class _NotedLink:
    """A link whose statements are noted."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def begin(self) -> None:
        began = perf_counter_ns()
        await self._link.begin()
        _pass(began, "BEGIN")

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        began, exchange = perf_counter_ns(), current.get()
        rows: Sequence[Sequence[Any]] | None = None
        try:
            rows = await self._link.fetch(sql, values)
            return rows
        finally:
            if exchange is not None:
                exchange.ran(sql, began, None if rows is None else len(rows))

    async def commit(self) -> None:
        began = perf_counter_ns()
        await self._link.commit()
        _pass(began, "COMMIT")

    async def roll_back(self) -> None:
        began = perf_counter_ns()
        await self._link.roll_back()
        _pass(began, "ROLLBACK")

    async def settle(self) -> None:
        await self._link.settle()


def _pass(began: int, statement: str) -> None:
    exchange = current.get()
    if exchange is not None:
        exchange.passed(DATABASE, began, statement)


def _begin(connection: Connection, *_: Any) -> None:
    if current.get() is not None:
        connection.info[_STATEMENT] = perf_counter_ns()


def _end(connection: Connection, cursor: Any, statement: str, *_: Any) -> None:
    _note(connection.info, statement, _rows(cursor))


def _fail(context: ExceptionContext) -> None:
    connection = context.connection
    # Of a connection that is lost nothing can be asked any more.
    if connection is not None and not connection.invalidated and context.statement is not None:
        _note(connection.info, context.statement, None)


def _begin_commit(connection: Connection) -> None:
    if current.get() is not None:
        connection.info[_COMMIT] = perf_counter_ns()


def _end_commit(_: Any, entry: ConnectionPoolEntry) -> None:
    # A commit has no event at its end, but the connection is given back right after it.
    began, exchange = entry.info.pop(_COMMIT, None), current.get()
    if began is not None and exchange is not None:
        exchange.passed(DATABASE, began, "COMMIT")


def _note(info: Any, statement: str, rows: int | None) -> None:
    began, exchange = info.pop(_STATEMENT, None), current.get()
    if began is None or exchange is None:
        return
    if statement.startswith(_NO_STATEMENTS):
        exchange.passed(DATABASE, began, statement)
    else:
        exchange.ran(statement, began, rows)


def _rows(cursor: Any) -> int | None:
    if cursor.rowcount >= 0:
        return int(cursor.rowcount)
    # SQLite's driver counts no rows that it reads; the adapter has them, and there is no public way to ask it.
    fetched = getattr(cursor, "_rows", None)
    return None if fetched is None or cursor.description is None else len(fetched)
