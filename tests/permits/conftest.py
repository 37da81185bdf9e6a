"""What tests of permits are given besides: Redis, if there is one."""

import asyncio

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from tests.conftest import REQUIRED
from tests.permits.servers import REDIS


def _why_no_redis() -> str | None:
    async def ping() -> None:
        async with Redis.from_url(REDIS, socket_connect_timeout=3) as redis:
            await redis.ping()

    try:
        asyncio.run(ping())
    except (OSError, RedisError) as error:
        return f"no Redis at TESTS_REDIS ({type(error).__name__})"
    return None


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis that may be shared: what is sent through it has a channel of its own."""
    reason = _why_no_redis()
    if reason is not None:
        if "redis" in REQUIRED:
            pytest.fail(reason)
        pytest.skip(reason)
    return REDIS
