"""The directives that the schema prints: what they say is what the server enforces."""

from typing import Any, TypeVar

import strawberry
from graphql import GraphQLField, GraphQLNamedType
from strawberry.schema.schema_converter import GraphQLCoreConverter
from strawberry.schema_directive import Location

from app.graph.enums import CacheControlScope, PolicyName

D = TypeVar("D")


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.OBJECT],
    name="authorize",
    description="The policy that the caller's access token must satisfy. With orOwner, the trader that the object "
    "belongs to passes too. The server enforces exactly what is printed here.",
)
class Authorize:
    """The policy of a field or of a type; `app.graph.permissions` puts the door there."""

    policy: PolicyName
    or_owner: bool | None = strawberry.UNSET


@strawberry.schema_directive(
    locations=[Location.ARGUMENT_DEFINITION, Location.INPUT_FIELD_DEFINITION],
    name="constraint",
    description="The rule that the server checks, for clients that check it first. A value that breaks it comes back "
    "as an InvalidInput error.",
)
class Constraint:
    """The rule of an input field or of an argument; `app.graph.rules` checks it."""

    min_length: int | None = strawberry.UNSET
    max_length: int | None = strawberry.UNSET
    pattern: str | None = strawberry.UNSET
    format: str | None = strawberry.UNSET
    min: float | None = strawberry.UNSET
    max: float | None = strawberry.UNSET


@strawberry.schema_directive(
    locations=[
        Location.ARGUMENT_DEFINITION,
        Location.ENUM,
        Location.FIELD_DEFINITION,
        Location.INPUT_FIELD_DEFINITION,
        Location.OBJECT,
        Location.SCALAR,
    ],
    name="cost",
    description="What the field adds to an operation's cost, before it is multiplied by the size of the lists above it. "
    "As in the IBM GraphQL cost specification.",
)
class Cost:
    """What a field costs."""

    weight: str


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION],
    name="listSize",
    description="How many items a list holds when its cost is counted. As in the IBM GraphQL cost specification.",
)
class ListSize:
    """How long a list is taken to be."""

    assumed_size: int | None = strawberry.UNSET
    slicing_arguments: list[str] | None = strawberry.UNSET
    sized_fields: list[str] | None = strawberry.UNSET
    require_one_slicing_argument: bool | None = strawberry.UNSET


@strawberry.schema_directive(
    locations=[Location.FIELD_DEFINITION, Location.INTERFACE, Location.OBJECT, Location.UNION],
    name="cacheControl",
    description="How long, in seconds, a response that holds the field may be kept, and by whom. As in Apollo Server.",
)
class CacheControl:
    """How long what a field gives may be kept; `app.graph.keeping` works out what that makes of an operation."""

    max_age: int | None = strawberry.UNSET
    scope: CacheControlScope | None = strawberry.UNSET
    inherit_max_age: bool | None = strawberry.UNSET


def printed(kind: type[D], of: GraphQLField | GraphQLNamedType) -> D | None:
    """Give the directive of a kind that a field or a type prints; None if it prints none."""
    definition: Any = of.extensions.get(GraphQLCoreConverter.DEFINITION_BACKREF)
    directives = getattr(definition, "directives", None) or ()
    return next((directive for directive in directives if isinstance(directive, kind)), None)


KEPT_A_MINUTE = CacheControl(max_age=60)


def costs_a_hash(field: GraphQLField) -> bool:
    """Say whether a field may hash a password, as its `@cost` prints."""
    return printed(Cost, field) == COSTS_A_HASH


COSTS_A_WRITE = Cost(weight="10.0")
COSTS_A_HASH = Cost(weight="50.0")
COSTS_A_COUNT = Cost(weight="2.0")
COSTS_FIGURES = Cost(weight="5.0")

LIMITED = ListSize(assumed_size=100, slicing_arguments=["limit"], require_one_slicing_argument=False)
PAGED = ListSize(
    assumed_size=100,
    slicing_arguments=["first", "last"],
    sized_fields=["edges", "nodes"],
    require_one_slicing_argument=False,
)
