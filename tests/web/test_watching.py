"""Each request and each operation of a socket is told once, whichever way it goes: in the log and the counts."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from app.domain import shares
from app.settings import Settings
from app.web.exchange import current
from app.web.request_log import FIELDS, Lines, RequestLog, as_json
from tests.callers import Api, Callers
from tests.factories import ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app
from tests.sockets import Refused, connected
from tests.web.conftest import Streaming
from tests.web.test_at_once import LONG, ask_at_once

pytestmark = pytest.mark.anyio

on_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")

EXECUTED = "query Price($id: ID!) { share(id: $id) { tag } service { version } }"
COMPILED = "query Tag($id: ID!) { share(id: $id) { tag } }"
CREATE = """
mutation Create($tag: String!) {
  shareCreate(input: { industryId: 1, tag: $tag, price: "1" }) { outcome errors { code } }
}
"""

Told = dict[str, Any]
Read = Callable[[], list[Told]]


@contextmanager
def reading(app: Starlette, file: Path) -> Iterator[Read]:
    """Have an application's request log written to a file; what comes out reads the lines since the last time."""
    with file.open("wb") as stream, file.open() as written:
        lines = Lines(stream.fileno())
        app.state.watch.log = RequestLog(as_json, lines)

        def read_on() -> list[Told]:
            lines.write()
            found = [json.loads(line) for line in written.read().splitlines()]
            assert {tuple(each) for each in found} <= {FIELDS}
            return found

        yield read_on


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as made:
        async with made.state.services.database.unit_of_work() as session:
            industry = await make_industry(session, tag="drinks")
            for tag in ("BUD", "LWP", "WGL"):
                await make_share(session, industry, tag=tag)
        yield made


@pytest.fixture
def told(app: Starlette, tmp_path: Path) -> Iterator[Read]:
    with reading(app, tmp_path / "requests.log") as read:
        yield read


def part(line: Told, *names: str) -> tuple[Any, ...]:
    return tuple(line[name] for name in names)


# By HTTP.


async def test_an_executed_operation_is_told_with_its_statements_and_rows(
    api: Api, callers: Callers, told: Read
) -> None:
    answer = await api(
        EXECUTED,
        {"id": "1"},
        token=callers.access(trader_id=7, date_joined=callers.clock().date().replace(year=2020)),
    )

    (line,) = told()
    assert part(line, "requestId", "kind", "operation", "way", "status", "codes") == (
        answer.headers["x-ms-request-id"],
        *("query", "Price", "executed", 200, []),
    )
    assert part(line, "transport", "method", "path", "apiVersion", "trader", "statements", "rows", "address") == (
        *("http", "POST", "/graphql", "1.0", 7, 1, 1, "127.0.0.1"),
    )
    assert line["bytes"] == int(answer.headers["content-length"])
    assert 0 < line["authMs"] < line["totalMs"]
    assert 0 < line["planMs"] < line["totalMs"]
    assert 0 < line["databaseMs"] < line["totalMs"]


async def test_a_read_of_a_list_is_told_with_all_its_rows(api: Api, callers: Callers, told: Read) -> None:
    await api("{ shares { tag } service { version } }", token=callers.skilled)

    (line,) = told()
    assert part(line, "statements", "rows") == (1, 3)


async def test_a_write_is_told_with_what_it_took_up_to_its_commit(api: Api, callers: Callers, told: Read) -> None:
    await api(CREATE, {"tag": "NEW"}, token=callers.manager)
    await api(CREATE, {"tag": "NEW"}, token=callers.manager)

    done, refused = told()
    assert part(done, "kind", "operation", "status", "codes") == ("mutation", "Create", 200, [])
    assert part(refused, "way", "status", "codes") == ("executed", 200, ["TAG_TAKEN"])
    assert done["statements"] > 1
    assert done["rows"] >= 1
    assert 0 < done["databaseMs"] < done["totalMs"]


@on_sqlite
async def test_the_short_way_is_told_as_the_way_that_it_is(
    app: Starlette, api: Api, callers: Callers, told: Read
) -> None:
    token = callers.skilled
    for _ in range(2):
        await api(COMPILED, {"id": "1"}, token=token)
    usual = told()[-1]

    # Of a name that no other test asks by: known already, it would be compiled sooner.
    document = "query WatchedAtOnce { share(id: 1) { tag } }"
    found = [ask_at_once(app, document, token) for _ in range(2)]
    await api(document, token=token)
    found += [ask_at_once(app, document, token) for _ in range(3)]

    lines = told()
    assert [each is None for each in found] == [True, True, False, False, False]
    assert part(usual, "operation", "way", "statements", "rows") == ("Tag", "compiled", 1, None)
    assert [part(line, "way", "statements", "status", "trader") for line in lines] == [
        ("executed", 1, 200, 1),
        ("compiled", 1, 200, 1),
        ("compiled", 1, 200, 1),
        ("kept", 0, 200, 1),
    ]
    assert len({line["document"] for line in lines}) == 1
    assert lines[-1]["bytes"] == len(found[-1][1]) if found[-1] else False
    assert [line["databaseMs"] > 0 for line in lines] == [True, True, True, False]


