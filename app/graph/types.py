"""The types that stand for entities: columns by allow-list, computed fields written out."""

import base64
from datetime import datetime
from typing import Any

import strawberry
from strawberry import Parent

from app import entities
from app.domain import traders
from app.domain.policies import SKILLED_TRADERS, TRADER_MANAGERS, full_years
from app.graph import reading
from app.graph.context import Info
from app.graph.enums import PermitStatus
from app.graph.filters import ORDERS, Limit, Offset, ShareFilter, ShareOrder
from app.graph.permissions import authorize, authorize_or_owner
from app.graph.shelves import stands_for

UNSET = strawberry.UNSET


def global_id(record: Parent[Any]) -> strawberry.ID:
    """Make the key of a record that is unique over all types: opaque, so never taken apart by clients."""
    return strawberry.ID(base64.urlsafe_b64encode(f"{type(record).__name__}:{record.id}".encode()).decode())


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
        resolver=_shares_of, description="The industry's shares, as a plain list."
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


def _years_of_service(trader: Parent[entities.Trader], info: Info) -> int | None:
    return None if trader.date_joined is None else full_years(trader.date_joined, info.context.today)


@stands_for(
    entities.Trader,
    *("id", "email", "email_confirmed", "first_name", "last_name", "locale"),
    *("claimed_date_joined", "date_joined", "version"),
    directives=(authorize_or_owner(TRADER_MANAGERS),),
)
class Trader(Node):
    """A person who uses the service."""

    years_of_service: int | None = strawberry.field(
        resolver=_years_of_service, description="The full years since dateJoined."
    )


async def _trader_of(permit: Parent[entities.Permit], info: Info) -> Any:
    async with info.context.database.reading() as session:
        return await traders.find(session, permit.trader_id)


def _status(permit: Parent[entities.Permit], info: Info) -> PermitStatus:
    if permit.revoked_at is not None:
        return PermitStatus.REVOKED
    return PermitStatus.ACTIVE if permit.expires_at > info.context.now else PermitStatus.EXPIRED


def _current(permit: Parent[entities.Permit], info: Info) -> bool:
    return info.context.claims is not None and info.context.claims.permit_id == permit.id


@stands_for(
    entities.Permit,
    *("id", "device", "issued_at", "renewed_at", "expires_at", "revoked_at"),
    directives=(authorize_or_owner(TRADER_MANAGERS),),
)
class Permit(Node):
    """A device's right to use the service."""

    trader: Trader = strawberry.field(resolver=_trader_of, description="The trader who holds it.")
    status: PermitStatus = strawberry.field(resolver=_status, description="The state.")
    current: bool = strawberry.field(
        resolver=_current, description="Whether it is the one that this request was made with."
    )


@strawberry.type(
    description="The tokens of a permit. Sent only to the device that logged in or renewed; the server keeps no copy "
    "of the refresh token, only its hash."
)
class TokenPair:
    """The tokens of a permit."""

    access_token: str = strawberry.field(description="The short-lived JWT to send as Authorization: Bearer.")
    access_token_expires_at: datetime = strawberry.field(description="When the access token expires.")
    refresh_token: str = strawberry.field(
        description="The long-lived token to renew the permit with. Of no use for anything else, and of no use again "
        "once renewed."
    )
    refresh_token_expires_at: datetime = strawberry.field(description="When the refresh token expires.")
