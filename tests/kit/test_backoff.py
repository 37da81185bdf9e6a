"""Waits double up to their bound, spread over the upper half, for whatever is asked."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.backoff import Backoff

MAIL = Backoff(first=5, longest=900)


def test_waits_double_until_the_longest() -> None:
    waits = [MAIL.wait(n, lambda: 1.0) for n in range(1, 11)]

    assert waits == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]


def test_the_random_factor_goes_down_to_one_half() -> None:
    waits = [MAIL.wait(n, lambda: 0.0) for n in (1, 2, 10)]

    assert waits == [2.5, 5, 450]


def test_one_random_number_is_drawn_for_each_wait() -> None:
    drawn = iter([0.0, 0.5, 1.0])

    waits = [MAIL.wait(1, lambda: next(drawn)) for _ in range(3)]

    assert waits == [2.5, 3.75, 5]


@given(
    n=st.integers(1, 10**9),
    first=st.floats(0.001, 1e6),
    times=st.floats(1, 1e6),
    seed=st.integers(),
)
def test_a_wait_stays_within_its_bounds(n: int, first: float, times: float, seed: int) -> None:
    backoff = Backoff(first=first, longest=first * times)

    wait = backoff.wait(n, random.Random(seed).random)  # noqa: S311 - jitter, no secret

    assert first / 2 <= wait <= backoff.longest


@pytest.mark.parametrize("n", [0, -1])
def test_retries_are_counted_from_one(n: int) -> None:
    with pytest.raises(ValueError, match="counted from 1"):
        MAIL.wait(n, lambda: 1.0)


@pytest.mark.parametrize(("attempts", "first", "longest"), [(0, 1, 2), (1, 0, 2), (1, -1, 2), (1, 3, 2)])
def test_a_back_off_that_cannot_work_is_refused(attempts: int, first: float, longest: float) -> None:
    with pytest.raises(ValueError, match="back-off"):
        Backoff(attempts=attempts, first=first, longest=longest)
