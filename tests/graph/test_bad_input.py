"""Bad input of any kind gets an error with a code of the schema and nothing of the server's inside."""

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio.from_thread
import anyio.to_thread
import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples_of
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.types import Message

from app.database import Database
from app.settings import Settings
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import make_share
from tests.promises import errors_in, summary

pytestmark = pytest.mark.anyio

# Of the two media types the one whose statuses tell a request error from an answer.
EXACT = {"accept": "application/graphql-response+json"}

Send = Callable[..., Coroutine[Any, Any, httpx.Response]]


@pytest.fixture
async def send(api: Api, callers: Callers, app_database: Database) -> Send:
    """Sends any body as a manager, to a server that has a share."""
    async with app_database.unit_of_work() as session:
        await make_share(session, tag="BUD")

    async def send(content: bytes | str = b"", *, method: str = "POST", **headers: str) -> httpx.Response:
        token = callers.manager
        sent = {"content-type": "application/json", "authorization": f"Bearer {token}", **EXACT} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        return await api.http.request(method, "/graphql", content=content, headers=sent)

    return send


def operation(query: object, **others: Any) -> str:
    return json.dumps({"query": query, **others})


# Bodies and requests.

BAD_REQUESTS: dict[str, tuple[Any, int]] = {
    "nothing": (b"", 400),
    "not JSON": (b"{", 400),
    "not UTF-8": (b'{"query": "\xff"}', 400),
    "UTF-16": ('{"query": "{ service { version } }"}'.encode("utf-16"), 400),
    "NaN": (b'{"query": "{ __typename }", "variables": {"a": NaN}}', 400),
    "Infinity": (b'{"query": "{ __typename }", "variables": {"a": -Infinity}}', 400),
    "lone surrogate": (rb'{"query": "{ __typename }", "variables": {"a": "\ud800"}}', 400),
    "lone surrogate as a key": (rb'{"\ud800": 1}', 400),
    "20,000 brackets": (b"[" * 20_000, 400),
    "20,000 brackets that are closed": (b"[" * 20_000 + b"]" * 20_000, 400),
    "an array": (b"[]", 400),
    "a batch": ("[" + operation("{ __typename }") + "]", 400),
    "a scalar": (b"3", 400),
    "null": (b"null", 400),
    "a text": (b'"{ __typename }"', 400),
    "no query": (b"{}", 400),
    "a null query": (operation(None), 400),
    "an empty query": (operation(""), 400),
    "a blank query": (operation(" \n#\n"), 400),
    "a query of the wrong type": (operation(["{ __typename }"]), 400),
    "variables of the wrong type": (operation("{ __typename }", variables=[1]), 400),
    "variables as a text": (operation("{ __typename }", variables="{}"), 400),
    "an operation name of the wrong type": (operation("{ __typename }", operationName=1), 400),
    "extensions of the wrong type": (operation("{ __typename }", extensions=True), 400),
    "an unknown operation name": (operation("query A { __typename }", operationName="B"), 400),
    "an operation name with a NUL": (operation("query A { __typename }", operationName="\0😀"), 400),
    "several operations without a name": (operation("query A { __typename } query B { __typename }"), 400),
    "no operation": (operation("fragment A on Share { id }"), 400),
    "a type definition": (operation("type A { b: Int }"), 400),
    "a syntax error": (operation("{ shares { id }"), 400),
    "a NUL in the document": (operation("{ shares\0 { id } }"), 400),
    "a control character": (operation('{ shareByTag(tag: "\u0007') , 400),
    "a surrogate escaped in the document": (operation('{ shareByTag(tag: "\\ud800") { id } }'), 400),
    "a document of 900 brackets": (operation("{a" * 450), 400),
    "deep lists": (operation("{ shares(filter: " + "[" * 400 + "]" * 400 + ") { id } }"), 400),
    "an unknown field": (operation("{ nothing }"), 400),
    "an unknown type": (operation("query ($a: Nothing) { __typename }"), 400),
    "an unused variable": (operation("query ($a: Int) { __typename }"), 400),
    "an undefined variable": (operation("{ shares(limit: $a) { id } }"), 400),
    "an unknown argument": (operation("{ shares(most: 1) { id } }"), 400),
    "an unknown fragment": (operation("{ ...A }"), 400),
    "a fragment that spreads itself": (operation("{ ...A } fragment A on Query { ...A }"), 400),
    "an unknown directive": (operation("{ service @nothing { version } }"), 400),
    "no selection": (operation("{ shares }"), 400),
    "a subscription": (operation("subscription { priceTicked { id } }"), 400),
    "an output type as an input": (operation("query ($a: Share) { __typename }"), 400),
}  # fmt: skip


