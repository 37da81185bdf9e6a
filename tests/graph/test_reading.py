"""Reading industries and shares: what is answered, and with how many statements."""

from typing import Any

import pytest
from sqlalchemy.exc import InvalidRequestError
from sqlmodel import select

from app.compiler.plan import MAX_NESTED_RELATIONS, MAX_RELATIONS
from app.database import Database
from app.entities import Industry
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import NOON, make_industry, make_share

pytestmark = pytest.mark.anyio


async def seed(database: Database, *, industries: int, shares: int) -> None:
    """Industries 1, 2, ... called I1, I2, ..., each with shares priced 1, 2, ..."""
    async with database.unit_of_work() as session:
        for number in range(1, industries + 1):
            industry = await make_industry(session, tag=f"I{number}", name=f"Industry {number}")
            for position in range(1, shares + 1):
                await make_share(session, industry, tag=f"S{number}{position}", price=str(position))


COUNTED = (
    '{ industry(id: "1") { id shares { tag } } }',
    '{ industryByTag(tag: "I1") { id shares { tag } } }',
    "{ industries { id shares { tag } } }",
    '{ share(id: "1") { industry { name } } }',
    '{ shareByTag(tag: "S11") { industry { name } } }',
    "{ shares { tag industry { name } } }",
    "{ industries { shares { industry { shares { tag } } } } }",
    "{ shares { industry { shares { industry { name } } } } }",
    "{ industries { a: shares(limit: 1) { id } b: shares(offset: 1) { id } } }",
    "{ industries { id } }",
)


@pytest.mark.parametrize("rows", [1, 3])
async def test_a_root_field_costs_one_statement_however_many_rows(
    api: Api, callers: Callers, app_database: Database, statements: Statements, rows: int
) -> None:
    await seed(app_database, industries=rows, shares=rows)
    costs = {}

    for document in COUNTED:
        statements.clear()
        answer = await api(document, token=callers.skilled)
        costs[document] = (len(statements), answer.codes)

    assert costs == dict.fromkeys(COUNTED, (1, []))


@pytest.mark.parametrize("rows", [0, 1, 3])
async def test_industries_are_answered_with_their_shares(
    api: Api, callers: Callers, app_database: Database, rows: int
) -> None:
    await seed(app_database, industries=2, shares=rows)

    answer = await api(
        "{ industries { id tag name version createdAt updatedAt shares { id tag price industryId version } } }",
        token=callers.skilled,
    )

    moment = NOON.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert answer.body == {
        "data": {
            "industries": [
                {
                    "id": str(number),
                    "tag": f"I{number}",
                    "name": f"Industry {number}",
                    "version": 1,
                    "createdAt": moment,
                    "updatedAt": moment,
                    "shares": [
                        {
                            "id": str((number - 1) * rows + position),
                            "tag": f"S{number}{position}",
                            "price": f"{position}.0000",
                            "industryId": str(number),
                            "version": 1,
                        }
                        for position in range(1, rows + 1)
                    ],
                }
                for number in (1, 2)
            ]
        }
    }


async def test_values_are_the_same_however_deep_they_are_read(
    api: Api, callers: Callers, app_database: Database
) -> None:
    moment = NOON.replace(microsecond=120_000)
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session, tag="☕", name='"\\é\u2028😀', now=moment)
        await make_share(session, industry, tag="Ω'%_", price="999999999.9999", now=moment)
    fields = "id tag price createdAt updatedAt globalId"

    answer = await api(
        f"{{ shares {{ {fields} industry {{ tag name createdAt shares {{ {fields} }} }} }} }}",
        token=callers.skilled,
    )

    (share,) = answer.data["shares"]
    industry_read = share.pop("industry")
    assert industry_read == {
        "tag": "☕",
        "name": '"\\é\u2028😀',
        "createdAt": "2026-06-15T12:00:00.120Z",
        "shares": [share],
    }
    assert (share["tag"], share["price"], share["createdAt"]) == (
        "Ω'%_",
        "999999999.9999",
        "2026-06-15T12:00:00.120Z",
    )


