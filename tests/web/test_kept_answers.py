"""Answers that are given again: never an old one, and to nobody whom they are not for."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.applications import Starlette

from app.database import Database
from app.graph.documents import OperationName
from app.settings import Settings
from app.web.kept_answers import LARGEST_SHARE, MOST_SEEN, Generations, KeptAnswer, KeptAnswers
from tests.callers import Answer, Api, Callers
from tests.compiler.operations import Operation, operations, plausible_cursors
from tests.counting import Statements
from tests.factories import ROOMY, ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app
from tests.processes import command

pytestmark = pytest.mark.anyio

on_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")

SHARES = "{ shares { tag price version } }"
INDUSTRIES = "{ industries { name } }"
SHARES_WITH_INDUSTRIES = "{ shares { tag industry { name } } }"

REPRICE = "mutation ($id: ID!, $price: Decimal!) { shareUpdate(input: {id: $id, price: $price}) { outcome } }"
RENAME = """
mutation ($id: ID!, $name: String!) { industryUpsert(input: {id: $id, tag: "tech", name: $name}) { outcome } }
"""

TIMES_UNTIL_KEPT = 3
"""The first makes the document known, the second the request; the third's answer is kept."""


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as made:
        async with made.state.services.database.unit_of_work() as session:
            industry = await make_industry(session, tag="tech", name="Technology")
            await make_share(session, industry, tag="BUD", price="10.28")
            await make_share(session, industry, tag="LWP", price="15.2")
        yield made


@pytest.fixture
def kept_answers(app: Starlette) -> KeptAnswers:
    kept: KeptAnswers = app.state.kept_answers
    return kept


Keeps = Callable[[str], Awaitable[Answer]]


@pytest.fixture
def keep(api: Api, callers: Callers) -> Keeps:
    """Asks until the answer is kept, and gives it."""

    async def ask(document: str) -> Answer:
        for _ in range(TIMES_UNTIL_KEPT):
            answer = await api(document, token=callers.skilled)
        return answer

    return ask


@on_sqlite
async def test_what_is_asked_again_is_answered_alike_without_a_statement(
    api: Api, callers: Callers, keep: Keeps, statements: Statements
) -> None:
    before = await keep(SHARES)
    statements.clear()

    after = await api(SHARES, token=callers.skilled)

    assert statements == []
    assert (after.status, after.body) == (before.status, before.body)
    of_each = {"x-ms-request-id": "", "server-timing": ""}
    assert {**after.headers, **of_each} == {**before.headers, **of_each}


@on_sqlite
async def test_an_answer_that_is_given_again_has_an_id_of_its_own(api: Api, callers: Callers, keep: Keeps) -> None:
    before = await keep(SHARES)

    after = await api(SHARES, token=callers.skilled)

    assert before.headers["x-ms-request-id"] != after.headers["x-ms-request-id"]


@on_sqlite
async def test_it_is_counted_how_many_answers_were_there(
    api: Api, callers: Callers, keep: Keeps, kept_answers: KeptAnswers
) -> None:
    await keep(SHARES)
    await api(INDUSTRIES, token=callers.skilled)
    hits, misses = kept_answers.hits, kept_answers.misses

    for _ in range(5):
        await api(SHARES, token=callers.skilled)
    await api(INDUSTRIES, token=callers.skilled)

    assert (kept_answers.hits - hits, kept_answers.misses - misses) == (5, 1)


@on_sqlite
async def test_other_variables_have_another_answer(api: Api, callers: Callers, keep: Keeps) -> None:
    read = "query ($id: ID!) { share(id: $id) { tag } }"
    for _ in range(TIMES_UNTIL_KEPT):
        await api(read, {"id": "1"}, token=callers.skilled)

    answer = await api(read, {"id": "2"}, token=callers.skilled)

    assert answer.data == {"share": {"tag": "LWP"}}


WRITES: Mapping[str, tuple[str, str, dict[str, Any]]] = {
    "repriced": (SHARES, REPRICE, {"id": "1", "price": "11"}),
    "created": (
        SHARES,
        'mutation ($id: ID!) { shareCreate(input: {industryId: $id, tag: "WGL", price: "35"}) { outcome } }',
        {"id": "1"},
    ),
    "upserted": (
        SHARES,
        'mutation ($id: ID!) { shareUpsert(input: {industryId: $id, tag: "WGL", price: "35"}) { outcome } }',
        {"id": "1"},
    ),
    "deleted": (SHARES, "mutation ($id: ID!) { shareDelete(input: {id: $id}) { outcome } }", {"id": "1"}),
    "renamed": (INDUSTRIES, RENAME, {"id": "1", "name": "Tech"}),
    "renamed as a relation": (SHARES_WITH_INDUSTRIES, RENAME, {"id": "1", "name": "Tech"}),
    "repriced behind a list": (
        "{ industries { shares { price } } }",
        REPRICE,
        {"id": "1", "price": "11"},
    ),
}


