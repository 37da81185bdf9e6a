"""Lockout: five failures, thirty minutes, the same for every address; lifted by time, a manager or a reset."""

import asyncio

import pytest

from app.credentials import Throttle
from app.entities import Trader
from tests.callers import Callers
from tests.factories import make_trader
from tests.identity.desk import (
    ADA,
    NEW_PASSWORD,
    Desk,
    Payload,
    moment,
    no_permit,
    refusal,
    tokens_of,
    wait,
)

pytestmark = pytest.mark.anyio

FAILED = no_permit(refusal("LOGIN_FAILED", "password"))
UNKNOWN = "unknown@example.com"


def locked(seconds: int) -> Payload:
    return no_permit(wait(seconds))


async def test_after_five_failures_even_the_right_password_waits_thirty_minutes_to_the_second(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.fail(5)

    at_once = await desk.log_in()
    desk.clock.turn(minutes=10, milliseconds=1)
    later = await desk.log_in()
    desk.clock.turn(minutes=19, seconds=59, milliseconds=998)
    just_before = await desk.log_in()
    desk.clock.turn(milliseconds=1)
    at_last = await desk.log_in()

    assert (at_once, later, just_before) == (locked(1800), locked(1200), locked(1))
    assert at_last["errors"] == []


async def test_the_answers_are_the_same_for_an_unknown_address(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    begin, answers = desk.clock.now, []

    for email in (ADA, UNKNOWN):
        desk.clock.now = begin
        answered = [await desk.log_in(email, "not the password") for _ in range(6)]
        desk.clock.turn(minutes=29, seconds=59)
        answered.append(await desk.log_in(email, "not the password"))
        desk.clock.turn(seconds=1)
        # A lockout that is over counts anew.
        answered += [await desk.log_in(email, "not the password") for _ in range(6)]
        answers.append(answered)

    assert answers[0] == [*[FAILED] * 5, locked(1800), locked(1), *[FAILED] * 5, locked(1800)]
    assert answers[1] == answers[0]


async def test_fifty_parallel_wrong_passwords_are_five_tries(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    for email in (ADA, UNKNOWN):
        answers = await asyncio.gather(*(desk.log_in(email, f"guess number {number}") for number in range(50)))

        assert answers.count(FAILED) == 5
        assert answers.count(locked(1800)) == 45
    actions = await desk.actions()
    assert (actions.count("LOGIN_FAILED"), actions.count("LOCKED_OUT")) == (5, 1)


async def test_a_right_password_among_parallel_wrong_ones_does_not_make_more_tries_of_them(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.fail(4)

    answers = await asyncio.gather(*(desk.log_in(ADA, f"guess number {number}") for number in range(10)))

    assert answers.count(FAILED) == 1
    assert answers.count(locked(1800)) == 9


async def test_a_right_password_forgets_the_failures_before_it(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    for _ in range(2):
        await desk.fail(4)
        assert (await desk.log_in())["errors"] == []

    await desk.fail(4)


async def test_failures_that_lie_a_lockout_apart_are_counted_anew(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.fail(4)
    desk.clock.turn(minutes=30)

    await desk.fail(4)

    assert (await desk.log_in())["errors"] == []


async def test_a_confirmation_and_a_change_of_password_count_to_the_lockout_too(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    await desk.fail(3)

    confirmed = await desk.confirm("123456", password="not the password")
    changed = await desk.do(
        "permitChangePassword", token=access, currentPassword="not the password", newPassword=NEW_PASSWORD
    )

    assert confirmed == FAILED
    assert changed == no_permit(refusal("LOGIN_FAILED", "currentPassword"))
    assert await desk.log_in() == locked(1800)


async def test_the_trader_is_told_by_mail_once(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    for email in (ADA, UNKNOWN):
        await desk.fail(5, email)
        for _ in range(3):
            await desk.log_in(email)

    assert [(mail.to, mail.subject) for mail in await desk.mails()] == [
        (ADA, "Logging in to your account is paused")
    ]


async def test_a_locked_traders_tokens_are_refused_until_the_lockout_is_over(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, refresh = await desk.tokens()
    desk.clock.turn(seconds=1)
    await desk.fail(5)

    assert await desk.is_taken(access) == ["TOKEN_EXPIRED"]
    assert await desk.renew(refresh) == no_permit(wait(1800, "refreshToken"))
    desk.clock.turn(minutes=29, seconds=59)
    assert await desk.renew(refresh) == no_permit(wait(1, "refreshToken"))
    desk.clock.turn(seconds=1)
    renewed, _ = tokens_of(await desk.renew(refresh))
    assert await desk.is_taken(renewed) == []


async def test_a_locked_trader_can_log_out(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    _, refresh = await desk.tokens()
    await desk.fail(5)

    answer = await desk.do("permitLogOut", refreshToken=refresh)

    assert (answer["revokedCount"], answer["errors"]) == (1, [])


async def test_a_manager_sees_and_lifts_a_lockout(desk: Desk, callers: Callers) -> None:
    await make_trader(desk.database)
    trader = await make_trader(desk.database, email=ADA)
    _, refresh = await desk.tokens()
    await desk.fail(5)
    document = "query ($id: ID!) { trader(id: $id) { lockedUntil } }"
    seen = []

    seen.append((await desk.api(document, {"id": str(trader.id)}, token=callers.manager)).data)
    answer = await desk.do("traderUnlock", token=callers.manager, id=str(trader.id))
    seen.append((await desk.api(document, {"id": str(trader.id)}, token=callers.manager)).data)

    at = desk.clock.now
    desk.clock.turn(minutes=30)
    assert seen == [{"trader": {"lockedUntil": moment(desk.clock.now)}}, {"trader": {"lockedUntil": None}}]
    desk.clock.now = at
    assert (answer["trader"]["id"], answer["errors"]) == (str(trader.id), [])
    assert (await desk.renew(refresh))["errors"] == []
    # All five tries are there again.
    await desk.fail(4)
    assert (await desk.log_in())["errors"] == []
    assert (await desk.actions()).count("UNLOCKED") == 1


@pytest.mark.parametrize("caller", ["newcomer", "skilled"])
async def test_nobody_else_lifts_a_lockout_not_even_the_trader(desk: Desk, callers: Callers, caller: str) -> None:
    trader = await make_trader(desk.database, email=ADA)
    await desk.fail(5)

    answer = await desk.send("traderUnlock", token=getattr(callers, caller), id=str(trader.id))

    assert (answer.data, answer.codes) == ({"traderUnlock": None}, ["FORBIDDEN"])
    assert await desk.log_in() == locked(1800)


async def test_a_trader_does_not_see_the_own_lockout_for_it_is_the_managers(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()

    answer = await desk.api("{ me { id lockedUntil } }", token=access)

    assert answer.codes == ["FORBIDDEN"]
    assert answer.data["me"]["lockedUntil"] is None


async def test_unlocking_nobody_is_an_error_and_unlocking_who_is_free_records_nothing(
    desk: Desk, callers: Callers
) -> None:
    trader = await make_trader(desk.database, email=ADA)

    unknown = await desk.do("traderUnlock", token=callers.manager, id="4711")
    free = await desk.do("traderUnlock", token=callers.manager, id=str(trader.id))

    assert unknown == {
        "trader": None,
        "errors": [{"__typename": "InvalidInput", "code": "USER_NOT_FOUND", "path": ["id"]}],
    }
    assert free["errors"] == []
    assert await desk.actions() == []


async def test_a_reset_lifts_a_lockout(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.fail(5)

    answer = await desk.reset(await desk.reset_code())

    assert answer["errors"] == []
    assert (await desk.log_in(password=NEW_PASSWORD))["errors"] == []


async def test_a_lockout_is_one_traders_alone(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await make_trader(desk.database, email="eve@example.com")

    await desk.fail(5)

    assert (await desk.log_in("eve@example.com"))["errors"] == []


async def test_the_table_of_failures_tells_no_address(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.fail(1)
    await desk.fail(1, UNKNOWN)

    rows = await desk.rows(Throttle)
    assert [len(row["subject"]) for row in rows] == [32, 32]
    assert "example" not in repr(rows)
    assert len(await desk.rows(Trader)) == 1
