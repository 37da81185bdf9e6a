"""The second factor: switched on with a first code, asked for at log-in and reset, and never read again."""

import asyncio
from datetime import timedelta
from typing import Any

import pyotp
import pytest

from app.credentials import RecoveryCode, TwoFactor
from app.entities import Permit
from tests.factories import PASSWORD, make_trader
from tests.identity.desk import ADA, NEW_PASSWORD, Desk, Payload, no_permit, refusal, tokens_of, wait

pytestmark = pytest.mark.anyio

WRONG = refusal("INCORRECT_SECOND_FACTOR", "twoFactorCode")
MISSING = refusal("SECOND_FACTOR_REQUIRED", "twoFactorCode")


def no_change(*errors: Payload) -> Payload:
    return {"trader": None, "recoveryCodes": None, "errors": list(errors)}


class App:
    """An authenticator app, with the clock of the tests."""

    def __init__(self, desk: Desk, secret: str) -> None:
        self.desk = desk
        self.totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        """The code that it shows now, or so many steps later."""
        return self.totp.at(self.desk.clock.now + steps * timedelta(seconds=30))

    def wrong(self) -> str:
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map(str, range(100_000, 200_000)) if code not in near)


async def prove(desk: Desk, mutation: str, token: str, code: str | None = None, **given: Any) -> Payload:
    second = {} if code is None else {"twoFactorCode": code}
    return await desk.do(mutation, token=token, **{"currentPassword": PASSWORD, **second, **given})


async def switched_on(desk: Desk) -> tuple[App, list[str], str]:
    """A trader whose second factor is on, half a minute ago: the app, the recovery codes, an access token."""
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    app = App(desk, (await prove(desk, "twoFactorBegin", access))["secret"])
    enabled = await prove(desk, "twoFactorEnable", access, app.code())
    assert enabled["errors"] == []
    await desk.mails()
    desk.clock.turn(seconds=30)
    return app, enabled["recoveryCodes"], access


