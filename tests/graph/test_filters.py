"""Filters and orders mean on every database what a plain model of them in Python means.

Texts are compared with upper and lower case alike. SQLite is given Python's idea of the two; PostgreSQL has
its own, by the collation of the database (C.UTF-8 here). They agree on the letters in this file. Known to
differ: the capital sigma, which Python makes small by its place in the word, letters whose small form
has two characters, and everything beyond ASCII in a database whose collation is C. The same goes for the
order of tags, which is by code points on SQLite and with C.UTF-8, and a dictionary's with others.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import anyio.from_thread
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from app.compiler.conditions import MAX_CONDITIONS, MAX_ITEMS
from app.database import Database
from tests.callers import Api, Callers
from tests.factories import NOON, make_industry, make_share

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Row:
    """A share as the model sees it; its position in `ROWS` is its id less one."""

    industry: int
    tag: str
    price: Decimal
    updated_at: datetime


ROWS = tuple(
    Row(industry, tag, Decimal(price), NOON + timedelta(milliseconds=moment))
    for industry, tag, price, moment in (
        (1, "BUD", "10.28", 0),
        (1, "BUDDY", "10.2801", 1),
        (1, "100%", "10.2799", 0),
        (2, "100X", "0", -1),
        (2, "A_B", "0.0001", 999),
        (2, "AXB", "0.0001", 1000),
        (3, "A\\B", "1000000000", 0),
        (3, "A/B", "999999999.9999", 3_600_000),
        (3, "/%_", "10.28", 5),
        (3, "%", "10", 5),
        (1, "ÉTÉ", "11", 7),
        (1, "ETE", "9.9999", 7),
        (2, "ЖУК", "2", -86_400_000),
        (2, "ΩMEGA", "2.5", 2),
        (3, "කොටස්", "3", 2),
        (3, "😀", "3.0001", 2),
        (1, "STRASSE", "7", 2),
        (1, "'; --", "8", 2),
    )
)

# Values that hit rows, or only just miss them.
TAGS = st.sampled_from(
    sorted(
        {row.tag for row in ROWS}
        | {row.tag.lower() for row in ROWS}
        | {row.tag[:2] for row in ROWS}
        | {row.tag[-1:] for row in ROWS}
        | {"", "été", "Жук", "ωmega", "ö", "100_", "a%", "_", "\\", "/", "//", "b u d", "x" * 256, "\U0001f601"}
    )
)
PRICES = st.one_of(
    st.sampled_from([row.price for row in ROWS]).flatmap(
        lambda price: st.sampled_from(["0", "0.0001", "-0.0001", "0.00005", "-0.00005", "1E-30"]).map(
            lambda step: format(price + Decimal(step), "f")
        )
    ),
    st.sampled_from(["1e40", "-1e40", "-1", "-0", "0e3", "10.280000", "1e9", "12345678901234567890.123456789"]),
)
MOMENTS = st.sampled_from(sorted({row.updated_at for row in ROWS})).flatmap(
    lambda moment: st.sampled_from([0, 1, -1, 1000, -1000]).map(
        lambda step: (moment + timedelta(microseconds=step)).isoformat().replace("+00:00", "Z")
    )
)
IDS = st.sampled_from([*(str(number) for number in range(len(ROWS) + 2)), "01", "-1", "abc", "", str(10**30)])
INDUSTRY_IDS = st.sampled_from(["1", "2", "3", "4", "x"])


def some_of(**operators: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An input with one or more of the operators; null, or left out, is as good as not there."""
    named = {name.rstrip("_"): values for name, values in operators.items()}
    single = [st.fixed_dictionaries({name: values}) for name, values in named.items()]
    several = st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in named.items()})
    return st.one_of(*single, several)


