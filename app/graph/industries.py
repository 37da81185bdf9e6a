"""The fields of industries: what can be read, what can be written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import strawberry

from app import entities
from app.domain import industries
from app.domain.audit import AuditedWork
from app.domain.policies import SKILLED_TRADERS
from app.domain.problems import IndustryUnknown
from app.graph import reading
from app.graph.answers import ERRORS, UserError
from app.graph.context import Info
from app.graph.directives import KEPT_A_MINUTE, LIMITED, PAGED
from app.graph.enums import WriteOutcome
from app.graph.filters import IndustryFilter, IndustryOrder, Limit, Offset
from app.graph.permissions import authorize
from app.graph.rules import KEY, rule_of, ruled
from app.graph.types import Industry, IndustryConnection
from app.graph.writes import Write, Writes, Written, identified, write
from app.kit.tables import key

UNSET = strawberry.UNSET


async def _industries(
    info: Info,
    filter: IndustryFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[IndustryOrder] | None = UNSET,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Any:
    return await reading.many(info)


async def _pages(
    info: Info,
    filter: IndustryFilter | None = UNSET,  # noqa: A002 - the contract's word
    order_by: list[IndustryOrder] | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Any:
    return await reading.many(info)


async def _industry(info: Info, id: strawberry.ID) -> Any:  # noqa: A002 - the contract's word
    industry = await reading.one(info, entities.Industry, id=key(id))
    if industry is None:
        raise IndustryUnknown(path=("id",))
    return industry


async def _industry_by_tag(info: Info, tag: str) -> Any:
    return await reading.one(info, entities.Industry, tag=tag)


@strawberry.type
class IndustryQueries:
    """What can be read of industries."""

    industries: list[Industry] | None = strawberry.field(
        resolver=_industries,
        description="The industries, as a plain list.",
        directives=[authorize(SKILLED_TRADERS), KEPT_A_MINUTE, LIMITED],
    )
    industries_connection: IndustryConnection | None = strawberry.field(
        resolver=_pages,
        description="The industries, page by page.",
        directives=[authorize(SKILLED_TRADERS), PAGED],
    )
    industry: Industry | None = strawberry.field(
        resolver=_industry, description="One industry.", directives=[authorize(SKILLED_TRADERS), KEPT_A_MINUTE]
    )
    industry_by_tag: Industry | None = strawberry.field(
        resolver=_industry_by_tag,
        description="One industry by its tag.",
        directives=[authorize(SKILLED_TRADERS), KEPT_A_MINUTE],
    )


@strawberry.input(
    description="A whole industry, as a client holds it. Without an id it is inserted, with one it is updated."
)
class IndustryUpsertInput:
    """A whole industry."""

    id: strawberry.ID | None = ruled(KEY, "The id; left out for a new industry.", default=UNSET)
    tag: str = ruled(rule_of(entities.Industry, "tag"), "The tag.")
    name: str = ruled(rule_of(entities.Industry, "name"), "The name.")
    expected_version: int | None = strawberry.field(
        default=UNSET, description="The version that the client read; left out, the last write wins."
    )


@strawberry.input(description="An industry to delete. It must have no shares.")
class IndustryDeleteInput:
    """An industry to delete."""

    id: strawberry.ID = ruled(KEY, "The id.")
    expected_version: int | None = strawberry.field(
        default=UNSET, description="The version that the client read; left out, whatever is there is deleted."
    )


@strawberry.type(description="The answer to a write of an industry.")
class IndustryPayload:
    """The answer to a write of an industry."""

    industry: Industry | None = strawberry.field(
        default=None, description="The industry as it is now; null if there are errors or it is gone."
    )
    outcome: WriteOutcome | None = strawberry.field(
        default=None, description="What was done; null if there are errors."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


async def _upsert(work: AuditedWork, values: Mapping[str, Any], now: datetime) -> Written:
    industry_id, expected, rest = identified(values)
    async with work.writing() as unit:
        return await industries.upsert(unit, industry_id, rest, expected_version=expected, now=now)


async def _delete(work: AuditedWork, values: Mapping[str, Any], _: datetime) -> Written:
    industry_id, expected, _rest = identified(values)
    async with work.writing() as unit:
        return None, await industries.delete(unit, industry_id, expected_version=expected)


INDUSTRY_WRITES: Writes = {
    "industryUpsert": Write(IndustryUpsertInput, _upsert),
    "industryDelete": Write(IndustryDeleteInput, _delete),
}
"""What each mutation of an industry does."""


@strawberry.type
class IndustryMutations:
    """What can be written of industries."""

    industry_upsert: IndustryPayload | None = write(
        INDUSTRY_WRITES["industryUpsert"],
        IndustryPayload,
        "industry",
        description="Inserts or updates an industry.",
    )
    industry_delete: IndustryPayload | None = write(
        INDUSTRY_WRITES["industryDelete"], IndustryPayload, "industry", description="Deletes an industry."
    )
