"""Moments come back from both databases in UTC and to the millisecond, in the order of time."""

import operator
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, delete, func, insert, select
from sqlalchemy.exc import StatementError

from app.database import Database
from app.kit.clock import utc_now
from app.kit.moments import Moment
from app.kit.tables import Key

MOMENTS = Table(
    "moment",
    MetaData(),
    Column("id", Key, primary_key=True),
    Column("moment", Moment),
)
MILLISECOND = timedelta(milliseconds=1)

zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
# A day away from the ends of the calendar, so that the moment exists in UTC too.
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=zones)  # noqa: DTZ001 - zones are drawn


def cut(moment: datetime) -> datetime:
    """The moment in UTC without what is finer than a millisecond."""
    return moment.astimezone(UTC).replace(microsecond=moment.microsecond // 1000 * 1000)


@pytest.fixture
async def diary(database: Database) -> Database:
    """The test's database with a table of moments."""
    async with database.unit_of_work() as session:
        await (await session.connection()).run_sync(MOMENTS.metadata.create_all)
    return database


async def replace(diary: Database, moments: Sequence[datetime | None]) -> None:
    """Take out whatever is there and put these in, in their order."""
    async with diary.unit_of_work() as session:
        connection = await session.connection()
        await connection.execute(delete(MOMENTS))
        await connection.execute(insert(MOMENTS), [{"moment": each} for each in moments])


@pytest.mark.anyio
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(moments, min_size=1, max_size=20))
@example([datetime(1969, 12, 31, 23, 59, 59, 999_999, UTC), datetime(1970, 1, 1, tzinfo=UTC)])
async def test_moments_are_read_ordered_and_compared_to_the_millisecond(
    diary: Database, given_moments: list[datetime]
) -> None:
    column, bound = MOMENTS.c.moment, cut(given_moments[0])
    comparisons = [
        (compare, other) for compare in (operator.eq, operator.lt) for other in (bound, bound + MILLISECOND)
    ]
    counts = [func.count().filter(compare(column, other)) for compare, other in comparisons]
    await replace(diary, given_moments)

    read = await diary.fetch(select(column).order_by(MOMENTS.c.id))
    ordered = await diary.fetch(select(column).order_by(column))
    (counted,) = await diary.fetch(select(*counts))

    whole = [cut(moment) for moment in given_moments]
    assert [row[0].isoformat() for row in read] == [moment.isoformat() for moment in whole]
    assert [row[0] for row in ordered] == sorted(whole)
    assert list(counted) == [sum(compare(moment, other) for moment in whole) for compare, other in comparisons]


@pytest.mark.anyio
async def test_no_moment_is_read_as_none(diary: Database) -> None:
    await replace(diary, [None])

    assert [tuple(row) for row in await diary.fetch(select(MOMENTS.c.moment))] == [(None,)]


@pytest.mark.anyio
async def test_a_moment_without_a_zone_is_not_written(diary: Database) -> None:
    with pytest.raises(StatementError, match="a moment needs a time zone"):
        await replace(diary, [datetime(2026, 6, 15, 12)])  # noqa: DTZ001 - it is what is refused

    assert await diary.fetch(select(MOMENTS.c.moment)) == []


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (-1, datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)),
        (1_781_524_800_123, datetime(2026, 6, 15, 12, 0, 0, 123_000, UTC)),
        ("2026-06-15T12:00:00.123+00:00", datetime(2026, 6, 15, 12, 0, 0, 123_000, UTC)),
        # PostgreSQL writes in the zone of the session.
        ("2026-06-15T17:30:00.123+05:30", datetime(2026, 6, 15, 12, 0, 0, 123_000, UTC)),
        ("2026-06-15T12:00:00+00:00", datetime(2026, 6, 15, 12, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_from_json_of_either_database(value: int | str, moment: datetime) -> None:
    read = Moment.from_json(value)

    assert (read, read.tzinfo) == (moment, UTC)


def test_now_is_in_utc_and_whole_milliseconds() -> None:
    now = utc_now()

    assert (now.tzinfo, now.microsecond % 1000) == (UTC, 0)