@on_sqlite
@pytest.mark.parametrize(
    "ask",
    [
        lambda app, token: ask_at_once(app, LONG, token),
        lambda app, token: ask_at_once(app, '{ share(id: "99") { tag } }', token),
        lambda app, token: ask_at_once(app, "{ shares { id } }", None),
    ],
    ids=["what takes long", "what is not there", "what is refused"],
)
async def test_what_is_given_up_at_once_is_told_only_when_it_is_answered(
    app: Starlette, api: Api, callers: Callers, told: Read, ask: Callable[[Starlette, str], object]
) -> None:
    for document in (LONG, '{ share(id: "99") { tag } }', "{ shares { id } }"):
        await api(document, token=callers.skilled)
    before, counted = len(told()), dict(app.state.watch.metrics.codes)

    found = ask(app, callers.skilled)

    assert (before, found, told()) == (3, None, [])
    assert app.state.watch.metrics.codes == counted


async def test_what_the_short_way_leaves_is_told_once(api: Api, callers: Callers, told: Read) -> None:
    missing = '{ share(id: "99") { tag } }'
    for _ in range(3):
        await api(missing, token=callers.skilled)

    assert [part(line, "way", "codes", "status") for line in told()] == [("executed", ["INVALID_SHARE"], 200)] * 3


REQUESTS: dict[str, tuple[Callable[[httpx.AsyncClient], Any], tuple[Any, ...]]] = {
    "a query by GET": (
        lambda http: http.get("/graphql?query={service{version}}"),
        ("GET", "/graphql", "1.0", "query", "executed", 200, []),
    ),
    "a version in the path": (
        lambda http: http.post("/v1/graphql", json={"query": "{ service { version } }"}),
        ("POST", "/v1/graphql", "1.0", "query", "executed", 200, []),
    ),
    "a version that does not exist": (
        lambda http: http.post("/graphql", json={"query": "{ a }"}, headers={"x-api-version": "9.0"}),
        ("POST", "/graphql", None, None, "none", 400, ["UNSUPPORTED_API_VERSION"]),
    ),
    "a mutation by GET": (
        lambda http: http.get("/graphql?query=mutation{permitLogOut(input:{refreshToken:%22x%22}){errors{code}}}"),
        ("GET", "/graphql", "1.0", "mutation", "none", 405, ["BAD_REQUEST"]),
    ),
    "no JSON": (
        lambda http: http.post("/graphql", content=b"{", headers={"Content-Type": "application/json"}),
        ("POST", "/graphql", "1.0", None, "none", 400, ["BAD_REQUEST"]),
    ),
    "a batch": (
        lambda http: http.post("/graphql", json=[{"query": "{ a }"}]),
        ("POST", "/graphql", "1.0", None, "none", 400, ["BAD_REQUEST"]),
    ),
    "no GraphQL": (
        lambda http: http.post("/graphql", json={"query": "{"}),
        ("POST", "/graphql", "1.0", None, "none", 200, ["BAD_REQUEST"]),
    ),
    "a field that does not exist": (
        lambda http: http.post("/graphql", json={"query": "query Name { nothing }"}),
        ("POST", "/graphql", "1.0", "query", "none", 200, ["BAD_REQUEST"]),
    ),
    "a token that is none": (
        lambda http: http.post("/graphql", json={"query": "{ me { id } }"}, headers={"Authorization": "Bearer x"}),
        ("POST", "/graphql", "1.0", "query", "none", 401, ["UNAUTHENTICATED"]),
    ),
    "no token": (
        lambda http: http.post("/graphql", json={"query": "{ shares { id } industries { id } }"}),
        ("POST", "/graphql", "1.0", "query", "executed", 401, ["UNAUTHENTICATED"]),
    ),
    "the page": (
        lambda http: http.get("/graphql", headers={"Accept": "text/html"}),
        ("GET", "/graphql", "1.0", None, "none", 200, []),
    ),
    "an address without a query string": (
        lambda http: http.get("/nowhere?a=secret"),
        ("GET", "/nowhere", None, None, "none", 404, ["BAD_REQUEST"]),
    ),
    "whether the server lives": (
        lambda http: http.head("/healthz"),
        ("HEAD", "/healthz", None, None, "none", 200, []),
    ),
}


