"""Attacks by documents: what is small to send and large to answer is refused before anything is done.

Each limit by itself, at its edge, is in `tests/limits/test_documents.py`.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from tests.attacks.conftest import SMALL_BYTES, Target, attacked
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import ManualClock, make_share
from tests.limits.conftest import Limited
from tests.promises import INTERNAL, errors_in
from tests.sockets import Closed, connected
from tests.wires import PATIENCE_SECONDS

pytestmark = pytest.mark.anyio

MOST_ERRORS = 5
POST, GET, SOCKET, STREAM = "POST", "GET", "a socket", "a stream"
WAYS = pytest.mark.parametrize("way", [POST, GET, SOCKET, STREAM])
# No server takes an address of that length; `test_transport.py` asks it to.
WAYS_BUT_GET = pytest.mark.parametrize("way", [POST, SOCKET, STREAM])


def doubled(levels: int, field: str = "shares { id }") -> str:
    """A document whose fragments multiply a field by two to the power of the levels."""
    fragments = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return " ".join(["{ ...F0 }", *fragments, f"fragment F{levels} on Query {{ {field} }}"])


def nested(levels: int) -> str:
    """A document with fields so deep within each other."""
    pairs = "shares { industry { " * (levels // 2) + "id" + " } }" * (levels // 2)
    return f"{{ {pairs} }}"


def nested_by_fragments(levels: int) -> str:
    """A document with fields so deep within each other, each in a fragment of its own."""
    kinds = ("Industry", "Share")
    fragments = [
        f"fragment F{n} on {kinds[n % 2]} {{ {('shares', 'industry')[n % 2]} {{ ...F{n + 1} }} }}"
        for n in range(levels - 2)
    ]
    last = f"fragment F{levels - 2} on {kinds[levels % 2]} {{ id }}"
    return " ".join(["{ industries { ...F0 } }", *fragments, last])


@dataclass
class House:
    """An application that is attacked by someone whom it would answer, and an ordinary caller of it."""

    app: Starlette
    token: str

    async def refused(self, document: str, way: str = POST, variables: dict[str, Any] | None = None) -> list[str]:
        """Send an operation that has to be refused, and give the codes of the refusal.

        Whatever it is, nothing reaches the database, the answer is short and tells nothing of the inside, and
        the next caller is answered.
        """
        with Statements(self.app.state.services.database) as statements:
            codes = await self._send(document, way, variables)
            assert statements == []
        assert 0 < len(codes) <= MOST_ERRORS
        await self.serve_others()
        return codes

    async def serve_others(self) -> None:
        """Ask as an ordinary caller, and get the answer."""
        async with Api(self.app) as api:
            answer = await api("{ shares(limit: 1) { tag } }", token=self.token)
        assert (answer.status, answer.body) == (200, {"data": {"shares": [{"tag": "BUD"}]}})

    async def _send(self, document: str, way: str, variables: dict[str, Any] | None) -> list[str]:
        headers = {"Authorization": f"Bearer {self.token}"}
        if way == SOCKET:
            return await self._codes_over_socket(document, variables)
        async with Api(self.app) as api:
            if way == GET:
                asked = {"query": document, "variables": json.dumps(variables or {})}
                response = await api.http.get("/graphql", params=asked, headers=headers | EXACT)
            else:
                accept = {"Accept": "text/event-stream"} if way == STREAM else EXACT
                body = {"query": document, "variables": variables}
                response = await api.http.post("/graphql", json=body, headers=headers | accept)
        assert len(response.content) < SMALL_BYTES
        return _codes_of_stream(response) if way == STREAM else _codes_of(response)

    async def _codes_over_socket(self, document: str, variables: dict[str, Any] | None) -> list[str]:
        async with connected(self.app) as socket:
            await socket.begin({"Authorization": f"Bearer {self.token}"})
            await socket.ask(document, variables=variables)
            told, *rest = await socket.hear_all()
            await socket.ask("{ __typename }", "2")
            assert [each["type"] for each in await socket.hear_all()] == ["next", "complete"]
        assert INTERNAL.search(json.dumps(told)) is None
        assert len(json.dumps(told)) < SMALL_BYTES
        if told["type"] == "next":
            assert rest == [{"id": "1", "type": "complete"}]
            return _codes_in(told["payload"])
        assert (told["type"], rest) == ("error", [])
        return _codes_in({"errors": told["payload"]})


# Of the two media types the one whose statuses tell a request error from an answer.
EXACT = {"Accept": "application/graphql-response+json"}


def _codes_in(answer: dict[str, Any]) -> list[str]:
    """The codes of an answer in which nothing is answered."""
    assert answer.get("data") in (None, {"shares": None})
    return [error["extensions"]["code"] for error in answer["errors"]]


def _codes_of(response: httpx.Response) -> list[str]:
    errors_in(response)
    # A value that is out of range is the field's error, anything else the request's.
    assert response.status_code == (200 if "data" in response.json() else 400)
    return _codes_in(response.json())


def _codes_of_stream(response: httpx.Response) -> list[str]:
    assert response.status_code == 200
    assert INTERNAL.search(response.text) is None
    event, data, *rest = response.text.split("\r\n")
    assert (event, rest) == ("event: next", ["", "event: complete", "data: ", "", ""])
    return _codes_in(json.loads(data.removeprefix("data: ")))


@pytest.fixture
async def house(limited: Limited, clock: ManualClock) -> House:
    """An application with the limits that it has by itself."""
    app = await limited()
    async with app.state.services.database.unit_of_work() as session:
        await make_share(session, tag="BUD")
    house = House(app, Callers(app.state.services, clock).administrator)
    # Whoever asks first pays for the first connection.
    await house.serve_others()
    return house


@WAYS
async def test_101_aliases(house: House, way: str) -> None:
    aliases = " ".join(f"a{number}: shares {{ id }}" for number in range(101))
    below = " ".join(f"a{number}: id" for number in range(101))

    assert await house.refused(f"{{ {aliases} }}", way) == ["COST_EXCEEDED"]
    assert await house.refused(f"{{ shares {{ {below} }} }}", way) == ["COST_EXCEEDED"]


DELETE = 'mutation { shareDelete(input: {id: "1"}) { outcome } }'
BATCHES: dict[str, Any] = {
    "of one": [{"query": DELETE}],
    "of a thousand": [{"query": DELETE}] * 1_000,
    "of nothing": [],
    "of batches": [[{"query": DELETE}]],
    "in variables": {"query": DELETE, "variables": [{}, {}]},
    "in the query": {"query": [DELETE, DELETE]},
}


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("accept", ["application/json", "application/graphql-response+json", "text/event-stream"])
async def test_an_array_batch(house: House, batch: str, accept: str) -> None:
    headers = {"Authorization": f"Bearer {house.token}", "Accept": accept}

    with Statements(house.app.state.services.database) as statements:
        async with Api(house.app) as api:
            response = await api.http.post("/graphql", json=BATCHES[batch], headers=headers)

    assert _codes_of(response) == ["BAD_REQUEST"]
    assert len(response.content) < SMALL_BYTES
    assert statements == []
    await house.serve_others()


async def test_an_array_batch_over_a_socket(house: House) -> None:
    subscribe = {"id": "1", "type": "subscribe", "payload": {"query": DELETE}}

    with Statements(house.app.state.services.database) as statements:
        async with connected(house.app) as socket:
            await socket.begin({"Authorization": f"Bearer {house.token}"})
            await socket.say([subscribe, subscribe])
            heard = await socket.hear()

    assert heard == Closed(4400, "A message has to be a JSON object")
    assert statements == []
    await house.serve_others()


@WAYS
@pytest.mark.parametrize(
    "document",
    [
        "{ shares " + "@skip(if: false) " * 1_000 + "{ id } }",
        "{ shares " + "@a " * 490 + "{ id } }",
        "query " + "@a " * 490 + "{ shares { id } }",
        "{ ...A } fragment A on Query " + "@include(if: true) " * 21 + "{ shares { id } }",
        "{ ...A " + "@include(if: true) " * 21 + "} fragment A on Query { shares { id } }",
        "query ($a: Int! " + "@a " * 490 + ") { shares(limit: $a) { id } }",
    ],
    ids=["on a field", "unknown", "on the operation", "on a fragment", "on a spread", "on a variable"],
)
async def test_1_000_directives(house: House, way: str, document: str) -> None:
    assert set(await house.refused(document, way, {"a": 1})) <= {"COST_EXCEEDED", "BAD_REQUEST"}


@WAYS
@pytest.mark.parametrize(
    "document",
    [
        "{ " + "shares { id } " * 500 + "}",
        "{ " + "__typename " * 500 + "}",
        "{ shares { " + "id " * 500 + "} }",
        "{ __typename } fragment A on Share { " + "id " * 500 + "}",
        "query A { __typename } query B { shares { " + "id " * 500 + "} }",
    ],
    ids=["at the top", "of the type", "below", "in a fragment beside", "in an operation beside"],
)
async def test_500_repeated_fields(house: House, way: str, document: str) -> None:
    assert set(await house.refused(document, way)) <= {"COST_EXCEEDED", "BAD_REQUEST"}


@WAYS
@pytest.mark.parametrize("document", [nested(20), nested_by_fragments(20)], ids=["directly", "by fragments"])
async def test_depth_20(house: House, way: str, document: str) -> None:
    assert await house.refused(document, way) == ["COST_EXCEEDED"]


@WAYS
async def test_2_to_the_22_fragments(house: House, way: str) -> None:
    assert await house.refused(doubled(22), way) == ["COST_EXCEEDED"]


@WAYS
@pytest.mark.parametrize("beside", [False, True], ids=["asked for", "beside what is asked for"])
async def test_thirty_doubled_levels_of_fragments(house: House, way: str, beside: bool) -> None:  # noqa: FBT001
    document = doubled(30)
    if beside:
        document = document.replace("{ ...F0 }", "{ __typename }", 1)

    assert await house.refused(document, way) == ["COST_EXCEEDED"]


@WAYS_BUT_GET
@pytest.mark.parametrize(
    "document",
    [
        "{ shares " * 20_000,
        "{ shares " * 20_000 + "}" * 20_000,
        "{ shares(filter: " + "{not: " * 20_000 + "}" * 20_000 + ") { id } }",
        "{ shares(filter: " + "[" * 900,
        "query ($a: " + "[" * 450 + "Int" + "]" * 450 + ") { __typename }",
        "{" + "...{" * 480 + "}" * 480,
    ],
    ids=["fields", "fields that are closed", "filters", "lists", "types", "fragments without names"],
)
async def test_20_000_deep(house: House, way: str, document: str) -> None:
    assert set(await house.refused(document, way)) <= {"COST_EXCEEDED", "BAD_REQUEST"}


@WAYS
@pytest.mark.parametrize(
    "document",
    ["{ " + "a " * 20_000 + "}", "{" + "a " * 7_000 + "}", '{ shareByTag(tag: "") ' + "{}" * 7_000, "!" * 15_000],
    ids=["too long as well", "fields", "brackets", "no fields at all"],
)
async def test_20_000_tokens(house: House, way: str, document: str) -> None:
    assert set(await house.refused(document, way)) <= {"COST_EXCEEDED", "BAD_REQUEST"}


@WAYS
@pytest.mark.parametrize(
    "document",
    [
        "{ " + " ".join(f"wrong{number}" for number in range(5_000)) + " }",
        "{ shares { " + " ".join(f"w{number}" for number in range(290)) + " } }",
        "query (" + " ".join(f"$v{number}: Wrong{number}" for number in range(190)) + ") { shares { id } }",
        "{ shares(" + " ".join(f"w{number}: 1" for number in range(300)) + ") { id } }",
    ],
    ids=["too long as well", "fields", "variables", "arguments"],
)
async def test_5_000_errors(house: House, way: str, document: str) -> None:
    assert set(await house.refused(document, way)) <= {"COST_EXCEEDED", "BAD_REQUEST"}


@WAYS_BUT_GET
@pytest.mark.parametrize(
    "document",
    [
        "{ " + " ".join(f"shares(limit: {number}) {{ id }}" for number in range(3_000)) + " }",
        "{ industries { " + " ".join(f"shares(limit: {number}) {{ id }}" for number in range(100)) + " } }",
        "{ shares { " + "industry { id } " * 240 + "} }",
        "{ __typename } fragment A on Share { " + "industry { id id } " * 190 + "}",
    ],
    ids=["too long as well", "with other arguments", "the same", "in a fragment beside"],
)
async def test_3_000_overlapping_fields(house: House, way: str, document: str) -> None:
    assert set(await house.refused(document, way)) <= {"COST_EXCEEDED", "BAD_REQUEST"}


@WAYS_BUT_GET
@pytest.mark.parametrize("padding", [" " * 200_000, "#" + "x" * 200_000 + "\n"], ids=["white space", "a comment"])
async def test_a_document_that_is_mostly_nothing(house: House, way: str, padding: str) -> None:
    assert await house.refused(f"{{ __typename {padding} }}", way) == ["COST_EXCEEDED"]


async def test_a_document_of_1_mebibyte(house: House) -> None:
    document = "{ __typename " + " " * 2**20 + "}"

    with Statements(house.app.state.services.database) as statements:
        async with Api(house.app) as api:
            answer = await api(document, token=house.token)

    assert (answer.status, answer.codes, statements) == (413, ["BAD_REQUEST"], [])
    await house.serve_others()


@WAYS
@pytest.mark.parametrize("limit", [10**6, 501, -1, 2**31 - 1, -(2**31), 2**31, 2**64, 1e6, "1000000", None])
async def test_limit_1e6_and_minus_1(house: House, way: str, limit: Any) -> None:
    document = "query ($limit: Int!) { shares(limit: $limit) { id } }"

    codes = await house.refused(document, way, {"limit": limit})

    assert set(codes) <= {"COST_EXCEEDED", "INVALID_INPUT"}


@WAYS
@pytest.mark.parametrize("argument", ["limit: 1000000", "limit: -1", "offset: -1", "limit: 1e6"])
async def test_limit_1e6_and_minus_1_in_the_document(house: House, way: str, argument: str) -> None:
    codes = await house.refused(f"{{ shares({argument}) {{ id }} }}", way)

    assert set(codes) <= {"COST_EXCEEDED", "INVALID_INPUT", "BAD_REQUEST"}


# Against a process, all of them at once and again and again.

STORM = [
    doubled(22),
    doubled(30),
    doubled(30).replace("{ ...F0 }", "{ __typename }", 1),
    nested(20),
    nested_by_fragments(20),
    "{ " + " ".join(f"a{number}: shares {{ id }}" for number in range(101)) + " }",
    "{ shares " + "@skip(if: false) " * 1_000 + "{ id } }",
    "{ " + "shares { id } " * 500 + "}",
    "{ shares " * 20_000,
    "{ " + "a " * 20_000 + "}",
    "{ " + " ".join(f"wrong{number}" for number in range(5_000)) + " }",
    "{ " + " ".join(f"shares(limit: {number}) {{ id }}" for number in range(3_000)) + " }",
    "{ shares { " + " ".join(f"w{number}" for number in range(290)) + " } }",
    "{ __typename } fragment A on Share { " + "industry { id id } " * 190 + "}",
    "{ a: shares(limit: 500) { industry { shares(limit: 500) { id } } } }",
]


@pytest.fixture(scope="module")
def target(folder: Path) -> Iterator[Target]:
    with attacked(folder / "data") as target:
        yield target


def test_others_are_unharmed_while_all_of_them_come_at_once(target: Target) -> None:
    def attack(document: str) -> tuple[int, int]:
        with httpx.Client(base_url=target.server.base_url, timeout=PATIENCE_SECONDS) as client:
            for _ in range(3):
                headers = target.headers | EXACT
                response = client.post("/graphql", json={"query": document}, headers=headers)
                errors_in(response)
        return response.status_code, len(response.content)

    with target.unharmed(), ThreadPoolExecutor(8) as attackers:
        answers = list(attackers.map(attack, STORM * 2))

    assert {status for status, _ in answers} == {400}
    assert max(size for _, size in answers) < SMALL_BYTES
