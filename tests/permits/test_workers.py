"""Two worker processes behave as one: over Redis, on SQLite and on PostgreSQL, and they end together."""

import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from app.database import Database
from tests.callers import Api
from tests.factories import make_trader
from tests.permits.devices import INVALID_PERMIT, Device, is_taken, renew
from tests.permits.servers import Server, eventually

pytestmark = pytest.mark.anyio

SECRET = "a secret of the tests that is long enough"
# Each connection is taken by one worker or the other and stays there: by chance all sixteen are with one of
# them once in 32,768 times.
CONNECTIONS = 16


def workers_of(server: Server) -> set[int]:
    """The worker processes of a server that listen; Python's own helpers are not meant."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return {int(pid) for pid in children if b"multiprocessing.spawn" in Path(f"/proc/{pid}/cmdline").read_bytes()}


@pytest.fixture
def server(database_url: str, redis_url: str, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, database_url, secret=SECRET, redis_url=redis_url, workers=2) as server:
        yield server


async def test_two_workers_behave_as_one(server: Server, database: Database) -> None:
    emails = [(await make_trader(database)).email for _ in range(4)]
    await server.ready()
    await eventually(lambda: _has_workers(server, 2), seconds=60)

    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(Api(base_url=server.url)) for _ in range(CONNECTIONS)]
        devices = await asyncio.gather(
            *(Device.log_in(api, emails[number % 4]) for number, api in enumerate(apis))
        )
        # Every token is taken wherever it arrives.
        taken = await asyncio.gather(*(is_taken(api, device.access) for api in apis for device in devices))
        assert all(taken)

        # Each renews over the connection of another.
        earlier = [device.refresh for device in devices]
        for device, api in zip(devices, apis[1:] + apis[:1], strict=True):
            device.api = api
        await asyncio.gather(*(device.renew() for device in devices))
        await asyncio.gather(*(device.renew() for device in devices))

        # One is revoked by another device of the same trader, one logs out, one is found out by a reuse.
        await devices[4].revoke(devices[0].permit_id)
        await devices[1].log_out()
        assert await renew(apis[2], earlier[2]) == INVALID_PERMIT

        async def are_refused_everywhere() -> bool:
            return not any(
                await asyncio.gather(*(is_taken(api, gone.access) for api in apis for gone in devices[:3]))
            )

        await eventually(are_refused_everywhere)
        left = await asyncio.gather(*(is_taken(api, device.access) for api in apis for device in devices[3:]))
        assert all(left)


async def test_terminating_the_server_ends_all_workers(server: Server, database: Database) -> None:
    email = (await make_trader(database)).email
    await server.ready()
    await eventually(lambda: _has_workers(server, 2), seconds=60)
    async with server.api() as api:
        await (await Device.log_in(api, email)).log_out()

    status = server.end()

    assert status in (0, -signal.SIGTERM)
    # Python's own helper of the workers goes a moment after them.
    await eventually(lambda: _has_ended(server))


@pytest.mark.parametrize("template", ["sqlite"], indirect=True)
async def test_worker_that_dies_is_replaced_and_the_new_one_knows(server: Server, database: Database) -> None:
    email = (await make_trader(database)).email
    await server.ready()
    await eventually(lambda: _has_workers(server, 2), seconds=60)
    before = workers_of(server)
    async with server.api() as api:
        revoked, other = await Device.log_in(api, email), await Device.log_in(api, email)
        await revoked.log_out()

    for pid in before:
        os.kill(pid, signal.SIGKILL)
    await eventually(lambda: _are_others(server, before), seconds=60)
    await server.ready()

    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(Api(base_url=server.url)) for _ in range(CONNECTIONS)]
        assert not any(await asyncio.gather(*(is_taken(api, revoked.access) for api in apis)))
        assert all(await asyncio.gather(*(is_taken(api, other.access) for api in apis)))


async def _has_ended(server: Server) -> bool:
    return not server.lives()


async def _has_workers(server: Server, count: int) -> bool:
    return len(workers_of(server)) == count


async def _are_others(server: Server, before: set[int]) -> bool:
    now = workers_of(server)
    return len(now) == 2 and not now & before