async def test_a_relation_can_be_selected_twice_with_different_arguments(
    api: Api, callers: Callers, app_database: Database, statements: Statements
) -> None:
    await seed(app_database, industries=1, shares=3)
    statements.clear()

    answer = await api(
        """{ industry(id: 1) {
          cheap: shares(filter: {price: {lt: "2"}}) { tag }
          dear: shares(orderBy: [{field: PRICE, direction: DESC}], limit: 2) { tag price }
          shares(offset: 2) { tag }
        } }""",
        token=callers.skilled,
    )

    assert answer.body == {
        "data": {
            "industry": {
                "cheap": [{"tag": "S11"}],
                "dear": [{"tag": "S13", "price": "3.0000"}, {"tag": "S12", "price": "2.0000"}],
                "shares": [{"tag": "S13"}],
            }
        }
    }
    assert len(statements) == 1


@pytest.mark.parametrize("deep", [True, False])
async def test_fragments_and_directives_decide_what_is_read(
    api: Api, callers: Callers, app_database: Database, statements: Statements, *, deep: bool
) -> None:
    await seed(app_database, industries=1, shares=1)
    statements.clear()

    answer = await api(
        """query ($deep: Boolean!, $most: Int = 1) {
          industries { ...Whole ... on Node { globalId } ... @skip(if: $deep) { name } }
        }
        fragment Whole on Industry { tag shares(limit: $most) @include(if: $deep) { ...Short } ...Named }
        fragment Named on Industry { shares(limit: $most) @include(if: $deep) { price } }
        fragment Short on Share { tag }
        """,
        {"deep": deep},
        token=callers.skilled,
    )

    found = {"globalId": "SW5kdXN0cnk6MQ==", "tag": "I1"}
    expected = (
        {**found, "shares": [{"tag": "S11", "price": "1.0000"}]} if deep else {**found, "name": "Industry 1"}
    )
    assert answer.body == {"data": {"industries": [expected]}}
    assert ("FROM share" in statements[0]) == deep
    assert len(statements) == 1


async def test_lists_give_a_hundred_unless_told_and_five_hundred_at_most(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await seed(app_database, industries=1, shares=501)

    answer = await api(
        """{
          default: shares { id }
          none: shares(limit: 0) { id }
          most: shares(limit: 500) { id }
          rest: shares(limit: 500, offset: 499) { id }
          beyond: shares(offset: 2147483647) { id }
          nested: industries {
            default: shares { id } most: shares(limit: 500) { id } none: shares(limit: 0) { id }
          }
        }""",
        token=callers.skilled,
    )

    data = answer.data
    nested = data.pop("nested")[0]
    assert {name: [int(share["id"]) for share in shares] for name, shares in (data | nested).items()} == {
        "default": list(range(1, 101)),
        "none": [],
        "most": list(range(1, 501)),
        "rest": [500, 501],
        "beyond": [],
    }


LISTS = (
    ("shares", "query ($value: Int!) {{ shares({}: $value) {{ id }} }}"),
    ("industries", "query ($value: Int!) {{ industries({}: $value) {{ id }} }}"),
    ("industries", "query ($value: Int!) {{ industries {{ shares({}: $value) {{ id }} }} }}"),
    ("shares", "query ($value: Int!) {{ shares {{ industry {{ shares({}: $value) {{ id }} }} }} }}"),
)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("limit", -1, "Please enter 0 or more."),
        ("limit", 501, "Please enter 500 or less."),
        ("limit", 2**31 - 1, "Please enter 500 or less."),
        ("offset", -1, "Please enter 0 or more."),
    ],
)
async def test_a_limit_or_an_offset_out_of_range_is_refused_before_any_statement(
    api: Api, callers: Callers, statements: Statements, argument: str, value: int, message: str
) -> None:
    answers = [await api(text.format(argument), {"value": value}, token=callers.skilled) for _, text in LISTS]

    assert [answer.data for answer in answers] == [{field: None} for field, _ in LISTS]
    assert [
        (error["message"], error["path"], error["extensions"]) for answer in answers for error in answer.errors
    ] == [(message, [field], {"code": "INVALID_INPUT", "path": [argument]}) for field, _ in LISTS]
    assert statements == []


