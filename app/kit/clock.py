"""The time, always UTC and always aware, as a value that can be handed over in a test."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from time import time, time_ns

_DAY_SECONDS = 86_400
_FIRST_DAY = date(1970, 1, 1).toordinal()

Clock = Callable[[], datetime]
"""Gives the present moment, aware and in UTC."""


def utc_now() -> datetime:
    """Give the present moment in UTC, to the millisecond: the precision that the API speaks."""
    # Every request asks several times: this takes a third of the time of `now()` with its digits cut off.
    return datetime.fromtimestamp(time_ns() // 1_000_000 / 1000, UTC)


def seconds_of(clock: Clock) -> Callable[[], float]:
    """Give the seconds since 1970 of a clock."""
    # What only counts minutes needs no calendar, which takes most of the time.
    return time if clock is utc_now else lambda: clock().timestamp()


def days_of(clock: Clock) -> Callable[[], date]:
    """Give the day of a clock, in UTC."""
    seconds = seconds_of(clock)
    begins = ends = 0.0
    known = date.min

    def today() -> date:
        # Every request asks, and the answer is another one once a day.
        nonlocal begins, ends, known
        now = seconds()
        if not begins <= now < ends:
            day = now // _DAY_SECONDS
            begins, ends = day * _DAY_SECONDS, (day + 1) * _DAY_SECONDS
            known = date.fromordinal(_FIRST_DAY + int(day))
        return known

    return today
