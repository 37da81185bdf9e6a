"""Joining dates: believed only from an administrator, never for oneself, and what they open."""

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.domain.policies import anniversary
from app.entities import Trader
from tests.callers import Callers
from tests.factories import make_trader
from tests.identity.desk import ADA, Desk, invalid, no_trader, tokens_of

pytestmark = pytest.mark.anyio

BOSS = "boss@example.com"
POLICIES = ["ANYONE", "ALL_TRADERS", "SKILLED_TRADERS", "TRADER_MANAGERS", "ADMINISTRATORS"]


async def admin_token(desk: Desk) -> str:
    """Make an administrator and log in as one."""
    await make_trader(desk.database, email=BOSS, is_administrator=True)
    return (await desk.tokens(BOSS))[0]


async def test_a_verified_date_is_in_the_next_token_and_opens_what_it_should(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)
    token = await admin_token(desk)
    access, refresh = await desk.tokens()
    desk.clock.turn(seconds=1)

    answer = await desk.do("traderVerify", token=token, id=str(trader.id), dateJoined="2020-02-29")

    assert answer == {
        "trader": {
            "id": str(trader.id),
            "email": ADA,
            "firstName": "Ada",
            "lastName": "Trader",
            "locale": "en",
            "dateJoined": "2020-02-29",
            "version": 2,
        },
        "errors": [],
    }
    # What ran until now claims something else: refused as expired, so that the device renews and goes on.
    assert await desk.is_taken(access) == ["TOKEN_EXPIRED"]
    renewed, _ = tokens_of(await desk.renew(refresh))
    assert await desk.is_taken(renewed) == []
    assert desk.services.identity.tokens.read_access(renewed).date_joined == date(2020, 2, 29)
    assert (await desk.api("{ industries { id } tradersConnection { totalCount } }", token=renewed)).codes == []


async def test_null_takes_the_date_away_and_with_it_what_it_opened(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA, date_joined=date(2000, 1, 1))
    token = await admin_token(desk)
    access, refresh = await desk.tokens()
    desk.clock.turn(seconds=1)

    answer = await desk.do("traderVerify", token=token, id=str(trader.id), dateJoined=None)

    assert (answer["trader"]["dateJoined"], answer["errors"]) == (None, [])
    assert await desk.is_taken(access) == ["TOKEN_EXPIRED"]
    renewed, _ = tokens_of(await desk.renew(refresh))
    assert desk.services.identity.tokens.read_access(renewed).date_joined is None
    assert (await desk.api("{ industries { id } }", token=renewed)).codes == ["FORBIDDEN"]


UNBELIEVABLE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"dateJoined": "2026-06-16"}, invalid("INVALID_INPUT", "dateJoined")),
    ({"dateJoined": "9999-12-31"}, invalid("INVALID_INPUT", "dateJoined")),
    # What was forgotten is not null.
    ({}, invalid("INVALID_INPUT", "dateJoined")),
    ({"id": "4711", "dateJoined": "2020-01-01"}, invalid("USER_NOT_FOUND", "id")),
    ({"id": "0x1", "dateJoined": "2020-01-01"}, invalid("USER_NOT_FOUND", "id")),
]


async def test_what_cannot_be_believed_changes_nothing(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA, date_joined=date(2020, 1, 1))
    token = await admin_token(desk)
    before = await desk.credentials(Trader)

    for given, error in UNBELIEVABLE:
        answer = await desk.do("traderVerify", token=token, **{"id": str(trader.id), **given})

        assert (given, answer) == (given, no_trader(error))
    assert await desk.credentials(Trader) == before
    assert "TRADER_VERIFIED" not in await desk.actions()


async def test_today_can_be_believed(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)

    answer = await desk.do(
        "traderVerify", token=await admin_token(desk), id=str(trader.id), dateJoined="2026-06-15"
    )

    assert answer["errors"] == []


