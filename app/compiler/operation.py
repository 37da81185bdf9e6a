"""From a valid operation to what it takes to answer it without executing it.

An operation is compiled once under a schema; its statements are made as the values of its variables ask for
them, and kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import orjson
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    OperationType,
    get_named_type,
    get_nullable_type,
    get_variable_values,
    is_list_type,
    type_from_ast,
)
from graphql.execution.values import VariableValues

from app.compiler.plan import MAX_RELATIONS, NotCompiled, ReadPlan, Shelves, plan, relations_of
from app.compiler.selection import Selection
from app.compiler.slots import NoSlot, Slot
from app.compiler.texts import Found, RootPlan, Statement, statement
from app.kit.bounded import Bounded
from app.kit.problem import Problem

MOST_STATEMENTS = 32
"""How many statements an operation keeps: one for each set of values that decide what a statement looks like."""

_LARGEST_INT = 2**31 - 1

_FOR_THE_EXECUTOR = "the variables are for the executor to look at"


@dataclass(frozen=True, slots=True)
class Root:
    """How a root field that gives one object finds it.

    Attributes:
        argument: The argument that names it.
        attribute: What it is found by.
        types: The types that the object may be of, each with how to read the argument as the attribute's value.
        is_required: Whether it is an error that the object is not there.
    """

    argument: str
    attribute: str
    types: Mapping[str, Callable[[Any], Any]]
    is_required: bool


Roots = Mapping[str, Root | None]
"""The root fields that are read from the database alone; None for one that gives a list or a page."""


def _text(value: Any) -> str | None:
    # What no database can hold is refused in words, which is not done here.
    return value if type(value) is str and "\x00" not in value else None


def _id(value: Any) -> str | None:
    return str(value) if type(value) is int else _text(value)


def _int(value: Any) -> int | None:
    return value if type(value) is int and -_LARGEST_INT <= value <= _LARGEST_INT else None


_COERCIONS: Mapping[str, Callable[[Any], Any]] = {"ID": _id, "String": _text, "Int": _int}
"""How values of the plainest kinds are coerced (GraphQL, section 3.5); None for what the executor must see."""


class CompiledOperation:
    """An operation that is answered by one statement."""

    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        shelves: Shelves,
        roots: Roots,
        dialect: str,
    ) -> None:
        """Look at an operation that is valid under the schema.

        Args:
            schema: The executor's own.
            document: The document.
            operation: One of its operations.
            shelves: What the types stand for.
            roots: The root fields that can be compiled.
            dialect: The database's, one of `app.statements.DRIVERS`.

        Raises:
            NotCompiled: It is no query, or it asks for something that only a resolver knows.
        """
        if operation.operation is not OperationType.QUERY or schema.query_type is None:
            raise NotCompiled("it is no query")
        self._schema = schema
        self._operation = operation
        self._shelves = shelves
        self._roots = roots
        self._dialect = dialect
        self._root_type: GraphQLObjectType = schema.query_type
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        definitions = operation.variable_definitions or ()
        self._names = tuple(definition.variable.name.value for definition in definitions)
        self._coercions: dict[str, Callable[[Any], Any]] = {}
        for name, definition in zip(self._names, definitions, strict=True):
            declared: Any = type_from_ast(schema, definition.type)
            coercion = _COERCIONS.get(get_named_type(declared).name)
            if coercion is not None and not is_list_type(get_nullable_type(declared)):
                self._coercions[name] = coercion
        self._statements: Bounded[tuple[tuple[str, ...], bytes], Statement] = Bounded(
            most=MOST_STATEMENTS, most_weight=MOST_STATEMENTS
        )
        # Whatever its variables leave out.
        for name in _names_below(operation, self._fragments):
            if name != "__typename" and name not in roots:
                raise NotCompiled(f"{self._root_type.name}.{name} is not read from the database alone")

    def statement_for(self, given: Mapping[str, Any] | None) -> tuple[Statement, list[Any], bool]:
        """Give the statement that answers the operation, its binds' values, and whether it is short with them.

        Args:
            given: The variables as the client sent them.

        Raises:
            NotCompiled: The statement cannot be made for these variables. Either they are wrong, or they ask for
                more than one statement can do: who executes the operation finds out and says so.
        """
        made, slots = self._made(given or {})
        try:
            return made, made.values(slots), made.is_short_for(slots)
        except Problem as refusal:
            raise NotCompiled(_FOR_THE_EXECUTOR) from refusal

    def statement(self, given: Mapping[str, Any]) -> Statement:
        """Give the statement alone, whatever the values of its binds are.

        Args:
            given: The variables as the client sent them.

        Raises:
            NotCompiled: The statement cannot be made for these variables.
        """
        made, _ = self._made(given)
        return made

    def _made(self, given: Mapping[str, Any]) -> tuple[Statement, dict[str, Any]]:
        while True:
            decisive, slots = self._split(given)
            try:
                # A variable that is left out may have a default, which is another case than any value.
                key = (
                    tuple(slots),
                    orjson.dumps(decisive, option=orjson.OPT_SORT_KEYS) if decisive else b"",
                )
                made = self._statements.get(key)
                if made is None:
                    made = self._make(decisive, slots)
                    self._statements.put(key, made)
                return made, slots
            except NoSlot as refusal:
                # From now on each of the variable's values has a statement of its own.
                del self._coercions[refusal.name]
            except (Problem, GraphQLError, orjson.JSONEncodeError) as refusal:
                raise NotCompiled(_FOR_THE_EXECUTOR) from refusal

    def _split(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        decisive: dict[str, Any] = {}
        slots: dict[str, Any] = {}
        for name in self._names:
            if name not in given:
                continue
            value = given[name]
            coerce = self._coercions.get(name)
            coerced = None if coerce is None else coerce(value)
            if coerced is None:
                decisive[name] = value
            else:
                slots[name] = coerced
        return decisive, slots

    def _make(self, decisive: Mapping[str, Any], slots: Mapping[str, Any]) -> Statement:
        if has_unwritable(decisive):
            raise NotCompiled("a text that no database can hold")
        coerced = get_variable_values(
            self._schema, self._operation.variable_definitions or (), {**decisive, **slots}
        )
        if not isinstance(coerced, VariableValues):
            raise NotCompiled("the variables do not fit their types")
        values = VariableValues({}, coerced.coerced | {name: Slot(name) for name in slots})
        # As if the operation were a field, so that its fields are collected as those of any selection.
        as_field = FieldNode(name=NameNode(value="query"), selection_set=self._operation.selection_set)
        whole = Selection(self._schema, self._fragments, values, [as_field])
        roots = [self._root(selection) for selection in whole.subselections(self._root_type)]
        if sum(relations_of(each) for root in roots for each in root.plans) > MAX_RELATIONS:
            raise NotCompiled("more relations than one statement can read")
        return statement(roots, self._root_type.name, self._dialect)

    def _root(self, selection: Selection) -> RootPlan:
        if selection.name == "__typename":
            return RootPlan(selection.key, None)
        root = self._roots[selection.name]
        if root is None:
            return RootPlan(selection.key, plan(selection, self._root_type, self._shelves))
        given = selection.arguments(self._root_type)[root.argument]
        found = [
            Found(self._plan_object(selection, name), root.attribute, given, read)
            for name, read in root.types.items()
        ]
        return RootPlan(selection.key, tuple(found), root.is_required)

    def _plan_object(self, selection: Selection, type_name: str) -> ReadPlan:
        of = cast("GraphQLObjectType", self._schema.type_map[type_name])
        return cast("ReadPlan", plan(selection, self._root_type, self._shelves, of=of))


def _names_below(operation: OperationDefinitionNode, fragments: Mapping[str, FragmentDefinitionNode]) -> list[str]:
    names: list[str] = []
    seen: set[str] = set()
    waiting = [operation.selection_set]
    while waiting:
        for node in waiting.pop().selections:
            if isinstance(node, FieldNode):
                names.append(node.name.value)
            elif (below := getattr(node, "selection_set", None)) is not None:
                waiting.append(below)
            elif (name := node.name.value) not in seen:  # type: ignore[attr-defined]  # Only spreads are left.
                seen.add(name)
                waiting.append(fragments[name].selection_set)
    return names


def has_unwritable(value: Any) -> bool:
    """Say whether a value from JSON has a text in it that no database can hold."""
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, Mapping):
        return any(map(has_unwritable, value.values()))
    return isinstance(value, list) and any(map(has_unwritable, value))
