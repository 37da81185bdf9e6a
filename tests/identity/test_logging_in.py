"""Log-in: the right address and password give a permit, in whatever form they are typed; nothing else does."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import select

from app.credentials import PasswordHash, RefreshToken
from app.entities import Permit
from app.security.codes import hash_token_id
from app.security.passwords import CHEAP, HashProfile, PasswordHasher
from tests.factories import NOON, PASSWORD, make_trader
from tests.identity.desk import ADA, Desk, invalid, moment, no_permit, refusal

pytestmark = pytest.mark.anyio

FAILED = no_permit(refusal("LOGIN_FAILED", "password"))


async def test_a_log_in_gives_a_permit_with_both_tokens(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)

    answer = await desk.log_in(device="a phone")

    tokens = answer["tokens"]
    assert answer == {
        "permit": {
            "id": answer["permit"]["id"],
            "device": "a phone",
            "status": "ACTIVE",
            "current": False,
            "issuedAt": moment(NOON),
            "renewedAt": None,
            "expiresAt": moment(NOON + timedelta(days=30)),
        },
        "tokens": {
            "accessToken": tokens["accessToken"],
            "accessTokenExpiresAt": moment(NOON + timedelta(minutes=15)),
            "refreshToken": tokens["refreshToken"],
            "refreshTokenExpiresAt": moment(NOON + timedelta(days=30)),
        },
        "trader": {
            "id": str(trader.id),
            "email": ADA,
            "emailConfirmed": True,
            "firstName": "Ada",
            "lastName": "Trader",
            "locale": "en",
            "claimedDateJoined": None,
            "dateJoined": None,
        },
        "errors": [],
    }
    assert await desk.is_taken(tokens["accessToken"]) == []
    refresh = desk.services.identity.tokens.read_refresh(tokens["refreshToken"])
    (kept,) = await desk.rows(RefreshToken)
    assert kept["hash"] == hash_token_id(refresh.token_id)
    assert tokens["refreshToken"] not in repr(kept)


async def test_a_wrong_password_an_unknown_and_an_unconfirmed_address_get_the_same_answer(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.register("unconfirmed@example.com")

    answers = [
        await desk.log_in(email, "not the password")
        for email in (ADA, "unknown@example.com", "unconfirmed@example.com")
    ]

    assert answers == [FAILED] * 3
    assert await desk.rows(Permit) == []


async def test_who_is_unconfirmed_is_told_so_only_with_the_right_password(desk: Desk) -> None:
    await desk.register()

    answers = [await desk.log_in() for _ in range(6)]

    assert answers == [no_permit(refusal("EMAIL_NOT_CONFIRMED", "email"))] * 6
    assert await desk.rows(Permit) == []


NO_LOG_INS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"email": ""}, invalid("INCORRECT_EMAIL", "email")),
    ({"email": "ada"}, invalid("INCORRECT_EMAIL", "email")),
    ({"password": ""}, invalid("PASSWORD_REQUIRED", "password")),
    ({"password": "x" * 5000}, invalid("INVALID_INPUT", "password")),
]


async def test_what_cannot_be_a_log_in_is_no_failed_one(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    for given, error in NO_LOG_INS:
        assert (given, await desk.log_in(**{"email": ADA, **given})) == (given, no_permit(error))
    assert await desk.throttled() == 0


SAME = {
    "decomposed": "jo\u0308rg@example.com",
    "upper case": "J\u00d6RG@EXAMPLE.COM",
    "upper case, decomposed": "JO\u0308RG@Example.Com",
    "full width": "".join(chr(ord(letter) + 0xFEE0) if letter.isascii() else letter for letter in "j\u00f6rg")
    + "@example.com",
    "full-width upper case": "\uff2a\u00d6\uff32\uff27@EXAMPLE.com",
    "mathematical letters": "\U0001d423\u00f6\U0001d42b\U0001d420@example.com",
    "spaces around": "  j\u00f6rg@example.com ",
}
OTHERS = {
    "without the mark": "jorg@example.com",
    "another mark": "j\u00f3rg@example.com",
    "Cyrillic o with the mark": "j\u04e7rg@example.com",
    "spelt out": "joerg@example.com",
    "dotless j": "\u0237\u00f6rg@example.com",
    "a tag behind it": "j\u00f6rg+1@example.com",
    "an invisible letter": "j\u00f6r\u200dg@example.com",
}


async def test_every_unicode_form_of_an_address_reaches_the_same_account(desk: Desk) -> None:
    trader = await make_trader(desk.database, email="j\u00f6rg@example.com")

    answers = {form: await desk.log_in(email) for form, email in SAME.items()}

    assert {
        form: answer["trader"] and answer["trader"]["id"] for form, answer in answers.items()
    } == dict.fromkeys(SAME, str(trader.id))


async def test_every_unicode_form_of_an_address_is_counted_for_the_same_account(desk: Desk) -> None:
    await make_trader(desk.database, email="j\u00f6rg@example.com")

    for email in list(SAME.values())[:5]:
        assert await desk.log_in(email, "not the password") == FAILED

    (error,) = (await desk.log_in("j\u00f6rg@example.com"))["errors"]
    assert error["code"] == "TOO_MANY_ATTEMPTS"


async def test_no_other_address_reaches_the_account(desk: Desk) -> None:
    await make_trader(desk.database, email="j\u00f6rg@example.com")

    answers = {form: await desk.log_in(email) for form, email in OTHERS.items()}

    assert {form: answer["trader"] for form, answer in answers.items()} == dict.fromkeys(OTHERS)
    assert await desk.rows(Permit) == []


async def test_no_unicode_form_registers_a_second_account(desk: Desk) -> None:
    trader = await make_trader(desk.database, email="j\u00f6rg@example.com")
    before = await desk.credentials(PasswordHash)

    for email in SAME.values():
        await desk.register(email, password="Taken-over-4711")
        desk.clock.turn(minutes=1)

    assert await desk.credentials(PasswordHash) == before
    assert {mail.subject for mail in await desk.mails()} == {"You are already registered"}
    assert (await desk.log_in("j\u00f6rg@example.com"))["trader"]["id"] == str(trader.id)


async def test_a_password_is_the_same_in_every_unicode_form(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA, password="P\u00e9tanque-\u216b-mornings")

    right = [
        await desk.log_in(password=form) for form in ("Pe\u0301tanque-XII-mornings", "P\u00e9tanque-XII-mornings")
    ]
    wrong = [await desk.log_in(password=form) for form in ("Petanque-XII-mornings", "p\u00e9tanque-XII-mornings")]

    assert [answer["errors"] for answer in right] == [[], []]
    assert wrong == [FAILED] * 2


async def test_twenty_parallel_right_log_ins_all_succeed(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    answers = await asyncio.gather(*(desk.log_in() for _ in range(20)))

    assert [answer["errors"] for answer in answers] == [[]] * 20
    assert len({answer["permit"]["id"] for answer in answers}) == 20
    assert await desk.throttled() == 0


async def stored_hash(desk: Desk) -> str:
    async with desk.database.reading() as session:
        return (await session.exec(select(PasswordHash.hash))).one()


async def test_a_log_in_hashes_anew_what_was_hashed_at_another_cost(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)
    hasher = PasswordHasher(HashProfile(memory_kib=16, time_cost=2, parallelism=1))
    async with desk.database.unit_of_work() as session:
        kept = await session.get_one(PasswordHash, trader.id)
        kept.hash = weaker = await hasher.hash(PASSWORD)
    hasher.close()

    assert await desk.log_in(password="not the password") == FAILED
    assert await stored_hash(desk) == weaker
    assert (await desk.log_in())["errors"] == []

    stronger = await stored_hash(desk)
    assert stronger.startswith(f"$argon2id$v=19$m={CHEAP.memory_kib},t={CHEAP.time_cost},p=1$")
    assert (await desk.log_in())["errors"] == []
    assert await stored_hash(desk) == stronger
