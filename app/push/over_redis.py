"""Carries the news over Redis pub/sub.

A module of its own, because its library takes longer to load than all of ours: who has no Redis loads none.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
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

from app.domain.permits.revoking import AccessEnded
from app.push import CONNECT_SECONDS
from app.security.seals import BrokenSeal, Seals

_CUT_OFF_SECONDS = 0.5
"""How often the truth is read, and Redis tried again, while the connection is lost."""

_SILENCE_SECONDS = 5.0
"""After so long without a word Redis is asked for one; after twice as long the connection counts as lost."""

_SEAL = "access ended"

logger = logging.getLogger("app.push")


class RedisCarrier:
    """Carries news between the processes that have one pepper and one Redis."""

    def __init__(self, url: str, seals: Seals) -> None:
        """Prepare; nothing is opened before `start`.

        Args:
            url: Where Redis is.
            seals: Seals the news, and names its channel.
        """
        # No retries within: while the client waits between them, nobody would know that it is cut off.
        self._redis = Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=CONNECT_SECONDS)
        self._seals = seals
        self._channel = channel_of(seals)
        self._listening = asyncio.Event()
        self._news: asyncio.Queue[AccessEnded] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []

    def tell(self, ended: AccessEnded) -> None:
        """Take news for the others; it goes out as soon as it can."""
        self._news.put_nowait(ended)

    async def start(self, hear: Callable[[AccessEnded], None], catch_up: Callable[[], Awaitable[None]]) -> None:
        """Listen, and return once connected or after two seconds; it is tried on until `stop`."""
        self._tasks += [asyncio.create_task(self._listen(hear, catch_up)), asyncio.create_task(self._publish())]
        with suppress(TimeoutError):
            await asyncio.wait_for(self._listening.wait(), timeout=CONNECT_SECONDS)

    async def stop(self) -> None:
        """Close the connection; news that is still to be told gets two seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._news.join(), timeout=CONNECT_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def is_reachable(self) -> bool:
        """Say whether Redis answers now."""
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._redis.ping()
        except (RedisError, OSError):  # Of which TimeoutError is one.
            return False
        return True

    async def _listen(self, hear: Callable[[AccessEnded], None], catch_up: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self._channel)
                    await self._follow(channel, hear, catch_up)
            except (RedisError, OSError) as error:
                logger.warning("Redis is away (%s): reading the database instead", type(error).__name__)
            await catch_up()
            await asyncio.sleep(_CUT_OFF_SECONDS)

    async def _follow(
        self, channel: PubSub, hear: Callable[[AccessEnded], None], catch_up: Callable[[], Awaitable[None]]
    ) -> None:
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
                await catch_up()
                self._listening.set()
            elif message["type"] == "message":
                self._hear(message["data"], hear)

    def _hear(self, sealed: bytes, hear: Callable[[AccessEnded], None]) -> None:
        try:
            ended = _read(self._seals.open(sealed, _SEAL))
        except (BrokenSeal, ValueError, TypeError, KeyError) as error:
            logger.warning("what came over Redis is no news of ours (%s)", type(error).__name__)
        else:
            hear(ended)

    async def _publish(self) -> None:
        while True:
            news = await self._news.get()
            while True:
                try:
                    async with asyncio.timeout(_SILENCE_SECONDS):
                        await self._redis.publish(self._channel, self._seals.seal(_write(news), _SEAL))
                    break
                except (RedisError, OSError):
                    await asyncio.sleep(_CUT_OFF_SECONDS)
            self._news.task_done()


def channel_of(seals: Seals) -> str:
    """Name the channel of all processes with one pepper.

    Redis has one name space of channels for all its databases: without a name of its own, a service would
    hear the news of another, whose traders count from 1 as well.
    """
    return f"shares:access-ended:{seals.digest(b'channel', _SEAL).hex()[:16]}"


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
