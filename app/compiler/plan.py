"""From a field's selection to a plan of what to read; refuses here what would fail later.

Takes no connection and knows no SQL: a plan can be printed and compared.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    SelectionSetNode,
    get_argument_values,
    get_directive_values,
    get_named_type,
    get_nullable_type,
    is_list_type,
)
from graphql.execution.values import VariableValues
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective
from sqlmodel import SQLModel

from app.compiler.slots import Slot, refuse_slots
from app.kit.problem import InvalidInput, Problem

# SQLite's parser gives up at seven nested JSON subqueries ("parser stack overflow", measured on 3.40.1).
MAX_NESTED_RELATIONS = 6

# A row's JSON is made by one function call, and both databases take a hundred arguments at most; besides,
# fragments of a few lines can spell out thousands of relations.
MAX_RELATIONS = 50

MAX_LIMIT = 500


class TooDeep(Problem):
    """The selection nests more relations than one statement can read."""

    code = "COST_EXCEEDED"


class TooWide(Problem):
    """The selection has more relations, over all levels, than one statement can read."""

    code = "COST_EXCEEDED"


@dataclass(frozen=True, slots=True)
class Shelf:
    """How a GraphQL type stands for an entity: the allow-list that a plan may touch.

    Attributes:
        columns: The entity's attribute for each GraphQL field that is a column.
        relations: The entity's relationship for each GraphQL field that is one.
        orders: The entity's attribute for each value of the type's order enum.
    """

    entity: type[SQLModel]
    columns: Mapping[str, str]
    relations: Mapping[str, str]
    orders: Mapping[str, str]


Shelves = Mapping[str, Shelf]
"""The shelf of each GraphQL type that stands for an entity, by the type's name."""


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows, in which order.

    Attributes:
        filter: As the schema's filter inputs say it, scalars already parsed.
        order: Pairs of attribute and whether it descends; the key is always added, so the order is total.
        limit: At most so many rows; None for all.
        offset: So many rows are passed over first.
    """

    filter: Mapping[str, Any] = field(default_factory=dict)
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | Slot | None = None
    offset: int | Slot = 0


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation to read along with its owner, under its response key."""

    key: str
    relationship: str
    plan: "ReadPlan"


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """One level of the answer: which rows of which entity, and what of each.

    Attributes:
        type_name: The GraphQL type of the rows.
        fields: The name of each field by its response key, in the order of the answer; relations are among them.
    """

    shelf: Shelf
    window: Window
    relations: tuple[Relation, ...] = ()
    type_name: str = ""
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """A field's selection as the executor holds it: its nodes, and what they refer to."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    nodes: Sequence[FieldNode]

    @property
    def key(self) -> str:
        """The response key."""
        return (self.nodes[0].alias or self.nodes[0].name).value

    def arguments(self, parent: GraphQLObjectType) -> dict[str, Any]:
        """Give the field's arguments, coerced as GraphQL coerces them."""
        node = self.nodes[0]
        return get_argument_values(parent.fields[node.name.value], node, self.variables)

    def subselections(self, of: GraphQLObjectType) -> Iterator["Selection"]:
        """Give the fields selected below on objects of that type, merged by response key."""
        merged: dict[str, list[FieldNode]] = {}
        spread: set[str] = set()
        for node in self.nodes:
            if node.selection_set is not None:
                self._collect(node.selection_set, of, merged, spread)
        for nodes in merged.values():
            yield Selection(self.schema, self.fragments, self.variables, nodes)

    def _collect(
        self,
        selections: SelectionSetNode,
        of: GraphQLObjectType,
        merged: dict[str, list[FieldNode]],
        spread: set[str],
    ) -> None:
        for node in selections.selections:
            if not self._included(node):
                continue
            if isinstance(node, FieldNode):
                merged.setdefault((node.alias or node.name).value, []).append(node)
            elif isinstance(node, InlineFragmentNode):
                if node.type_condition is None or self._applies(node.type_condition.name.value, of):
                    self._collect(node.selection_set, of, merged, spread)
            elif (name := cast("FragmentSpreadNode", node).name.value) not in spread:
                # Once is enough, and twice at each of thirty levels would be a billion times.
                spread.add(name)
                fragment = self.fragments[name]
                if self._applies(fragment.type_condition.name.value, of):
                    self._collect(fragment.selection_set, of, merged, spread)

    def _included(self, node: Any) -> bool:
        skip = get_directive_values(GraphQLSkipDirective, node, self.variables)
        include = get_directive_values(GraphQLIncludeDirective, node, self.variables)
        return not (skip and skip["if"]) and not (include and not include["if"])

    def _applies(self, condition: str, of: GraphQLObjectType) -> bool:
        return condition == of.name or condition in {interface.name for interface in of.interfaces}


