"""What can be done with industries: every outcome and every refusal, and what is on record after each."""

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from app.database import Database
from app.domain import industries, shares
from app.domain.problems import Conflict, IndustryNotEmpty, IndustryUnknown, TagTaken
from app.domain.writing import WriteOutcome
from app.entities import Industry, Share
from app.kit.problem import Problem
from tests.counting import Statements
from tests.factories import NOON, make_industry, make_share

pytestmark = pytest.mark.anyio

LATER = NOON + timedelta(hours=1)
NOBODY = 404


async def on_record(database: Database) -> list[dict[str, Any]]:
    """Every industry as it is kept."""
    async with database.reading() as session:
        kept = await session.exec(select(Industry).order_by(col(Industry.id)))
        return [industry.model_dump() for industry in kept]


async def given_industry(database: Database, *, tag: str = "tech", name: str = "Technology") -> Industry:
    async with database.unit_of_work() as session:
        return await make_industry(session, tag=tag, name=name)


async def update(
    database: Database, industry_id: int, expected_version: int | None = None, /, **values: Any
) -> tuple[Industry, WriteOutcome]:
    """Update an industry in a unit of work of its own, an hour later."""
    async with database.unit_of_work() as session:
        return await industries.update(session, industry_id, values, expected_version=expected_version, now=LATER)


async def upsert(
    database: Database, industry_id: int | None, expected_version: int | None = None, /, **values: Any
) -> tuple[Industry, WriteOutcome]:
    """Insert or update a whole industry in a unit of work of its own, an hour later."""
    async with database.unit_of_work() as session:
        return await industries.upsert(session, industry_id, values, expected_version=expected_version, now=LATER)


async def delete(database: Database, industry_id: int, expected_version: int | None = None) -> WriteOutcome:
    async with database.unit_of_work() as session:
        return await industries.delete(session, industry_id, expected_version=expected_version)


async def write_once_and_fail(database: Database) -> None:
    """Insert one, and then update one that is not there."""
    async with database.unit_of_work() as session:
        await industries.create(session, {"tag": "tech", "name": "Technology"}, now=NOON)
        await industries.update(session, NOBODY, {"name": "Tea"}, expected_version=None, now=NOON)


def told(problem: Problem) -> tuple[type[Problem], tuple[str, ...]]:
    return type(problem), problem.path


async def test_a_created_industry_is_on_record_in_its_first_version(database: Database) -> None:
    async with database.unit_of_work() as session:
        industry, outcome = await industries.create(session, {"tag": "tech", "name": "Technology"}, now=NOON)

    assert outcome is WriteOutcome.INSERTED
    assert await on_record(database) == [
        {
            "id": industry.id,
            "tag": "tech",
            "name": "Technology",
            "version": 1,
            "created_at": NOON,
            "updated_at": NOON,
        }
    ]
    assert await on_record(database) == [industry.model_dump()]


async def test_a_taken_tag_is_not_created_twice(database: Database) -> None:
    await given_industry(database)
    before = await on_record(database)

    with pytest.raises(TagTaken) as refused:
        async with database.unit_of_work() as session:
            await industries.create(session, {"tag": "tech", "name": "Textiles"}, now=LATER)

    assert told(refused.value) == (TagTaken, ("tag",))
    assert await on_record(database) == before


async def test_an_update_sets_only_the_given_values_and_counts(database: Database) -> None:
    industry = await given_industry(database)
    (before,) = await on_record(database)

    updated, outcome = await update(database, industry.id, name="Technologies")

    assert outcome is WriteOutcome.UPDATED
    (after,) = await on_record(database)
    assert after == before | {"name": "Technologies", "version": 2, "updated_at": LATER}
    assert updated.model_dump() == after


@pytest.mark.parametrize("values", [{}, {"tag": "tech", "name": "Technology"}])
async def test_values_that_are_there_already_change_nothing(database: Database, values: dict[str, Any]) -> None:
    industry = await given_industry(database, tag="tech", name="Technology")
    before = await on_record(database)

    with Statements(database) as statements:
        unchanged, outcome = await update(database, industry.id, **values)

    assert outcome is WriteOutcome.UNCHANGED
    assert await on_record(database) == before == [unchanged.model_dump()]
    assert [statement.split()[0] for statement in statements] == ["SELECT"]


async def test_an_unknown_industry_is_not_updated(database: Database) -> None:
    await given_industry(database)
    before = await on_record(database)

    with pytest.raises(IndustryUnknown) as refused:
        await update(database, NOBODY, name="Nothing")

    assert told(refused.value) == (IndustryUnknown, ("id",))
    assert await on_record(database) == before


