"""Ends permits, and pushes what running processes must refuse until it has expired by itself."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import audit
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.entities import Permit, Revocation
from app.kit import facts
from app.kit.facts import Fact

_MARGIN = timedelta(minutes=20)
"""So much longer than an access token lives are they refused.

A token may be given by a host whose clock is ahead, and taken by one whose clock is behind: three times the
most that settings allow clocks to differ, five minutes, and a little for a renewal that waited for a lock.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessEnded(Fact):
    """Access tokens must not be taken any more: all of a permit, or a trader's older ones.

    Attributes:
        before: Those given before this moment are meant.
        until: When the last of them has expired by itself on every host.
    """

    permit_id: str | None = None
    trader_id: int | None = None
    before: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """How many permits were revoked, and when the last access token under them expires."""

    count: int
    access_ends_by: datetime | None


async def permits_of(session: AsyncSession, trader_id: int, *, but: str | None = None) -> list[Permit]:
    """Load a trader's permits that run, except one, to change them; the caller has locked the trader."""
    found = await session.exec(
        select(Permit)
        .where(Permit.trader_id == trader_id, col(Permit.revoked_at).is_(None), Permit.id != (but or ""))
        .order_by(col(Permit.id))
        .with_for_update()
    )
    return list(found.all())


async def revoke(
    session: AsyncSession,
    identity: Identity,
    permits: list[Permit],
    *,
    actor_id: int | None = None,
    now: datetime,
) -> Ended:
    """Revoke permits; those that already were are not counted."""
    running = [permit for permit in permits if permit.revoked_at is None]
    ends = [
        await end(session, identity, permit, action=AuditAction.PERMIT_REVOKED, actor_id=actor_id, now=now)
        for permit in running
    ]
    await _forget(session, now)
    return Ended(len(running), max(ends, default=None))


async def end(
    session: AsyncSession,
    identity: Identity,
    permit: Permit,
    *,
    action: AuditAction,
    actor_id: int | None = None,
    now: datetime,
) -> datetime:
    """Revoke one permit, and say when the last access token under it expires."""
    permit.revoked_at = now
    until = (permit.renewed_at or permit.issued_at) + identity.access_lifetime
    _push(session, AccessEnded(permit_id=permit.id, before=now, until=now + identity.access_lifetime + _MARGIN))
    facts.note(
        session,
        audit.Happened(
            action=action, trader_id=permit.trader_id, actor_id=actor_id, subject=f"Permit:{permit.id}"
        ),
    )
    return until


async def outdate(session: AsyncSession, identity: Identity, trader_id: int) -> None:
    """Have a trader's running access tokens refused as expired: what they claim has changed.

    The trader's devices renew and go on, with claims as they are now. The caller has locked the trader: who
    grants a token locks it too, so that none is signed with the old claims after the moment that counts here.
    """
    now = identity.clock()
    until = now + identity.access_lifetime + _MARGIN
    _push(session, AccessEnded(trader_id=trader_id, before=now, until=until))
    await _forget(session, now)


async def running(session: AsyncSession, now: datetime) -> list[AccessEnded]:
    """Load what must still be refused, for a process that comes late."""
    found = await session.exec(select(Revocation).where(col(Revocation.until) > now))
    return [
        AccessEnded(permit_id=each.permit_id, trader_id=each.trader_id, before=each.before, until=each.until)
        for each in found.all()
    ]


def _push(session: AsyncSession, ended: AccessEnded) -> None:
    session.add(
        Revocation(permit_id=ended.permit_id, trader_id=ended.trader_id, before=ended.before, until=ended.until)
    )
    facts.note(session, ended)


async def _forget(session: AsyncSession, now: datetime) -> None:
    await session.exec(delete(Revocation).where(col(Revocation.until) <= now))
