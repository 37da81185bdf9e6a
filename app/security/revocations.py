"""The access tokens that this process must refuse although they have not expired; asks no database."""

from datetime import datetime

from app.kit.clock import Clock
from app.security.tokens import AccessClaims, ExpiredToken, InvalidToken

# How often what has expired by itself is thrown out: each time the set has doubled since.
_SMALLEST_SWEEP = 1_024


class Revocations:
    """A set that other processes push into, and that forgets what has expired by itself."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._permits: dict[str, datetime] = {}
        self._traders: dict[int, tuple[datetime, datetime]] = {}
        self._sweep_at = _SMALLEST_SWEEP

    def __len__(self) -> int:
        return len(self._permits) + len(self._traders)

    def end_permit(self, permit_id: str, *, until: datetime) -> None:
        """Refuse all access tokens of a permit until the last of them has expired by itself."""
        self._permits[permit_id] = max(until, self._permits.get(permit_id, until))
        self._sweep()

    def outdate_trader(self, trader_id: int, *, before: datetime, until: datetime) -> None:
        """Refuse a trader's access tokens that were given before a moment."""
        known = self._traders.get(trader_id, (before, until))
        self._traders[trader_id] = (max(before, known[0]), max(until, known[1]))
        self._sweep()

    def hold_against(self, claims: AccessClaims) -> None:
        """Let claims pass, or not.

        Raises:
            InvalidToken: The permit was revoked.
            ExpiredToken: What the token claims has changed since: the client renews and goes on.
        """
        if claims.permit_id in self._permits:
            raise InvalidToken
        outdated = self._traders.get(claims.trader_id)
        # A token says when it was given in whole seconds; one of the very second of the change is refused.
        if outdated is not None and claims.issued_at < outdated[0]:
            raise ExpiredToken

    def _sweep(self) -> None:
        if len(self) < self._sweep_at:
            return
        now = self._clock()
        self._permits = {key: until for key, until in self._permits.items() if until > now}
        self._traders = {key: span for key, span in self._traders.items() if span[1] > now}
        self._sweep_at = max(_SMALLEST_SWEEP, 2 * len(self))
