"""Statements that are spelled once for each database, and run again and again with other values.

To have SQLAlchemy spell a statement takes longer than to run it, and its sessions and connections take longer
still. Where a unit of work begins and ends is for the rooms above.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from sqlalchemy import Dialect, Executable, make_url
from sqlmodel.ext.asyncio.session import AsyncSession

from app.kit.facts import Noting
from app.kit.moments import Moment
from app.kit.money import Money

DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
"""The driver of each database that statements can be spelled for, as the beginning of a URL names both."""

Read = Callable[[Any], Any]
"""From what a driver takes or gives to what the rest of the program knows, or the other way."""

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Spelling:
    """A statement in the words of one database.

    Attributes:
        sql: Its text.
        binds: The name of each of its binds, in their order.
        fixed: The values of those binds that are the same each time, as the driver takes them.
        writers: From a value to what the driver takes, by the bind's name; without one it is taken as it is.
        readers: From what the driver gives to the value of each column; None takes it as it is.
    """

    sql: str
    binds: Sequence[str]
    fixed: Mapping[str, Any]
    writers: Mapping[str, Read]
    readers: Sequence[Read | None]

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """Give the values of the binds in their order, as the driver takes them."""
        return [self._written(name, given[name]) if name in given else self.fixed[name] for name in self.binds]

    def row(self, found: Sequence[Any]) -> Row:
        """Read a row as the driver gives it."""
        return tuple(
            value if read is None else read(value) for value, read in zip(found, self.readers, strict=True)
        )

    def _written(self, name: str, value: Any) -> Any:
        write = self.writers.get(name)
        return value if write is None else write(value)


@cache
def _dialect(name: str) -> Dialect:
    """Give the spelling of a database, as its driver wants binds marked; to import one takes long."""
    make: Callable[[], Dialect] = make_url(f"{DRIVERS[name]}://").get_dialect()
    return make()


def spell(statement: Executable, dialect_name: str) -> Spelling:
    """Spell a statement for a database.

    Args:
        statement: Of SQLAlchemy's Core.
        dialect_name: One of `DRIVERS`.
    """
    dialect = _dialect(dialect_name)
    compiled: Any = statement.compile(dialect=dialect)  # type: ignore[attr-defined]  # Whatever runs compiles.
    # What has no value yet gets one each time that it is run.
    whole = compiled.construct_expanded_state(
        {name: None for name, bind in compiled.binds.items() if bind.required}
    )
    writers = {**compiled._bind_processors, **whole.processors}  # noqa: SLF001 - there is no public way
    names = tuple(whole.positiontup or ())
    fixed = {
        name: value if value is None or (write := writers.get(name)) is None else write(value)
        for name, value in whole.parameters.items()
    }
    columns = compiled._result_columns  # noqa: SLF001 - the same
    return Spelling(
        whole.statement, names, fixed, writers, tuple(_reader(column.type, dialect) for column in columns)
    )


class Prepared:
    """A statement whose binds get their values each time that it is run."""

    def __init__(self, statement: Executable) -> None:
        """Take a statement of SQLAlchemy's Core; it is spelled when it is first run."""
        self.statement = statement
        self._spellings: dict[str, Spelling] = {}

    def spelled(self, dialect_name: str) -> Spelling:
        """Give its text for a database."""
        spelling = self._spellings.get(dialect_name)
        if spelling is None:
            spelling = self._spellings[dialect_name] = spell(self.statement, dialect_name)
        return spelling


class Unit(Noting, Protocol):
    """An open unit of work that runs prepared statements; whoever opened it commits."""

    async def run(self, prepared: Prepared, /, **values: Any) -> Sequence[Row]:
        """Run a statement, and give its rows; none for one that gives none.

        Args:
            prepared: The statement.
            values: The values of its binds, by their names.

        Raises:
            IntegrityError: It breaks a rule that the database holds.
        """


class Session(AsyncSession):
    """A session of SQLAlchemy that runs prepared statements too."""

    async def run(self, prepared: Prepared, /, **values: Any) -> Sequence[Row]:
        """Run a prepared statement, and give its rows.

        Raises:
            IntegrityError: It breaks a rule that the database holds.
        """
        await self.flush()
        found = await (await self.connection()).execute(prepared.statement, values)
        return [tuple(row) for row in found] if found.returns_rows else []


def _reader(column_type: Any, dialect: Dialect) -> Read | None:
    # The drivers give all other types as the program has them.
    if not isinstance(column_type, Money | Moment):
        return None
    return lambda value: column_type.process_result_value(value, dialect)
