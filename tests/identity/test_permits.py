"""Permits: listed and ended by their trader and by managers, by nobody else."""

from datetime import timedelta
from typing import Any

import pytest

from app.entities import Permit, Revocation
from tests.callers import Callers
from tests.factories import NOON, make_trader
from tests.identity.desk import ADA, Desk, invalid, moment, not_revoked, refusal, tokens_of

pytestmark = pytest.mark.anyio

EVE = "eve@example.com"
MINE = "query ($status: PermitStatus) { me { permits(status: $status) { id device status current } } }"


async def devices_of(desk: Desk, token: str, status: str | None = None) -> list[tuple[str, str, bool]]:
    answer = await desk.api(MINE, {"status": status}, token=token)
    assert answer.errors == []
    return [(each["device"], each["status"], each["current"]) for each in answer.data["me"]["permits"]]


async def test_permits_are_listed_newest_first_by_state_and_the_current_one_is_marked(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await desk.log_in(device="long ago")
    desk.clock.turn(days=29, hours=23)
    _, refresh = await desk.tokens(device="logged out")
    desk.clock.turn(minutes=1)
    await desk.log_in(device="another")
    desk.clock.turn(hours=1)
    await desk.do("permitLogOut", refreshToken=refresh)
    access, _ = await desk.tokens(device="this one")

    assert await devices_of(desk, access) == [
        ("this one", "ACTIVE", True),
        ("another", "ACTIVE", False),
        ("logged out", "REVOKED", False),
        ("long ago", "EXPIRED", False),
    ]
    assert [name for name, _, _ in await devices_of(desk, access, "ACTIVE")] == ["this one", "another"]
    assert [name for name, _, _ in await devices_of(desk, access, "REVOKED")] == ["logged out"]
    assert [name for name, _, _ in await devices_of(desk, access, "EXPIRED")] == ["long ago"]


async def test_a_permit_shows_its_moments_and_none_of_its_tokens(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    logged_in = await desk.log_in()
    _, refresh = tokens_of(logged_in)
    desk.clock.turn(minutes=5)
    access, _ = tokens_of(await desk.renew(refresh))

    answer = await desk.api(
        "{ me { permits { id device issuedAt renewedAt expiresAt revokedAt status trader { email } } } }",
        token=access,
    )

    assert answer.body == {
        "data": {
            "me": {
                "permits": [
                    {
                        "id": logged_in["permit"]["id"],
                        "device": None,
                        "issuedAt": moment(NOON),
                        "renewedAt": moment(NOON + timedelta(minutes=5)),
                        "expiresAt": moment(NOON + timedelta(minutes=5, days=30)),
                        "revokedAt": None,
                        "status": "ACTIVE",
                        "trader": {"email": ADA},
                    }
                ]
            }
        }
    }


@pytest.mark.parametrize("who", ["owner", "manager", "administrator"])
async def test_one_permit_is_revoked_and_its_access_tokens_with_it_at_once(
    desk: Desk, callers: Callers, who: str
) -> None:
    await make_trader(desk.database)
    await make_trader(desk.database, email=ADA)
    stays, _ = await desk.tokens()
    desk.clock.turn(minutes=3)
    lost = await desk.log_in()
    access, refresh = tokens_of(lost)
    token = stays if who == "owner" else getattr(callers, who)
    desk.clock.turn(minutes=2)

    answer = await desk.do("permitRevoke", token=token, permitId=lost["permit"]["id"])
    again = await desk.do("permitRevoke", token=token, permitId=lost["permit"]["id"])

    # The last access token was given three minutes after noon and lives for fifteen.
    assert answer == {
        "revokedCount": 1,
        "accessEndsBy": moment(NOON + timedelta(minutes=18)),
        "errors": [],
    }
    assert again == {"revokedCount": 0, "accessEndsBy": None, "errors": []}
    assert await desk.is_taken(access) == ["UNAUTHENTICATED"]
    assert (await desk.renew(refresh))["errors"] == [refusal("INVALID_PERMIT", "refreshToken")]
    assert await desk.is_taken(stays) == []


async def test_the_end_of_access_is_counted_from_the_last_renewal(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    _, refresh = await desk.tokens()
    desk.clock.turn(minutes=4)
    renewed = await desk.renew(refresh)
    desk.clock.turn(minutes=1)

    answer = await desk.do("permitRevoke", token=tokens_of(renewed)[0], permitId=renewed["permit"]["id"])

    assert answer["accessEndsBy"] == renewed["tokens"]["accessTokenExpiresAt"]


@pytest.mark.parametrize("who", ["owner", "manager"])
async def test_all_permits_of_a_trader_are_revoked_and_no_others(desk: Desk, callers: Callers, who: str) -> None:
    await make_trader(desk.database, email=EVE)
    trader = await make_trader(desk.database, email=ADA)
    eves, _ = await desk.tokens(EVE)
    devices = [await desk.tokens() for _ in range(3)]
    token = devices[0][0] if who == "owner" else callers.manager

    answer = await desk.do("permitRevoke", token=token, traderId=str(trader.id))

    assert answer == {
        "revokedCount": 3,
        "accessEndsBy": moment(NOON + timedelta(minutes=15)),
        "errors": [],
    }
    for access, refresh in devices:
        assert await desk.is_taken(access) == ["UNAUTHENTICATED"]
        assert (await desk.renew(refresh))["errors"] == [refusal("INVALID_PERMIT", "refreshToken")]
    assert await desk.is_taken(eves) == []
    if who == "manager":
        again = await desk.do("permitRevoke", token=token, traderId=str(trader.id))
        assert again == {"revokedCount": 0, "accessEndsBy": None, "errors": []}


async def test_others_cannot_revoke_and_do_not_learn_what_exists(desk: Desk, callers: Callers) -> None:
    await make_trader(desk.database)
    trader = await make_trader(desk.database, email=ADA)
    permit = await desk.log_in()
    token = callers.serving(4)
    before = await desk.credentials(Permit, Revocation)

    answers = [
        await desk.send("permitRevoke", token=token, **given)
        for given in (
            {"permitId": permit["permit"]["id"]},
            {"permitId": "x" * 43},
            {"traderId": str(trader.id)},
            {"traderId": "4711"},
        )
    ]

    bodies = [answer.body for answer in answers]
    assert bodies == [bodies[0]] * 4
    assert answers[0].data == {"permitRevoke": None}
    assert answers[0].errors[0]["extensions"] == {"code": "FORBIDDEN", "policy": "TRADER_MANAGERS"}
    assert await desk.credentials(Permit, Revocation) == before


async def test_a_stranger_cannot_revoke(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    permit = await desk.log_in()

    answer = await desk.send("permitRevoke", permitId=permit["permit"]["id"])

    assert (answer.data, answer.codes) == ({"permitRevoke": None}, ["UNAUTHENTICATED"])
    assert await desk.is_taken(permit["tokens"]["accessToken"]) == []


NOT_THERE: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"permitId": "x" * 43}, refusal("INVALID_PERMIT", "permitId")),
    ({"permitId": ""}, refusal("INVALID_PERMIT", "permitId")),
    ({"permitId": "ප" * 10_000}, refusal("INVALID_PERMIT", "permitId")),
    ({"traderId": "4711"}, invalid("USER_NOT_FOUND", "traderId")),
    ({"traderId": str(2**63)}, invalid("USER_NOT_FOUND", "traderId")),
]


async def test_a_manager_is_told_that_there_is_none(desk: Desk, callers: Callers) -> None:
    for given, error in NOT_THERE:
        answer = await desk.do("permitRevoke", token=callers.manager, **given)

        assert (given, answer) == (given, not_revoked(error))


async def test_exactly_one_choice_is_made(desk: Desk, callers: Callers) -> None:
    for given in ({}, {"permitId": "1", "traderId": "1"}, {"permitId": None}):
        answer = await desk.send("permitRevoke", token=callers.manager, **given)

        assert answer.data is None
        assert answer.codes in (["INVALID_INPUT"], ["BAD_REQUEST"])


async def test_a_newcomer_does_not_see_anothers_permits(desk: Desk, callers: Callers) -> None:
    await make_trader(desk.database)
    trader = await make_trader(desk.database, email=ADA)
    await desk.log_in()
    document = "query ($id: ID!) { trader(id: $id) { permits { id } } }"

    refused = await desk.api(document, {"id": str(trader.id)}, token=callers.newcomer)
    shown = await desk.api(document, {"id": str(trader.id)}, token=callers.manager)

    assert (refused.data, refused.codes) == ({"trader": None}, ["FORBIDDEN"])
    assert len(shown.data["trader"]["permits"]) == 1


async def test_deleting_a_trader_ends_everything_but_the_trail(desk: Desk) -> None:
    await make_trader(desk.database, email="boss@example.com", is_administrator=True)
    boss, _ = await desk.tokens("boss@example.com")
    trader = await make_trader(desk.database, email=ADA)
    access, refresh = await desk.tokens()
    administrator = await desk.trader("boss@example.com")
    assert administrator is not None

    himself = await desk.send("traderDelete", token=boss, id=str(administrator.id))
    answer = await desk.do("traderDelete", token=boss, id=str(trader.id))
    again = await desk.do("traderDelete", token=boss, id=str(trader.id))

    assert (himself.data, himself.codes) == ({"traderDelete": None}, ["FORBIDDEN"])
    assert answer == {"trader": None, "errors": []}
    assert again == {"trader": None, "errors": [invalid("USER_NOT_FOUND", "id")]}
    assert await desk.trader() is None
    assert await desk.is_taken(access) == ["UNAUTHENTICATED"]
    assert (await desk.renew(refresh))["errors"] == [refusal("INVALID_PERMIT", "refreshToken")]
    assert (await desk.log_in())["errors"] == [refusal("LOGIN_FAILED", "password")]
    assert [row["trader_id"] for row in await desk.rows(Permit)] == [administrator.id]
    assert "TRADER_DELETED" in await desk.actions()
