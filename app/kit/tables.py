"""What every table has in common: how its constraints are named, its keys kept, and its records made."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Integer
from sqlalchemy.orm import class_mapper
from sqlmodel import SQLModel

E = TypeVar("E", bound=SQLModel)

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

Key = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key. SQLite counts up only a column that is called INTEGER, which holds 64 bits there too."""

NO_ROW = 0
"""A key that no row has."""


def record(entity: type[E], values: Mapping[str, Any]) -> E:
    """Make a record of what is in the database, which nothing has to be asked of: it belongs to no session.

    The class itself takes fifteen times as long, because it looks at each value.

    Args:
        entity: The record's class.
        values: Of all its columns, by the names of their attributes.
    """
    made: E = class_mapper(entity).class_manager.new_instance()
    made.__dict__.update(values)
    return made


def key(text: str) -> int:
    """Read a key as clients send it; whatever cannot be one becomes `NO_ROW`.

    Only the form that the API itself writes is read: ASCII digits without sign or leading zero.
    """
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or text.startswith("0"):
        return NO_ROW
    number = int(text)
    return number if number < 2**63 else NO_ROW
