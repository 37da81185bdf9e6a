"""Holds an operation's variables to their types before anything runs, and says which value is wrong."""

from collections.abc import Iterator, Mapping
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    Undefined,
    Visitor,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
    is_required_input_field,
    type_from_ast,
    visit,
)
from graphql.utilities import validate_input_value
from strawberry.extensions import SchemaExtension

from app.kit.problem import InvalidInput, Problem, Problems

MAX_REPORTED = 5


class CheckedVariables(SchemaExtension):
    """Refuses variables that break their types, and texts that no database can hold.

    The executor refuses the first kind too, but in English and without saying where; the second kind
    would fail only deep inside.
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
            wrong = list(_wrong_values(name, value, declared))
            blamed = {problem.path for problem in wrong}
            yield from wrong
            yield from (problem for problem in _unwritable(value, (name,)) if problem.path not in blamed)


def _wrong_values(name: str, value: Any, declared: GraphQLInputType) -> Iterator[Problem]:
    places: list[list[str | int]] = []
    validate_input_value(value, declared, lambda _, path: places.append(path), hide_suggestions=True)
    seen: set[tuple[str, ...]] = set()
    for place in places:
        path = (name, *map(str, place))
        if path not in seen:
            # Missing and unknown fields are all blamed on the object that they are fields of.
            seen.add(path)
            yield from _wrong_value(path, *_at(declared, value, place))


def _wrong_value(path: tuple[str, ...], wanted: GraphQLInputType, at_fault: Any) -> Iterator[Problem]:
    of = get_nullable_type(wanted)
    if at_fault is None:
        yield InvalidInput(path=path, phrase="rule-not-null")
    elif isinstance(of, GraphQLInputObjectType) and isinstance(at_fault, Mapping) and not of.is_one_of:
        for name, field in of.fields.items():
            if is_required_input_field(field) and name not in at_fault:
                yield InvalidInput(path=(*path, name), phrase="rule-required")
        for name in at_fault:
            if name not in of.fields:
                yield InvalidInput(path=(*path, name), phrase="rule-wrong-type", type=str(of))
    else:
        yield InvalidInput(path=path, phrase="rule-wrong-type", type=str(of))


def _at(declared: Any, value: Any, place: list[str | int]) -> tuple[Any, Any]:
    for step in place:
        declared = get_nullable_type(declared)
        if is_list_type(declared):
            declared = declared.of_type
            value = value[int(step)] if isinstance(value, list) else value
        elif isinstance(declared, GraphQLInputObjectType) and step in declared.fields:
            declared = declared.fields[str(step)].type
            value = value.get(step) if isinstance(value, Mapping) else value
    return declared, value


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
