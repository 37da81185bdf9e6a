"""Security codes: six digits, one purpose, ten minutes, five tries, one use, one a minute, hashed."""

import asyncio
import hashlib
from datetime import timedelta

import pytest

from app.credentials import PasswordHash, SecurityCode
from app.domain.identity import Limits
from app.entities import Permit
from tests.factories import make_trader
from tests.identity.desk import (
    ADA,
    NEW_PASSWORD,
    Desk,
    invalid,
    moment,
    no_code,
    no_permit,
    refusal,
    wait,
)

pytestmark = pytest.mark.anyio

WRONG = no_permit(refusal("INCORRECT_SECURITY_CODE", "securityCode"))


def other(code: str) -> str:
    """A code that is not that one."""
    return f"{(int(code) + 1) % 10**6:06}"


async def test_a_code_confirms_the_address_and_logs_in(desk: Desk) -> None:
    await desk.register()
    (mail,) = await desk.mails()

    answer = await desk.confirm(mail.code)

    assert (mail.to, mail.subject) == (ADA, "Your code to confirm your e-mail address")
    assert answer["errors"] == []
    assert answer["trader"]["emailConfirmed"] is True
    assert await desk.is_taken(answer["tokens"]["accessToken"]) == []
    assert (await desk.log_in())["errors"] == []


async def test_the_mail_is_in_the_language_of_the_trader(desk: Desk) -> None:
    await desk.register(locale="si")

    (mail,) = await desk.mails()

    assert len(mail.code) == 6
    assert mail.subject != "Your code to confirm your e-mail address"


