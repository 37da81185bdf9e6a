"""Says for people which statement answers an operation, or why none does."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from graphql import GraphQLError, OperationDefinitionNode, parse, print_ast, validate

from app.compiler.plan import NotCompiled
from app.compiler.slots import Bind
from app.compiler.texts import MANY_ROWS
from app.domain.policies import Policy
from app.graph.compiled import compile_operation
from app.graph.compiled_writes import CompiledWrite
from app.graph.documents import Document
from app.graph.schema import SecuredSchema

_SAMPLES: Mapping[str, Any] = {"ID": "1", "String": "", "Int": 1}


_WHERE = {
    True: "on the event loop",
    False: "in a thread on SQLite",
    None: f"on the event loop up to {MANY_ROWS} rows, in a thread on SQLite beyond",
}


class NotValid(Exception):
    """The document is no GraphQL, or does not fit the schema; the text says why."""


def explain(schema: SecuredSchema, text: str, variables: Mapping[str, Any], dialect: str) -> str:
    """Explain every operation of a document.

    Args:
        schema: The API version's.
        text: The document.
        variables: Their values; those that only become binds may be left out.
        dialect: The database's, `sqlite` or `postgresql`.

    Returns:
        For each operation its statement and, as SQL comments, what its binds are, what its doors ask for, and
        where it runs; or why it is executed by resolvers.

    Raises:
        NotValid: The document cannot be understood.
    """
    try:
        node = parse(text)
    except GraphQLError as error:
        raise NotValid(error.message) from error
    wrong = validate(schema.graphql, node)
    if wrong:
        raise NotValid(" ".join(error.message for error in wrong))
    document = Document(text, node)
    return "\n".join(
        line
        for operation in document.operations
        for line in _explained(schema, document, operation, variables, dialect)
    )


def _explained(
    schema: SecuredSchema,
    document: Document,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    dialect: str,
) -> Iterator[str]:
    yield f"-- {operation.operation.value} {operation.name.value if operation.name else '(without a name)'}"
    try:
        compiled = compile_operation(schema.graphql, document, operation, schema.shelves, dialect)
        read = compiled.operation
        if isinstance(read, CompiledWrite):
            yield f"-- policies: {_named(compiled.policies)}; done without resolvers, by prepared statements"
            return
        statement = read.statement({**_samples(operation), **variables})
    except NotCompiled as why:
        yield f"-- Resolvers execute it: {why}."
        return
    yield f"-- policies: {_named(compiled.policies)}; {_WHERE[statement.is_short]}"
    for position, bind in enumerate(statement.binds, start=1):
        yield f"-- bind {position}: {_said(bind)}"
    yield statement.sql


def _named(policies: Collection[Policy]) -> str:
    return ", ".join(sorted(policy.name for policy in policies)) or "ANYONE"


def _said(bind: Bind) -> str:
    return repr(bind.value) if bind.name is None else f"${bind.name}"


def _samples(operation: OperationDefinitionNode) -> dict[str, Any]:
    """Give any value for each plain variable: what a bind is does not change the statement."""
    declared = {each.variable.name.value: print_ast(each.type) for each in operation.variable_definitions or ()}
    return {name: _SAMPLES[of.rstrip("!")] for name, of in declared.items() if of.rstrip("!") in _SAMPLES}