@pytest.mark.parametrize("write", WRITES)
async def test_what_was_written_is_in_the_next_answer(api: Api, callers: Callers, keep: Keeps, write: str) -> None:
    read, mutation, variables = WRITES[write]
    before = await keep(read)

    written = await api(mutation, variables, token=callers.manager)
    after = await api(read, token=callers.skilled)
    again = await api(f"{read} ", token=callers.skilled)

    assert written.errors == []
    assert after.data != before.data
    assert after.data == again.data


@on_sqlite
async def test_a_write_of_what_is_not_in_an_answer_leaves_it(
    api: Api, callers: Callers, keep: Keeps, statements: Statements
) -> None:
    await keep(INDUSTRIES)
    await api(REPRICE, {"id": "1", "price": "11"}, token=callers.manager)
    statements.clear()

    await api(INDUSTRIES, token=callers.skilled)

    assert statements == []


@on_sqlite
async def test_a_write_that_was_undone_leaves_every_answer(
    api: Api, callers: Callers, keep: Keeps, app_database: Database, statements: Statements
) -> None:
    await keep(SHARES)
    with suppress(RuntimeError):
        async with app_database.unit_of_work() as session:
            await make_share(session)
            raise RuntimeError("something went wrong")
    statements.clear()

    await api(SHARES, token=callers.skilled)

    assert statements == []


@on_sqlite
async def test_what_another_process_has_written_is_in_the_next_answer(
    settings: Settings, clock: ManualClock
) -> None:
    async with quiet_app(settings, clock) as app, Api(app) as api:
        token = Callers(app.state.services, clock).skilled
        for _ in range(TIMES_UNTIL_KEPT):
            before = await api("{ shares { tag } }", token=token)

        done = await asyncio.to_thread(command, "seed", data_dir=settings.data_dir)
        after = await api("{ shares { tag } }", token=token)

    assert (done.status, before.data) == (0, {"shares": []})
    assert len(after.data["shares"]) == 6


@on_sqlite
async def test_what_is_written_while_an_answer_is_read_is_not_taken_for_read(
    api: Api, callers: Callers, app_database: Database, settings: Settings
) -> None:
    class WrittenMeanwhile(Statements):
        """Reads, and has somebody write before the answer goes out."""

        def read(self, *arguments: Any, **options: Any) -> Any:
            found = super().read(*arguments, **options)
            with sqlite3.connect(settings.data_dir / "shares.sqlite", isolation_level=None) as other:
                other.execute("UPDATE share SET version = version + 1")
            return found

    with WrittenMeanwhile(app_database):
        for _ in range(TIMES_UNTIL_KEPT):
            read = await api(SHARES, token=callers.skilled)

    after = await api(SHARES, token=callers.skilled)

    written = after.data["shares"][0]["version"]
    assert written == read.data["shares"][0]["version"] + 1


CALLERS: Mapping[str, tuple[Callable[[Callers], str | None], str]] = {
    "a stranger": (lambda _: None, "UNAUTHENTICATED"),
    "a newcomer": (lambda callers: callers.newcomer, "FORBIDDEN"),
    "a liar": (lambda callers: callers.skilled[:-4] + "AAAA", "UNAUTHENTICATED"),
    "one with a refresh token": (lambda callers: callers.refresh(), "UNAUTHENTICATED"),
    "one who is late": (lambda callers: callers.expired(), "TOKEN_EXPIRED"),
}


@pytest.mark.parametrize("caller", CALLERS)
async def test_an_answer_that_is_kept_is_for_those_alone_who_may_have_it(
    api: Api, callers: Callers, keep: Keeps, caller: str
) -> None:
    token, code = CALLERS[caller]
    await keep(SHARES)

    answer = await api(SHARES, token=token(callers))

    assert answer.codes == [code]
    assert not answer.data or answer.data == {"shares": None}


async def test_a_permit_that_is_revoked_gets_no_answer_that_is_kept(
    api: Api, app: Starlette, callers: Callers, keep: Keeps, clock: ManualClock
) -> None:
    await keep(SHARES)
    services = app.state.services
    services.revocations.end_permit(callers.permit_id, until=clock.now + services.identity.access_lifetime)

    answer = await api(SHARES, token=callers.skilled)

    assert answer.codes == ["UNAUTHENTICATED"]


