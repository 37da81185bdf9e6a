"""The places of rows in an order: how a cursor says one, and which rows are beyond it.

A cursor is a JSON array in hexadecimal digits: what is ordered by what, then the row's values of it, the key last.
So it is true whatever rows are inserted or deleted, its own as well, and of no use in another order. Amounts are
in ten-thousandths and moments in milliseconds, as SQLite keeps them: nothing is rounded on the way. Both databases
have hexadecimal digits; base64url, for which SQLite asks Python, takes as long as the rest of a page (measured).
It is no secret and not signed: all that a made-up one does is to compare with values that a filter may name too.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache, partial
from typing import Any

import orjson
from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import SQLModel

from app.compiler.slots import Slot
from app.compiler.windows import Order, Paging
from app.kit.moments import Moment
from app.kit.money import Money
from app.kit.problem import Problem
from app.kit.tables import Key

# No two texts that rows are ordered by are longer, with every character escaped.
_LONGEST = 8_192

ValueOf = Callable[[Any, Callable[[Any], Any], Any], Any]
"""Gives what stands for an argument's value in SQL: from the argument, how to read it, and the column's type."""


class CursorInvalid(Problem):
    """The cursor is malformed, or one of another type or order."""

    code = "CURSOR_EXPIRED"


class Ordering:
    """An entity's rows in a total order.

    Attributes:
        by: Pairs of attribute and whether it descends, the key last.
        name: What is ordered by what, such as `Share-price+id`; needs no escape anywhere.
    """

    def __init__(self, entity: type[SQLModel], by: Order) -> None:
        self.by = by
        signed = (f"{'-' if descends else '+'}{attribute}" for attribute, descends in by)
        self.name = f"{entity.__name__}{''.join(signed)}"
        self._types = tuple(getattr(entity, attribute).type for attribute, _ in by)

    def clauses(self, rows: Any, *, reverse: bool = False) -> list[ColumnElement[Any]]:
        """Say the order in SQL.

        Args:
            rows: The entity, an alias of it, or the columns of a subquery.
            reverse: Whether the last comes first.
        """
        by = ((getattr(rows, attribute), descends is not reverse) for attribute, descends in self.by)
        return [column.desc() if descends else column.asc() for column, descends in by]

    def write(self, row: Any) -> str:
        """Make the cursor of a row."""
        values = (_said(getattr(row, attribute)) for attribute, _ in self.by)
        return orjson.dumps([self.name, *values]).hex().upper()

    def read(self, cursor: str, argument: str) -> tuple[Any, ...]:
        """Give the values that a cursor holds, one for each attribute of the order.

        Args:
            cursor: As a client sent it.
            argument: Where it was sent.

        Raises:
            CursorInvalid: It is none, or one of another type or order.
        """
        try:
            return _values_of(self.name, self._types, cursor)
        except (ValueError, TypeError, OverflowError) as error:
            raise CursorInvalid(path=(argument,)) from error

    def bounds(self, rows: Any, paging: Paging, value: ValueOf) -> list[ColumnElement[bool]]:
        """Select the rows between the cursors that are given.

        Args:
            rows: The entity, or an alias of it.
            paging: Has the cursors.
            value: Gives what stands for a cursor's values in SQL.

        Raises:
            CursorInvalid: One of them is none.
        """
        return [
            self._beyond(rows, self._values(cursor, argument, value), after=argument == "after")
            for argument, cursor in (("after", paging.after), ("before", paging.before))
            if cursor is not None
        ]

    def _values(self, cursor: str | Slot, argument: str, value: ValueOf) -> list[Any]:
        return [
            value(cursor, partial(self._value, position, argument), type_)
            for position, type_ in enumerate(self._types)
        ]

    def _value(self, position: int, argument: str, cursor: str) -> Any:
        return self.read(cursor, argument)[position]

    def _beyond(self, rows: Any, values: Sequence[Any], *, after: bool) -> ColumnElement[bool]:
        beyond: ColumnElement[bool] | None = None
        # From the key, which decides at last, up to what decides first.
        for (attribute, descends), value in zip(reversed(self.by), reversed(values), strict=True):
            column = getattr(rows, attribute)
            greater = descends is not after
            strictly = column > value if greater else column < value
            if beyond is None:
                beyond = strictly
            else:
                # Said so that an index can start at the place.
                beyond = and_(column >= value if greater else column <= value, or_(strictly, beyond))
        assert beyond is not None  # noqa: S101 - an order has the key at least
        return beyond


def value_given(given: Any, read: Callable[[Any], Any], _type: Any) -> Any:
    """Give an argument's value itself, where no plan is kept for others."""
    return read(given)


_WRITTEN: Mapping[type, Callable[[Any], Any]] = {Decimal: Money.units, datetime: Moment.milliseconds}


def _said(value: Any) -> Any:
    write = _WRITTEN.get(type(value))
    return value if write is None else write(value)


# Each value becomes a bind of its own, and a statement asks for one after the other.
@lru_cache(maxsize=256)
def _values_of(name: str, types: tuple[Any, ...], cursor: str) -> tuple[Any, ...]:
    if len(cursor) > _LONGEST:
        raise ValueError(name)
    of, *said = orjson.loads(bytes.fromhex(cursor))
    if of != name:
        raise ValueError(of)
    return tuple(_understood(type_, value) for type_, value in zip(types, said, strict=True))


def _understood(column_type: Any, said: Any) -> Any:
    is_text = not isinstance(column_type, Money | Moment) and column_type is not Key
    if is_text:
        # PostgreSQL refuses NUL; what else UTF-8 does not have, no JSON text has.
        if type(said) is not str or "\x00" in said:
            raise ValueError(said)
        return said
    if type(said) is not int or not -(2**63) <= said < 2**63:
        raise ValueError(said)
    return said if column_type is Key else column_type.from_json(said)
