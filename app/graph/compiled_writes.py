"""Which mutations are done without resolvers: those of one record whose answer is that record alone.

What is not plainly right, such as a broken rule or a conflict, is left to the executor, which has the words for
it. Nothing is true by then, so that it can be done again.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    Visitor,
    get_argument_values,
    get_named_type,
    get_variable_values,
    visit,
)
from graphql.execution.values import VariableValues
from strawberry.types import ExecutionResult
from strawberry.utils.str_converters import to_camel_case

from app.compiler.operation import has_unwritable
from app.compiler.plan import NotCompiled, Shelf, Shelves
from app.compiler.selection import Selection
from app.domain.audit import AuditedWork
from app.graph.documents import Document
from app.graph.global_ids import global_id
from app.graph.rules import checked
from app.graph.writes import Writes, Written

Show = Callable[[Written], Any]
"""From what was written to a part of the answer, as JSON has it."""


class CompiledWrite:
    """A mutation that is done without resolvers."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: Document,
        operation: OperationDefinitionNode,
        shelves: Shelves,
        writes: Writes,
    ) -> None:
        """Look at a mutation of a valid document.

        Raises:
            NotCompiled: It does more than one write, or its answer has more than the written record's columns.
        """
        self._schema = schema
        self._definitions = operation.variable_definitions or ()
        self._node = _only_field(operation)
        self._key = (self._node.alias or self._node.name).value
        root = cast("GraphQLObjectType", schema.mutation_type)
        write = writes.get(self._node.name.value)
        if write is None:
            raise NotCompiled(f"{root.name}.{self._node.name.value} is no write of one record")
        if document.unwritable:
            raise NotCompiled("a text that no database can hold")
        visit(document.node, _NoDirectives())
        self._field: GraphQLField = root.fields[self._node.name.value]
        self._write = write
        self._names = {to_camel_case(field.name): field.name for field in fields(write.input)}
        fragments = {
            node.name.value: node for node in document.node.definitions if isinstance(node, FragmentDefinitionNode)
        }
        selection = Selection(schema, fragments, VariableValues({}, {}), [self._node])
        payload = cast("GraphQLObjectType", get_named_type(self._field.type))
        self._shown = {
            below.key: _shown_of_payload(below, payload, shelves) for below in selection.subselections(payload)
        }

    def values(self, given: Mapping[str, Any] | None) -> Mapping[str, Any]:
        """Give the values of the input by their Python names, coerced and held to their rules.

        Args:
            given: The variables as the client sent them.

        Raises:
            NotCompiled: They do not fit their types.
            Problems: They break rules.
        """
        if has_unwritable(given or {}):
            raise NotCompiled("a text that no database can hold")
        coerced = get_variable_values(self._schema, self._definitions, dict(given or {}))
        if not isinstance(coerced, VariableValues):
            raise NotCompiled("the variables do not fit their types")
        values = get_argument_values(self._field, self._node, coerced)["input"]
        return checked(self._write.input(**{self._names[name]: value for name, value in values.items()}))

    async def run(self, work: AuditedWork, values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """Do it, and give `data`.

        Raises:
            Problem: It is refused, and nothing was done.
        """
        written = await self._write.act(work, values, now)
        return {self._key: {key: show(written) for key, show in self._shown.items()}}

    def failed(self, error: Exception) -> ExecutionResult:
        """Give what the executor makes of a failure in the mutation's resolver."""
        located = GraphQLError("", [self._node], path=[self._key], original_error=error)
        return ExecutionResult(data={self._key: None}, errors=[located])


def _only_field(operation: OperationDefinitionNode) -> FieldNode:
    selections = operation.selection_set.selections
    if len(selections) != 1 or not isinstance(selections[0], FieldNode):
        raise NotCompiled("it does not write one record alone")
    return selections[0]


class _NoDirectives(Visitor):
    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        raise NotCompiled(f"@{node.name.value} may leave out a part of the answer")


def _shown_of_payload(selection: Selection, payload: GraphQLObjectType, shelves: Shelves) -> Show:
    name = selection.nodes[0].name.value
    if name == "__typename":
        return lambda _: payload.name
    if name == "outcome":
        return lambda written: written[1].value
    if name == "errors":
        # Whoever has something to say here leaves it to the executor.
        return lambda _: []
    of = cast("GraphQLObjectType", get_named_type(payload.fields[name].type))
    shown = {below.key: _shown_of_record(below, of, shelves[of.name]) for below in selection.subselections(of)}
    return lambda written: None if written[0] is None else {key: show(written[0]) for key, show in shown.items()}


def _shown_of_record(selection: Selection, of: GraphQLObjectType, shelf: Shelf) -> Callable[[Any], Any]:
    name = selection.nodes[0].name.value
    if name == "__typename":
        return lambda _: of.name
    if name == "globalId":
        return global_id
    attribute = shelf.columns.get(name)
    if attribute is None:
        raise NotCompiled(f"{of.name}.{name} is no column")
    scalar = get_named_type(of.fields[name].type)
    if not isinstance(scalar, GraphQLScalarType):
        raise NotCompiled(f"{of.name}.{name} is no scalar")
    return lambda record: scalar.serialize(getattr(record, attribute))
