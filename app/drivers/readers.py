"""What a compiled statement is read by, whatever the database."""

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

STATEMENTS = 512
"""How many prepared statements a connection keeps; a client has tens."""

Later: TypeAlias = Coroutine[Any, Any, bytes | None]
"""A value that has to be waited for; nothing is done before that."""


class Unreadable(Exception):
    """The database refuses a statement, or cannot be reached; the cause says why."""


class Reader(Protocol):
    """Reads one value at a time; what it gives is always as new as the last commit."""

    def read(self, sql: str, values: Sequence[Any], *, is_short: bool) -> bytes | Later | None:
        """Run a statement and give its one value, a text in UTF-8; None for NULL.

        What can be had at once is given at once, without a turn of the event loop.

        Args:
            sql: In the database's own spelling.
            values: The values of its binds, as the driver takes them.
            is_short: Whether it takes less time than it would to have it done elsewhere.

        Raises:
            Unreadable: The statement cannot be run.
        """

    def generations(self) -> Mapping[str, int] | None:
        """Say how often each table was written, by whatever process, up to the last commit.

        As long as the numbers of some tables are the same, so is whatever is read from them alone. What is read
        after this was called is at least as new as the numbers.

        Returns:
            The very same object as the last time if nothing at all was committed since. None if it cannot be had
            without waiting.
        """

    async def close(self) -> None:
        """Close every connection."""
