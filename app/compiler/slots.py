"""Places in a plan that a variable's value is put into when the statement runs.

A plan is made once for every value that a variable may take, as long as the value only ever becomes a bind.
A variable that decides what the statement looks like, such as one under `@include`, has no slot: each of its
values has a plan of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam


@dataclass(frozen=True, slots=True)
class Slot:
    """A variable in the place of its value.

    Attributes:
        name: The variable's.
    """

    name: str


@dataclass(frozen=True, slots=True)
class Bind:
    """What a statement asks for at one of its binds.

    Attributes:
        name: The variable that has the value; None if the value is always the same.
        read: From the variable's value, as GraphQL coerces it, to what the statement compares with; it raises a
            `Problem` for what is out of range.
        value: The value, if it is always the same.
    """

    name: str | None
    read: Callable[[Any], Any]
    value: Any = None


@dataclass(slots=True)
class Binds:
    """The slots of a statement by the names of its binds, while it is being put together."""

    slots: dict[str, Bind] = field(default_factory=dict)

    def value(self, given: Any, read: Callable[[Any], Any], of: Any) -> Any:
        """Give what stands for a value in SQL: a bind of its own for a slot.

        Args:
            given: The value, or its slot.
            read: From the value to what the statement compares with.
            of: The type of that in SQL.
        """
        if not isinstance(given, Slot):
            return read(given)
        name = f"slot_{len(self.slots)}"
        self.slots[name] = Bind(given.name, read)
        return bindparam(name, required=False, type_=of)


class NoSlot(Exception):
    """A variable stands where its value decides what the statement looks like.

    Attributes:
        name: The variable's.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def refuse_slots(value: Any) -> None:
    """Look for slots in an argument's value where none may be.

    Raises:
        NoSlot: There is one.
    """
    if isinstance(value, Slot):
        raise NoSlot(value.name)
    if isinstance(value, dict):
        for each in value.values():
            refuse_slots(each)
    elif isinstance(value, list):
        for each in value:
            refuse_slots(each)
