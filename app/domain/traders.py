"""What can be done with traders: finding, changing, verifying, unlocking, deleting, and vouching for them."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import PasswordHash
from app.domain import audit
from app.domain.audit import AuditAction
from app.domain.permits import throttling
from app.domain.problems import TraderUnknown
from app.entities import Trader
from app.kit import facts
from app.kit.addresses import normal_email
from app.kit.problem import InvalidInput
from app.security.seals import Seals


async def find(session: AsyncSession, trader_id: int) -> Trader | None:
    """Load a trader; None if there is none with that id."""
    return await session.get(Trader, trader_id)


async def find_many(session: AsyncSession, ids: Sequence[int]) -> Sequence[Trader]:
    """Load those of the traders that there are, in one statement."""
    return (await session.exec(select(Trader).where(col(Trader.id).in_(ids)))).all()


async def find_by_email(session: AsyncSession, email: str) -> Trader | None:
    """Load the trader of an address; None if it has none."""
    return (await session.exec(select(Trader).where(Trader.email == normal_email(email)))).first()


async def with_password_hash(session: AsyncSession, email: str) -> tuple[Trader, PasswordHash] | None:
    """Load the trader of an address together with the hash to check a password against."""
    found = await session.exec(
        select(Trader, PasswordHash)
        .join(PasswordHash, PasswordHash.trader_id == Trader.id)  # type: ignore[arg-type]
        .where(Trader.email == normal_email(email))
    )
    return found.first()


async def lock(session: AsyncSession, trader_id: int, *, path: tuple[str, ...] = ("id",)) -> Trader:
    """Load a trader and keep all others who change it, its permits or its secrets waiting until the commit.

    Whoever touches several of a trader's rows takes this lock first, or two of them could wait for each other.

    Raises:
        TraderUnknown: No trader has that id; `path` says where it came from.
    """
    trader = await session.get(Trader, trader_id, with_for_update=True)
    if trader is None:
        raise TraderUnknown(path=path)
    return trader


async def lock_with_password(session: AsyncSession, trader_id: int, password_hash: str) -> Trader | None:
    """Lock a trader whose password still has that hash; None if it was changed, or the trader deleted."""
    found = await session.exec(
        select(Trader)
        .join(PasswordHash, PasswordHash.trader_id == Trader.id)  # type: ignore[arg-type]
        .where(Trader.id == trader_id, PasswordHash.hash == password_hash)
        .with_for_update()
    )
    return found.first()


async def locked_until(session: AsyncSession, seals: Seals, trader: Trader, now: datetime) -> datetime | None:
    """Say until when log-ins of a trader are refused after too many failed ones; None if they are not."""
    subject = throttling.subject_of(throttling.LOG_IN, trader.email, seals)
    return await throttling.blocked_until(session, subject, now)


async def lockouts(
    session: AsyncSession, seals: Seals, found: Sequence[Trader], now: datetime
) -> list[datetime | None]:
    """Say the same of several traders, in their order and in one statement."""
    subjects = [throttling.subject_of(throttling.LOG_IN, trader.email, seals) for trader in found]
    blocked = await throttling.blocked(session, subjects, now)
    return [blocked.get(subject) for subject in subjects]


async def update(session: AsyncSession, trader_id: int, values: Mapping[str, Any], *, now: datetime) -> Trader:
    """Set the given values of a trader's profile.

    Raises:
        TraderUnknown: No trader has that id.
    """
    trader = await lock(session, trader_id)
    if any(getattr(trader, name) != value for name, value in values.items()):
        for name, value in values.items():
            setattr(trader, name, value)
        _count(session, trader, AuditAction.TRADER_UPDATED, now)
    return trader


async def verify(session: AsyncSession, trader_id: int, date_joined: date | None, *, now: datetime) -> Trader:
    """Believe a trader's joining date, or take it away with None.

    The caller has made sure that nobody verifies oneself, and ends the trader's running access tokens: they
    claim the date before.

    Raises:
        TraderUnknown: No trader has that id.
        InvalidInput: The day lies in the future.
    """
    if date_joined is not None and date_joined > now.date():
        raise InvalidInput(path=("dateJoined",), phrase="rule-not-in-future")
    trader = await lock(session, trader_id)
    if trader.date_joined != date_joined:
        trader.date_joined = date_joined
        _count(session, trader, AuditAction.TRADER_VERIFIED, now)
    return trader


async def unlock(session: AsyncSession, seals: Seals, trader_id: int, *, now: datetime) -> Trader:
    """Lift a trader's lockout after too many failed log-ins.

    Raises:
        TraderUnknown: No trader has that id.
    """
    trader = await lock(session, trader_id)
    if await locked_until(session, seals, trader, now) is not None:
        facts.note(session, _happened(AuditAction.UNLOCKED, trader))
    await throttling.forgive(session, throttling.subject_of(throttling.LOG_IN, trader.email, seals))
    return trader


async def delete(session: AsyncSession, trader_id: int) -> None:
    """Delete a trader with all permits and secrets; the audit trail keeps what happened.

    Raises:
        TraderUnknown: No trader has that id.
    """
    trader = await lock(session, trader_id)
    facts.note(session, _happened(AuditAction.TRADER_DELETED, trader))
    await session.delete(trader)


async def make_administrator(session: AsyncSession, email: str, *, now: datetime) -> Trader:
    """Make the trader of an address an administrator.

    Raises:
        TraderUnknown: The address has no trader.
    """
    known = await find_by_email(session, email)
    if known is None:
        raise TraderUnknown(path=("email",))
    trader = await lock(session, known.id)
    if not trader.is_administrator:
        trader.is_administrator = True
        _count(session, trader, AuditAction.ADMINISTRATOR_MADE, now)
    return trader


async def enlist(
    session: AsyncSession,
    *,
    email: str,
    first_name: str,
    last_name: str,
    password_hash: str,
    date_joined: date | None,
    is_administrator: bool,
    now: datetime,
) -> Trader | None:
    """Add a trader whose address and joining date the operator vouches for.

    Returns:
        The trader, or None if the address already has one: that one is left as it is.
    """
    if await find_by_email(session, email) is not None:
        return None
    trader = Trader(
        email=normal_email(email),
        email_confirmed=True,
        first_name=first_name,
        last_name=last_name,
        date_joined=date_joined,
        is_administrator=is_administrator,
        created_at=now,
        updated_at=now,
    )
    session.add(trader)
    await session.flush()
    session.add(PasswordHash(trader_id=trader.id, hash=password_hash, changed_at=now))
    return trader


def _count(session: AsyncSession, trader: Trader, action: AuditAction, now: datetime) -> None:
    trader.version += 1
    trader.updated_at = now
    facts.note(session, _happened(action, trader))


def _happened(action: AuditAction, trader: Trader) -> audit.Happened:
    return audit.Happened(action=action, trader_id=trader.id, subject=f"Trader:{trader.id}")
