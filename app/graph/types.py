"""The types that stand for entities: columns by allow-list, computed fields written out."""

from typing import Any

import strawberry
from strawberry import Parent

from app import entities
from app.domain.policies import SKILLED_TRADERS
from app.graph import reading
from app.graph.connections import (
    PageInfo,
    ShareAggregates,
    edges_of,
    figures_of,
    node_of,
    nodes_of,
    page_info_of,
    total_of,
)
from app.graph.context import Info
from app.graph.directives import COSTS_A_COUNT, COSTS_FIGURES, LIMITED, PAGED
from app.graph.filters import ORDERS, Limit, Offset, ShareFilter, ShareOrder
from app.graph.global_ids import global_id
from app.graph.permissions import authorize
from app.graph.shelves import stands_for

UNSET = strawberry.UNSET


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


async def _share_pages_of(
    industry: Parent[entities.Industry],
    info: Info,
    filter: ShareFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[ShareOrder] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Any:
    return await reading.related(info, industry, "shares")


async def _industry_of(share: Parent[entities.Share], info: Info) -> Any:
    return await reading.related(info, share, "industry")


@stands_for(
    entities.Industry,
    *("id", "tag", "name", "version", "created_at", "updated_at"),
    relations={"shares": "shares", "shares_connection": "shares"},
    orders=ORDERS,
    directives=(authorize(SKILLED_TRADERS),),
)
class Industry(Node):
    """A branch of business that shares belong to."""

    shares: list["Share"] = strawberry.field(
        resolver=_shares_of, description="The industry's shares, as a plain list.", directives=[LIMITED]
    )
    shares_connection: "ShareConnection" = strawberry.field(
        resolver=_share_pages_of, description="The industry's shares, page by page.", directives=[PAGED]
    )


@stands_for(
    entities.Share,
    *("id", "tag", "price", "industry_id", "version", "created_at", "updated_at"),
    relations={"industry": "industry"},
    orders=ORDERS,
    amount="price",
    directives=(authorize(SKILLED_TRADERS),),
)
class Share(Node):
    """A share in a company."""

    industry: Industry = strawberry.field(
        resolver=_industry_of, description="The industry that the share belongs to."
    )


@strawberry.type(description="An industry on a page.")
class IndustryEdge:
    """An industry on a page."""

    cursor: str = strawberry.field(description="The place of the industry.")
    node: Industry = strawberry.field(resolver=node_of, description="The industry.")


@strawberry.type(description="A page of industries.")
class IndustryConnection:
    """A page of industries."""

    edges: list[IndustryEdge] = strawberry.field(
        resolver=edges_of, description="The industries with their cursors."
    )
    nodes: list[Industry] = strawberry.field(resolver=nodes_of, description="The industries alone.")
    page_info: PageInfo = strawberry.field(resolver=page_info_of, description="Where the page lies.")
    total_count: int = strawberry.field(
        resolver=total_of, description="How many there are on all pages.", directives=[COSTS_A_COUNT]
    )


@strawberry.type(description="A share on a page.")
class ShareEdge:
    """A share on a page."""

    cursor: str = strawberry.field(description="The place of the share.")
    node: Share = strawberry.field(resolver=node_of, description="The share.")


@strawberry.type(description="A page of shares.")
class ShareConnection:
    """A page of shares."""

    edges: list[ShareEdge] = strawberry.field(resolver=edges_of, description="The shares with their cursors.")
    nodes: list[Share] = strawberry.field(resolver=nodes_of, description="The shares alone.")
    page_info: PageInfo = strawberry.field(resolver=page_info_of, description="Where the page lies.")
    total_count: int = strawberry.field(
        resolver=total_of, description="How many there are on all pages.", directives=[COSTS_A_COUNT]
    )
    aggregates: ShareAggregates = strawberry.field(
        resolver=figures_of, description="Figures over all pages.", directives=[COSTS_FIGURES]
    )
