"""Several operations in one request: off by default, and where they are allowed, each as if it had come alone."""

from collections.abc import Callable, Coroutine
from typing import Any

import httpx
import pytest
from sqlmodel import select
from starlette.applications import Starlette

from app.entities import Share
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import ManualClock, make_share, make_trader
from tests.limits.conftest import Limited
from tests.limits.test_rates import guess, log_in

pytestmark = pytest.mark.anyio

READ = {"query": "{ share(id: 1) { price version } }"}
VERSION = {"query": "{ __typename }"}
MISFIT = {"query": "{ nothing }"}
EXACT = {"Accept": "application/graphql-response+json"}
REPEATABLE = (
    {"Idempotency-Key": "a-key-of-my-own"},
    {"Repeatability-Request-ID": "8a1f5e5e-5a0e-4d6c-9d3f-0c3f1c0b7a11"},
    {"Repeatability-First-Sent": "Mon, 15 Jun 2026 12:00:00 GMT"},
)

Send = Callable[..., Coroutine[Any, Any, httpx.Response]]


def reprice(price: str, version: int) -> dict[str, Any]:
    return {
        "query": "mutation ($i: ShareUpdateInput!) { shareUpdate(input: $i) { share { price } errors { code } } }",
        "variables": {"i": {"id": "1", "price": price, "expectedVersion": version}},
    }


def repriced(price: str) -> dict[str, Any]:
    return {"data": {"shareUpdate": {"share": {"price": price}, "errors": []}}}


def read(price: str, version: int) -> dict[str, Any]:
    return {"data": {"share": {"price": price, "version": version}}}


async def with_a_share(app: Starlette) -> Starlette:
    async with app.state.services.database.unit_of_work() as session:
        await make_share(session, price="10.0000")
    return app


async def price_in(app: Starlette) -> str:
    async with app.state.services.database.reading() as session:
        return str((await session.exec(select(Share))).one().price)


async def send(app: Starlette, operations: Any, *, token: str | None = None, **headers: str) -> httpx.Response:
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    async with Api(app) as api:
        return await api.http.post("/graphql", json=operations, headers=headers)


def manager(app: Starlette, clock: ManualClock) -> str:
    return Callers(app.state.services, clock).manager


def messages(response: httpx.Response) -> list[str]:
    return [error["message"] for error in response.json()["errors"]]


async def test_by_default_a_list_is_refused_and_nothing_of_it_runs(limited: Limited, clock: ManualClock) -> None:
    app = await with_a_share(await limited())

    with Statements(app.state.services.database) as statements:
        responses = [
            await send(app, [reprice("11", 1)], token=manager(app, clock)),
            await send(app, [], token=manager(app, clock)),
        ]
        assert statements == []

    assert [(response.status_code, messages(response)) for response in responses] == [
        (
            400,
            [
                "The request could not be understood: Send one operation at a time: lists of operations are not"
                " taken."
            ],
        )
    ] * 2
    assert await price_in(app) == "10.0000"


async def test_operations_of_a_list_are_executed_one_after_another_and_answered_in_their_order(
    limited: Limited, clock: ManualClock
) -> None:
    app = await with_a_share(await limited(max_batch=5))
    operations = [READ, reprice("11", 1), READ, reprice("12", 2), READ]

    response = await send(app, operations, token=manager(app, clock))

    assert (response.status_code, response.headers["content-type"]) == (200, "application/json; charset=utf-8")
    assert response.json() == [
        read("10.0000", 1),
        repriced("11.0000"),
        read("11.0000", 2),
        repriced("12.0000"),
        read("12.0000", 3),
    ]


@pytest.mark.parametrize(
    ("most", "sent", "said"),
    [
        (2, 3, "No more than 2 operations can be sent in a list."),
        (1, 2, "No more than 1 operation can be sent in a list."),
        (2, 0, "There is no operation in the list."),
    ],
)
async def test_a_list_that_is_too_long_or_empty_is_refused_and_nothing_of_it_runs(
    limited: Limited, clock: ManualClock, most: int, sent: int, said: str
) -> None:
    app = await with_a_share(await limited(max_batch=most))

    response = await send(app, [reprice("11", 1)] * sent, token=manager(app, clock))

    assert response.status_code == 400
    assert response.json()["errors"] == [
        {"message": f"The request could not be understood: {said}", "extensions": {"code": "BAD_REQUEST"}}
    ]
    assert await price_in(app) == "10.0000"


