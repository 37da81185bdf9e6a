"""From the text of a document to the one operation that is asked for; executes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter_ns
from typing import Any, cast

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
from app.graph.context import Context
from app.graph.directives import costs_a_hash
from app.graph.documents import Document, Documents
from app.graph.errors import BadRequest, syntax_problem
from app.graph.measuring import DocumentLimits, exceeded
from app.graph.permissions import policy_of
from app.graph.schema import SecuredSchema
from app.web.documents import Named
from app.web.problems import MalformedRequest
from app.web.rates import Rates


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a parsed document.

    Attributes:
        known: What is known of the document.
        node: The operation.
    """

    known: Document
    node: OperationDefinitionNode

    @property
    def document(self) -> DocumentNode:
        """The parsed document."""
        return self.known.node

    @property
    def is_mutation(self) -> bool:
        """Whether it changes something."""
        return self.node.operation is OperationType.MUTATION

    @property
    def is_subscription(self) -> bool:
        """Whether it goes on, with many answers."""
        return self.node.operation is OperationType.SUBSCRIPTION


async def prepare_operation(
    context: Context,
    schema: SecuredSchema,
    named: Named,
    name: str | None,
    extensions: Mapping[str, Any] | None,
    *,
    rates: Rates,
    address: str,
) -> Operation:
    """Lead an operation past all that it must pass before it is executed, and hand its document to the context.

    Every operation comes this way, whether by HTTP, by WebSocket or as a stream of events: what is asked of
    an operation before its execution is asked here, and nowhere else. Its document comes from
    `NamedDocuments.find`, so that where only trusted documents are taken no other gets this far.

    What the operation costs is counted once it is known to be valid, by `ReadOnce`.

    Raises:
        MalformedRequest: There is no document.
        BadRequest: The document is no GraphQL, the name chooses no operation, or the schema is asked for by one
            who may not see it.
        CostExceeded: The document or its operation is larger than it may be.
        InvalidToken: The token is not valid, and the operation is not one of those that do without.
        TooOften: The trader has sent too many requests, or there were too many log-ins or codes.
    """
    limits, began = context.services.document_limits, perf_counter_ns()
    operation = read_operation(named.text, name, schema.documents, limits)
    context.notes.note_operation(operation.known.name_of(operation.node))
    operation.known.hold_to(limits, operation.node)
    context.notes.note_plan(began)
    if not context.may_introspect and operation.known.size(operation.node, limits).asks_for_schema:
        raise BadRequest(phrase="request-introspection")
    context.asks_cost = bool(extensions and extensions.get("cost") is True)
    if context.token_fault is not None and not opens_without_token(operation, schema.graphql):
        raise context.token_fault
    if context.claims is not None:
        rates.count_request_of_trader(context.claims.trader_id)
    if operation.is_mutation:
        await rates.count_tries(tuple(done_fields(operation).values()), address, context)
    context.known = operation.known
    return operation


def read_operation(text: str | None, name: str | None, documents: Documents, limits: DocumentLimits) -> Operation:
    """Parse a document, unless it is known, and choose its operation (GraphQL, section 6.1).

    Raises:
        MalformedRequest: There is no document.
        BadRequest: It is no GraphQL, or the name chooses no operation.
        CostExceeded: It has more characters, tokens or operations than it may have.
    """
    if not text:
        raise MalformedRequest(phrase="request-no-document")
    if len(text) > limits.characters:
        raise exceeded("characters", len(text), limits.characters)
    document = documents.find(text) or Document(text, _parse(text, limits.tokens))
    operations = document.operations
    if not operations:
        raise BadRequest(phrase="request-no-operation")
    if len(operations) > limits.operations:
        raise exceeded("operations", len(operations), limits.operations)
    if name:
        operations = tuple(node for node in operations if node.name and node.name.value == name)
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


def done_fields(operation: Operation) -> Mapping[str, str]:
    """Give the root fields that an operation does, by their response keys: those of one key are done once."""
    nodes = _root_nodes(operation.document, operation.node.selection_set, set())
    return {(node.alias or node.name).value: node.name.value for node in nodes}


def hashes_beside_others(operation: Operation, schema: GraphQLSchema) -> bool:
    """Say whether a mutation does something else besides a field that may hash a password."""
    root = schema.mutation_type
    names = [
        name
        for name in _root_fields(operation.document, operation.node.selection_set, set())
        if name != "__typename"
    ]
    return (
        root is not None
        and len(names) > 1
        and any(costs_a_hash(root.fields[name]) for name in names if name in root.fields)
    )


def _parse(text: str, most_tokens: int) -> DocumentNode:
    try:
        return parse(text, max_tokens=most_tokens)
    except GraphQLSyntaxError as error:
        if error.description.startswith("Document contains more"):
            raise exceeded("tokens", most_tokens + 1, most_tokens) from error
        raise syntax_problem(error) from error
    except (GraphQLError, RecursionError) as error:
        raise BadRequest(phrase="request-invalid-document") from error


def _root_fields(document: DocumentNode, selections: SelectionSetNode, seen: set[str]) -> Iterator[str]:
    return (node.name.value for node in _root_nodes(document, selections, seen))


def _root_nodes(document: DocumentNode, selections: SelectionSetNode, seen: set[str]) -> Iterator[FieldNode]:
    for node in selections.selections:
        if isinstance(node, FieldNode):
            yield node
        elif isinstance(node, InlineFragmentNode):
            yield from _root_nodes(document, node.selection_set, seen)
        else:
            name = cast("FragmentSpreadNode", node).name.value
            for fragment in document.definitions:
                if isinstance(fragment, FragmentDefinitionNode) and fragment.name.value == name not in seen:
                    seen.add(name)
                    yield from _root_nodes(document, fragment.selection_set, seen)
