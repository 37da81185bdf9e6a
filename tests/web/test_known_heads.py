"""Requests whose head has come before: however their bytes come, they are answered as if each were the first."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import accumulate, compress
from typing import Any

import httptools
import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.applications import Starlette
from uvicorn.config import Config
from uvicorn.server import ServerState

from app.settings import Settings
from app.web.known_heads import LONGEST_HEAD, MOST_HEADS, KnownHeads
from app.web.protocol import BoundedHttp
from tests.callers import Callers
from tests.factories import ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app

on_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")

SHARE = "query KnownHead($id: ID!) { share(id: $id) { tag version } }"
REPRICE = "mutation KnownHead($id: ID!) { shareUpdate(input: {id: $id, price: 2}) { outcome errors { code } } }"
SCHEMA = "{ service { version } }"


class Answers:
    """Reads the answers of one connection: the status, the headers and the body of each."""

    def __init__(self) -> None:
        self.read: list[tuple[int, dict[str, str], Any]] = []
        self._parser = httptools.HttpResponseParser(self)
        self._headers: dict[str, str] = {}
        self._body = b""

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode().lower()] = value.decode()

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        self.read.append((self._parser.get_status_code(), self._headers, orjson.loads(self._body)))
        self._headers, self._body = {}, b""

    def feed(self, data: bytes) -> None:
        self._parser.feed_data(data)


class Wire(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__({"sockname": ("127.0.0.1", 8000), "peername": ("127.0.0.1", 50_000)})
        self.answers = Answers()
        self.is_closed = False
        self._has_written = asyncio.Event()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.answers.feed(bytes(data))
        self._has_written.set()

    async def has_answered(self, times: int) -> None:
        """Wait until so many answers have come."""
        while len(self.answers.read) < times:
            self._has_written.clear()
            await self._has_written.wait()

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        """Do nothing: what is fed comes in any case."""

    def resume_reading(self) -> None:
        """Do nothing."""


class Connection:
    """One connection to an application, through the server's own protocol."""

    def __init__(self, app: Starlette) -> None:
        config = Config(lambda: app, factory=True, http=BoundedHttp, log_config=None, proxy_headers=False)
        config.load()
        state = ServerState()
        state.default_headers = [(b"date", b"Mon, 15 Jun 2026 12:00:00 GMT")]
        self.wire = Wire()
        self.protocol = BoundedHttp(config, state, {}, asyncio.get_running_loop())
        self.protocol.connection_made(self.wire)

    async def answers(
        self, packets: Sequence[bytes], expected: int, pauses: Collection[int] = ()
    ) -> list[tuple[int, dict[str, str], Any]]:
        """Send packets as they are, some of them after a pause, and give so many answers in their order."""
        for number, packet in enumerate(packets):
            if number in pauses:
                # Long enough for what is under way to be answered, as a rule.
                await asyncio.sleep(0.005)
            self.protocol.data_received(packet)
        async with asyncio.timeout(10):
            await self.wire.has_answered(expected)
        return self.wire.answers.read


def request(token: str | None, document: str, **variables: Any) -> bytes:
    body = orjson.dumps({"query": document, "variables": variables})
    authorization = "" if token is None else f"Authorization: Bearer {token}\r\n"
    head = f"POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{authorization}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True) if begin < end]