async def test_a_request_that_is_no_operation_is_a_bad_request(send: Send, statements: Statements) -> None:
    statements.clear()

    answers = {name: summary(await send(content)) for name, (content, _) in BAD_REQUESTS.items()}

    assert answers == {name: (status, answers[name][1]) for name, (_, status) in BAD_REQUESTS.items()}
    assert {code for _, errors in answers.values() for code, _ in errors} == {"BAD_REQUEST"}
    assert [name for name, (_, errors) in answers.items() if not errors] == []
    assert statements == []


async def test_another_method_is_not_allowed(send: Send) -> None:
    methods = ("PUT", "DELETE", "PATCH", "OPTIONS", "HEAD")

    responses = [await send(operation("{ __typename }"), method=method) for method in methods]

    assert [(each.status_code, each.headers["allow"]) for each in responses] == [(405, "GET, POST")] * len(methods)
    # To HEAD there is no body.
    assert [summary(response) for response in responses[:-1]] == [(405, [("BAD_REQUEST", None)])] * 4


async def test_a_body_that_is_not_said_to_be_json_is_not_read(send: Send) -> None:
    media_types = (
        *("", "text/plain", "application/graphql", "application/x-www-form-urlencoded", "application/jsonx"),
        *("multipart/form-data; boundary=x", "text/html; x=application/json", "application/json, text/plain"),
    )

    responses = [await send(operation("{ __typename }"), content_type=media_type) for media_type in media_types]

    assert [summary(response) for response in responses] == [(415, [("BAD_REQUEST", None)])] * len(media_types)


async def test_json_is_taken_whatever_its_parameters(send: Send) -> None:
    media_types = ("application/json", "Application/JSON ; charset=utf-8")

    responses = [await send(operation("{ __typename }"), content_type=media_type) for media_type in media_types]

    assert [response.json() for response in responses] == [{"data": {"__typename": "Query"}}] * 2


async def test_a_mutation_by_get_is_not_done(
    send: Send, api: Api, callers: Callers, statements: Statements
) -> None:
    statements.clear()

    response = await api.http.get(
        "/graphql",
        params={"query": 'mutation { shareDelete(input: {id: "1"}) { outcome } }'},
        headers={"Authorization": f"Bearer {callers.manager}"},
    )

    assert summary(response) == (405, [("BAD_REQUEST", None)])
    assert statements == []


async def test_parameters_of_a_get_that_are_wrong_are_a_bad_request(api: Api) -> None:
    wrong = (
        *("", "query=", "query=%7B", "query=%FF%00", "variables={}", "query={__typename}%26variables=%5B%5D"),
        *(f"query=%7B__typename%7D&variables={bad}" for bad in ("%5B%5D", "x", "1", "%22%5Cud800%22", "NaN")),
    )

    responses = [await api.http.get(f"/graphql?{parameters}", headers=EXACT) for parameters in wrong]

    assert [summary(response) for response in responses] == [(400, [("BAD_REQUEST", None)])] * len(wrong)


async def test_a_body_of_the_largest_size_is_read_and_one_byte_more_is_not(send: Send, settings: Settings) -> None:
    whole = operation("{ __typename }")
    largest = whole + " " * (settings.max_body_bytes - len(whole))

    assert (await send(largest)).json() == {"data": {"__typename": "Query"}}
    assert summary(await send(largest + " ")) == (413, [("BAD_REQUEST", None)])


async def test_a_body_without_end_is_refused_before_it_ends(app: Starlette, settings: Settings) -> None:
    read = 0

    async def without_end() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 1_000
            yield b" " * 1_000

    messages = without_end()
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": await anext(messages), "more_body": True}

    async def note(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/graphql",
        "raw_path": b"/graphql",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"5")],
    }
    # httpx's own transport would read all of it first.
    await app(scope, receive, note)

    assert sent[0]["status"] == 413
    assert settings.max_body_bytes < read <= settings.max_body_bytes + 1_000


# Values.

CREATE = "mutation ($i: ShareCreateInput!) { shareCreate(input: $i) { errors { code path } } }"
GOOD = {"industryId": "1", "tag": "NEW", "price": "1"}
FILTER = "query ($f: ShareFilter) { shares(filter: $f) { id } }"
ORDER = "query ($o: [ShareOrder!]) { shares(orderBy: $o) { id } }"
LIMIT = "query ($l: Int!) { shares(limit: $l) { id } }"
TAG = "query ($t: String!) { shareByTag(tag: $t) { id } }"

NO_TEXTS: list[Any] = [None, 1, True, [], {}, ["x"], 1.5]
NO_IDS: list[Any] = [None, True, [], {}, 1.5]
NO_DECIMALS: list[Any] = [
    *(None, True, False, [], {}, "", "x", "NaN", "sNaN", "Infinity", "-inf", "1e400", "1e-400", "1_0"),
    *("0x1", "1,5", "\u0661", "1" * 65, "1\0", "\u066b5", "1e99999999999999999999"),
]
NO_INTS: list[Any] = [None, "1", True, 1.5, 10**30, 2**31, -(2**31) - 1, [], {}]

