"""The fields of shares: what can be read, what can be written."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from app import entities
from app.domain import shares
from app.domain.audit import AuditedWork
from app.domain.policies import SKILLED_TRADERS
from app.domain.problems import ShareUnknown
from app.graph import reading
from app.graph.answers import ERRORS, UserError
from app.graph.context import Info
from app.graph.directives import LIMITED, PAGED
from app.graph.enums import WriteOutcome
from app.graph.filters import Limit, Offset, ShareFilter, ShareOrder
from app.graph.permissions import authorize
from app.graph.rules import KEY, rule_of, ruled
from app.graph.types import Share, ShareConnection
from app.graph.writes import Write, Writes, Written, identified, write
from app.kit.tables import key

UNSET = strawberry.UNSET


async def _shares(
    info: Info,
    filter: ShareFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[ShareOrder] | None = UNSET,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    return await reading.many(info)


async def _pages(
    info: Info,
    filter: ShareFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[ShareOrder] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Any:
    return await reading.many(info)


async def _share(info: Info, id: strawberry.ID) -> Any:  # noqa: A002 - the contract's word
    share = await reading.one(info, entities.Share, id=key(id))
    if share is None:
        raise ShareUnknown(path=("id",))
    return share


async def _share_by_tag(info: Info, tag: str) -> Any:
    return await reading.one(info, entities.Share, tag=entities.normal_tag(tag))


@strawberry.type
class ShareQueries:
    """What can be read of shares."""

    shares: list[Share] | None = strawberry.field(
        resolver=_shares,
        description="The shares of all industries, as a plain list.",
        directives=[authorize(SKILLED_TRADERS), LIMITED],
    )
    shares_connection: ShareConnection | None = strawberry.field(
        resolver=_pages,
        description="The shares of all industries, page by page.",
        directives=[authorize(SKILLED_TRADERS), PAGED],
    )
    share: Share | None = strawberry.field(
        resolver=_share, description="One share.", directives=[authorize(SKILLED_TRADERS)]
    )
    share_by_tag: Share | None = strawberry.field(
        resolver=_share_by_tag, description="One share by its tag.", directives=[authorize(SKILLED_TRADERS)]
    )


_TAG = rule_of(entities.Share, "tag")
_TAG_DESCRIPTION = "The tag; white space is taken out and letters are made upper case."
_PRICE = rule_of(entities.Share, "price")
_PRICE_DESCRIPTION = "The price, with at most four decimals."
_INDUSTRY_DESCRIPTION = "The id of the industry."
_EXPECTED = "The version that the client read; left out, the last write wins."


@strawberry.input(description="A new share.")
class ShareCreateInput:
    """A new share."""

    industry_id: strawberry.ID = ruled(KEY, _INDUSTRY_DESCRIPTION)
    tag: str = ruled(_TAG, _TAG_DESCRIPTION)
    price: Decimal = ruled(_PRICE, _PRICE_DESCRIPTION)


@strawberry.input(description="Changes to a share. Fields left out stay as they are.")
class ShareUpdateInput:
    """Changes to a share."""

    id: strawberry.ID = ruled(KEY, "The id.")
    industry_id: strawberry.ID | None = ruled(KEY, _INDUSTRY_DESCRIPTION, default=UNSET)
    tag: str | None = ruled(_TAG, _TAG_DESCRIPTION, default=UNSET)
    price: Decimal | None = ruled(_PRICE, _PRICE_DESCRIPTION, default=UNSET)
    expected_version: int | None = strawberry.field(default=UNSET, description=_EXPECTED)


@strawberry.input(
    description="A whole share, as a client holds it. Without an id it is inserted, with one it is updated."
)
class ShareUpsertInput:
    """A whole share."""

    id: strawberry.ID | None = ruled(KEY, "The id; left out for a new share.", default=UNSET)
    industry_id: strawberry.ID = ruled(KEY, _INDUSTRY_DESCRIPTION)
    tag: str = ruled(_TAG, _TAG_DESCRIPTION)
    price: Decimal = ruled(_PRICE, _PRICE_DESCRIPTION)
    expected_version: int | None = strawberry.field(default=UNSET, description=_EXPECTED)


@strawberry.input(description="A share to delete.")
class ShareDeleteInput:
    """A share to delete."""

    id: strawberry.ID = ruled(KEY, "The id.")
    expected_version: int | None = strawberry.field(
        default=UNSET, description="The version that the client read; left out, whatever is there is deleted."
    )


@strawberry.type(description="The answer to a write of a share.")
class SharePayload:
    """The answer to a write of a share."""

    share: Share | None = strawberry.field(
        default=None, description="The share as it is now; null if there are errors or it is gone."
    )
    outcome: WriteOutcome | None = strawberry.field(
        default=None, description="What was done; null if there are errors."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


async def _create(work: AuditedWork, values: Mapping[str, Any], now: datetime) -> Written:
    async with work.writing() as unit:
        return await shares.create(unit, values, now=now)


async def _update(work: AuditedWork, values: Mapping[str, Any], now: datetime) -> Written:
    share_id, expected, rest = identified(values)
    async with work.writing() as unit:
        return await shares.update(unit, share_id, rest, expected_version=expected, now=now)


async def _upsert(work: AuditedWork, values: Mapping[str, Any], now: datetime) -> Written:
    share_id, expected, rest = identified(values)
    async with work.writing() as unit:
        return await shares.upsert(unit, share_id, rest, expected_version=expected, now=now)


async def _delete(work: AuditedWork, values: Mapping[str, Any], _: datetime) -> Written:
    share_id, expected, _rest = identified(values)
    async with work.writing() as unit:
        return None, await shares.delete(unit, share_id, expected_version=expected)


SHARE_WRITES: Writes = {
    "shareCreate": Write(ShareCreateInput, _create),
    "shareUpdate": Write(ShareUpdateInput, _update),
    "shareUpsert": Write(ShareUpsertInput, _upsert),
    "shareDelete": Write(ShareDeleteInput, _delete),
}
"""What each mutation of a share does."""


@strawberry.type
class ShareMutations:
    """What can be written of shares."""

    share_create: SharePayload | None = write(
        SHARE_WRITES["shareCreate"], SharePayload, "share", description="Inserts a share."
    )
    share_update: SharePayload | None = write(
        SHARE_WRITES["shareUpdate"], SharePayload, "share", description="Updates the given fields of a share."
    )
    share_upsert: SharePayload | None = write(
        SHARE_WRITES["shareUpsert"],
        SharePayload,
        "share",
        description="Inserts or updates a share from a disconnected copy.",
    )
    share_delete: SharePayload | None = write(
        SHARE_WRITES["shareDelete"], SharePayload, "share", description="Deletes a share."
    )
