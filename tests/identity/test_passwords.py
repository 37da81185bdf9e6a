"""New passwords, by a code or by the old one: what else they end, and who is told."""

import asyncio

import pytest

from app.credentials import PasswordHash, RefreshToken, SecurityCode
from app.entities import Permit
from app.security.passwords import Verdict
from tests.factories import PASSWORD, make_trader
from tests.identity.desk import (
    ADA,
    NEW_PASSWORD,
    Desk,
    Payload,
    invalid,
    no_permit,
    refusal,
    tokens_of,
    wait,
)

pytestmark = pytest.mark.anyio

WRONG = no_permit(refusal("INCORRECT_SECURITY_CODE", "securityCode"))
CHANGED = (ADA, "Your password was changed")
WEAK = ("Short-1", "password123", "x" * 129, "ada@example.com.")


async def change(desk: Desk, token: str, *, current: str = PASSWORD, new: str = NEW_PASSWORD) -> Payload:
    return await desk.do("permitChangePassword", token=token, currentPassword=current, newPassword=new)


async def test_a_reset_sets_the_password_and_logs_in(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    code = await desk.reset_code()

    answer = await desk.reset(code, device="a new phone")

    assert (answer["errors"], answer["permit"]["device"]) == ([], "a new phone")
    assert await desk.is_taken(answer["tokens"]["accessToken"]) == []
    assert await desk.log_in() == no_permit(refusal("LOGIN_FAILED", "password"))
    assert (await desk.log_in(password=NEW_PASSWORD))["errors"] == []


async def test_a_reset_ends_every_permit_and_its_access_tokens_at_once(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    devices = [await desk.tokens() for _ in range(3)]
    code = await desk.reset_code()

    answer = await desk.reset(code)

    for access, refresh in devices:
        assert await desk.is_taken(access) == ["UNAUTHENTICATED"]
        assert await desk.renew(refresh) == no_permit(refusal("INVALID_PERMIT", "refreshToken"))
    new_access, new_refresh = tokens_of(answer)
    assert await desk.is_taken(new_access) == []
    assert (await desk.renew(new_refresh))["errors"] == []


async def test_a_reset_tells_the_trader_by_mail(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    await desk.reset(await desk.reset_code())

    (mail,) = await desk.mails()
    assert (mail.to, mail.subject) == CHANGED
    assert "2026-06-15 12:00 UTC" in mail.text
    assert NEW_PASSWORD not in mail.text


async def test_a_new_password_keeps_the_rules_and_what_is_weak_uses_up_no_try(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    code = await desk.reset_code()
    before = await desk.credentials(PasswordHash, SecurityCode, Permit)
    weak = no_permit(invalid("PASSWORD_TOO_WEAK", "newPassword"))

    reset = [await desk.reset(code, password) for password in WEAK]
    for_nobody = [await desk.reset(code, password, email="unknown@example.com") for password in WEAK[:3]]
    changed = [await change(desk, access, new=password) for password in WEAK]
    missing = [await desk.reset(code, ""), await change(desk, access, new="")]

    assert (reset, for_nobody, changed) == ([weak] * 4, [weak] * 3, [weak] * 4)
    assert missing == [no_permit(invalid("PASSWORD_REQUIRED", "newPassword"))] * 2
    assert await desk.credentials(PasswordHash, SecurityCode, Permit) == before
    assert await desk.throttled() == 1  # the request of the code


async def test_a_reset_answers_alike_for_unknown_unconfirmed_and_confirmed_addresses(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.register("unconfirmed@example.com")

    answers = [
        await desk.reset("123456", email=email)
        for email in (ADA, "unconfirmed@example.com", "unknown@example.com")
        for _ in range(7)
    ]

    assert answers == [WRONG] * 21


async def test_a_change_ends_all_other_permits_at_once_and_goes_on_with_new_tokens(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    others = [await desk.tokens() for _ in range(2)]
    logged_in = await desk.log_in()
    access, _ = tokens_of(logged_in)

    answer = await change(desk, access)

    new_access, new_refresh = tokens_of(answer)
    assert answer["permit"]["id"] == logged_in["permit"]["id"]
    assert await desk.is_taken(new_access) == []
    for other_access, other_refresh in others:
        assert await desk.is_taken(other_access) == ["UNAUTHENTICATED"]
        assert await desk.renew(other_refresh) == no_permit(refusal("INVALID_PERMIT", "refreshToken"))
    assert (await desk.renew(new_refresh))["errors"] == []
    assert [(mail.to, mail.subject) for mail in await desk.mails()] == [CHANGED]
    assert (await desk.log_in(password=NEW_PASSWORD))["errors"] == []
    assert (await desk.log_in())["errors"] == [refusal("LOGIN_FAILED", "password")]


async def test_the_refresh_token_from_before_a_change_is_dead(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, refresh = await desk.tokens()
    new_access, new_refresh = tokens_of(await change(desk, access))

    stolen = await desk.renew(refresh)

    # Whoever presents it holds a copy: the permit ends with it.
    assert stolen == no_permit(refusal("INVALID_PERMIT", "refreshToken"))
    assert await desk.is_taken(new_access) == ["UNAUTHENTICATED"]
    assert await desk.renew(new_refresh) == no_permit(refusal("INVALID_PERMIT", "refreshToken"))
    assert "PERMIT_REUSED" in await desk.actions()


async def test_a_wrong_current_password_changes_nothing(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    before = await desk.credentials(PasswordHash, Permit, RefreshToken)

    answer = await change(desk, access, current="not the password")

    assert answer == no_permit(refusal("LOGIN_FAILED", "currentPassword"))
    assert await desk.credentials(PasswordHash, Permit, RefreshToken) == before
    assert await desk.mails() == []


async def test_wrong_current_passwords_count_to_the_lockout(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()

    answers = await asyncio.gather(*(change(desk, access, current="not the password") for _ in range(8)))

    assert answers.count(no_permit(refusal("LOGIN_FAILED", "currentPassword"))) == 5
    assert answers.count(no_permit(wait(1800))) == 3


async def test_a_password_cannot_be_changed_without_a_log_in(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    answer = await desk.send("permitChangePassword", currentPassword=PASSWORD, newPassword=NEW_PASSWORD)

    assert (answer.status, answer.data, answer.codes) == (
        401,
        {"permitChangePassword": None},
        ["UNAUTHENTICATED"],
    )


async def test_of_parallel_changes_by_two_devices_one_wins_and_the_other_is_logged_out(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    devices = [await desk.tokens() for _ in range(2)]
    passwords = [f"{NEW_PASSWORD}-{number}" for number in range(2)]

    answers = await asyncio.gather(
        *(change(desk, access, new=new) for (access, _), new in zip(devices, passwords, strict=True))
    )

    won = [answer["errors"] == [] for answer in answers]
    assert sorted(won) == [False, True]
    assert (await desk.log_in(password=passwords[won.index(True)]))["errors"] == []
    assert [permit["revoked_at"] is None for permit in await desk.rows(Permit)].count(False) == 1


async def test_the_account_of_a_deleted_trader_changes_no_password(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    async with desk.database.unit_of_work() as session:
        await session.delete(trader)

    assert await change(desk, access) == no_permit(refusal("INVALID_PERMIT"))


async def test_a_log_in_with_the_old_password_ends_when_the_password_changes_in_the_middle(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await make_trader(desk.database, email=ADA)
    code, hasher = await desk.reset_code(), desk.services.identity.hasher
    verify = hasher.verify

    async def verify_and_be_overtaken(password: str, stored: str | None) -> Verdict:
        verdict = await verify(password, stored)
        assert (await desk.reset(code))["errors"] == []
        return verdict

    monkeypatch.setattr(hasher, "verify", verify_and_be_overtaken)

    answer = await desk.log_in()

    assert answer == no_permit(refusal("LOGIN_FAILED", "password"))
    permits = await desk.rows(Permit)
    assert [permit["revoked_at"] for permit in permits] == [None], "only the reset's own permit runs"
