"""What an operation is called where it is told of, and what must not be told with it."""

from hashlib import sha256

import pytest
from graphql import parse

from app.graph.documents import LONGEST_NAME, Document, OperationName


def document(text: str, *, is_valid: bool = True) -> Document:
    made = Document(text, parse(text))
    made.is_valid = is_valid
    return made


def called(text: str, *, is_valid: bool = True, position: int = 0) -> OperationName:
    made = document(text, is_valid=is_valid)
    return made.name_of(made.operations[position])


def told(name: OperationName) -> tuple[str, str | None, str | None]:
    return name.kind, name.name, name.document


def hash_of(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def test_an_operation_is_told_of_by_its_kind_its_name_and_its_documents_hash() -> None:
    text = "query A { __typename } mutation B { __typename } subscription C { a }"

    assert [told(called(text, position=position)) for position in range(3)] == [
        ("query", "A", hash_of(text)),
        ("mutation", "B", hash_of(text)),
        ("subscription", "C", hash_of(text)),
    ]


def test_one_without_a_name_has_none() -> None:
    assert told(called("{ a }")) == ("query", None, hash_of("{ a }"))


def test_of_a_document_that_may_be_anything_only_the_kind_is_told() -> None:
    assert told(called("mutation MySecret { a }", is_valid=False)) == ("mutation", None, None)


def test_a_long_name_is_cut() -> None:
    name = called(f"query {'n' * 14_000} {{ a }}").name

    assert name == "n" * LONGEST_NAME


def test_what_an_operation_is_called_is_found_once() -> None:
    made = document("query A { a }")

    assert made.name_of(made.operations[0]) is made.name_of(made.operations[0])


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ('{ a(b: "secret") }', '{ a(b: "") }'),
        ('{ a(b: "sec\\"ret", c: "x") d }', '{ a(b: "", c: "") d }'),
        ('{ a(b: """sec "" \\""" ret""") }', '{ a(b: "") }'),
        ('{ a(b: {c: ["secret", "x"]}) }', '{ a(b: {c: ["", ""]}) }'),
        ('{ a(b: "") }', '{ a(b: "") }'),
        ('# "not a text\n{ a(b: "secret") } # "nor this"', '# "not a text\n{ a(b: "") } # "nor this"'),
        ('query ($b: String = "secret") { a(b: $b) }', 'query ($b: String = "") { a(b: $b) }'),
        ('{ a(b: "\u0dc3\u0dd2") }', '{ a(b: "") }'),
    ],
)
def test_a_hash_tells_nothing_of_the_texts_that_are_written_into_a_document(text: str, left: str) -> None:
    assert document(text).digest == hash_of(left)