# A document, its variables, and the path of the value at fault.
BAD_VALUES: list[tuple[str, dict[str, Any] | None, list[list[str]]]] = [
    (CREATE, None, [["i"]]),
    (CREATE, {}, [["i"]]),
    (CREATE, {"i": None}, [["i"]]),
    (CREATE, {"i": 3}, [["i"]]),
    (CREATE, {"i": "x"}, [["i"]]),
    (CREATE, {"i": []}, [["i"]]),
    (CREATE, {"i": {}}, [["i", "industryId"], ["i", "tag"], ["i", "price"]]),
    (CREATE, {"i": {**GOOD, "nothing": 1, "other": 2}}, [["i", "nothing"], ["i", "other"]]),
    (CREATE, {"i": {"tag": "x", "price": "1", "id": "1"}}, [["i", "industryId"], ["i", "id"]]),
    *((CREATE, {"i": {**GOOD, "tag": bad}}, [["i", "tag"]]) for bad in NO_TEXTS),
    *((CREATE, {"i": {**GOOD, "industryId": bad}}, [["i", "industryId"]]) for bad in NO_IDS),
    *(
        (CREATE, {"i": {**GOOD, "price": bad}}, [["i", "price"]])
        for bad in NO_DECIMALS
    ),
    (CREATE, {"i": {**GOOD, "tag": "a\0b"}}, [["i", "tag"]]),
    (FILTER, {"f": {"tag": {"contains": "\0"}}}, [["f", "tag", "contains"]]),
    (FILTER, {"f": {"id": {"in": ["a", None, "\0", {}]}}}, [["f", "id", "in", n] for n in ("1", "3", "2")]),
    (
        FILTER,
        {"f": {"or": [{}, {"and": [{"not": {"price": {"gte": True}}}]}]}},
        [["f", "or", "1", "and", "0", "not", "price", "gte"]],
    ),
    (FILTER, {"f": {"price": 3}}, [["f", "price"]]),
    (FILTER, {"f": {"not": {"nothing": {"eq": 1}}}}, [["f", "not", "nothing"]]),
    (FILTER, {"f": {"tag": {"matches": ".*"}}}, [["f", "tag", "matches"]]),
    *(
        (FILTER, {"f": {"updatedAt": {"gte": bad}}}, [["f", "updatedAt", "gte"]])
        for bad in (
            *(1, "", "now", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T25:00:00Z"),
            *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "2026-01-01T00:00:00+99:99"),
        )
    ),
    (ORDER, {"o": [{"field": "PASSWORD"}]}, [["o", "0", "field"]]),
    (ORDER, {"o": [{"direction": "ASC"}, 3]}, [["o", "0", "field"], ["o", "1"]]),
    (ORDER, {"o": [{"field": "ID", "direction": "asc"}]}, [["o", "0", "direction"]]),
    *((LIMIT, {"l": wrong}, [["l"]]) for wrong in NO_INTS),
    (LIMIT, {}, [["l"]]),
    (TAG, {"t": None}, [["t"]]),
    (TAG, {"t": 1}, [["t"]]),
    (TAG, {"t": "\0"}, [["t"]]),
    (TAG, {"t": {"a": [1]}}, [["t"]]),
]  # fmt: skip


async def test_a_value_of_the_wrong_type_is_named_by_its_path_before_anything_runs(
    send: Send, statements: Statements
) -> None:
    statements.clear()

    answers = [summary(await send(operation(query, variables=variables))) for query, variables, _ in BAD_VALUES]

    assert answers == [(400, [("INVALID_INPUT", path) for path in paths]) for _, _, paths in BAD_VALUES]
    assert statements == []


async def test_no_more_than_five_values_are_blamed_at_once(send: Send) -> None:
    response = await send(operation(FILTER, variables={"f": {"tag": {"in": [1] * 100}}}))

    assert summary(response) == (400, [("INVALID_INPUT", ["f", "tag", "in", str(n)]) for n in range(5)])


