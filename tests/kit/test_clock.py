"""What is made of a clock, for those who need less than a moment."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.kit.clock import days_of, seconds_of
from tests.factories import NOON

moments = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(st.lists(moments, min_size=1))
def test_the_day_is_that_of_the_clock_however_it_is_turned(turns: list[datetime]) -> None:
    moment = turns[0]
    today = days_of(lambda: moment)

    for moment in turns:
        assert today() == moment.date()


def test_a_day_ends_at_midnight_in_utc() -> None:
    midnight = NOON.replace(hour=0)
    moment = midnight - timedelta(milliseconds=1)
    today = days_of(lambda: moment)

    before = today()
    moment = midnight

    assert (before, today()) == (midnight.date() - timedelta(days=1), midnight.date())


def test_seconds_are_those_of_the_clock() -> None:
    assert seconds_of(lambda: NOON)() == NOON.timestamp()
