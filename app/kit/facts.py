"""What happened in a unit of work, noted while it is open and told once it is true."""

from collections.abc import Sequence
from typing import Any, Protocol

_KEY = "facts"


class Fact:
    """Something that happened, in the past tense; subclasses say what."""


class Noting(Protocol):
    """A unit of work as far as facts are noted in it."""

    @property
    def info(self) -> dict[Any, Any]:
        """What is noted."""


def note(unit: Noting, fact: Fact) -> None:
    """Note a fact; a unit of work that fails tells nobody of it."""
    unit.info.setdefault(_KEY, []).append(fact)


def noted(unit: Noting) -> Sequence[Fact]:
    """Give the facts noted in a unit of work, in their order."""
    facts: list[Fact] = unit.info.get(_KEY, [])
    return facts
