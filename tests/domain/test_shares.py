"""What can be done with shares: every outcome and every refusal, and what is on record after each."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select

from app.database import Database
from app.domain import shares
from app.domain.problems import Conflict, IndustryUnknown, ShareUnknown, TagTaken
from app.domain.writing import WriteOutcome
from app.entities import Share
from app.kit.problem import Problem
from tests.counting import Statements
from tests.factories import NOON, make_industry, make_share

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(hours=1)
NOBODY = 404


async def on_record(database: Database) -> list[dict[str, Any]]:
    """Every share as it is kept."""
    async with database.reading() as session:
        kept = await session.exec(select(Share).order_by(col(Share.id)))
        return [share.model_dump() for share in kept]


async def given_share(database: Database, *, tag: str = "BUD", price: str = "10.28") -> Share:
    async with database.unit_of_work() as session:
        return await make_share(session, tag=tag, price=price)


async def update(
    database: Database, share_id: int, expected_version: int | None = None, /, **values: Any
) -> tuple[Share, WriteOutcome]:
    """Update a share in a unit of work of its own, an hour later."""
    async with database.unit_of_work() as session:
        return await shares.update(session, share_id, values, expected_version=expected_version, now=LATER)


async def create(
    database: Database, *, industry_id: int, tag: str = "BUD", price: str = "10.28"
) -> tuple[Share, WriteOutcome]:
    """Create a share in a unit of work of its own."""
    values = {"industry_id": industry_id, "tag": tag, "price": Decimal(price)}
    async with database.unit_of_work() as session:
        return await shares.create(session, values, now=NOON)


async def upsert(
    database: Database,
    share_id: int | None,
    expected_version: int | None = None,
    /,
    *,
    industry_id: int,
    tag: str = "BUD",
    price: str = "1",
) -> tuple[Share, WriteOutcome]:
    """Insert or update a whole share in a unit of work of its own, an hour later."""
    values = {"industry_id": industry_id, "tag": tag, "price": Decimal(price)}
    async with database.unit_of_work() as session:
        return await shares.upsert(session, share_id, values, expected_version=expected_version, now=LATER)


async def delete(database: Database, share_id: int, expected_version: int | None = None) -> WriteOutcome:
    async with database.unit_of_work() as session:
        return await shares.delete(session, share_id, expected_version=expected_version)


async def write_twice_and_fail(database: Database, share: Share) -> None:
    """Insert one, update one, and then update one that is not there."""
    values = {"industry_id": share.industry_id, "tag": "LWP", "price": Decimal(1)}
    async with database.unit_of_work() as session:
        await shares.create(session, values, now=NOON)
        await shares.update(session, share.id, {"price": Decimal(2)}, expected_version=None, now=LATER)
        await shares.update(session, NOBODY, {"price": Decimal(3)}, expected_version=None, now=LATER)


def told(problem: Problem) -> tuple[type[Problem], tuple[str, ...]]:
    return type(problem), problem.path


async def test_a_created_share_is_on_record_in_its_first_version(database: Database) -> None:
    async with database.unit_of_work() as session:
        industry = await make_industry(session)

    share, outcome = await create(database, industry_id=industry.id, tag="BUD", price="10.28")

    assert outcome is WriteOutcome.INSERTED
    assert await on_record(database) == [
        {
            "id": share.id,
            "industry_id": industry.id,
            "tag": "BUD",
            "price": Decimal("10.28"),
            "version": 1,
            "created_at": NOON,
            "updated_at": NOON,
        }
    ]
    assert await on_record(database) == [share.model_dump()]


async def test_a_share_of_no_industry_is_not_created(database: Database) -> None:
    with pytest.raises(IndustryUnknown) as refused:
        await create(database, industry_id=NOBODY)

    assert told(refused.value) == (IndustryUnknown, ("industryId",))
    assert await on_record(database) == []


async def test_a_taken_tag_is_not_created_twice(database: Database) -> None:
    share = await given_share(database)
    before = await on_record(database)

    with pytest.raises(TagTaken) as refused:
        await create(database, industry_id=share.industry_id, tag="BUD", price="1")

    assert told(refused.value) == (TagTaken, ("tag",))
    assert await on_record(database) == before


async def test_the_database_itself_refuses_a_price_below_zero(database: Database) -> None:
    share = await given_share(database)
    before = await on_record(database)

    with pytest.raises(IntegrityError, match="ck_share_price"):
        await update(database, share.id, price=Decimal("-0.0001"))

    assert await on_record(database) == before


async def test_an_update_sets_only_the_given_values_and_counts(database: Database) -> None:
    share = await given_share(database)
    (before,) = await on_record(database)

    updated, outcome = await update(database, share.id, price=Decimal("11.5"))

    assert outcome is WriteOutcome.UPDATED
    (after,) = await on_record(database)
    assert after == before | {"price": Decimal("11.5"), "version": 2, "updated_at": LATER}
    assert updated.model_dump() == after


async def test_a_share_can_move_to_another_industry(database: Database) -> None:
    share = await given_share(database)
    async with database.unit_of_work() as session:
        other = await make_industry(session)

    updated, outcome = await update(database, share.id, industry_id=other.id)

    assert (outcome, updated.industry_id, updated.version) == (WriteOutcome.UPDATED, other.id, 2)


@pytest.mark.parametrize("values", [{}, {"tag": "BUD", "price": Decimal("10.2800")}])
async def test_values_that_are_there_already_change_nothing(database: Database, values: dict[str, Any]) -> None:
    share = await given_share(database, tag="BUD", price="10.28")
    before = await on_record(database)

    with Statements(database) as statements:
        unchanged, outcome = await update(database, share.id, **values)

    assert outcome is WriteOutcome.UNCHANGED
    assert await on_record(database) == before == [unchanged.model_dump()]
    assert [statement.split()[0] for statement in statements] == ["SELECT"]


async def test_every_change_counts_one_version(database: Database) -> None:
    share = await given_share(database)

    versions = [(await update(database, share.id, price=Decimal(price)))[0].version for price in (1, 2, 3)]

    assert versions == [2, 3, 4]


async def test_an_unknown_share_is_not_updated(database: Database) -> None:
    await given_share(database)
    before = await on_record(database)

    with pytest.raises(ShareUnknown) as refused:
        await update(database, NOBODY, price=Decimal(1))

    assert told(refused.value) == (ShareUnknown, ("id",))
    assert await on_record(database) == before


async def test_an_update_to_an_unknown_industry_changes_nothing(database: Database) -> None:
    share = await given_share(database)
    before = await on_record(database)

    with pytest.raises(IndustryUnknown) as refused:
        await update(database, share.id, price=Decimal(1), industry_id=NOBODY)

    assert told(refused.value) == (IndustryUnknown, ("industryId",))
    assert await on_record(database) == before


async def test_an_update_to_a_taken_tag_changes_nothing(database: Database) -> None:
    share = await given_share(database, tag="BUD")
    await given_share(database, tag="LWP")
    before = await on_record(database)

    with pytest.raises(TagTaken) as refused:
        await update(database, share.id, price=Decimal(1), tag="LWP")

    assert told(refused.value) == (TagTaken, ("tag",))
    assert await on_record(database) == before


async def test_the_version_that_is_expected_is_updated(database: Database) -> None:
    share = await given_share(database)

    updated, outcome = await update(database, share.id, 1, price=Decimal(1))

    assert (outcome, updated.version) == (WriteOutcome.UPDATED, 2)


@pytest.mark.parametrize("expected_version", [0, 1, 3])
async def test_another_version_is_a_conflict_that_shows_the_record(
    database: Database, expected_version: int
) -> None:
    share = await given_share(database)
    await update(database, share.id, price=Decimal("11.5"))
    (before,) = await on_record(database)

    with pytest.raises(Conflict) as refused:
        await update(database, share.id, expected_version, price=Decimal(1))

    assert told(refused.value) == (Conflict, ("expectedVersion",))
    assert refused.value.current.model_dump() == before
    assert await on_record(database) == [before]


async def test_of_two_updates_of_one_version_at_once_one_is_a_conflict(database: Database) -> None:
    share = await given_share(database)

    done = await asyncio.gather(
        *(update(database, share.id, 1, price=Decimal(price)) for price in (1, 2)), return_exceptions=True
    )

    kinds = sorted(type(each).__name__ for each in done)
    (after,) = await on_record(database)
    assert (kinds, after["version"]) == (["Conflict", "tuple"], 2)


async def test_updates_at_once_are_all_counted(database: Database) -> None:
    share = await given_share(database)

    done = await asyncio.gather(*(update(database, share.id, price=Decimal(price)) for price in range(1, 6)))

    (after,) = await on_record(database)
    assert sorted(updated.version for updated, _ in done) == [2, 3, 4, 5, 6]
    assert after["version"] == 6


async def test_an_upsert_without_a_key_inserts(database: Database) -> None:
    async with database.unit_of_work() as session:
        industry = await make_industry(session)

    share, outcome = await upsert(database, None, industry_id=industry.id)

    assert outcome is WriteOutcome.INSERTED
    assert await on_record(database) == [share.model_dump()]


async def test_an_upsert_with_a_key_updates(database: Database) -> None:
    share = await given_share(database)
    (before,) = await on_record(database)

    _, outcome = await upsert(database, share.id, 1, industry_id=share.industry_id, price="1")

    assert outcome is WriteOutcome.UPDATED
    assert await on_record(database) == [before | {"price": Decimal(1), "version": 2, "updated_at": LATER}]


async def test_an_upsert_with_an_unknown_key_inserts_nothing(database: Database) -> None:
    share = await given_share(database)
    before = await on_record(database)

    with pytest.raises(ShareUnknown):
        await upsert(database, NOBODY, industry_id=share.industry_id, tag="LWP")

    assert await on_record(database) == before


@pytest.mark.parametrize("expected_version", [None, 1])
async def test_a_deleted_share_is_gone_and_the_others_stay(
    database: Database, expected_version: int | None
) -> None:
    share = await given_share(database, tag="BUD")
    await given_share(database, tag="LWP")
    _, other = await on_record(database)

    outcome = await delete(database, share.id, expected_version)

    assert outcome is WriteOutcome.DELETED
    assert await on_record(database) == [other]


@pytest.mark.parametrize("expected_version", [None, 1])
async def test_deleting_what_is_gone_is_no_error(database: Database, expected_version: int | None) -> None:
    outcome = await delete(database, NOBODY, expected_version)

    assert outcome is WriteOutcome.ABSENT


async def test_another_version_than_the_expected_one_is_not_deleted(database: Database) -> None:
    share = await given_share(database)
    (before,) = await on_record(database)

    with pytest.raises(Conflict) as refused:
        await delete(database, share.id, 2)

    assert refused.value.current.model_dump() == before
    assert await on_record(database) == [before]


async def test_the_key_of_a_deleted_share_is_not_given_again(database: Database) -> None:
    share = await given_share(database)
    await delete(database, share.id)

    another = await given_share(database)

    assert another.id > share.id


async def test_a_refusal_takes_back_what_was_done_before_it(database: Database) -> None:
    share = await given_share(database)
    before = await on_record(database)

    with pytest.raises(ShareUnknown):
        await write_twice_and_fail(database, share)

    assert await on_record(database) == before