ORDERS: list[tuple[str, list[str]]] = [
    ("[]", ["B", "A", "D", "C"]),
    ("null", ["B", "A", "D", "C"]),
    ("{field: TAG}", ["A", "B", "C", "D"]),
    ("[{field: PRICE, direction: DESC}]", ["D", "C", "B", "A"]),
    ("[{field: PRICE, direction: DESC}, {field: TAG}]", ["C", "D", "A", "B"]),
    ("[{field: PRICE}, {field: ID, direction: DESC}]", ["A", "B", "C", "D"]),
    ("[{field: UPDATED_AT}, {field: TAG, direction: DESC}]", ["D", "C", "B", "A"]),
    ("[{field: ID, direction: DESC}, {field: ID}]", ["C", "D", "A", "B"]),
]


async def test_lists_are_ordered_by_several_fields_and_at_last_by_id(
    api: Api, callers: Callers, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session)
        for tag, price in (("B", "1"), ("A", "1"), ("D", "10"), ("C", "10")):
            await make_share(session, industry, tag=tag, price=price)
    found = {}

    for order, _ in ORDERS:
        lists = f"shares(orderBy: {order}) {{ tag }}"
        answer = await api(f"{{ {lists} industries {{ {lists} }} }}", token=callers.skilled)
        below = answer.data["industries"][0]["shares"]
        found[order] = [[share["tag"] for share in shares] for shares in (answer.data["shares"], below)]

    assert found == {order: [tags, tags] for order, tags in ORDERS}


def aliases(relation: str, count: int, below: str) -> str:
    return " ".join(f"a{number}: {relation} {{ {below} }}" for number in range(count))


def nested(relations: int) -> str:
    fields = ["shares" if position % 2 == 0 else "industry" for position in range(relations)]
    return "{ industries { " + " { ".join([*fields, "id"]) + " }" * (relations + 2)


