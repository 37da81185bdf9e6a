"""Who may do what, as values over the claims of an access token: no database, no request.

Each policy but ADMINISTRATORS includes the ones before it; ADMINISTRATORS includes them all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from app.entities import Trader
from app.security.tokens import AccessClaims

SKILLED_YEARS = 1
MANAGER_YEARS = 5


def full_years(since: date, today: date) -> int:
    """Count the full years from one day to another by anniversaries; 29 February counts on 1 March.

    A day before `since` counts as no year.
    """
    anniversary_to_come = (today.month, today.day) < (since.month, since.day)
    return max(0, today.year - since.year - anniversary_to_come)


def anniversary(since: date, years: int) -> date:
    """Give the day on which so many full years are reached.

    Raises:
        ValueError: The year is past 9999.
    """
    try:
        return since.replace(year=since.year + years)
    except ValueError:
        if since.year + years > date.max.year:
            raise
        return date(since.year + years, 3, 1)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a caller may be required to be.

    Attributes:
        name: As in the schema's enum `Policy`.
        test: Says for claims and a day in UTC whether they satisfy it.
        open_to_all: Whether no access token is needed.
    """

    name: str
    test: Callable[[AccessClaims, date], bool]
    open_to_all: bool = False

    def allows(self, claims: AccessClaims | None, today: date) -> bool:
        """Say whether a caller with these claims passes on this day (UTC); None is a stranger."""
        if self.open_to_all:
            return True
        return claims is not None and (is_administrator(claims, today) or self.test(claims, today))


def is_administrator(claims: AccessClaims, _: date) -> bool:
    """Say whether the claims carry the administrator's role."""
    return Trader.ADMINISTRATOR in claims.roles


def served(years: int) -> Callable[[AccessClaims, date], bool]:
    """Make the test for that many full years since the verified joining date."""

    def has_served(claims: AccessClaims, today: date) -> bool:
        return claims.date_joined is not None and full_years(claims.date_joined, today) >= years

    return has_served


def _anyone(_: AccessClaims, __: date) -> bool:
    return True


ANYONE = Policy("ANYONE", _anyone, open_to_all=True)
ALL_TRADERS = Policy("ALL_TRADERS", _anyone)
SKILLED_TRADERS = Policy("SKILLED_TRADERS", served(SKILLED_YEARS))
TRADER_MANAGERS = Policy("TRADER_MANAGERS", served(MANAGER_YEARS))
ADMINISTRATORS = Policy("ADMINISTRATORS", is_administrator)

POLICIES: tuple[Policy, ...] = (ANYONE, ALL_TRADERS, SKILLED_TRADERS, TRADER_MANAGERS, ADMINISTRATORS)
