"""The fields of shares: what can be read, what can be written."""

from decimal import Decimal
from typing import Any

import strawberry

from app import entities
from app.domain import shares
from app.domain.policies import SKILLED_TRADERS, TRADER_MANAGERS
from app.domain.problems import ShareUnknown
from app.domain.writing import WriteOutcome as Outcome
from app.graph import reading
from app.graph.answers import ERRORS, UserError, mutation
from app.graph.context import Info
from app.graph.directives import COSTS_A_WRITE, LIMITED
from app.graph.enums import WriteOutcome
from app.graph.filters import Limit, Offset, ShareFilter, ShareOrder
from app.graph.permissions import authorize
from app.graph.rules import KEY, checked, rule_of, ruled
from app.graph.types import Share
from app.kit.tables import key

UNSET = strawberry.UNSET


async def _shares(
    info: Info,
    filter: ShareFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[ShareOrder] | None = UNSET,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    return await reading.many(info, entities.Share)


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


def _payload(share: entities.Share | None, outcome: Outcome) -> SharePayload:
    return SharePayload(share=share, outcome=WriteOutcome[outcome])  # type: ignore[arg-type]


async def _create(info: Info, input: ShareCreateInput) -> Any:  # noqa: A002 - the contract's word
    values = checked(input)
    async with info.context.work.writing() as unit:
        share, outcome = await shares.create(unit, values, now=info.context.now)
    return _payload(share, outcome)


async def _update(info: Info, input: ShareUpdateInput) -> Any:  # noqa: A002 - the contract's word
    values = checked(input)
    share_id, expected = values.pop("id"), values.pop("expected_version", None)
    async with info.context.work.writing() as unit:
        share, outcome = await shares.update(
            unit, share_id, values, expected_version=expected, now=info.context.now
        )
    return _payload(share, outcome)


async def _upsert(info: Info, input: ShareUpsertInput) -> Any:  # noqa: A002 - the contract's word
    values = checked(input)
    share_id, expected = values.pop("id", None), values.pop("expected_version", None)
    async with info.context.work.writing() as unit:
        share, outcome = await shares.upsert(
            unit, share_id, values, expected_version=expected, now=info.context.now
        )
    return _payload(share, outcome)


async def _delete(info: Info, input: ShareDeleteInput) -> Any:  # noqa: A002 - the contract's word
    values = checked(input)
    async with info.context.work.writing() as unit:
        outcome = await shares.delete(unit, values["id"], expected_version=values.get("expected_version"))
    return _payload(None, outcome)


@strawberry.type
class ShareMutations:
    """What can be written of shares."""

    share_create: SharePayload | None = mutation(
        _create, SharePayload, authorize(TRADER_MANAGERS), COSTS_A_WRITE, description="Inserts a share."
    )
    share_update: SharePayload | None = mutation(
        _update,
        SharePayload,
        authorize(TRADER_MANAGERS),
        COSTS_A_WRITE,
        description="Updates the given fields of a share.",
    )
    share_upsert: SharePayload | None = mutation(
        _upsert,
        SharePayload,
        authorize(TRADER_MANAGERS),
        COSTS_A_WRITE,
        description="Inserts or updates a share from a disconnected copy.",
    )
    share_delete: SharePayload | None = mutation(
        _delete, SharePayload, authorize(TRADER_MANAGERS), COSTS_A_WRITE, description="Deletes a share."
    )
