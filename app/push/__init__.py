"""Tells the other processes at once whose access has ended, and learns it from them.

The database has the truth and Redis only carries the news: a process that starts, or was cut off, reads the
database after it listens, so nothing falls in between. Besides, every process reads it every few seconds, for
news may be lost with the process that had it to tell, and the command line tells none.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.domain.permits import revoking
from app.domain.permits.revoking import AccessEnded
from app.kit.clock import Clock
from app.kit.facts import Fact
from app.security.revocations import Revocations

ALONE_SECONDS = 5.0
"""How often the database is read: what no news tells is known after so long."""

CONNECT_SECONDS = 2.0
"""How long a start waits for the carrier, and an end for news that is still to be told."""

logger = logging.getLogger("app.push")


class Carrier(Protocol):
    """Carries news between processes."""

    def tell(self, ended: AccessEnded) -> None:
        """Take news for the others; it goes out as soon as it can."""

    async def start(self, hear: Callable[[AccessEnded], None], catch_up: Callable[[], Awaitable[None]]) -> None:
        """Listen, and return once connected or when it has taken too long.

        Args:
            hear: Takes each news of the others.
            catch_up: Reads the truth; called each time that news may have been missed.
        """

    async def stop(self) -> None:
        """Tell what is still to be told, and close the connection."""

    async def is_reachable(self) -> bool:
        """Say whether news can be carried now."""


class Push:
    """Keeps one process's revocations up to date."""

    def __init__(
        self, database: Database, revocations: Revocations, clock: Clock, *, carrier: Carrier | None
    ) -> None:
        """Prepare; nothing is opened before `start`.

        Args:
            database: Where the truth is.
            revocations: The set to keep.
            clock: The time.
            carrier: What the news goes by; None if this process is alone, or reads the database only.
        """
        self._database = database
        self._revocations = revocations
        self._clock = clock
        self._carrier = carrier
        self._reading: asyncio.Task[None] | None = None

    def told(self, fact: Fact) -> None:
        """Take a fact of this process: it holds here at once, and goes out to the others."""
        if isinstance(fact, AccessEnded):
            self._apply(fact)
            if self._carrier is not None:
                self._carrier.tell(fact)

    async def start(self) -> None:
        """Learn what must be refused, before the first request is served, and keep learning.

        Raises:
            SQLAlchemyError: The database cannot be read.
        """
        if self._carrier is not None:
            await self._carrier.start(self._apply, self._learn_if_possible)
        await self.learn()
        self._reading = asyncio.create_task(self._read_again())

    async def stop(self) -> None:
        """Stop learning."""
        if self._carrier is not None:
            await self._carrier.stop()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def learn(self) -> None:
        """Read from the database what must still be refused."""
        async with self._database.reading() as session:
            ended: Sequence[AccessEnded] = await revoking.running(session, self._clock())
        for each in ended:
            self._apply(each)

    def _apply(self, ended: AccessEnded) -> None:
        if ended.permit_id is not None:
            self._revocations.end_permit(ended.permit_id, until=ended.until)
        if ended.trader_id is not None:
            self._revocations.outdate_trader(ended.trader_id, before=ended.before, until=ended.until)

    async def _read_again(self) -> None:
        while True:
            await asyncio.sleep(ALONE_SECONDS)
            await self._learn_if_possible()

    async def _learn_if_possible(self) -> None:
        try:
            await self.learn()
        except (SQLAlchemyError, OSError) as error:
            # What is known stays known; the next reading catches up.
            logger.error("revocations could not be read (%s)", type(error).__name__)
