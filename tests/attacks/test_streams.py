"""Three hundred streams of events: as many are open as an address may have, and nobody stalls for it."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.attacks.conftest import Target, attacked
from tests.wires import PATIENCE_SECONDS

MEBIBYTE = 2**20
MANY = 300
EVENTS = {"Accept": "text/event-stream"}
FIRST = 'event: next\r\ndata: {"data":{"quiet":1}}\r\n\r\n'


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[Target]:
    """A server with the limits that it has by itself."""
    with attacked(folder / "usual", program="tests.streaming") as target:
        yield target


@pytest.fixture(scope="module")
def roomy(folder: Path) -> Iterator[Target]:
    """A server that lets an address have so many."""
    with attacked(folder / "roomy", program="tests.streaming", streams_per_address=str(MANY)) as target:
        yield target


class Stream:
    """A stream that a client has open."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self._parts = response.iter_text()

    def read_until(self, text: str) -> str:
        """Give what comes up to a text, and with it."""
        read = ""
        while text not in read:
            read += next(self._parts)
        return read


class Streams:
    """Streams of one client."""

    def __init__(self, target: Target, opened: ExitStack) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        self._client = opened.enter_context(
            httpx.Client(base_url=target.server.base_url, timeout=PATIENCE_SECONDS, limits=limits)
        )
        self._opened = opened

    def open(self, field: str) -> Stream:
        """Subscribe to a field."""
        body = {"query": f"subscription {{ {field} }}"}
        return Stream(
            self._opened.enter_context(self._client.stream("POST", "/graphql", json=body, headers=EVENTS))
        )


def open_sources(target: Target) -> int:
    """How many subscriptions the server has going."""
    with ExitStack() as opened:
        told = Streams(target, opened).open("open").read_until("\r\n\r\n")
    number: int = json.loads(told.split("\r\n")[1].removeprefix("data: "))["data"]["open"]
    return number


def assert_all_end(target: Target) -> None:
    """Wait until the server has noticed that all clients are gone."""
    gives_up = time.monotonic() + PATIENCE_SECONDS
    while open_sources(target):
        assert time.monotonic() < gives_up


def test_300_streams_are_held_to_what_an_address_may_have(target: Target) -> None:
    with target.unharmed(), ExitStack() as opened:
        streams = Streams(target, opened)
        kept, refused = [[streams.open("quiet") for _ in range(number)] for number in (100, 200)]
        firsts = [stream.read_until("\r\n\r\n") for stream in kept]
        refusals = [json.loads(stream.read_until("]}")) for stream in refused]

    assert {stream.response.status_code for stream in kept} == {200}
    assert firsts == [FIRST] * 100
    assert {(each.response.status_code, each.response.headers["retry-after"]) for each in refused} == {(429, "10")}
    assert {error["extensions"]["code"] for refusal in refusals for error in refusal["errors"]} == {"RATE_LIMITED"}
    assert_all_end(target)


def test_of_300_streams_that_are_open_none_stalls_nor_does_anybody_else(roomy: Target) -> None:
    with roomy.unharmed(most_bytes=64 * MEBIBYTE), ExitStack() as opened:
        streams = Streams(roomy, opened)
        quiet, busy = (
            [streams.open("quiet") for _ in range(MANY - 10)],
            [streams.open("counted") for _ in range(10)],
        )
        firsts = [stream.read_until("\r\n\r\n") for stream in quiet]
        # Those that have more to tell tell on, whatever the others do.
        for stream in busy:
            stream.read_until('"counted":20}')

    assert firsts == [FIRST] * (MANY - 10)
    assert_all_end(roomy)
