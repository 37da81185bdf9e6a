"""The types that stand for entities: columns by allow-list, computed fields written out."""

import base64
from typing import Any

import strawberry
from strawberry import Parent

from app import entities
from app.domain.policies import SKILLED_TRADERS
from app.graph import reading
from app.graph.context import Info
from app.graph.directives import LIMITED
from app.graph.filters import ORDERS, Limit, Offset, ShareFilter, ShareOrder
from app.graph.permissions import authorize
from app.graph.shelves import stands_for

UNSET = strawberry.UNSET


def global_id(record: Parent[Any]) -> strawberry.ID:
    """Make the key of a record that is unique over all types: opaque, so never taken apart by clients."""
    return opaque(f"{type(record).__name__}:{record.id}")


def opaque(name: str) -> strawberry.ID:
    """Encode a type's name and a key, so that nobody is tempted to make one."""
    return strawberry.ID(base64.urlsafe_b64encode(name.encode()).decode())


@strawberry.interface(description="A record that can be fetched again by a key that is unique over all types.")
class Node:
    """What every record has."""

    global_id: strawberry.ID = strawberry.field(
        resolver=global_id, description="The key, unique over all types and opaque."
    )


async def _shares_of(
    industry: Parent[entities.Industry],
    info: Info,
    filter: ShareFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[ShareOrder] | None = UNSET,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    return await reading.related(info, industry, "shares")


async def _industry_of(share: Parent[entities.Share], info: Info) -> Any:
    return await reading.related(info, share, "industry")


@stands_for(
    entities.Industry,
    *("id", "tag", "name", "version", "created_at", "updated_at"),
    relations=("shares",),
    orders=ORDERS,
    directives=(authorize(SKILLED_TRADERS),),
)
class Industry(Node):
    """A branch of business that shares belong to."""

    shares: list["Share"] = strawberry.field(
        resolver=_shares_of, description="The industry's shares, as a plain list.", directives=[LIMITED]
    )


@stands_for(
    entities.Share,
    *("id", "tag", "price", "industry_id", "version", "created_at", "updated_at"),
    relations=("industry",),
    orders=ORDERS,
    directives=(authorize(SKILLED_TRADERS),),
)
class Share(Node):
    """A share in a company."""

    industry: Industry = strawberry.field(
        resolver=_industry_of, description="The industry that the share belongs to."
    )