@pytest.mark.parametrize("name", REQUESTS)
async def test_every_request_is_told_once_whatever_becomes_of_it(api: Api, told: Read, name: str) -> None:
    ask, expected = REQUESTS[name]

    response = await ask(api.http)

    (line,) = told()
    assert part(line, "method", "path", "apiVersion", "kind", "way", "status", "codes") == expected
    assert line["requestId"] == response.headers["x-ms-request-id"]
    assert line["status"] == response.status_code


async def test_a_repeated_mutation_is_told_as_an_answer_that_was_kept(
    api: Api, callers: Callers, told: Read
) -> None:
    headers = {"Idempotency-Key": "47a33649-5acd-41f0-afa4-fdb9d591aff3"}

    for _ in range(2):
        await api(CREATE, {"tag": "NEW"}, token=callers.manager, headers=headers)

    first, again = told()
    assert part(first, "operation", "way", "codes") == ("Create", "executed", [])
    assert part(again, "operation", "way", "codes") == ("Create", "kept", [])
    assert 0 < again["statements"] < first["statements"]


async def test_errors_of_a_repeatable_mutation_are_told_each_time(api: Api, callers: Callers, told: Read) -> None:
    document = """
    mutation {
      shareCreate(input: { industryId: 1, tag: "NEW", price: "1" }) { errors { code } }
      again: shareCreate(input: { industryId: 1, tag: "NEW", price: "1" }) { errors { code } }
      traderDelete(input: { id: 1 }) { errors { code } }
    }
    """

    answers = [await api(document, token=callers.manager, headers={"Idempotency-Key": "k" * 30}) for _ in range(2)]

    assert [answer.codes for answer in answers] == [["FORBIDDEN"]] * 2
    assert [answer.headers["x-ms-error-code"] for answer in answers] == ["FORBIDDEN"] * 2
    assert [part(line, "way", "codes") for line in told()] == [
        ("executed", ["FORBIDDEN", "TAG_TAKEN"]),
        ("kept", ["FORBIDDEN"]),
    ]


async def test_a_client_that_is_gone_is_told_without_a_status(app: Starlette, told: Read) -> None:
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(_: Message) -> None:
        raise AssertionError("nobody listens")

    await app(scope, receive, send)

    (line,) = told()
    assert part(line, "status", "way", "bytes", "address") == (None, "none", 0, None)


