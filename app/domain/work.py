"""What a domain function asks of the database when it must choose itself when to hold it."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from app.kit.facts import Fact
from app.statements import Session, Unit


class GivenUp(Exception):
    """The operation is not done: the same one, sent again, has been done by another process meanwhile."""


class Work(Protocol):
    """Hands out sessions.

    Most functions are given an open one. Those that wait for something slow in between, such as the hash
    of a password, take one before and one after, so that no transaction waits with them.
    """

    def reading(self) -> AbstractAsyncContextManager[Session]:
        """Open a session that reads."""

    def unit_of_work(self) -> AbstractAsyncContextManager[Session]:
        """Open a session whose changes are committed together at the end, or not at all.

        Raises:
            GivenUp: The work is part of a repeatable request that another process has done.
        """

    def writing(self) -> AbstractAsyncContextManager[Unit]:
        """Open a unit of work for prepared statements alone; in all else it is like any other.

        Raises:
            GivenUp: As for `unit_of_work`.
        """

    def apart(self) -> AbstractAsyncContextManager[Session]:
        """Open a unit of work that is committed by itself, even if what comes after it is all undone.

        Only before the first one of the other kind: both at once could wait for each other.
        """


class JoinedWork(Work, Protocol):
    """Work whose units are committed together, at the end of a whole operation."""

    def take_facts(self) -> Sequence[Fact]:
        """Give the facts noted so far, and forget them."""
