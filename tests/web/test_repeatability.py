"""A mutation that is sent again is answered as before and done once, whatever it does and whoever sends it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import orjson
import pytest
import sqlalchemy
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import SQLModel, select
from starlette.applications import Starlette
from starlette.datastructures import Headers

from app.credentials import RefreshToken, RepeatedRequest, Throttle
from app.database import Database
from app.domain import audit, shares
from app.entities import AuditEvent, Industry, Permit, Share
from app.main import create_app
from app.settings import Settings
from app.web import repeatability
from app.web.repeatability import MalformedRepeatability, Repeatability, SentTooLongAgo, id_of
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import NOON, PASSWORD, ManualClock, make_industry, make_share, make_trader
from tests.identity.desk import ADA, Desk
from tests.identity.desk import document as operation

pytestmark = pytest.mark.anyio

# What the second database could not do otherwise is asked of the first alone.
one_database = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")

DAY = timedelta(days=1)
CREATE = """
    mutation ($input: ShareCreateInput!) {
      shareCreate(input: $input) {
        share { id tag price industry { name shares { tag } } }
        outcome
        errors { code path message }
      }
    }
"""
UPDATE = """
    mutation ($input: ShareUpdateInput!) {
      shareUpdate(input: $input) {
        share { tag price version }
        outcome
        errors { code path ... on ShareConflict { current { version } } }
      }
    }
