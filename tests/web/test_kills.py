"""Servers that are killed while clients write as fast as they can: what was acknowledged is there, whole and once.

Three kills; thirty with TESTS_LONG.
"""

import asyncio
import itertools
import json
import os
import random
import uuid
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from app.credentials import RepeatedRequest
from app.database import Database
from app.domain.seeding import DEMO_PASSWORD
from app.entities import AuditEvent, Share
from app.kit.clock import utc_now
from tests.processes import Server, command, serving

pytestmark = pytest.mark.anyio

KILLS = 30 if os.environ.get("TESTS_LONG") else 3
PATIENCE_SECONDS = 20.0

LOG_IN = """
mutation ($password: String!) {
  permitLogIn(input: {email: "manager@example.com", password: $password}) { tokens { accessToken } }
}
"""
CREATE = """
mutation ($tag: String!) {
  shareCreate(input: {industryId: "1", tag: $tag, price: "1"}) { share { tag version } outcome errors { code } }
}
"""
UPDATE = """
mutation ($id: ID!, $price: Decimal!, $version: Int!) {
  shareUpdate(input: {id: $id, price: $price, expectedVersion: $version}) {
    share { id price version }
    outcome
    errors { code ... on ShareConflict { current { version } } }
  }
}
"""


@dataclass
class Sent:
    """A repeatable request, and its answer as soon as there is one."""

    headers: dict[str, str]
    body: bytes
    answer: bytes | None = None


