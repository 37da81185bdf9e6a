"""Counts that processes have in common through Redis.

A module of its own, because its libraries take longer to load than all of ours: who has no Redis loads none.
"""

from typing import Any, cast

from limits.aio.storage import RedisStorage
from limits.errors import StorageError

from app.security.seals import Seals
from app.web.rates import CountsAway

_PATIENCE_SECONDS = 1.0
_PURPOSE = "rates"


class RedisCounts:
    """Counts of the processes that have one pepper and one Redis."""

    def __init__(self, url: str, seals: Seals) -> None:
        """Prepare; nothing is opened before the first count.

        Args:
            url: Where Redis is.
            seals: Names the counts, so that another service does not count the same.
        """
        self._storage = RedisStorage(
            # The same address under the name that the library knows it by.
            f"redis+{url}" if url.startswith("unix:") else url,
            wrap_exceptions=True,
            implementation="redispy",
            key_prefix=f"shares:rates:{seals.digest(b'counts', _PURPOSE).hex()[:16]}",
            socket_timeout=_PATIENCE_SECONDS,
            socket_connect_timeout=_PATIENCE_SECONDS,
        )

    async def add(self, key: str, times: int, *, kept_seconds: int) -> int:
        """Count, and give the count so far.

        Raises:
            CountsAway: Redis does not answer.
        """
        try:
            return await self._storage.incr(key, kept_seconds, times)
        except (StorageError, OSError) as error:
            cause = getattr(error, "storage_error", error)
            raise CountsAway(type(cause).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        await cast("Any", self._storage.bridge).storage.aclose()
