"""A new database begins with exactly the data of the mission, however often it is seeded."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col, func, select

from app.credentials import PasswordHash
from app.database import Database
from app.domain import seeding
from app.domain.policies import POLICIES
from app.domain.seeding import DEMO_TRADERS, DemoTrader
from app.entities import Industry, Share, Trader
from app.security.tokens import AccessClaims
from tests.factories import NOON

HASH = "a hash"
LATER = NOON + timedelta(days=400)
LEAP_DAY = date(2028, 2, 29)


async def on_record(database: Database) -> list[dict[str, Any]]:
    """Everything that a seed writes, as it is kept."""
    async with database.reading() as session:
        return [
            *(each.model_dump() for each in await session.exec(select(Industry).order_by(col(Industry.id)))),
            *(each.model_dump() for each in await session.exec(select(Share).order_by(col(Share.id)))),
            *(each.model_dump() for each in await session.exec(select(Trader).order_by(col(Trader.id)))),
            *(
                each.model_dump()
                for each in await session.exec(select(PasswordHash).order_by(col(PasswordHash.trader_id)))
            ),
        ]


async def seed(database: Database, *, password_hash: str = HASH, now: datetime = NOON) -> bool:
    async with database.unit_of_work() as session:
        inserted = await seeding.seed_industries(session, now=now)
        await seeding.seed_traders(session, password_hash=password_hash, now=now)
        return inserted


def passed(demo: DemoTrader, *, joined: date, today: date) -> list[str]:
    """The policies that a demo trader satisfies on a day, having been seeded on another."""
    claims = AccessClaims(
        trader_id=1,
        permit_id="a-permit",
        token_id="a-token",
        email=demo.email,
        given_name="Demo",
        family_name="Trader",
        date_joined=demo.date_joined(joined),
        roles=frozenset({Trader.ADMINISTRATOR} if demo.is_administrator else ()),
        issued_at=NOON,
        expires_at=NOON,
    )
    return [policy.name for policy in POLICIES if policy.allows(claims, today)]


@pytest.mark.anyio
async def test_the_industries_and_shares_are_those_of_the_mission(database: Database) -> None:
    inserted = await seed(database)

    assert inserted
    async with database.reading() as session:
        industries = (await session.exec(select(Industry).order_by(col(Industry.id)))).all()
        shares = (await session.exec(select(Share).order_by(col(Share.id)))).all()
    assert [(each.id, each.tag, each.name, each.version) for each in industries] == [
        (1, "tech", "Technology", 1),
        (2, "finc", "Financial", 1),
    ]
    assert [(each.id, each.industry_id, each.tag, each.price, each.version) for each in shares] == [
        (1, 1, "BUD", Decimal("10.28"), 1),
        (2, 1, "LWP", Decimal("15.2"), 1),
        (3, 1, "WGL", Decimal(35), 1),
        (4, 2, "MGP", Decimal(12), 1),
        (5, 2, "MVT", Decimal("11.60"), 1),
        (6, 2, "GCM", Decimal("61.64"), 1),
    ]
    assert {(each.created_at, each.updated_at) for each in industries} == {(NOON, NOON)}
    assert {(each.created_at, each.updated_at) for each in shares} == {(NOON, NOON)}


@pytest.mark.anyio
async def test_the_demo_traders_are_confirmed_and_have_their_joining_dates(database: Database) -> None:
    await seed(database)

    async with database.reading() as session:
        traders = (await session.exec(select(Trader).order_by(col(Trader.id)))).all()
        hashes = (await session.exec(select(PasswordHash).order_by(col(PasswordHash.trader_id)))).all()
    assert [
        (each.email, each.email_confirmed, each.first_name, each.date_joined, each.is_administrator)
        for each in traders
    ] == [
        ("newcomer@example.com", True, "Newcomer", date(2026, 6, 15), False),
        ("skilled@example.com", True, "Skilled", date(2024, 6, 15), False),
        ("manager@example.com", True, "Manager", date(2020, 6, 15), False),
        ("admin@example.com", True, "Administrator", None, True),
    ]
    assert [(each.trader_id, each.hash, each.changed_at) for each in hashes] == [
        (trader.id, HASH, NOON) for trader in traders
    ]


@pytest.mark.anyio
async def test_seeding_again_changes_nothing(database: Database) -> None:
    await seed(database)
    before = await on_record(database)

    inserted = await seed(database, password_hash="another hash", now=LATER)

    assert not inserted
    assert await on_record(database) == before


@pytest.mark.anyio
async def test_seeding_again_neither_brings_back_nor_sets_back_what_was_changed(database: Database) -> None:
    await seed(database)
    async with database.unit_of_work() as session:
        bud = (await session.exec(select(Share).where(Share.tag == "BUD"))).one()
        lwp = (await session.exec(select(Share).where(Share.tag == "LWP"))).one()
        skilled = (await session.exec(select(Trader).where(Trader.first_name == "Skilled"))).one()
        bud.price, skilled.date_joined = Decimal(99), None
        await session.delete(lwp)
    before = await on_record(database)

    await seed(database, now=LATER)

    assert await on_record(database) == before


@pytest.mark.anyio
async def test_a_demo_trader_that_is_missing_is_added(database: Database) -> None:
    await seed(database)
    async with database.unit_of_work() as session:
        await session.delete((await session.exec(select(Trader).where(Trader.first_name == "Manager"))).one())

    await seed(database, now=LATER)

    async with database.reading() as session:
        emails = (await session.exec(select(Trader.email).order_by(col(Trader.id)))).all()
    assert emails == ["newcomer@example.com", "skilled@example.com", "admin@example.com", "manager@example.com"]


@pytest.mark.anyio
async def test_many_industries_each_get_their_shares_the_same_on_every_database(database: Database) -> None:
    told: list[int] = []
    async with database.unit_of_work() as session:
        inserted = await seeding.seed_many(session, industries=2, shares=3, now=NOON, told=told.append)

    assert inserted
    assert told == [6]
    industries, shares = (await on_record(database))[:2], (await on_record(database))[2:]
    moments = {"version": 1, "created_at": NOON, "updated_at": NOON}
    assert industries == [
        {"id": 1, "tag": "industry-1", "name": "Industry 1", **moments},
        {"id": 2, "tag": "industry-2", "name": "Industry 2", **moments},
    ]
    assert shares == [
        {"id": key, "industry_id": industry, "tag": tag, "price": Decimal(price), **moments}
        for key, industry, tag, price in [
            (1, 1, "AAAAAA", "646.3344"),
            (2, 1, "AAAAAB", "705.6021"),
            (3, 1, "AAAAAC", "67.9216"),
            (4, 2, "AAAAAD", "434.3903"),
            (5, 2, "AAAAAE", "857.7767"),
            (6, 2, "AAAAAF", "815.2514"),
        ]
    ]


@pytest.mark.anyio
async def test_many_shares_are_told_of_while_they_are_inserted(database: Database) -> None:
    told: list[int] = []

    async with database.unit_of_work() as session:
        await seeding.seed_many(session, industries=3, shares=4_000, now=NOON, told=told.append)

    assert told == [5_000, 10_000, 12_000]
    async with database.reading() as session:
        counted = await session.exec(select(Share.industry_id, func.count()).group_by(col(Share.industry_id)))
        assert sorted(counted.all()) == [(1, 4_000), (2, 4_000), (3, 4_000)]


@pytest.mark.anyio
async def test_many_shares_are_not_mixed_with_what_is_there(database: Database) -> None:
    await seed(database)
    before = await on_record(database)

    async with database.unit_of_work() as session:
        inserted = await seeding.seed_many(session, industries=2, shares=3, now=LATER, told=print)

    assert not inserted
    assert await on_record(database) == before


@pytest.mark.parametrize("seeded_on", [datetime.now(UTC).date(), LEAP_DAY, date(2027, 2, 28), date(2027, 3, 1)])
def test_the_demo_traders_hold_their_policies_from_the_day_of_the_seed(seeded_on: date) -> None:
    standings = {demo.name: passed(demo, joined=seeded_on, today=seeded_on) for demo in DEMO_TRADERS}

    assert standings == {
        "newcomer": ["ANYONE", "ALL_TRADERS"],
        "skilled": ["ANYONE", "ALL_TRADERS", "SKILLED_TRADERS"],
        "manager": ["ANYONE", "ALL_TRADERS", "SKILLED_TRADERS", "TRADER_MANAGERS"],
        "administrator": ["ANYONE", "ALL_TRADERS", "SKILLED_TRADERS", "TRADER_MANAGERS", "ADMINISTRATORS"],
    }
