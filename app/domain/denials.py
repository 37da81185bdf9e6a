"""Refusals by policy, kept for the audit trail without a statement on the refused request itself.

A flood cannot grow the trail: of each caller and field one event an hour is written, with how often it
happened; strangers count as one caller; and a process keeps at most a thousand such pairs in an hour.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import audit
from app.domain.audit import AuditAction, Origin
from app.kit import facts

INTERVAL = timedelta(hours=1)
MOST_PAIRS = 1_000

Opener = Callable[[Origin], AbstractAsyncContextManager[AsyncSession]]
"""Opens an audited unit of work for an origin."""


@dataclass(slots=True)
class _Pair:
    origin: Origin
    count: int = 0
    written_at: datetime | None = None


class Denials:
    """Counts refusals and writes of them now and then."""

    def __init__(self) -> None:
        self._pairs: dict[tuple[int | None, str], _Pair] = {}

    def note(self, field: str, policy: str, origin: Origin) -> None:
        """Count a refusal; touches memory only."""
        key = (origin.actor_id, f"{field} {policy}")
        pair = self._pairs.get(key)
        if pair is None:
            if len(self._pairs) >= MOST_PAIRS:
                return
            pair = self._pairs[key] = _Pair(origin)
        pair.count += 1
        pair.origin = origin

    async def write(self, open_work: Opener, now: datetime) -> int:
        """Write an event for each pair that is due, and give how many were written."""
        due = [
            (what, pair)
            for (_, what), pair in self._pairs.items()
            if pair.count and (pair.written_at is None or now - pair.written_at >= INTERVAL)
        ]
        for what, pair in due:
            count = pair.count
            async with open_work(pair.origin) as session:
                facts.note(
                    session,
                    audit.Happened(
                        action=AuditAction.ACCESS_DENIED,
                        trader_id=pair.origin.actor_id,
                        detail=f"{what}, {count} times",
                    ),
                )
            # Only now: what could not be written still counts, and so does what came meanwhile.
            pair.count, pair.written_at = pair.count - count, now
        self._forget(now)
        return len(due)

    def _forget(self, now: datetime) -> None:
        self._pairs = {
            key: pair
            for key, pair in self._pairs.items()
            if pair.count or pair.written_at is None or now - pair.written_at < INTERVAL
        }