async def test_nobody_verifies_oneself_not_even_an_administrator(desk: Desk) -> None:
    token = await admin_token(desk)
    boss = await desk.trader(BOSS)
    assert boss is not None

    answer = await desk.send("traderVerify", token=token, id=str(boss.id), dateJoined="2000-01-01")

    assert (answer.data, answer.codes) == ({"traderVerify": None}, ["FORBIDDEN"])
    assert answer.errors[0]["extensions"] == {"code": "FORBIDDEN", "policy": "ADMINISTRATORS"}
    assert await desk.trader(BOSS) == boss


@pytest.mark.parametrize("caller", ["newcomer", "skilled", "manager"])
async def test_only_administrators_verify(desk: Desk, callers: Callers, caller: str) -> None:
    trader = await make_trader(desk.database, email=ADA)
    await make_trader(desk.database, email="eve@example.com")
    before = await desk.credentials(Trader)

    answer = await desk.send(
        "traderVerify", token=getattr(callers, caller), id=str(trader.id + 1), dateJoined="2000-01-01"
    )

    assert (answer.data, answer.codes) == ({"traderVerify": None}, ["FORBIDDEN"])
    assert await desk.credentials(Trader) == before


# A field that each policy guards; what asks for all traders is refused only for what is in the input.
GUARDED = {
    "ANYONE": "{ found: service { version } }",
    "ALL_TRADERS": (
        'mutation { found: permitChangePassword(input: {currentPassword: "", newPassword: ""}) '
        "{ errors { code } } }"
    ),
    "SKILLED_TRADERS": "{ found: industries(limit: 1) { id } }",
    "TRADER_MANAGERS": "{ found: tradersConnection(first: 1) { totalCount } }",
    "ADMINISTRATORS": "{ found: auditEventsConnection(first: 1) { nodes { id } } }",
}
STANDINGS = (
    "query ($dateJoined: Date, $on: Date) { policyStandings(dateJoined: $dateJoined, on: $on) "
    "{ policy satisfied satisfiedFrom } }"
)


def pairs(number: int) -> list[tuple[date | None, date]]:
    """Joining dates and days, most of them around an anniversary or the end of February."""
    chance = random.Random(7)  # noqa: S311 - the same dates in every run
    found: list[tuple[date | None, date]] = [(None, date(2026, 6, 15))]
    while len(found) < number:
        joined = date(2000, 1, 1) + timedelta(days=chance.randrange(9000))
        if chance.random() < 0.4:
            joined = chance.choice([date(2020, 2, 29), date(2021, 2, 28), date(2020, 3, 1), date(2019, 12, 31)])
        years, off = chance.choice([0, 1, 1, 4, 5, 5, 6]), chance.choice([-1, 0, 0, 1])
        day = anniversary(joined, years) + timedelta(days=off)
        if day >= joined:
            found.append((joined, day))
    return found


async def access_says(desk: Desk, token: str) -> dict[str, bool]:
    """Which policies' doors are open with a token."""
    found = {}
    for policy, document in GUARDED.items():
        answer = await desk.api(document, token=token)
        assert answer.codes in ([], ["FORBIDDEN"])
        found[policy] = answer.data["found"] is not None
    return found


async def test_standings_agree_with_real_access_whatever_the_dates(desk: Desk, callers: Callers) -> None:
    seen: set[tuple[bool, ...]] = set()

    for joined, day in pairs(60):
        given = {"dateJoined": joined and joined.isoformat(), "on": day.isoformat()}
        said = (await desk.api(STANDINGS, given, token=callers.manager)).data["policyStandings"]
        today, desk.clock.now = desk.clock.now, datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=UTC)
        access = await access_says(desk, callers.access(date_joined=joined))
        desk.clock.now = today

        assert {each["policy"]: each["satisfied"] for each in said} == access, (joined, day)
        seen.add(tuple(access.values()))

    # It bites only if all outcomes came up.
    assert seen == {tuple(policy in POLICIES[:number] for policy in POLICIES) for number in (2, 3, 4)}