"""


REGISTRATION: dict[str, Any] = {
    "email": ADA,
    "password": PASSWORD,
    "firstName": "Ada",
    "lastName": "Lovelace",
}


def repeatable(request_id: str | None = None, *, sent: Any = NOON) -> dict[str, str]:
    """The headers of a repeatable request, with a new id unless one is given."""
    return {
        "Repeatability-Request-ID": request_id or str(uuid.uuid4()),
        "Repeatability-First-Sent": format_datetime(sent, usegmt=True),
    }


@dataclass
class Sender:
    """Sends mutations with headers of their own, and gives the raw answers."""

    api: Api
    callers: Callers
    headers: dict[str, str] = field(default_factory=repeatable)

    async def __call__(
        self,
        document: str,
        values: Any = None,
        headers: dict[str, str] | None = None,
        *,
        token: str | None = None,
        **more: Any,
    ) -> httpx.Response:
        sent = self.headers if headers is None else headers
        bearer = {"Authorization": f"Bearer {token or self.callers.manager}"}
        body = {"query": document, "variables": None if values is None else {"input": values}, **more}
        return await self.api.http.post("/graphql", json=body, headers=bearer | sent)

    async def as_stranger(self, mutation: str, headers: dict[str, str] | None = None, **values: Any) -> Any:
        body = {"query": operation(mutation), "variables": {"input": values}}
        sent = self.headers if headers is None else headers
        return await self.api.http.post("/graphql", json=body, headers=sent)


@pytest.fixture
def send(api: Api, callers: Callers) -> Sender:
    return Sender(api, callers)


@pytest.fixture
def desk(app: Starlette, api: Api, clock: ManualClock, settings: Settings) -> Desk:
    return Desk(app, api, clock, settings.data_dir)


@pytest.fixture
async def industry(app_database: Database) -> Industry:
    async with app_database.unit_of_work() as session:
        return await make_industry(session, tag="tech", name="Technology")


@pytest.fixture
async def share(app_database: Database, industry: Industry) -> Share:
    async with app_database.unit_of_work() as session:
        return await make_share(session, industry, tag="BUD", price="10.28")


@pytest.fixture
async def second_api(settings: Settings, clock: ManualClock, app: Starlette) -> AsyncIterator[Api]:
    """A second server over the same database, that shares nothing with the first one but the database."""
    made = create_app(settings, clock=clock)
    async with made.router.lifespan_context(made), Api(made) as api:
        yield api


def new_share(industry: Industry, tag: str = "LWP", price: str = "15.2000") -> dict[str, Any]:
    return {"industryId": str(industry.id), "tag": tag, "price": price}


async def rows(database: Database, entity: type[SQLModel]) -> list[Any]:
    async with database.reading() as session:
        return list((await session.exec(select(entity))).all())


async def tags(database: Database) -> list[str]:
    return sorted(each.tag for each in await rows(database, Share))


def result(response: httpx.Response) -> tuple[int, str | None]:
    return response.status_code, response.headers.get("Repeatability-Result")


def code_of(response: httpx.Response) -> str:
    code: str = response.json()["errors"][0]["extensions"]["code"]
    return code


ACCEPTED, REFUSED = (200, "accepted"), (400, "rejected")


# What is promised


async def test_a_mutation_that_is_sent_again_has_the_same_answer_and_is_done_once(
    send: Sender, industry: Industry, app_database: Database
) -> None:
    first = await send(CREATE, new_share(industry))
    again = await send(CREATE, new_share(industry))

    assert (result(first), result(again)) == (ACCEPTED, ACCEPTED)
    assert first.json()["data"]["shareCreate"]["outcome"] == "INSERTED"
    assert again.content == first.content
    assert first.headers["x-ms-request-id"] != again.headers["x-ms-request-id"]
    assert await tags(app_database) == ["LWP"]
    assert len(await rows(app_database, AuditEvent)) == 1


async def test_fifty_at_once_make_one_row_and_all_get_its_answer(
    send: Sender, industry: Industry, app_database: Database
) -> None:
    answers = await asyncio.gather(*(send(CREATE, new_share(industry)) for _ in range(50)))

    assert {result(each) for each in answers} == {ACCEPTED}
    assert len({each.content for each in answers}) == 1
    assert answers[0].json()["data"]["shareCreate"]["outcome"] == "INSERTED"
    assert await tags(app_database) == ["LWP"]


async def test_the_answer_shows_what_was_written_relations_and_all(send: Sender, share: Share) -> None:
    answer = await send(CREATE, {"industryId": str(share.industry_id), "tag": "LWP", "price": "1"})

    shown = answer.json()["data"]["shareCreate"]["share"]["industry"]
    assert shown == {"name": "Technology", "shares": [{"tag": "BUD"}, {"tag": "LWP"}]}


async def test_relations_that_are_read_side_by_side_share_the_one_transaction(send: Sender, share: Share) -> None:
    # An entity that was just written loads each relation by a statement of its own, all at the same time.
    aliases = " ".join(f"i{number}: industry {{ name shares {{ tag }} }}" for number in range(8))
    document = f"mutation ($input: ShareUpdateInput!) {{ shareUpdate(input: $input) {{ share {{ {aliases} }} }} }}"

    answer = await send(document, {"id": str(share.id), "price": "11"})

    shown = answer.json()["data"]["shareUpdate"]["share"]
    assert list(shown.values()) == [{"name": "Technology", "shares": [{"tag": "BUD"}]}] * 8


@one_database
async def test_the_first_answer_stands_even_when_the_record_has_changed_since(send: Sender, share: Share) -> None:
    first = await send(UPDATE, {"id": str(share.id), "price": "11"})
    await send(UPDATE, {"id": str(share.id), "price": "12"}, repeatable())

    assert (await send(UPDATE, {"id": str(share.id), "price": "11"})).content == first.content


async def test_a_conflict_is_an_answer_too(send: Sender, share: Share) -> None:
    change = {"id": str(share.id), "price": "11", "expectedVersion": 7}
    first = await send(UPDATE, change)
    await send(UPDATE, {"id": str(share.id), "price": "12"}, repeatable())
    again = await send(UPDATE, change)

    assert first.json()["data"]["shareUpdate"]["errors"][0]["code"] == "VERSION_CONFLICT"
    assert first.json()["data"]["shareUpdate"]["errors"][0]["current"] == {"version": 1}
    assert again.content == first.content


@one_database
async def test_the_answer_stays_in_the_language_in_which_it_was_given(send: Sender, share: Share) -> None:
    taken = {"industryId": str(share.industry_id), "tag": "BUD", "price": "1"}
    first = await send(CREATE, taken, send.headers | {"Accept-Language": "si"})
    again = await send(CREATE, taken, send.headers | {"Accept-Language": "en"})

    assert first.json()["data"]["shareCreate"]["errors"][0]["code"] == "TAG_TAKEN"
    assert again.content == first.content
    assert [each.headers["content-language"] for each in (first, again)] == ["si", "si"]


@one_database
async def test_an_answer_without_words_is_given_again_without_a_language(send: Sender, share: Share) -> None:
    values = {"id": str(share.id), "price": "15.2000"}
    answers = [await send(UPDATE, values) for _ in range(2)]

    assert answers[0].content == answers[1].content
    assert [each.headers.get("content-language") for each in answers] == [None, None]


# What an id stands for


@one_database
@pytest.mark.parametrize(
    "other",
    [{"values": {"price": "15.2001"}}, {"document": CREATE + " "}, {"operationName": "Again"}],
    ids=["variables", "document", "operation name"],
)
async def test_the_same_id_with_something_else_is_refused_and_not_done(
    send: Sender, industry: Industry, app_database: Database, other: dict[str, Any]
) -> None:
    document = CREATE.replace("mutation (", "mutation Again (") if "operationName" in other else CREATE
    await send(document, new_share(industry))
    kept = await rows(app_database, Share)

    values = new_share(industry) | {"tag": "NEW"} | other.pop("values", {})
    refused = await send(other.pop("document", document), values, **other)

    assert (result(refused), code_of(refused)) == (REFUSED, "REPEATED_REQUEST_MISMATCH")
    assert await rows(app_database, Share) == kept


@one_database
async def test_variables_are_the_same_in_any_order(send: Sender, industry: Industry) -> None:
    values = new_share(industry)
    first = await send(CREATE, values)

    assert (await send(CREATE, dict(reversed(values.items())))).content == first.content


@one_database
async def test_an_id_is_a_traders_own_under_whatever_token(
    send: Sender, callers: Callers, clock: ManualClock, industry: Industry, app_database: Database
) -> None:
    first = await send(CREATE, new_share(industry))
    callers.permit_id = "another-permit-of-the-same-trader"
    renewed = await send(CREATE, new_share(industry), token=callers.manager)
    administrator = callers.access(trader_id=2, roles=frozenset({"administrator"}))
    another = await send(CREATE, new_share(industry, tag="OTHER"), token=administrator)

    assert renewed.content == first.content
    assert (result(another), another.json().get("errors")) == (ACCEPTED, None)
    assert await tags(app_database) == ["LWP", "OTHER"]


@one_database
async def test_either_header_carries_the_id_and_a_guid_has_no_case(send: Sender, industry: Industry) -> None:
    headers = repeatable("5f1c9b0a-9f9d-4b43-8a0c-0d3c5d0a7e11")
    first = await send(CREATE, new_share(industry), headers)
    upper = headers["Repeatability-Request-ID"].upper()

    for same in ({"Idempotency-Key": upper}, {"Idempotency-Key": f'"{upper}"'}, repeatable(upper)):
        assert (await send(CREATE, new_share(industry), same)).content == first.content


@one_database
async def test_an_idempotency_key_needs_neither_a_guid_nor_a_date(
    send: Sender, industry: Industry, app_database: Database
) -> None:
    key = {"Idempotency-Key": "order 66".replace(" ", "-")}
    first, again = [await send(CREATE, new_share(industry), key) for _ in range(2)]

    assert (result(first), again.content) == (ACCEPTED, first.content)
    assert await tags(app_database) == ["LWP"]


# How long


@one_database
async def test_the_answer_is_kept_for_a_day_and_then_the_request_is_refused_as_too_old(
    send: Sender, callers: Callers, clock: ManualClock, industry: Industry, app_database: Database
) -> None:
    first = await send(CREATE, new_share(industry))
    clock.turn(days=1)
    at_last = await send(CREATE, new_share(industry))
    clock.turn(seconds=1)
    too_late = await send(CREATE, new_share(industry))

    assert at_last.content == first.content
    assert (result(too_late), code_of(too_late)) == ((412, "rejected"), "BAD_REQUEST")
    assert await tags(app_database) == ["LWP"]


@one_database
async def test_a_request_from_the_future_is_refused_but_for_five_minutes_of_skew(
    send: Sender, industry: Industry
) -> None:
    ahead = NOON + timedelta(minutes=5)
    taken = await send(CREATE, new_share(industry), repeatable(sent=ahead))
    refused = await send(CREATE, new_share(industry), repeatable(sent=ahead + timedelta(seconds=1)))

    assert (result(taken), result(refused)) == (ACCEPTED, (412, "rejected"))


@one_database
async def test_what_a_clock_that_is_ahead_has_sent_is_remembered_as_long_as_it_may_come(
    send: Sender, clock: ManualClock, industry: Industry
) -> None:
    headers = repeatable(sent=NOON + timedelta(minutes=5))
    first = await send(CREATE, new_share(industry), headers)
    clock.turn(days=1, minutes=4, seconds=59)

    assert (await send(CREATE, new_share(industry), headers)).content == first.content


async def test_a_key_whose_record_has_expired_is_a_new_one(
    send: Sender, clock: ManualClock, industry: Industry, app_database: Database
) -> None:
    key = {"Idempotency-Key": "the-same-every-week"}
    await send(CREATE, new_share(industry), key)
    clock.turn(days=7)
    other = await send(CREATE, new_share(industry, tag="NEW"), key)

    assert result(other) == ACCEPTED
    assert await tags(app_database) == ["LWP", "NEW"]


async def test_expired_records_are_deleted_a_few_at_a_time(
    app: Starlette, clock: ManualClock, app_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeatability, "_MOST_FORGOTTEN", 3)
    async with app_database.unit_of_work() as session:
        for number in range(10):
            expires_at = NOON + timedelta(minutes=number)
            session.add(RepeatedRequest(key=bytes([number]) * 32, digest=bytes(32), expires_at=expires_at))
    clock.turn(minutes=7)

    with Statements(app_database) as statements:
        await Repeatability(app.state.services, DAY).forget()

    assert sorted(row.key[0] for row in await rows(app_database, RepeatedRequest)) == [8, 9]
    assert [each.split()[0] for each in statements] == ["SELECT", "DELETE"] * 2 + ["SELECT", "DELETE"]


# What has the wrong form

GUID = "5f1c9b0a-9f9d-4b43-8a0c-0d3c5d0a7e11"
SENT = "Mon, 15 Jun 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    "headers",
    [
        {"Repeatability-Request-ID": GUID},
        {"Repeatability-First-Sent": SENT},
        {"Repeatability-Request-ID": "", "Repeatability-First-Sent": SENT},
        {"Repeatability-Request-ID": "order-66", "Repeatability-First-Sent": SENT},
        {"Repeatability-Request-ID": f"{{{GUID}}}", "Repeatability-First-Sent": SENT},
        {"Repeatability-Request-ID": GUID, "Repeatability-First-Sent": "2026-06-15T12:00:00Z"},
        {"Repeatability-Request-ID": GUID, "Repeatability-First-Sent": "Tue, 15 Jun 2026 12:00:00 GMT"},
        {"Repeatability-Request-ID": GUID, "Repeatability-First-Sent": "Mon, 15 Jun 2026 12:00:00 +0000"},
        {"Repeatability-Request-ID": GUID, "Repeatability-First-Sent": "Mon, 31 Jun 2026 12:00:00 GMT"},
        {"Repeatability-Request-ID": GUID, "Repeatability-First-Sent": SENT, "Idempotency-Key": GUID},
        {"Idempotency-Key": ""},
        {"Idempotency-Key": '""'},
        {"Idempotency-Key": '"open'},
        {"Idempotency-Key": "two words"},
        {"Idempotency-Key": "x" * 256},
    ],
)
def test_headers_of_the_wrong_form_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(MalformedRepeatability):
        id_of(Headers(headers), NOON, DAY)


@one_database
async def test_a_refusal_of_the_headers_says_so_and_nothing_is_done(
    send: Sender, industry: Industry, statements: Statements
) -> None:
    statements.clear()

    refused = await send(CREATE, new_share(industry), {"Repeatability-Request-ID": GUID})

    assert (result(refused), code_of(refused)) == (REFUSED, "BAD_REQUEST")
    assert statements == []


@given(st.text(max_size=60), st.text(max_size=60))
def test_whatever_stands_in_the_headers_is_an_id_or_refused(one: str, other: str) -> None:
    names = (b"repeatability-request-id", b"repeatability-first-sent", b"idempotency-key")
    for raw in ([(names[0], one), (names[1], other)], [(names[0], GUID), (names[1], one)], [(names[2], one)]):
        headers = Headers(raw=[(name, value.encode("latin-1", "replace")) for name, value in raw])
        with suppress(MalformedRepeatability, SentTooLongAgo):
            assert id_of(headers, NOON, DAY)


@given(st.uuids(), st.timedeltas(-DAY, timedelta(minutes=5)))
def test_every_guid_and_every_moment_of_the_window_is_taken(guid: uuid.UUID, ago: timedelta) -> None:
    headers = Headers(
        repeatable(str(guid), sent=(NOON + ago + timedelta(microseconds=999_999)).replace(microsecond=0))
    )
    assert id_of(headers, NOON + timedelta(seconds=1), DAY + timedelta(seconds=1)) == str(guid)


@one_database
async def test_an_answer_that_is_kept_is_no_stream(
    send: Sender, industry: Industry, app_database: Database
) -> None:
    refused = await send(CREATE, new_share(industry), send.headers | {"Accept": "text/event-stream"})

    assert (result(refused), code_of(refused)) == (REFUSED, "BAD_REQUEST")
    assert await tags(app_database) == []


@one_database
async def test_queries_are_safe_by_themselves(send: Sender, share: Share) -> None:
    answer = await send("{ shares { tag } }", headers={"Repeatability-Request-ID": "no guid"})

    assert (result(answer), answer.json()) == ((200, None), {"data": {"shares": [{"tag": "BUD"}]}})


async def test_without_the_headers_no_statement_is_run_for_it(
    send: Sender, industry: Industry, statements: Statements, app_database: Database
) -> None:
    statements.clear()

    answer = await send(CREATE, new_share(industry), {})

    assert result(answer) == (200, None)
    assert [each for each in statements if "repeated_request" in each or "SAVEPOINT" in each] == []
    assert await rows(app_database, RepeatedRequest) == []


# What fails


async def test_what_changed_nothing_leaves_no_record(
    send: Sender, callers: Callers, industry: Industry, app_database: Database
) -> None:
    forbidden = await send(CREATE, new_share(industry), token=callers.newcomer)
    broken = await send(CREATE, new_share(industry, price="-1"), repeatable())
    invalid = await send("mutation { shareCreate }", headers=repeatable())

    assert code_of(forbidden) == "FORBIDDEN"
    assert broken.json()["data"]["shareCreate"]["errors"][0]["code"] == "INVALID_INPUT"
    assert code_of(invalid) == "BAD_REQUEST"
    assert await rows(app_database, RepeatedRequest) == []
    # The trader who has become a manager by now sends it again, and this time it is done.
    assert (await send(CREATE, new_share(industry))).json()["data"]["shareCreate"]["outcome"] == "INSERTED"


TWO = """
    mutation ($one: ShareCreateInput!, $two: ShareCreateInput!) {
      one: shareCreate(input: $one) { outcome errors { code } }
      two: shareCreate(input: $two) { outcome errors { code } }
    }
