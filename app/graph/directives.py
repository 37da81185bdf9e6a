"""The directives that the schema prints: what they say is what the server enforces."""

import strawberry
from strawberry.schema_directive import Location

from app.graph.enums import PolicyName


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
