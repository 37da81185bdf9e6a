"""The protocol `graphql-transport-ws` message by message, and what a client may not do with it."""

import asyncio
import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette

from app.database import Database
from app.domain import shares
from app.web import sockets
from app.web.sockets import fault_of
from tests import streaming
from tests.callers import Api, Callers
from tests.factories import ManualClock, make_share
from tests.sockets import Closed, Denied, Refused, connected
from tests.web.conftest import Streaming

pytestmark = pytest.mark.anyio

ACK = {"type": "connection_ack"}
COUNT = "subscription { counted(most: 3) }"
ENDLESS = "subscription { counted }"
FOR_SKILLED = "subscription { countedForSkilled(most: 3) }"
SINHALA = re.compile("[\u0d80-\u0dff]")


def counted(*numbers: int, field: str = "counted", id: str = "1") -> list[dict[str, Any]]:  # noqa: A002
    return [{"id": id, "type": "next", "payload": {"data": {field: number}}} for number in numbers]


def complete(id: str = "1") -> dict[str, str]:  # noqa: A002
    return {"id": id, "type": "complete"}


def codes(message: dict[str, Any]) -> list[str]:
    """The codes of an `error` message, which has nothing else."""
    assert set(message) == {"id", "type", "payload"}
    assert message["type"] == "error"
    return [error["extensions"]["code"] for error in message["payload"]]


def bearer(token: str, *, key: str = "Authorization") -> dict[str, str]:
    return {key: f"Bearer {token}"}


# The beginning.


@pytest.mark.parametrize("init", [{}, {"payload": None}, {"payload": {}}, {"payload": {"other": [1, {}]}}])
async def test_a_socket_begins_with_connection_init(app_with_streams: Starlette, init: dict[str, Any]) -> None:
    async with connected(app_with_streams) as socket:
        await socket.say({"type": "connection_init", **init})

        assert await socket.hear() == ACK


async def test_a_socket_that_says_nothing_is_closed(streaming_app: Streaming) -> None:
    async with connected(streaming_app(socket_init_seconds=0.01)) as socket:
        assert await socket.hear() == Closed(4408, "Connection initialisation timeout")