async def test_answers_that_are_kept_count_as_requests(settings: Settings, clock: ManualClock) -> None:
    limited = settings.model_copy(update={"requests_per_minute": 5})
    async with quiet_app(limited, clock) as app:
        token = Callers(app.state.services, clock).skilled
        answers = []
        for number in range(6):
            # Each from an address of its own: it is the trader who asks too often.
            async with Api(app, address=f"192.0.2.{number}") as api:
                answers.append(await api("{ shares { tag } }", token=token))

    assert [answer.status for answer in answers] == [200] * 5 + [429]


async def test_nothing_is_kept_where_there_is_no_room(settings: Settings, clock: ManualClock) -> None:
    async with quiet_app(settings.model_copy(update={"response_cache_bytes": 0}), clock) as app, Api(app) as api:
        token = Callers(app.state.services, clock).skilled
        for _ in range(TIMES_UNTIL_KEPT):
            await api("{ shares { tag } }", token=token)
        with Statements(app.state.services.database) as statements:
            await api("{ shares { tag } }", token=token)

    assert app.state.kept_answers is None
    assert len(statements) == 1


@on_sqlite
@pytest.mark.parametrize("field", ["share", "industry"])
async def test_an_answer_with_an_error_is_not_kept(
    api: Api, callers: Callers, keep: Keeps, kept_answers: KeptAnswers, field: str
) -> None:
    answer = await keep(f'{{ {field}(id: "99") {{ id }} }}')

    assert answer.codes == [f"INVALID_{field.upper()}"]
    assert len(kept_answers) == 0


async def test_no_reader_sees_less_than_was_acknowledged_before_it_asked(
    api: Api, callers: Callers, app_database: Database, kept_answers: KeptAnswers
) -> None:
    reader, manager = callers.skilled, callers.manager
    acknowledged = {"1": 1, "2": 1}
    behind: list[tuple[dict[str, int], dict[str, int]]] = []
    is_over = False

    async def write(share: str) -> None:
        for number in range(1, 26):
            answer = await api(REPRICE, {"id": share, "price": f"{number}.5"}, token=manager)
            assert answer.errors == []
            acknowledged[share] += 1

    async def read(document: str) -> int:
        times = 0
        while not is_over:
            known = dict(acknowledged)
            answer = await api(document, token=reader)
            seen = {share["id"]: share["version"] for share in answer.data["shares"]}
            if any(seen[share] < version for share, version in known.items()):
                behind.append((known, seen))
            times += 1
            await asyncio.sleep(0)
        return times

    # One that is read at once, and one that is read in a thread.
    readers = [
        asyncio.create_task(read(document))
        for document in (
            "{ shares(limit: 2) { id version } }",
            "{ shares(orderBy: [{field: TAG}]) { id version } }",
        )
        for _ in range(2)
    ]
    await asyncio.gather(*map(write, acknowledged))
    is_over = True
    times = sum(await asyncio.gather(*readers))

    assert times > len(acknowledged)
    assert acknowledged == {"1": 26, "2": 26}
    assert behind == []
    assert kept_answers.hits > 0 or app_database.dialect_name != "sqlite"


STEPS = st.one_of(
    st.tuples(st.just("reprice"), st.sampled_from(["1", "2"]), st.sampled_from(["1.5", "2.5", "3.5"])),
    st.tuples(st.just("rename"), st.just("1"), st.sampled_from(["A", "B", "C"])),
    st.tuples(st.just("ask"), st.integers(0, 2), st.integers(1, 4)),
)

# Whatever was written before, who asks this often and nobody writes gets the last answer again.
UNTIL_GIVEN_AGAIN = [("ask", which, TIMES_UNTIL_KEPT + 1) for which in range(3)]


