"""The data that a new database begins with, and the demo traders of a development server."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import policies, traders
from app.entities import Industry, Share

DEMO_PASSWORD = "Demo-2026-shares"  # noqa: S105 - printed by `make run`, never used in production


@dataclass(frozen=True, slots=True)
class DemoTrader:
    """A trader to try the service as.

    Attributes:
        years: Full years of service on the day of the seed; None if no joining date is verified.
    """

    name: str
    email: str
    years: int | None
    is_administrator: bool = False

    def date_joined(self, today: date) -> date | None:
        """Give the joining date that makes the full years true on this day."""
        return None if self.years is None else policies.latest_joining(today, self.years)


DEMO_TRADERS = (
    DemoTrader("newcomer", "newcomer@example.com", years=0),
    DemoTrader("skilled", "skilled@example.com", years=2),
    DemoTrader("manager", "manager@example.com", years=6),
    DemoTrader("administrator", "admin@example.com", years=None, is_administrator=True),
)

INDUSTRIES = {
    ("tech", "Technology"): {"BUD": "10.28", "LWP": "15.2", "WGL": "35"},
    ("finc", "Financial"): {"MGP": "12", "MVT": "11.60", "GCM": "61.64"},
}


async def seed_industries(session: AsyncSession, *, now: datetime) -> bool:
    """Insert the first industries and shares, unless the database has any industry already."""
    if (await session.exec(select(Industry.id).limit(1))).first() is not None:
        return False
    for (tag, name), prices in INDUSTRIES.items():
        industry = Industry(tag=tag, name=name, created_at=now, updated_at=now)
        session.add(industry)
        await session.flush()
        for share_tag, price in prices.items():
            session.add(
                Share(
                    industry_id=industry.id,
                    tag=share_tag,
                    price=Decimal(price),
                    created_at=now,
                    updated_at=now,
                )
            )
            # One by one, so that the ids follow the order of the page.
            await session.flush()
    return True


async def seed_traders(session: AsyncSession, *, password_hash: str, now: datetime) -> None:
    """Insert the demo traders that are missing; `password_hash` is the hash of `DEMO_PASSWORD`."""
    for demo in DEMO_TRADERS:
        await traders.enlist(
            session,
            email=demo.email,
            first_name=demo.name.capitalize(),
            last_name="Demo",
            password_hash=password_hash,
            date_joined=demo.date_joined(now.date()),
            is_administrator=demo.is_administrator,
            now=now,
        )
