"""How often an address and a trader may ask: requests, what checks secrets, and what sends codes.

Requests are counted in the memory of each process, for a look at Redis would cost more than many an answer. What
guards secrets is counted in Redis where there is one, so that it holds for all processes together.
"""

import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter as SharedLimiter
from limits.errors import StorageError
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.requests import HTTPConnection

from app.graph.directives import costs_a_hash
from app.graph.schema import SecuredSchema
from app.kit.problem import Problem
from app.security.tokens import AccessClaims
from app.web.operations import Operation, root_field_names

SENDS_CODES = frozenset({"permitRegister", "permitRequestCode"})
"""The mutations that send an e-mail to an address that anybody may name."""

# Who has one IPv6 address has at least so many bits of others (RFC 6177).
_IPV6_PREFIX = 64

logger = logging.getLogger("app")


class RateLimited(Problem):
    """The caller asks too often. `seconds` says how long to wait, whole seconds."""

    code = "RATE_LIMITED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How often, in a minute; 0 for no limit.

    Attributes:
        requests: Requests of an address, and of a trader.
        log_ins: Fields that check or set a password or a code, of an address.
        codes: Fields that send a code, of an address.
    """

    requests: int
    log_ins: int
    codes: int


class Rates:
    """Counts what callers ask for, and refuses what is too much."""

    def __init__(self, limits: RateLimits, redis_url: str | None) -> None:
        self._requests = _item(limits.requests)
        self._log_ins = _item(limits.log_ins)
        self._codes = _item(limits.codes)
        self._here = FixedWindowRateLimiter(MemoryStorage())
        self._shared: SharedLimiter | None = None
        self._pool: Any = None
        if redis_url is not None:
            # Imported here: a server without Redis needs none of it.
            from redis.asyncio import ConnectionPool

            self._pool = ConnectionPool.from_url(redis_url)
            storage = RedisStorage(
                f"async+{redis_url}", wrap_exceptions=True, implementation="redispy", connection_pool=self._pool
            )
            self._shared = SharedLimiter(storage)

    async def close(self) -> None:
        """Close the connections with Redis."""
        if self._pool is not None:
            await self._pool.disconnect()

    def take_request(self, connection: HTTPConnection, claims: AccessClaims | None) -> None:
        """Count a request of an address, and of a trader if there is one.

        Raises:
            RateLimited: Either has asked too often.
        """
        client = connection.client
        self.take_request_of("" if client is None else client.host, claims)

    def take_request_of(self, address: str, claims: AccessClaims | None) -> None:
        """Count a request of an address, as `take_request` does."""
        if self._requests is None:
            return
        self._take_here(self._requests, ("requests", source(address)))
        if claims is not None:
            self._take_here(self._requests, ("requests", str(claims.trader_id)))

    async def take_operation(
        self, connection: HTTPConnection, operation: Operation, schema: SecuredSchema
    ) -> None:
        """Count each field of a mutation that checks a secret or sends a code: several in one request are several.

        Raises:
            RateLimited: The address has asked too often; none of the operation is done.
        """
        root = schema.graphql.mutation_type
        if not operation.is_mutation or root is None:
            return
        address = source(connection.client.host if connection.client else "")
        names = [name for name in root_field_names(operation) if name in root.fields]
        secrets = sum(costs_a_hash(root.fields[name]) for name in names)
        codes = sum(name in SENDS_CODES for name in names)
        for kind, item, many in (("log-ins", self._log_ins, secrets), ("codes", self._codes, codes)):
            if item is not None and many:
                await self._take(item, (kind, address), many)

    async def _take(self, item: RateLimitItem, key: tuple[str, str], many: int) -> None:
        if self._shared is not None:
            try:
                if not await self._shared.hit(item, *key, cost=many):
                    stats = await self._shared.get_window_stats(item, *key)
                    raise _limited(stats.reset_time)
            except StorageError as error:
                # Without Redis each process counts for itself, which is better than not at all.
                logger.error("rates are counted by each process alone: %s", type(error.storage_error).__name__)
            else:
                return
        self._take_here(item, key, many)

    def _take_here(self, item: RateLimitItem, key: tuple[str, str], many: int = 1) -> None:
        if not self._here.hit(item, *key, cost=many):
            raise _limited(self._here.get_window_stats(item, *key).reset_time)


@lru_cache(maxsize=4096)
def source(address: str) -> str:
    """Give what stands for a client's address: of IPv6, the network that it is in."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or ip_network((parsed, _IPV6_PREFIX), strict=False))
    return address


def _item(most: int) -> RateLimitItem | None:
    return RateLimitItemPerMinute(most) if most else None


def _limited(reset_time: float) -> RateLimited:
    return RateLimited(seconds=max(1, math.ceil(reset_time - time.time())))
