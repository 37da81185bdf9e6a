"""How many frames a socket may send; what comes of too many is in `tests/attacks/test_sockets.py`."""

from hypothesis import given
from hypothesis import strategies as st

from app.web.frames import Allowance


@given(st.lists(st.floats(0, 10), max_size=50), st.integers(1, 20), st.integers(1, 20))
def test_no_more_is_allowed_than_the_burst_and_what_the_time_adds(
    pauses: list[float], per_second: int, burst: int
) -> None:
    allowance, now, taken = Allowance(per_second, burst), 0.0, 0
    for pause in pauses:
        now += pause
        taken += sum(allowance.take(now) for _ in range(burst + 1))

    assert taken <= burst + now * per_second + 1e-6
    assert not pauses or taken >= burst


def test_what_is_too_many_together_uses_nothing_up() -> None:
    allowance = Allowance(1, 5)

    assert [allowance.take(0, times) for times in (3, 3, 2, 1)] == [True, False, True, False]
