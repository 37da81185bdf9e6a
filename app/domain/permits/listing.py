"""Lists the permits of traders."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ColumnElement
from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.entities import Permit

MOST = 100
"""So many of a trader's permits are listed, the newest."""


class Status(StrEnum):
    """The state of a permit."""

    ACTIVE = "ACTIVE"
    EXPIRED = "EXPIRED"
    REVOKED = "REVOKED"


def status_of(permit: Permit, now: datetime) -> Status:
    """Say in which state a permit is."""
    if permit.revoked_at is not None:
        return Status.REVOKED
    return Status.ACTIVE if permit.expires_at > now else Status.EXPIRED


async def of_traders(
    session: AsyncSession, ids: Sequence[int], *, status: Status | None, now: datetime
) -> dict[int, list[Permit]]:
    """Load the permits of each of the traders, newest first, of one state or of all, in one statement."""
    order = (col(Permit.issued_at).desc(), col(Permit.id))
    place = func.row_number().over(partition_by=col(Permit.trader_id), order_by=order).label("place")
    ranked = (
        select(Permit.id, place).where(col(Permit.trader_id).in_(ids), *_in_state(status, now)).subquery("ranked")
    )
    found = await session.exec(
        select(Permit).join(ranked, ranked.c.id == col(Permit.id)).where(ranked.c.place <= MOST).order_by(*order)
    )
    permits: dict[int, list[Permit]] = {trader_id: [] for trader_id in ids}
    for permit in found.all():
        permits[permit.trader_id].append(permit)
    return permits


def _in_state(status: Status | None, now: datetime) -> list[ColumnElement[bool]]:
    revoked, running = col(Permit.revoked_at).is_not(None), col(Permit.expires_at) > now
    match status:
        case Status.REVOKED:
            return [revoked]
        case Status.ACTIVE:
            return [~revoked, running]
        case Status.EXPIRED:
            return [~revoked, ~running]
        case _:
            return []
