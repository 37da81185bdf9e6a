"""Counts tries for an address before they happen, known or not, so that parallel ones cannot outrun it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import Throttle
from app.domain.problems import TooManyAttempts
from app.kit.addresses import normal_email
from app.security.seals import Seals

LOG_IN = "log in"
SEND_CODE = "send code"
RESET_SECOND_FACTOR = "reset second factor"

# What has been quiet for a day holds nobody back; without it, made-up addresses would fill the table.
_KEPT_FOR = timedelta(days=1)


def subject_of(purpose: str, address: str, seals: Seals) -> bytes:
    """Give what stands for an address in the table: a keyed hash, so that the table tells no addresses."""
    return seals.digest(normal_email(address).encode("utf-8", "surrogatepass"), f"throttle {purpose}")


async def reserve(session: AsyncSession, subject: bytes, *, most: int, window: timedelta, now: datetime) -> int:
    """Count a try before it is made.

    Args:
        session: An open unit of work; the caller commits even if the try then fails.
        subject: From `subject_of`.
        most: How many tries are allowed before the window closes.
        window: How long it then stays closed; tries further apart than that are counted anew.
        now: The moment, in UTC.

    Returns:
        How many tries have been counted, this one included.

    Raises:
        TooManyAttempts: The window is closed.
    """
    row = await _locked(session, subject, now)
    if row.blocked_until is not None and row.blocked_until > now:
        raise TooManyAttempts(seconds_until(row.blocked_until, now))
    if row.blocked_until is not None or now - row.updated_at >= window:
        row.count, row.blocked_until = 0, None
    row.count += 1
    row.updated_at = now
    if row.count >= most:
        row.blocked_until = now + window
    return row.count


def seconds_until(moment: datetime, now: datetime) -> int:
    """Say how long to wait: whole seconds, rounded up, so that a client that waits as told gets in."""
    return -((now - moment) // timedelta(seconds=1))


async def give_back(session: AsyncSession, subject: bytes, *, closed: bool) -> None:
    """Take back a try that turned out to be none.

    Args:
        session: An open unit of work.
        subject: From `subject_of`.
        closed: Whether it was this try that closed the window.
    """
    row = await session.get(Throttle, subject, with_for_update=True)
    if row is not None:
        row.count = max(0, row.count - 1)
        row.blocked_until = None if closed else row.blocked_until


async def forgive(session: AsyncSession, subject: bytes) -> None:
    """Forget the tries of an address."""
    await session.exec(delete(Throttle).where(col(Throttle.subject) == subject))


async def blocked_until(session: AsyncSession, subject: bytes, now: datetime) -> datetime | None:
    """Say until when an address is held back; None if it is not."""
    return (await blocked(session, [subject], now)).get(subject)


async def blocked(session: AsyncSession, subjects: Sequence[bytes], now: datetime) -> dict[bytes, datetime]:
    """Say of those that are held back until when."""
    found = await session.exec(
        select(Throttle).where(col(Throttle.subject).in_(subjects), col(Throttle.blocked_until) > now)
    )
    return {row.subject: row.blocked_until for row in found.all() if row.blocked_until is not None}


async def touch(session: AsyncSession, subject: bytes, now: datetime) -> None:
    """Write to an address's row without counting; also forgets rows that have long been quiet."""
    row = await _locked(session, subject, now)
    row.updated_at = max(row.updated_at, now)
    await session.exec(delete(Throttle).where(col(Throttle.updated_at) < now - _KEPT_FOR))


async def _locked(session: AsyncSession, subject: bytes, now: datetime) -> Throttle:
    row = await session.get(Throttle, subject, with_for_update=True)
    if row is not None:
        return row
    try:
        async with session.begin_nested():
            session.add(row := Throttle(subject=subject, updated_at=now))
    except IntegrityError:
        # Another process inserted it in between: its row is the one that counts.
        row = await session.get_one(Throttle, subject, with_for_update=True)
    return row
