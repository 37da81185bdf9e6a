"""What is selected below a field: fragments spread, directives asked, equal response keys merged."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
)
from graphql.execution.values import VariableValues
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective


@dataclass(frozen=True, slots=True)
class Selection:
    """A field's selection as the executor holds it: its nodes, and what they refer to."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: VariableValues
    nodes: Sequence[FieldNode]

    @property
    def name(self) -> str:
        """The field's name."""
        return self.nodes[0].name.value

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