async def test_each_operation_has_its_own_parameters_and_what_is_wrong_with_one_is_its_own(
    limited: Limited, clock: ManualClock
) -> None:
    app = await with_a_share(await limited(max_batch=10))
    operations = [
        {"query": "query A { __typename } query B { share(id: 1) { tag } }", "operationName": "A"},
        3,
        [VERSION],
        {},
        {"query": 3},
        MISFIT,
        {"documentId": "sha256:" + "0" * 64},
        {"query": "subscription { a }"},
        {**READ, "extensions": {"cost": True}},
        VERSION,
    ]

    response = await send(app, operations, token=manager(app, clock))

    answers = response.json()
    assert response.status_code == 200
    assert response.headers["x-ms-error-code"] == "BAD_REQUEST"
    assert [answer.get("data") for answer in answers] == [
        {"__typename": "Query"},
        *[None] * 7,
        {"share": {"price": "10.0000", "version": 1}},
        {"__typename": "Query"},
    ]
    assert [[error["extensions"]["code"] for error in answer.get("errors", ())] for answer in answers] == [
        [],
        *[["BAD_REQUEST"]] * 5,
        ["PERSISTED_QUERY_NOT_FOUND"],
        ["BAD_REQUEST"],
        [],
        [],
    ]
    assert [answer["extensions"]["cost"]["allowed"] for answer in answers if "extensions" in answer] == [50_000]


async def test_each_operation_has_its_own_doors_and_limits(limited: Limited, clock: ManualClock) -> None:
    app = await with_a_share(await limited(max_batch=3, max_aliases=1))
    aliased = {"query": "{ a: __typename b: __typename }"}

    response = await send(app, [READ, aliased, VERSION], token=Callers(app.state.services, clock).newcomer)

    refused, too_large, answered = response.json()
    assert response.status_code == 200
    assert (refused["data"], [error["extensions"]["code"] for error in refused["errors"]]) == (
        {"share": None},
        ["FORBIDDEN"],
    )
    assert (set(too_large), [error["extensions"]["code"] for error in too_large["errors"]]) == (
        {"errors"},
        ["COST_EXCEEDED"],
    )
    assert answered == {"data": {"__typename": "Query"}}


