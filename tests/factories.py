"""Makes what a test is about; name only what the test is about."""

import itertools
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from app.database import Database
from app.domain import traders
from app.entities import Industry, Share, Trader
from app.security.passwords import CHEAP, PasswordHasher

NOON = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
"""When tests happen, unless they turn the clock."""

PASSWORD = "Correct-horse-battery-9"

ROOMY = {
    "max_depth": 100,
    "max_fields": 100_000,
    "max_root_fields": 1_000,
    "max_aliases": 50_000,
    "max_directives": 1_000,
    "max_cost": 10**30,
}
"""Settings of a server that is asked for more at once than its users may ask for."""

UNLIMITED: dict[str, Any] = {"requests_per_minute": 0, "log_ins_per_minute": 0, "codes_per_minute": 0}
"""Settings of a server that lets everyone ask as often as they like."""

_numbers = itertools.count(1)


class ManualClock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def turn(self, **by: float) -> None:
        """Turn the clock on by so many days, hours, minutes or seconds."""
        self.now += timedelta(**by)


async def make_industry(
    session: AsyncSession, *, tag: str | None = None, name: str = "An industry", now: datetime = NOON
) -> Industry:
    industry = Industry(tag=tag or f"industry-{next(_numbers)}", name=name, created_at=now, updated_at=now)
    session.add(industry)
    await session.flush()
    return industry


async def make_share(
    session: AsyncSession,
    industry: Industry | None = None,
    *,
    tag: str | None = None,
    price: str | Decimal = "10.0000",
    now: datetime = NOON,
) -> Share:
    owner = industry or await make_industry(session)
    share = Share(
        industry_id=owner.id,
        tag=tag or f"SHARE-{next(_numbers)}",
        price=Decimal(price),
        created_at=now,
        updated_at=now,
    )
    session.add(share)
    await session.flush()
    return share


async def make_trader(
    database: Database,
    *,
    email: str | None = None,
    password: str = PASSWORD,
    date_joined: date | None = None,
    is_administrator: bool = False,
    now: datetime = NOON,
) -> Trader:
    hasher = PasswordHasher(CHEAP)
    password_hash = await hasher.hash(password)
    hasher.close()
    async with database.unit_of_work() as session:
        trader = await traders.enlist(
            session,
            email=email or f"trader-{next(_numbers)}@example.com",
            first_name="Ada",
            last_name="Trader",
            password_hash=password_hash,
            date_joined=date_joined,
            is_administrator=is_administrator,
            now=now,
        )
    assert trader is not None
    return trader
