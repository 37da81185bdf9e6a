"""Attacks by values: SQL, control characters, broken Unicode and huge numbers, in every place that takes a value.

The places are read off the schema, so that a new field is attacked as soon as there is one. Each gets two values
of a kind in turn, and all of them with TESTS_LONG. More values are in `tests/graph/test_bad_input.py`.
"""

import json
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    is_required_input_field,
)
from sqlalchemy import text
from starlette.applications import Starlette

from app.entities import Trader
from app.main import make_schema
from app.settings import Settings
from tests.callers import Api, Callers
from tests.factories import ManualClock, make_industry, make_share, make_trader
from tests.graph.conftest import quiet_app
from tests.promises import errors_in

pytestmark = pytest.mark.anyio

SCHEMA = make_schema().graphql
IS_LONG = bool(os.environ.get("TESTS_LONG"))

# What the database has no part in is the same over any.
on_sqlite = pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")

SQL = [
    "'; DROP TABLE share; --",
    "' OR '1'='1",
    '" OR 1=1) --',
    "x' UNION SELECT hash, 1 FROM password_hash --",
    ":id ? %s %(id)s $1 {id} \\'",
]
STRANGE = [
    "a\0b",
    "%_\\%",
    "\u202e\ufeff\x7f\x1b[2J",
    "😀" * 50,
    "x" * 50_000,
    "\r\nSet-Cookie: a=b",
    "NaN",
    "1e999999999",
]
# As JSON texts: no Python value is written as some of them.
NO_STRINGS = [str(2**64), str(2**63), str(-(2**64)), "1" + "0" * 400, "-1", "true", "[]", "{}"]
NO_JSON = [r'"\ud800"', r'"\udc00\ud800"', r'"a\ud800b"', "NaN", "Infinity", "-Infinity", "0x10", "'x'", '"\t"']

USUAL: dict[str, Any] = {
    "ID": "2",
    "String": "usual",
    "Int": 1,
    "Boolean": False,
    "Decimal": "1",
    "Date": "2020-01-01",
    "DateTime": "2020-01-01T00:00:00Z",
}


@dataclass(frozen=True)
class Place:
    """A place in the schema that takes a value: a root field, and the path from its arguments."""

    operation: str
    field: str
    path: tuple[str, ...]

    def __str__(self) -> str:
        return ".".join((self.field, *self.path))


def places() -> Iterator[Place]:
    """Every place, and one of those that are in filters within filters."""
    yield Place("query", "shares", ("filter", "and", "not", "or", "tag", "contains"))
    for operation, root in (("query", SCHEMA.query_type), ("mutation", SCHEMA.mutation_type)):
        assert root is not None
        for name, field in root.fields.items():
            for argument, taken in field.args.items():
                yield from (Place(operation, name, path) for path in _leaves(taken, (argument,)))


