"""Exactly once between real processes: two servers that get the same, and servers that end without a warning."""

import asyncio
import os
import signal
import socket
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import date, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from sqlmodel import select

from app.database import Database
from app.entities import Industry, Share
from app.kit.clock import utc_now
from tests.factories import make_industry, make_trader
from tests.permits.devices import Device
from tests.permits.servers import Server

pytestmark = pytest.mark.anyio

# A process takes seconds to start, so each of these is asked of the database where it is the harder question.
on_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
on_postgresql = pytest.mark.parametrize("template", ["postgresql"], indirect=True, scope="session")

SECRET = "a secret of the tests that is long enough"
CREATE = "mutation ($input: ShareCreateInput!) { shareCreate(input: $input) { share { id tag } outcome } }"
MOST_TRIES = 40


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path, database_url, secret=SECRET) as server:
        yield server


@pytest.fixture
async def industry(database: Database) -> Industry:
    async with database.unit_of_work() as session:
        return await make_industry(session)


@pytest.fixture
async def token(server: Server, database: Database) -> AsyncIterator[str]:
    """The access token of a manager, from the server once it is ready."""
    trader = await make_trader(database, date_joined=date(2015, 1, 1))
    await server.ready()
    async with server.api() as api:
        yield (await Device.log_in(api, trader.email)).access


def headers(token: str) -> dict[str, str]:
    """The headers of a new repeatable request."""
    return {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Repeatability-Request-ID": str(uuid.uuid4()),
        "Repeatability-First-Sent": format_datetime(utc_now() - timedelta(seconds=1), usegmt=True),
    }


def new_share(industry: Industry, tag: str) -> bytes:
    values = {"industryId": str(industry.id), "tag": tag, "price": "1"}
    return orjson.dumps({"query": CREATE, "variables": {"input": values}})


async def tags(database: Database) -> list[str]:
    async with database.reading() as session:
        return sorted((await session.exec(select(Share.tag))).all())


def written(response: httpx.Response) -> Any:
    assert (response.status_code, response.headers["Repeatability-Result"]) == (200, "accepted"), response.text
    return response.json()["data"]["shareCreate"]


@on_postgresql
async def test_two_processes_that_get_the_same_at_once_do_it_once(
    server: Server, token: str, industry: Industry, database: Database, database_url: str, tmp_path: Path
) -> None:
    sent, body = headers(token), new_share(industry, "LWP")
    with Server(tmp_path, database_url, secret=SECRET) as second:
        await second.ready()
        async with httpx.AsyncClient() as client:
            answers = await asyncio.gather(
                *(
                    client.post(f"{each.url}/graphql", content=body, headers=sent)
                    for _ in range(25)
                    for each in (server, second)
                )
            )

    assert {written(each)["outcome"] for each in answers} == {"INSERTED"}
    assert len({each.content for each in answers}) == 1
    assert await tags(database) == ["LWP"]


def _request(server: Server, sent: dict[str, str], body: bytes) -> bytes:
    lines = [f"{name}: {value}" for name, value in {**sent, "Content-Length": str(len(body))}.items()]
    return (
        "\r\n".join(["POST /graphql HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *lines, "", ""]).encode() + body
    )


async def _freeze_between_commit_and_answer(
    server: Server, token: str, industry: Industry, database: Database
) -> tuple[dict[str, str], bytes, list[str]]:
    """Send shares until the server stands still with one that is committed and not answered."""
    made: list[str] = []
    for number in range(MOST_TRIES):
        made.append(f"SHARE-{number:02}")
        sent, body = headers(token), new_share(industry, made[-1])
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(_request(server, sent, body))
            while made[-1] not in await tags(database):
                pass
            os.kill(server.process.pid, signal.SIGSTOP)
            connection.settimeout(0)
            try:
                connection.recv(1)
            except BlockingIOError:
                return sent, body, made
            os.kill(server.process.pid, signal.SIGCONT)
    return sent, body, made


@on_sqlite
async def test_a_server_that_is_killed_between_commit_and_answer_has_done_it(
    server: Server, token: str, industry: Industry, database: Database, database_url: str, tmp_path: Path
) -> None:
    sent, body, made = await _freeze_between_commit_and_answer(server, token, industry, database)
    server.process.kill()
    server.process.wait()

    with Server(tmp_path, database_url, secret=SECRET) as next_one:
        await next_one.ready()
        async with httpx.AsyncClient() as client:
            again = await client.post(f"{next_one.url}/graphql", content=body, headers=sent)

    # Done again, the tag would be taken.
    assert written(again)["outcome"] == "INSERTED"
    assert written(again)["share"]["tag"] == made[-1]
    assert await tags(database) == made


@on_postgresql
async def test_a_client_that_tries_until_it_is_answered_has_everything_done_once_whenever_servers_are_killed(
    server: Server, token: str, industry: Industry, database: Database, database_url: str, tmp_path: Path
) -> None:
    wanted, outcomes = [f"SHARE-{number:03}" for number in range(60)], dict[str, str]()
    url, some_are_done = [server.url], asyncio.Event()

    async def insert(client: httpx.AsyncClient, tag: str) -> None:
        sent, body = headers(token), new_share(industry, tag)
        while tag not in outcomes:
            with suppress(httpx.TransportError):
                answer = await client.post(f"{url[0]}/graphql", content=body, headers=sent)
                outcomes[tag] = written(answer)["outcome"]
                if len(outcomes) == 25:
                    some_are_done.set()
            await asyncio.sleep(0.01)

    async def insert_all() -> None:
        async with httpx.AsyncClient(limits=httpx.Limits(max_keepalive_connections=0)) as client:
            for begin in range(0, len(wanted), 10):
                await asyncio.gather(*(insert(client, tag) for tag in wanted[begin : begin + 10]))

    inserting = asyncio.create_task(insert_all())
    # Ten are under way at any moment: some are not begun, some done, some answered.
    await some_are_done.wait()
    server.process.kill()
    server.process.wait()
    with Server(tmp_path, database_url, secret=SECRET) as next_one:
        await next_one.ready()
        url[0] = next_one.url
        await asyncio.wait_for(inserting, 30)

    assert set(outcomes.values()) == {"INSERTED"}
    assert await tags(database) == wanted
