"""Years of service count by anniversaries, and each policy opens on the day of its own and not before."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from app.domain.policies import POLICIES, anniversary, full_years, latest_joining
from app.security.tokens import AccessClaims

TODAY = date(2026, 6, 15)
DAY = timedelta(days=1)

EVERYTHING = ["ANYONE", "ALL_TRADERS", "SKILLED_TRADERS", "TRADER_MANAGERS", "ADMINISTRATORS"]


def claims(*, date_joined: date | None = None, roles: frozenset[str] = frozenset()) -> AccessClaims:
    return AccessClaims(
        trader_id=7,
        permit_id="a-permit",
        token_id="a-token",
        email="ada@example.com",
        given_name="Ada",
        family_name="Trader",
        date_joined=date_joined,
        roles=roles,
        issued_at=datetime(2026, 6, 15, 12, tzinfo=UTC),
        expires_at=datetime(2026, 6, 15, 12, 15, tzinfo=UTC),
    )


def passed(caller: AccessClaims | None, today: date = TODAY) -> list[str]:
    """The names of the policies that let the caller in on that day."""
    return [policy.name for policy in POLICIES if policy.allows(caller, today)]


@pytest.mark.parametrize(
    ("since", "today", "years"),
    [
        (date(2025, 6, 15), date(2026, 6, 14), 0),
        (date(2025, 6, 15), date(2026, 6, 15), 1),
        (date(2025, 12, 31), date(2026, 1, 1), 0),
        (date(2026, 6, 15), date(2026, 6, 15), 0),
        (date(2026, 6, 16), date(2026, 6, 15), 0),
        (date(2030, 1, 1), date(2026, 6, 15), 0),
        (date(2024, 2, 29), date(2025, 2, 28), 0),
        (date(2024, 2, 29), date(2025, 3, 1), 1),
        (date(2024, 2, 29), date(2028, 2, 28), 3),
        (date(2024, 2, 29), date(2028, 2, 29), 4),
        (date(1896, 2, 29), date(1900, 2, 28), 3),
        (date(1896, 2, 29), date(1900, 3, 1), 4),
        (date(2023, 2, 28), date(2024, 2, 28), 1),
        (date(2023, 3, 1), date(2024, 2, 29), 0),
    ],
)
def test_full_years_are_counted_by_anniversaries(since: date, today: date, years: int) -> None:
    assert full_years(since, today) == years


@given(st.dates(max_value=date(9000, 12, 31)), st.integers(0, 900))
@example(date(2024, 2, 29), 1)
@example(date(2024, 2, 29), 4)
@example(date(1896, 2, 29), 4)
def test_a_year_is_full_on_the_anniversary_and_not_the_day_before(since: date, years: int) -> None:
    day = anniversary(since, years)

    assert full_years(since, day) == years
    assert years == 0 or full_years(since, day - DAY) == years - 1


@given(st.dates(), st.dates())
def test_years_are_never_negative_and_never_more_than_the_calendar_years(since: date, today: date) -> None:
    years = full_years(since, today)

    assert 0 <= years <= max(0, today.year - since.year)
    assert (since <= today) or years == 0


@pytest.mark.parametrize("since", [date(2026, 6, 15), date(2024, 2, 29)])
def test_an_anniversary_past_the_calendar_is_refused(since: date) -> None:
    with pytest.raises(ValueError, match="year"):
        anniversary(since, 9999)


def test_a_stranger_passes_only_what_is_open_to_all() -> None:
    assert passed(None) == ["ANYONE"]


@pytest.mark.parametrize(
    ("date_joined", "policies"),
    [
        (None, EVERYTHING[:2]),
        (TODAY + DAY, EVERYTHING[:2]),
        (TODAY, EVERYTHING[:2]),
        (date(2025, 6, 16), EVERYTHING[:2]),
        (date(2025, 6, 15), EVERYTHING[:3]),
        (date(2021, 6, 16), EVERYTHING[:3]),
        (date(2021, 6, 15), EVERYTHING[:4]),
        (date(1960, 1, 1), EVERYTHING[:4]),
    ],
)
def test_a_trader_passes_what_the_years_of_service_open(date_joined: date | None, policies: list[str]) -> None:
    assert passed(claims(date_joined=date_joined)) == policies


@pytest.mark.parametrize(
    ("today", "policies"),
    [
        (date(2025, 2, 28), EVERYTHING[:2]),
        (date(2025, 3, 1), EVERYTHING[:3]),
        (date(2029, 2, 28), EVERYTHING[:3]),
        (date(2029, 3, 1), EVERYTHING[:4]),
    ],
)
def test_who_joined_on_29_february_is_let_in_from_1_march(today: date, policies: list[str]) -> None:
    assert passed(claims(date_joined=date(2024, 2, 29)), today) == policies


@pytest.mark.parametrize("date_joined", [None, TODAY, TODAY + DAY, date(1960, 1, 1)])
def test_an_administrator_passes_everything(date_joined: date | None) -> None:
    assert passed(claims(date_joined=date_joined, roles=frozenset({"administrator"}))) == EVERYTHING


@pytest.mark.parametrize("role", ["ADMINISTRATOR", "Administrator", "admin", "administrator ", ""])
def test_no_other_role_opens_anything(role: str) -> None:
    assert passed(claims(roles=frozenset({role}))) == EVERYTHING[:2]


@given(st.dates(), st.dates())
def test_each_policy_includes_the_ones_before_it(since: date, today: date) -> None:
    opened = passed(claims(date_joined=since), today)

    assert opened == EVERYTHING[: len(opened)]


@given(st.dates(max_value=date(9990, 12, 31)), st.dates())
def test_what_is_open_stays_open(since: date, today: date) -> None:
    assume(today < date.max)

    assert set(passed(claims(date_joined=since), today)) <= set(passed(claims(date_joined=since), today + DAY))


@given(st.dates(date(1900, 1, 1), date(2200, 12, 31)), st.integers(0, 60))
@example(date(2028, 2, 29), 2)
@example(date(2028, 2, 29), 4)
def test_the_latest_joining_is_just_enough(today: date, years: int) -> None:
    joined = latest_joining(today, years)

    assert full_years(joined, today) == years
    assert full_years(joined + timedelta(days=1), today) < max(years, 1)