def _leaves(taken: GraphQLArgument | GraphQLInputField, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    kind = get_named_type(taken.type)
    if is_leaf_type(kind):
        yield path
    elif isinstance(kind, GraphQLInputObjectType) and len(path) < 3:
        for name, field in kind.fields.items():
            yield from _leaves(field, (*path, name))


PLACES = list(places())


def request(place: Place, value: str) -> str:
    """The body of a request with a value, as a JSON text, in a place, and whatever else has to be there."""
    root: GraphQLObjectType = getattr(SCHEMA, f"{place.operation}_type")
    field = root.fields[place.field]
    given = {
        name: _value(taken, place.path[1:] if name == place.path[0] else None)
        for name, taken in field.args.items()
        if name == place.path[0] or is_required_argument(taken)
    }
    declared = ", ".join(f"${name}: {field.args[name].type}" for name in given)
    passed = ", ".join(f"{name}: ${name}" for name in given)
    selected = "{ __typename }" if not is_leaf_type(get_named_type(field.type)) else ""
    document = f"{place.operation} ({declared}) {{ {place.field}({passed}) {selected} }}"
    body = json.dumps({"query": document, "variables": given})
    return body.replace(json.dumps(_HERE), value)


_HERE = "here"


def _value(taken: GraphQLArgument | GraphQLInputField, path: tuple[str, ...] | None) -> Any:
    """A usual value; with a path, one that has the mark at its end."""
    value = _bare_value(get_named_type(taken.type), path)
    kind = taken.type.of_type if isinstance(taken.type, GraphQLNonNull) else taken.type
    return [value] if isinstance(kind, GraphQLList) else value


def _bare_value(kind: Any, path: tuple[str, ...] | None) -> Any:
    if isinstance(kind, GraphQLInputObjectType):
        return {
            name: _value(field, path[1:] if path and name == path[0] else None)
            for name, field in kind.fields.items()
            if (path and name == path[0]) or is_required_input_field(field)
        }
    if path == ():
        return _HERE
    return next(iter(kind.values)) if isinstance(kind, GraphQLEnumType) else USUAL[kind.name]


@pytest.fixture
async def house(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    """An application with a share and a trader that nobody may touch, and others for whoever does."""
    async with quiet_app(settings, clock) as app:
        database = app.state.services.database
        for name in ("first", "second"):
            await make_trader(database, email=f"{name}@example.com")
            async with database.unit_of_work() as session:
                await make_share(session, await make_industry(session, tag=name), tag=name)
        yield app


UNTOUCHED = [
    "SELECT tag, price, version FROM share WHERE id = 1",
    "SELECT tag, name, version FROM industry WHERE id = 1",
    "SELECT email, first_name, version FROM trader WHERE id = 1",
    "SELECT hash FROM password_hash WHERE trader_id = 1",
]


async def untouched(app: Starlette) -> list[list[tuple[Any, ...]]]:
    """The rows that no request asks for."""
    database = app.state.services.database
    return [[tuple(row) for row in await database.fetch(text(statement))] for statement in UNTOUCHED]


async def send_everywhere(app: Starlette, clock: ManualClock, values: list[str]) -> set[str]:
    """Send values to every place, as whoever may do all; the codes of all answers."""
    token = Callers(app.state.services, clock).access(trader_id=2, roles=frozenset({Trader.ADMINISTRATOR}))
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    before, seen = await untouched(app), set[str]()
    async with Api(app) as api:
        for number, place in enumerate(PLACES):
            for value in values if IS_LONG else (values * 2)[number % len(values) :][:2]:
                body = request(place, value).encode()
                response = await api.http.post("/graphql", content=body, headers=headers)
                codes = [error["extensions"]["code"] for error in errors_in(response)]
                assert response.status_code in (200, 400, 401), (place, value)
                seen.update(codes or {"answered"})
    assert await untouched(app) == before
    return seen


def test_every_kind_of_place_is_known() -> None:
    names = {str(place) for place in PLACES}

    assert {
        "share.id",
        "shares.filter.tag.contains",
        "shares.filter.and.not.or.tag.contains",
        "shares.filter.tag.in",
        "shareCreate.input.price",
        "permitLogIn.input.password",
        "auditEventsConnection.after",
    } <= names


async def test_sql_in_every_string_is_a_value_or_an_error(house: Starlette, clock: ManualClock) -> None:
    seen = await send_everywhere(house, clock, [json.dumps(value) for value in SQL])

    assert {"answered", "INVALID_INPUT"} <= seen


async def test_hostile_strings_and_nul_in_every_place(house: Starlette, clock: ManualClock) -> None:
    seen = await send_everywhere(house, clock, [json.dumps(value) for value in STRANGE])

    assert {"answered", "INVALID_INPUT"} <= seen


@on_sqlite
async def test_ids_of_2_to_the_64_and_what_is_no_string_in_every_place(
    house: Starlette, clock: ManualClock
) -> None:
    seen = await send_everywhere(house, clock, NO_STRINGS)

    assert {"answered", "INVALID_INPUT"} <= seen


@on_sqlite
async def test_surrogates_and_nan_in_every_place(house: Starlette, clock: ManualClock) -> None:
    # What is no JSON is refused before it has a place.
    assert await send_everywhere(house, clock, NO_JSON) == {"BAD_REQUEST"}


HEADERS = (
    *("accept", "accept-language", "authorization", "content-type", "x-api-version", "origin", "cookie"),
    *("x-ms-client-request-id", "x-device-signature", "x-software-version", "x-hardware-version"),
    *("traceparent", "idempotency-key", "repeatability-request-id", "repeatability-first-sent"),
    *("if-none-match", "x-forwarded-for", "forwarded", "host", "content-encoding"),
)


@on_sqlite
@pytest.mark.parametrize("document", ["{ __typename }", "mutation { permitLogOut(input: {}) { outcome } }"])
async def test_hostile_strings_and_sql_in_every_header(house: Starlette, document: str) -> None:
    before = await untouched(house)

    async with Api(house) as api:
        for name in HEADERS:
            # What a header says may be repeated in words, and must not look like the inside.
            for value in (*SQL[:3], *STRANGE):
                headers = {b"content-type": b"application/json", name.encode(): value[:5_000].encode()}
                response = await api.http.post("/graphql", json={"query": document}, headers=headers)
                errors_in(response)
                assert response.status_code in (200, 400, 401, 406, 412, 415), (name, value)
                assert "set-cookie" not in response.headers

    assert await untouched(house) == before
