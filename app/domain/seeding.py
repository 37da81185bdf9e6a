"""The data that a new database begins with, and the demo traders of a development server."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import islice, product
from string import ascii_uppercase
from typing import Any

from sqlalchemy import insert
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import policies, traders
from app.entities import Industry, Share
from app.kit.money import PLACES

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

# Rows of one INSERT: more of them are no faster, and take memory.
_CHUNK = 5_000
# Six letters name 308 million shares, and each tag sorts after the one before: the index grows at its end.
_LETTERS = 6
MOST_SHARES = len(ascii_uppercase) ** _LETTERS
"""How many shares `seed_many` can name."""


async def seed_industries(session: AsyncSession, *, now: datetime) -> bool:
    """Insert the first industries and shares, unless the database has any industry already."""
    if await _has_industries(session):
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


async def seed_many(
    session: AsyncSession, *, industries: int, shares: int, now: datetime, told: Callable[[int], None]
) -> bool:
    """Insert made-up industries with made-up shares, the same ones every time, unless there is any industry.

    Args:
        session: An open unit of work; the caller commits.
        industries: How many industries.
        shares: How many shares each of them gets; at most `MOST_SHARES` in all.
        now: The moment of the writes, in UTC.
        told: Is called with the number of shares inserted so far, after every few thousand.
    """
    if await _has_industries(session):
        return False
    connection = await session.connection()
    for rows in _chunks(_made_industries(industries, now)):
        await connection.execute(insert(Industry), rows)
    keys = (await session.exec(select(Industry.id).order_by(col(Industry.id)))).all()
    inserted = 0
    for rows in _chunks(_made_shares(keys, shares, now)):
        await connection.execute(insert(Share), rows)
        inserted += len(rows)
        told(inserted)
    return True


def _made_industries(count: int, now: datetime) -> Iterator[dict[str, Any]]:
    for number in range(1, count + 1):
        yield _row(now, tag=f"industry-{number}", name=f"Industry {number}")


def _made_shares(industry_ids: Sequence[int], count: int, now: datetime) -> Iterator[dict[str, Any]]:
    tags = map("".join, product(ascii_uppercase, repeat=_LETTERS))
    prices = random.Random(0)  # noqa: S311 - the same prices every time are the purpose
    for industry_id in industry_ids:
        for tag in islice(tags, count):
            price = Decimal(prices.randrange(1, 10_000_000)).scaleb(-PLACES)
            yield _row(now, industry_id=industry_id, tag=tag, price=price)


def _row(now: datetime, **values: Any) -> dict[str, Any]:
    return values | {"version": 1, "created_at": now, "updated_at": now}


def _chunks(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while chunk := list(islice(rows, _CHUNK)):
        yield chunk


async def _has_industries(session: AsyncSession) -> bool:
    return (await session.exec(select(Industry.id).limit(1))).first() is not None


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
