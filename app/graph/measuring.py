"""How large an operation is, and what it may cost: counted on the document, before anything runs.

Fragments are measured once each, so that a document takes time by its length and not by what its fragments
multiply to.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from graphql import (
    DocumentNode,
    ExecutableDefinitionNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_composite_type,
)

from app.compiler.windows import MAX_LIMIT
from app.graph.directives import Cost, ListSize, printed
from app.kit.problem import Problem

# What leads from a type to other types again: each time there are as many more.
_LISTS_OF_INTROSPECTION = frozenset({"fields", "interfaces", "possibleTypes", "inputFields"})
_MOST_LISTS_OF_INTROSPECTION = 3

_SLICING = frozenset({"limit", "first", "last"})
_LARGEST_NUMBER = 10**12
_MOST_KNOWN = 64


class CostExceeded(Problem):
    """The operation asks for more than one request may."""

    code = "COST_EXCEEDED"


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentLimits:
    """How large an operation may be.

    Attributes:
        characters: The most characters of a document.
        tokens: The most tokens of a document.
        operations: The most operations of a document.
        depth: The most fields within each other; those of introspection do not count.
        fields: The most fields, each fragment counted wherever it is spread.
        root_fields: The most fields of the root type.
        aliases: The most fields with an alias.
        directives: The most directives.
        cost: The most that an operation may cost.
    """

    characters: int = 15_000
    tokens: int = 1_000
    operations: int = 5
    depth: int = 10
    fields: int = 300
    root_fields: int = 20
    aliases: int = 15
    directives: int = 20
    cost: int = 50_000


@dataclass(frozen=True, slots=True)
class Size:
    """How large a selection is, by the same names as in `DocumentLimits`.

    Attributes:
        introspection: How many lists that lead from type to type are within each other.
        asks_for_schema: Whether it asks for the schema itself.
    """

    depth: int = 0
    fields: int = 0
    root_fields: int = 0
    aliases: int = 0
    directives: int = 0
    introspection: int = 0
    asks_for_schema: bool = False

    def beside(self, other: "Size") -> "Size":
        """Give the size of both beside each other."""
        return Size(
            depth=max(self.depth, other.depth),
            fields=self.fields + other.fields,
            root_fields=self.root_fields + other.root_fields,
            aliases=self.aliases + other.aliases,
            directives=self.directives + other.directives,
            introspection=max(self.introspection, other.introspection),
            asks_for_schema=self.asks_for_schema or other.asks_for_schema,
        )


class _Measure:
    """Measures selections; knows each fragment's size once it has been measured."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._fragments = fragments
        self._sizes: dict[str, Size] = {}

    def of(self, selections: SelectionSetNode | None) -> Size:
        total = Size()
        for node in () if selections is None else selections.selections:
            total = total.beside(self._of_node(node)).beside(Size(directives=len(node.directives or ())))
        return total

    def _of_node(self, node: Any) -> Size:
        if isinstance(node, FieldNode):
            return self._of_field(node)
        if isinstance(node, InlineFragmentNode):
            return self.of(node.selection_set)
        name = node.name.value
        if name not in self._sizes:
            # A fragment that spreads itself is refused by validation; until then it has no size.
            self._sizes[name] = Size()
            fragment = self._fragments.get(name)
            self._sizes[name] = Size() if fragment is None else self.of(fragment.selection_set)
        return self._sizes[name]

    def _of_field(self, node: FieldNode) -> Size:
        name = node.name.value
        below = self.of(node.selection_set)
        return replace(
            below,
            # The schema's own fields are measured by how often they lead on to other types.
            depth=1 if name.startswith("__") else below.depth + 1,
            fields=below.fields + 1,
            root_fields=1,
            aliases=below.aliases + (node.alias is not None),
            introspection=below.introspection + (name in _LISTS_OF_INTROSPECTION),
            asks_for_schema=below.asks_for_schema or name in ("__schema", "__type"),
        )


def size_of(document: DocumentNode, operation: OperationDefinitionNode) -> Size:
    """Measure an operation, valid or not."""
    size = _Measure(_fragments_of(document)).of(operation.selection_set)
    return replace(size, directives=size.directives + len(operation.directives or ()))


def most_fields(document: DocumentNode) -> int:
    """Count the fields of the largest operation or fragment, valid or not, asked for or not."""
    measure = _Measure(_fragments_of(document))
    definitions = (each for each in document.definitions if isinstance(each, ExecutableDefinitionNode))
    return max((measure.of(each.selection_set).fields for each in definitions), default=0)


def hold_to_limits(size: Size, limits: DocumentLimits) -> None:
    """Hold an operation to the limits of its size.

    Raises:
        CostExceeded: It is larger than one of them; the phrase says which.
    """
    allowed = {name: getattr(limits, name) for name in ("depth", "fields", "root_fields", "aliases", "directives")}
    allowed["introspection"] = _MOST_LISTS_OF_INTROSPECTION
    for name, most in allowed.items():
        if (found := getattr(size, name)) > most:
            raise exceeded(name, found, most)