@dataclass
class Load:
    """What clients have sent to a server that may end at any moment, and what of it was acknowledged.

    Attributes:
        url: Where the server is now.
        acknowledged: How many writes were acknowledged.
        tried: The tags of all shares that were to be inserted.
        created: Those of them that were acknowledged.
        prices: For each share, the price that an update gave it, by the version that came of it.
        repeatable: What can be sent again.
        numbers: Makes each tag and each price another.
        enough: Set when as many writes as `most` are acknowledged.
    """

    token: str = ""
    url: str = ""
    acknowledged: int = 0
    tried: set[str] = field(default_factory=set)
    created: set[str] = field(default_factory=set)
    prices: dict[str, dict[int, str]] = field(default_factory=dict)
    repeatable: list[Sent] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    most: int = 0

    def acknowledge(self) -> None:
        """Count a write that was acknowledged, and say when there are enough to end the server."""
        self.acknowledged += 1
        if self.acknowledged >= self.most:
            self.enough.set()

    async def send(self, client: httpx.AsyncClient, body: bytes) -> dict[str, Any]:
        """Send an operation and give the value of its one field."""
        response = await self.post(client, body, {})
        (payload,) = response.json()["data"].values()
        written: dict[str, Any] = payload
        return written

    async def post(self, client: httpx.AsyncClient, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Send a body as the manager."""
        given = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json", **headers}
        response = await client.post(f"{self.url}/graphql", content=body, headers=given)
        assert response.status_code == 200, response.text
        return response


def operation(document: str, **variables: Any) -> bytes:
    return json.dumps({"query": document, "variables": variables}).encode()


def repeatability() -> dict[str, str]:
    """The headers of a new repeatable request."""
    return {
        "Repeatability-Request-ID": str(uuid.uuid4()),
        "Repeatability-First-Sent": format_datetime(utc_now() - timedelta(seconds=1), usegmt=True),
    }


# Clients. Each goes on until nobody answers any more.

Writer = Callable[[Load, httpx.AsyncClient], Coroutine[Any, Any, None]]


async def create(load: Load, client: httpx.AsyncClient) -> None:
    """Insert share after share."""
    while True:
        tag = f"NEW-{next(load.numbers)}"
        load.tried.add(tag)
        written = await load.send(client, operation(CREATE, tag=tag))
        assert written == {"share": {"tag": tag, "version": 1}, "outcome": "INSERTED", "errors": []}
        load.created.add(tag)
        load.acknowledge()


def update(share_id: str) -> Writer:
    """Make a client that changes one share again and again, perhaps beside another."""

    async def write(load: Load, client: httpx.AsyncClient) -> None:
        version = 1
        while True:
            price = f"{next(load.numbers)}.0000"
            body = operation(UPDATE, id=share_id, price=price, version=version)
            written = await load.send(client, body)
            if written["errors"]:
                ((code, current),) = [(each["code"], each["current"]) for each in written["errors"]]
                assert (code, written["outcome"]) == ("VERSION_CONFLICT", None)
                version = current["version"]
                continue
            version += 1
            assert written["share"] == {"id": share_id, "price": price, "version": version}
            # No version is given twice.
            assert load.prices.setdefault(share_id, {}).setdefault(version, price) == price
            load.acknowledge()

    return write


async def create_once(load: Load, client: httpx.AsyncClient) -> None:
    """Insert share after share, each so that it can be sent again."""
    while True:
        tag = f"ONCE-{next(load.numbers)}"
        load.tried.add(tag)
        sent = Sent(repeatability(), operation(CREATE, tag=tag))
        load.repeatable.append(sent)
        sent.answer = (await load.post(client, sent.body, sent.headers)).content
        load.created.add(tag)
        load.acknowledge()


def update_once(share_id: str) -> Writer:
    """Make the only client that changes a share, in a way that can be sent again."""

    async def write(load: Load, client: httpx.AsyncClient) -> None:
        read = operation("query ($id: ID!) { share(id: $id) { version } }", id=share_id)
        version = (await load.send(client, read))["version"]
        while True:
            body = operation(UPDATE, id=share_id, price=f"{next(load.numbers)}.0000", version=version)
            sent = Sent(repeatability(), body)
            load.repeatable.append(sent)
            sent.answer = (await load.post(client, sent.body, sent.headers)).content
            version += 1
            load.acknowledge()

    return write


WRITERS: list[Writer] = [create, update("1"), update("2"), update("2"), create_once, update_once("3")]


async def write_until_it_ends(load: Load, writer: Writer) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        with suppress(httpx.TransportError):
            await writer(load, client)


async def kill_while_writing(server: Server, load: Load, *, after: int) -> None:
    """Kill the server as soon as it has acknowledged so many writes more, with others under way."""
    load.most = load.acknowledged + after
    load.enough.clear()
    writing = [asyncio.create_task(write_until_it_ends(load, writer)) for writer in WRITERS]
    waiting = asyncio.create_task(load.enough.wait())
    first, _ = await asyncio.wait(
        {*writing, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=PATIENCE_SECONDS
    )
    # Whoever ends before has been told something wrong.
    assert first == {waiting}, [task.exception() for task in first]
    assert server.kill() == -9
    # Whoever was told anything but that all is well fails here.
    await asyncio.gather(*writing)


async def send_again(load: Load) -> None:
    """Send again what was not answered and some of what was, twice each: all are answered, and done once."""
    unanswered = [sent for sent in load.repeatable if sent.answer is None]
    answered = [sent for sent in load.repeatable if sent.answer is not None]
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        for sent in (*unanswered, *answered[-5:], *answered[:5]):
            first, second = [await load.post(client, sent.body, sent.headers) for _ in range(2)]
            assert [each.headers["repeatability-result"] for each in (first, second)] == ["accepted"] * 2
            assert first.content == second.content == (sent.answer or first.content)
            (payload,) = first.json()["data"].values()
            # Done a second time, its tag would be taken, or its version another.
            assert (payload["outcome"] in ("INSERTED", "UPDATED"), payload["errors"]) == (True, [])
            sent.answer = first.content
            if payload["outcome"] == "INSERTED":
                load.created.add(payload["share"]["tag"])


async def assert_whole(load: Load, database: Database) -> None:
    """Hold the database against what was acknowledged, and against itself."""
    async with database.reading() as session:
        shares = (await session.exec(select(Share))).all()
        events = (await session.exec(select(AuditEvent.action, AuditEvent.subject_id))).all()
        repeated = (await session.exec(select(RepeatedRequest))).all()
    by_id = {str(share.id): share for share in shares}
    counted = Counter(events)

    made = {share.tag for share in shares if share.tag.startswith(("NEW-", "ONCE-"))}
    assert load.created <= made <= load.tried
    for share_id, prices in load.prices.items():
        newest = max(prices)
        share = by_id[share_id]
        # One more may have been done, and not been acknowledged.
        assert share.version >= newest
        assert share.version > newest or f"{share.price}" == prices[newest]
    for share in shares:
        subject = f"Share:{share.id}"
        assert share.version == 1 + counted["RECORD_UPDATED", subject]
        assert counted["RECORD_INSERTED", subject] == (share.tag in made)
    assert len(repeated) == len(load.repeatable)
    assert all(record.sealed_answer for record in repeated)


async def log_in(server: Server) -> str:
    """The access token of the manager."""
    body = {"query": LOG_IN, "variables": {"password": DEMO_PASSWORD}}
    async with httpx.AsyncClient(timeout=PATIENCE_SECONDS) as client:
        answer = await client.post(f"{server.base_url}/graphql", json=body)
    token: str = answer.json()["data"]["permitLogIn"]["tokens"]["accessToken"]
    return token


async def test_what_was_acknowledged_survives_a_kill_at_any_moment(
    tmp_path: Path, database_url: str, database: Database
) -> None:
    load, chance = Load(), random.Random()  # noqa: S311 - any moment will do
    data = tmp_path / "data"

    for _ in range(KILLS):
        with serving(data, database_url=database_url) as server:
            # The token is good for the servers that come after, too.
            load.token = load.token or await log_in(server)
            load.url = server.base_url
            await send_again(load)
            await assert_whole(load, database)
            await kill_while_writing(server, load, after=chance.randint(20, 150))
    with serving(data, database_url=database_url) as server:
        load.url = server.base_url
        await send_again(load)
        await assert_whole(load, database)
        verified = command("audit", "verify", data_dir=data, database_url=database_url)

    assert (verified.status, verified.out) == (0, "Every audit event stands as it was written.\n")
    assert load.acknowledged >= 20 * KILLS