async def test_an_update_to_a_taken_tag_changes_nothing(database: Database) -> None:
    industry = await given_industry(database, tag="tech")
    await given_industry(database, tag="finc")
    before = await on_record(database)

    with pytest.raises(TagTaken) as refused:
        await update(database, industry.id, tag="finc", name="Financial")

    assert told(refused.value) == (TagTaken, ("tag",))
    assert await on_record(database) == before


async def test_the_version_that_is_expected_is_updated(database: Database) -> None:
    industry = await given_industry(database)

    updated, outcome = await update(database, industry.id, 1, name="Technologies")

    assert (outcome, updated.version) == (WriteOutcome.UPDATED, 2)


@pytest.mark.parametrize("expected_version", [0, 1, 3])
async def test_another_version_is_a_conflict_that_shows_the_record(
    database: Database, expected_version: int
) -> None:
    industry = await given_industry(database)
    await update(database, industry.id, name="Technologies")
    (before,) = await on_record(database)

    with pytest.raises(Conflict) as refused:
        await update(database, industry.id, expected_version, name="Tea")

    assert told(refused.value) == (Conflict, ("expectedVersion",))
    assert refused.value.current.model_dump() == before
    assert await on_record(database) == [before]


async def test_an_upsert_without_a_key_inserts(database: Database) -> None:
    industry, outcome = await upsert(database, None, tag="tech", name="Technology")

    assert outcome is WriteOutcome.INSERTED
    assert await on_record(database) == [industry.model_dump()]


async def test_an_upsert_with_a_key_updates(database: Database) -> None:
    industry = await given_industry(database)
    (before,) = await on_record(database)

    _, outcome = await upsert(database, industry.id, 1, tag="tea", name="Tea")

    assert outcome is WriteOutcome.UPDATED
    assert await on_record(database) == [before | {"tag": "tea", "name": "Tea", "version": 2, "updated_at": LATER}]


async def test_an_upsert_with_an_unknown_key_inserts_nothing(database: Database) -> None:
    with pytest.raises(IndustryUnknown):
        await upsert(database, NOBODY, tag="tech", name="Technology")

    assert await on_record(database) == []


@pytest.mark.parametrize("expected_version", [None, 1])
async def test_an_empty_industry_is_deleted_and_the_others_stay(
    database: Database, expected_version: int | None
) -> None:
    industry = await given_industry(database, tag="tech")
    await given_industry(database, tag="finc")
    _, other = await on_record(database)

    outcome = await delete(database, industry.id, expected_version)

    assert outcome is WriteOutcome.DELETED
    assert await on_record(database) == [other]


@pytest.mark.parametrize("expected_version", [None, 1])
async def test_deleting_what_is_gone_is_no_error(database: Database, expected_version: int | None) -> None:
    assert await delete(database, NOBODY, expected_version) is WriteOutcome.ABSENT


async def test_another_version_than_the_expected_one_is_not_deleted(database: Database) -> None:
    industry = await given_industry(database)
    (before,) = await on_record(database)

    with pytest.raises(Conflict) as refused:
        await delete(database, industry.id, 2)

    assert refused.value.current.model_dump() == before
    assert await on_record(database) == [before]


@pytest.mark.parametrize("how_many", [1, 3])
async def test_an_industry_with_shares_is_not_deleted(database: Database, how_many: int) -> None:
    async with database.unit_of_work() as session:
        industry = await make_industry(session)
        kept = [await make_share(session, industry) for _ in range(how_many)]
    before = await on_record(database)

    with pytest.raises(IndustryNotEmpty) as refused:
        await delete(database, industry.id)

    assert told(refused.value) == (IndustryNotEmpty, ("id",))
    assert await on_record(database) == before
    async with database.reading() as session:
        left = (await session.exec(select(Share.id).order_by(col(Share.id)))).all()
    assert left == [share.id for share in kept]


async def test_an_industry_whose_last_share_is_gone_is_deleted(database: Database) -> None:
    async with database.unit_of_work() as session:
        share = await make_share(session)

    async with database.unit_of_work() as session:
        await shares.delete(session, share.id, expected_version=None)
        outcome = await industries.delete(session, share.industry_id, expected_version=None)

    assert outcome is WriteOutcome.DELETED
    assert await on_record(database) == []


async def test_a_refusal_takes_back_what_was_done_before_it(database: Database) -> None:
    with pytest.raises(IndustryUnknown):
        await write_once_and_fail(database)

    assert await on_record(database) == []