"""


async def send_two(send: Sender, industry: Industry, one: str, two: str) -> httpx.Response:
    variables = {"one": new_share(industry, tag=one), "two": new_share(industry, tag=two)}
    return await send(TWO, variables=variables)


async def test_fields_are_done_together_and_one_that_is_refused_leaves_the_other_be(
    send: Sender, share: Share, industry: Industry, app_database: Database
) -> None:
    first = await send_two(send, industry, "LWP", "BUD")
    again = await send_two(send, industry, "LWP", "BUD")

    assert first.json()["data"] == {
        "one": {"outcome": "INSERTED", "errors": []},
        "two": {"outcome": None, "errors": [{"code": "TAG_TAKEN"}]},
    }
    assert again.content == first.content
    assert await tags(app_database) == ["BUD", "LWP"]
    assert len(await rows(app_database, AuditEvent)) == 1


async def test_where_the_server_fails_all_is_undone_and_the_next_try_does_it(
    send: Sender,
    industry: Industry,
    app: Starlette,
    app_database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[Any] = []
    app_database.listen(told.append)
    create = shares.create

    async def failing(session: Any, values: Any, **more: Any) -> Any:
        done = await create(session, values, **more)
        if values["tag"] == "SECOND":
            raise RuntimeError("the disk is full")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(shares, "create", failing)
        failed = await send_two(send, industry, "FIRST", "SECOND")
    after = (await tags(app_database), await rows(app_database, RepeatedRequest), list(told))
    again = await send_two(send, industry, "FIRST", "SECOND")

    assert (failed.status_code, code_of(failed)) == (500, "INTERNAL_ERROR")
    assert failed.headers.get("Repeatability-Result") is None
    assert after == ([], [], [])
    assert [record.exc_info is not None for record in caplog.records if record.name == "app"] == [True]
    assert again.json()["data"]["two"]["outcome"] == "INSERTED"
    assert await tags(app_database) == ["FIRST", "SECOND"]
    async with app_database.reading() as session:
        assert await audit.verify(session, app.state.services.identity.seals) is None


@one_database
async def test_a_request_that_takes_too_long_to_be_waited_for_is_to_be_tried_again(
    send: Sender, industry: Industry, app_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repeatability, "_PATIENCE_SECONDS", 0.05)
    goes_on, create = asyncio.Event(), shares.create

    async def slow(*given: Any, **more: Any) -> Any:
        await goes_on.wait()
        return await create(*given, **more)

    monkeypatch.setattr(shares, "create", slow)
    first = asyncio.create_task(send(CREATE, new_share(industry)))
    await asyncio.sleep(0)
    second = await send(CREATE, new_share(industry))
    goes_on.set()
    await first

    assert (result(second), code_of(second)) == ((409, None), "UNAVAILABLE")
    assert second.headers["Retry-After"] == "1"
    assert (await send(CREATE, new_share(industry))).content == (await first).content
    assert await tags(app_database) == ["LWP"]


async def test_a_request_that_is_cancelled_leaves_nothing_and_the_next_try_does_it(
    send: Sender, industry: Industry, app_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, create = asyncio.Event(), shares.create

    async def stuck(*given: Any, **more: Any) -> Any:
        await create(*given, **more)
        written.set()
        await asyncio.Event().wait()

    with monkeypatch.context() as patched:
        patched.setattr(shares, "create", stuck)
        cancelled = asyncio.create_task(send(CREATE, new_share(industry)))
        await written.wait()
        cancelled.cancel()
        await asyncio.wait([cancelled])

    after = (await tags(app_database), await rows(app_database, RepeatedRequest))
    assert after == ([], [])
    assert (await send(CREATE, new_share(industry))).json()["data"]["shareCreate"]["outcome"] == "INSERTED"


UPDATE_TWO = """
    mutation ($one: ShareUpdateInput!, $two: ShareUpdateInput!) {
      one: shareUpdate(input: $one) { share { price } }
      two: shareUpdate(input: $two) { share { price } }
    }
