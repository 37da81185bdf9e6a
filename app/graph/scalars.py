"""How days, moments and exact decimals look in JSON, and what is read from it."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from graphql import Node
from strawberry.types.scalar import ScalarDefinition, scalar

from app.graph.validation_texts import Unreadable

# The date-time production of RFC 3339, section 5.6, without leap seconds, which datetime cannot hold.
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_LONGEST_DECIMAL = 64
_LARGEST_EXPONENT = 40


def _read_day(value: Any) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise Unreadable("rule-day")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise Unreadable("rule-day") from None


def _read_moment(value: Any) -> datetime:
    if not isinstance(value, str) or not _RFC_3339.fullmatch(value):
        raise Unreadable("rule-moment")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Unreadable("rule-moment") from None


def write_moment(value: datetime) -> str:
    """Write a moment in UTC as RFC 3339 with milliseconds and a trailing Z."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_decimal(value: Any) -> Decimal:
    # A JSON number arrives as a float; its shortest text is what the client wrote.
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unreadable("rule-not-a-number")
    text = str(value)
    if len(text) > _LONGEST_DECIMAL:
        raise Unreadable("rule-too-long", max=_LONGEST_DECIMAL)
    if not text.isascii() or "_" in text:
        raise Unreadable("rule-not-a-number")
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise Unreadable("rule-not-a-number") from None
    if not number.is_finite():
        raise Unreadable("rule-not-a-number")
    if abs(number.adjusted()) > _LARGEST_EXPONENT:
        raise Unreadable("rule-number-out-of-range")
    return number


def _write_decimal(value: Decimal) -> str:
    return f"{value:f}"


def _from_literal(read: Any) -> Any:
    def parse_literal(node: Node, _variables: Any = None) -> Any:
        try:
            return read(getattr(node, "value", None))
        except Unreadable as fault:
            raise fault.at(node) from None

    return parse_literal


SCALARS: dict[object, ScalarDefinition] = {
    date: scalar(
        name="Date",
        description="A day as YYYY-MM-DD.",
        specified_by_url="https://scalars.graphql.org/andimarek/local-date.html",
        serialize=date.isoformat,
        parse_value=_read_day,
        parse_literal=_from_literal(_read_day),
    ),
    datetime: scalar(
        name="DateTime",
        description="A moment in UTC as RFC 3339 with a trailing Z.",
        specified_by_url="https://scalars.graphql.org/andimarek/date-time.html",
        serialize=write_moment,
        parse_value=_read_moment,
        parse_literal=_from_literal(_read_moment),
    ),
    Decimal: scalar(
        name="Decimal",
        description='An exact decimal number. Always sent as a JSON string, such as "10.28", never as a number; '
        "read from a string or a number.",
        specified_by_url="https://en.wikipedia.org/wiki/Decimal_data_type",
        serialize=_write_decimal,
        parse_value=_read_decimal,
        parse_literal=_from_literal(_read_decimal),
    ),
}
"""The scalar of each Python type, for Strawberry's `scalar_map`."""