async def test_a_standing_says_the_very_day_from_which_access_is_given(desk: Desk, callers: Callers) -> None:
    for joined in (date(2024, 2, 29), date(2025, 6, 16), date(2026, 6, 15), date(2023, 12, 31)):
        given = {"dateJoined": joined.isoformat(), "on": None}
        said = (await desk.api(STANDINGS, given, token=callers.manager)).data["policyStandings"]
        today = desk.clock.now
        for each in said:
            if each["satisfiedFrom"] is None:
                continue
            first = datetime.fromisoformat(each["satisfiedFrom"]).replace(tzinfo=UTC)
            desk.clock.now = first - timedelta(milliseconds=1)
            before = await access_says(desk, callers.access(date_joined=joined))
            desk.clock.now = first
            after = await access_says(desk, callers.access(date_joined=joined))
            desk.clock.now = today
            assert (before[each["policy"]], after[each["policy"]]) == (False, True), (joined, each)


async def test_the_standings_of_a_trader_are_what_the_trader_can_do(desk: Desk, callers: Callers) -> None:
    await desk.register("unconfirmed@example.com")
    for number, joined in enumerate([None, date(2025, 6, 15), date(2025, 6, 16), date(2021, 6, 15)]):
        await make_trader(desk.database, email=f"ada{number}@example.com", date_joined=joined)
    await make_trader(desk.database, email=BOSS, is_administrator=True)
    document = "query ($id: ID!) { policyStandings(traderId: $id) { policy satisfied } }"

    for email in [*(f"ada{number}@example.com" for number in range(4)), BOSS]:
        trader = await desk.trader(email)
        assert trader is not None
        said = (await desk.api(document, {"id": str(trader.id)}, token=callers.manager)).data["policyStandings"]
        access = await access_says(desk, (await desk.tokens(email))[0])
        assert {each["policy"]: each["satisfied"] for each in said} == access, email

    stranger = await desk.trader("unconfirmed@example.com")
    assert stranger is not None
    said = (await desk.api(document, {"id": str(stranger.id)}, token=callers.manager)).data["policyStandings"]
    assert [each["satisfied"] for each in said] == [True, False, False, False, False]


async def test_standings_know_no_end_of_the_calendar(desk: Desk, callers: Callers) -> None:
    for joined in ("9999-12-31", "9995-01-01", "9994-12-31", "0001-01-01"):
        for on in ("0001-01-01", "9999-12-31", None):
            answer = await desk.api(STANDINGS, {"dateJoined": joined, "on": on}, token=callers.manager)

            assert answer.codes == [], (joined, on)
            assert [each["policy"] for each in answer.data["policyStandings"]] == POLICIES


async def test_the_standings_of_nobody_are_an_error(desk: Desk, callers: Callers) -> None:
    answer = await desk.api('{ policyStandings(traderId: "4711") { policy } }', token=callers.manager)

    assert (answer.data, answer.codes) == ({"policyStandings": None}, ["USER_NOT_FOUND"])


async def test_a_renewal_beside_a_verification_never_leaves_the_old_date_in_a_running_token(
    desk: Desk,
) -> None:
    admin = await admin_token(desk)
    for turn in range(8):
        trader = await make_trader(desk.database, email=f"{turn}@example.com", date_joined=date(2010, 1, 1))
        _, refresh = await desk.tokens(trader.email)
        # Between two whole seconds, which tokens count in.
        desk.clock.turn(milliseconds=300)

        renewed, verified = await asyncio.gather(
            desk.renew(refresh), desk.do("traderVerify", token=admin, id=str(trader.id), dateJoined=None)
        )

        assert (renewed["errors"], verified["errors"]) == ([], [])
        taken = await desk.api("{ industries { id } }", token=renewed["tokens"]["accessToken"])
        assert taken.codes in (["TOKEN_EXPIRED"], ["FORBIDDEN"])