def exceeded(name: str, found: int, most: int) -> CostExceeded:
    """Make the refusal of what is larger than the limit of that name."""
    # What fragments multiply to has more digits than anybody can read.
    return CostExceeded(phrase=f"limit-{name.replace('_', '-')}", found=min(found, _LARGEST_NUMBER), most=most)


class Costs:
    """The static cost of an operation, which has been held to its size, for any values of its variables.

    An object costs 1, and what `@cost` prints for its field besides; a list costs as much as all the objects that
    it may hold. Fields that a variable may skip count.

    Source: the IBM GraphQL cost directives specification.
    """

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        """Prepare to count a valid operation."""
        self._schema = schema
        self._fragments = _fragments_of(document)
        self._operation = operation
        self._defaults = {
            each.variable.name.value: int(each.default_value.value)
            for each in operation.variable_definitions or ()
            if isinstance(each.default_value, IntValueNode)
        }
        self._sizing = tuple(sorted(self._sizing_variables()))
        self._known: dict[tuple[int | None, ...], int] = {}

    def of(self, variables: Mapping[str, Any] | None) -> int:
        """Count the cost for the values of the variables, of which only those matter that say how long lists are."""
        key = self._sizes(variables or {}) if self._sizing else ()
        cost = self._known.get(key)
        if cost is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            root = self._schema.get_root_type(self._operation.operation)
            assert root is not None  # noqa: S101 - the operation is valid
            values = dict(zip(self._sizing, key, strict=True))
            cost = self._known[key] = self._of(self._operation.selection_set, root, values, {})
        return cost

    def _sizes(self, given: Mapping[str, Any]) -> tuple[int | None, ...]:
        return tuple(
            value if type(value := given.get(name)) is int else self._defaults.get(name) for name in self._sizing
        )

    def _of(
        self,
        selections: SelectionSetNode,
        parent: GraphQLCompositeType,
        values: Mapping[str, int | None],
        sizes: Mapping[str, int],
    ) -> int:
        """Count a selection on objects of a type.

        Args:
            selections: What is selected.
            parent: The type.
            values: The variables that say how long lists are.
            sizes: How many objects the fields give whose length the list above them has said.
        """
        cost = 0
        for node, of in self._fields(selections, parent):
            field = self._schema.get_field(of, node.name.value)
            if field is None or node.name.value.startswith("__"):
                continue
            weight = printed(Cost, field)
            cost += 0 if weight is None else round(float(weight.weight))
            behind = get_named_type(field.type)
            if not is_composite_type(behind) or node.selection_set is None:
                continue
            many, below = _length(node, field, values)
            cost += sizes.get(node.name.value, many) * (1 + self._of(node.selection_set, behind, values, below))
        return min(cost, _LARGEST_NUMBER)

    def _fields(
        self, selections: SelectionSetNode, parent: GraphQLCompositeType
    ) -> Iterator[tuple[FieldNode, GraphQLCompositeType]]:
        for node in selections.selections:
            if isinstance(node, FieldNode):
                yield node, parent
            elif isinstance(node, InlineFragmentNode):
                yield from self._fields(node.selection_set, self._type(node, parent))
            else:
                fragment = self._fragments[node.name.value]  # type: ignore[attr-defined]  # Only spreads are left.
                yield from self._fields(fragment.selection_set, self._type(fragment, parent))

    def _type(self, node: Any, parent: GraphQLCompositeType) -> GraphQLCompositeType:
        condition = node.type_condition
        return parent if condition is None else self._schema.type_map[condition.name.value]  # type: ignore[return-value]

    def _sizing_variables(self) -> set[str]:
        found: set[str] = set()
        waiting: list[Any] = [self._operation.selection_set, *(f.selection_set for f in self._fragments.values())]
        while waiting:
            for node in waiting.pop().selections:
                if getattr(node, "selection_set", None) is not None:
                    waiting.append(node.selection_set)
                for argument in getattr(node, "arguments", None) or ():
                    if argument.name.value in _SLICING and isinstance(argument.value, VariableNode):
                        found.add(argument.value.name.value)
        return found


def _length(node: FieldNode, field: GraphQLField, values: Mapping[str, int | None]) -> tuple[int, dict[str, int]]:
    """Give how many objects a field may give, and the same for the fields below whose length it says."""
    stated = printed(ListSize, field)
    if stated is None:
        return 1, {}
    length = stated.assumed_size or 1
    for name in stated.slicing_arguments or ():
        given = next((each.value for each in node.arguments or () if each.name.value == name), None)
        if isinstance(given, IntValueNode):
            length = int(given.value)
        elif isinstance(given, VariableNode) and (value := values.get(given.name.value)) is not None:
            length = value
    # What is out of range is refused where the list is read, in better words.
    length = max(0, min(length, MAX_LIMIT))
    return (1, dict.fromkeys(stated.sized_fields, length)) if stated.sized_fields else (length, {})


def _fragments_of(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