def plan(selection: Selection, parent: GraphQLObjectType, shelves: Shelves) -> ReadPlan:
    """Plan what a field reads, down to the last relation that it selects.

    Args:
        selection: The field's selection.
        parent: The type that has the field.
        shelves: What the types stand for.

    Raises:
        TooDeep: More than `MAX_NESTED_RELATIONS` relations are nested.
        TooWide: There are more than `MAX_RELATIONS` relations over all levels.
        InvalidInput: A list on the way has a limit or an offset out of range.
        KeyError: The field's type stands for no entity; a defect of the schema, not of the request.
    """
    return _plan(selection, parent, shelves, depth=0, counted=count())


def _plan(
    selection: Selection, parent: GraphQLObjectType, shelves: Shelves, *, depth: int, counted: Iterator[int]
) -> ReadPlan:
    if depth > MAX_NESTED_RELATIONS:
        raise TooDeep(cost=depth, allowed=MAX_NESTED_RELATIONS)
    if (relations := next(counted)) > MAX_RELATIONS:
        raise TooWide(cost=relations, allowed=MAX_RELATIONS)
    field_type = parent.fields[selection.nodes[0].name.value].type
    of = cast("GraphQLObjectType", get_named_type(field_type))
    shelf = shelves[of.name]
    selected = [(below.key, below.nodes[0].name.value, below) for below in selection.subselections(of)]
    return ReadPlan(
        shelf,
        window(shelf, selection.arguments(parent)) if is_list_type(get_nullable_type(field_type)) else Window(),
        tuple(
            Relation(
                key=key,
                relationship=shelf.relations[name],
                plan=_plan(below, of, shelves, depth=depth + 1, counted=counted),
            )
            for key, name, below in selected
            if name in shelf.relations
        ),
        of.name,
        tuple((key, name) for key, name, _ in selected),
    )


def window(shelf: Shelf, arguments: Mapping[str, Any]) -> Window:
    """Read a list field's arguments.

    Raises:
        InvalidInput: The limit or the offset is out of range: on a relation nobody else has looked yet.
        NoSlot: A variable decides how to filter or to order.
    """
    limit_from(arguments.get("limit"))
    offset_from(arguments.get("offset"))
    for decisive in ("filter", "orderBy"):
        refuse_slots(arguments.get(decisive))
    return Window(
        filter=arguments.get("filter") or {},
        order=tuple(
            (shelf.orders[_value(order["field"])], _value(order["direction"]) == "DESC")
            for order in arguments.get("orderBy") or ()
        ),
        limit=arguments.get("limit"),
        offset=arguments.get("offset") or 0,
    )


def limit_from(value: Any) -> Any:
    """Hold a limit to its range; a slot has no value yet.

    Raises:
        InvalidInput: It is out of range.
    """
    return _in_range("limit", value, MAX_LIMIT)


def offset_from(value: Any) -> Any:
    """Hold an offset to its range; a slot has no value yet.

    Raises:
        InvalidInput: It is out of range.
    """
    return _in_range("offset", value, None)


def _in_range(name: str, value: Any, largest: int | None) -> Any:
    if isinstance(value, int):
        if value < 0:
            raise InvalidInput(path=(name,), phrase="rule-too-small", min=0)
        if largest is not None and value > largest:
            raise InvalidInput(path=(name,), phrase="rule-too-large", max=largest)
    return value


def _value(choice: Any) -> str:
    return str(getattr(choice, "value", choice))
