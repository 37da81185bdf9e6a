"""Who may do what, as values over the claims of an access token: no database, no request.

Each policy but ADMINISTRATORS includes the ones before it; ADMINISTRATORS includes them all.
"""

from calendar import isleap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from app.entities import Trader

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


def latest_joining(today: date, years: int) -> date:
    """Give the latest joining date that makes so many full years true today."""
    year = today.year - years
    # Who joined on 1 March has not served the year yet on 29 February.
    return (
        date(year, 2, 28) if (today.month, today.day) == (2, 29) and not isleap(year) else today.replace(year=year)
    )


class Bearer(Protocol):
    """Whom a policy is asked about: the claims of an access token, a trader, or a supposed one."""

    @property
    def date_joined(self) -> date | None:
        """The verified joining date."""

    @property
    def roles(self) -> frozenset[str]:
        """The roles."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a caller may be required to be.

    Attributes:
        name: As in the schema's enum `Policy`.
        test: Says for claims and a day in UTC whether they satisfy it.
        open_to_all: Whether no access token is needed.
        years: The full years of service that it asks for; 0 if it is no matter of time.
    """

    name: str
    test: Callable[[Bearer, date], bool]
    open_to_all: bool = False
    years: int = 0

    def allows(self, claims: Bearer | None, today: date) -> bool:
        """Say whether a caller with these claims passes on this day (UTC); None is a stranger."""
        if self.open_to_all:
            return True
        return claims is not None and (is_administrator(claims, today) or self.test(claims, today))


def is_administrator(claims: Bearer, _: date) -> bool:
    """Say whether the claims carry the administrator's role."""
    return Trader.ADMINISTRATOR in claims.roles


def served(years: int) -> Callable[[Bearer, date], bool]:
    """Make the test for that many full years since the verified joining date."""

    def has_served(claims: Bearer, today: date) -> bool:
        return claims.date_joined is not None and full_years(claims.date_joined, today) >= years

    return has_served


def _anyone(_: Bearer, __: date) -> bool:
    return True


ANYONE = Policy("ANYONE", _anyone, open_to_all=True)
ALL_TRADERS = Policy("ALL_TRADERS", _anyone)
SKILLED_TRADERS = Policy("SKILLED_TRADERS", served(SKILLED_YEARS), years=SKILLED_YEARS)
TRADER_MANAGERS = Policy("TRADER_MANAGERS", served(MANAGER_YEARS), years=MANAGER_YEARS)
ADMINISTRATORS = Policy("ADMINISTRATORS", is_administrator)

POLICIES: tuple[Policy, ...] = (ANYONE, ALL_TRADERS, SKILLED_TRADERS, TRADER_MANAGERS, ADMINISTRATORS)


@dataclass(frozen=True, slots=True)
class Supposed:
    """Someone who does not exist, with a joining date that is supposed."""

    date_joined: date | None
    roles: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """How someone stands to a policy.

    Attributes:
        reason: The key of the phrase that says why, or why not.
        params: What its placeables stand for.
        satisfied_from: The day from which it will be satisfied, if it is a matter of time.
    """

    policy: Policy
    satisfied: bool
    reason: str
    params: dict[str, str | int]
    satisfied_from: date | None = None


def standings(bearer: Bearer, on: date, *, confirmed: bool) -> Iterator[Standing]:
    """Say how someone stands to each policy on a day (UTC).

    Whether a policy is satisfied is asked of the policy itself, so that it agrees with what access says.
    """
    for policy in POLICIES:
        satisfied = policy.allows(bearer if confirmed else None, on)
        reason, params, day = _reason(policy, bearer, on, confirmed=confirmed)
        yield Standing(policy, satisfied, reason, params, None if satisfied else day)


def _reason(
    policy: Policy, bearer: Bearer, on: date, *, confirmed: bool
) -> tuple[str, dict[str, str | int], date | None]:
    if policy is ANYONE:
        return "reason-anyone", {}, None
    if not confirmed:
        return "reason-not-confirmed", {}, None
    if policy is ALL_TRADERS:
        return "reason-confirmed", {}, None
    if is_administrator(bearer, on):
        return "reason-administrator", {}, None
    if policy is ADMINISTRATORS:
        return "reason-not-administrator", {}, None
    if bearer.date_joined is None:
        return "reason-joining-date-unverified", {}, None
    years = full_years(bearer.date_joined, on)
    numbers: dict[str, str | int] = {"years": years, "needed": policy.years}
    if years >= policy.years:
        return "reason-years-satisfied", numbers, None
    if bearer.date_joined.year + policy.years > date.max.year:
        # The calendar ends before it is enough; the same words without a day say so too.
        return "reason-years-satisfied", numbers, None
    day = anniversary(bearer.date_joined, policy.years)
    return "reason-years-missing", {**numbers, "date": day.isoformat()}, day
