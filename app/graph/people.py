"""The types of traders, their permits, and what happened to them."""

from datetime import date, datetime
from typing import Any, TypeVar

import strawberry
from sqlmodel import col
from strawberry import Parent

from app import entities
from app.compiler.windows import Paging
from app.domain import traders
from app.domain.permits import listing
from app.domain.policies import TRADER_MANAGERS, Bearer, full_years, standings
from app.graph import connections
from app.graph.connections import PageInfo, asked_for, edges_of, node_of, nodes_of, page_info_of
from app.graph.context import Context, Info
from app.graph.directives import PAGED, ListSize
from app.graph.enums import AuditAction, PermitStatus, PolicyName
from app.graph.global_ids import opaque
from app.graph.permissions import authorize, authorize_or_owner
from app.graph.shelves import stands_for
from app.graph.types import Node
from app.kit.problem import Problem

UNSET = strawberry.UNSET

H = TypeVar("H")


@strawberry.type(description="How someone stands to a policy.")
class PolicyStanding:
    """How someone stands to a policy."""

    policy: PolicyName = strawberry.field(description="The policy.")
    satisfied: bool = strawberry.field(description="Whether it is satisfied.")
    reason: str = strawberry.field(description="Why, or why not, for people.")
    satisfied_from: date | None = strawberry.field(
        description="The day from which it will be satisfied, if it is a matter of time."
    )


def say_standings(bearer: Bearer, on: date, context: Context, *, confirmed: bool) -> list[PolicyStanding]:
    """Say how someone stands to each policy on a day, in the caller's language."""
    return [
        PolicyStanding(
            policy=PolicyName[each.policy.name],
            satisfied=each.satisfied,
            reason=context.say(each.reason, **each.params),
            satisfied_from=each.satisfied_from,
        )
        for each in standings(bearer, on, confirmed=confirmed)
    ]


@strawberry.type(description="An audit event on a page.")
class AuditEventEdge:
    """An audit event on a page."""

    cursor: str = strawberry.field(description="The place of the event.")
    node: "AuditEvent" = strawberry.field(resolver=node_of, description="The event.")


@strawberry.type(description="A page of audit events.")
class AuditEventConnection:
    """A page of audit events."""

    edges: list[AuditEventEdge] = strawberry.field(resolver=edges_of, description="The events with their cursors.")
    nodes: list["AuditEvent"] = strawberry.field(resolver=nodes_of, description="The events alone.")
    page_info: PageInfo = strawberry.field(resolver=page_info_of, description="Where the page lies.")


def _years_of_service(trader: Parent[entities.Trader], info: Info) -> int | None:
    return None if trader.date_joined is None else full_years(trader.date_joined, info.context.today)


def _policies(trader: Parent[entities.Trader], info: Info) -> list[PolicyStanding]:
    return say_standings(trader, info.context.today, info.context, confirmed=trader.email_confirmed)


async def _permits(trader: Parent[entities.Trader], info: Info, status: PermitStatus | None = UNSET) -> Any:
    return await info.context.load(_permits_of, (trader.id, listing.Status[status.name] if status else None))


async def _permits_of(context: Context, keys: list[tuple[int, listing.Status | None]]) -> list[Any]:
    found: dict[listing.Status | None, dict[int, list[entities.Permit]]] = {}
    async with context.database.reading() as session:
        for status, ids in _grouped(keys).items():
            found[status] = await listing.of_traders(session, ids, status=status, now=context.now)
    return [found[status][trader_id] for trader_id, status in keys]


def _grouped(keys: list[tuple[int, H]]) -> dict[H, list[int]]:
    groups: dict[H, list[int]] = {}
    for trader_id, asked in keys:
        groups.setdefault(asked, []).append(trader_id)
    return groups


async def _events(
    trader: Parent[entities.Trader],
    info: Info,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Any:
    return await info.context.load(_events_of, (trader.id, asked_for(first, after, last, before)))


async def _events_of(context: Context, keys: list[tuple[int, Paging]]) -> list[Any]:
    found: dict[Paging, Any] = {}
    owner = col(entities.AuditEvent.trader_id)
    async with context.database.reading() as session:
        for asked, ids in _grouped(keys).items():
            try:
                found[asked] = await connections.pages(
                    session, entities.AuditEvent, owner, ids, asked=asked, newest_first=True
                )
            except Problem as problem:
                # What is wrong with one alias of the field is nothing to the others.
                found[asked] = dict.fromkeys(ids, problem)
    return [found[asked][trader_id] for trader_id, asked in keys]


async def _locked_until(trader: Parent[entities.Trader], info: Info) -> datetime | None:
    until: datetime | None = await info.context.load(_lockouts_of, trader)
    return until


async def _lockouts_of(context: Context, found: list[entities.Trader]) -> list[datetime | None]:
    async with context.database.reading() as session:
        return await traders.lockouts(session, context.identity.seals, found, context.now)


@stands_for(
    entities.Trader,
    *("id", "email", "email_confirmed", "first_name", "last_name", "locale"),
    *("claimed_date_joined", "date_joined", "two_factor_enabled", "version"),
    directives=(authorize_or_owner(TRADER_MANAGERS),),
)
class Trader(Node):
    """A person who uses the service."""

    years_of_service: int | None = strawberry.field(
        resolver=_years_of_service, description="The full years since dateJoined."
    )
    policies: list[PolicyStanding] = strawberry.field(
        resolver=_policies, description="The policies, and whether the trader satisfies them today."
    )
    permits: list["Permit"] = strawberry.field(
        resolver=_permits,
        description="The trader's permits, newest first.",
        directives=[ListSize(assumed_size=20)],
    )
    events: AuditEventConnection = strawberry.field(
        resolver=_events,
        description="What happened to the trader's account, newest first.",
        directives=[PAGED],
    )
    locked_until: datetime | None = strawberry.field(
        resolver=_locked_until,
        description="Until when log-ins are refused after too many failed attempts.",
        directives=[authorize(TRADER_MANAGERS)],
    )


async def _trader_of(permit: Parent[entities.Permit], info: Info) -> Any:
    return await info.context.trader(permit.trader_id)


def _status(permit: Parent[entities.Permit], info: Info) -> PermitStatus:
    return PermitStatus[listing.status_of(permit, info.context.now)]


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


async def _actor_of(event: Parent[entities.AuditEvent], info: Info) -> Any:
    return None if event.actor_id is None else await info.context.trader(event.actor_id)


def _action(event: Parent[entities.AuditEvent]) -> AuditAction:
    return AuditAction[event.action]


def _subject(event: Parent[entities.AuditEvent]) -> strawberry.ID | None:
    return None if event.subject_id is None else opaque(event.subject_id)


@stands_for(
    entities.AuditEvent,
    *("id", "at", "request_id", "device"),
    directives=(authorize_or_owner(TRADER_MANAGERS),),
)
class AuditEvent(Node):
    """A thing that happened to an account or a record."""

    action: AuditAction = strawberry.field(resolver=_action, description="What happened.")
    actor: Trader | None = strawberry.field(
        resolver=_actor_of, description="Who did it; null if nobody was logged in."
    )
    subject_id: strawberry.ID | None = strawberry.field(
        resolver=_subject, description="The globalId of the record that it happened to."
    )
