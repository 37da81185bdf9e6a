"""How often: requests, log-ins and codes a minute, of each address and of each trader.

Requests are counted in the memory of each process, because to ask Redis takes longer than to answer a read; where
there is one, the processes tell each other every second. Log-ins and codes are few and matter more: Redis counts
them at once. Where it is away, each process goes by its own counts.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from app.graph.context import Context
from app.kit.problem import Problem

LOG_INS = frozenset({"permitLogIn", "permitConfirm", "permitResetPassword", "permitChangePassword"})
"""The mutations that try a password, or put another in its place."""

CODES = frozenset(
    {
        *("permitRegister", "permitRequestCode", "permitConfirm", "permitResetPassword"),
        *("twoFactorBegin", "twoFactorEnable", "twoFactorDisable", "twoFactorRenewRecoveryCodes"),
    }
)
"""The mutations that send a code, or try one."""

SHARE_SECONDS = 1.0
"""How often processes tell each other of the requests that they have counted."""

MOST_COUNTED = 100_000
"""How many addresses and traders a process counts in a minute; with more, it begins anew."""

_MINUTE = 60
# As long as two of them, for the clocks of hosts differ.
_KEPT_SECONDS = 2 * _MINUTE

logger = logging.getLogger("app.rates")


class TooOften(Problem):
    """The address or the trader has had as much in this minute as it may have."""

    code = "RATE_LIMITED"

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds=seconds)


class CountsAway(Exception):
    """The counts that processes share cannot be reached now."""


class SharedCounts(Protocol):
    """Counts that all processes have in common."""

    async def add(self, key: str, times: int, *, kept_seconds: int) -> int:
        """Count, and give the count so far.

        Raises:
            CountsAway: They cannot be reached.
        """

    async def close(self) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """How often a minute each address, and each trader, may do something; 0 for as often as it likes.

    Attributes:
        requests: Send a request, or an operation over a socket.
        log_ins: Try a password.
        codes: Have a code sent, or try one.
    """

    requests: int
    log_ins: int
    codes: int


class Counts:
    """What one process has counted in the current minute, and what it knows of the others' counts."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin.

        Args:
            clock: The seconds since 1970; the same for all processes, so that their minutes are the same.
        """
        self._clock = clock
        self._begin(0)

    def _begin(self, minute: int) -> None:
        self._minute = minute
        # As a clock tells them, so that they are quick to compare with.
        self._since, self._until = float(minute * _MINUTE), float((minute + 1) * _MINUTE)
        self._here: dict[str, int] = {}
        self._told: dict[str, int] = {}
        self._untold: set[str] = set()
        self._elsewhere: dict[str, int] = {}

    def add(self, key: str, times: int = 1) -> int:
        """Count, and give the count so far."""
        self._keep_up()
        self._here[key] = count = self._here.get(key, 0) + times
        self._untold.add(key)
        return count + self._elsewhere.get(key, 0)

    def take(self, key: str, most: int) -> bool:
        """Count once, unless that makes more than so many; say whether it did not."""
        self._keep_up()
        here = self._here
        count = here.get(key, 0)
        if count + self._elsewhere.get(key, 0) >= most:
            return False
        here[key] = count + 1
        self._untold.add(key)
        return True

    def give_back(self, key: str) -> None:
        """Count once less, if it was counted in this minute."""
        self._keep_up()
        if self._here.get(key):
            self._here[key] -= 1
            self._untold.add(key)

    def _keep_up(self) -> None:
        if not self._since <= self._clock() < self._until or len(self._here) >= MOST_COUNTED:
            self._begin(int(self._clock()) // _MINUTE)

    def name_now(self, key: str) -> str:
        """Name a key together with the minute."""
        return f"{int(self._clock()) // _MINUTE}:{key}"

    def seconds_left(self) -> int:
        """Say when the next minute begins: whole seconds, so that a client that waits as told gets in."""
        return _MINUTE - int(self._clock()) % _MINUTE

    async def share(self, shared: SharedCounts) -> None:
        """Tell the others what was counted here since the last time, and take over what they have counted.

        Raises:
            CountsAway: They cannot be reached; what was not told yet is told the next time.
        """
        # What is counted meanwhile, if a new minute begins, is none of this one's.
        minute, here, told, elsewhere = self._minute, self._here, self._told, self._elsewhere
        untold, self._untold = self._untold, set()
        while untold:
            key = untold.pop()
            times = here[key] - told.get(key, 0)
            try:
                count = await shared.add(f"{minute}:{key}", times, kept_seconds=_KEPT_SECONDS)
            except CountsAway:
                if here is self._here:
                    self._untold |= untold | {key}
                raise
            told[key] = told.get(key, 0) + times
            elsewhere[key] = max(0, count - told[key])


class Quota:
    """How many requests one address, or one trader, may still send in this minute."""

    __slots__ = ("_counts", "_key", "_most")

    def __init__(self, counts: Counts, key: str, most: int) -> None:
        self._counts = counts
        self._key = key
        self._most = most

    def take(self) -> None:
        """Count a request.

        Raises:
            TooOften: It would be more than there may be, and is not counted.
        """
        if self._most and not self._counts.take(self._key, self._most):
            raise TooOften(self._counts.seconds_left())

    def give_back(self) -> None:
        """Count one less, for whoever serves it in another way counts it again."""
        if self._most:
            self._counts.give_back(self._key)


class Rates:
    """Holds clients to how often they may do something.

    Attributes:
        refused: How often somebody was told to wait, by what there was too much of.
    """

    def __init__(self, limits: RateLimits, shared: SharedCounts | None, clock: Callable[[], float]) -> None:
        """Begin to count.

        Args:
            limits: How often.
            shared: Where processes count together; None for a process by itself.
            clock: The seconds since 1970.
        """
        self.refused = {"address": 0, "trader": 0, "log-in": 0, "code": 0}
        self._limits = limits
        self._shared = shared
        self._counts = Counts(clock)
        self._tries: Mapping[str, tuple[Collection[str], int]] = {
            "log-in": (LOG_INS, limits.log_ins),
            "code": (CODES, limits.codes),
        }

    def count_request(self, address: str, times: int = 1) -> None:
        """Count a request of an address, or as many as it is worth.

        Raises:
            TooOften: There are more than there may be.
        """
        self._count("address", address, times)

    def count_request_of_trader(self, trader_id: int) -> None:
        """Count a request of a trader, from whatever address.

        Raises:
            TooOften: There are more than there may be.
        """
        self._count("trader", trader_id)

    def quota_of(self, address: str) -> Quota:
        """Give the requests that an address may send, for whoever takes one after the other."""
        return Quota(self._counts, f"address:{address}", self._limits.requests)

    def quota_of_trader(self, trader_id: int) -> Quota:
        """Give the requests that a trader may send, from whatever address."""
        return Quota(self._counts, f"trader:{trader_id}", self._limits.requests)

    async def count_tries(self, fields: Collection[str], address: str, context: Context) -> None:
        """Count what a mutation tries: each of its fields for itself, so that aliases save nothing.

        Args:
            fields: The names of its root fields, each as often as it is done.
            address: The client's address.
            context: The request.

        Raises:
            TooOften: There are more log-ins or codes than there may be.
        """
        for kind, (names, most) in self._tries.items():
            times = sum(field in names for field in fields)
            if times and most:
                await self._count_tries(kind, f"address:{address}", times, most)
                if context.claims is not None:
                    await self._count_tries(kind, f"trader:{context.claims.trader_id}", times, most)

    async def keep_shared(self) -> None:
        """Tell the other processes what was counted, until cancelled."""
        while self._shared is not None:
            await asyncio.sleep(SHARE_SECONDS)
            try:
                await self._counts.share(self._shared)
            except CountsAway as away:
                logger.warning("requests are counted by each process for itself (%s)", away)

    async def close(self) -> None:
        """Close what was opened."""
        if self._shared is not None:
            await self._shared.close()

    def _count(self, kind: str, who: str | int, times: int = 1) -> None:
        if self._limits.requests and self._counts.add(f"{kind}:{who}", times) > self._limits.requests:
            self.refused[kind] += 1
            raise TooOften(self._counts.seconds_left())

    async def _count_tries(self, kind: str, who: str, times: int, most: int) -> None:
        key = f"{kind}:{who}"
        count = self._counts.add(key, times) if self._shared is None else await self._add_shared(key, times)
        if count > most:
            self.refused[kind] += 1
            raise TooOften(self._counts.seconds_left())

    async def _add_shared(self, key: str, times: int) -> int:
        assert self._shared is not None  # noqa: S101 - asked before
        try:
            return await self._shared.add(self._counts.name_now(key), times, kept_seconds=_KEPT_SECONDS)
        except CountsAway as away:
            logger.warning("log-ins and codes are counted by each process for itself (%s)", away)
            return self._counts.add(key, times)
