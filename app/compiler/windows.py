"""Which rows a list or a page holds, and in which order: a field's arguments, held to their ranges."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from app.compiler.slots import Slot, refuse_slots
from app.kit.problem import InvalidInput

MAX_LIMIT = 500
"""So many items are on a list or a page at most."""

DEFAULT_PAGE = 100
"""So many are on a page where nobody asks for another number."""

Order = tuple[tuple[str, bool], ...]
"""Pairs of attribute and whether it descends. The last one is the key, so that no two rows have the same place."""

BY_KEY: Order = (("id", False),)


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a list, in which order.

    Attributes:
        filter: As the schema's filter inputs say it, scalars already parsed.
        limit: At most so many rows; None for all.
        offset: So many rows are passed over first.
    """

    filter: Mapping[str, Any] = field(default_factory=dict)
    order: Order = BY_KEY
    limit: int | Slot | None = None
    offset: int | Slot = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paging:
    """The arguments that cut a page out of a connection (Relay's cursor connections specification, section 4)."""

    first: int | Slot | None = None
    after: str | Slot | None = None
    last: int | Slot | None = None
    before: str | Slot | None = None

    @classmethod
    def of(cls, arguments: Mapping[str, Any]) -> Self:
        """Take them out of a field's arguments."""
        return cls(**{name: arguments.get(name) for name in ("first", "after", "last", "before")})

    @property
    def is_backwards(self) -> bool:
        """Whether the page is cut from the end."""
        return self.last is not None

    def size(self) -> int | Slot:
        """Give how many rows are wanted; a slot has no value yet.

        Raises:
            InvalidInput: Both ends are asked for at once, or too many or fewer than none.
        """
        if self.first is not None and self.last is not None:
            raise InvalidInput(path=("last",), phrase="rule-one-of")
        name, wanted = ("first", self.first) if self.last is None else ("last", self.last)
        return DEFAULT_PAGE if wanted is None else _in_range(name, wanted, MAX_LIMIT)


@dataclass(frozen=True, slots=True)
class PageWindow:
    """Which rows of a page, in which order.

    Attributes:
        filter: What all pages have in common, as the schema's filter inputs say it, scalars already parsed.
    """

    filter: Mapping[str, Any]
    order: Order
    paging: Paging


def window(orders: Mapping[str, str], arguments: Mapping[str, Any]) -> Window:
    """Read a list field's arguments.

    Args:
        orders: The attribute for each value of the order enum.
        arguments: As GraphQL coerces them.

    Raises:
        InvalidInput: The limit or the offset is out of range: on a relation nobody else has looked yet.
        NoSlot: A variable decides how to filter or to order.
    """
    limit_from(arguments.get("limit"))
    offset_from(arguments.get("offset"))
    return Window(
        filter=_filter(arguments),
        order=_order(orders, arguments),
        limit=arguments.get("limit"),
        offset=arguments.get("offset") or 0,
    )


def page_window(orders: Mapping[str, str], arguments: Mapping[str, Any]) -> PageWindow:
    """Read a connection field's arguments; whether its cursors are some, is seen when they are needed.

    Args:
        orders: The attribute for each value of the order enum.
        arguments: As GraphQL coerces them.

    Raises:
        InvalidInput: Both ends are asked for at once, or too many or fewer than none.
        NoSlot: A variable decides how to filter or to order.
    """
    paging = Paging.of(arguments)
    paging.size()
    return PageWindow(_filter(arguments), _order(orders, arguments), paging)


def limit_from(value: Any) -> Any:
    """Hold a limit to its range; a slot has no value yet.

    Raises:
        InvalidInput: It is out of range.
    """
    return _in_range("limit", value, MAX_LIMIT)


def offset_from(value: Any) -> Any:
    """Hold an offset to its range; a slot has no value yet.

    Raises:
        InvalidInput: It is out of range.
    """
    return _in_range("offset", value, None)


def _in_range(name: str, value: Any, largest: int | None) -> Any:
    if isinstance(value, int):
        if value < 0:
            raise InvalidInput(path=(name,), phrase="rule-too-small", min=0)
        if largest is not None and value > largest:
            raise InvalidInput(path=(name,), phrase="rule-too-large", max=largest)
    return value


def _filter(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    refuse_slots(arguments.get("filter"))
    return arguments.get("filter") or {}


def _order(orders: Mapping[str, str], arguments: Mapping[str, Any]) -> Order:
    refuse_slots(arguments.get("orderBy"))
    by: dict[str, bool] = {}
    for each in arguments.get("orderBy") or ():
        # What was ordered by once, or comes after the key, decides nothing any more.
        if "id" not in by:
            by.setdefault(orders[_value(each["field"])], _value(each["direction"]) == "DESC")
    return tuple(by.items()) if "id" in by else (*by.items(), *BY_KEY)


def _value(choice: Any) -> str:
    return str(getattr(choice, "value", choice))
