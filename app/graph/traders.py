"""The fields of traders: who they are, what they may, what happened to them."""

from datetime import date
from typing import Any

import strawberry
from sqlalchemy import ColumnElement
from sqlmodel import col
from strawberry import Parent

from app import entities
from app.compiler.conditions import conditions
from app.domain import traders
from app.domain.permits import registering, revoking
from app.domain.policies import ADMINISTRATORS, ANYONE, TRADER_MANAGERS, Supposed
from app.domain.problems import TraderUnknown
from app.graph import connections
from app.graph.answers import ERRORS, UserError, mutation
from app.graph.connections import Page, PageInfo, asked_for, edges_of, node_of, nodes_of, page_info_of
from app.graph.context import Info
from app.graph.directives import COSTS_A_COUNT, COSTS_A_WRITE, PAGED
from app.graph.enums import AuditAction
from app.graph.filters import StringFilter, as_given
from app.graph.people import (
    AuditEventConnection,
    PolicyStanding,
    Trader,
    say_standings,
)
from app.graph.permissions import ask, authorize, authorize_or_owner, caller, refuse
from app.graph.rules import KEY, checked, rule_of, ruled
from app.graph.shelves import shelf_of
from app.kit.problem import InvalidInput
from app.kit.tables import key

UNSET = strawberry.UNSET


@strawberry.input(description="Selects traders. All the fields given must hold.")
class TraderFilter:
    """Selects traders."""

    email: StringFilter | None = strawberry.field(default=UNSET, description="The e-mail address.")
    awaits_verification: bool | None = strawberry.field(
        default=UNSET, description="Whether a joining date waits to be verified."
    )


@strawberry.type(description="A trader on a page.")
class TraderEdge:
    """A trader on a page."""

    cursor: str = strawberry.field(description="The place of the trader.")
    node: Trader = strawberry.field(resolver=node_of, description="The trader.")


async def _total(page: Parent[Page[Any]], info: Info) -> int:
    async with info.context.database.reading() as session:
        return await connections.count(session, entities.Trader, *page.where)


@strawberry.type(description="A page of traders.")
class TraderConnection:
    """A page of traders."""

    edges: list[TraderEdge] = strawberry.field(resolver=edges_of, description="The traders with their cursors.")
    nodes: list[Trader] = strawberry.field(resolver=nodes_of, description="The traders alone.")
    page_info: PageInfo = strawberry.field(resolver=page_info_of, description="Where the page lies.")
    total_count: int = strawberry.field(
        resolver=_total, description="How many there are on all pages.", directives=[COSTS_A_COUNT]
    )


async def _me(info: Info) -> Any:
    if info.context.claims is None:
        return None
    return await info.context.trader(info.context.claims.trader_id)


async def _trader(info: Info, id: strawberry.ID) -> Any:  # noqa: A002 - the contract's word
    trader_id = key(id)
    if not info.context.owns(trader_id):
        ask(TRADER_MANAGERS, info)
    trader = await info.context.trader(trader_id)
    if trader is None:
        raise TraderUnknown(path=("id",))
    return trader


