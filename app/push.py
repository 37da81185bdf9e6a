"""Tells the other processes at once whose access has ended, and learns it from them.

The database has the truth and Redis only carries the news: a process that starts, or was cut off, reads the
database after it listens, so nothing falls in between. Besides, every process reads it every few seconds, for
news may be lost with the process that had it to tell, and the command line tells none.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

import orjson
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.database import Database
from app.domain.permits import revoking
from app.domain.permits.revoking import AccessEnded
from app.kit.clock import Clock
from app.kit.facts import Fact
from app.security.revocations import Revocations
from app.security.seals import BrokenSeal, Seals

ALONE_SECONDS = 5.0
"""How often the database is read: what no news tells is known after so long."""

_CUT_OFF_SECONDS = 0.5
"""How often it is read, and Redis tried again, while the connection to Redis is lost."""

_CONNECT_SECONDS = 2.0

_SILENCE_SECONDS = 5.0
"""After so long without a word Redis is asked for one; after twice as long the connection counts as lost."""

_SEAL = "access ended"

logger = logging.getLogger("app.push")


class Push:
    """Keeps one process's revocations up to date."""

    def __init__(
        self, database: Database, revocations: Revocations, seals: Seals, clock: Clock, *, redis_url: str | None
    ) -> None:
        """Prepare; nothing is opened before `start`.

        Args:
            database: Where the truth is.
            revocations: The set to keep.
            seals: Seals the news, and names its channel.
            clock: The time.
            redis_url: Where the news goes; None if there is no Redis.
        """
        self._database = database
        self._revocations = revocations
        self._seals = seals
        self._channel = channel_of(seals)
        self._clock = clock
        self._redis = None if redis_url is None else _client(redis_url)
        self._listening = asyncio.Event()
        self._news: asyncio.Queue[AccessEnded] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def told(self, fact: Fact) -> None:
        """Take a fact of this process: it holds here at once, and goes out to the others."""
        if isinstance(fact, AccessEnded):
            self._apply(fact)
            if self._redis is not None:
                self._news.put_nowait(fact)

    async def start(self) -> None:
        """Learn what must be refused, before the first request is served, and keep learning.

        Raises:
            SQLAlchemyError: The database cannot be read.
        """
        if self._redis is not None:
            self._tasks += [
                asyncio.create_task(self._listen(self._redis)),
                asyncio.create_task(self._publish(self._redis)),
            ]
            with suppress(TimeoutError):
                await asyncio.wait_for(self._listening.wait(), timeout=_CONNECT_SECONDS)
        await self.learn()
        self._tasks.append(asyncio.create_task(self._read_again()))

    async def stop(self) -> None:
        """Stop learning and close the connections; news that is still to be told gets a moment."""
        if self._redis is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.join(), timeout=_CONNECT_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._redis is not None:
            await self._redis.aclose()

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

    async def _listen(self, redis: Redis) -> None:
        while True:
            try:
                async with redis.pubsub() as channel:
                    await channel.subscribe(self._channel)
                    await self._follow(channel)
            except (RedisError, OSError) as error:
                logger.warning("Redis is away (%s): reading the database instead", type(error).__name__)
            await self._learn_if_possible()
            await asyncio.sleep(_CUT_OFF_SECONDS)

    async def _follow(self, channel: PubSub) -> None:
        asked = False
        while True:
            message = await channel.get_message(timeout=_SILENCE_SECONDS)
            if message is None:
                # A connection that a firewall has forgotten looks like silence for ever.
                if asked:
                    raise Disconnected("no answer")
                await channel.ping()
                asked = True
                continue
            asked = False
            if message["type"] == "subscribe":
                # Only now: what was ended while nobody listened is in the database.
                await self._learn_if_possible()
                self._listening.set()
            elif message["type"] == "message":
                self._hear(message["data"])

    def _hear(self, sealed: bytes) -> None:
        try:
            ended = _read(self._seals.open(sealed, _SEAL))
        except (BrokenSeal, ValueError, TypeError, KeyError) as error:
            logger.warning("what came over Redis is no news of ours (%s)", type(error).__name__)
        else:
            self._apply(ended)

    async def _publish(self, redis: Redis) -> None:
        while True:
            news = await self._news.get()
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        await redis.publish(self._channel, self._seals.seal(_write(news), _SEAL))
                    break
                except (RedisError, OSError):
                    await asyncio.sleep(_CUT_OFF_SECONDS)
            self._news.task_done()

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


def channel_of(seals: Seals) -> str:
    """Name the channel of all processes with one pepper.

    Redis has one name space of channels for all its databases: without a name of its own, a service would
    hear the news of another, whose traders count from 1 as well.
    """
    return f"shares:access-ended:{seals.digest(b'channel', _SEAL).hex()[:16]}"


def _client(url: str) -> Redis:
    # No retries within: while the client waits between them, nobody would know that it is cut off.
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_CONNECT_SECONDS)


def _write(ended: AccessEnded) -> bytes:
    return orjson.dumps(
        {
            "permitId": ended.permit_id,
            "traderId": ended.trader_id,
            "before": ended.before,
            "until": ended.until,
        }
    )


def _read(message: bytes) -> AccessEnded:
    said: dict[str, Any] = orjson.loads(message)
    return AccessEnded(
        permit_id=said["permitId"],
        trader_id=said["traderId"],
        before=datetime.fromisoformat(said["before"]),
        until=datetime.fromisoformat(said["until"]),
    )
