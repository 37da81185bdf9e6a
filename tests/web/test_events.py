"""Answers as a stream of events: when they are given, how they are framed, and when they end."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.types import Message

from app.web import connections, events
from tests import streaming
from tests.callers import Api, Callers
from tests.factories import ManualClock
from tests.web.conftest import Streaming

pytestmark = pytest.mark.anyio

EVENTS = {"Accept": "text/event-stream"}
COUNT = "subscription { counted(most: 3) }"
ENDLESS = "subscription { counted }"
COMPLETE = ("complete", "")


def heard(response: httpx.Response) -> list[tuple[str, Any]]:
    """The events of a stream: the name and the data of each, and the text of each comment."""
    assert (response.status_code, response.headers["content-type"]) == (200, "text/event-stream")
    found: list[tuple[str, Any]] = []
    for block in response.text.split("\r\n\r\n")[:-1]:
        if block.startswith(":"):
            found.append(("", block))
            continue
        event, data = block.split("\r\n")
        name, text = event.removeprefix("event: "), data.removeprefix("data: ")
        found.append((name, json.loads(text) if text else ""))
    return found


def codes(event: tuple[str, Any]) -> list[str]:
    """The codes of a `next` event that has only errors."""
    name, answer = event
    assert (name, set(answer)) in (("next", {"errors"}), ("next", {"errors", "data"}))
    assert answer.get("data") is None
    return [error["extensions"]["code"] for error in answer["errors"]]


async def stream(app: Starlette, query: str, *, token: str | None = None, **others: Any) -> httpx.Response:
    """What is answered to an operation that is sent by POST, to its end."""
    headers = EVENTS if token is None else EVENTS | {"Authorization": f"Bearer {token}"}
    async with Api(app) as api:
        return await api.http.post("/graphql", json={"query": query, **others}, headers=headers)


async def opened() -> None:
    """Wait until a source is open."""
    while not streaming.opened:  # noqa: ASYNC110 - the source is opened by the application
        await asyncio.sleep(0.001)


async def test_a_subscription_is_streamed_and_completed(app_with_streams: Starlette) -> None:
    response = await stream(app_with_streams, COUNT)

    assert heard(response) == [*[("next", {"data": {"counted": number}}) for number in (1, 2, 3)], COMPLETE]
    assert response.headers["cache-control"] == "no-cache, no-transform"
    assert "x-ms-request-id" in response.headers


async def test_queries_are_streamed_too_and_subscriptions_can_be_asked_for_by_get(
    app_with_streams: Starlette,
) -> None:
    async with Api(app_with_streams) as api:
        by_get = await api.http.get(
            "/graphql", params={"query": "subscription { counted(most: 1) }"}, headers=EVENTS
        )
        mutation = await api.http.get("/graphql", params={"query": "mutation { __typename }"}, headers=EVENTS)

    assert heard(await stream(app_with_streams, "{ __typename }")) == [
        ("next", {"data": {"__typename": "Query"}}),
        COMPLETE,
    ]
    assert heard(by_get) == [("next", {"data": {"counted": 1}}), COMPLETE]
    assert mutation.status_code == 405


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        ({"query": "{"}, "BAD_REQUEST"),
        ({"query": "{ nothing }"}, "BAD_REQUEST"),
        ({"query": "query A { __typename }", "operationName": "B"}, "BAD_REQUEST"),
        ({"query": "subscription { countedForSkilled }"}, "UNAUTHENTICATED"),
        ({"query": "subscription { counted(most: 0) }"}, "INVALID_INPUT"),
        ({"query": "subscription ($t: String!) { tagged(tag: $t) }", "variables": {"t": 1}}, "INVALID_INPUT"),
    ],
)
async def test_what_cannot_start_is_told_by_an_event(
    app_with_streams: Starlette, payload: dict[str, Any], code: str
) -> None:
    told, end = heard(await stream(app_with_streams, **payload))

    assert (codes(told), end) == ([code], COMPLETE)


async def test_a_request_that_is_none_or_has_a_bad_token_gets_a_status(
    app_with_streams: Starlette, stream_callers: Callers
) -> None:
    expired = stream_callers.expired()

    responses = [await stream(app_with_streams, ""), await stream(app_with_streams, COUNT, token=expired)]

    assert [(each.status_code, each.headers["content-type"]) for each in responses] == [
        (400, "application/json; charset=utf-8"),
        (401, "application/json; charset=utf-8"),
    ]


async def test_a_source_that_breaks_tells_nothing_of_itself(app_with_streams: Starlette) -> None:
    first, told, end = heard(await stream(app_with_streams, "subscription { broken }"))

    assert (first, codes(told), end) == (("next", {"data": {"broken": 1}}), ["INTERNAL_ERROR"], COMPLETE)
    assert "secret" not in json.dumps(told)


async def test_a_stream_ends_with_its_token(
    app_with_streams: Starlette, stream_callers: Callers, clock: ManualClock
) -> None:
    running = asyncio.create_task(stream(app_with_streams, ENDLESS, token=stream_callers.skilled))
    await opened()
    clock.turn(minutes=15)
    *numbers, told, end = heard(await running)

    assert numbers[0] == ("next", {"data": {"counted": 1}})
    assert (codes(told), end) == (["TOKEN_EXPIRED"], COMPLETE)
    assert streaming.opened == []


async def test_a_stream_ends_when_its_permit_is_revoked(
    app_with_streams: Starlette, stream_callers: Callers, clock: ManualClock
) -> None:
    running = asyncio.create_task(stream(app_with_streams, ENDLESS, token=stream_callers.skilled))
    await opened()
    app_with_streams.state.services.revocations.end_permit(stream_callers.permit_id, until=clock())
    *_, told, end = heard(await running)

    assert (codes(told), end) == (["UNAUTHENTICATED"], COMPLETE)


async def test_a_silent_stream_has_heartbeats(streaming_app: Streaming, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_SECONDS", 0.005)

    told = heard(await stream(streaming_app(), "subscription { slow }"))

    beats = [event for event in told if event == ("", ": ping")]
    assert len(beats) > 1
    assert [event for event in told if event not in beats] == [
        ("next", {"data": {"slow": 1}}),
        ("next", {"data": {"slow": 2}}),
        COMPLETE,
    ]


async def test_an_address_has_so_many_streams(streaming_app: Streaming) -> None:
    app = streaming_app(streams_per_address=1)
    running = asyncio.create_task(stream(app, ENDLESS))
    await opened()
    refused = await stream(app, COUNT)
    async with Api(app) as api:
        plain = await api("{ __typename }")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert [error["extensions"]["code"] for error in refused.json()["errors"]] == ["RATE_LIMITED"]
    assert plain.status == 200
    assert heard(await stream(app, COUNT))[-1] == COMPLETE


@pytest.mark.parametrize("spec_version", ["2.3", "2.4"])
async def test_a_client_that_goes_away_ends_its_source_and_is_no_failure(
    app_with_streams: Starlette, caplog: pytest.LogCaptureFixture, spec_version: str
) -> None:
    """By the older version of ASGI a server tells of it by a message, by the newer by refusing to send."""
    sent: list[Message] = []
    body = json.dumps({"query": ENDLESS}).encode()
    gone = asyncio.Event()
    coming: list[Message] = [{"type": "http.request", "body": body}]

    async def receive() -> Message:
        if coming:
            return coming.pop()
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if gone.is_set():
            raise OSError
        sent.append(message)
        if len(sent) == 3:
            gone.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": spec_version},
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"accept", b"text/event-stream")],
    }
    await asyncio.wait_for(app_with_streams(scope, receive, send), 10)

    assert [message["type"] for message in sent] == ["http.response.start", *["http.response.body"] * 2]
    assert (streaming.opened, caplog.records) == ([], [])


async def test_several_accept_headers_are_one(app_with_streams: Starlette) -> None:
    async with Api(app_with_streams) as api:
        response = await api.http.post(
            "/graphql",
            json={"query": COUNT},
            headers=[("Accept", "application/json;q=0.1"), ("Accept", "text/event-stream")],
        )

    assert heard(response)[-1] == COMPLETE


async def test_what_is_passed_on_until_something_happens_is_ended_with_it() -> None:
    ended: list[int] = []

    async def forever() -> Any:
        try:
            while True:
                yield 1
                await asyncio.sleep(0)
        finally:
            ended.append(1)

    happens = asyncio.Event()
    passed = 0
    async for each in connections.until(happens.wait(), forever()):
        passed += each
        if passed == 3:
            happens.set()
        assert passed < 20

    assert ended == [1]
