"""What a unit of work of prepared statements is written by, whatever the database."""

from collections.abc import Sequence
from typing import Any, Protocol


class Link(Protocol):
    """A writing connection without anything between the program and its driver, for one transaction at a time."""

    async def begin(self) -> None:
        """Begin a transaction; where only one at a time can write, wait for the turn."""

    async def fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """Run a statement and give its rows.

        Raises:
            RuleBroken: It breaks a rule that the database holds; the cause says which.
        """

    async def commit(self) -> None:
        """Make the transaction true."""

    async def roll_back(self) -> None:
        """Undo the transaction."""

    async def settle(self) -> None:
        """Wait until what was begun and not waited for is over."""


class RuleBroken(Exception):
    """A statement breaks a rule that the database holds.

    Attributes:
        error: What the driver said of it.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error
