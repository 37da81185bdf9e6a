"""How long, and by whom, the answer to an operation may be kept: what `@cacheControl` makes of its fields."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import strawberry
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLNamedType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_composite_type,
)

from app.graph.directives import Authorize, CacheControl, printed
from app.graph.enums import CacheControlScope, PolicyName


@dataclass(frozen=True, slots=True)
class Keeping:
    """How an answer may be kept.

    Attributes:
        seconds: For how long; 0 if it has to be asked for each time.
        by_all: Whether any cache on the way may keep it; False leaves it to the caller's own.
    """

    seconds: int
    by_all: bool


ASK_EACH_TIME = Keeping(seconds=0, by_all=False)

UNSET = strawberry.UNSET

_NO_HINT = CacheControl()


def keeping_of(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode) -> Keeping:
    """Work out how the answer to a valid operation may be kept.

    The shortest time of its fields is the answer's. A field's own directive goes before the one of its type.
    Without either, a root field and a field that gives objects count as 0, and any other inherits from the
    field above; so does one that says `inheritMaxAge`. Fields that a variable may skip count as well.

    Apollo's default scope is public; ours is private, for nearly every field asks for a policy. An answer is
    anybody's only if all its root fields say so, and nothing in it says PRIVATE or asks for a policy.

    Source: the documentation of Apollo Server, "Server-side caching", and its cache control plugin.
    """
    if operation.operation is not OperationType.QUERY:
        return ASK_EACH_TIME
    seconds: int | None = None
    by_all = True
    for parent, field in fields_of(schema, document, operation):
        is_root = parent is schema.query_type
        age = _age_of(field, is_root=is_root)
        if age is not None:
            seconds = age if seconds is None else min(seconds, age)
        by_all = by_all and _is_for_all(schema, field, is_root=is_root)
    # What has no field with a time says nothing but names of types.
    return ASK_EACH_TIME if seconds is None else Keeping(seconds=max(0, seconds), by_all=by_all)


def fields_of(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode
) -> Iterator[tuple[GraphQLNamedType, GraphQLField]]:
    """Give every field of an operation with its parent, whatever a variable may skip."""
    fragments = {
        node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
    }
    root = schema.get_root_type(operation.operation)
    assert root is not None  # noqa: S101 - the operation is valid
    # A stack of our own, and each fragment once: documents may nest deeply, and fragments name each other, so
    # that thirty levels of two would be a thousand million fields.
    waiting: list[tuple[GraphQLNamedType, SelectionSetNode]] = [(root, operation.selection_set)]
    while waiting:
        parent, selections = waiting.pop()
        for node in selections.selections:
            if isinstance(node, FieldNode):
                if node.name.value == "__typename":
                    continue
                field = schema.get_field(cast("GraphQLCompositeType", parent), node.name.value)
                assert field is not None  # noqa: S101 - the operation is valid
                yield parent, field
                if node.selection_set is not None:
                    waiting.append((get_named_type(field.type), node.selection_set))
            elif isinstance(node, InlineFragmentNode):
                condition = node.type_condition
                within = parent if condition is None else schema.type_map[condition.name.value]
                waiting.append((within, node.selection_set))
            elif isinstance(node, FragmentSpreadNode):
                fragment = fragments.pop(node.name.value, None)
                if fragment is not None:
                    within = schema.type_map[fragment.type_condition.name.value]
                    waiting.append((within, fragment.selection_set))


def _age_of(field: GraphQLField, *, is_root: bool) -> int | None:
    """Give the time of a field in seconds; None if it inherits."""
    behind = get_named_type(field.type)
    gives_objects = is_composite_type(behind)
    own = printed(CacheControl, field) or _NO_HINT
    of_type = (printed(CacheControl, behind) if gives_objects else None) or _NO_HINT
    for hint in (own, of_type):
        if hint.max_age is not None and hint.max_age is not UNSET:
            return hint.max_age
    inherits = own.inherit_max_age or of_type.inherit_max_age
    return 0 if is_root or (gives_objects and not inherits) else None


def _is_for_all(schema: GraphQLSchema, field: GraphQLField, *, is_root: bool) -> bool:
    """Say whether a field leaves the answer anybody's."""
    behind = get_named_type(field.type)
    reached = [behind, *(schema.get_possible_types(behind) if is_abstract_type(behind) else ())]
    doors = [printed(Authorize, each) for each in (field, *reached)]
    if any(door is not None and door.policy is not PolicyName.ANYONE for door in doors):
        return False
    hints = [printed(CacheControl, each) for each in (field, behind)]
    scope = next((hint.scope for hint in hints if hint is not None and hint.scope), None)
    return scope is CacheControlScope.PUBLIC or (scope is None and not is_root)