def keys(values: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    return some_of(eq=values, in_=st.lists(values, max_size=4))


CONDITIONS: dict[str, st.SearchStrategy[Any]] = {
    "id": keys(IDS),
    "industryId": keys(INDUSTRY_IDS),
    "tag": some_of(eq=TAGS, in_=st.lists(TAGS, max_size=4), startsWith=TAGS, contains=TAGS),
    "price": some_of(eq=PRICES, gte=PRICES, gt=PRICES, lte=PRICES, lt=PRICES),
    "updatedAt": some_of(gte=MOMENTS, lt=MOMENTS),
}
LEAVES = st.sampled_from(sorted(CONDITIONS)).flatmap(
    lambda name: CONDITIONS[name].map(lambda condition: {name: condition})
)


def combined(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    lists = st.lists(parts, min_size=1, max_size=3)
    single = [st.fixed_dictionaries({name: lists}) for name in ("and", "or")]
    several = st.fixed_dictionaries(
        {}, optional={"and": st.none() | st.lists(parts), "or": lists, "not": parts, "price": CONDITIONS["price"]}
    )
    return st.one_of(*single, st.fixed_dictionaries({"not": parts}), several)


FILTERS = st.recursive(LEAVES, combined, max_leaves=8)
ORDERS = st.lists(
    st.fixed_dictionaries(
        {"field": st.sampled_from(["ID", "TAG", "PRICE", "UPDATED_AT"])},
        optional={"direction": st.sampled_from(["ASC", "DESC"])},
    ),
    max_size=4,
)


# The model.


def selected(row: Row, number: int, given_: dict[str, Any]) -> bool:
    """Say whether the filter selects the row with that id."""
    return all(holds(row, number, name, value) for name, value in given_.items() if value is not None)


def holds(row: Row, number: int, name: str, value: Any) -> bool:
    match name:
        case "and":
            return all(selected(row, number, part) for part in value)
        case "or":
            return any(selected(row, number, part) for part in value)
        case "not":
            return not selected(row, number, value)
    own, read = MODELS[name]
    return all(
        OPERATORS[operator](own(row, number), [read(each) for each in bound] if operator == "in" else read(bound))
        for operator, bound in value.items()
        if bound is not None
    )


MODELS: dict[str, tuple[Callable[[Row, int], Any], Callable[[str], Any]]] = {
    "id": (lambda row, number: str(number), str),
    "industryId": (lambda row, number: str(row.industry), str),
    "tag": (lambda row, number: row.tag.lower(), str.lower),
    "price": (lambda row, number: row.price, Decimal),
    "updatedAt": (lambda row, number: row.updated_at, lambda text: datetime.fromisoformat(text).astimezone(UTC)),
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda own, bound: bool(own == bound),
    "in": lambda own, bound: bool(own in bound),
    "startsWith": lambda own, bound: bool(own.startswith(bound)),
    "contains": lambda own, bound: bool(bound in own),
    "gte": lambda own, bound: bool(own >= bound),
    "gt": lambda own, bound: bool(own > bound),
    "lte": lambda own, bound: bool(own <= bound),
    "lt": lambda own, bound: bool(own < bound),
}


def ordered(numbers: list[int], orders: list[dict[str, str]]) -> list[int]:
    attribute = {"ID": None, "TAG": "tag", "PRICE": "price", "UPDATED_AT": "updated_at"}
    for order in reversed(orders):
        name = attribute[order["field"]]
        numbers = sorted(
            numbers,
            key=lambda number: number if name is None else getattr(ROWS[number - 1], name),
            reverse=order.get("direction") == "DESC",
        )
    return numbers


def expected(filter_: dict[str, Any], orders: list[dict[str, str]], limit: int, offset: int) -> list[str]:
    found = [number for number, row in enumerate(ROWS, 1) if selected(row, number, filter_)]
    # Sorting in reverse keeps the order of equals, as the last resort does.
    return [str(number) for number in ordered(found, orders)][offset:][:limit]


LIST = """
query ($filter: ShareFilter, $orderBy: [ShareOrder!], $limit: Int! = 100, $offset: Int! = 0) {
  shares(filter: $filter, orderBy: $orderBy, limit: $limit, offset: $offset) { id }
  industries { shares(filter: $filter, orderBy: $orderBy) { id } }
}
"""


async def insert_rows(database: Database) -> None:
    async with database.unit_of_work() as session:
        industries = {number: await make_industry(session, tag=f"i{number}") for number in (1, 2, 3)}
        for row in ROWS:
            await make_share(session, industries[row.industry], tag=row.tag, price=row.price, now=row.updated_at)


async def test_any_filter_and_order_give_what_the_model_gives(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await insert_rows(app_database)
    token = callers.skilled
    hits = [0]

    # Hypothesis calls plain functions: the examples run in a thread and ask on the loop of the test.
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(FILTERS, ORDERS, st.integers(0, len(ROWS)), st.integers(0, 3))
    def examples(filter_: dict[str, Any], orders: list[dict[str, str]], limit: int, offset: int) -> None:
        variables = {"filter": filter_, "orderBy": orders, "limit": limit, "offset": offset}

        answer = anyio.from_thread.run(lambda: api(LIST, variables, token=token))

        note(str(answer.body))
        whole = expected(filter_, orders, 100, 0)
        assert [share["id"] for share in answer.data["shares"]] == expected(filter_, orders, limit, offset)
        assert [[share["id"] for share in each["shares"]] for each in answer.data["industries"]] == [
            [number for number in whole if ROWS[int(number) - 1].industry == industry] for industry in (1, 2, 3)
        ]
        hits[0] += 0 < len(whole) < len(ROWS)

    await anyio.to_thread.run_sync(examples)

    # A property that never selects a part of the rows would prove nothing.
    assert hits[0] > 15


BOUNDS = [
    format(price + Decimal(step), "f")
    for price in sorted({row.price for row in ROWS if row.price < 4 or row.price > 10})
    for step in ("0", "0.0001", "-0.0001", "0.00005", "-0.00005")
]


async def test_an_amount_just_beside_a_price_selects_what_the_model_selects(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await insert_rows(app_database)
    token, found = callers.skilled, {}

    for operator in ("eq", "gte", "gt", "lte", "lt"):
        for bounds in (BOUNDS[first : first + 25] for first in range(0, len(BOUNDS), 25)):
            fields = [
                f'a{position}: shares(filter: {{price: {{{operator}: "{bound}"}}}}) {{ id }}'
                for position, bound in enumerate(bounds)
            ]
            answer = await api(f"{{ {' '.join(fields)} }}", token=token)
            for position, bound in enumerate(bounds):
                found[operator, bound] = [share["id"] for share in answer.data[f"a{position}"]]

    assert found == {
        (operator, bound): expected({"price": {operator: bound}}, [], 100, 0) for operator, bound in found
    }


TEXTS: list[tuple[dict[str, Any], list[str]]] = [
    ({"contains": "%"}, ["100%", "/%_", "%"]),
    ({"contains": "_"}, ["A_B", "/%_"]),
    ({"startsWith": "a_"}, ["A_B"]),
    ({"contains": "\\"}, ["A\\B"]),
    ({"contains": "/"}, ["A/B", "/%_"]),
    ({"startsWith": "/%_"}, ["/%_"]),
    ({"contains": "é"}, ["ÉTÉ"]),
    ({"eq": "жук"}, ["ЖУК"]),
    ({"in": ["ωMEGA", "කොටස්", "😀"]}, ["ΩMEGA", "කොටස්", "😀"]),
    ({"in": []}, []),
    ({"contains": ""}, [row.tag for row in ROWS]),
    ({"startsWith": "x" * 256}, []),
    ({"eq": "x" * 100_000}, []),
    ({"eq": None, "in": None}, [row.tag for row in ROWS]),
    ({"eq": "'; --"}, ["'; --"]),
]


async def test_a_text_is_compared_letter_by_letter_whatever_its_case(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await insert_rows(app_database)
    query = "query ($filter: ShareFilter) { shares(filter: $filter) { tag } }"

    answers = [await api(query, {"filter": {"tag": text}}, token=callers.skilled) for text, _ in TEXTS]

    assert [[share["tag"] for share in answer.data["shares"]] for answer in answers] == [tags for _, tags in TEXTS]


async def test_industries_are_filtered_by_the_same_rules(
    api: Api, callers: Callers, app_database: Database
) -> None:
    async with app_database.unit_of_work() as session:
        for tag, name in (("tech", "Technology"), ("finc", "Financial"), ("ÖL", "Öl & Gas")):
            await make_industry(session, tag=tag, name=name)

    answer = await api(
        """{
          name: industries(filter: {name: {contains: "ö"}}) { tag }
          not: industries(filter: {not: {tag: {in: ["TECH", "öl"]}}}) { tag }
          both: industries(
            filter: {id: {in: [1, 2]}, or: [{tag: {eq: "FINC"}}, {name: {startsWith: "x"}}]}
          ) { tag }
          ordered: industries(orderBy: {field: NAME, direction: DESC}, limit: 2) { tag }
        }""",
        token=callers.skilled,
    )

    assert answer.body == {
        "data": {
            "name": [{"tag": "ÖL"}],
            "not": [{"tag": "finc"}],
            "both": [{"tag": "finc"}],
            "ordered": [{"tag": "ÖL"}, {"tag": "tech"}],
        }
    }


def deep(levels: int) -> dict[str, Any]:
    filter_: dict[str, Any] = {"tag": {"eq": "BUD"}}
    for _ in range(levels):
        filter_ = {"not": filter_}
    return filter_


async def test_a_filter_has_bounds_within_which_it_always_works(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await insert_rows(app_database)
    ids = [str(number) for number in range(1, MAX_ITEMS + 1)]
    filters: dict[str, dict[str, Any]] = {
        "many items": {"id": {"in": ids}},
        "deep": deep(80),
        "wide": {"or": [{"tag": {"eq": "bud"}}] * ((MAX_CONDITIONS - 1) // 3)},
        "too many items": {"id": {"in": [*ids, "1"]}},
        "too many items in all": {"or": [{"id": {"in": ids[:300]}}, {"tag": {"in": ids[:201]}}]},
        "too wide": {"or": [{"tag": {"eq": "bud"}}] * MAX_CONDITIONS},
    }

    answers = {
        name: await api(LIST, {"filter": filter_}, token=callers.skilled) for name, filter_ in filters.items()
    }

    assert {
        name: (len(answer.data["shares"] or ()), [error["extensions"] for error in answer.errors[:1]])
        for name, answer in answers.items()
    } == {
        "many items": (len(ROWS), []),
        "deep": (1, []),
        "wide": (1, []),
        "too many items": (0, [{"code": "INVALID_INPUT", "path": ["filter"]}]),
        "too many items in all": (0, [{"code": "INVALID_INPUT", "path": ["filter"]}]),
        "too wide": (0, [{"code": "INVALID_INPUT", "path": ["filter"]}]),
    }


async def test_the_largest_filters_fit_into_one_statement_together(
    api: Api, callers: Callers, app_database: Database
) -> None:
    await insert_rows(app_database)
    relations = " ".join(f"a{number}: shares(filter: $filter) {{ id }}" for number in range(49))

    answer = await api(
        f"query ($filter: ShareFilter) {{ industries {{ {relations} }} }}",
        {"filter": {"tag": {"in": [f"t{number}" for number in range(MAX_ITEMS)]}}},
        token=callers.skilled,
    )

    assert answer.body == {"data": {"industries": [{f"a{number}": [] for number in range(49)}] * 3}}