"""


async def test_operations_that_change_the_same_in_opposite_order_all_end_and_are_done_once(
    send: Sender, share: Share, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        other = await make_share(session, tag="LWP")
    senders = [Sender(send.api, send.callers) for _ in range(4)]

    async def update(sender: Sender, number: int) -> httpx.Response:
        ids = (share.id, other.id) if number % 2 else (other.id, share.id)
        one, two = ({"id": str(each), "price": f"{number + 1}.0000"} for each in ids)
        # Of two that wait for each other, the database undoes one: that one is sent again, as its client would.
        while (answer := await sender(UPDATE_TWO, variables={"one": one, "two": two})).status_code == 500:
            assert code_of(answer) == "INTERNAL_ERROR"
        return answer

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*(update(sender, number) for number, sender in enumerate(senders)))

    assert {result(each) for each in answers} == {ACCEPTED}
    assert [row.version for row in await rows(app_database, Share)] == [5, 5]


# Permits


def tokens_in(response: httpx.Response, mutation: str) -> tuple[str, str]:
    tokens = response.json()["data"][mutation]["tokens"]
    return tokens["accessToken"], tokens["refreshToken"]


async def test_a_log_in_that_is_sent_again_gives_the_same_permit(send: Sender, desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)

    first = await send.as_stranger("permitLogIn", email=ADA, password=PASSWORD)
    again = await send.as_stranger("permitLogIn", email=ADA, password=PASSWORD)

    assert result(first) == ACCEPTED
    assert again.content == first.content
    assert await desk.is_taken(tokens_in(again, "permitLogIn")[0]) == []
    assert len(await desk.rows(Permit)) == 1
    assert await desk.actions() == ["LOGGED_IN"]
    assert await desk.throttled() == 0


async def test_a_renewal_that_is_sent_again_gives_the_same_tokens_even_after_the_access_token_has_expired(
    send: Sender, desk: Desk
) -> None:
    await make_trader(desk.database, email=ADA)
    access, refresh = await desk.tokens()
    body = {"query": operation("permitRenew"), "variables": {"input": {"refreshToken": refresh}}}
    headers = send.headers | {"Authorization": f"Bearer {access}"}

    first = await send.api.http.post("/graphql", json=body, headers=headers)
    desk.clock.turn(hours=1)
    again = await send.api.http.post("/graphql", json=body, headers=headers)
    without = await send.as_stranger("permitRenew", refreshToken=refresh)

    assert first.json()["data"]["permitRenew"]["errors"] == []
    assert again.content == without.content == first.content
    assert len(await desk.rows(RefreshToken)) == 2


async def test_nothing_in_the_database_is_a_token_or_a_password(
    send: Sender, desk: Desk, database_url: str
) -> None:
    await make_trader(desk.database, email=ADA)
    logged_in = await send.as_stranger("permitLogIn", email=ADA, password=PASSWORD)
    _, refresh = tokens_in(logged_in, "permitLogIn")
    renewed = await send.as_stranger("permitRenew", repeatable(), refreshToken=refresh)
    secrets = {PASSWORD, *tokens_in(logged_in, "permitLogIn"), *tokens_in(renewed, "permitRenew")}
    # A token is known by its signature alone; its beginning is the same in all of them.
    pieces = {secret.rpartition(".")[2].encode() for secret in secrets}

    stored = [orjson.dumps(repr(row)) for table in (await desk.everything()).values() for row in table]
    if desk.database.dialect_name == "sqlite":
        folder = desk.data_dir
        stored += [file.read_bytes() for file in folder.glob("shares.sqlite*")]

    assert len(pieces) == 5
    assert len(await desk.rows(RepeatedRequest)) == 2
    assert [piece for piece in pieces for content in stored if piece in content] == []


async def test_a_failed_log_in_counts_once_however_often_it_is_sent(send: Sender, desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    wrong: dict[str, Any] = {"email": ADA, "password": "not the password"}

    answers = await asyncio.gather(*(send.as_stranger("permitLogIn", **wrong) for _ in range(10)))

    assert {each.content for each in answers} == {answers[0].content}
    assert answers[0].json()["data"]["permitLogIn"]["errors"][0]["code"] == "LOGIN_FAILED"
    assert [row["count"] for row in await desk.rows(Throttle)] == [1]
    assert await desk.actions() == ["LOGIN_FAILED"]


@one_database
async def test_an_answer_is_held_back_after_the_commit_so_that_nobody_waits_for_the_database(
    settings: Settings, clock: ManualClock, app_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_by_then: list[int] = []
    sleep = asyncio.sleep

    async def noting(delay: float) -> None:
        if delay <= 0.02:  # What keeps the server running sleeps longer.
            kept_by_then.append(len(await rows(app_database, RepeatedRequest)))
        await sleep(delay)

    monkeypatch.setattr("app.kit.evenly.asyncio.sleep", noting)
    made = create_app(settings.model_copy(update={"even_answer_milliseconds": 20}), clock=clock)
    async with made.router.lifespan_context(made), Api(made) as api:
        sent = {"input": {"email": ADA, "password": "not the password"}}
        failed = await api(operation("permitLogIn"), sent, headers=repeatable())
        again = await api(operation("permitRegister"), {"input": REGISTRATION}, headers=repeatable())

    assert failed.data["permitLogIn"]["errors"][0]["code"] == "LOGIN_FAILED"
    assert again.data["permitRegister"]["errors"] == []
    assert kept_by_then == [1, 2]


@one_database
async def test_five_failed_log_ins_lock_out_repeatable_or_not(send: Sender, desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    wrong: dict[str, Any] = {"email": ADA, "password": "not the password"}

    answers = [await send.as_stranger("permitLogIn", repeatable(), **wrong) for _ in range(6)]
    codes = [each.json()["data"]["permitLogIn"]["errors"][0]["code"] for each in answers]

    assert codes == ["LOGIN_FAILED"] * 5 + ["TOO_MANY_ATTEMPTS"]
    assert (await desk.actions()).count("LOCKED_OUT") == 1
    assert [mail.subject for mail in await desk.mails()] != []


@one_database
async def test_who_knows_anothers_id_cannot_try_passwords_under_it_for_long(send: Sender, desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    await send.as_stranger("permitLogIn", email=ADA, password=PASSWORD)

    guesses = [await send.as_stranger("permitLogIn", email=ADA, password=f"guess {number}") for number in range(5)]
    right = await send.as_stranger("permitLogIn", email=ADA, password=PASSWORD)

    assert {code_of(each) for each in [*guesses, right]} == {"REPEATED_REQUEST_MISMATCH"}


@one_database
async def test_a_registration_that_is_sent_again_sends_one_mail(send: Sender, desk: Desk) -> None:
    first, again = [await send.as_stranger("permitRegister", **REGISTRATION) for _ in range(2)]

    assert first.json()["data"]["permitRegister"]["errors"] == []
    assert again.content == first.content
    assert len(await desk.mails()) == 1


async def test_a_change_of_password_that_is_sent_again_is_done_once(send: Sender, desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    values = {"currentPassword": PASSWORD, "newPassword": "Another-horse-battery-7"}

    first, again = [await send(operation("permitChangePassword"), values, token=access) for _ in range(2)]

    # Done again, it would have failed: the password until now is another one.
    assert first.json()["data"]["permitChangePassword"]["errors"] == []
    assert again.content == first.content
    assert (await desk.actions()).count("PASSWORD_CHANGED") == 1


LOG_IN_AND_MORE = """
    mutation ($input: PermitLogInInput!, $share: ShareCreateInput!) {
      before: shareCreate(input: $share) { outcome }
      permitLogIn(input: $input) { errors { code } }
    }
