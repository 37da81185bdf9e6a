"""From the text of a document to the one operation that is asked for; executes nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
)

from app.domain.policies import ANYONE
from app.graph.errors import BadRequest, syntax_problem
from app.graph.permissions import policy_of

MAX_TOKENS = 1_000


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a parsed document."""

    document: DocumentNode
    node: OperationDefinitionNode

    @property
    def is_query(self) -> bool:
        """Whether it only reads."""
        return self.node.operation is OperationType.QUERY


def read_operation(text: str | None, name: str | None) -> Operation:
    """Parse a document and choose its operation (GraphQL, section 6.1).

    Raises:
        BadRequest: There is no document, it is no GraphQL, or the name chooses no operation.
    """
    if not text:
        raise BadRequest(phrase="request-no-document")
    document = _parse(text)
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if not operations:
        raise BadRequest(phrase="request-no-operation")
    if name:
        operations = [node for node in operations if node.name and node.name.value == name]
        if not operations:
            raise BadRequest(phrase="request-unknown-operation", name=name)
    elif len(operations) > 1:
        raise BadRequest(phrase="request-several-operations")
    return Operation(document, operations[0])


def opens_without_token(operation: Operation, schema: GraphQLSchema) -> bool:
    """Say whether a stale token is no hindrance: all that the operation does is open to anyone.

    A device whose access token has expired must be able to log in, renew and log out with its client's
    headers as they are. Queries are not meant: `me` would quietly say that nobody is there.
    """
    root = schema.mutation_type
    if operation.node.operation is not OperationType.MUTATION or root is None:
        return False
    names = set(_root_fields(operation.document, operation.node.selection_set, set())) - {"__typename"}
    fields = [root.fields.get(name) for name in names]
    return all(field is not None and policy_of(field) is ANYONE for field in fields)


def _parse(text: str) -> DocumentNode:
    try:
        return parse(text, max_tokens=MAX_TOKENS)
    except GraphQLSyntaxError as error:
        raise syntax_problem(error) from error
    except (GraphQLError, RecursionError) as error:
        raise BadRequest(phrase="request-invalid-document") from error


def _root_fields(document: DocumentNode, selections: SelectionSetNode, seen: set[str]) -> Iterator[str]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node.name.value
        elif isinstance(node, InlineFragmentNode):
            yield from _root_fields(document, node.selection_set, seen)
        else:
            name = cast("FragmentSpreadNode", node).name.value
            for fragment in document.definitions:
                if isinstance(fragment, FragmentDefinitionNode) and fragment.name.value == name not in seen:
                    seen.add(name)
                    yield from _root_fields(document, fragment.selection_set, seen)