async def test_as_many_relations_can_be_nested_as_is_said(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await seed(app_database, industries=1, shares=1)

    answer = await api(nested(MAX_NESTED_RELATIONS), token=callers.skilled)

    expected: Any = {"id": "1"}
    for position in reversed(range(MAX_NESTED_RELATIONS)):
        expected = {"shares": [expected]} if position % 2 == 0 else {"industry": expected}
    assert answer.body == {"data": {"industries": [expected]}}


@pytest.mark.parametrize("relations", [MAX_NESTED_RELATIONS + 1, 40, 98])
async def test_relations_nested_deeper_cost_too_much(
    api: Api, callers: Callers, statements: Statements, relations: int
) -> None:
    answer = await api(nested(relations), token=callers.skilled)

    assert (answer.status, answer.data, answer.codes) == (200, {"industries": None}, ["COST_EXCEEDED"])
    assert statements == []


async def test_relations_nested_too_deep_below_a_write_cost_too_much_and_the_write_stands(
    api: Api, callers: Callers
) -> None:
    below = nested(MAX_NESTED_RELATIONS + 2).removeprefix("{ industries ").removesuffix(" }")

    answer = await api(
        f'mutation {{ industryUpsert(input: {{tag: "a", name: "A"}}) {{ outcome industry {below} }} }}',
        token=callers.manager,
    )

    assert answer.data == {"industryUpsert": {"outcome": "INSERTED", "industry": None}}
    assert answer.codes == ["COST_EXCEEDED"]


@pytest.mark.parametrize(
    "document",
    [
        "{ industries { " + aliases("shares", MAX_RELATIONS + 1, "id") + " } }",
        "{ industries { shares { " + aliases("industry", MAX_RELATIONS, "id") + " } } }",
        # Five aliases at each of six levels: some 20,000 relations in a few lines.
        "{ industries { ...A } } "
        + " ".join(
            f"fragment {name} on Industry {{ {aliases('shares', 5, aliases('industry', 5, below))} }}"
            for name, below in (("A", "...B"), ("B", "...C"), ("C", "id"))
        ),
    ],
    ids=["beside each other", "on a second level", "by fragments"],
)
async def test_too_many_relations_cost_too_much(
    api: Api, callers: Callers, statements: Statements, document: str
) -> None:
    answer = await api(document, token=callers.skilled)

    assert (answer.status, answer.data, answer.codes) == (200, {"industries": None}, ["COST_EXCEEDED"])
    assert statements == []


async def test_as_many_relations_can_be_selected_as_is_said(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await seed(app_database, industries=1, shares=1)
    selected = aliases("industry", MAX_RELATIONS - 1, "id")

    answer = await api(f"{{ industries {{ shares {{ {selected} }} }} }}", token=callers.skilled)

    expected = {f"a{number}": {"id": "1"} for number in range(MAX_RELATIONS - 1)}
    assert answer.body == {"data": {"industries": [{"shares": [expected]}]}}


async def test_fragments_that_double_at_each_of_fifteen_levels_are_planned_once_each(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await seed(app_database, industries=1, shares=0)
    fragments = [f"fragment F{n} on Industry {{ ...F{n + 1} ...F{n + 1} }}" for n in range(15)]

    answer = await api(
        " ".join(["{ industries { ...F0 } }", *fragments, "fragment F15 on Industry { id }"]),
        token=callers.skilled,
    )

    assert answer.body == {"data": {"industries": [{"id": "1"}]}}


async def test_a_relation_that_was_not_loaded_raises(database: Database) -> None:
    async with database.unit_of_work() as session:
        await make_share(session)

    async with database.reading() as session:
        industry = (await session.exec(select(Industry))).one()

    with pytest.raises(InvalidRequestError, match="lazy='raise'"):
        _ = industry.shares


async def test_a_share_is_found_by_its_tag_as_it_would_be_written(
    api: Api, callers: Callers, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        await make_share(session, tag="BUD")
        await make_share(session, tag="BUDDY")
    query = "query ($tag: String!) { shareByTag(tag: $tag) { tag } }"

    answers = [await api(query, {"tag": tag}, token=callers.skilled) for tag in ("BUD", "bud", " b u\tD\n")]

    assert [answer.body for answer in answers] == [{"data": {"shareByTag": {"tag": "BUD"}}}] * 3


async def test_an_industry_is_found_by_its_very_tag(api: Api, callers: Callers, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        await make_industry(session, tag="tech")
    query = "query ($tag: String!) { industryByTag(tag: $tag) { tag } }"

    answers = [await api(query, {"tag": tag}, token=callers.skilled) for tag in ("tech", "TECH", "", "te%")]

    assert [answer.data["industryByTag"] for answer in answers] == [{"tag": "tech"}, None, None, None]


async def test_a_tag_that_nobody_has_finds_nothing_and_is_no_error(api: Api, callers: Callers) -> None:
    answer = await api('{ shareByTag(tag: "none") { tag } industryByTag(tag: "") { tag } }', token=callers.skilled)

    assert answer.body == {"data": {"shareByTag": None, "industryByTag": None}}


UNKNOWN_IDS = [
    *("99", "0", "abc", "-1", "01", "1e3", "1.0", " 1", "1 ", "", "😀", "\u0661", "0x1", "1_0"),
    *("9223372036854775807", "9223372036854775808", str(10**30), "9" * 1000),
]


@pytest.mark.parametrize(("field", "code"), [("share", "INVALID_SHARE"), ("industry", "INVALID_INDUSTRY")])
async def test_an_id_that_no_record_has_is_said_to_be_at_fault(
    api: Api, callers: Callers, app_database: Database, field: str, code: str
) -> None:
    async with app_database.unit_of_work() as session:
        await make_share(session)
    ids = [*UNKNOWN_IDS, 99, 10**30, -1, 0]

    answers = [
        await api(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": given}, token=callers.skilled)
        for given in ids
    ]

    assert [(answer.status, answer.data) for answer in answers] == [(200, {field: None})] * len(ids)
    assert [[(error["path"], error["extensions"]) for error in answer.errors] for answer in answers] == [
        [([field], {"code": code, "path": ["id"]})]
    ] * len(ids)


@pytest.mark.parametrize("field", ["share", "industry"])
async def test_an_id_of_another_type_is_refused(api: Api, callers: Callers, field: str) -> None:
    values = [True, 1.5, ["1"], {"id": "1"}, [], {}]

    answers = [
        await api(f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}", {"id": given}, token=callers.skilled)
        for given in values
    ]

    problem = {
        "message": "This has to be a value of the type ID.",
        "extensions": {"code": "INVALID_INPUT", "path": ["id"]},
    }
    assert [(answer.status, answer.body) for answer in answers] == [(200, {"errors": [problem]})] * len(values)


async def test_an_id_can_be_sent_as_a_number(api: Api, callers: Callers, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        await make_share(session)

    answer = await api(
        "query ($id: ID!) { a: share(id: $id) { id } b: share(id: 1) { id } }", {"id": 1}, token=callers.skilled
    )

    assert answer.body == {"data": {"a": {"id": "1"}, "b": {"id": "1"}}}
