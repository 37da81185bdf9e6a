"""From a document to the one operation that is asked for, and whether it does without a token."""

import pytest
from graphql import OperationType

from app.graph.documents import Documents
from app.graph.errors import BadRequest
from app.graph.measuring import DocumentLimits
from app.graph.schema import SecuredSchema
from app.main import VERSION
from app.web.operations import opens_without_token, read_operation

SCHEMA = SecuredSchema(VERSION).graphql
OUT = 'permitLogOut(input: {refreshToken: "x"}) { revokedCount }'
DELETE = 'shareDelete(input: {id: "1"}) { outcome }'


@pytest.mark.parametrize(
    ("text", "name", "phrase"),
    [
        (None, None, "request-no-document"),
        ("", None, "request-no-document"),
        ("{", None, "request-syntax"),
        ("# nothing", None, "request-syntax"),
        ("{" * 900, None, "request-syntax"),
        ("fragment A on Query { a }", None, "request-no-operation"),
        ("query A { a } query B { a }", None, "request-several-operations"),
        ("query A { a } query B { a }", "C", "request-unknown-operation"),
        ("{ a }", "A", "request-unknown-operation"),
    ],
)
def test_a_document_that_names_no_operation_is_refused(text: str | None, name: str | None, phrase: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        read_operation(text, name, Documents(), DocumentLimits())

    assert refusal.value.phrase == phrase


def test_a_syntax_error_is_said_with_its_place() -> None:
    with pytest.raises(BadRequest) as refusal:
        read_operation("{\n  shares(limit: ) { id }\n}", None, Documents(), DocumentLimits())

    assert refusal.value.params == {"line": 2, "column": 17}


def test_a_document_that_fills_the_stack_is_refused() -> None:
    nested = "{ a(b: " + "[" * 400 + "]" * 400 + ") }"

    with pytest.raises(BadRequest):
        read_operation(nested, None, Documents(), DocumentLimits())


@pytest.mark.parametrize(
    ("text", "name", "chosen"),
    [
        ("{ a }", None, OperationType.QUERY),
        ("query A { a } mutation B { a }", "A", OperationType.QUERY),
        ("query A { a } mutation B { a }", "B", OperationType.MUTATION),
        ("mutation A { a }", "", OperationType.MUTATION),
        ("subscription { a }", None, OperationType.SUBSCRIPTION),
    ],
)
def test_an_operation_is_chosen_by_its_name(text: str, name: str | None, chosen: OperationType) -> None:
    assert read_operation(text, name, Documents(), DocumentLimits()).node.operation is chosen


@pytest.mark.parametrize(
    ("text", "opens"),
    [
        (f"mutation {{ {OUT} }}", True),
        (f"mutation {{ a: {OUT} b: {OUT} }}", True),
        (f"mutation {{ __typename {OUT} }}", True),
        (f"mutation {{ ... {{ ...A }} }} fragment A on Mutation {{ {OUT} }}", True),
        (f"mutation {{ {OUT} {DELETE} }}", False),
        (f"mutation {{ permitLogOut: {DELETE} }}", False),
        (f"mutation {{ {OUT} ... {{ ... on Mutation {{ {DELETE} }} }} }}", False),
        (
            f"mutation {{ {OUT} ...A }} fragment A on Mutation {{ ...B }} fragment B on Mutation {{ {DELETE} }}",
            False,
        ),
        (f"mutation {{ {OUT} ...A }} fragment A on Mutation {{ ...A {DELETE} }}", False),
        (f"mutation {{ {OUT} nothing }}", False),
        ("{ service { version } }", False),
        ("subscription { a }", False),
    ],
)
def test_only_mutations_that_are_open_to_anyone_do_without_a_token(text: str, opens: bool) -> None:  # noqa: FBT001 - a column of the table
    assert opens_without_token(read_operation(text, None, Documents(), DocumentLimits()), SCHEMA) == opens