async def test_a_begun_second_factor_is_not_asked_for_yet(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()

    setup = await prove(desk, "twoFactorBegin", access)

    secret = setup["secret"]
    assert setup == {
        "secret": secret,
        "uri": f"otpauth://totp/share-price-viewer:ada%40example.com?secret={secret}&issuer=share-price-viewer",
        "errors": [],
    }
    assert len(secret) == 32
    assert (await desk.log_in())["errors"] == []


async def test_a_first_code_switches_it_on_and_gives_ten_recovery_codes(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    app = App(desk, (await prove(desk, "twoFactorBegin", access))["secret"])

    answer = await prove(desk, "twoFactorEnable", access, app.code())

    codes = answer["recoveryCodes"]
    assert answer == {
        "trader": {"id": str(trader.id), "twoFactorEnabled": True},
        "recoveryCodes": codes,
        "errors": [],
    }
    assert len(set(codes)) == 10
    assert [(mail.to, mail.subject) for mail in await desk.mails()] == [(ADA, "Two-factor log-in is switched on")]
    assert await desk.log_in() == no_permit(MISSING)


async def test_a_wrong_first_code_or_password_switches_nothing_on(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    before_beginning = await prove(desk, "twoFactorEnable", access, "123456")
    app = App(desk, (await prove(desk, "twoFactorBegin", access))["secret"])

    wrong_code = await prove(desk, "twoFactorEnable", access, app.wrong())
    wrong_password = await prove(desk, "twoFactorEnable", access, app.code(), currentPassword="not it")
    begun_wrongly = await prove(desk, "twoFactorBegin", access, currentPassword="not it")

    assert (before_beginning, wrong_code) == (no_change(WRONG), no_change(WRONG))
    assert wrong_password == no_change(refusal("LOGIN_FAILED", "currentPassword"))
    assert begun_wrongly == {
        "secret": None,
        "uri": None,
        "errors": [refusal("LOGIN_FAILED", "currentPassword")],
    }
    assert (await desk.log_in())["errors"] == []
    assert await desk.mails() == []


async def test_to_begin_again_makes_the_secret_before_useless(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    first = App(desk, (await prove(desk, "twoFactorBegin", access))["secret"])
    second = App(desk, (await prove(desk, "twoFactorBegin", access))["secret"])

    assert await prove(desk, "twoFactorEnable", access, first.code()) == no_change(WRONG)
    assert (await prove(desk, "twoFactorEnable", access, second.code()))["errors"] == []


async def test_what_is_on_cannot_be_begun_or_enabled_and_what_is_off_not_disabled(desk: Desk) -> None:
    invalid = {"__typename": "InvalidInput", "code": "INVALID_INPUT", "path": []}
    await make_trader(desk.database, email="eve@example.com")
    eve, _ = await desk.tokens("eve@example.com")
    app, _, access = await switched_on(desk)

    for _ in range(6):  # None of them is a failed try of the password.
        begun = await prove(desk, "twoFactorBegin", access)
        assert begun == {"secret": None, "uri": None, "errors": [invalid]}
    assert await prove(desk, "twoFactorEnable", access, app.code()) == no_change(invalid)
    assert await prove(desk, "twoFactorDisable", eve, "123456") == no_change(invalid)
    assert await prove(desk, "twoFactorRenewRecoveryCodes", eve, "123456") == no_change(invalid)


async def test_a_log_in_takes_the_code_that_the_app_shows(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    assert (await desk.log_in(twoFactorCode=app.code()))["errors"] == []
    assert await desk.log_in(twoFactorCode="") == no_permit(MISSING)


async def test_a_code_is_taken_once(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)
    code = app.code()

    answers = [await desk.log_in(twoFactorCode=code) for _ in range(2)]

    assert [answer["errors"] for answer in answers] == [[], [WRONG]]


async def test_of_parallel_log_ins_with_one_code_one_succeeds(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    answers = await asyncio.gather(*(desk.log_in(twoFactorCode=app.code()) for _ in range(4)))

    assert [answer["errors"] == [] for answer in answers].count(True) == 1
    assert answers.count(no_permit(WRONG)) == 3


async def test_the_code_that_switched_it_on_logs_nobody_in(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    assert await desk.log_in(twoFactorCode=app.code(-1)) == no_permit(WRONG)


async def test_the_clock_of_the_app_may_be_one_step_off_and_not_two(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)
    desk.clock.turn(minutes=5)

    answers = {}
    for steps in (-2, 2, -1, 0, 1):
        answers[steps] = (await desk.log_in(twoFactorCode=app.code(steps)))["errors"]

    assert answers == {-2: [WRONG], 2: [WRONG], -1: [], 0: [], 1: []}


async def test_once_a_later_code_was_taken_an_earlier_one_is_not(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)
    desk.clock.turn(minutes=5)

    assert (await desk.log_in(twoFactorCode=app.code(1)))["errors"] == []
    assert await desk.log_in(twoFactorCode=app.code()) == no_permit(WRONG)


async def test_a_recovery_code_stands_in_once_and_the_trader_is_told(desk: Desk) -> None:
    _, codes, _ = await switched_on(desk)

    used = await desk.log_in(twoFactorCode=codes[0])
    again = await desk.log_in(twoFactorCode=codes[0])
    other_form = await desk.log_in(twoFactorCode=f" {codes[1].lower().replace('-', ' ')} ")

    assert (used["errors"], again["errors"], other_form["errors"]) == ([], [WRONG], [])
    mails = await desk.mails()
    assert {(mail.to, mail.subject) for mail in mails} == {(ADA, "A recovery code was used")}
    assert sorted(
        number for mail in mails for number in (8, 9) if f"{number} recovery codes left" in mail.text
    ) == [
        8,
        9,
    ]
    assert (await desk.actions()).count("RECOVERY_CODE_USED") == 2


async def test_of_parallel_uses_of_one_recovery_code_one_succeeds(desk: Desk) -> None:
    _, codes, _ = await switched_on(desk)

    answers = await asyncio.gather(*(desk.log_in(twoFactorCode=codes[0]) for _ in range(4)))

    assert [answer["errors"] == [] for answer in answers].count(True) == 1


async def test_ten_recovery_codes_work_and_an_eleventh_use_does_not(desk: Desk) -> None:
    _, codes, _ = await switched_on(desk)

    answers = [await desk.log_in(twoFactorCode=code) for code in [*codes, codes[4]]]

    assert [answer["errors"] for answer in answers] == [[]] * 10 + [[WRONG]]


async def test_new_recovery_codes_make_the_old_ones_useless(desk: Desk) -> None:
    app, old, access = await switched_on(desk)

    answer = await prove(desk, "twoFactorRenewRecoveryCodes", access, app.code())

    new = answer["recoveryCodes"]
    assert (len(set(new)), set(new) & set(old)) == (10, set())
    assert await desk.log_in(twoFactorCode=old[0]) == no_permit(WRONG)
    assert (await desk.log_in(twoFactorCode=new[0]))["errors"] == []
    assert len(await desk.rows(RecoveryCode)) == 10


async def test_switching_off_takes_both_factors_and_forgets_the_secret(desk: Desk) -> None:
    app, codes, access = await switched_on(desk)

    wrong_code = await prove(desk, "twoFactorDisable", access, app.wrong())
    wrong_password = await prove(desk, "twoFactorDisable", access, codes[0], currentPassword="not it")
    empty = await prove(desk, "twoFactorDisable", access, "")
    off = await prove(desk, "twoFactorDisable", access, codes[0])

    assert (wrong_code, empty) == (no_change(WRONG), no_change(MISSING))
    assert wrong_password == no_change(refusal("LOGIN_FAILED", "currentPassword"))
    assert (off["trader"]["twoFactorEnabled"], off["errors"]) == (False, [])
    assert await desk.credentials(TwoFactor, RecoveryCode) == [[], []]
    assert (await desk.log_in())["errors"] == []
    assert "Two-factor log-in is switched off" in {mail.subject for mail in await desk.mails()}


async def test_a_wrong_second_factor_counts_to_the_lockout(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    answers = [await desk.log_in(twoFactorCode=app.wrong()) for _ in range(5)]

    assert answers == [no_permit(WRONG)] * 5
    assert await desk.log_in(twoFactorCode=app.code()) == no_permit(wait(1800))
    actions = await desk.actions()
    assert (actions.count("LOGIN_FAILED"), actions.count("LOCKED_OUT")) == (5, 1)


async def test_parallel_wrong_second_factors_are_five_tries(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    answers = await asyncio.gather(*(desk.log_in(twoFactorCode=app.wrong()) for _ in range(20)))

    assert answers.count(no_permit(WRONG)) == 5


async def test_being_asked_for_the_second_factor_is_no_failure_and_forgives_none(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    asked = [await desk.log_in() for _ in range(6)]
    for _ in range(4):
        await desk.log_in(twoFactorCode=app.wrong())
    asked += [await desk.log_in() for _ in range(6)]
    fifth = await desk.log_in(twoFactorCode=app.wrong())

    assert asked == [no_permit(MISSING)] * 12
    assert fifth == no_permit(WRONG)
    assert await desk.log_in(twoFactorCode=app.code()) == no_permit(wait(1800))


async def test_who_has_not_the_password_is_not_told_of_a_second_factor(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)

    answer = await desk.log_in(password="not the password", twoFactorCode=app.code())

    assert answer == no_permit(refusal("LOGIN_FAILED", "password"))
    # Nor was the code used up.
    assert (await desk.log_in(twoFactorCode=app.code()))["errors"] == []


async def test_a_reset_takes_the_second_factor_too(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)
    code = await desk.reset_code()
    permits = await desk.rows(Permit)

    missing = await desk.reset(code)
    wrong = await desk.reset(code, twoFactorCode=app.wrong())
    assert await desk.rows(Permit) == permits
    right = await desk.reset(code, twoFactorCode=app.code())

    assert (missing, wrong) == (no_permit(MISSING), no_permit(WRONG))
    assert right["errors"] == []
    desk.clock.turn(seconds=30)
    assert await desk.log_in(password=NEW_PASSWORD) == no_permit(MISSING)


async def test_a_mailbox_is_not_enough_to_guess_the_second_factor_by_resets(desk: Desk) -> None:
    app, _, _ = await switched_on(desk)
    answers = []

    for _ in range(3):
        code = await desk.reset_code()
        answers += [await desk.reset(code, twoFactorCode=app.wrong()) for _ in range(3)]
        desk.clock.turn(minutes=1)
    code = await desk.reset_code()
    answers.append(await desk.reset(code, twoFactorCode=app.code()))

    assert answers[:5] == [no_permit(WRONG)] * 5
    assert {error["code"] for answer in answers[5:] for error in answer["errors"]} == {"TOO_MANY_ATTEMPTS"}
    desk.clock.turn(minutes=30)
    code = await desk.reset_code()
    assert (await desk.reset(code, twoFactorCode=app.code()))["errors"] == []


async def test_neither_secret_nor_codes_can_be_read_again(desk: Desk) -> None:
    app, codes, access = await switched_on(desk)
    await desk.log_in(twoFactorCode=codes[0])

    stored = repr(await desk.everything())
    events = await desk.api("{ me { events { nodes { action subjectId requestId device } } } }", token=access)

    secret = app.totp.secret
    for hidden in (secret, app.totp.byte_secret().hex(), *codes, *(code.replace("-", "") for code in codes)):
        assert hidden not in stored
        assert hidden not in repr(events.body)
    assert [
        row["sealed_secret"] for row in await desk.rows(TwoFactor) if secret.encode() in row["sealed_secret"]
    ] == []


async def test_a_confirmation_or_renewal_of_a_permit_asks_for_no_second_factor(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, refresh = await desk.tokens()
    app = App(desk, (await prove(desk, "twoFactorBegin", access))["secret"])
    await prove(desk, "twoFactorEnable", access, app.code())

    assert tokens_of(await desk.renew(refresh))
