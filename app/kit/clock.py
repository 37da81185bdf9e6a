"""The time, always UTC and always aware, as a value that can be handed over in a test."""

from collections.abc import Callable
from datetime import UTC, datetime
from time import time, time_ns

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