async def test_a_failure_is_told_with_its_code(
    api: Api, callers: Callers, told: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inside of the server")

    monkeypatch.setattr(shares, "create", fail)

    await api(CREATE, {"tag": "NEW"}, token=callers.manager)

    (line,) = told()
    assert part(line, "operation", "status", "codes") == ("Create", 200, ["INTERNAL_ERROR"])


async def test_statements_of_requests_at_the_same_time_are_told_apart(
    api: Api, callers: Callers, told: Read
) -> None:
    one, three = (
        EXECUTED,
        "{ a: share(id: 1) { tag } b: share(id: 2) { tag } c: shares { tag } service { version } }",
    )
    token = callers.skilled

    await asyncio.gather(*(api(each, {"id": "1"}, token=token) for each in [one, three] * 4))

    assert sorted(part(line, "statements", "rows") for line in told()) == [(1, 1)] * 4 + [(3, 5)] * 4


async def test_what_nobody_asked_for_is_noted_for_nobody(app: Starlette, told: Read) -> None:
    async with app.state.services.database.unit_of_work() as session:
        await make_share(session, tag="BY-US")

    assert (current.get(), told()) == (None, [])


async def test_every_request_is_counted_once(app: Starlette, api: Api, callers: Callers) -> None:
    metrics = app.state.watch.metrics
    for _ in range(3):
        await api(EXECUTED, {"id": "1"}, token=callers.skilled)
    await api(CREATE, {"tag": "BUD"}, token=callers.manager)
    await api.http.get("/nowhere")

    counted = {key: sum(seen.counts) for key, seen in metrics.requests.items()}
    assert counted == {
        ("http", "executed", "query", 200): 3,
        ("http", "executed", "mutation", 200): 1,
        ("http", "none", "none", 404): 1,
    }
    assert metrics.codes == {"TAG_TAKEN": 1, "BAD_REQUEST": 1}
    assert metrics.requests["http", "executed", "query", 200].statements == 3


# Server-Timing.


async def test_in_development_answers_tell_how_long_each_room_took(
    app: Starlette, api: Api, callers: Callers, told: Read
) -> None:
    answer = await api(EXECUTED, {"id": "1"}, token=callers.skilled)

    timing = re.fullmatch(
        r"auth;dur=(\d+\.\d{3}), plan;dur=(\d+\.\d{3}), db;dur=(\d+\.\d{3}), total;dur=(\d+\.\d{3})",
        answer.headers["server-timing"],
    )
    (line,) = told()
    assert timing is not None
    assert [float(each) for each in timing.groups()[:3]] == list(part(line, "authMs", "planMs", "databaseMs"))
    assert 0 < float(timing[4]) <= line["totalMs"]


async def test_in_production_they_do_not(settings: Settings, clock: ManualClock) -> None:
    for shown, changes in ((False, {"mode": "production"}), (True, {"mode": "production", "server_timing": True})):
        async with quiet_app(settings.model_copy(update=changes), clock) as app, Api(app) as api:
            answer = await api("{ service { version } }")

        assert ("server-timing" in answer.headers) is shown


# Sockets and streams.


@pytest.fixture
def streaming_told(streaming_app: Streaming, tmp_path: Path) -> Iterator[tuple[Starlette, Read]]:
    made = streaming_app(socket_subscriptions=1)
    with reading(made, tmp_path / "requests.log") as read:
        yield made, read


async def test_each_operation_of_a_socket_is_told_when_it_ends_and_the_socket_at_last(
    streaming_told: tuple[Starlette, Read],
) -> None:
    app, told = streaming_told
    async with connected(app, headers={"x-device-signature": "of the handshake"}) as socket:
        await socket.begin({"X-Device-Signature": "of the first message"})
        for document in (
            "query A { __typename }",
            "subscription B { counted(most: 3) }",
            "query C { nothing }",
            "subscription D { broken }",
            "{",
        ):
            await socket.ask(document)
            await socket.hear_all()

    *operations, handshake = told()
    assert [part(line, "kind", "operation", "way", "codes") for line in operations] == [
        ("query", "A", "executed", []),
        ("subscription", "B", "executed", []),
        ("query", None, "none", ["BAD_REQUEST"]),
        ("subscription", "D", "executed", ["INTERNAL_ERROR"]),
        (None, None, "none", ["BAD_REQUEST"]),
    ]
    assert {
        part(line, "transport", "method", "path", "status", "apiVersion", "device") for line in operations
    } == {("socket", "GET", "/graphql", None, "1.0", "of the first message")}
    assert all(line["bytes"] > 0 for line in operations)
    assert len({line["requestId"] for line in (*operations, handshake)}) == 6
    assert part(handshake, "transport", "method", "status", "kind", "way", "device") == (
        *("http", "GET", 101, None, "none", "of the handshake"),
    )


async def test_an_operation_that_is_one_too_many_or_is_ended_by_the_client_is_told_too(
    streaming_told: tuple[Starlette, Read],
) -> None:
    app, told = streaming_told
    async with connected(app) as socket:
        await socket.begin()
        await socket.ask("subscription Endless { counted }", id="1")
        await socket.hear()
        await socket.ask("query A { __typename }", id="2")
        while (await socket.hear())["id"] != "2":
            pass
        await socket.say({"id": "1", "type": "complete"})

    # What is ended from outside ends beside the socket, before it or after.
    assert sorted(part(line, "transport", "way", "status", "codes") for line in told()) == [
        ("http", "none", 101, []),
        ("socket", "executed", None, []),
        ("socket", "none", None, ["BAD_REQUEST"]),
    ]


async def test_a_handshake_that_is_refused_is_told(streaming_told: tuple[Starlette, Read]) -> None:
    app, told = streaming_told

    with pytest.raises(Refused):
        async with connected(app, headers={"Origin": "https://elsewhere.example"}):
            pass

    (line,) = told()
    assert part(line, "method", "path", "status", "codes", "bytes") == (
        "GET",
        "/graphql",
        403,
        ["BAD_REQUEST"],
        line["bytes"],
    )
    assert line["bytes"] > 0


async def test_a_stream_is_told_when_it_ends(streaming_told: tuple[Starlette, Read]) -> None:
    app, told = streaming_told
    async with Api(app) as api:
        response = await api.http.post(
            "/graphql",
            json={"query": "subscription B { counted(most: 3) }"},
            headers={"Accept": "text/event-stream"},
        )

    (line,) = told()
    assert part(line, "transport", "kind", "operation", "way", "status", "codes", "bytes") == (
        *("stream", "subscription", "B", "executed", 200, [], len(response.content)),
    )
