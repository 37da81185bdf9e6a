"""Writes of shares and industries: what each answers, and what is there afterwards."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from sqlmodel import col, select

from app.database import Database
from app.entities import Industry, Share
from tests.callers import Answer, Api, Callers
from tests.factories import ManualClock, make_industry, make_share

pytestmark = pytest.mark.anyio

SHARE = "share { id industryId tag price version createdAt updatedAt industry { name } }"
ERRORS = "errors { __typename code message path }"


class Writer:
    """Sends one mutation as a manager and gives its payload."""

    def __init__(self, api: Api, callers: Callers) -> None:
        self.api, self.callers = api, callers

    async def __call__(self, field: str, selection: str = "", /, **values: Any) -> Any:
        answer = await self.answer(field, selection, values)
        assert (answer.status, answer.errors) == (200, [])
        return answer.data[field]

    async def answer(self, field: str, selection: str, values: Any) -> Answer:
        input_type = f"{field[0].upper()}{field[1:]}Input"
        document = (
            f"mutation ($input: {input_type}!) {{ {field}(input: $input) {{ outcome {selection} {ERRORS} }} }}"
        )
        return await self.api(document, {"input": values}, token=self.callers.manager)


@pytest.fixture
def write(api: Api, callers: Callers) -> Writer:
    return Writer(api, callers)


@pytest.fixture
async def share(app_database: Database, clock: ManualClock) -> Share:
    """BUD at 10.28 of Technology, beside LWP, written an hour ago."""
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session, tag="tech", name="Technology")
        made = await make_share(session, industry, tag="BUD", price="10.28")
        await make_share(session, industry, tag="LWP", price="15.2")
    clock.turn(hours=1)
    return made


async def shares_of(database: Database) -> list[tuple[Any, ...]]:
    async with database.reading() as session:
        found = (await session.exec(select(Share).order_by(col(Share.id)))).all()
    return [(each.id, each.industry_id, each.tag, each.price, each.version) for each in found]


async def industries_of(database: Database) -> list[tuple[Any, ...]]:
    async with database.reading() as session:
        found = (await session.exec(select(Industry).order_by(col(Industry.id)))).all()
    return [(each.id, each.tag, each.name, each.version) for each in found]


BEFORE = "2026-06-15T12:00:00.000Z"
NOW = "2026-06-15T13:00:00.000Z"
UNTOUCHED = [(1, 1, "BUD", Decimal("10.2800"), 1), (2, 1, "LWP", Decimal("15.2000"), 1)]


def refused(*errors: tuple[str, str, str], **payload: Any) -> dict[str, Any]:
    """A payload that says only what went wrong: code, message and path of each."""
    said = [
        {"__typename": "InvalidInput", "code": code, "message": message, "path": [path]}
        for code, message, path in errors
    ]
    return {"outcome": None, **payload, "errors": said}


# What is written.


async def test_a_created_share_is_answered_whole_and_its_tag_is_normalised(
    write: Writer, share: Share, app_database: Database
) -> None:
    payload = await write("shareCreate", SHARE, industryId="1", tag=" w g\tl\u2003", price="35")

    assert payload == {
        "outcome": "INSERTED",
        "share": {
            "id": "3",
            "industryId": "1",
            "tag": "WGL",
            "price": "35.0000",
            "version": 1,
            "createdAt": NOW,
            "updatedAt": NOW,
            "industry": {"name": "Technology"},
        },
        "errors": [],
    }
    assert await shares_of(app_database) == [*UNTOUCHED, (3, 1, "WGL", Decimal("35.0000"), 1)]


async def test_an_updated_share_changes_only_what_was_sent(
    write: Writer, share: Share, app_database: Database
) -> None:
    payload = await write("shareUpdate", SHARE, id="1", price="11.60", expectedVersion=1)

    assert payload == {
        "outcome": "UPDATED",
        "share": {
            "id": "1",
            "industryId": "1",
            "tag": "BUD",
            "price": "11.6000",
            "version": 2,
            "createdAt": BEFORE,
            "updatedAt": NOW,
            "industry": {"name": "Technology"},
        },
        "errors": [],
    }
    assert await shares_of(app_database) == [(1, 1, "BUD", Decimal("11.6000"), 2), UNTOUCHED[1]]


async def test_a_share_moves_to_another_industry(write: Writer, share: Share, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        await make_industry(session, name="Financial")

    payload = await write("shareUpdate", "share { industryId industry { name } }", id=1, industryId=2)

    assert payload == {
        "outcome": "UPDATED",
        "share": {"industryId": "2", "industry": {"name": "Financial"}},
        "errors": [],
    }


UNCHANGING: list[tuple[str, dict[str, Any]]] = [
    ("shareUpdate", {}),
    ("shareUpdate", {"tag": "b u d", "price": "10.280", "industryId": 1}),
    ("shareUpdate", {"tag": None, "price": None, "industryId": None, "expectedVersion": None}),
    ("shareUpsert", {"tag": "BUD", "price": "10.28", "industryId": "1", "expectedVersion": 1}),
]


async def test_a_share_that_has_these_values_already_is_left_unchanged(
    write: Writer, share: Share, app_database: Database
) -> None:
    payloads = [
        await write(field, "share { version updatedAt }", id="1", **values) for field, values in UNCHANGING
    ]

    unchanged = {"outcome": "UNCHANGED", "share": {"version": 1, "updatedAt": BEFORE}, "errors": []}
    assert payloads == [unchanged] * len(UNCHANGING)
    assert await shares_of(app_database) == UNTOUCHED


@pytest.mark.parametrize("without", [{}, {"id": None}, {"id": None, "expectedVersion": None}])
async def test_an_upsert_without_an_id_inserts(
    write: Writer, share: Share, app_database: Database, without: dict[str, None]
) -> None:
    payload = await write("shareUpsert", "share { id }", industryId="1", tag="WGL", price="35", **without)

    assert payload == {"outcome": "INSERTED", "share": {"id": "3"}, "errors": []}
    assert await shares_of(app_database) == [*UNTOUCHED, (3, 1, "WGL", Decimal("35.0000"), 1)]


async def test_an_upsert_with_an_id_updates(write: Writer, share: Share, app_database: Database) -> None:
    payload = await write(
        "shareUpsert", "share { id version }", id="1", industryId="1", tag="WGL", price="0", expectedVersion=1
    )

    assert payload == {"outcome": "UPDATED", "share": {"id": "1", "version": 2}, "errors": []}
    assert await shares_of(app_database) == [(1, 1, "WGL", Decimal("0.0000"), 2), UNTOUCHED[1]]


@pytest.mark.parametrize("expected", [{}, {"expectedVersion": 1}, {"expectedVersion": None}])
async def test_a_deleted_share_is_gone_and_stays_gone(
    write: Writer, share: Share, app_database: Database, expected: dict[str, Any]
) -> None:
    first = await write("shareDelete", "share { id }", id="1", **expected)
    second = await write("shareDelete", "share { id }", id="1", **expected)

    assert first == {"outcome": "DELETED", "share": None, "errors": []}
    assert second == {"outcome": "ABSENT", "share": None, "errors": []}
    assert await shares_of(app_database) == UNTOUCHED[1:]


async def test_the_id_of_a_deleted_share_is_never_given_again(
    write: Writer, share: Share, app_database: Database
) -> None:
    await write("shareDelete", id="2")

    payload = await write("shareCreate", "share { id }", industryId="1", tag="LWP", price="1")

    assert payload["share"] == {"id": "3"}


PRICES: list[tuple[object, str]] = [
    ("0", "0.0000"),
    ("-0", "0.0000"),
    ("1e9", "1000000000.0000"),
    ("999999999.9999", "999999999.9999"),
    ("0.0001", "0.0001"),
    ("10.280000000", "10.2800"),
    ("1.5e1", "15.0000"),
    (10.28, "10.2800"),
    (35, "35.0000"),
]


async def test_a_price_is_kept_and_said_exactly(write: Writer, share: Share, api: Api, callers: Callers) -> None:
    said = []

    for sent, _ in PRICES:
        payload = await write("shareUpdate", "share { price }", id="1", price=sent)
        read = await api('{ share(id: "1") { price } }', token=callers.skilled)
        said.append((sent, payload["share"]["price"], read.data["share"]["price"]))

    assert said == [(sent, kept, kept) for sent, kept in PRICES]


async def test_an_industry_is_inserted_updated_left_unchanged_and_deleted(
    write: Writer, app_database: Database, clock: ManualClock
) -> None:
    whole = "industry { id tag name version createdAt updatedAt shares { id } }"
    kept = {"id": "1", "tag": "tech", "name": "Technology", "createdAt": BEFORE, "shares": []}

    inserted = await write("industryUpsert", whole, tag="tech", name="Tech")
    clock.turn(hours=1)
    updated = await write("industryUpsert", whole, id="1", tag="tech", name="Technology", expectedVersion=1)
    clock.turn(hours=1)
    unchanged = await write("industryUpsert", whole, id=1, tag="tech", name="Technology", expectedVersion=2)
    rows = await industries_of(app_database)
    deleted = await write("industryDelete", whole, id="1", expectedVersion=2)
    absent = await write("industryDelete", whole, id="1", expectedVersion=2)

    assert [inserted, updated, unchanged, deleted, absent] == [
        {
            "outcome": "INSERTED",
            "industry": {**kept, "name": "Tech", "version": 1, "updatedAt": BEFORE},
            "errors": [],
        },
        {"outcome": "UPDATED", "industry": {**kept, "version": 2, "updatedAt": NOW}, "errors": []},
        {"outcome": "UNCHANGED", "industry": {**kept, "version": 2, "updatedAt": NOW}, "errors": []},
        {"outcome": "DELETED", "industry": None, "errors": []},
        {"outcome": "ABSENT", "industry": None, "errors": []},
    ]
    assert rows == [(1, "tech", "Technology", 2)]
    assert await industries_of(app_database) == []


# What is refused.


CONFLICT = "Someone else has changed this in the meantime. Please read it again and repeat your change."


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("shareUpdate", {"price": "1"}),
        ("shareUpsert", {"industryId": "1", "tag": "BUD", "price": "10.28"}),
        ("shareDelete", {}),
    ],
)
async def test_a_share_of_another_version_is_a_conflict_that_shows_it(
    write: Writer, share: Share, app_database: Database, field: str, values: dict[str, Any]
) -> None:
    shown = "c: errors { ... on ShareConflict { current { id tag price version industry { tag } } } }"

    payloads = [
        await write(field, f"share {{ id }} {shown}", id="1", expectedVersion=version, **values)
        for version in (2, 0, -1, 2**31 - 1)
    ]

    current = {"id": "1", "tag": "BUD", "price": "10.2800", "version": 1, "industry": {"tag": "tech"}}
    conflict = {
        "__typename": "ShareConflict",
        "code": "VERSION_CONFLICT",
        "message": CONFLICT,
        "path": ["expectedVersion"],
    }
    payload = {"outcome": None, "share": None, "c": [{"current": current}], "errors": [conflict]}
    assert payloads == [payload] * 4
    assert await shares_of(app_database) == UNTOUCHED


@pytest.mark.parametrize(
    ("field", "values"), [("industryUpsert", {"tag": "t", "name": "T"}), ("industryDelete", {})]
)
async def test_an_industry_of_another_version_is_a_conflict_that_shows_it(
    write: Writer, share: Share, app_database: Database, field: str, values: dict[str, Any]
) -> None:
    payload = await write(
        field,
        "conflicts: errors { ... on IndustryConflict { current { id tag version shares { tag } } } }",
        id="1",
        expectedVersion=7,
        **values,
    )

    assert payload["conflicts"] == [
        {"current": {"id": "1", "tag": "tech", "version": 1, "shares": [{"tag": "BUD"}, {"tag": "LWP"}]}}
    ]
    assert [(error["__typename"], error["code"]) for error in payload["errors"]] == [
        ("IndustryConflict", "VERSION_CONFLICT")
    ]
    assert await industries_of(app_database) == [(1, "tech", "Technology", 1)]


async def test_an_industry_with_shares_stays(write: Writer, share: Share, app_database: Database) -> None:
    payload = await write("industryDelete", "industry { id }", id="1")

    assert payload == refused(
        ("INDUSTRY_NOT_EMPTY", "This industry still has shares. Remove or move them first.", "id"), industry=None
    )
    assert await industries_of(app_database) == [(1, "tech", "Technology", 1)]
    assert await shares_of(app_database) == UNTOUCHED


NO_INDUSTRY = "There is no such industry. Please check which one you mean."
NO_SHARE = "There is no such share in this industry. Please check which one you mean."
TAKEN = "This tag is already in use. Please choose another."
NOT_NEGATIVE = "Please enter 0 or more."
TOO_MUCH = "Please enter 1,000,000,000 or less."
TOO_FINE = "Please enter no more than 4 decimal places."
EMPTY = "Please enter at least 1 character."
TOO_LONG = "Please enter no more than 64 characters."
SPACES = "Please leave out all spaces."

NEW = {"industryId": "1", "tag": "WGL", "price": "35"}


SHARE_REFUSALS: list[tuple[str, dict[str, Any], list[tuple[str, str, str]]]] = [
    *[
        ("shareCreate", {**NEW, "industryId": unknown}, [("INVALID_INDUSTRY", NO_INDUSTRY, "industryId")])
        for unknown in ("99", "0", "abc", "", "-1", "01", str(10**30), 10**30, "😀")
    ],
    ("shareUpdate", {"id": "1", "industryId": "99"}, [("INVALID_INDUSTRY", NO_INDUSTRY, "industryId")]),
    *[
        (field, {**values, "id": unknown}, [("INVALID_SHARE", NO_SHARE, "id")])
        for field, values in (("shareUpdate", {"price": "1"}), ("shareUpsert", NEW))
        for unknown in ("99", "", "abc", "9223372036854775808")
    ],
    ("shareCreate", {**NEW, "tag": " bu d"}, [("TAG_TAKEN", TAKEN, "tag")]),
    ("shareUpsert", {**NEW, "tag": "BUD"}, [("TAG_TAKEN", TAKEN, "tag")]),
    ("shareUpdate", {"id": "1", "tag": "lwp"}, [("TAG_TAKEN", TAKEN, "tag")]),
    ("shareUpsert", {**NEW, "id": "2", "tag": "bud"}, [("TAG_TAKEN", TAKEN, "tag")]),
    ("shareCreate", {**NEW, "price": "1.00001"}, [("INVALID_INPUT", TOO_FINE, "price")]),
    ("shareUpdate", {"id": "1", "price": "1e-40"}, [("INVALID_INPUT", TOO_FINE, "price")]),
    ("shareUpdate", {"id": "1", "price": "-0.0001"}, [("INVALID_INPUT", NOT_NEGATIVE, "price")]),
    ("shareUpdate", {"id": "1", "price": "1000000000.0001"}, [("INVALID_INPUT", TOO_MUCH, "price")]),
    ("shareUpdate", {"id": "1", "price": "1e30"}, [("INVALID_INPUT", TOO_MUCH, "price")]),
    ("shareUpdate", {"id": "1", "price": 1e30}, [("INVALID_INPUT", TOO_MUCH, "price")]),
    ("shareUpdate", {"id": "1", "tag": " \t\u2003\n"}, [("INVALID_INPUT", EMPTY, "tag")]),
    ("shareUpdate", {"id": "1", "tag": "x" * 65}, [("INVALID_INPUT", TOO_LONG, "tag")]),
    # Upper case can be longer: 33 times ß is 66 letters.
    ("shareUpdate", {"id": "1", "tag": "ß" * 33}, [("INVALID_INPUT", TOO_LONG, "tag")]),
    (
        "shareCreate",
        {"industryId": "99", "tag": "", "price": "-1"},
        [("INVALID_INPUT", EMPTY, "tag"), ("INVALID_INPUT", NOT_NEGATIVE, "price")],
    ),
]


async def test_a_share_that_breaks_a_rule_is_refused_and_nothing_is_written(
    write: Writer, share: Share, app_database: Database
) -> None:
    payloads = [await write(field, "share { id }", **values) for field, values, _ in SHARE_REFUSALS]

    assert payloads == [refused(*errors, share=None) for _, _, errors in SHARE_REFUSALS]
    assert await shares_of(app_database) == UNTOUCHED


INDUSTRY_REFUSALS: list[tuple[dict[str, Any], list[tuple[str, str, str]]]] = [
    ({"tag": "tech", "name": "Other"}, [("TAG_TAKEN", TAKEN, "tag")]),
    ({"id": "2", "tag": "tech", "name": "Other"}, [("TAG_TAKEN", TAKEN, "tag")]),
    ({"id": "99", "tag": "new", "name": "Other"}, [("INVALID_INDUSTRY", NO_INDUSTRY, "id")]),
    ({"id": "x", "tag": "new", "name": "Other"}, [("INVALID_INDUSTRY", NO_INDUSTRY, "id")]),
    ({"tag": "a b", "name": "Other"}, [("INVALID_INPUT", SPACES, "tag")]),
    ({"tag": "a\u2003", "name": "Other"}, [("INVALID_INPUT", SPACES, "tag")]),
    ({"tag": "a\n", "name": "Other"}, [("INVALID_INPUT", SPACES, "tag")]),
    ({"tag": "x" * 65, "name": "Other"}, [("INVALID_INPUT", TOO_LONG, "tag")]),
    (
        {"tag": " ", "name": ""},
        [("INVALID_INPUT", SPACES, "tag"), ("INVALID_INPUT", EMPTY, "name")],
    ),
    (
        {"tag": "new", "name": "x" * 256},
        [("INVALID_INPUT", "Please enter no more than 255 characters.", "name")],
    ),
]


async def test_an_industry_that_breaks_a_rule_is_refused_and_nothing_is_written(
    write: Writer, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        await make_industry(session, tag="tech", name="Technology")
        await make_industry(session, tag="finc", name="Financial")

    payloads = [await write("industryUpsert", "industry { id }", **values) for values, _ in INDUSTRY_REFUSALS]

    assert payloads == [refused(*errors, industry=None) for _, errors in INDUSTRY_REFUSALS]
    assert await industries_of(app_database) == [(1, "tech", "Technology", 1), (2, "finc", "Financial", 1)]


async def test_mutations_of_one_request_are_done_in_turn_and_each_by_itself(
    api: Api, callers: Callers, share: Share, app_database: Database
) -> None:
    answer = await api(
        """mutation {
          a: shareUpdate(input: {id: 1, price: 1, expectedVersion: 1}) { outcome }
          b: shareUpdate(input: {id: 1, price: 2, expectedVersion: 1}) { errors { code } }
          c: shareUpdate(input: {id: 1, price: "3.5", expectedVersion: 2}) { outcome share { version } }
          d: shareDelete(input: {id: 2}) { outcome }
        }""",
        token=callers.manager,
    )

    assert answer.body == {
        "data": {
            "a": {"outcome": "UPDATED"},
            "b": {"errors": [{"code": "VERSION_CONFLICT"}]},
            "c": {"outcome": "UPDATED", "share": {"version": 3}},
            "d": {"outcome": "DELETED"},
        }
    }
    assert await shares_of(app_database) == [(1, 1, "BUD", Decimal("3.5000"), 3)]


# Many at once.


async def test_of_parallel_updates_that_expect_the_same_version_one_wins(
    write: Writer, share: Share, app_database: Database
) -> None:
    payloads = await asyncio.gather(
        *(write("shareUpdate", "share { price }", id="1", price=str(n), expectedVersion=1) for n in range(1, 11))
    )

    (winner,) = (payload for payload in payloads if payload["outcome"] == "UPDATED")
    assert sorted(error["code"] for payload in payloads for error in payload["errors"]) == ["VERSION_CONFLICT"] * 9
    assert await shares_of(app_database) == [
        (1, 1, "BUD", Decimal(winner["share"]["price"]), 2),
        UNTOUCHED[1],
    ]


async def test_of_parallel_updates_that_expect_nothing_all_are_counted(
    write: Writer, share: Share, app_database: Database
) -> None:
    payloads = await asyncio.gather(
        *(write("shareUpdate", "share { version }", id="1", price=str(n)) for n in range(1, 11))
    )

    assert sorted(payload["share"]["version"] for payload in payloads) == list(range(2, 12))


async def test_of_parallel_creates_with_the_same_tag_one_wins(
    write: Writer, share: Share, app_database: Database
) -> None:
    payloads = await asyncio.gather(*(write("shareCreate", **NEW) for _ in range(10)))

    codes = [error["code"] for payload in payloads for error in payload["errors"]]
    assert ([payload["outcome"] for payload in payloads].count("INSERTED"), codes) == (1, ["TAG_TAKEN"] * 9)
    assert [row[2] for row in await shares_of(app_database)] == ["BUD", "LWP", "WGL"]


async def test_of_parallel_deletes_one_deletes(write: Writer, share: Share, app_database: Database) -> None:
    payloads = await asyncio.gather(*(write("shareDelete", id="1") for _ in range(10)))

    assert sorted(payload["outcome"] for payload in payloads) == ["ABSENT"] * 9 + ["DELETED"]


async def test_an_industry_is_not_deleted_while_shares_come_in(write: Writer, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        await make_industry(session)

    deleted, *created = await asyncio.gather(
        write("industryDelete", id="1"),
        *(write("shareCreate", industryId="1", tag=f"S{number}", price="1") for number in range(5)),
    )

    left = len(await shares_of(app_database))
    refusals = [error["code"] for payload in created for error in payload["errors"]]
    assert (deleted["outcome"], left, refusals) in [
        ("DELETED", 0, ["INVALID_INDUSTRY"] * 5),
        (None, 5, []),
    ]
