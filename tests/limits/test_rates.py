"""How often may be asked: by address and by trader, whichever way a request comes, and whatever it claims."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from app.graph.measuring import DocumentLimits
from app.main import make_schema
from app.settings import Settings
from app.web.operations import read_operation
from app.web.rates import RateLimited, RateLimits, Rates, source
from tests.callers import Callers
from tests.factories import PASSWORD, ManualClock
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio

READ = "{ shares { id } }"


@asynccontextmanager
async def client_at(app: Starlette, address: str) -> AsyncIterator[Callable[..., Any]]:
    """Sends documents from an address."""
    transport = httpx.ASGITransport(app, client=(address, 50_000))
    async with httpx.AsyncClient(transport=transport, base_url="http://shares.test") as http:

        async def send(document: str, token: str | None = None, **headers: str) -> httpx.Response:
            if token is not None:
                headers["Authorization"] = f"Bearer {token}"
            return await http.post("/graphql", json={"query": document}, headers=headers)

        yield send


@pytest.fixture
def serve(settings: Settings, clock: ManualClock) -> Callable[..., AbstractAsyncContextManager[Starlette]]:
    """Serves with changed settings."""
    return lambda **changed: quiet_app(settings.model_copy(update=changed), clock)


def log_ins(many: int, email: str = "nobody@example.com") -> str:
    fields = (
        f'a{number}: permitLogIn(input: {{email: "{email}", password: "{PASSWORD}"}}) {{ errors {{ code }} }}'
        for number in range(many)
    )
    return f"mutation {{ {' '.join(fields)} }}"


async def test_an_address_that_asks_too_often_is_told_when_to_come_again(serve: Any, clock: ManualClock) -> None:
    async with serve(requests_per_minute=3) as app, client_at(app, "192.0.2.1") as send:
        statuses = [(await send("{ service { version } }")).status_code for _ in range(3)]
        refused = await send("{ service { version } }")

    (error,) = refused.json()["errors"]
    assert statuses == [200] * 3
    assert (refused.status_code, error["extensions"]["code"]) == (429, "RATE_LIMITED")
    assert 1 <= error["extensions"]["retryAfterSeconds"] <= 60
    assert refused.headers["retry-after"] == str(error["extensions"]["retryAfterSeconds"])


async def test_compiled_reads_count_as_well(serve: Any, clock: ManualClock) -> None:
    async with serve(requests_per_minute=3) as app, client_at(app, "192.0.2.1") as send:
        token = Callers(app.state.services, clock).skilled

        statuses = [(await send(READ, token)).status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]


async def test_one_address_does_not_use_up_what_another_may_ask(serve: Any) -> None:
    async with (
        serve(requests_per_minute=1) as app,
        client_at(app, "192.0.2.1") as one,
        client_at(app, "192.0.2.2") as another,
    ):
        statuses = [(await send("{ __typename }")).status_code for send in (one, one, another)]

    assert statuses == [200, 429, 200]


async def test_a_trader_is_counted_from_wherever_he_asks(serve: Any, clock: ManualClock) -> None:
    async with serve(requests_per_minute=2) as app:
        token = Callers(app.state.services, clock).skilled
        statuses = []
        for number in range(3):
            async with client_at(app, f"192.0.2.{number}") as send:
                statuses.append((await send(READ, token)).status_code)

    assert statuses == [200, 200, 429]


async def test_what_a_client_says_of_its_address_changes_nothing(serve: Any) -> None:
    async with serve(requests_per_minute=2) as app, client_at(app, "192.0.2.1") as send:
        statuses = [
            (
                await send(
                    "{ __typename }", **{"X-Forwarded-For": f"198.51.100.{n}", "Forwarded": f"for=10.0.0.{n}"}
                )
            )
            for n in range(4)
        ]

    assert [answer.status_code for answer in statuses] == [200, 200, 429, 429]


@pytest.mark.parametrize("together", [1, 6])
async def test_log_ins_are_counted_field_by_field(serve: Any, together: int) -> None:
    async with serve(log_ins_per_minute=12) as app, client_at(app, "192.0.2.1") as send:
        statuses = [(await send(log_ins(together))).status_code for _ in range(12 // together + 1)]

    assert statuses == [200] * (12 // together) + [429]


async def test_a_password_sprayed_over_many_accounts_is_throttled(serve: Any) -> None:
    async with serve(log_ins_per_minute=5) as app, client_at(app, "192.0.2.1") as send:
        statuses = [(await send(log_ins(1, f"trader{n}@example.com"))).status_code for n in range(7)]

    assert statuses == [200] * 5 + [429] * 2


async def test_codes_are_counted_by_themselves(serve: Any) -> None:
    ask = 'mutation { permitRequestCode(input: {email: "a@example.com"}) { errors { code } } }'

    async with serve(codes_per_minute=2) as app, client_at(app, "192.0.2.1") as send:
        answers = [await send(ask) for _ in range(3)]
        log_in = await send(log_ins(1))

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert log_in.status_code == 200


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_stands_for_itself(address: Any) -> None:
    assert source(str(address)) == str(address) == source(f"::ffff:{address}")


@given(st.ip_addresses(v=6, network="2001:db8::/64"))
def test_all_addresses_of_an_ipv6_network_are_one_client(address: Any) -> None:
    assert source(str(address)) == "2001:db8::/64"


def connection(address: str) -> HTTPConnection:
    return HTTPConnection({"type": "http", "headers": [], "client": (address, 1)})


async def test_processes_share_what_they_count_of_secrets_in_redis(redis_url: str) -> None:
    limits = RateLimits(requests=0, log_ins=3, codes=0)
    one, another = Rates(limits, redis_url), Rates(limits, redis_url)
    schema = make_schema()

    operation = read_operation(log_ins(1), None, schema.documents, DocumentLimits())
    # Of a network that no other run of the tests has used in the last minute.
    here = connection(f"198.51.100.{id(one) % 251}-{id(another)}")

    for rates in (one, another, one):
        await rates.take_operation(here, operation, schema)
    with pytest.raises(RateLimited):
        await another.take_operation(here, operation, schema)
    await one.close()
    await another.close()


async def test_without_an_answer_from_redis_each_process_counts_for_itself() -> None:
    rates = Rates(RateLimits(requests=0, log_ins=2, codes=0), "redis://127.0.0.1:1/0")
    schema = make_schema()

    operation = read_operation(log_ins(1), None, schema.documents, DocumentLimits())

    for _ in range(2):
        await rates.take_operation(connection("192.0.2.1"), operation, schema)
    with pytest.raises(RateLimited):
        await rates.take_operation(connection("192.0.2.1"), operation, schema)
    await rates.close()
