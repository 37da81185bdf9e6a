"""Holds an operation's variables to their types before anything runs, and says which value is wrong."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Undefined,
    Visitor,
    is_non_null_type,
    type_from_ast,
    visit,
)
from graphql.utilities import validate_input_value
from strawberry.extensions import SchemaExtension

from app.graph.validation_texts import texts_of
from app.kit.problem import InvalidInput, Problem, Problems

MAX_REPORTED = 5
"""How many wrong values of a variable are looked for, and of an operation told."""


class _Enough(Exception):
    """There are as many wrong values as are told. To go on takes a minute for 25,000 fields that do not exist."""


class CheckedVariables(SchemaExtension):
    """Refuses variables that break their types, and texts that no database can hold.

    The executor refuses the first kind too, but without saying where; the second kind would fail only deep inside.
    """

    def on_execute(self) -> Iterator[None]:
        """Put the refusals in the place of the operation's result.

        Raises:
            Problems: The refusals of a subscription.
        """
        context = self.execution_context
        document, schema = context.graphql_document, context.schema._schema  # noqa: SLF001
        if document is not None:
            operation = _operation(document, context.operation_name)
            known = None if context.context is None else context.context.known
            problems = [
                *wrong_variables(schema, operation, context.variables or {}),
                *(unwritable_literals(document) if known is None else known.unwritable),
            ]
            if problems:
                refusal = Problems(tuple(problems[:MAX_REPORTED]))
                if operation.operation is OperationType.SUBSCRIPTION:
                    # A source is opened whatever the result is: only this keeps it shut.
                    raise refusal
                error = GraphQLError(str(refusal), original_error=refusal)
                context.result = ExecutionResult(data=None, errors=[error])
        yield


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    return next((each for each in operations if each.name and each.name.value == name), operations[0])


def wrong_variables(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> Iterator[Problem]:
    """Give a problem for each value that cannot be of its type, with its path from the variable down."""
    for definition in operation.variable_definitions or ():
        name = definition.variable.name.value
        declared: Any = type_from_ast(schema, definition.type)
        value = given.get(name, Undefined)
        if value is Undefined and definition.default_value is None and is_non_null_type(declared):
            yield InvalidInput(path=(name,), phrase="rule-required")
        elif value is not Undefined:
            wrong = _wrong_values(name, value, declared)
            blamed = {problem.path for problem in wrong}
            yield from wrong
            yield from (problem for problem in _unwritable(value, (name,)) if problem.path not in blamed)


def _wrong_values(name: str, value: Any, declared: GraphQLInputType) -> list[Problem]:
    wrong: list[Problem] = []

    def blame(fault: GraphQLError, place: list[str | int]) -> None:
        if len(wrong) == MAX_REPORTED:
            raise _Enough
        text = texts_of(fault)[0]
        # A field that is missing or unknown is blamed on the object that it is a field of.
        below = [text.params["field"]] if "field" in text.params else []
        path = tuple(map(str, (name, *place, *below)))
        wrong.append(InvalidInput(path=path, phrase=text.phrase, **text.params))

    with suppress(_Enough):
        validate_input_value(value, declared, blame, hide_suggestions=True)
    return wrong


def _unwritable(value: Any, path: tuple[str, ...]) -> Iterator[Problem]:
    if isinstance(value, str) and not writable(value):
        yield InvalidInput(path=path, phrase="rule-unwritable")
    elif isinstance(value, Mapping):
        for name, each in value.items():
            yield from _unwritable(each, (*path, str(name)))
    elif isinstance(value, list):
        for position, each in enumerate(value):
            yield from _unwritable(each, (*path, str(position)))


def writable(text: str) -> bool:
    """Say whether a database can hold a text: PostgreSQL refuses NUL, UTF-8 refuses lone surrogates."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def unwritable_literals(document: DocumentNode) -> list[Problem]:
    """Give a problem for each text in the document itself that no database can hold."""
    found: list[Problem] = []

    class Texts(Visitor):
        def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
            if not writable(node.value):
                found.append(InvalidInput(phrase="rule-unwritable"))

    visit(document, Texts())
    return found