@asynccontextmanager
async def with_shares(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as app:
        async with app.state.services.database.unit_of_work() as session:
            industry = await make_industry(session)
            for number in range(1, 13):
                await make_share(session, industry, tag=f"TAG{number}", price="1")
        yield app


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as made:
        yield made


@on_sqlite
def test_requests_are_answered_in_turn_however_their_bytes_come(
    settings: Settings, clock: ManualClock, runner: asyncio.Runner
) -> None:
    opened = with_shares(settings, clock)
    app = runner.run(opened.__aenter__())
    callers = Callers(app.state.services, clock)
    kinds = {
        "read": (callers.skilled, SHARE),
        "read by a stranger": (None, SHARE),
        "read by a newcomer": (callers.newcomer, SHARE),
        "written": (callers.manager, REPRICE),
        "not compiled": (callers.skilled, SCHEMA),
    }

    async def told(packets: Sequence[bytes], expected: int, pauses: Collection[int] = ()) -> list[tuple[int, Any]]:
        answers = await Connection(app).answers(packets, expected, pauses)
        return [(status, body) for status, _, body in answers]

    @examples(max_examples=80, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        st.lists(st.tuples(st.sampled_from(["read"] * 6 + [*kinds]), st.integers(1, 13)), min_size=3, max_size=12),
        st.lists(st.sampled_from([True, True, False]), min_size=12, max_size=12),
        st.lists(st.integers(0, 10_000), max_size=2),
        st.sets(st.integers(1, 12), max_size=4),
    )
    def hold(asked: list[tuple[str, int]], ends: list[bool], places: list[int], hurried: set[int]) -> None:
        requests = [
            request(*kinds[kind], **({} if kind == "not compiled" else {"id": str(number)}))
            for kind, number in asked
        ]
        # As a rule a packet ends where a request does, with others before it or not.
        boundaries = list(accumulate(map(len, requests)))
        packets = cut(b"".join(requests), [*compress(boundaries, ends), *places])
        one_by_one = [answer for each in requests for answer in runner.run(told([each], 1))]
        # What is written is written the same again.
        assert runner.run(told(packets, len(requests), set(range(13)) - hurried)) == one_by_one

    for kind, number in [(kind, number) for kind in kinds for number in (1, 2)]:
        variables = {} if kind == "not compiled" else {"id": str(number)}
        for each in range(1, 13):
            runner.run(told([request(*kinds[kind], **({"id": str(each)} if variables else {}))], 1))
    hold()
    runner.run(opened.__aexit__(None, None, None))


@pytest.mark.anyio
@on_sqlite
async def test_a_head_that_is_known_is_answered_without_being_read(settings: Settings, clock: ManualClock) -> None:
    async with with_shares(settings, clock) as app:
        token = Callers(app.state.services, clock).skilled
        await Connection(app).answers([request(token, SHARE, id="1")], 1)
        connection = Connection(app)
        await connection.answers([request(token, SHARE, id="1")], 1)
        before = connection.protocol.cycle

        answers = await connection.answers([request(token, SHARE, id=str(number)) for number in range(2, 10)], 9)

    assert connection.protocol.cycle is before
    assert [body["data"]["share"]["tag"] for _, _, body in answers] == [f"TAG{number}" for number in range(1, 10)]
    first, *others = [headers for _, headers, _ in answers]
    for headers in (first, *others):
        for differing in ("x-ms-request-id", "content-length", "server-timing"):
            headers.pop(differing, None)
    assert others == [first] * 8


@pytest.mark.anyio
@on_sqlite
async def test_who_may_have_the_answer_is_asked_anew_each_time(settings: Settings, clock: ManualClock) -> None:
    async with with_shares(settings, clock) as app:
        token = Callers(app.state.services, clock).skilled
        connection = Connection(app)
        asked = request(token, SHARE, id="1")
        await connection.answers([asked] * 2, 2)
        clock.turn(seconds=settings.access_token_seconds)

        *_, (status, headers, _) = await connection.answers([asked], 3)

    assert (status, headers["token-expired"]) == (401, "true")


@pytest.mark.anyio
@on_sqlite
async def test_a_connection_is_kept_as_long_as_known_heads_come(
    settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with with_shares(settings, clock) as app:
        asked = request(Callers(app.state.services, clock).skilled, SHARE, id="1")
        await Connection(app).answers([asked], 1)
        connection = Connection(app)
        connection.protocol.timeout_keep_alive = 1
        for number in range(1, 4):
            await connection.answers([asked], number)
            await asyncio.sleep(0.6)
        kept = not connection.wire.is_closed
        await asyncio.sleep(1.5)

    assert (kept, connection.wire.is_closed) == (True, True)


@pytest.mark.parametrize(
    ("packet", "is_known"),
    [
        (b"HEAD\r\n\r\nbody", True),
        (b"HEAD\r\n\r\nothr", True),
        (b"HEAD\r\n\r\nbod", False),
        (b"HEAD\r\n\r\nbody+", False),
        (b"HEAD\r\n\r\nbodyHEAD\r\n\r\nbody", False),
        (b"HEAd\r\n\r\nbody", False),
        (b"HEAD\r\nX: y\r\n\r\nbody", False),
        (b"HEAD\r\n", False),
        (b"body", False),
        (b"", False),
    ],
)
def test_only_a_whole_request_of_the_very_same_head_is_known(
    packet: bytes,
    is_known: bool,  # noqa: FBT001 - a column of the table
) -> None:
    heads = KnownHeads()
    heads.learn(b"HEAD\r\n\r\nbody", 4, lambda _: None)

    found = heads.find(packet)

    assert (found is not None and found[1] == packet[-4:]) == is_known


def test_heads_that_take_turns_are_each_known_by_their_own_bytes() -> None:
    heads = KnownHeads()
    heads.learn(b"HEAD 1\r\n\r\nbody", 4, lambda _: (b"1", b""))
    heads.learn(b"HEAD 10\r\n\r\nbodies", 6, lambda _: (b"10", b""))
    packets = (b"HEAD 1\r\n\r\nb\r\n\r", b"HEAD 10\r\n\r\nbodies", b"HEAD 2\r\n\r\nbody", b"HEAD 1\r\n\r\nbody!")

    found = [heads.find(packet) for packet in packets * 2]

    said = [each and (each[0](b""), each[1]) for each in found]
    assert said == [((b"1", b""), b"b\r\n\r"), ((b"10", b""), b"bodies"), None, None] * 2


@pytest.mark.parametrize(
    ("packet", "length"),
    [
        (b"HEAD\r\n\r\nbody", 3),
        (b"HEAD\r\n\r\n4\r\nbody\r\n0\r\n\r\n", 4),
        (b"H" * LONGEST_HEAD + b"\r\n\r\nbody", 4),
    ],
)
def test_what_was_not_one_whole_request_is_not_learned(packet: bytes, length: int) -> None:
    heads = KnownHeads()

    heads.learn(packet, length, lambda _: None)

    assert heads.find(packet) is None


def test_a_connection_keeps_few_heads_and_the_latest() -> None:
    heads = KnownHeads()
    packets = [b"HEAD %d\r\n\r\nbody" % number for number in range(MOST_HEADS + 2)]

    for packet in packets:
        heads.learn(packet, 4, lambda _: None)

    assert [heads.find(packet) is not None for packet in packets] == [False] * 2 + [True] * MOST_HEADS
