"""Media types as clients name them, the choice among those that the server writes, and the statuses of each."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Message

from app.web.media_types import EVENT_STREAM, GRAPHQL_RESPONSE, JSON, is_json, negotiate
from tests.callers import Api, Callers

pytestmark = pytest.mark.anyio

BOTH = "application/graphql-response+json, application/json"


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, JSON),
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("text/html, */*;q=0.8", JSON),
        ("Application/JSON", JSON),
        (GRAPHQL_RESPONSE, GRAPHQL_RESPONSE),
        (BOTH, GRAPHQL_RESPONSE),
        (f"{JSON}, {GRAPHQL_RESPONSE}", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0.8, {JSON};q=0.9", JSON),
        (f"{GRAPHQL_RESPONSE}; charset=utf-8; q=0.9, {JSON} ; q=0.8", GRAPHQL_RESPONSE),
        (f"{GRAPHQL_RESPONSE};q=0, */*", JSON),
        (f"{JSON};q=0, */*", GRAPHQL_RESPONSE),
        (EVENT_STREAM, EVENT_STREAM),
        (f"{EVENT_STREAM}, */*;q=0.1", EVENT_STREAM),
        (f"{EVENT_STREAM};q=0.9, {JSON};q=0.8", EVENT_STREAM),
        # As urql sends it by default, which cannot read our streams.
        (f"{BOTH}, {EVENT_STREAM}, multipart/mixed", GRAPHQL_RESPONSE),
        (f"{EVENT_STREAM}, {JSON}", JSON),
        (f"{EVENT_STREAM}, */*", JSON),
        (f"{EVENT_STREAM};q=0", None),
        (f"{JSON};q=0", None),
        ("text/html", None),
        ("text/*", None),
        ("image/png, application/xml;q=0.9", None),
        ("nothing that is a media range", JSON),
        (f"{GRAPHQL_RESPONSE};q=2, {JSON};q=0.1", JSON),
    ],
)
def test_an_answer_has_the_media_type_that_weighs_most(accept: str | None, chosen: str | None) -> None:
    assert negotiate(accept) == chosen


WEIGHTS = st.integers(0, 1_000)


@given(json=WEIGHTS, response=WEIGHTS, stream=WEIGHTS, order=st.permutations(range(3)))
def test_what_is_chosen_is_never_outweighed(json: int, response: int, stream: int, order: list[int]) -> None:
    weights = {JSON: json, GRAPHQL_RESPONSE: response, EVENT_STREAM: stream}
    ranges = [f"{name};q={weight / 1_000:.3f}" for name, weight in weights.items()]

    chosen = negotiate(", ".join(ranges[each] for each in order))

    assert (chosen is None) == (max(weights.values()) == 0)
    assert chosen is None or weights[chosen] == max(weights.values())


@given(st.text(max_size=200))
def test_no_header_is_too_strange(accept: str) -> None:
    assert negotiate(accept) in (JSON, GRAPHQL_RESPONSE, EVENT_STREAM, None)


@pytest.mark.parametrize(
    ("content_type", "json"),
    [
        ("application/json", True),
        ("APPLICATION/JSON; Charset=UTF-8", True),
        ('application/json;charset="utf-8"', True),
        ("application/json;", True),
        ("application/json; charset=iso-8859-1", False),
        ("application/jsonp", False),
        ("application/json, text/plain", False),
        ("text/plain; a=application/json", False),
        ("application/x-www-form-urlencoded", False),
        ("multipart/form-data", False),
        ("", False),
        (None, False),
    ],
)
def test_a_body_is_json_in_utf_8_or_nothing(content_type: str | None, json: bool) -> None:  # noqa: FBT001 - a column of the table
    assert is_json(content_type) == json


# What the endpoint makes of it.

NO_DOCUMENT: dict[str, Any] = {}
SYNTAX = {"query": "{"}
INVALID = {"query": "{ nothing }"}
UNKNOWN_OPERATION = {"query": "{ __typename }", "operationName": "A"}
SUBSCRIPTION = {"query": "subscription { a }"}
VARIABLES = {"query": "query ($id: ID!) { share(id: $id) { id } }", "variables": {"id": []}}
ANSWERED = {"query": "{ __typename }"}
STRANGER = {"query": "{ shares { id } }"}


@pytest.mark.parametrize(
    ("body", "json_status", "exact_status"),
    [
        (ANSWERED, 200, 200),
        (NO_DOCUMENT, 400, 400),
        (SYNTAX, 200, 400),
        (INVALID, 200, 400),
        (UNKNOWN_OPERATION, 200, 400),
        (SUBSCRIPTION, 200, 400),
        (VARIABLES, 200, 400),
        (STRANGER, 401, 401),
    ],
)
async def test_statuses_are_those_of_the_media_type(
    api: Api, body: dict[str, Any], json_status: int, exact_status: int
) -> None:
    answers = [
        await api.http.post("/graphql", json=body, headers={"Accept": accept})
        for accept in (JSON, GRAPHQL_RESPONSE)
    ]

    assert [(each.status_code, each.headers["content-type"]) for each in answers] == [
        (json_status, "application/json; charset=utf-8"),
        (exact_status, "application/graphql-response+json; charset=utf-8"),
    ]
    assert [each.json().get("data", "absent") for each in answers] == [
        {"__typename": "Query"} if body is ANSWERED else {"shares": None} if body is STRANGER else "absent"
    ] * 2


@pytest.mark.parametrize("accept", [JSON, GRAPHQL_RESPONSE])
async def test_a_bad_token_is_401_in_every_media_type(api: Api, callers: Callers, accept: str) -> None:
    answer = await api("{ me { id } }", token=callers.expired(), headers={"Accept": accept})

    assert (answer.status, answer.codes, answer.headers["token-expired"]) == (401, ["TOKEN_EXPIRED"], "true")


async def test_a_client_that_takes_nothing_of_ours_is_told_in_json_and_nothing_runs(
    api: Api, callers: Callers
) -> None:
    answer = await api("{ shares { id } }", token=callers.skilled, headers={"Accept": "text/csv"})

    assert (answer.status, answer.codes) == (406, ["BAD_REQUEST"])
    assert answer.headers["content-type"] == "application/json; charset=utf-8"


async def test_several_accept_headers_are_one(api: Api) -> None:
    response = await api.http.post(
        "/graphql", json=ANSWERED, headers=[("Accept", "text/html"), ("Accept", GRAPHQL_RESPONSE)]
    )

    assert response.headers["content-type"] == "application/graphql-response+json; charset=utf-8"


async def test_a_byte_order_mark_before_the_body_is_passed_over(api: Api) -> None:
    response = await api.http.post(
        "/graphql",
        content=b'\xef\xbb\xbf{"query": "{ __typename }"}',
        headers={"Content-Type": "application/json; charset=utf-8"},
    )

    assert (response.status_code, response.json()) == (200, {"data": {"__typename": "Query"}})


async def test_a_compressed_body_is_refused_unread(api: Api) -> None:
    response = await api.http.post(
        "/graphql",
        content=b"\x1f\x8b\x08",
        headers={"Content-Type": "application/json", "Content-Encoding": "gzip"},
    )

    assert response.status_code == 415


async def test_a_body_that_says_it_is_not_compressed_is_read_in_any_case_of_letters(api: Api) -> None:
    response = await api.http.post("/graphql", json=ANSWERED, headers={"Content-Encoding": "Identity"})

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_told_which_to_use(api: Api, method: str) -> None:
    response = await api.http.request(method, "/graphql", headers={"Content-Type": "application/json"})

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_a_client_that_goes_away_while_it_sends_is_no_failure_of_ours(
    app: Starlette, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[Message] = []
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"query":', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "query_string": b"",
        "http_version": "1.1",
        "headers": [(b"content-type", b"application/json")],
    }
    await app(scope, receive, send)

    assert (sent, caplog.records, messages) == ([], [], [])