async def test_values_that_are_strange_but_right_are_taken(send: Send, app_database: Database) -> None:
    answers = [
        (await send(operation(query, variables=variables))).json()
        for query, variables in (
            (TAG, {"t": "😀\u202e\ufffe\x7f'\"\\;--"}),
            (TAG, {"t": "x" * 100_000}),
            (FILTER, {"f": {"tag": {"contains": "\u0007😀"}}}),
            (FILTER, {"f": {"price": {"gt": "1e40", "lt": "-1e40"}}}),
            (FILTER, {"f": {"updatedAt": {"gte": "0001-01-01T00:00:00Z", "lt": "9999-12-31T23:59:59.999999Z"}}}),
            (FILTER, {"f": None, "unknown": [1]}),
            (FILTER, {"f": {"tag": {"startsWith": "B"}, "id": {"in": 1}}}),
        )
    ]

    one = {"data": {"shares": [{"id": "1"}]}}
    nothing: dict[str, Any] = {"data": {"shares": []}}
    none = {"data": {"shareByTag": None}}
    assert answers == [none, none, nothing, nothing, one, one, one]


async def test_literals_in_the_document_are_held_to_the_same_rules(send: Send, statements: Statements) -> None:
    documents = [
        '{ shareByTag(tag: "a\\u0000") { id } }',
        '{ shares(filter: {tag: {in: ["a", """b\\u0000""", "\\u{0}"]}}) { id } }',
        "{ shares(filter: {price: {eq: true}}) { id } }",
        "{ shares(filter: {price: {eq: NaN}}) { id } }",
        "{ shares(filter: {price: {eq: {a: 1}}}) { id } }",
        '{ shares(filter: {updatedAt: {lt: "x"}}) { id } }',
        "{ shares(limit: 99999999999999999999) { id } }",
        "{ shares(limit: null) { id } }",
        "{ share(id: 1.5) { id } }",
        "{ share(id: null) { id } }",
        "{ shares(orderBy: {field: PASSWORD}) { id } }",
        'mutation { shareCreate(input: {tag: "x"}) { outcome } }',
    ]
    statements.clear()

    answers = [summary(await send(operation(document))) for document in documents]

    assert [status for status, _ in answers] == [400] * len(documents)
    assert [{code for code, _ in errors} for _, errors in answers] == [
        {"INVALID_INPUT"},
        {"INVALID_INPUT"},
        *[{"BAD_REQUEST"}] * (len(documents) - 2),
    ]
    assert statements == []


async def test_filters_nested_deeper_than_can_be_worked_are_refused(send: Send) -> None:
    statuses = set()
    for levels in (*range(20, 240, 20), 500, 900):
        variables: dict[str, Any] = {"tag": {"eq": "x"}}
        for _ in range(levels):
            variables = {"not": variables}
        literal = "{not: " * levels + '{tag: {eq: "x"}}' + "}" * levels
        statuses.add((await send(operation(FILTER, variables={"f": variables}))).status_code)
        errors_in(await send(operation(FILTER, variables={"f": variables})))
        errors_in(await send(operation(f"{{ shares(filter: {literal}) {{ id }} }}")))

    assert statuses <= {200, 400}


# Anything at all.

NAMES = st.sampled_from(
    [
        "query",
        "variables",
        "operationName",
        "extensions",
        "i",
        "f",
        "o",
        "l",
        "t",
        "id",
        "tag",
        "price",
        "eq",
        "in",
    ]
) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(["1", "10.28", "BUD", "\0", "x" * 300, "-0", "1e30", "2026-01-01T00:00:00Z", "ID", "DESC"])
)
JSON = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=4) | st.dictionaries(NAMES, below, max_size=4), max_leaves=12
)
FILTERS = st.recursive(
    st.dictionaries(
        st.sampled_from(["id", "tag", "price", "updatedAt"]), st.dictionaries(NAMES, JSON, max_size=2)
    ),
    lambda below: st.fixed_dictionaries({}, optional={"and": st.lists(below), "or": below, "not": below}),
    max_leaves=5,
)
BODIES = JSON | st.fixed_dictionaries(
    {
        "query": st.sampled_from([CREATE, FILTER, ORDER, LIMIT, TAG]) | st.text(),
        "variables": st.fixed_dictionaries(
            {},
            optional={
                "i": st.dictionaries(st.sampled_from(["industryId", "tag", "price", "x"]), SCALARS) | JSON,
                "f": FILTERS | JSON,
                "o": JSON,
                "l": JSON,
                "t": JSON,
            },
        )
        | JSON,
    },
    optional={"operationName": JSON, "extensions": JSON},
)  # fmt: skip


async def test_whatever_json_comes_the_promise_is_kept(send: Send) -> None:
    seen: set[str] = set()

    @examples_of(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(BODIES)
    def examples(body: Any) -> None:
        response = anyio.from_thread.run(send, json.dumps(body))

        errors = errors_in(response)
        assert errors or response.status_code == 200
        seen.update(error["extensions"]["code"] for error in errors)
        seen.add("answered" if response.json().get("data") else "refused")

    await anyio.to_thread.run_sync(examples)

    # Without these the examples would not get far.
    assert {"BAD_REQUEST", "INVALID_INPUT", "answered"} <= seen
