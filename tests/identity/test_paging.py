"""Pages of traders and of events: forwards, backwards, true under inserts, at one cost for one and for three."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
import pytest

from tests.callers import Callers
from tests.counting import Statements
from tests.factories import make_trader
from tests.identity.desk import ADA, Desk

pytestmark = pytest.mark.anyio

TRADERS = """
query ($filter: TraderFilter, $first: Int, $after: String, $last: Int, $before: String) {
  tradersConnection(filter: $filter, first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { email } } nodes { email } totalCount
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


def cursor(*said: Any) -> str:
    return orjson.dumps(said).hex().upper()


async def make_traders(desk: Desk, names: Sequence[str]) -> None:
    for name in names:
        await make_trader(desk.database, email=f"{name}@example.com")


async def page(desk: Desk, callers: Callers, **asked: Any) -> Any:
    answer = await desk.api(TRADERS, asked, token=callers.manager)
    assert answer.errors == []
    found = answer.data["tradersConnection"]
    assert found["nodes"] == [edge["node"] for edge in found["edges"]]
    info, cursors = found["pageInfo"], [edge["cursor"] for edge in found["edges"]]
    assert (info["startCursor"], info["endCursor"]) == ((cursors[0], cursors[-1]) if cursors else (None, None))
    return found


def names(found: Any) -> str:
    return "".join(node["email"][0] for node in found["nodes"])


async def test_pages_forwards(desk: Desk, callers: Callers) -> None:
    await make_traders(desk, "abcde")
    seen, after = [], None

    for _ in range(3):
        found = await page(desk, callers, first=2, after=after)
        info = found["pageInfo"]
        seen.append((names(found), info["hasPreviousPage"], info["hasNextPage"], found["totalCount"]))
        after = info["endCursor"]

    assert seen == [("ab", False, True, 5), ("cd", True, True, 5), ("e", True, False, 5)]
    assert names(await page(desk, callers, first=2, after=after)) == ""


async def test_pages_backwards(desk: Desk, callers: Callers) -> None:
    await make_traders(desk, "abcde")
    seen, before = [], None

    for _ in range(3):
        found = await page(desk, callers, last=2, before=before)
        info = found["pageInfo"]
        seen.append((names(found), info["hasPreviousPage"], info["hasNextPage"]))
        before = info["startCursor"]

    assert seen == [("de", True, False), ("bc", True, True), ("a", False, True)]


async def test_a_window_between_two_cursors(desk: Desk, callers: Callers) -> None:
    await make_traders(desk, "abcdefg")
    cursors = [edge["cursor"] for edge in (await page(desk, callers))["edges"]]

    assert names(await page(desk, callers, after=cursors[1], before=cursors[5])) == "cde"
    assert names(await page(desk, callers, first=2, after=cursors[1], before=cursors[5])) == "cd"
    assert names(await page(desk, callers, last=2, after=cursors[1], before=cursors[5])) == "de"
    assert names(await page(desk, callers, after=cursors[5], before=cursors[1])) == ""


async def test_inserts_and_deletions_in_between_neither_skip_nor_repeat(desk: Desk, callers: Callers) -> None:
    await make_traders(desk, "abcdef")
    first = await page(desk, callers, first=2)
    await make_traders(desk, "x")
    gone = await desk.trader("b@example.com")
    async with desk.database.unit_of_work() as session:
        await session.delete(gone)

    second = await page(desk, callers, first=2, after=first["pageInfo"]["endCursor"])
    rest = await page(desk, callers, first=10, after=second["pageInfo"]["endCursor"])

    assert names(first) + names(second) + names(rest) == "abcdefx"
    assert rest["totalCount"] == 6


async def test_pages_of_events_go_from_the_newest_and_are_true_under_new_ones(
    desk: Desk, callers: Callers
) -> None:
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    for number in range(4):
        await desk.do("traderUpdate", token=access, firstName=f"Ada {number}")
    document = """
    query ($first: Int, $after: String, $last: Int, $before: String) {
      me { events(first: $first, after: $after, last: $last, before: $before) {
        edges { cursor } nodes { id action } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }
    }
    """

    async def events(**asked: Any) -> Any:
        answer = await desk.api(document, asked, token=access)
        assert answer.errors == []
        return answer.data["me"]["events"]

    first = await events(first=2)
    await desk.do("traderUpdate", token=access, firstName="Augusta")
    second = await events(first=2, after=first["pageInfo"]["endCursor"])
    oldest = await events(last=1)
    newer = await events(last=10, before=first["pageInfo"]["startCursor"])

    assert [node["id"] for node in first["nodes"] + second["nodes"]] == ["5", "4", "3", "2"]
    assert (oldest["nodes"], [node["id"] for node in newer["nodes"]]) == (
        [{"id": "1", "action": "LOGGED_IN"}],
        ["6"],
    )
    assert {event.trader_id for event in await desk.events()} == {trader.id}


NO_PAGES: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"after": "not a cursor"}, "CURSOR_EXPIRED", ["after"]),
    ({"after": ""}, "CURSOR_EXPIRED", ["after"]),
    ({"before": "\u0dc3"}, "CURSOR_EXPIRED", ["before"]),
    ({"before": cursor("Trader+id")}, "CURSOR_EXPIRED", ["before"]),
    ({"after": cursor("Trader+id", "1")}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Trader+id", 1.5)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Trader+id", 2**63)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Trader+id", 1, 1)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("Trader-id", 1)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": cursor("AuditEvent-id", 1)}, "CURSOR_EXPIRED", ["after"]),
    ({"after": (b"\xff\xfe").hex()}, "CURSOR_EXPIRED", ["after"]),
    ({"first": -1}, "INVALID_INPUT", ["first"]),
    ({"last": -1}, "INVALID_INPUT", ["last"]),
    ({"first": 501}, "INVALID_INPUT", ["first"]),
    ({"first": 1, "last": 1}, "INVALID_INPUT", ["last"]),
]


