"""Moments in UTC, kept to the millisecond on every database."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Moment(TypeDecorator[datetime]):
    """A column of moments: TIMESTAMP WITH TIME ZONE, and milliseconds since 1970 on SQLite.

    SQLite has no type for time; whole milliseconds sort, compare and come back as they went in.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the integer column on SQLite and the zoned one elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | int | None:
        """Write a moment, cut to the millisecond; a naive one is refused.

        Raises:
            ValueError: The moment has no time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment needs a time zone")
        whole = self.milliseconds(value)
        return whole if dialect.name == "sqlite" else _EPOCH + whole * _MILLISECOND

    def process_result_value(self, value: datetime | int | None, dialect: Dialect) -> datetime | None:
        """Read a moment in UTC."""
        if value is None:
            return None
        return self.from_json(value) if isinstance(value, int) else value.astimezone(UTC)

    @staticmethod
    def milliseconds(value: datetime) -> int:
        """Give a moment in whole milliseconds since 1970."""
        return (value - _EPOCH) // _MILLISECOND

    @staticmethod
    def from_json(value: str | int) -> datetime:
        """Read a moment as a database writes it into JSON: milliseconds or ISO 8601 text."""
        if isinstance(value, int):
            return _EPOCH + value * _MILLISECOND
        return datetime.fromisoformat(value).astimezone(UTC)
