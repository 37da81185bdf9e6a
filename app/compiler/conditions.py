"""From the schema's filter inputs to SQL conditions; every value becomes a bind."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, false, func, literal, not_, or_, true
from sqlalchemy.orm import InstrumentedAttribute

from app.compiler.dialects import LowerTexts
from app.compiler.plan import Shelf
from app.kit.moments import Moment
from app.kit.money import PLACES, Money
from app.kit.problem import InvalidInput
from app.kit.tables import Key, key

# SQLite gives up on expressions a thousand levels deep. Both databases give up on some 32,000 binds: with
# `plan.MAX_RELATIONS` lists in a statement each may have 600.
MAX_CONDITIONS = 100
MAX_ITEMS = 500

# No text column is longer, so a longer text is found nowhere; SQLite refuses patterns of 50,000 bytes.
_LONGEST_TEXT = 255

# No price is larger; a bound beyond it selects the same rows, and fits the integer column of SQLite.
_LARGEST_AMOUNT = Decimal(10) ** 10

Condition = ColumnElement[bool]


def conditions(shelf: Shelf, rows: Any, given: Mapping[str, Any]) -> Condition:
    """Say a filter in SQL.

    Args:
        shelf: What the filtered type stands for.
        rows: The entity, or an alias of it, that the conditions are about.
        given: The filter as the schema says it, scalars already parsed; null parts select everything.

    Raises:
        InvalidInput: The filter has more than `MAX_CONDITIONS` parts, or its lists together more than
            `MAX_ITEMS` items.
    """
    parts, items = _count(given)
    if parts > MAX_CONDITIONS:
        raise InvalidInput(path=("filter",), phrase="rule-too-many-items", max=MAX_CONDITIONS)
    if items > MAX_ITEMS:
        raise InvalidInput(path=("filter",), phrase="rule-too-many-items", max=MAX_ITEMS)
    return _all_of(shelf, rows, given)


def _count(given: Mapping[str, Any]) -> tuple[int, int]:
    waiting, parts, items = [given], 0, 0
    while waiting:
        for name, value in waiting.pop().items():
            parts += 1
            if isinstance(value, Mapping):
                waiting.append(value)
            elif name in ("and", "or") and value:
                waiting.extend(value)
                parts += len(value)
            elif name == "in" and value:
                items += len(value)
    return parts, items


def _all_of(shelf: Shelf, rows: Any, given: Mapping[str, Any]) -> Condition:
    return and_(true(), *(_one(shelf, rows, name, value) for name, value in given.items() if value is not None))


def _one(shelf: Shelf, rows: Any, name: str, value: Any) -> Condition:
    if name == "and":
        return and_(true(), *(_all_of(shelf, rows, part) for part in value))
    if name == "or":
        return or_(false(), *(_all_of(shelf, rows, part) for part in value))
    if name == "not":
        return not_(_all_of(shelf, rows, value))
    column: InstrumentedAttribute[Any] = getattr(rows, shelf.columns[name])
    test = _test_for(column)
    return and_(true(), *(test(column, operator, bound) for operator, bound in value.items() if bound is not None))


def _test_for(column: InstrumentedAttribute[Any]) -> Callable[[Any, str, Any], Condition]:
    if isinstance(column.type, Money):
        return _by_amount
    if isinstance(column.type, Moment):
        return _by_moment
    return _by_key if column.type is Key else _by_text


def _by_key(column: Any, operator: str, value: Any) -> Condition:
    wanted = [value] if operator == "eq" else value
    condition: Condition = column.in_([key(item) for item in wanted])
    return condition


def _by_text(column: Any, operator: str, value: Any) -> Condition:
    # The database makes both sides lower: its idea of letters and Python's differ beyond ASCII.
    text = func.lower(column)
    if operator in ("eq", "in"):
        wanted = [value] if operator == "eq" else list(value)
        # One bind for all: SQLAlchemy takes seconds to compile some ten thousand calls of lower().
        return text.bool_op("IN")(LowerTexts(literal(json.dumps(wanted))))
    if len(value) > _LONGEST_TEXT:
        return false()
    escaped = re.sub(r"([%_/])", r"/\1", value)
    pattern = f"{escaped}%" if operator == "startsWith" else f"%{escaped}%"
    condition: Condition = text.like(func.lower(pattern), escape="/")
    return condition


def _by_amount(column: Any, operator: str, value: Decimal) -> Condition:
    bounded = max(-_LARGEST_AMOUNT, min(value, _LARGEST_AMOUNT))
    below, above = (
        bounded.quantize(Decimal(1).scaleb(-PLACES), rounding=rounding)
        for rounding in (ROUND_FLOOR, ROUND_CEILING)
    )
    # A bound finer than a ten-thousandth lies between two amounts: the one on the right side decides.
    condition: Condition
    match operator:
        case "eq":
            condition = column == below if below == value else false()
        case "gte":
            condition = column >= above
        case "gt":
            condition = column > below
        case "lte":
            condition = column <= below
        case _:
            condition = column < above
    return condition


def _by_moment(column: Any, operator: str, value: datetime) -> Condition:
    # Moments are kept to the millisecond: a finer bound lies between two, and cutting it gives the one before.
    finer = timedelta(microseconds=value.microsecond % 1000)
    bound = value - finer
    condition: Condition
    if operator == "gte":
        condition = column > bound if finer else column >= bound
    else:
        condition = column <= bound if finer else column < bound
    return condition
