"""Answers without a task of the event loop: the very answers of the usual way, or none and nothing done."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import orjson
import pytest
from starlette.applications import Starlette

from app.compiler.texts import MANY_ROWS
from app.domain.policies import latest_joining
from app.settings import Settings
from app.web.exchange import WholeAnswer
from tests.callers import Api, Callers
from tests.compiler.test_doors import CALLERS, OPERATIONS
from tests.counting import Statements
from tests.factories import ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio

on_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")

LONG = "{ shares(orderBy: [{field: TAG}]) { id } }"
SHARE = '{ share(id: "1") { tag price } }'

OF_EACH = {"x-ms-request-id": "", "server-timing": ""}
"""The headers that no two answers have alike."""

Found = tuple[dict[str, str], bytes] | None


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as made:
        async with made.state.services.database.unit_of_work() as session:
            await make_share(session, await make_industry(session, tag="drinks"), tag="BUD")
        yield made


def ask_at_once(
    app: Starlette,
    document: str,
    token: str | None,
    headers: Mapping[str, str] | None = None,
    variables: Mapping[str, Any] | None = None,
    **scope: Any,
) -> Found:
    """Ask as the connection does when all of a request has come."""
    body = orjson.dumps({"query": document, "variables": variables})
    sent = {"content-type": "application/json", "accept": "*/*", **(headers or {})}
    if token is not None:
        sent["authorization"] = f"Bearer {token}"
    asked = {
        "type": "http",
        "method": "POST",
        "scheme": "http",
        "path": "/graphql",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
        "client": ("127.0.0.1", 50_000),
        **scope,
    }
    answer_of: WholeAnswer | None = app.state.at_once.at_once(asked)
    found = None if answer_of is None else answer_of(body)
    if found is None:
        return None
    lines, answer = found
    return dict(line.split(": ", 1) for line in lines.decode().splitlines()), answer


def tokens_of(callers: Callers, many: int) -> list[str]:
    """The tokens of different traders who all may read."""
    joined = latest_joining(callers.clock().date(), 1)
    return [callers.access(trader_id=number, date_joined=joined) for number in range(1, many + 1)]


@pytest.fixture
async def known(api: Api, callers: Callers) -> None:
    """Every document has been asked for, so that it is known."""
    for operation in OPERATIONS:
        await api(operation.document, token=callers.skilled)
    for document in (SHARE, LONG):
        await api(document, token=callers.skilled)


@on_sqlite
async def test_variables_say_whether_there_is_little_enough_to_read(
    app: Starlette, api: Api, callers: Callers
) -> None:
    document = "query ($limit: Int!) { shares(limit: $limit) { tag } }"
    await api(document, {"limit": 1}, token=callers.skilled)

    few, many = (
        ask_at_once(app, document, callers.skilled, variables={"limit": limit})
        for limit in (MANY_ROWS, MANY_ROWS + 1)
    )

    assert few is not None
    assert orjson.loads(few[1]) == {"data": {"shares": [{"tag": "BUD"}]}}
    assert many is None


@on_sqlite
@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("caller", CALLERS)
async def test_what_is_answered_at_once_is_the_answer_of_the_usual_way(
    app: Starlette, api: Api, callers: Callers, caller: str
) -> None:
    token = CALLERS[caller](callers)
    answered = 0

    for operation in OPERATIONS:
        usual = await api(operation.document, token=token)
        # Read, read again, and then kept.
        for _ in range(4):
            found = ask_at_once(app, operation.document, token)
            if found is not None:
                told, body = found
                assert (usual.status, usual.body) == (200, orjson.loads(body))
                assert {**usual.headers, **OF_EACH} == {**told, **OF_EACH}
                answered += 1

    # All but those that ask for the service or for a trader; of strangers and newcomers only a name of a type.
    assert answered == {"a stranger": 4, "a newcomer": 4, "a liar": 0, "one with a refresh token": 0}.get(
        caller, 4 * (len(OPERATIONS) - 2)
    )


ELSEWHERE: Mapping[str, Callable[[Starlette, str], Found]] = {
    "another path": lambda app, token: ask_at_once(app, SHARE, token, path="/v1/graphql"),
    "another method": lambda app, token: ask_at_once(app, SHARE, token, method="GET"),
    "a parameter": lambda app, token: ask_at_once(app, SHARE, token, query_string=b"api-version=1.0"),
    "a version": lambda app, token: ask_at_once(app, SHARE, token, {"x-api-version": "1.0"}),
    "a stream": lambda app, token: ask_at_once(app, SHARE, token, {"accept": "text/event-stream"}),
    "an idempotency key": lambda app, token: ask_at_once(app, SHARE, token, {"idempotency-key": "k"}),
    "what nobody asked yet": lambda app, token: ask_at_once(app, f"query Unheard {SHARE}", token),
    "a mutation": lambda app, token: ask_at_once(app, "mutation { permitLogOut { __typename } }", token),
    "what is not there": lambda app, token: ask_at_once(app, '{ share(id: "99") { tag } }', token),
    "what takes long": lambda app, token: ask_at_once(app, LONG, token),
    "no body": lambda app, token: ask_at_once(app, " " * 2_000_000, token),
}


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("what", ELSEWHERE)
async def test_anything_else_is_left_to_the_usual_way_and_nothing_is_read(
    app: Starlette, callers: Callers, what: str
) -> None:
    with Statements(app.state.services.database) as statements:
        found = ELSEWHERE[what](app, callers.skilled)

    assert found is None
    assert what == "what is not there" or statements == []


@pytest.mark.parametrize("template", ["postgresql"], indirect=True, scope="session")
@pytest.mark.usefixtures("known")
async def test_what_has_to_be_waited_for_is_not_answered_at_once(app: Starlette, callers: Callers) -> None:
    assert ask_at_once(app, SHARE, callers.skilled) is None


@on_sqlite
@pytest.mark.usefixtures("known")
async def test_pages_of_other_origins_are_answered_in_the_usual_way(
    settings: Settings, clock: ManualClock, callers: Callers
) -> None:
    allowing = settings.model_copy(update={"allowed_origins": "https://shares.example"})
    async with quiet_app(allowing, clock) as app:
        page = ask_at_once(app, SHARE, callers.skilled, {"origin": "https://shares.example"})
        program = ask_at_once(app, SHARE, callers.skilled)

    assert page is None
    assert program is not None


@on_sqlite
@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("addresses", [["192.0.2.1"], [f"192.0.2.{number}" for number in range(9)]])
async def test_what_is_answered_at_once_counts_once_for_the_address_and_the_trader(
    settings: Settings, clock: ManualClock, callers: Callers, addresses: list[str]
) -> None:
    async with quiet_app(settings.model_copy(update={"requests_per_minute": 5}), clock) as app:
        # With other traders at one address, or one trader at several.
        tokens = tokens_of(callers, 9)
        asked = [
            ask_at_once(
                app,
                SHARE,
                tokens[number if len(addresses) == 1 else 0],
                client=(addresses[number % len(addresses)], 1),
            )
            for number in range(9)
        ]

    assert [found is not None for found in asked] == [True] * 5 + [False] * 4


@on_sqlite
@pytest.mark.usefixtures("known")
async def test_what_is_left_to_the_usual_way_is_counted_there_alone(
    settings: Settings, clock: ManualClock, callers: Callers
) -> None:
    async with quiet_app(settings.model_copy(update={"requests_per_minute": 5}), clock) as app:
        left = [ask_at_once(app, SHARE, callers.newcomer) for _ in range(9)]
        answered = [ask_at_once(app, SHARE, callers.skilled) for _ in range(5)]

    assert left == [None] * 9
    assert None not in answered


@on_sqlite
@pytest.mark.usefixtures("known")
async def test_behind_a_proxy_it_is_the_client_who_is_counted(
    settings: Settings, clock: ManualClock, callers: Callers
) -> None:
    limited = settings.model_copy(update={"requests_per_minute": 1, "trusted_proxies": "10.0.0.0/8"})
    async with quiet_app(limited, clock) as app:
        tokens = tokens_of(callers, 3)
        asked = [
            ask_at_once(app, SHARE, token, {"x-forwarded-for": client}, client=("10.0.0.1", 1))
            for token, client in zip(tokens, ("192.0.2.1", "192.0.2.2", "192.0.2.1"), strict=True)
        ]

    assert [found is not None for found in asked] == [True, True, False]
