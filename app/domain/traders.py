"""What can be done with traders: finding them, and adding those that an operator vouches for."""

import unicodedata
from datetime import date, datetime

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import PasswordHash
from app.entities import Trader


def normal_email(address: str) -> str:
    """Give the one form in which an address is kept and looked for: NFKC, lower case, no space around."""
    return unicodedata.normalize("NFKC", address).strip().lower()


async def find(session: AsyncSession, trader_id: int) -> Trader | None:
    """Load a trader; None if there is none with that id."""
    return await session.get(Trader, trader_id)


async def with_password_hash(session: AsyncSession, email: str) -> tuple[Trader, PasswordHash] | None:
    """Load the trader of an address together with the hash to check a password against."""
    found = await session.exec(
        select(Trader, PasswordHash)
        .join(PasswordHash, PasswordHash.trader_id == Trader.id)  # type: ignore[arg-type]
        .where(Trader.email == normal_email(email))
    )
    return found.first()


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
    address = normal_email(email)
    if (await session.exec(select(Trader.id).where(Trader.email == address))).first() is not None:
        return None
    trader = Trader(
        email=address,
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