async def test_what_cannot_be_a_page_is_refused(desk: Desk, callers: Callers) -> None:
    for asked, code, path in NO_PAGES:
        answer = await desk.api(TRADERS, asked, token=callers.manager)

        assert answer.data == {"tradersConnection": None}, asked
        assert [error["extensions"] for error in answer.errors] == [{"code": code, "path": path}], asked


async def test_a_bad_page_of_one_alias_is_nothing_to_the_others(desk: Desk) -> None:
    await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()

    answer = await desk.api(
        '{ me { good: events { nodes { id } } bad: events(after: "x") { nodes { id } } } }', token=access
    )

    assert answer.codes == ["CURSOR_EXPIRED"]
    assert answer.errors[0]["path"] == ["me", "bad"]


async def test_a_page_may_be_empty_and_a_cursor_beyond_the_end(desk: Desk, callers: Callers) -> None:
    await make_traders(desk, "ab")
    beyond = cursor("Trader+id", 2**63 - 1)

    none = await page(desk, callers, first=0)

    assert (names(none), none["totalCount"], none["pageInfo"]["hasNextPage"]) == ("", 2, True)
    assert names(await page(desk, callers, after=beyond)) == ""


async def test_filters_choose_and_count(desk: Desk, callers: Callers) -> None:
    await make_traders(desk, "abc")
    await make_trader(desk.database, email="verified@example.com", date_joined=date(2020, 1, 1))
    await desk.register("waits_%@example.org", claimedDateJoined="2020-01-01")

    async def found(**given: Any) -> tuple[list[str], int]:
        answer = await page(desk, callers, filter=given, first=1)
        total = answer["totalCount"]
        answer = await page(desk, callers, filter=given)
        return [node["email"] for node in answer["nodes"]], total

    assert await found(awaitsVerification=True) == (["waits_%@example.org"], 1)
    assert (await found(awaitsVerification=False))[1] == 4
    assert await found(email={"eq": "A@Example.com"}) == (["a@example.com"], 1)
    assert await found(email={"in": ["B@example.com", "c@example.com"]}) == (["b@example.com", "c@example.com"], 2)
    assert await found(email={"startsWith": "WAITS_%"}) == (["waits_%@example.org"], 1)
    assert await found(email={"contains": "%"}) == (["waits_%@example.org"], 1)
    assert await found(email={"contains": "example"}, awaitsVerification=True) == (["waits_%@example.org"], 1)
    assert await found(email={"eq": ""}) == ([], 0)
    assert await found(email={"in": []}) == ([], 0)


COSTS = {
    "traders": "{ tradersConnection { nodes { id email yearsOfService policies { satisfied } } totalCount } }",
    "their permits": "{ tradersConnection { nodes { id permits { id trader { email } } } } }",
    "their lockouts": "{ tradersConnection { nodes { id lockedUntil } } }",
    "their events": "{ tradersConnection { nodes { id events { nodes { id actor { email } } } } } }",
    "events with actors": "{ auditEventsConnection { nodes { id actor { email } } } }",
    "own permits": "{ me { permits { id trader { email } } } }",
}


@pytest.mark.parametrize("what", COSTS)
async def test_three_cost_as_many_statements_as_one(desk: Desk, callers: Callers, what: str) -> None:
    await make_trader(desk.database, email=ADA, is_administrator=True)
    access, _ = await desk.tokens()
    counts = []

    for email in (None, "eve@example.com", "bob@example.com"):
        if email is not None:
            await make_trader(desk.database, email=email)
            await desk.log_in(email)
            await desk.log_in()
        with Statements(desk.database) as statements:
            answer = await desk.api(COSTS[what], token=access)
        assert answer.errors == []
        counts.append(len(statements))

    assert counts[0] <= 4
    assert counts == [counts[0]] * 3
