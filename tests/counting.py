"""Counts what reaches the database."""

from types import TracebackType
from typing import Any, Self

from sqlalchemy import event

from app.database import Database


class Statements(list[str]):
    """The statements that a database's engines have run while it is open; transactions do not count."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._engines = [engine.sync_engine for engine in database.engines]

    def __enter__(self) -> Self:
        for engine in self._engines:
            event.listen(engine, "before_cursor_execute", self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for engine in self._engines:
            event.remove(engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        # The deliverer's look at the outbox belongs to no request, and may come at any moment.
        if not statement.startswith(("BEGIN", "SELECT outbox_mail")):
            self.append(statement)
