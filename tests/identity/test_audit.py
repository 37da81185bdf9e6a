"""The audit trail: every act with who, what, whose, request and device; in the act's own transaction; chained."""

import asyncio
import json
from contextlib import suppress
from datetime import date
from typing import Any

import pyotp
import pytest
from sqlalchemy import delete, text, update
from sqlmodel import col

from app.credentials import PasswordHash, RefreshToken
from app.domain import audit
from app.domain.audit import AuditAction
from app.entities import AuditEvent, AuditHead, Permit, Trader
from app.security.seals import Seals
from tests.callers import Callers
from tests.factories import NOON, PASSWORD, make_industry, make_share, make_trader
from tests.identity.desk import ADA, NEW_PASSWORD, Desk, document

pytestmark = pytest.mark.anyio

BOSS = "boss@example.com"


async def first_broken(desk: Desk) -> int | None:
    async with desk.database.reading() as session:
        return await audit.verify(session, desk.services.identity.seals)


class Recorder:
    """Sends operations and says what each added to the trail."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.seen = 0
        self.actions: set[str] = set()

    async def records(self, operation: str, variables: dict[str, Any], *, token: str | None = None) -> list[Any]:
        """What an operation recorded: action, actor, trader, subject; the rest is the same for all."""
        answer = await self.desk.api(
            operation, variables, token=token, headers={"x-device-signature": "a phone of the tests"}
        )
        events = (await self.desk.events())[self.seen :]
        self.seen += len(events)
        self.actions.update(event.action for event in events)
        for event in events:
            assert event.request_id == answer.headers["x-ms-request-id"]
            assert (event.device, event.at) == ("a phone of the tests", self.desk.clock.now)
        self.answer = answer.data
        return [(event.action, event.actor_id, event.trader_id, event.subject_id) for event in events]

    async def does(self, mutation: str, *, token: str | None = None, **given: Any) -> list[Any]:
        found = await self.records(document(mutation), {"input": given}, token=token)
        self.payload = self.answer[mutation]
        return found


async def test_every_act_is_recorded_with_who_what_whose_request_and_device(desk: Desk) -> None:
    boss = await make_trader(desk.database, email=BOSS, is_administrator=True)
    theirs, _ = await desk.tokens(BOSS)
    record = Recorder(desk)
    record.seen = len(await desk.events())

    registered = await record.does(
        "permitRegister", email=ADA, password=PASSWORD, firstName="Ada", lastName="Lovelace"
    )
    ada = await desk.trader()
    assert ada is not None
    her, account = ada.id, f"Trader:{ada.id}"
    assert registered == [("REGISTERED", None, her, account), ("CODE_SENT", None, her, account)]

    confirmed = await record.does("permitConfirm", email=ADA, securityCode=await desk.code(), password=PASSWORD)
    first = f"Permit:{record.payload['permit']['id']}"
    first_refresh = record.payload["tokens"]["refreshToken"]
    assert confirmed == [("EMAIL_CONFIRMED", her, her, account), ("LOGGED_IN", her, her, first)]

    assert await record.does("permitLogIn", email=ADA, password="wrong") == [("LOGIN_FAILED", None, her, account)]
    logged_in = await record.does("permitLogIn", email=ADA, password=PASSWORD)
    permit, tokens = f"Permit:{record.payload['permit']['id']}", record.payload["tokens"]
    assert logged_in == [("LOGGED_IN", her, her, permit)]

    assert await record.does("permitRenew", refreshToken=tokens["refreshToken"]) == [
        ("PERMIT_RENEWED", her, her, permit)
    ]
    child = record.payload["tokens"]
    await record.does("permitRenew", refreshToken=child["refreshToken"])
    access = record.payload["tokens"]["accessToken"]

    assert await record.does("traderUpdate", token=access, firstName="Augusta") == [
        ("TRADER_UPDATED", her, her, account)
    ]
    begun = await record.does("twoFactorBegin", token=access, currentPassword=PASSWORD)
    app = pyotp.TOTP(record.payload["secret"])
    assert begun == []
    proof = {"currentPassword": PASSWORD, "twoFactorCode": app.at(desk.clock.now)}
    assert await record.does("twoFactorEnable", token=access, **proof) == [
        ("TWO_FACTOR_ENABLED", her, her, account)
    ]
    codes = record.payload["recoveryCodes"]
    with_code = await record.does("permitLogIn", email=ADA, password=PASSWORD, twoFactorCode=codes[0])
    third = f"Permit:{record.payload['permit']['id']}"
    assert with_code == [("RECOVERY_CODE_USED", her, her, account), ("LOGGED_IN", her, her, third)]
    off = {"currentPassword": PASSWORD, "twoFactorCode": codes[1]}
    assert await record.does("twoFactorDisable", token=access, **off) == [
        ("RECOVERY_CODE_USED", her, her, account),
        ("TWO_FACTOR_DISABLED", her, her, account),
    ]

    assert await record.does("permitRevoke", token=theirs, permitId=third.removeprefix("Permit:")) == [
        ("PERMIT_REVOKED", boss.id, her, third)
    ]
    assert await record.does("permitRenew", refreshToken=tokens["refreshToken"]) == [
        ("PERMIT_REUSED", None, her, permit)
    ]
    assert await record.does("permitLogOut", refreshToken=first_refresh) == [("PERMIT_REVOKED", her, her, first)]

    await record.does("permitLogIn", email=ADA, password=PASSWORD)
    fourth, access = f"Permit:{record.payload['permit']['id']}", record.payload["tokens"]["accessToken"]
    await record.does("permitLogIn", email=ADA, password=PASSWORD)
    fifth = f"Permit:{record.payload['permit']['id']}"
    passwords = {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD}
    assert await record.does("permitChangePassword", token=access, **passwords) == [
        ("PERMIT_REVOKED", her, her, fifth),
        ("PASSWORD_CHANGED", her, her, account),
        ("PERMIT_RENEWED", her, her, fourth),
    ]

    for _ in range(4):
        await record.does("permitLogIn", email=ADA, password="wrong")
    assert await record.does("permitLogIn", email=ADA, password="wrong") == [
        ("LOGIN_FAILED", None, her, account),
        ("LOCKED_OUT", None, her, account),
    ]
    assert await record.does("permitLogIn", email=ADA, password=NEW_PASSWORD) == []
    assert await record.does("traderUnlock", token=theirs, id=str(her)) == [("UNLOCKED", boss.id, her, account)]
    assert await record.does("traderVerify", token=theirs, id=str(her), dateJoined="2020-01-01") == [
        ("TRADER_VERIFIED", boss.id, her, account)
    ]
    assert await record.does("permitRevoke", token=theirs, traderId=str(her)) == [
        ("PERMIT_REVOKED", boss.id, her, fourth)
    ]
    desk.clock.turn(minutes=1)
    await desk.mails()
    assert await record.does("permitRequestCode", email=ADA, purpose="CHANGE_PASSWORD") == [
        ("CODE_SENT", None, her, account)
    ]
    code = await desk.code()
    reset = await record.does("permitResetPassword", email=ADA, securityCode=code, newPassword=PASSWORD)
    sixth = f"Permit:{record.payload['permit']['id']}"
    assert reset == [("PASSWORD_CHANGED", her, her, account), ("LOGGED_IN", her, her, sixth)]
    assert await record.does("traderDelete", token=theirs, id=str(her)) == [
        ("PERMIT_REVOKED", boss.id, her, sixth),
        ("TRADER_DELETED", boss.id, her, account),
    ]

    elsewhere = {"ADMINISTRATOR_MADE", "ACCESS_DENIED"}
    records = {action for action in AuditAction if action.startswith("RECORD_")}
    assert set(AuditAction) - record.actions == elsewhere | records
    assert await first_broken(desk) is None


async def test_nothing_is_recorded_of_what_an_unknown_address_tries(desk: Desk) -> None:
    await desk.fail(6 - 1, "unknown@example.com")
    await desk.request("CHANGE_PASSWORD", "unknown@example.com")
    await desk.reset("123456", email="unknown@example.com")

    assert await desk.events() == []


async def test_the_trail_holds_no_password_code_or_token(desk: Desk) -> None:
    await desk.register()
    code = await desk.code()
    answer = await desk.confirm(code)
    await desk.log_in(password="a wrong password")

    trail = repr([event.model_dump() for event in await desk.events()])

    for secret in (PASSWORD, "a wrong password", code, *answer["tokens"].values()):
        assert secret not in trail


async def test_an_administrator_reads_the_trail_newest_first_and_chooses(desk: Desk) -> None:
    boss = await make_trader(desk.database, email=BOSS, is_administrator=True)
    ada = await make_trader(desk.database, email=ADA)
    token, _ = await desk.tokens(BOSS)
    await desk.fail(1)
    await desk.log_in(device="a phone")
    fields = "nodes { action actor { email } subjectId device at }"

    async def read(arguments: str) -> Any:
        answer = await desk.api(f"{{ auditEventsConnection{arguments} {{ {fields} }} }}", token=token)
        assert answer.errors == []
        return answer.data["auditEventsConnection"]["nodes"]

    everything = await read("")

    assert [node["action"] for node in everything] == ["LOGGED_IN", "LOGIN_FAILED", "LOGGED_IN"]
    assert (everything[0]["actor"], everything[0]["device"]) == ({"email": ADA}, "a phone")
    assert everything[1]["actor"] is None
    me = await desk.api("query ($id: ID!) { trader(id: $id) { globalId } }", {"id": str(ada.id)}, token=token)
    assert everything[1]["subjectId"] == me.data["trader"]["globalId"]
    assert await read("(action: LOGIN_FAILED)") == [everything[1]]
    assert await read(f'(actorId: "{boss.id}")') == [everything[2]]
    assert await read(f'(action: LOGIN_FAILED, actorId: "{boss.id}")') == []


async def test_others_read_only_what_happened_to_themselves(desk: Desk, callers: Callers) -> None:
    await make_trader(desk.database, email="eve@example.com")
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()

    own = await desk.api("{ me { events { nodes { action } } } }", token=access)
    whole = await desk.api("{ auditEventsConnection { nodes { action } } }", token=callers.manager)

    assert own.body == {"data": {"me": {"events": {"nodes": [{"action": "LOGGED_IN"}]}}}}
    assert (whole.data, whole.codes) == ({"auditEventsConnection": None}, ["FORBIDDEN"])


async def test_an_act_that_fails_leaves_no_event_and_an_event_that_cannot_be_written_no_act(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, refresh = await desk.tokens()
    async with desk.database.unit_of_work() as session:
        await session.exec(delete(AuditHead))
    before = await desk.credentials(Trader, Permit, RefreshToken, PasswordHash, AuditEvent)

    acts = [
        await desk.send("traderUpdate", token=access, firstName="Eve"),
        await desk.send("permitRenew", refreshToken=refresh),
        await desk.send("permitLogOut", refreshToken=refresh),
        await desk.send("permitLogIn", email=ADA, password=PASSWORD),
        await desk.send("permitRegister", email=BOSS, password=PASSWORD, firstName="B", lastName="B"),
    ]

    assert [answer.codes for answer in acts] == [["INTERNAL_ERROR"]] * 5
    assert await desk.credentials(Trader, Permit, RefreshToken, PasswordHash, AuditEvent) == before
    # What was not done is not told either: the permit still holds in the running process.
    assert await desk.is_taken(access) == []


async def test_parallel_acts_keep_one_chain(desk: Desk) -> None:
    for number in range(20):
        await make_trader(desk.database, email=f"ada{number}@example.com")

    answers = await asyncio.gather(*(desk.log_in(f"ada{number}@example.com") for number in range(20)))

    assert [answer["errors"] for answer in answers] == [[]] * 20
    events = await desk.events()
    assert [event.id for event in events] == list(range(1, 21))
    assert len({event.trader_id for event in events}) == 20
    assert await first_broken(desk) is None


async def test_the_chain_can_be_verified_while_it_grows(desk: Desk) -> None:
    for number in range(10):
        await make_trader(desk.database, email=f"ada{number}@example.com")

    async def verify() -> list[int | None]:
        return [await first_broken(desk) for _ in range(20)]

    verdicts, *_ = await asyncio.gather(
        verify(), *(desk.log_in(f"ada{number}@example.com") for number in range(10))
    )

    assert verdicts == [None] * 20


async def six_events(desk: Desk) -> None:
    """Six events of different kinds, the third with all columns filled."""
    trader = await make_trader(desk.database, email=ADA)
    await desk.fail(1)
    await desk.log_in(device="a phone")
    access, _ = await desk.tokens(device="another")
    await desk.do("traderUpdate", token=access, device="another", firstName="Augusta")
    desk.clock.turn(seconds=1)
    await desk.fail(1)
    await desk.log_in()
    assert trader.id == 1
    assert [event.id for event in await desk.events()] == [1, 2, 3, 4, 5, 6]
    assert await first_broken(desk) is None


EDITS: dict[str, Any] = {
    "at": NOON.replace(hour=11),
    "action": "LOGGED_IN",
    "actor_id": 2,
    "trader_id": 2,
    "subject_id": "Permit:another",
    "request_id": "another",
    "device": None,
    "software_version": "9.9",
    "hardware_version": "9.9",
    "detail": "another",
    "hash": bytes(32),
}


async def test_an_edit_of_any_column_is_named(desk: Desk) -> None:
    await six_events(desk)
    (event,) = [event for event in await desk.events() if event.id == 4]
    assert set(EDITS) == set(AuditEvent.model_fields) - {"id"}

    for column, value in EDITS.items():
        kept = getattr(event, column)
        assert kept != value
        for written in (value, kept):
            async with desk.database.unit_of_work() as session:
                await session.exec(update(AuditEvent).where(col(AuditEvent.id) == 4).values({column: written}))
            assert (column, await first_broken(desk)) == (column, 4 if written == value else None)


FORGED = (
    "INSERT INTO audit_event (id, at, action, request_id, hash) "
    "SELECT :id, at, action, request_id, hash FROM audit_event WHERE id = 6"
)
TAMPERINGS: dict[str, tuple[list[str], int]] = {
    "first deleted": (["DELETE FROM audit_event WHERE id = 1"], 1),
    "middle deleted": (["DELETE FROM audit_event WHERE id = 3"], 3),
    "last deleted": (["DELETE FROM audit_event WHERE id = 6"], 6),
    "end cut off": (["DELETE FROM audit_event WHERE id > 3"], 4),
    "all deleted": (["DELETE FROM audit_event"], 1),
    "gap closed": (["DELETE FROM audit_event WHERE id = 3", "UPDATE audit_event SET id = id - 1 WHERE id = 4"], 3),
    "swapped": (
        [
            "UPDATE audit_event SET id = 99 WHERE id = 3",
            "UPDATE audit_event SET id = 3 WHERE id = 4",
            "UPDATE audit_event SET id = 4 WHERE id = 99",
        ],
        3,
    ),
    "cut off with the head": (
        [
            "DELETE FROM audit_event WHERE id = 6",
            "UPDATE audit_head SET event_id = 5, hash = (SELECT hash FROM audit_event WHERE id = 5)",
        ],
        6,
    ),
    "head forwards": (["UPDATE audit_head SET event_id = 7"], 7),
    "head backwards": (["UPDATE audit_head SET event_id = 5"], 7),
    "head's hash": (["UPDATE audit_head SET hash = seal"], 7),
    "head's seal": (["UPDATE audit_head SET seal = hash"], 7),
    "no head": (["DELETE FROM audit_head"], 7),
    "forged at the end": (
        [FORGED.replace(":id", "7")],
        7,
    ),
    "moved before the beginning": (["UPDATE audit_event SET id = -1 WHERE id = 1"], -1),
    "forged before it": (
        [FORGED.replace(":id", "0")],
        0,
    ),
}


class UndoneError(Exception):
    """Ends a unit of work without its changes."""


async def test_what_was_done_to_the_tables_is_named(desk: Desk) -> None:
    await six_events(desk)
    named: dict[str, int | None] = {}

    for what, (statements, _) in TAMPERINGS.items():
        with suppress(UndoneError):
            async with desk.database.unit_of_work() as session:
                for statement in statements:
                    await (await session.connection()).execute(text(statement))
                named[what] = await audit.verify(session, desk.services.identity.seals)
                raise UndoneError

    assert named == {what: first for what, (_, first) in TAMPERINGS.items()}
    assert await first_broken(desk) is None


async def test_an_event_of_another_pepper_is_no_event_of_ours(desk: Desk) -> None:
    await six_events(desk)

    async with desk.database.reading() as session:
        assert await audit.verify(session, Seals(b"another pepper that is long enough")) == 1


async def test_changes_of_records_are_in_the_trail_too(desk: Desk, callers: Callers) -> None:
    async with desk.database.unit_of_work() as session:
        industry = await make_industry(session)
        share = await make_share(session, industry)
    record = Recorder(desk)
    operation = "mutation ($input: ShareUpdateInput!) { shareUpdate(input: $input) { errors { code } } }"

    found = await record.records(
        operation,
        {"input": {"id": str(share.id), "price": "11.5"}},
        token=callers.access(date_joined=date(2000, 1, 1)),
    )

    assert json.dumps(record.answer) == '{"shareUpdate": {"errors": []}}'
    assert found == [("RECORD_UPDATED", 1, None, f"Share:{share.id}")]
