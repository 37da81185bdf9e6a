"""Parsed documents, and what was found out about each of them once: whether it is valid, and what it asks for.

To parse, validate and search the document of a small query takes milliseconds, to answer it much less. So
what is known of a document is kept; what was refused is not, for anyone can make that up without end.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from graphql import DocumentNode, GraphQLSchema, OperationDefinitionNode
from strawberry.extensions import SchemaExtension

from app.graph.keeping import Keeping, keeping_of
from app.graph.variables import unwritable_literals
from app.kit.bounded import Bounded
from app.kit.problem import Problem

MOST_DOCUMENTS = 1_000
"""How many documents a schema keeps; a client has tens."""

MOST_CHARACTERS = 200_000
"""How long they may be together. Once parsed, a character takes 130 to 280 bytes (measured): 26 to 56 MB."""


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
        self._keepings: dict[int, Keeping] = {}

    @cached_property
    def unwritable(self) -> Sequence[Problem]:
        """A problem for each text in it that no database can hold."""
        return unwritable_literals(self.node)

    def keeping(self, schema: GraphQLSchema, operation: OperationDefinitionNode) -> Keeping:
        """Say how the answer to one of its operations may be kept; the document has to be valid."""
        # By identity: the nodes live as long as the document, and to hash one is to hash all below it.
        known = self._keepings.get(id(operation))
        if known is None:
            known = self._keepings[id(operation)] = keeping_of(schema, self.node, operation)
        return known


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
    """Hands on the document that the door has parsed already, and has no document validated twice."""

    def on_parse(self) -> Iterator[None]:
        """Put the document where the executor looks for it."""
        if self._document is not None:
            self.execution_context.graphql_document = self._document.node
        yield

    def on_validate(self) -> Iterator[None]:
        """Tell the executor that there is nothing to look for, or keep what it has found nothing in."""
        context, document = self.execution_context, self._document
        if document is not None and document.is_valid:
            context.pre_execution_errors = []
            yield
            return
        yield
        if document is not None and not context.pre_execution_errors:
            context.schema.documents.keep(document)  # type: ignore[attr-defined]  # Only SecuredSchema uses this.

    @property
    def _document(self) -> Document | None:
        context = self.execution_context.context
        return None if context is None else context.known