@on_sqlite
def test_answers_are_the_same_with_room_for_them_as_without(settings: Settings, clock: ManualClock) -> None:
    roomy = settings.model_copy(update=ROOMY)
    cursors = plausible_cursors()
    examples_run = 0

    async def fill(app: Starlette) -> None:
        async with app.state.services.database.unit_of_work() as session:
            industry = await make_industry(session, tag="tech", name="A")
            await make_share(session, industry, tag="BUD", price="1.5")
            await make_share(session, industry, tag="LWP", price="1.5")

    async def agree(keeping: Starlette, reading: Starlette, asked: list[Operation], steps: list[Any]) -> None:
        callers = Callers(keeping.state.services, clock)
        async with Api(keeping) as kept, Api(reading) as anew:
            for what, which, how in steps:
                if what == "reprice":
                    await anew(REPRICE, {"id": which, "price": how}, token=callers.manager)
                elif what == "rename":
                    await kept(RENAME, {"id": which, "name": how}, token=callers.manager)
                else:
                    operation = asked[which]
                    for _ in range(how):
                        given_again = await kept(operation.document, operation.variables, token=callers.skilled)
                        read = await anew(operation.document, operation.variables, token=callers.skilled)
                        assert (given_again.status, given_again.data) == (read.status, read.data)
                        assert sorted(given_again.errors, key=str) == sorted(read.errors, key=str)

    with asyncio.Runner() as runner:
        apps = [quiet_app(roomy, clock), quiet_app(roomy.model_copy(update={"response_cache_bytes": 0}), clock)]
        keeping, reading = (runner.run(app.__aenter__()) for app in apps)
        runner.run(fill(keeping))

        @examples(max_examples=60, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
        @given(st.lists(operations(cursors), min_size=2, max_size=2), st.lists(STEPS, min_size=4, max_size=20))
        def hold(asked: list[Operation], steps: list[Any]) -> None:
            nonlocal examples_run
            examples_run += 1
            # Of those made up, many are refused, and a refusal is not kept.
            sure = Operation(SHARES_WITH_INDUSTRIES, {})
            runner.run(agree(keeping, reading, [*asked, sure], [*steps, *UNTIL_GIVEN_AGAIN]))

        hold()
        hits = keeping.state.kept_answers.hits
        for app in apps:
            runner.run(app.__aexit__(None, None, None))

    assert hits >= examples_run > 0


def entry(size: int, generations: Generations) -> KeptAnswer:
    return KeptAnswer(b" " * size, (), frozenset({"share"}), generations, OperationName("query"))


def test_a_flood_of_different_requests_drives_nothing_out() -> None:
    counted = {"share": 1}
    answers = KeptAnswers(lambda: counted, most_bytes=100_000)
    answers.keep(("1.0", b"usual"), entry(10, counted))

    kept = [answers.before_reading(("1.0", b"%d" % number)) for number in range(3 * MOST_SEEN)]

    assert set(kept) == {None}
    assert answers.find(("1.0", b"usual")) is not None


def test_what_comes_again_is_to_be_kept() -> None:
    counted = {"share": 1}
    answers = KeptAnswers(lambda: counted, most_bytes=100_000)

    kept = [answers.before_reading(("1.0", b"usual")) for _ in range(2)]

    assert kept == [None, counted]


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 3_000))))
def test_all_that_is_kept_stays_within_its_room(puts: list[tuple[int, int]]) -> None:
    counted = {"share": 1}
    answers = KeptAnswers(lambda: counted, most_bytes=20_000)

    for number, size in puts:
        answers.keep(("1.0", b"%d" % number), entry(size, counted))

        assert answers.weight <= 20_000


def test_what_would_fill_much_of_the_room_is_not_kept() -> None:
    counted = {"share": 1}
    answers = KeptAnswers(lambda: counted, most_bytes=100_000)

    answers.keep(("1.0", b"all"), entry(100_000 // LARGEST_SHARE, counted))

    assert len(answers) == 0


def test_what_was_read_from_a_table_that_nobody_counts_is_not_kept() -> None:
    counted = {"industry": 1}
    answers = KeptAnswers(lambda: counted, most_bytes=100_000)

    answers.keep(("1.0", b"all"), entry(10, counted))

    assert len(answers) == 0


@pytest.mark.parametrize(
    ("now", "holds"),
    [
        ({"share": 1, "industry": 1}, True),
        ({"share": 1, "industry": 2}, True),
        ({"share": 2, "industry": 1}, False),
        ({"industry": 1}, False),
        (None, False),
    ],
)
def test_an_answer_holds_as_long_as_its_tables_are_not_written(
    now: Generations | None,
    holds: bool,  # noqa: FBT001 - a column of the table
) -> None:
    answers = KeptAnswers(lambda: now, most_bytes=100_000)
    answers.keep(("1.0", b"all"), entry(10, {"share": 1, "industry": 1}))

    found = [answers.find(("1.0", b"all")) is not None for _ in range(2)]

    assert found == [holds, holds]


def test_versions_of_the_api_share_no_answers() -> None:
    counted = {"share": 1}
    answers = KeptAnswers(lambda: counted, most_bytes=100_000)

    answers.keep(("1.0", b"all"), entry(10, counted))

    assert answers.find(("2.0", b"all")) is None
