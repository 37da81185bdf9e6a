"""Pages of industries and shares: what is on them, where they lie, what is over all of them, what is refused."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import pytest
from graphql import OperationDefinitionNode, parse

from app.compiler.plan import MAX_NESTED_RELATIONS, MAX_RELATIONS
from app.database import Database
from app.graph.measuring import Costs
from app.main import make_schema
from tests.callers import Answer, Api, Callers
from tests.counting import Statements
from tests.factories import make_industry, make_share
from tests.graph.test_reading import aliases, seed

pytestmark = pytest.mark.anyio

Ask = Callable[..., Awaitable[Answer]]

PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"


@pytest.fixture
def ask(api: Api, callers: Callers) -> Ask:
    """Asks as a skilled trader, by resolvers and then by a statement, and finds both ways to be one."""

    async def ask(document: str, **variables: Any) -> Answer:
        executed = await api(document, variables, token=callers.skilled)
        compiled = await api(document, variables, token=callers.skilled)
        assert (executed.status, executed.body) == (compiled.status, compiled.body)
        return executed

    return ask


def cursor(*said: Any) -> str:
    return orjson.dumps(said).hex().upper()


SHARES = f"""
query ($filter: ShareFilter, $by: [ShareOrder!], $first: Int, $after: String, $last: Int, $before: String) {{
  sharesConnection(filter: $filter, orderBy: $by, first: $first, after: $after, last: $last, before: $before) {{
    edges {{ cursor node {{ tag }} }} nodes {{ tag }} totalCount {PAGE_INFO}
  }}
}}
"""


async def page(ask: Ask, **asked: Any) -> Any:
    answer = await ask(SHARES, **asked)
    assert answer.errors == []
    found = answer.data["sharesConnection"]
    assert found["nodes"] == [edge["node"] for edge in found["edges"]]
    info, cursors = found["pageInfo"], [edge["cursor"] for edge in found["edges"]]
    assert (info["startCursor"], info["endCursor"]) == ((cursors[0], cursors[-1]) if cursors else (None, None))
    return found


def tags(found: Any) -> str:
    return "".join(node["tag"] for node in found["nodes"])


async def make_shares(database: Database, tagged: str, **of_all: Any) -> None:
    async with database.unit_of_work() as session:
        industry = await make_industry(session)
        for tag in tagged:
            await make_share(session, industry, tag=tag, **of_all)


async def test_pages_forwards(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "ABCDE")
    seen, after = [], None

    for _ in range(3):
        found = await page(ask, first=2, after=after)
        info = found["pageInfo"]
        seen.append((tags(found), info["hasPreviousPage"], info["hasNextPage"], found["totalCount"]))
        after = info["endCursor"]

    assert seen == [("AB", False, True, 5), ("CD", True, True, 5), ("E", True, False, 5)]
    assert tags(await page(ask, first=2, after=after)) == ""


async def test_pages_backwards(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "ABCDE")
    seen, before = [], None

    for _ in range(3):
        found = await page(ask, last=2, before=before)
        info = found["pageInfo"]
        seen.append((tags(found), info["hasPreviousPage"], info["hasNextPage"]))
        before = info["startCursor"]

    assert seen == [("DE", True, False), ("BC", True, True), ("A", False, True)]


async def test_a_window_between_two_cursors(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "ABCDEFG")
    cursors = [edge["cursor"] for edge in (await page(ask))["edges"]]

    assert tags(await page(ask, after=cursors[1], before=cursors[5])) == "CDE"
    assert tags(await page(ask, first=2, after=cursors[1], before=cursors[5])) == "CD"
    assert tags(await page(ask, last=2, after=cursors[1], before=cursors[5])) == "DE"
    assert tags(await page(ask, after=cursors[5], before=cursors[1])) == ""


async def test_a_page_may_be_empty_and_a_cursor_beyond_the_end(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "AB")

    none = await page(ask, first=0)

    assert (tags(none), none["totalCount"], none["pageInfo"]["hasNextPage"]) == ("", 2, True)
    assert tags(await page(ask, after=cursor("Share+id", 2**63 - 1))) == ""
    assert tags(await page(ask, after=cursor("Share+id", -(2**63)))) == "AB"


async def test_a_page_holds_a_hundred_unless_told_and_five_hundred_at_most(
    ask: Ask, app_database: Database
) -> None:
    await seed(app_database, industries=1, shares=501)

    default, most, from_the_end = await page(ask), await page(ask, first=500), await page(ask, last=1)

    assert [len(found["nodes"]) for found in (default, most, from_the_end)] == [100, 500, 1]
    assert [found["pageInfo"]["hasNextPage"] for found in (default, most, from_the_end)] == [True, True, False]


ORDERS: list[tuple[list[dict[str, str]], str]] = [
    ([], "BADC"),
    ([{"field": "TAG"}], "ABCD"),
    ([{"field": "PRICE", "direction": "DESC"}], "DCBA"),
    ([{"field": "PRICE", "direction": "DESC"}, {"field": "TAG"}], "CDAB"),
    ([{"field": "PRICE"}, {"field": "ID", "direction": "DESC"}], "ABCD"),
    ([{"field": "UPDATED_AT"}, {"field": "TAG", "direction": "DESC"}], "DCBA"),
    ([{"field": "ID", "direction": "DESC"}, {"field": "TAG"}], "CDAB"),
]


@pytest.mark.parametrize(("by", "expected"), ORDERS, ids=lambda value: str(value)[:60])
async def test_pages_of_one_are_the_list_in_every_order_from_either_end(
    ask: Ask, app_database: Database, by: list[dict[str, str]], expected: str
) -> None:
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session)
        for tag, price in (("B", "1"), ("A", "1"), ("D", "10"), ("C", "10")):
            await make_share(session, industry, tag=tag, price=price)
    forwards, backwards, after, before = "", "", None, None

    for _ in expected:
        first, last = await page(ask, by=by, first=1, after=after), await page(ask, by=by, last=1, before=before)
        forwards, backwards = forwards + tags(first), tags(last) + backwards
        after, before = first["pageInfo"]["endCursor"], last["pageInfo"]["startCursor"]

    assert (forwards, backwards) == (expected, expected)


async def test_values_in_cursors_are_exact(ask: Ask, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session)
        # As binary fractions, each of these is a neighbour of the next.
        for tag, price in (("A", "999999999.9998"), ("B", "999999999.9999"), ("C", "0.0001"), ("D", "0.0000")):
            await make_share(session, industry, tag=tag, price=price)
    by, seen, after = [{"field": "PRICE", "direction": "DESC"}], "", None

    for _ in range(5):
        found = await page(ask, by=by, first=1, after=after)
        seen, after = seen + tags(found), found["pageInfo"]["endCursor"]

    assert seen == "BACD"


async def test_a_filter_chooses_what_is_on_the_pages_and_counted(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "ABCDE")

    found = await page(ask, first=1, filter={"tag": {"in": ["B", "C", "E"]}})
    rest = await page(ask, after=found["pageInfo"]["endCursor"], filter={"tag": {"in": ["B", "C", "E"]}})

    assert (tags(found), found["totalCount"]) == ("B", 3)
    assert (tags(rest), rest["totalCount"], rest["pageInfo"]["hasNextPage"]) == ("CE", 3, False)


FIGURES = """
query ($filter: ShareFilter, $first: Int) {
  sharesConnection(filter: $filter, first: $first) { aggregates { count minPrice maxPrice averagePrice } }
}
"""

PRICES: list[tuple[list[str], str]] = [
    (["10.2800"], "10.2800"),
    (["0.0001", "0.0002"], "0.0002"),  # 0.00015
    (["0.0002", "0.0003"], "0.0002"),  # 0.00025
    (["0.0000", "0.0001"], "0.0000"),  # 0.00005
    (["1.0000", "1.0000", "1.0001"], "1.0000"),
    (["1.0000", "1.0001", "1.0001"], "1.0001"),
    (["0.0001", "0.0001", "0.0001", "0.0003"], "0.0002"),  # 0.00015
    (["999999999.9999", "1000000000.0000"], "1000000000.0000"),
    (["999999999.9999", "0.0000", "0.0000"], "333333333.3333"),
]


@pytest.mark.parametrize(("prices", "mean"), PRICES, ids=str)
async def test_the_mean_price_is_exact_with_halves_to_the_even_one(
    ask: Ask, app_database: Database, prices: list[str], mean: str
) -> None:
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session)
        for price in prices:
            await make_share(session, industry, price=price)

    answer = await ask(FIGURES, first=0)

    assert answer.body == {
        "data": {
            "sharesConnection": {
                "aggregates": {
                    "count": len(prices),
                    "minPrice": min(prices, key=float),
                    "maxPrice": max(prices, key=float),
                    "averagePrice": mean,
                }
            }
        }
    }


async def test_sums_that_no_64_bit_number_of_ten_thousandths_holds_are_exact(
    ask: Ask, app_database: Database
) -> None:
    """A million prices of the highest would overflow: here are fewer, each too high for any industry."""
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session)
        for _ in range(12):
            await make_share(session, industry, price="99999999999999.9999")

    answer = await ask(FIGURES)

    assert answer.data["sharesConnection"]["aggregates"]["averagePrice"] == "99999999999999.9999"


async def test_without_shares_there_are_no_prices(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "A")

    answer = await ask(FIGURES, filter={"tag": {"eq": "B"}})

    assert answer.data["sharesConnection"]["aggregates"] == {
        "count": 0,
        "minPrice": None,
        "maxPrice": None,
        "averagePrice": None,
    }


async def test_an_industry_has_pages_figures_and_totals_of_its_own(ask: Ask, app_database: Database) -> None:
    await seed(app_database, industries=2, shares=3)

    answer = await ask(
        """{ industriesConnection(last: 1) { totalCount edges { node {
          tag
          dear: sharesConnection(first: 1, orderBy: [{field: PRICE, direction: DESC}]) {
            nodes { tag industry { tag } } totalCount pageInfo { hasNextPage }
          }
          sharesConnection(filter: {price: {gt: "1"}}) { aggregates { count averagePrice } }
        } } } }"""
    )

    assert answer.body == {
        "data": {
            "industriesConnection": {
                "totalCount": 2,
                "edges": [
                    {
                        "node": {
                            "tag": "I2",
                            "dear": {
                                "nodes": [{"tag": "S23", "industry": {"tag": "I2"}}],
                                "totalCount": 3,
                                "pageInfo": {"hasNextPage": True},
                            },
                            "sharesConnection": {"aggregates": {"count": 2, "averagePrice": "2.5000"}},
                        }
                    }
                ],
            }
        }
    }


async def test_one_row_can_be_asked_for_several_times_for_something_else(ask: Ask, app_database: Database) -> None:
    await seed(app_database, industries=1, shares=3)

    answer = await ask(
        """{ industriesConnection {
          a: nodes { shares(limit: 1) { tag } } b: nodes { shares(offset: 2) { tag } } nodes { tag } nodes { id }
          edges { c: node { shares(limit: 2) { tag } } node { sharesConnection(last: 1) { nodes { tag } } } }
          d: edges { node { name } }
        } }"""
    )

    assert answer.data == {
        "industriesConnection": {
            "a": [{"shares": [{"tag": "S11"}]}],
            "b": [{"shares": [{"tag": "S13"}]}],
            "nodes": [{"tag": "I1", "id": "1"}],
            "edges": [
                {
                    "c": {"shares": [{"tag": "S11"}, {"tag": "S12"}]},
                    "node": {"sharesConnection": {"nodes": [{"tag": "S13"}]}},
                }
            ],
            "d": [{"node": {"name": "Industry 1"}}],
        }
    }


COUNTED = (
    "{ industriesConnection { nodes { id } } }",
    f"{{ sharesConnection(last: 2) {{ edges {{ cursor node {{ tag industry {{ name }} }} }} {PAGE_INFO} }} }}",
    "{ sharesConnection { totalCount aggregates { count averagePrice } } }",
    "{ industriesConnection { totalCount nodes { shares { tag } } } }",
    "{ industries { sharesConnection { nodes { tag } totalCount aggregates { minPrice } } } }",
    "{ industriesConnection { edges { node { sharesConnection { edges { node { industry { tag } } } } } } } }",
    "{ industriesConnection { a: nodes { shares { id } } b: nodes { sharesConnection { totalCount } } } }",
    '{ industry(id: "1") { sharesConnection { totalCount nodes { id } } } }',
    '{ node(id: "SW5kdXN0cnk6MQ==") { ... on Industry { sharesConnection { nodes { tag } } } } }',
)


@pytest.mark.parametrize("rows", [1, 3])
async def test_a_connection_costs_one_statement_however_many_rows(
    ask: Ask, app_database: Database, statements: Statements, rows: int
) -> None:
    await seed(app_database, industries=rows, shares=rows)
    costs = {}

    for document in COUNTED:
        statements.clear()
        answer = await ask(document)
        costs[document] = (len(statements), answer.codes)

    # Once by resolvers, and once compiled.
    assert costs == dict.fromkeys(COUNTED, (2, []))


async def test_pages_below_a_write_are_read_after_it(api: Api, callers: Callers) -> None:
    answer = await api(
        """mutation {
          industryUpsert(input: {tag: "a", name: "A"}) {
            industry { sharesConnection { nodes { tag } totalCount aggregates { count } } }
          }
          shareCreate(input: {industryId: 1, tag: "B", price: "2"}) {
            share { industry { sharesConnection { edges { node { price } } totalCount } } }
          }
        }""",
        token=callers.manager,
    )

    assert answer.body == {
        "data": {
            "industryUpsert": {
                "industry": {"sharesConnection": {"nodes": [], "totalCount": 0, "aggregates": {"count": 0}}}
            },
            "shareCreate": {
                "share": {
                    "industry": {"sharesConnection": {"edges": [{"node": {"price": "2.0000"}}], "totalCount": 1}}
                }
            },
        }
    }


PRICE_DESC = [{"field": "PRICE", "direction": "DESC"}]

NO_PAGES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"after": "not a cursor"}, "CURSOR_EXPIRED", ["after"]),
    ({"after": ""}, "CURSOR_EXPIRED", ["after"]),
    ({"before": "\u0dc3"}, "CURSOR_EXPIRED", ["before"]),
    ({"after": cursor()}, "CURSOR_EXPIRED", ["after"]),
    ({"after": (b"7").hex()}, "CURSOR_EXPIRED", ["after"]),
    ({"after": (b"[" * 5000).hex()}, "CURSOR_EXPIRED", ["after"]),
    ({"before": cursor("Share+id")}, "CURSOR_EXPIRED", ["before"]),
    ({"before": cursor("Share+id", 1, 2)}, "CURSOR_EXPIRED", ["before"]),
    ({"before": cursor("Share+id", "1")}, "CURSOR_EXPIRED", ["before"]),
    ({"before": cursor(*["Share+id", True])}, "CURSOR_EXPIRED", ["before"]),
    ({"before": cursor("Share+id", None)}, "CURSOR_EXPIRED", ["before"]),
    ({"before": cursor("Share+id", 1.5)}, "CURSOR_EXPIRED", ["before"]),
    ({"after": cursor("Share+id", 2**63)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Share-id", 1)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Industry+id", 1)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Share+id", 1), "by": PRICE_DESC}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Share-price+id", 10000.5, 1), "by": PRICE_DESC}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Share+tag+id", "\x00", 1), "by": [{"field": "TAG"}]}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Share+tag+id", "A" * 5_000, 1), "by": [{"field": "TAG"}]}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Share+tag+id", 1, 1), "by": [{"field": "TAG"}]}, "CURSOR_EXPIRED", ["after"]),
    (
        {"after": cursor("Share+updated_at+id", 2**62, 1), "by": [{"field": "UPDATED_AT"}]},
        "CURSOR_EXPIRED",
        ["after"],
    ),
    ({"first": -1}, "INVALID_INPUT", ["first"]),
    ({"last": -1}, "INVALID_INPUT", ["last"]),
    ({"first": 501}, "INVALID_INPUT", ["first"]),
    ({"last": 501}, "INVALID_INPUT", ["last"]),
    ({"first": 1, "last": 1}, "INVALID_INPUT", ["last"]),
]


@pytest.mark.parametrize(("asked", "code", "path"), NO_PAGES, ids=str)
async def test_what_cannot_be_a_page_is_refused_before_any_statement(
    ask: Ask, app_database: Database, statements: Statements, asked: dict[str, Any], code: str, path: list[str]
) -> None:
    await make_shares(app_database, "A")
    statements.clear()
    only_a_total = SHARES.replace("edges { cursor node { tag } } nodes { tag }", "").replace(PAGE_INFO, "")

    answers = [await ask(document, **asked) for document in (SHARES, only_a_total)]

    assert [answer.data for answer in answers] == [{"sharesConnection": None}] * 2
    assert [error["extensions"] for answer in answers for error in answer.errors] == [
        {"code": code, "path": path}
    ] * 2
    assert statements == []


async def test_a_cursor_of_another_order_of_the_same_place_is_as_good(ask: Ask, app_database: Database) -> None:
    await make_shares(app_database, "AB")
    twice = [{"field": "ID"}, {"field": "TAG", "direction": "DESC"}]

    found = await page(ask, by=twice, first=1)

    # What comes after the key decides nothing.
    assert tags(await page(ask, after=found["pageInfo"]["endCursor"])) == "B"


async def test_as_many_pages_can_be_nested_as_relations(ask: Ask, app_database: Database) -> None:
    await seed(app_database, industries=1, shares=1)

    def nested(relations: int) -> tuple[str, Any]:
        document = "id"
        expected: Any = {"id": "1"}
        for position in reversed(range(relations)):
            if position % 2 == 1:
                info = {"hasNextPage": False, "hasPreviousPage": False}
                figures = {"averagePrice": "1.0000"}
                rest = "pageInfo { hasNextPage hasPreviousPage } totalCount aggregates { averagePrice }"
                document = f"sharesConnection(last: 1) {{ edges {{ node {{ {document} }} }} {rest} }}"
                shown = {"edges": [{"node": expected}], "pageInfo": info, "totalCount": 1, "aggregates": figures}
                expected = {"sharesConnection": shown}
            else:
                document, expected = f"industry {{ {document} }}", {"industry": expected}
        return f"{{ sharesConnection {{ nodes {{ {document} }} }} }}", expected

    document, expected = nested(MAX_NESTED_RELATIONS)
    answer = await ask(document)
    too_deep = await ask(nested(MAX_NESTED_RELATIONS + 1)[0])

    assert answer.body == {"data": {"sharesConnection": {"nodes": [expected]}}}
    assert (too_deep.data, too_deep.codes) == ({"sharesConnection": None}, ["COST_EXCEEDED"])


async def test_a_filter_that_is_nested_deep_in_a_deep_list_costs_too_much_at_most(
    ask: Ask, app_database: Database
) -> None:
    await seed(app_database, industries=1, shares=1)
    filter_ = '{tag: {eq: "S11"}}'
    for _ in range(8):
        filter_ = f'{{or: [{{id: {{eq: "9"}}}}, {{and: [{{not: {{tag: {{contains: "x"}}}}}}, {filter_}]}}]}}'
    below = f"shares(filter: {filter_}) {{ tag }}"
    for _ in range(2):
        below = f"shares {{ industry {{ {below} }} }}"

    answer = await ask(f"{{ shares {{ industry {{ {below} }} }} }}")

    # SQLite's parser gives up; PostgreSQL's does not.
    assert answer.codes == (["COST_EXCEEDED"] if app_database.dialect_name == "sqlite" else [])


@pytest.mark.parametrize(
    "selected",
    [
        aliases("nodes", MAX_RELATIONS + 1, "id"),
        " ".join(f"a{number}: totalCount" for number in range(MAX_RELATIONS + 1)),
        aliases("aggregates", MAX_RELATIONS + 1, "count"),
        "nodes { " + aliases("sharesConnection", MAX_RELATIONS // 2, "nodes { id }") + " }",
        "edges { node { " + aliases("shares", MAX_RELATIONS, "id") + " } }",
    ],
    ids=["nodes", "totals", "figures", "pages below", "lists below"],
)
async def test_a_page_that_asks_for_too_much_costs_too_much(
    ask: Ask, statements: Statements, selected: str
) -> None:
    of = "industriesConnection" if "shares" in selected else "sharesConnection"

    answer = await ask(f"{{ {of} {{ {selected} }} }}")

    assert (answer.status, answer.data, answer.codes) == (200, {of: None}, ["COST_EXCEEDED"])
    assert statements == []


def test_a_page_costs_what_its_rows_cost_and_what_is_counted() -> None:
    document = parse(
        """query ($n: Int) { industriesConnection(first: $n) {
          edges { node { sharesConnection(last: 10) { nodes { id } totalCount aggregates { count } } } } totalCount
        } }"""
    )
    (operation,) = (each for each in document.definitions if isinstance(each, OperationDefinitionNode))
    costs = Costs(make_schema().graphql, document, operation)

    # Each industry comes as an edge and a node, with a page: ten shares, a total, and figures.
    of_an_industry = 1 + 1 + (1 + 10 + 2 + 5 + 1)
    assert costs.of({"n": 5}) == 1 + 2 + 5 * of_an_industry
    assert costs.of(None) == 1 + 2 + 100 * of_an_industry
