"""The doors of compiled operations: whoever is refused by the executor is refused before a statement runs."""

from collections.abc import AsyncIterator, Callable

import pytest

from app.settings import Settings
from tests.callers import Api, Callers
from tests.compiler.both import Both
from tests.compiler.operations import Operation
from tests.counting import Statements
from tests.factories import ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio

OPERATIONS = [
    Operation(document, {})
    for document in (
        '{ share(id: "1") { id industry { tag } } }',
        '{ shareByTag(tag: "BUD") { id } }',
        "{ shares { id } }",
        '{ industry(id: "1") { id shares { id } } }',
        '{ industryByTag(tag: "drinks") { id } }',
        "{ industries { id } }",
        "{ industriesConnection { totalCount } }",
        "{ sharesConnection { pageInfo { endCursor } aggregates { averagePrice } } }",
        '{ node(id: "SW5kdXN0cnk6MQ==") { globalId } }',
        '{ node(id: "VHJhZGVyOjE=") { globalId } }',
        '{ node(id: "nobody") { globalId } }',
        "{ __typename }",
        "{ service { version } shares { id } }",
    )
]

CALLERS: dict[str, Callable[[Callers], str | None]] = {
    "a stranger": lambda _: None,
    "a liar": lambda callers: callers.skilled[:-4] + "AAAA",
    "a newcomer": lambda callers: callers.newcomer,
    "a skilled trader": lambda callers: callers.skilled,
    "a manager": lambda callers: callers.manager,
    "an administrator": lambda callers: callers.administrator,
    "one with a refresh token": lambda callers: callers.refresh(),
}


@pytest.fixture
async def both(settings: Settings, clock: ManualClock) -> AsyncIterator[Both]:
    # An answer that is given again would show nothing of how it is read.
    settings = settings.model_copy(update={"response_cache_bytes": 0})
    async with quiet_app(settings, clock) as compiling, quiet_app(settings, clock) as executing:
        async with compiling.state.services.database.unit_of_work() as session:
            await make_share(session, await make_industry(session, tag="drinks"), tag="BUD")
        yield Both(compiling, executing, clock)


@pytest.mark.parametrize("caller", CALLERS)
async def test_each_caller_gets_the_same_answer_either_way(both: Both, clock: ManualClock, caller: str) -> None:
    token = CALLERS[caller](Callers(both.services, clock))

    for operation in OPERATIONS:
        compiled, executed, _ = await both.ask(operation, token)

        assert (compiled.status, compiled.body) == (executed.status, executed.body)


async def test_an_answer_has_the_same_headers_either_way(both: Both, clock: ManualClock) -> None:
    compiled, executed, was_compiled = await both.ask(OPERATIONS[0], Callers(both.services, clock).skilled)

    assert was_compiled
    for answer in (compiled, executed):
        for differing in ("x-ms-request-id", "server-timing"):
            del answer.headers[differing]
    assert compiled.headers == executed.headers


async def test_who_is_refused_has_nothing_read_for_him(both: Both, clock: ManualClock) -> None:
    await both.ask(OPERATIONS[0], Callers(both.services, clock).skilled)

    with Statements(both.services.database) as statements:
        answer, _, was_compiled = await both.ask(OPERATIONS[0], Callers(both.services, clock).newcomer)

    assert answer.codes == ["FORBIDDEN"]
    assert not was_compiled
    # One by the skilled trader, with whom the document is made known.
    assert len(statements) == 1


async def test_a_token_that_was_taken_before_is_refused_once_it_has_expired(
    both: Both, clock: ManualClock
) -> None:
    token = Callers(both.services, clock).skilled
    before, _, was_compiled = await both.ask(OPERATIONS[0], token)
    clock.now += both.services.identity.access_lifetime

    after, executed, _ = await both.ask(OPERATIONS[0], token)

    assert was_compiled
    assert before.errors == []
    assert after.codes == executed.codes == ["TOKEN_EXPIRED"]
    assert after.headers["token-expired"] == "true"


async def test_a_token_that_was_taken_before_is_refused_once_its_permit_is_revoked(
    both: Both, clock: ManualClock
) -> None:
    callers = Callers(both.services, clock, permit_id="a-permit-to-revoke")
    before, _, _ = await both.ask(OPERATIONS[0], callers.skilled)
    both.services.revocations.end_permit(
        "a-permit-to-revoke", until=clock.now + both.services.identity.access_lifetime
    )

    after, _, _ = await both.ask(OPERATIONS[0], callers.skilled)

    assert before.errors == []
    assert after.codes == ["UNAUTHENTICATED"]


async def test_an_acknowledged_write_is_in_the_next_answer(api: Api, callers: Callers, app: object) -> None:
    create = "mutation ($input: IndustryUpsertInput!) { industryUpsert(input: $input) { industry { id name } } }"
    read = '{ industryByTag(tag: "drinks") { name } }'

    names = []
    for number in range(20):
        id_of = {} if number == 0 else {"id": "1"}
        await api(create, {"input": {"tag": "drinks", "name": f"{number}"} | id_of}, token=callers.manager)
        names.append((await api(read, token=callers.skilled)).data["industryByTag"]["name"])

    assert names == [f"{number}" for number in range(20)]