"""


@one_database
@pytest.mark.parametrize(
    "document",
    [
        LOG_IN_AND_MORE,
        "mutation ($input: PermitLogInInput!) { a: permitLogIn(input: $input) { errors { code } } "
        "b: permitLogIn(input: $input) { errors { code } } }",
        "mutation ($input: PermitLogInInput!) { ...Both } fragment Both on Mutation { "
        'permitLogIn(input: $input) { errors { code } } permitLogOut(input: {refreshToken: ""}) { __typename } }',
    ],
    ids=["after a write", "twice", "in a fragment"],
)
async def test_a_field_that_hashes_a_password_stands_alone(
    send: Sender, industry: Industry, desk: Desk, statements: Statements, document: str
) -> None:
    variables = {"input": {"email": ADA, "password": PASSWORD}, "share": new_share(industry)}
    statements.clear()

    refused = await send(document, variables=variables)

    assert (result(refused), code_of(refused)) == (REFUSED, "BAD_REQUEST")
    assert statements == []


async def test_log_ins_and_writes_of_all_kinds_at_once_never_wait_for_each_other_in_a_circle(
    send: Sender, industry: Industry, desk: Desk
) -> None:
    emails = [(await make_trader(desk.database)).email for _ in range(4)]
    log_in = [
        send.as_stranger("permitLogIn", headers, email=emails[number % 4], password=password)
        for number in range(12)
        for headers in (repeatable(), {})
        for password in (PASSWORD if number < 10 else "wrong",)
    ]
    write = [
        send_two(Sender(send.api, send.callers), industry, f"ONE-{number}", f"TWO-{number}")
        for number in range(10)
    ]

    async with asyncio.timeout(30):
        answers = await asyncio.gather(*log_in, *write)

    assert {each.status_code for each in answers} == {200}
    assert [each.json()["errors"] for each in answers if "errors" in each.json()] == []
    async with desk.database.reading() as session:
        assert await audit.verify(session, desk.services.identity.seals) is None


# Several servers


async def test_two_servers_that_get_the_same_at_once_do_it_once(
    send: Sender, second_api: Api, industry: Industry, app_database: Database
) -> None:
    second = Sender(second_api, send.callers, send.headers)

    answers = await asyncio.gather(
        *(each(CREATE, new_share(industry)) for _ in range(10) for each in (send, second))
    )

    assert {result(each) for each in answers} == {ACCEPTED}
    assert len({each.content for each in answers}) == 1
    assert await tags(app_database) == ["LWP"]
    assert len(await rows(app_database, AuditEvent)) == 1


@pytest.mark.parametrize("password", [PASSWORD, "not the password"], ids=["right", "wrong"])
async def test_two_servers_that_get_the_same_log_in_at_once_count_it_once(
    send: Sender, second_api: Api, desk: Desk, password: str
) -> None:
    await make_trader(desk.database, email=ADA)
    second = Sender(second_api, send.callers, send.headers)

    answers = await asyncio.gather(
        *(each.as_stranger("permitLogIn", email=ADA, password=password) for each in (send, second))
    )

    right = password == PASSWORD
    assert len({each.content for each in answers}) == 1
    assert len(await desk.rows(Permit)) == (1 if right else 0)
    assert await desk.actions() == ["LOGGED_IN" if right else "LOGIN_FAILED"]
    assert [row["count"] for row in await desk.rows(Throttle) if row["count"]] == ([] if right else [1])


async def test_a_claim_that_another_server_holds_for_too_long_is_to_be_tried_again(
    settings: Settings,
    clock: ManualClock,
    send: Sender,
    industry: Industry,
    app_database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.database.BUSY_TIMEOUT_MILLISECONDS", 100)
    await send(CREATE, new_share(industry))
    (record,) = await rows(app_database, RepeatedRequest)
    made = create_app(settings, clock=clock)

    async with made.router.lifespan_context(made), Api(made) as api:
        second = Sender(api, send.callers, send.headers)
        async with app_database.unit_of_work() as session:
            await session.exec(sqlalchemy.delete(RepeatedRequest))
        async with app_database.unit_of_work() as session:
            session.add(RepeatedRequest(key=record.key, digest=record.digest, expires_at=record.expires_at))
            await session.flush()
            refused = await second(CREATE, new_share(industry, tag="OTHER"))

    assert (result(refused), code_of(refused)) == ((409, None), "UNAVAILABLE")
    assert await tags(app_database) == ["LWP"]