async def test_a_second_connection_init_closes_the_socket(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()

        assert await socket.begin() == Closed(4429, "Too many initialisation requests")


async def test_an_operation_before_the_acknowledgement_closes_the_socket(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.ask(COUNT)

        assert await socket.hear() == Closed(4401, "Unauthorized")


@pytest.mark.parametrize("protocols", [(), ("graphql-ws",), ("other",)])
async def test_no_other_protocol_is_spoken(app_with_streams: Starlette, protocols: tuple[str, ...]) -> None:
    async with connected(app_with_streams, protocols=protocols) as socket:
        assert await socket.hear() == Closed(4406, "Subprotocol not acceptable")


# Operations.


async def test_a_subscription_tells_its_results_and_completes(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.ask(COUNT)

        assert await socket.hear_all() == [*counted(1, 2, 3), complete()]


async def test_queries_and_mutations_work_as_by_http(app_with_streams: Starlette, stream_callers: Callers) -> None:
    database: Database = app_with_streams.state.services.database
    async with database.unit_of_work() as session:
        await make_share(session, tag="BUD")
    update = "mutation ($id: ID!) { shareUpdate(input: {id: $id, price: 2}) { share { price } errors { code } } }"

    async with connected(app_with_streams) as socket:
        await socket.begin(bearer(stream_callers.manager))
        await socket.ask("query A { __typename } query B { shares { tag } }", operationName="B", variables=None)
        asked = await socket.hear_all()
        await socket.ask(update, variables={"id": "1"}, extensions={})
        written = await socket.hear_all()

    assert asked == [{"id": "1", "type": "next", "payload": {"data": {"shares": [{"tag": "BUD"}]}}}, complete()]
    assert written == [
        {
            "id": "1",
            "type": "next",
            "payload": {"data": {"shareUpdate": {"share": {"price": "2.0000"}, "errors": []}}},
        },
        complete(),
    ]


async def test_several_operations_share_a_socket(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        for each in ("a", "b"):
            await socket.ask(COUNT, id=each)
        heard = await socket.hear_all() + await socket.hear_all()
        heard += await socket.hear_all() if len(heard) < 8 else []

    for each in ("a", "b"):
        assert [message for message in heard if message["id"] == each] == [
            *counted(1, 2, 3, id=each),
            complete(each),
        ]


async def test_a_client_completes_an_operation_and_may_use_its_id_again(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.ask(ENDLESS)
        assert [await socket.hear() for _ in range(2)] == counted(1, 2)
        await socket.say({"id": "1", "type": "complete"}, {"id": "unknown", "type": "complete"})
        await socket.ask(COUNT)
        heard = await socket.hear_all()

    assert heard[-4:] == [*counted(1, 2, 3), complete()]


async def test_an_id_that_is_in_use_closes_the_socket_with_a_reason_that_fits(app_with_streams: Starlette) -> None:
    name = "අ" * 50

    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.ask(ENDLESS, id=name)
        assert await socket.hear() == counted(1, id=name)[0]
        await socket.ask(ENDLESS, id=name)
        heard = await socket.hear_all()

    assert heard[-1] == Closed(4409, f"Subscriber for {'අ' * 36}")


async def test_pings_are_answered_before_and_after_the_beginning(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.say({"type": "ping"})
        assert await socket.hear() == {"type": "pong"}
        await socket.begin()
        await socket.say(
            {"type": "pong"}, {"type": "ping", "payload": {"a": 1}}, {"type": "ping", "payload": None}
        )

        assert [await socket.hear() for _ in range(2)] == [{"type": "pong"}] * 2


async def test_a_client_that_goes_away_leaves_nothing_running(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.ask(ENDLESS)
        await socket.hear()
        running = list(streaming.opened)

    assert (running, streaming.opened) == (["numbers"], [])


# Errors of operations leave the socket open.


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "BAD_REQUEST"),
        ({"query": ""}, "BAD_REQUEST"),
        ({"query": "fragment A on Query { __typename }"}, "BAD_REQUEST"),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_REQUEST"),
        ({"query": "query A { __typename } query B { __typename }"}, "BAD_REQUEST"),
        ({"query": "{ nothing }"}, "BAD_REQUEST"),
        ({"query": "subscription { nothing }"}, "BAD_REQUEST"),
        ({"query": "subscription { counted broken }"}, "BAD_REQUEST"),
        ({"query": "query ($id: ID!) { share(id: $id) { id } }", "variables": {"id": []}}, "INVALID_INPUT"),
        ({"query": "subscription ($m: Int) { counted(most: $m) }", "variables": {"m": "x"}}, "INVALID_INPUT"),
        ({"query": "subscription { counted(most: 101) }"}, "INVALID_INPUT"),
        ({"query": 'subscription { tagged(tag: "\\u0000") }'}, "INVALID_INPUT"),
        ({"query": "subscription ($t: String!) { tagged(tag: $t) }", "variables": {"t": "\0"}}, "INVALID_INPUT"),
        ({"query": FOR_SKILLED}, "UNAUTHENTICATED"),
    ],
)
async def test_an_operation_that_cannot_start_is_answered_with_an_error(
    app_with_streams: Starlette, payload: dict[str, Any], code: str
) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.say({"id": "1", "type": "subscribe", "payload": payload})
        (refused,) = await socket.hear_all()
        await socket.ask(COUNT)

        assert await socket.hear_all() == [*counted(1, 2, 3), complete()]
    assert codes(refused) == [code]


async def test_a_field_that_is_refused_is_null_in_the_result(app_with_streams: Starlette) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.ask("{ __typename shares { id } }")
        answer, end = await socket.hear_all()

    assert answer["payload"]["data"] == {"__typename": "Query", "shares": None}
    assert [error["extensions"]["code"] for error in answer["payload"]["errors"]] == ["UNAUTHENTICATED"]
    assert end == complete()


async def test_errors_are_in_the_language_that_is_wished_for(app_with_streams: Starlette) -> None:
    wishes: list[tuple[dict[str, str], dict[str, str]]] = [
        ({}, {}),
        ({"Accept-Language": "si"}, {}),
        ({}, {"accept-language": "si"}),
        ({"Accept-Language": "si"}, {"Accept-Language": "en"}),
    ]

    sinhala = []
    for headers, payload in wishes:
        async with connected(app_with_streams, headers=headers) as socket:
            await socket.begin(payload)
            for document in ("{", FOR_SKILLED):
                await socket.ask(document)
                (refused,) = await socket.hear_all()
                sinhala.append(SINHALA.search(refused["payload"][0]["message"]) is not None)

    assert sinhala == [False, False, True, True, True, True, False, False]


async def test_a_source_that_breaks_tells_nothing_of_itself(
    app_with_streams: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin()
        await socket.ask("subscription { broken }")
        heard = await socket.hear_all()
        await socket.ask(COUNT)
        after = await socket.hear_all()

    assert heard[0] == counted(1, field="broken")[0]
    assert "secret" not in json.dumps(heard)
    assert codes(heard[1]) == ["INTERNAL_ERROR"]
    assert after == [*counted(1, 2, 3), complete()]
    (logged,) = [record for record in caplog.records if record.name == "app"]
    assert heard[1]["payload"][0]["extensions"]["requestId"] in logged.getMessage()


# Policies and tokens.


async def test_a_subscription_is_guarded_as_it_prints_and_a_refused_one_is_never_opened(
    app_with_streams: Starlette, stream_callers: Callers
) -> None:
    heard, openings = {}, {}
    for name, token in {"newcomer": stream_callers.newcomer, "skilled": stream_callers.skilled}.items():
        streaming.openings.clear()
        async with connected(app_with_streams) as socket:
            await socket.begin(bearer(token))
            await socket.ask(FOR_SKILLED)
            heard[name] = await socket.hear_all()
        openings[name] = list(streaming.openings)

    (refused,) = heard["newcomer"]
    assert (codes(refused), refused["payload"][0]["extensions"]["policy"]) == (["FORBIDDEN"], "SKILLED_TRADERS")
    assert openings == {"newcomer": [], "skilled": ["numbers"]}
    assert heard["skilled"] == [*counted(1, 2, 3, field="countedForSkilled"), complete()]


@pytest.mark.parametrize("key", ["Authorization", "authorization", "AUTHORIZATION"])
async def test_the_token_comes_with_the_first_message_in_any_case_of_the_key(
    app_with_streams: Starlette, stream_callers: Callers, key: str
) -> None:
    async with connected(app_with_streams) as socket:
        assert await socket.begin(bearer(stream_callers.skilled, key=key)) == ACK
        await socket.ask(FOR_SKILLED)

        assert (await socket.hear_all())[-1] == complete()


async def test_the_token_may_come_with_the_handshake_and_the_first_message_outweighs_it(
    app_with_streams: Starlette, stream_callers: Callers
) -> None:
    answers = []
    for headers, payload in (
        (bearer(stream_callers.skilled), {}),
        (bearer("x"), bearer(stream_callers.skilled)),
        (bearer(stream_callers.skilled), bearer("x")),
        (bearer("x"), {}),
    ):
        async with connected(app_with_streams, headers=headers) as socket:
            answers.append(await socket.begin(payload))

    assert answers == [ACK, ACK, Closed(4403, "UNAUTHENTICATED"), Closed(4403, "UNAUTHENTICATED")]


async def test_a_token_that_is_not_valid_is_turned_away(
    app_with_streams: Starlette, stream_callers: Callers
) -> None:
    expired = stream_callers.expired()
    good = stream_callers.skilled
    payloads: list[Any] = [
        bearer(expired),
        bearer(good[:-4] + "AAAA"),
        bearer(stream_callers.refresh()),
        {"Authorization": good},
        {"Authorization": 5},
        {"Authorization": None},
        {"Authorization": ""},
        {"authorization": f"Bearer {good}", "Authorization": f"Bearer {good}"},
        {"Authorization": f"Bearer {good}\u0d85"},
    ]

    answers = []
    for payload in payloads:
        async with connected(app_with_streams) as socket:
            answers.append(await socket.begin(payload))

    assert answers == [Closed(4403, "TOKEN_EXPIRED")] + [Closed(4403, "UNAUTHENTICATED")] * (len(payloads) - 1)


async def test_a_socket_ends_with_its_token(
    app_with_streams: Starlette, stream_callers: Callers, clock: ManualClock
) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin(bearer(stream_callers.skilled))
        for each in ("a", "b"):
            await socket.ask(ENDLESS, id=each)
        await socket.hear()
        clock.turn(minutes=15)
        heard = [*await socket.hear_all(), *await socket.hear_all()]
        closed = await socket.hear()

    ended = [message for message in heard if message["type"] == "error"]
    assert [(message["id"], codes(message)) for message in ended] == [
        ("a", ["TOKEN_EXPIRED"]),
        ("b", ["TOKEN_EXPIRED"]),
    ]
    assert closed == Closed(4403, "TOKEN_EXPIRED")


async def test_a_socket_ends_when_its_permit_is_revoked(
    app_with_streams: Starlette, stream_callers: Callers, clock: ManualClock
) -> None:
    async with connected(app_with_streams) as socket:
        await socket.begin(bearer(stream_callers.skilled))
        await socket.ask(ENDLESS)
        await socket.hear()
        app_with_streams.state.services.revocations.end_permit(stream_callers.permit_id, until=clock())
        heard = await socket.hear_all()
        closed = await socket.hear()

    assert (codes(heard[-1]), closed) == (["UNAUTHENTICATED"], Closed(4403, "UNAUTHENTICATED"))


async def test_what_was_begun_in_time_and_has_one_answer_is_let_finish(
    app_with_streams: Starlette,
    stream_callers: Callers,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    database: Database = app_with_streams.state.services.database
    async with database.unit_of_work() as session:
        await make_share(session, tag="BUD")
    delete = shares.delete

    async def delete_slowly(*arguments: Any, **others: Any) -> Any:
        clock.turn(minutes=15)
        while streaming.opened:  # noqa: ASYNC110 - until the socket has ended what goes on
            await asyncio.sleep(0.001)
        return await delete(*arguments, **others)

    monkeypatch.setattr(shares, "delete", delete_slowly)
    async with connected(app_with_streams) as socket:
        await socket.begin(bearer(stream_callers.manager))
        await socket.ask(ENDLESS, id="a")
        await socket.hear()
        await socket.ask('mutation { shareDelete(input: {id: "1"}) { outcome } }', id="b")
        told = [message for message in await socket.hear_all() if message["type"] == "error"]
        rest = [*await socket.hear_all(), await socket.hear()]

    assert [(message["id"], codes(message)) for message in told] == [("a", ["TOKEN_EXPIRED"])]
    assert rest == [
        {"id": "b", "type": "next", "payload": {"data": {"shareDelete": {"outcome": "DELETED"}}}},
        complete("b"),
        Closed(4403, "TOKEN_EXPIRED"),
    ]


async def test_a_failure_of_ours_closes_the_socket_and_is_logged(
    app_with_streams: Starlette, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a secret of ours")

    monkeypatch.setattr(sockets, "fault_of", fail)
    async with connected(app_with_streams) as socket:
        await socket.say({"type": "ping"})
        closed = await socket.hear()

    assert closed == Closed(4500, "INTERNAL_ERROR")
    assert [record.name for record in caplog.records] == ["app"]


async def test_an_operation_that_starts_after_the_token_has_ended_is_not_begun(
    app_with_streams: Starlette, stream_callers: Callers, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.web.connections.WATCH_SECONDS", 60)
    async with connected(app_with_streams) as socket:
        await socket.begin(bearer(stream_callers.skilled))
        clock.turn(minutes=15)
        await socket.ask(COUNT)

        assert await socket.hear() == Closed(4403, "TOKEN_EXPIRED")


# What is no message.


@pytest.mark.parametrize(
    "message",
    [
        b'{"type": "ping"}',
        "",
        "{",
        "NaN",
        "\ud83d",
        "[" * 60_000,
        3,
        None,
        [],
        ["ping"],
        {},
        {"type": None},
        {"type": "PING"},
        {"type": []},
        {"type": "connection_ack"},
        {"type": "start", "id": "1"},
        {"type": "ping", "payload": 1},
        {"type": "pong", "payload": []},
        {"type": "connection_init", "payload": "x"},
        {"type": "complete"},
        {"type": "complete", "id": 1},
        {"type": "subscribe", "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": 1, "payload": {"query": "{ __typename }"}},
        {"type": "subscribe", "id": "1"},
        {"type": "subscribe", "id": "1", "payload": None},
        {"type": "subscribe", "id": "1", "payload": {}},
        {"type": "subscribe", "id": "1", "payload": {"query": None}},
        {"type": "subscribe", "id": "1", "payload": {"query": ["{ __typename }"]}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "operationName": 1}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "variables": []}},
        {"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }", "extensions": "x"}},
    ],
)
async def test_what_is_no_message_closes_the_socket(app_with_streams: Starlette, message: object) -> None:
    async with connected(app_with_streams) as socket:
        await socket.say(message)
        closed = await socket.hear()

    assert closed.code == 4400
    assert 0 < len(closed.reason.encode()) <= 123


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
PARAMETERS = ("query", "operationName", "variables", "extensions")
KINDS = st.sampled_from(["connection_init", "ping", "pong", "subscribe", "complete", "next"])


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "type": KINDS | ANYTHING,
            "id": ANYTHING,
            "payload": ANYTHING
            | st.fixed_dictionaries(
                {},
                optional={
                    name: ANYTHING | st.just("{ a }")
                    for name in ("query", "operationName", "variables", "extensions")
                },
            ),
        },
    )
)
def test_whatever_passes_as_a_message_has_the_types_of_one(message: dict[str, Any]) -> None:
    if fault_of(message) is not None:
        return

    kind = message["type"]
    payload: Any = message.get("payload")
    assert kind in ("connection_init", "ping", "pong", "subscribe", "complete")
    if kind in ("subscribe", "complete"):
        assert isinstance(message["id"], str)
        assert message["id"]
    if kind == "subscribe":
        assert isinstance(payload["query"], str)
        assert isinstance(payload.get("operationName"), str | None)
        assert isinstance(payload.get("variables"), dict | None)
        assert isinstance(payload.get("extensions"), dict | None)
    elif kind != "complete":
        assert isinstance(payload, dict | None)


# Limits.


async def test_a_socket_has_so_many_operations_and_one_more_is_refused(streaming_app: Streaming) -> None:
    async with connected(streaming_app(socket_subscriptions=2)) as socket:
        await socket.begin()
        await socket.ask(ENDLESS, id="a")
        await socket.ask(ENDLESS, id="b")
        await socket.ask(COUNT, id="c")
        heard = await socket.hear_all()
        await socket.say({"id": "a", "type": "complete"})
        await socket.ask(COUNT, id="d")
        after = await socket.hear_all()

    assert (heard[-1]["id"], codes(heard[-1])) == ("c", ["BAD_REQUEST"])
    assert [message for message in after if message["id"] == "d"] == [*counted(1, 2, 3, id="d"), complete("d")]


async def test_an_address_has_so_many_sockets(streaming_app: Streaming) -> None:
    app = streaming_app(sockets_per_address=2)

    async with connected(app), connected(app):
        with pytest.raises(Refused) as refused:
            async with connected(app):
                pass
        async with connected(app, address="192.0.2.2") as other:
            elsewhere = await other.begin()
    async with connected(app) as again:
        after = await again.begin()

    denied: Denied = refused.value.denied
    assert (denied.status, denied.headers["retry-after"]) == (429, "10")
    assert [error["extensions"]["code"] for error in denied.body["errors"]] == ["RATE_LIMITED"]
    assert (elsewhere, after) == (ACK, ACK)


async def test_so_many_sockets_may_be_silent(streaming_app: Streaming) -> None:
    app = streaming_app(uninitialised_sockets=2)

    async with connected(app) as first, connected(app):
        with pytest.raises(Refused) as refused:
            async with connected(app):
                pass
        await first.begin()
        async with connected(app, address="192.0.2.2") as other:
            assert await other.begin() == ACK

    assert refused.value.denied.status == 429


@pytest.mark.parametrize(
    ("headers", "is_let_in"),
    [
        ({}, True),
        ({"Origin": "http://shares.test"}, True),
        ({"Origin": "https://viewer.example"}, True),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://viewer.example"}, False),
        ({"Origin": "http://shares.test:81"}, False),
        ({"Origin": "http://shares.test.evil.example"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
    ],
)
async def test_only_pages_of_ours_and_of_those_that_are_allowed_open_sockets(
    streaming_app: Streaming,
    headers: dict[str, str],
    is_let_in: bool,  # noqa: FBT001 - a column of the table
) -> None:
    app = streaming_app(allowed_origins="https://viewer.example, https://other.example")
    seen: Any = None
    try:
        async with connected(app, headers=headers) as socket:
            seen = await socket.begin()
    except Refused as refused:
        seen = refused.denied.status

    assert seen == (ACK if is_let_in else 403)


async def test_a_subscription_by_plain_http_says_what_to_use_instead(app_with_streams: Starlette) -> None:
    async with Api(app_with_streams) as api:
        answer = await api(COUNT)

    assert (answer.codes, "text/event-stream" in answer.errors[0]["message"]) == (["BAD_REQUEST"], True)
