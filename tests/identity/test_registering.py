"""Registration: the same answer for every address, and nothing granted before it is confirmed."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from app.credentials import PasswordHash, SecurityCode
from app.entities import Trader
from tests.factories import NOON, PASSWORD, make_trader
from tests.identity.desk import (
    ADA,
    NEW_PASSWORD,
    Desk,
    invalid,
    moment,
    no_code,
    no_permit,
    refusal,
    tokens_of,
)

pytestmark = pytest.mark.anyio

PROMISED = {
    "codeExpiresAt": moment(NOON + timedelta(minutes=10)),
    "nextCodeAt": moment(NOON + timedelta(minutes=1)),
    "errors": [],
}


async def test_an_unknown_an_unconfirmed_and_a_confirmed_address_get_the_same_answer(desk: Desk) -> None:
    await desk.register("unconfirmed@example.com")
    await make_trader(desk.database, email="confirmed@example.com")
    desk.clock.turn(minutes=1)

    answers = [await desk.register(f"{name}@example.com") for name in ("unknown", "unconfirmed", "confirmed")]

    now = desk.clock.now
    promised = {
        "codeExpiresAt": moment(now + timedelta(minutes=10)),
        "nextCodeAt": moment(now + timedelta(minutes=1)),
        "errors": [],
    }
    assert answers == [promised] * 3


async def test_who_registers_is_a_trader_with_nothing_but_what_was_said(desk: Desk) -> None:
    answer = await desk.register(claimedDateJoined="2015-02-28", locale="si")

    assert answer == PROMISED
    (trader,) = await desk.rows(Trader)
    assert trader == {
        "id": trader["id"],
        "email": ADA,
        "email_confirmed": False,
        "first_name": "Ada",
        "last_name": "Lovelace",
        "locale": "si",
        "claimed_date_joined": trader["claimed_date_joined"],
        "date_joined": None,
        "is_administrator": False,
        "two_factor_enabled": False,
        "version": 1,
        "created_at": NOON,
        "updated_at": NOON,
    }
    assert trader["claimed_date_joined"].isoformat() == "2015-02-28"


async def test_the_language_is_that_of_the_request_unless_one_is_named(desk: Desk) -> None:
    document = "mutation ($input: PermitRegisterInput!) { permitRegister(input: $input) { errors { code } } }"
    given = {"email": ADA, "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}

    answer = await desk.api(document, {"input": given}, headers={"Accept-Language": "si, en;q=0.5"})

    assert answer.data == {"permitRegister": {"errors": []}}
    trader = await desk.trader()
    assert trader is not None
    assert trader.locale == "si"


async def test_a_confirmed_address_is_told_so_by_mail_and_nothing_changes(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    before = await desk.credentials(Trader, PasswordHash, SecurityCode)

    answer = await desk.register(password=NEW_PASSWORD, firstName="Eve", lastName="Dropper")

    assert answer == PROMISED
    assert await desk.credentials(Trader, PasswordHash, SecurityCode) == before
    (mail,) = await desk.mails()
    assert (mail.to, mail.subject) == (ADA, "You are already registered")
    assert "Eve" not in mail.text
    assert await desk.actions() == []
    assert (await desk.log_in(password=NEW_PASSWORD))["errors"] == [refusal("LOGIN_FAILED", "password")]


async def test_the_newest_registration_of_an_unconfirmed_address_replaces_password_profile_and_code(
    desk: Desk,
) -> None:
    await desk.register(claimedDateJoined="2015-02-28")
    first_code = await desk.code()
    desk.clock.turn(minutes=1)
    await desk.register(password=NEW_PASSWORD, firstName="Augusta", lastName="King")
    second_code = await desk.code()

    with_old_password = await desk.confirm(second_code, password=PASSWORD)
    with_old_code = await desk.confirm(first_code, password=NEW_PASSWORD)
    confirmed = await desk.confirm(second_code, password=NEW_PASSWORD)

    assert with_old_password == no_permit(refusal("LOGIN_FAILED", "password"))
    assert with_old_code == no_permit(refusal("INCORRECT_SECURITY_CODE", "securityCode"))
    assert confirmed["trader"] == {
        "id": confirmed["trader"]["id"],
        "email": ADA,
        "emailConfirmed": True,
        "firstName": "Augusta",
        "lastName": "King",
        "locale": "en",
        "claimedDateJoined": None,
        "dateJoined": None,
    }
    assert len(await desk.rows(Trader)) == 1


WEAK = {
    "short": "Short-1",
    "leaked": "password123",
    "leaked in other case": "Iloveyou1",
    "leaked in full width": "".join(chr(ord(letter) + 0xFEE0) for letter in "PASSWORD123"),
    "a name": "Lovelace-42",
    "the address": "ada@example.com.",
    "long": "x" * 129,
}


@pytest.mark.parametrize("known", ["known", "unknown"])
async def test_a_password_that_breaks_the_rules_is_refused_whether_or_not_the_address_is_known(
    desk: Desk, known: str
) -> None:
    if known == "known":
        await make_trader(desk.database, email=ADA)
    before = await desk.credentials(Trader, PasswordHash)

    answers = {why: await desk.register(password=password) for why, password in WEAK.items()}

    assert answers == dict.fromkeys(WEAK, no_code(invalid("PASSWORD_TOO_WEAK", "password")))
    assert await desk.credentials(Trader, PasswordHash) == before
    assert (await desk.mails(), await desk.throttled()) == ([], 0)


async def test_every_rule_that_a_password_breaks_is_said(desk: Desk) -> None:
    document = (
        "mutation ($input: PermitRegisterInput!) { permitRegister(input: $input) { errors { message path } } }"
    )
    given = {"email": "abc@example.com", "password": "abc123", "firstName": "Abc", "lastName": "Def"}

    answer = await desk.api(document, {"input": given})

    assert answer.data["permitRegister"]["errors"] == [
        {"message": message, "path": ["password"]}
        for message in (
            "Please choose a password with at least 8 characters.",
            "This password is known from data leaks. Please choose another.",
            "This password holds your name or a part of your e-mail address. Please choose another.",
        )
    ]


MALFORMED = (
    *("", "ada", "ada@", "@example.com", "ada@example", "ada@@example.com", "ada @example.com"),
    *("ada@example..com", "ada@.com", "a" * 65 + "@example.com", "ada@exa mple.com"),
    *("a@b@example.com", "a\uff20b@example.com", "ada\x7f@example.com", "ada\u200b@example.com"),
)
BROKEN: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"claimedDateJoined": "2026-06-16"}, invalid("INVALID_INPUT", "claimedDateJoined")),
    ({"locale": "tlh"}, invalid("INVALID_INPUT", "locale")),
    ({"locale": ""}, invalid("INVALID_INPUT", "locale")),
    ({"firstName": ""}, invalid("INVALID_INPUT", "firstName")),
    ({"lastName": "x" * 101}, invalid("INVALID_INPUT", "lastName")),
    ({"password": ""}, invalid("PASSWORD_REQUIRED", "password")),
    ({"email": "a@" + "b" * 250 + ".com"}, invalid("INVALID_INPUT", "email")),
    # One letter that is 18 in NFKC: what would be kept is longer than any address can be.
    ({"email": "\ufdfa" * 60 + "@example.com"}, invalid("INVALID_INPUT", "email")),
    *(({"email": email}, invalid("INCORRECT_EMAIL", "email")) for email in MALFORMED),
]


async def test_what_breaks_a_rule_is_named_and_nothing_is_registered(desk: Desk) -> None:
    answers = [(given, await desk.register(**given)) for given, _ in BROKEN]

    assert answers == [(given, no_code(error)) for given, error in BROKEN]
    assert await desk.rows(Trader) == []
    assert await desk.mails() == []


async def test_today_can_be_claimed(desk: Desk) -> None:
    assert await desk.register(claimedDateJoined="2026-06-15") == PROMISED


async def test_a_claimed_date_opens_nothing_until_an_administrator_believes_it(desk: Desk) -> None:
    await desk.register(claimedDateJoined="2000-01-01")

    access, _ = tokens_of(await desk.confirm(await desk.code()))

    answer = await desk.api(
        "{ me { claimedDateJoined dateJoined yearsOfService policies { policy satisfied } } industries { id } }",
        token=access,
    )
    assert answer.data == {
        "me": {
            "claimedDateJoined": "2000-01-01",
            "dateJoined": None,
            "yearsOfService": None,
            "policies": [
                {"policy": "ANYONE", "satisfied": True},
                {"policy": "ALL_TRADERS", "satisfied": True},
                {"policy": "SKILLED_TRADERS", "satisfied": False},
                {"policy": "TRADER_MANAGERS", "satisfied": False},
                {"policy": "ADMINISTRATORS", "satisfied": False},
            ],
        },
        "industries": None,
    }
    assert answer.codes == ["FORBIDDEN"]
    assert desk.services.identity.tokens.read_access(access).date_joined is None


async def test_parallel_registrations_of_one_address_make_one_trader(desk: Desk) -> None:
    answers = await asyncio.gather(*(desk.register() for _ in range(10)))

    assert answers.count(PROMISED) == 1
    assert {error["code"] for answer in answers for error in answer["errors"]} == {"TOO_MANY_ATTEMPTS"}
    assert len(await desk.rows(Trader)) == 1
    assert len(await desk.mails()) == 1
