"""Any record by its global id: for whom its own type says so, and null for everybody else, without a word."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from graphql import is_object_type

from app.entities import Permit
from app.main import make_schema
from tests.callers import Callers
from tests.counting import Statements
from tests.factories import make_industry, make_share, make_trader
from tests.identity.desk import ADA, Desk
from tests.identity.test_denials import denied, written

pytestmark = pytest.mark.anyio

NODE = """
query ($id: ID!) { node(id: $id) {
  __typename globalId
  ... on Industry { tag sharesConnection { nodes { tag } } } ... on Share { tag industry { tag } }
  ... on Trader { email } ... on Permit { trader { email } } ... on AuditEvent { action }
} }
"""
PLAIN = "query ($id: ID!) { node(id: $id) { globalId ... on Industry { tag } ... on Share { tag } } }"

RECORDS: dict[str, dict[str, Any]] = {
    "Industry": {"tag": "tech", "sharesConnection": {"nodes": [{"tag": "BUD"}]}},
    "Share": {"tag": "BUD", "industry": {"tag": "tech"}},
    "Trader": {"email": ADA},
    "Permit": {"trader": {"email": ADA}},
    "AuditEvent": {"action": "LOGGED_IN"},
}

OWN, ALL = {"Trader", "Permit", "AuditEvent"}, set(RECORDS)

CALLERS: dict[str, tuple[Callable[[Callers], str], set[str]]] = {
    "the owner": (lambda callers: callers.access(trader_id=1), OWN),
    "somebody else": (lambda callers: callers.access(trader_id=2), set()),
    "a skilled trader": (
        lambda callers: callers.access(trader_id=2, date_joined=_years_ago(callers, 4)),
        ALL - OWN,
    ),
    "a manager": (lambda callers: callers.access(trader_id=2, date_joined=_years_ago(callers, 5)), ALL),
    "an administrator": (lambda callers: callers.access(trader_id=2, roles=frozenset({"administrator"})), ALL),
}


def _years_ago(callers: Callers, years: int) -> Any:
    today = callers.clock().date()
    return today.replace(year=today.year - years)


@pytest.fixture
async def ids(desk: Desk) -> dict[str, str]:
    """The global id of a record of each type; the last three are Ada's, who is the first trader."""
    await make_trader(desk.database, email=ADA)
    await desk.tokens()
    async with desk.database.unit_of_work() as session:
        await make_share(session, await make_industry(session, tag="tech"), tag="BUD")
    (permit,) = await desk.rows(Permit)
    keys = {"Industry": "1", "Share": "1", "Trader": "1", "Permit": permit["id"], "AuditEvent": "1"}
    return {of: global_id(f"{of}:{key}") for of, key in keys.items()}


def global_id(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def test_every_type_that_is_a_node_is_tried() -> None:
    schema = make_schema().graphql
    nodes = {
        name
        for name, type_ in schema.type_map.items()
        if is_object_type(type_) and "Node" in {each.name for each in type_.interfaces}
    }

    assert nodes == ALL


@pytest.mark.parametrize("caller", CALLERS)
async def test_a_record_is_for_those_whom_its_own_type_lets_see_it(
    desk: Desk, callers: Callers, ids: dict[str, str], caller: str
) -> None:
    token_of, seen = CALLERS[caller]

    # Twice, for the second time the document is known.
    for _ in range(2):
        answers = {of: await desk.api(NODE, {"id": id_}, token=token_of(callers)) for of, id_ in ids.items()}

        assert {of: answer.body for of, answer in answers.items()} == {
            of: {"data": {"node": {"__typename": of, "globalId": ids[of], **record} if of in seen else None}}
            for of, record in RECORDS.items()
        }


async def test_a_stranger_is_refused(desk: Desk, ids: dict[str, str]) -> None:
    answers = [await desk.api(NODE, {"id": id_}) for id_ in ids.values()]

    assert [(answer.status, answer.data, answer.codes) for answer in answers] == [
        (401, {"node": None}, ["UNAUTHENTICATED"])
    ] * len(ids)


async def test_what_a_caller_may_not_see_is_not_looked_for_but_noted(
    desk: Desk, callers: Callers, ids: dict[str, str]
) -> None:
    token = callers.access(trader_id=2)
    others = [ids[of] for of in ("Industry", "Share", "Trader")]

    with Statements(desk.database) as statements:
        answers = [await desk.api(NODE, {"id": id_}, token=token) for id_ in others]

    assert [answer.body for answer in answers] == [{"data": {"node": None}}] * 3
    assert statements == []
    assert await written(desk) == 2
    assert await denied(desk) == [
        (2, "node SKILLED_TRADERS, 2 times"),
        (2, "node TRADER_MANAGERS, 1 times"),
    ]


NO_RECORDS = [
    *("", " ", "1", "é", "SW5kdXN0cnk6MQ", "SW5kdXN0cnk6MQ===", "SW5kdXN0cnk6MR==", "SW5kdXN0cnk6MQ==\n"),
    *(global_id(name) for name in ("", ":", "Industry", "Industry:", "Industry:01", "Industry: 1", "industry:1")),
    *(global_id(name) for name in ("Industry:99", "Share:-1", "Trader:99", "Permit:none", "AuditEvent:99")),
    *(global_id(name) for name in ("Permit:\x00", f"Share:{2**63}", "Share:" + "9" * 5000, "AuditEvent:x")),
    *(global_id(name) for name in ("Query:1", "PasswordHash:1", "Node:1", "TokenPair:1", "Industry:1:1")),
    base64.b64encode(b"\xff\xfe").decode(),
]


@pytest.mark.parametrize("document", [NODE, PLAIN], ids=["all types", "two types"])
async def test_what_is_no_id_of_a_record_is_null(
    desk: Desk, callers: Callers, ids: dict[str, str], document: str
) -> None:
    given = [*NO_RECORDS, 1, 2**40]

    # By resolvers for the first, and by a statement for the others.
    answers = [await desk.api(document, {"id": id_}, token=callers.manager) for id_ in given]

    assert [answer.body for answer in answers] == [{"data": {"node": None}}] * len(given)


async def test_a_record_can_be_fetched_again_by_the_global_id_that_it_has(
    desk: Desk, callers: Callers, ids: dict[str, str]
) -> None:
    answer = await desk.api(
        "{ shares { globalId industry { globalId } } me { globalId permits { globalId } } }",
        token=callers.access(trader_id=1, roles=frozenset({"administrator"})),
    )

    (share,), me = answer.data["shares"], answer.data["me"]
    assert {
        "Share": share["globalId"],
        "Industry": share["industry"]["globalId"],
        "Trader": me["globalId"],
        "Permit": me["permits"][0]["globalId"],
    } == {of: id_ for of, id_ in ids.items() if of != "AuditEvent"}


async def test_one_statement_gives_an_industry_or_a_share_with_all_below(
    desk: Desk, callers: Callers, ids: dict[str, str]
) -> None:
    await desk.api(PLAIN, {"id": ids["Share"]}, token=callers.skilled)

    with Statements(desk.database) as statements:
        answers = [await desk.api(PLAIN, {"id": ids[of]}, token=callers.skilled) for of in ("Industry", "Share")]

    assert [answer.data["node"]["tag"] for answer in answers] == ["tech", "BUD"]
    # The same one, whichever it is.
    assert len(statements) == 2
    assert len(set(statements)) == 1
