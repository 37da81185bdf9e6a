"""Whatever comes, the answer is one of ours: never a status of 500, an unmasked error, or a word from inside.

Five hundred requests; ten thousand with TESTS_LONG.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from graphql.language import ast
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import mutations, nodes, queries

from app.main import make_schema
from app.settings import Settings
from tests.callers import Callers
from tests.factories import ManualClock, make_share
from tests.graph.conftest import quiet_app
from tests.promises import CODES, INTERNAL

EXAMPLES = 2_000 if os.environ.get("TESTS_LONG") else 100

SDL = make_schema().sdl
SCALARS: dict[str, st.SearchStrategy[ast.ValueNode]] = {
    "Decimal": st.decimals(-1000, 10**6, places=4).map(str).map(nodes.String)
    | st.text(max_size=10).map(nodes.String),
    "DateTime": st.datetimes().map(lambda at: nodes.String(at.isoformat() + "Z")),
    "Date": st.dates().map(lambda day: nodes.String(day.isoformat())),
}
BODIES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
        max_leaves=5,
    ).map(lambda value: repr(value).encode("utf-8", "surrogatepass")),
)
NAMES = st.sampled_from(["query", "variables", "operationName", "extensions", "documentId", "more"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=6,
)

Send = Callable[..., httpx.Response]


@pytest.fixture
def send(settings: Settings, clock: ManualClock) -> Iterator[Send]:
    """Sends to one server for all the examples of a test, as a manager, and looks at the answer."""
    seen: Counter[str] = Counter()

    async def open_all(opened: Any) -> tuple[httpx.AsyncClient, str]:
        app = await opened.__aenter__()
        async with app.state.services.database.unit_of_work() as session:
            await make_share(session, tag="BUD")
        http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://shares.test"
        )
        return http, Callers(app.state.services, clock).manager

    with asyncio.Runner() as runner:
        opened = quiet_app(settings, clock)
        http, token = runner.run(open_all(opened))

        def sending(**request: Any) -> httpx.Response:
            headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
            response = runner.run(http.post("/graphql", headers=headers, **request))
            body = response.json()
            told = {error["extensions"]["code"] for error in body.get("errors", ())}
            assert response.status_code < 500
            assert told <= CODES - {"INTERNAL_ERROR"}
            assert not INTERNAL.search("".join(error["message"] for error in body.get("errors", ())))
            assert told or "data" in body
            seen.update(told or {"answered"})
            return response

        yield sending
        runner.run(http.aclose())
        runner.run(opened.__aexit__(None, None, None))
    assert seen


relaxed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))


def test_any_query_of_the_schema_is_answered_or_refused_in_words(send: Send) -> None:
    @relaxed
    @given(queries(SDL, custom_scalars=SCALARS, allow_x00=True, allow_null=True))
    def ask(document: str) -> None:
        send(json={"query": document})

    ask()


def test_any_mutation_of_the_schema_is_answered_or_refused_in_words(send: Send) -> None:
    @relaxed
    @given(mutations(SDL, custom_scalars=SCALARS, allow_x00=True, allow_null=True))
    def ask(document: str) -> None:
        send(json={"query": document})

    ask()


def test_any_bytes_are_refused_in_words(send: Send) -> None:
    @relaxed
    @given(BODIES)
    def ask(body: bytes) -> None:
        send(content=body)

    ask()


def test_any_parameters_are_answered_or_refused_in_words(send: Send) -> None:
    @relaxed
    @given(st.dictionaries(NAMES, ANYTHING, max_size=5))
    def ask(parameters: dict[str, Any]) -> None:
        send(json=parameters)

    ask()


def test_any_variables_are_taken_or_refused_in_words(send: Send) -> None:
    document = (
        "query ($id: ID!, $filter: ShareFilter, $order: [ShareOrder!], $limit: Int!) "
        "{ share(id: $id) { tag } shares(filter: $filter, orderBy: $order, limit: $limit) { id } }"
    )
    names = st.sampled_from(["id", "filter", "order", "limit"])

    @relaxed
    @given(st.dictionaries(names, ANYTHING))
    def ask(variables: dict[str, Any]) -> None:
        send(json={"query": document, "variables": variables})

    ask()
