"""How large an operation may be, and what it may cost: each limit has its default, its setting and its words."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from graphql import OperationDefinitionNode, get_introspection_query, parse
from hypothesis import given
from hypothesis import strategies as st

from app.graph.measuring import Costs, size_of
from app.main import make_schema
from app.settings import Settings
from tests.callers import Answer, Api, Callers
from tests.counting import Statements
from tests.factories import ManualClock
from tests.graph.conftest import quiet_app

pytestmark = pytest.mark.anyio

Serve = Callable[..., AbstractAsyncContextManager[Any]]


def doubled(levels: int, below: str = "__typename") -> str:
    """A document whose fragments multiply to two to the power of the levels."""
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return " ".join(["{ ...F0 }", *fragments, f"fragment F{levels} on Query {{ {below} }}"])


def nested(levels: int) -> str:
    """A document with fields nested so deep; the innermost is a scalar."""
    inner = "id"
    for level in reversed(range(levels - 1)):
        inner = f"{('industry', 'shares')[level % 2] if level else 'industries'} {{ {inner} }}"
    return f"{{ {inner} }}"


# One that is let through, and one that is a little larger.
AT_THE_LIMIT: dict[str, Any] = {
    "max_document_characters": ("limit-characters", *(f"{{ __typename{' ' * n} }}" for n in (186, 187)), 200),
    "max_document_tokens": ("limit-tokens", *("{ " + "__typename " * n + "}" for n in (18, 19)), 20),
    "max_document_operations": (
        "limit-operations",
        *(f"{{ __typename }} {more}" for more in ("", "query B { __typename }")),
        1,
    ),
    "max_depth": ("limit-depth", nested(3), nested(4), 3),
    "max_fields": ("limit-fields", "{ a: __typename }", doubled(1), 1),
    "max_root_fields": (
        *("limit-root-fields", "{ service { time version } }", "{ __typename ...on Query{__typename} }", 1),
    ),
    "max_aliases": ("limit-aliases", "{ a: __typename }", "{ a: __typename b: __typename }", 1),
    "max_directives": (
        "limit-directives",
        "{ __typename @skip(if: false) }",
        "{ __typename @skip(if: false) ...on Query @include(if: true) { __typename } }",
        1,
    ),
    "max_cost": ("COST_EXCEEDED", "{ shares(limit: 7) { id } }", "{ shares(limit: 8) { id } }", 7),
}  # fmt: skip


@pytest.fixture
def serve(settings: Settings, clock: ManualClock) -> Serve:
    """Serves with a changed setting."""

    @asynccontextmanager
    async def serving(**changed: int) -> AsyncIterator[Any]:
        async with quiet_app(settings.model_copy(update=changed), clock) as app, Api(app) as api:
            callers = Callers(app.state.services, clock)

            async def ask(document: str, **options: Any) -> Answer:
                return await api(document, token=callers.skilled, **options)

            yield ask, Statements(app.state.services.database)

    return serving


@pytest.mark.parametrize("setting", AT_THE_LIMIT)
async def test_what_is_as_large_as_a_setting_says_is_taken_and_what_is_larger_is_not(
    serve: Serve, setting: str
) -> None:
    phrase, taken, refused, most = AT_THE_LIMIT[setting]

    async with serve(**{setting: most}) as (ask, statements):
        with statements:
            refusal = await ask(refused, headers={"accept": "application/graphql-response+json"})
            assert statements == []
        answer = await ask(taken)

    assert (answer.status, answer.codes) == (200, [])
    assert (refusal.status, refusal.codes, "data" in refusal.body) == (400, ["COST_EXCEEDED"], False)
    # Between the words stand what was found and what is allowed.
    assert f"{most:,}" in refusal.errors[0]["message"], phrase


@pytest.mark.parametrize(
    "document",
    [
        doubled(30),
        doubled(64, "service { time }"),
        "{ " + " ".join(f"a{n}: service {{ time }}" for n in range(101)) + " }",
        "{ " + "service { time } " * 200 + "}",
        "{ service " + "@skip(if: false) " * 150 + "{ time } }",
        nested(20),
        "{ __schema { types { " + "fields { type { " * 4 + "name" + " } }" * 4 + " } } }",
        "{ a: shares(limit: 500) { industry { shares(limit: 500) { id } } } }",
    ],
    ids=[
        *("thirty doubled levels", "sixty-four doubled levels", "101 aliases", "200 repeats", "150 directives"),
        *("twenty levels", "introspection from type to type", "a list in a list"),
    ],
)
async def test_an_operation_that_multiplies_is_refused_before_a_resolver_runs(serve: Serve, document: str) -> None:
    async with serve() as (ask, statements):
        with statements:
            answer = await ask(document)

    assert answer.codes == ["COST_EXCEEDED"]
    assert statements == []


async def test_the_standard_introspection_is_taken(serve: Serve) -> None:
    async with serve() as (ask, _):
        answer = await ask(get_introspection_query())

    assert answer.codes == []


async def test_a_client_that_asks_is_told_what_its_operation_costs(serve: Serve) -> None:
    document = "query ($n: Int!) { industries(limit: $n) { shares(limit: 10) { industry { tag } } } }"

    async with serve() as (ask, _):
        told = []
        for _ in range(2):
            answer = await ask(document, variables={"n": 5}, extensions={"cost": True})
            told.append(answer.body["extensions"])

    # Five industries, each with ten shares, each with its industry.
    assert told == [{"cost": {"requested": 5 * (1 + 10 * (1 + 1)), "allowed": 50_000}}] * 2


@pytest.mark.parametrize("limit", [-1, 10**6, 2**31 - 1])
async def test_a_limit_out_of_range_is_refused_whatever_it_would_cost(serve: Serve, limit: int) -> None:
    async with serve() as (ask, _):
        answers = [
            await ask("query ($n: Int!) { shares(limit: $n) { id } }", variables={"n": limit}) for _ in range(2)
        ]

    assert {code for answer in answers for code in answer.codes} <= {"COST_EXCEEDED", "INVALID_INPUT"}
    assert all(answer.codes for answer in answers)


@given(st.integers(0, 500), st.integers(0, 500))
def test_a_list_costs_its_length_times_what_is_below(outer: int, inner: int) -> None:
    schema = make_schema().graphql
    document = parse("query ($a: Int!, $b: Int!) { industries(limit: $a) { id shares(limit: $b) { id } } }")
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))

    assert Costs(schema, document, operation).of({"a": outer, "b": inner}) == outer * (1 + inner)


def test_costs_that_are_printed_add_up() -> None:
    document = parse(
        'mutation { industryDelete(input: {id: "1"}) { outcome } permitLogOut(input: {}) { outcome } }'
    )
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    schema = make_schema().graphql

    # Each writes, which prints @cost(weight: "10.0"), and each payload is an object.
    assert Costs(schema, document, operation).of(None) == 2 * (10 + 1)


def test_a_document_is_measured_in_time_by_its_length() -> None:
    document = parse(doubled(60))
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))

    assert size_of(document, operation).fields == 2**60


async def test_an_input_of_one_field_that_is_written_with_none_is_refused_as_input(serve: Serve) -> None:
    async with serve() as (ask, _):
        answer = await ask("mutation { permitRevoke(input: {permitId: null}) { revokedCount } }")

    assert answer.codes == ["INVALID_INPUT"]
