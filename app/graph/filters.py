"""What lists can be filtered and ordered by; `app.compiler.conditions` says it in SQL."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry

from app.compiler.windows import MAX_LIMIT
from app.graph.directives import Constraint
from app.graph.enums import IndustryOrderField, ShareOrderField, SortDirection

UNSET = strawberry.UNSET

_EQ, _IN = "Is this.", "Is one of these."
_AND, _OR, _NOT = "All of these hold.", "One of these holds.", "This does not hold."

Limit = Annotated[int, strawberry.argument(directives=[Constraint(min=0.0, max=float(MAX_LIMIT))])]
"""How many items a list gives at most."""

Offset = Annotated[int, strawberry.argument(directives=[Constraint(min=0.0)])]
"""How many items a list passes over first."""

ORDERS = {"ID": "id", "TAG": "tag", "NAME": "name", "PRICE": "price", "UPDATED_AT": "updated_at"}
"""The attribute of each value of the order enums."""


@strawberry.input(description="Selects by id.")
class IdFilter:
    """Selects by id."""

    eq: strawberry.ID | None = strawberry.field(default=UNSET, description="Is this one.")
    in_: list[strawberry.ID] | None = strawberry.field(name="in", default=UNSET, description=_IN)


@strawberry.input(description="Selects by text, with upper and lower case alike.")
class StringFilter:
    """Selects by text."""

    eq: str | None = strawberry.field(default=UNSET, description=_EQ)
    in_: list[str] | None = strawberry.field(name="in", default=UNSET, description=_IN)
    starts_with: str | None = strawberry.field(default=UNSET, description="Begins with this.")
    contains: str | None = strawberry.field(default=UNSET, description="Holds this.")


@strawberry.input(description="Selects by number.")
class DecimalFilter:
    """Selects by number."""

    eq: Decimal | None = strawberry.field(default=UNSET, description=_EQ)
    gte: Decimal | None = strawberry.field(default=UNSET, description="Is this or more.")
    gt: Decimal | None = strawberry.field(default=UNSET, description="Is more than this.")
    lte: Decimal | None = strawberry.field(default=UNSET, description="Is this or less.")
    lt: Decimal | None = strawberry.field(default=UNSET, description="Is less than this.")


@strawberry.input(description="Selects by moment.")
class DateTimeFilter:
    """Selects by moment."""

    gte: datetime | None = strawberry.field(default=UNSET, description="Is this or later.")
    lt: datetime | None = strawberry.field(default=UNSET, description="Is earlier than this.")


@strawberry.input(description="Selects industries. All the fields given must hold.")
class IndustryFilter:
    """Selects industries."""

    and_: list["IndustryFilter"] | None = strawberry.field(name="and", default=UNSET, description=_AND)
    or_: list["IndustryFilter"] | None = strawberry.field(name="or", default=UNSET, description=_OR)
    not_: "IndustryFilter | None" = strawberry.field(name="not", default=UNSET, description=_NOT)
    id: IdFilter | None = strawberry.field(default=UNSET, description="The id.")
    tag: StringFilter | None = strawberry.field(default=UNSET, description="The tag.")
    name: StringFilter | None = strawberry.field(default=UNSET, description="The name.")
    updated_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the record last changed."
    )


@strawberry.input(description="Selects shares. All the fields given must hold.")
class ShareFilter:
    """Selects shares."""

    and_: list["ShareFilter"] | None = strawberry.field(name="and", default=UNSET, description=_AND)
    or_: list["ShareFilter"] | None = strawberry.field(name="or", default=UNSET, description=_OR)
    not_: "ShareFilter | None" = strawberry.field(name="not", default=UNSET, description=_NOT)
    id: IdFilter | None = strawberry.field(default=UNSET, description="The id.")
    industry_id: IdFilter | None = strawberry.field(default=UNSET, description="The id of the industry.")
    tag: StringFilter | None = strawberry.field(default=UNSET, description="The tag.")
    price: DecimalFilter | None = strawberry.field(default=UNSET, description="The price on record.")
    updated_at: DateTimeFilter | None = strawberry.field(
        default=UNSET, description="When the record last changed."
    )


@strawberry.input(description="Orders industries.")
class IndustryOrder:
    """Orders industries."""

    field: IndustryOrderField = strawberry.field(description="By what.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="In which direction.")


@strawberry.input(description="Orders shares.")
class ShareOrder:
    """Orders shares."""

    field: ShareOrderField = strawberry.field(description="By what.")
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="In which direction.")


def as_given(chosen: StringFilter) -> dict[str, Any]:
    """Give a filter as the client wrote it, which is how `app.compiler.conditions` reads it."""
    written = {"eq": chosen.eq, "in": chosen.in_, "startsWith": chosen.starts_with, "contains": chosen.contains}
    return {name: value for name, value in written.items() if value is not UNSET}
