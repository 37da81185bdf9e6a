"""How long to wait before trying again: longer each time, up to a bound, and never all at the same moment."""

from collections.abc import Callable
from dataclasses import dataclass

# Of a wait this many times the first, all that counts is that it is above every bound: 2.0 ** 1024 overflows.
_MOST_DOUBLINGS = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Backoff:
    """How long to wait before each retry.

    Before retry n (from 1): min(longest, first * 2**(n-1)) seconds, times a random factor in [0.5, 1], so
    that those who failed together do not come back together.

    Attributes:
        attempts: How often something is tried in all, the first time included. Who goes by age instead, as
            the outbox does, does not ask.
        first: The wait before the first retry without its random factor, in seconds.
        longest: What no wait is longer than, in seconds.
    """

    attempts: int = 4
    first: float = 0.1
    longest: float = 5.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or not 0 < self.first <= self.longest:
            raise ValueError("a back-off needs an attempt, and 0 < first <= longest")

    def wait(self, n: int, random: Callable[[], float]) -> float:
        """Give the seconds to wait before retry n.

        Args:
            n: The number of the retry, from 1.
            random: Gives a number in [0, 1], such as `random.random`; tests hand over their own.

        Raises:
            ValueError: There is no such retry: n is below 1.
        """
        if n < 1:
            raise ValueError("retries are counted from 1")
        doubled = self.first * 2.0 ** min(n - 1, _MOST_DOUBLINGS)
        return min(self.longest, doubled) * (0.5 + random() / 2)