async def _traders(
    info: Info,
    filter: TraderFilter | None = UNSET,  # noqa: A002 - the contract's word
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Any:
    asked = asked_for(first, after, last, before)
    async with info.context.database.reading() as session:
        return await connections.page(
            session, entities.Trader, *(_conditions(filter) if filter else ()), asked=asked
        )


def _conditions(given: TraderFilter) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = []
    if given.email:
        where.append(conditions(shelf_of(Trader), entities.Trader, {"email": as_given(given.email)}))
    if isinstance(given.awaits_verification, bool):
        claimed, verified = col(entities.Trader.claimed_date_joined), col(entities.Trader.date_joined)
        awaits = claimed.is_not(None) & verified.is_(None)
        where.append(awaits if given.awaits_verification else ~awaits)
    return where


async def _standings(
    info: Info,
    trader_id: strawberry.ID | None = UNSET,
    date_joined: date | None = UNSET,
    on: date | None = UNSET,
) -> Any:
    context, day = info.context, on or info.context.today
    if not trader_id:
        return say_standings(Supposed(date_joined or None), day, context, confirmed=True)
    trader = await context.trader(key(trader_id))
    if trader is None:
        raise TraderUnknown(path=("traderId",))
    supposed = Supposed(date_joined, trader.roles) if date_joined else trader
    return say_standings(supposed, day, context, confirmed=trader.email_confirmed)


async def _audit_events(
    info: Info,
    action: AuditAction | None = UNSET,
    actor_id: strawberry.ID | None = UNSET,
    first: int | None = UNSET,
    after: str | None = UNSET,
    last: int | None = UNSET,
    before: str | None = UNSET,
) -> Any:
    where = []
    if action:
        where.append(col(entities.AuditEvent.action) == action.name)
    if actor_id:
        where.append(col(entities.AuditEvent.actor_id) == key(actor_id))
    asked = asked_for(first, after, last, before)
    async with info.context.database.reading() as session:
        return await connections.page(session, entities.AuditEvent, *where, asked=asked, newest_first=True)


@strawberry.type
class TraderQueries:
    """What can be read of traders."""

    me: Trader | None = strawberry.field(
        resolver=_me,
        description="The caller; null without an access token.",
        directives=[authorize(ANYONE)],
    )
    trader: Trader | None = strawberry.field(
        resolver=_trader, description="One trader.", directives=[authorize_or_owner(TRADER_MANAGERS)]
    )
    traders_connection: TraderConnection | None = strawberry.field(
        resolver=_traders,
        description="The traders, page by page.",
        directives=[authorize(TRADER_MANAGERS), PAGED],
    )
    policy_standings: list[PolicyStanding] | None = strawberry.field(
        resolver=_standings,
        description="How a trader would stand to each policy on a day, or how anyone would with a given joining date.",
        directives=[authorize(TRADER_MANAGERS)],
    )
    audit_events_connection: AuditEventConnection | None = strawberry.field(
        resolver=_audit_events,
        description="What happened, newest first, page by page.",
        directives=[authorize(ADMINISTRATORS), PAGED],
    )


@strawberry.input(description="Changes to a trader's profile. Fields left out stay as they are.")
class TraderUpdateInput:
    """Changes to a profile."""

    id: strawberry.ID | None = ruled(KEY, "The trader; oneself if left out.", default=UNSET)
    first_name: str | None = ruled(rule_of(entities.Trader, "first_name"), "The first name.", default=UNSET)
    last_name: str | None = ruled(rule_of(entities.Trader, "last_name"), "The last name.", default=UNSET)
    locale: str | None = strawberry.field(
        default=UNSET, description="The language for messages and e-mails, as a BCP 47 tag."
    )


@strawberry.input(description="A trader's verified joining date.")
class TraderVerifyInput:
    """A verified joining date."""

    id: strawberry.ID = ruled(KEY, "The trader.")
    date_joined: date | None = strawberry.field(
        default=UNSET, description="The day of joining; null takes it away."
    )


@strawberry.input(description="A trader whose lockout is to be lifted.")
class TraderUnlockInput:
    """A trader to unlock."""

    id: strawberry.ID = ruled(KEY, "The trader.")


@strawberry.input(description="A trader to delete, with all permits and secrets.")
class TraderDeleteInput:
    """A trader to delete."""

    id: strawberry.ID = ruled(KEY, "The trader.")


@strawberry.type(description="The answer to a change to a trader.")
class TraderPayload:
    """The answer to a change to a trader."""

    trader: Trader | None = strawberry.field(
        default=None, description="The trader as it is now; null if there are errors."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


def _payload(trader: entities.Trader | None) -> TraderPayload:
    return TraderPayload(trader=trader)  # type: ignore[arg-type]


async def _update(info: Info, input: TraderUpdateInput) -> Any:  # noqa: A002 - the contract's word
    context, values = info.context, checked(input)
    trader_id = values.pop("id", caller(context).trader_id)
    if not context.owns(trader_id):
        ask(TRADER_MANAGERS, info)
    if "locale" in values:
        registering.hold_to_locales(values["locale"], context.identity)
    async with context.work.unit_of_work() as session:
        return _payload(await traders.update(session, trader_id, values, now=context.now))


async def _verify(info: Info, input: TraderVerifyInput) -> Any:  # noqa: A002 - the contract's word
    context, trader_id = info.context, checked(input)["id"]
    if context.owns(trader_id):
        refuse(ADMINISTRATORS, info)
    if input.date_joined is UNSET:
        # Null takes a date away; what was only forgotten must not.
        raise InvalidInput(path=("dateJoined",), phrase="rule-required")
    async with context.work.unit_of_work() as session:
        trader = await traders.verify(session, trader_id, input.date_joined, now=context.now)
        await revoking.outdate(session, context.identity, trader_id)
    return _payload(trader)


async def _unlock(info: Info, input: TraderUnlockInput) -> Any:  # noqa: A002 - the contract's word
    context = info.context
    async with context.work.unit_of_work() as session:
        return _payload(
            await traders.unlock(session, context.identity.seals, checked(input)["id"], now=context.now)
        )


async def _delete(info: Info, input: TraderDeleteInput) -> Any:  # noqa: A002 - the contract's word
    context, trader_id = info.context, checked(input)["id"]
    if context.owns(trader_id):
        refuse(ADMINISTRATORS, info)
    async with context.work.unit_of_work() as session:
        await traders.lock(session, trader_id)
        permits = await revoking.permits_of(session, trader_id)
        await revoking.outdate(session, context.identity, trader_id)
        await revoking.revoke(session, context.identity, permits, now=context.now)
        await session.flush()
        await traders.delete(session, trader_id)
    return _payload(None)


@strawberry.type
class TraderMutations:
    """What can be done with traders."""

    trader_update: TraderPayload | None = mutation(
        _update,
        TraderPayload,
        authorize_or_owner(TRADER_MANAGERS),
        COSTS_A_WRITE,
        description="Changes a trader's profile.",
    )
    trader_verify: TraderPayload | None = mutation(
        _verify,
        TraderPayload,
        authorize(ADMINISTRATORS),
        COSTS_A_WRITE,
        description="Verifies a trader's joining date. Nobody can do so for oneself.",
    )
    trader_unlock: TraderPayload | None = mutation(
        _unlock,
        TraderPayload,
        authorize(TRADER_MANAGERS),
        COSTS_A_WRITE,
        description="Lifts the lockout of a trader after too many failed log-ins.",
    )
    trader_delete: TraderPayload | None = mutation(
        _delete,
        TraderPayload,
        authorize(ADMINISTRATORS),
        COSTS_A_WRITE,
        description="Deletes a trader with all permits and secrets; the audit trail stays. Nobody can do so for oneself.",
    )
