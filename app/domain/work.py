"""What a domain function asks of the database when it must choose itself when to hold it."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from sqlmodel.ext.asyncio.session import AsyncSession


class Work(Protocol):
    """Hands out sessions.

    Most functions are given an open one. Those that wait for something slow in between, such as the hash
    of a password, take one before and one after, so that no transaction waits with them.
    """

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session that reads."""

    def unit_of_work(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Open a session whose changes are committed together at the end, or not at all."""