async def test_white_space_around_and_within_a_code_is_not_counted(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    assert (await desk.confirm(f" {code[:3]} {code[3:]} "))["errors"] == []


async def test_a_code_is_good_to_the_last_second_of_ten_minutes(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    desk.clock.turn(minutes=9, seconds=59, milliseconds=999)

    assert (await desk.confirm(code))["errors"] == []


async def test_a_code_is_dead_after_ten_minutes(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    desk.clock.turn(minutes=10)

    assert await desk.confirm(code) == WRONG


async def test_the_fifth_try_of_a_code_still_counts(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    wrong = [await desk.confirm(other(code)) for _ in range(4)]

    assert wrong == [WRONG] * 4
    assert (await desk.confirm(code))["errors"] == []


async def test_a_code_that_was_tried_five_times_is_dead_even_if_right(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    answers = [await desk.confirm(typed) for typed in [other(code)] * 5 + [code]]

    assert answers == [WRONG] * 6
    assert await desk.rows(Permit) == []
    trader = await desk.trader()
    assert trader is not None
    assert trader.email_confirmed is False


async def test_parallel_tries_of_a_code_are_at_most_five(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    code = await desk.reset_code()

    answers = await asyncio.gather(*(desk.reset(other(code)) for _ in range(20)))

    assert answers == [WRONG] * 20
    (row,) = await desk.rows(SecurityCode)
    assert row["tries"] == Limits().code_tries == 5
    assert await desk.reset(code) == WRONG


@pytest.mark.parametrize("purpose", ["CONFIRM_EMAIL", "CHANGE_PASSWORD"])
async def test_a_code_is_of_no_use_again(desk: Desk, purpose: str) -> None:
    if purpose == "CONFIRM_EMAIL":
        await desk.register()
        code = await desk.code()
        answers = [await desk.confirm(code) for _ in range(2)]
    else:
        await make_trader(desk.database, email=ADA)
        code = await desk.reset_code()
        answers = [await desk.reset(code) for _ in range(2)]

    assert answers[0]["errors"] == []
    assert answers[1] == WRONG


async def test_of_parallel_uses_of_one_code_one_succeeds(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    code = await desk.reset_code()
    passwords = [f"{NEW_PASSWORD}-{number}" for number in range(4)]

    answers = await asyncio.gather(*(desk.reset(code, password) for password in passwords))

    assert answers.count(WRONG) == 3
    (winner,) = (password for password, answer in zip(passwords, answers, strict=True) if answer["errors"] == [])
    assert (await desk.log_in(password=winner))["errors"] == []


async def test_of_parallel_confirmations_with_one_code_one_succeeds(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    answers = await asyncio.gather(*(desk.confirm(code) for _ in range(4)))

    assert [len(answer["errors"]) for answer in answers].count(0) == 1
    assert answers.count(WRONG) == 3
    assert len(await desk.rows(Permit)) == 1


async def test_a_new_code_kills_the_old_one(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    old = await desk.reset_code()
    desk.clock.turn(minutes=1)
    new = await desk.reset_code()

    if old != new:
        assert await desk.reset(old) == WRONG
    assert (await desk.reset(new))["errors"] == []


async def test_a_new_code_has_its_own_five_tries_and_ten_minutes(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    code = await desk.reset_code()
    for _ in range(5):
        await desk.reset(other(code))
    desk.clock.turn(minutes=1)

    code = await desk.reset_code()
    desk.clock.turn(minutes=9, seconds=59)

    assert (await desk.reset(code))["errors"] == []


async def test_a_confirmation_code_cannot_reset_a_password(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()
    before = await desk.credentials(PasswordHash, Permit)

    assert await desk.reset(code) == WRONG
    assert await desk.credentials(PasswordHash, Permit) == before
    # Nor was it used up or tried by that.
    (row,) = await desk.rows(SecurityCode)
    assert (row["tries"], row["used_at"]) == (0, None)


async def test_a_reset_code_cannot_confirm_an_address(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    code = await desk.reset_code()

    assert await desk.confirm(code) == WRONG


async def test_the_code_of_another_trader_is_no_good(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await make_trader(desk.database, email="eve@example.com")
    await desk.reset_code()
    hers = await desk.reset_code("eve@example.com")

    answers = [await desk.reset(hers), await desk.reset(hers, email="nobody@example.com")]

    # Once in a million both have the same code; then this says nothing.
    (mine,) = (row["hash"] for row in await desk.rows(SecurityCode) if row["tries"] == 1)
    assert answers == [WRONG, WRONG]
    assert mine


@pytest.mark.parametrize("purpose", ["CONFIRM_EMAIL", "CHANGE_PASSWORD"])
async def test_a_code_can_be_had_once_a_minute_alike_for_known_and_unknown_addresses(
    desk: Desk, purpose: str
) -> None:
    await desk.register("unconfirmed@example.com")
    await make_trader(desk.database, email="confirmed@example.com")
    desk.clock.turn(minutes=1)
    now = desk.clock.now
    promised = {
        "codeExpiresAt": moment(now + timedelta(minutes=10)),
        "nextCodeAt": moment(now + timedelta(minutes=1)),
        "errors": [],
    }

    for email in ("unknown@example.com", "unconfirmed@example.com", "confirmed@example.com"):
        desk.clock.now = now
        first = await desk.request(purpose, email)
        desk.clock.turn(seconds=20, milliseconds=1)
        early = await desk.request(purpose, email)
        desk.clock.turn(seconds=39, milliseconds=998)
        still_early = await desk.request(purpose, email)
        desk.clock.turn(milliseconds=1)
        next_one = await desk.request(purpose, email)

        assert first == promised
        # Rounded up: who waits as told gets in.
        assert (early, still_early) == (no_code(wait(40)), no_code(wait(1)))
        assert next_one["errors"] == []


async def test_registrations_count_as_requests_of_a_code(desk: Desk) -> None:
    await desk.register()

    assert await desk.request("CONFIRM_EMAIL") == no_code(wait(60))
    assert await desk.register() == no_code(wait(60))


@pytest.mark.parametrize(
    ("purpose", "reader"), [("CONFIRM_EMAIL", "unconfirmed"), ("CHANGE_PASSWORD", "confirmed")]
)
async def test_a_code_is_sent_only_where_it_makes_sense(desk: Desk, purpose: str, reader: str) -> None:
    await desk.register("unconfirmed@example.com")
    await make_trader(desk.database, email="confirmed@example.com")
    await desk.mails()
    desk.clock.turn(minutes=1)

    for name in ("unknown", "unconfirmed", "confirmed"):
        await desk.request(purpose, f"{name}@example.com")

    assert [mail.to for mail in await desk.mails()] == [f"{reader}@example.com"]


async def test_parallel_requests_of_a_code_send_one(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    answers = await asyncio.gather(*(desk.request("CHANGE_PASSWORD") for _ in range(10)))

    assert answers.count(no_code(wait(60))) == 9
    assert len(await desk.mails()) == 1


async def test_the_table_and_the_trail_hold_neither_the_code_nor_a_plain_hash_of_it(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()

    (row,) = await desk.rows(SecurityCode)
    assert len(row["hash"]) == 32
    plain = {hashlib.sha256(text.encode()).digest() for text in (code, f"{ADA}{code}", f"1{code}")}
    assert row["hash"] not in plain
    everything = repr([row, *[event.model_dump() for event in await desk.events()]])
    assert code not in everything


async def test_codes_are_six_digits_and_differ(desk: Desk) -> None:
    codes = []
    for number in range(5):
        await desk.register(f"ada{number}@example.com")
        codes.append(await desk.code())

    assert all(len(code) == 6 and code.isdecimal() for code in codes)
    assert len(set(codes)) > 1


async def test_what_cannot_be_a_code_is_no_try(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.reset_code()

    answers = [await desk.reset(code) for code in ("", "12345", "1" * 13)]

    assert answers == [no_permit(invalid("INVALID_INPUT", "securityCode"))] * 3
    (row,) = await desk.rows(SecurityCode)
    assert row["tries"] == 0


async def test_a_code_in_other_characters_is_wrong_and_no_error(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    code = await desk.reset_code()
    arabic = "".join(chr(0x660 + int(digit)) for digit in code)

    answers = [await desk.reset(typed) for typed in (arabic, "abcdef", "12345 6 7", f"\u202e{code}")]

    assert answers == [WRONG] * 4
    assert (await desk.reset(code))["errors"] == []
