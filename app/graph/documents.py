"""Parsed documents, and what was found out about each of them once: whether it is valid, and what it asks for.

To parse, validate and search the document of a small query takes milliseconds, to answer it much less. So
what is known of a document is kept; what was refused is not, for anyone can make that up without end.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, TypeVar, cast

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    Lexer,
    OperationDefinitionNode,
    Source,
    TokenKind,
    validate,
)
from strawberry.extensions import SchemaExtension

from app.graph.keeping import Keeping, keeping_of
from app.graph.measuring import (
    CostExceeded,
    Costs,
    DocumentLimits,
    Size,
    exceeded,
    hold_to_limits,
    most_fields,
    size_of,
)
from app.graph.variables import unwritable_literals
from app.kit.bounded import Bounded
from app.kit.problem import Problem

T = TypeVar("T")

MOST_DOCUMENTS = 1_000
"""How many documents a schema keeps; a client has tens."""

MOST_ERRORS = 5
"""How many errors of a document are told; whoever makes thousands gets no thousands."""

MOST_CHARACTERS = 200_000
"""How long they may be together. Once parsed, a character takes 130 to 280 bytes (measured): 26 to 56 MB."""

LONGEST_NAME = 100
"""How much of an operation's name is told in logs; the name is the client's to choose."""


@dataclass(frozen=True, slots=True, eq=False)
class OperationName:
    """What an operation is called where it is told of; the same object each time, so that it can be a key.

    Attributes:
        kind: query, mutation or subscription.
        name: Its name, cut to `LONGEST_NAME`; None if it has none, or the document is not known to be valid.
        document: The document's `digest`; None if it is not known to be valid.
    """

    kind: str
    name: str | None = None
    document: str | None = None


_UNNAMED = {kind: OperationName(kind) for kind in ("query", "mutation", "subscription")}


class Document:
    """A parsed document under one schema.

    Attributes:
        text: What was parsed.
        node: What came of it.
        operations: Its operations, in their order.
        is_valid: Whether it has been found to fit the schema; False as long as nobody has looked.
        compiled: What is known of its operations' statements, by the database's dialect and the name that the
            request chooses an operation by.
    """

    def __init__(self, text: str, node: DocumentNode) -> None:
        self.text = text
        self.node = node
        self.operations: tuple[OperationDefinitionNode, ...] = tuple(
            definition for definition in node.definitions if isinstance(definition, OperationDefinitionNode)
        )
        self.is_valid = False
        self.compiled: dict[tuple[str, str | None], Any] = {}
        self._names: dict[int, OperationName] = {}
        self._keepings: dict[int, Keeping] = {}
        self._sizes: dict[int, Size] = {}
        self._most_fields: int | None = None
        self._costs: dict[int, Costs] = {}

    def operation_named(self, name: str | None) -> OperationDefinitionNode:
        """Give the operation of a name, or the first."""
        named = (each for each in self.operations if each.name is not None and each.name.value == name)
        return next(named, self.operations[0])

    def name_of(self, operation: OperationDefinitionNode) -> OperationName:
        """Say what one of its operations is called; of a document that may be anything, only the kind."""
        kind = operation.operation.value
        if not self.is_valid:
            return _UNNAMED[kind]
        known = self._names.get(id(operation))
        if known is None:
            name = None if operation.name is None else operation.name.value[:LONGEST_NAME]
            known = self._names[id(operation)] = OperationName(kind, name, self.digest)
        return known

    @cached_property
    def digest(self) -> str:
        """Its SHA-256 in hexadecimal digits, with every text that is written into it left empty.

        A text may be a password, and whoever has the hash of all around it could try one after the other. A
        document that takes its values from variables has the very hash that it is named by elsewhere.
        """
        return sha256(_without_texts(self.text).encode(errors="surrogatepass")).hexdigest()

    @cached_property
    def unwritable(self) -> Sequence[Problem]:
        """A problem for each text in it that no database can hold."""
        return unwritable_literals(self.node)

    def hold_to(self, limits: DocumentLimits, operation: OperationDefinitionNode) -> None:
        """Hold one of its operations to the limits of its size, and all others to as many fields.

        What is not asked for is validated as well, which takes time by the square of its fields.

        Raises:
            CostExceeded: It is larger than one of them.
        """
        hold_to_limits(self.size(operation, limits), limits)
        if self._most_fields is None:
            self._most_fields = _measured(lambda: most_fields(self.node), limits)
        if self._most_fields > limits.fields:
            raise exceeded("fields", self._most_fields, limits.fields)

    def size(self, operation: OperationDefinitionNode, limits: DocumentLimits) -> Size:
        """Measure one of its operations.

        Raises:
            CostExceeded: It is nested too deep to be measured.
        """
        # By identity: the nodes live as long as the document, and to hash one is to hash all below it.
        size = self._sizes.get(id(operation))
        if size is None:
            size = self._sizes[id(operation)] = _measured(lambda: size_of(self.node, operation), limits)
        return size

    def cost(
        self, schema: GraphQLSchema, operation: OperationDefinitionNode, variables: Mapping[str, Any] | None
    ) -> int:
        """Count what one of its operations may cost; the document has to be valid."""
        costs = self._costs.get(id(operation))
        if costs is None:
            costs = self._costs[id(operation)] = Costs(schema, self.node, operation)
        return costs.of(variables)

    def keeping(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> Keeping:
        """Say how the answer to one of its operations may be kept; the document has to be valid."""
        known = self._keepings.get(id(operation))
        if known is None:
            known = self._keepings[id(operation)] = keeping_of(schema, self.node, operation)
        return known


def _measured(measure: Callable[[], T], limits: DocumentLimits) -> T:
    try:
        return measure()
    except RecursionError:
        raise exceeded("depth", sys.getrecursionlimit(), limits.depth) from None


class Documents:
    """The valid documents that a schema was asked lately, by their text."""

    def __init__(self) -> None:
        self._kept: Bounded[str, Document] = Bounded(most=MOST_DOCUMENTS, most_weight=MOST_CHARACTERS)

    def find(self, text: str) -> Document | None:
        """Give the document of a text; None if it is not kept."""
        return self._kept.get(text)

    def keep(self, document: Document) -> None:
        """Keep a document that was found valid."""
        document.is_valid = True
        self._kept.put(document.text, document, weight=len(document.text))


class ReadOnce(SchemaExtension):
    """Hands on the document that the door has parsed already, and has no document validated twice.

    What is found valid is held to its cost, which cannot be counted before.
    """

    def on_parse(self) -> Iterator[None]:
        """Put the document where the executor looks for it."""
        if self._document is not None:
            self.execution_context.graphql_document = self._document.node
        yield

    def on_validate(self) -> Iterator[None]:
        """Tell the executor what is wrong with the document, or keep it; then hold it to its cost."""
        execution, document = self.execution_context, self._document
        if document is not None:
            schema = cast("Any", execution.schema)
            execution.pre_execution_errors = (
                []
                if document.is_valid
                else validate(
                    schema.graphql,
                    document.node,
                    execution.validation_rules,
                    MOST_ERRORS,
                    # A suggestion names what is in the schema.
                    hide_suggestions=not execution.context.may_introspect,
                )[:MOST_ERRORS]
            )
            if not execution.pre_execution_errors:
                schema.documents.keep(document)
                execution.pre_execution_errors = self._beyond_cost(document, schema.graphql)
        yield

    def _beyond_cost(self, document: Document, schema: GraphQLSchema) -> list[GraphQLError]:
        execution, context = self.execution_context, self.execution_context.context
        operation = document.operation_named(execution.operation_name)
        cost = document.cost(schema, operation, execution.variables)
        allowed = context.services.document_limits.cost
        if context.asks_cost:
            context.cost = {"requested": cost, "allowed": allowed}
        refusal = CostExceeded(cost=cost, allowed=allowed)
        return [GraphQLError(refusal.code, original_error=refusal)] if cost > allowed else []

    @property
    def _document(self) -> Document | None:
        context = self.execution_context.context
        return None if context is None else context.known


def _without_texts(document: str) -> str:
    if '"' not in document:
        return document
    left: list[str] = []
    end = 0
    lexer = Lexer(Source(document))
    while (token := lexer.advance()).kind is not TokenKind.EOF:
        if token.kind in (TokenKind.STRING, TokenKind.BLOCK_STRING):
            left += (document[end : token.start], '""')
            end = token.end
    return "".join((*left, document[end:]))