async def test_failures_are_masked_and_each_has_a_name_of_its_own(
    limited: Limited, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = await limited(max_batch=3)
    token = manager(app, clock)
    async with app.state.services.database.unit_of_work() as session:
        await (await session.connection()).exec_driver_sql("ALTER TABLE share RENAME TO gone")

    response = await send(
        app, [{"query": "{ shares { id } }"}, VERSION, {"query": "{ shares { id } }"}], token=token
    )

    first, second, third = response.json()
    ids = [answer["errors"][0]["extensions"]["requestId"] for answer in (first, third)]
    assert second == {"data": {"__typename": "Query"}}
    assert ids[0] == response.headers["x-ms-request-id"]
    assert len(set(ids)) == 2
    assert all(name in caplog.text for name in ids)


async def test_a_list_has_the_status_that_all_of_it_would_have_alone(limited: Limited, clock: ManualClock) -> None:
    app = await limited(max_batch=2)
    expired = Callers(app.state.services, clock).expired()

    responses = [
        await send(app, [MISFIT, MISFIT], **EXACT),
        await send(app, [MISFIT, MISFIT]),
        await send(app, [MISFIT, VERSION], **EXACT),
        await send(app, [VERSION, VERSION], token=expired),
        await send(app, [READ, READ]),
        await send(app, [READ, VERSION]),
    ]

    assert [response.status_code for response in responses] == [400, 200, 200, 401, 401, 200]
    assert [len(response.json()) for response in responses] == [2] * 6
    assert responses[0].headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert responses[3].headers["token-expired"] == "true"
    assert responses[3].headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert responses[4].headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in responses[5].headers


async def test_a_list_is_answered_in_the_language_that_it_asks_for(limited: Limited) -> None:
    app = await limited(max_batch=2)

    said = await send(app, [VERSION, MISFIT], **{"Accept-Language": "si"})
    unsaid = await send(app, [VERSION, VERSION], **{"Accept-Language": "si"})

    assert said.headers["content-language"] == "si"
    assert said.json()[1]["errors"][0]["message"] == (
        'ඉල්ලීම තේරුම් ගත නොහැකි විය: "Query" වර්ගයේ "nothing" නමින් ක්ෂේත්‍රයක් නැත.'
    )
    assert "content-language" not in unsaid.headers


async def test_a_list_is_no_stream(limited: Limited, clock: ManualClock) -> None:
    app = await with_a_share(await limited(max_batch=2))

    response = await send(app, [reprice("11", 1)], token=manager(app, clock), Accept="text/event-stream")

    assert (response.status_code, response.headers["content-type"]) == (400, "application/json; charset=utf-8")
    assert messages(response) == [
        "The request could not be understood: The answer to a list of operations cannot be a stream of events. "
        "Accept application/json."
    ]
    assert await price_in(app) == "10.0000"


@pytest.mark.parametrize("headers", REPEATABLE, ids=lambda headers: next(iter(headers)))
async def test_a_list_is_not_repeatable(limited: Limited, clock: ManualClock, headers: dict[str, str]) -> None:
    app = await with_a_share(await limited(max_batch=2))

    response = await send(app, [reprice("11", 1)], token=manager(app, clock), **headers)

    assert (response.status_code, response.headers["repeatability-result"]) == (400, "rejected")
    assert messages(response) == [
        "The request could not be understood: A repeatable request is one operation, not a list of them."
    ]
    assert await price_in(app) == "10.0000"


async def test_a_list_counts_as_many_requests_as_it_has_operations(limited: Limited) -> None:
    app = await limited(max_batch=3, requests_per_minute=5)

    sent = [
        await send(app, [VERSION] * 3),
        await send(app, [VERSION] * 2),
        await send(app, VERSION),
    ]

    assert [response.status_code for response in sent] == [200, 200, 429]


async def test_a_list_that_is_more_than_an_address_may_have_is_refused_as_a_whole(
    limited: Limited, clock: ManualClock
) -> None:
    app = await with_a_share(await limited(max_batch=3, requests_per_minute=2))

    response = await send(app, [reprice("11", 1)] * 3, token=manager(app, clock))

    assert (response.status_code, response.headers["retry-after"]) == (429, "60")
    assert await price_in(app) == "10.0000"


async def test_a_list_counts_for_its_trader_from_whatever_address(limited: Limited, clock: ManualClock) -> None:
    app = await limited(max_batch=3, requests_per_minute=4)
    token = {"Authorization": f"Bearer {manager(app, clock)}"}

    async with Api(app) as here, Api(app, address="192.0.2.2") as there:
        first = await here.http.post("/graphql", json=[VERSION] * 3, headers=token)
        second = await there.http.post("/graphql", json=[VERSION] * 3, headers=token)

    assert (first.status_code, second.status_code) == (200, 200)
    assert [answer.get("data") for answer in second.json()] == [{"__typename": "Query"}, None, None]
    assert [answer["errors"][0]["extensions"]["code"] for answer in second.json()[1:]] == ["RATE_LIMITED"] * 2


@pytest.mark.parametrize(("setting", "attempt"), [("log_ins_per_minute", log_in), ("codes_per_minute", guess)])
async def test_tries_in_a_list_count_each(limited: Limited, setting: str, attempt: Callable[[int], str]) -> None:
    app = await limited(max_batch=5, **{setting: 3})
    await make_trader(app.state.services.database, email="trader0@example.com")
    tries = [{"query": f"mutation {{ {attempt(number)} }}"} for number in range(5)]

    response = await send(app, tries)
    alone = await send(app, tries[0])

    codes = [[error["extensions"]["code"] for error in answer.get("errors", ())] for answer in response.json()]
    assert codes == [[], [], [], ["RATE_LIMITED"], ["RATE_LIMITED"]]
    assert alone.status_code == 429
