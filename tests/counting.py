"""Counts what reaches the database."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from sqlalchemy import event

from app.database import Database
from app.drivers.links import Link


class Statements(list[str]):
    """The statements that a database has run while it is open, by any way; transactions do not count."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._reader = database.reader
        self._link_over_before = database.link_over
        self._engines = [engine.sync_engine for engine in database.engines]

    def __enter__(self) -> Self:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)
        self._database.reader = self
        self._database.link_over = self._link_over
        return self

    def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> Any:
        """Note a compiled statement, and run it."""
        self.append(sql)
        return self._reader.read(sql, values, is_short=is_short)

    def generations(self) -> Mapping[str, int] | None:
        """Count nothing: what is asked with each answer that is kept belongs to no answer."""
        return self._reader.generations()

    async def close(self) -> None:
        """Close what runs them."""
        await self._reader.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)
        self._database.reader = self._reader
        self._database.link_over = self._link_over_before

    def _link_over(self, connection: Any) -> Link:
        link = self._link_over_before(connection)
        run = link.fetch

        async def fetch(sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
            self.append(sql)
            return await run(sql, values)

        link.fetch = fetch  # type: ignore[method-assign]
        return link

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # The deliverer's look at the outbox belongs to no request, and may come at any moment.
        if not statement.startswith(("BEGIN", "SELECT outbox_mail")):
            self.append(statement)
