"""Profiles: one's own, another's for managers, and nothing that an input does not have."""

from typing import Any

import pytest
from sqlalchemy import inspect
from sqlalchemy.orm import Mapper
from strawberry.utils.str_converters import to_camel_case

from app.credentials import PasswordHash
from app.entities import Permit, Trader
from tests.callers import Callers
from tests.counting import Statements
from tests.factories import NOON, PASSWORD, make_trader
from tests.identity.desk import ADA, MUTATIONS, NEW_PASSWORD, Desk, document, invalid, no_trader

pytestmark = pytest.mark.anyio

EVE = "eve@example.com"
ME = "{ me { id email firstName lastName locale } }"


async def test_a_trader_reads_and_changes_the_own_profile(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    desk.clock.turn(minutes=1)

    answer = await desk.do("traderUpdate", token=access, firstName="Augusta", locale="si")

    assert answer == {
        "trader": {
            "id": str(trader.id),
            "email": ADA,
            "firstName": "Augusta",
            "lastName": "Trader",
            "locale": "si",
            "dateJoined": None,
            "version": 2,
        },
        "errors": [],
    }
    assert (await desk.api(ME, token=access)).body == {
        "data": {
            "me": {
                "id": str(trader.id),
                "email": ADA,
                "firstName": "Augusta",
                "lastName": "Trader",
                "locale": "si",
            }
        }
    }
    changed = await desk.trader()
    assert changed is not None
    assert (changed.updated_at, changed.created_at) == (desk.clock.now, NOON)


async def test_who_is_nobody_reads_nobody(desk: Desk) -> None:
    assert (await desk.api(ME)).body == {"data": {"me": None}}


async def test_a_trader_who_is_deleted_is_nobody(desk: Desk) -> None:
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    async with desk.database.unit_of_work() as session:
        await session.delete(trader)

    assert (await desk.api(ME, token=access)).body == {"data": {"me": None}}
    assert await desk.do("traderUpdate", token=access, firstName="Eve") == no_trader(
        invalid("USER_NOT_FOUND", "id")
    )


async def test_a_change_to_what_is_already_so_is_none(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    before = await desk.credentials(Trader)

    for given in ({}, {"firstName": "Ada", "locale": "en"}, {"firstName": None, "lastName": None, "locale": None}):
        assert (await desk.do("traderUpdate", token=access, **given))["errors"] == []

    assert await desk.credentials(Trader) == before
    assert "TRADER_UPDATED" not in await desk.actions()


@pytest.mark.parametrize("caller", ["manager", "administrator"])
async def test_managers_read_and_change_anothers_profile(desk: Desk, callers: Callers, caller: str) -> None:
    await make_trader(desk.database)
    trader = await make_trader(desk.database, email=ADA)
    token = getattr(callers, caller)

    changed = await desk.do("traderUpdate", token=token, id=str(trader.id), lastName="King")
    read = await desk.api(
        "query ($id: ID!) { trader(id: $id) { email lastName } }", {"id": str(trader.id)}, token=token
    )

    assert (changed["trader"]["lastName"], changed["errors"]) == ("King", [])
    assert read.body == {"data": {"trader": {"email": ADA, "lastName": "King"}}}


@pytest.mark.parametrize("caller", ["newcomer", "skilled"])
async def test_others_are_refused_alike_whether_or_not_the_trader_exists_and_nothing_changes(
    desk: Desk, callers: Callers, statements: Statements, caller: str
) -> None:
    await make_trader(desk.database)
    trader = await make_trader(desk.database, email=ADA)
    before = await desk.credentials(Trader)
    token = getattr(callers, caller)
    statements.clear()

    for trader_id in (str(trader.id), "4711"):
        read = await desk.api("query ($id: ID!) { trader(id: $id) { email } }", {"id": trader_id}, token=token)
        changed = await desk.send("traderUpdate", token=token, id=trader_id, firstName="Eve")
        for answer, name in ((read, "trader"), (changed, "traderUpdate")):
            assert answer.data == {name: None}
            assert [error["extensions"] for error in answer.errors] == [
                {"code": "FORBIDDEN", "policy": "TRADER_MANAGERS"}
            ]

    assert list(statements) == []
    assert await desk.credentials(Trader) == before


async def test_a_trader_may_name_oneself(desk: Desk) -> None:
    await make_trader(desk.database)
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()

    read = await desk.api("query ($id: ID!) { trader(id: $id) { email } }", {"id": str(trader.id)}, token=access)

    assert read.body == {"data": {"trader": {"email": ADA}}}
    assert (await desk.do("traderUpdate", token=access, id=str(trader.id), lastName="King"))["errors"] == []


async def test_what_breaks_a_rule_changes_nothing(desk: Desk, callers: Callers) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    before = await desk.credentials(Trader)

    answers = [
        await desk.do("traderUpdate", token=access, **given)
        for given in ({"firstName": ""}, {"firstName": "Eve", "lastName": "x" * 101}, {"locale": "tlh"})
    ]
    unknown = await desk.do("traderUpdate", token=callers.manager, id="4711", firstName="Eve")

    assert answers == [no_trader(invalid("INVALID_INPUT", name)) for name in ("firstName", "lastName", "locale")]
    assert unknown == no_trader(invalid("USER_NOT_FOUND", "id"))
    assert await desk.credentials(Trader) == before


def columns_of(entity: Any) -> set[str]:
    mapper: Mapper[Any] = inspect(entity)
    return {to_camel_case(column.key) for column in mapper.columns}


VALUES: dict[str, Any] = {
    "traderUpdate": {"firstName": "Eve"},
    "traderVerify": {"id": "1", "dateJoined": "2020-01-01"},
    "traderUnlock": {"id": "1"},
    "permitRegister": {"email": EVE, "password": NEW_PASSWORD, "firstName": "Eve", "lastName": "Dropper"},
    "permitConfirm": {"email": ADA, "securityCode": "123456", "password": PASSWORD},
    "permitLogIn": {"email": ADA, "password": PASSWORD},
    "permitResetPassword": {"email": ADA, "securityCode": "123456", "newPassword": NEW_PASSWORD},
    "permitChangePassword": {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD},
    "twoFactorBegin": {"currentPassword": PASSWORD},
    "permitRenew": {"refreshToken": "none"},
}
# Besides the columns, what other services have been seen to bind.
TEMPTING = {
    "passwordHash",
    "lockedUntil",
    "roles",
    "role",
    "isActive",
    "isAdmin",
    "ownerId",
    "traderId",
    "permitId",
}


@pytest.mark.parametrize("mutation", VALUES)
async def test_no_input_takes_a_field_that_it_does_not_have(desk: Desk, mutation: str) -> None:
    await make_trader(desk.database, email=ADA, is_administrator=True)
    access, _ = await desk.tokens()
    fields = columns_of(Trader) | columns_of(Permit) | columns_of(PasswordHash) | TEMPTING
    kind, _ = MUTATIONS[mutation]
    known = await desk.api(f'{{ __type(name: "{kind}") {{ inputFields {{ name }} }} }}')
    foreign = sorted(fields - {each["name"] for each in known.data["__type"]["inputFields"]})
    before = await desk.everything()

    for field in foreign:
        given = {"input": {**VALUES[mutation], field: True}}
        by_variable = await desk.api(document(mutation), given, token=access)
        literal = " ".join(f'{name}: "{value}"' for name, value in VALUES[mutation].items())
        in_document = await desk.api(
            f"mutation {{ {mutation}(input: {{{literal} {field}: true}}) {{ __typename }} }}", token=access
        )

        assert by_variable.codes == ["INVALID_INPUT"], field
        assert by_variable.errors[0]["extensions"]["path"] == ["input", field]
        assert in_document.codes == ["BAD_REQUEST"], field
        assert (by_variable.data, in_document.data) == (None, None)

    assert len(foreign) > 15
    assert await desk.everything() == before
