"""What is short: how many rows an operation may give is counted before it runs, by its variables too."""

import pytest
from graphql import parse
from hypothesis import given
from hypothesis import strategies as st

from app.compiler.texts import MANY_ROWS
from app.graph.compiled import compile_read
from app.graph.documents import Document
from app.main import make_schema

LENGTHS = st.integers(0, 2 * MANY_ROWS)


def is_short(document: str, variables: dict[str, object] | None = None) -> bool:
    schema, parsed = make_schema(), Document(document, parse(document))
    compiled = compile_read(schema.graphql, parsed, parsed.operations[0], schema.shelves, "sqlite")
    _, _, found = compiled.operation.statement_for(variables)
    return found


@given(LENGTHS, LENGTHS, st.integers(1, 2 * MANY_ROWS))
def test_a_length_counts_alike_as_a_variable_and_as_itself(industries: int, shares: int, first: int) -> None:
    asked = (
        "{ industries(limit: %s) { tag shares(limit: %s) { tag } industry: sharesConnection(first: %s) "
        "{ nodes { id } edges { node { id } } } } one: share(id: 1) { id } }"
    )
    by_themselves = is_short(asked % (industries, shares, first))

    by_variables = is_short(
        f"query ($a: Int, $b: Int = 100, $c: Int) {asked % ('$a', '$b', '$c')}",
        {"a": industries, "b": shares, "c": first},
    )

    rows = industries * (1 + shares + 2 * first) + 1
    assert by_variables == by_themselves == (rows <= MANY_ROWS)


@pytest.mark.parametrize(
    ("document", "variables", "expected"),
    [
        ("query ($n: Int) { shares(limit: $n) { id } }", {"n": MANY_ROWS}, True),
        ("query ($n: Int) { shares(limit: $n) { id } }", {"n": MANY_ROWS + 1}, False),
        ("query ($n: Int = 3) { shares(limit: $n) { id } }", {}, True),
        ("query ($n: Int) { shares(limit: $n, orderBy: [{field: TAG}]) { id } }", {"n": 1}, False),
        ("query ($n: Int) { sharesConnection(first: $n) { totalCount nodes { id } } }", {"n": 1}, False),
        ("query ($n: Int) { shares(limit: 1, offset: $n) { id } }", {"n": 1}, False),
    ],
)
def test_few_rows_that_an_index_finds_are_short(
    document: str,
    variables: dict[str, object],
    expected: bool,  # noqa: FBT001 - a column of the table
) -> None:
    assert is_short(document, variables) == expected
