"""The hand-written limit: a bare ASGI application whose every answer is one statement that returns JSON.

It knows the benchmark's documents and no others, and remembers the tokens that it has verified. Nothing that
serves GraphQL from SQLite in Python on this server can be much faster; what it leaves out is the product.
"""

import sqlite3
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import orjson

from benchmarks.compare.cases import ALL, INDUSTRY, SHARE, UPDATE
from benchmarks.compare.peers.surroundings import DATABASE, verified

_PRICE = "printf('%d.%04d', price / 10000, price % 10000)"
_SHARE = f"json_object('id', CAST(id AS TEXT), 'tag', tag, 'price', {_PRICE}, 'version', version)"
_SHARES = f"""coalesce((SELECT group_concat({_SHARE}) FROM (
    SELECT id, tag, price, version FROM share WHERE industry_id = industry.id ORDER BY id)), '')"""  # noqa: S608
# Pieces of text are joined by hand: a JSON value within another would be parsed again.
_INDUSTRY = f"""'{{"id":"' || id || '","tag":' || json_quote(tag) || ',"name":' || json_quote(name)
    || ',"shares":[' || {_SHARES} || ']}}'"""

_STATEMENTS = {
    SHARE: f"""SELECT '{{"data":{{"share":' || {_SHARE} || '}}}}' FROM share WHERE id = :id""",  # noqa: S608
    INDUSTRY: f"""SELECT '{{"data":{{"industry":' || {_INDUSTRY} || '}}}}' FROM industry WHERE id = :id""",  # noqa: S608
    ALL: f"""SELECT '{{"data":{{"industries":[' || group_concat(each) || ']}}}}' FROM (
        SELECT {_INDUSTRY} AS each FROM industry ORDER BY id LIMIT :limit)""",  # noqa: S608
}
_UPDATE = f"""UPDATE share SET price = :price, version = version + 1 WHERE id = :id
    RETURNING '{{"data":{{"shareUpdate":{{"share":'
    || json_object('id', CAST(id AS TEXT), 'price', {_PRICE}, 'version', version) || ',"errors":[]}}}}}}'"""  # noqa: S608

_HEADERS = [(b"content-type", b"application/json")]


def _connected() -> sqlite3.Connection:
    connection = sqlite3.connect(DATABASE, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA mmap_size = 1073741824")
    connection.text_factory = bytes
    return connection


_connection = _connected()
_expiries: dict[bytes, float] = {}


def _let_in(headers: list[tuple[bytes, bytes]]) -> None:
    authorization = next(value for name, value in headers if name == b"authorization")
    expiry = _expiries.get(authorization)
    if expiry is None:
        claims = verified(authorization.removeprefix(b"Bearer ").decode())
        expiry = _expiries[authorization] = float(claims["exp"])
    if expiry <= time.time():
        raise PermissionError("the token has expired")


def _answer(body: bytes) -> bytes:
    asked = orjson.loads(body)
    variables = asked["variables"]
    if asked["query"] == UPDATE:
        given = variables["input"]
        whole, _, part = given["price"].partition(".")
        bound = {"id": int(given["id"]), "price": int(whole + f"{part:0<4}")}
        found: tuple[bytes] = _connection.execute(_UPDATE, bound).fetchall()[0]
    else:
        found = _connection.execute(_STATEMENTS[asked["query"]], variables).fetchone()
    return found[0]


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Answer one request."""
    _let_in(scope["headers"])
    message = await receive()
    body = message["body"]
    while message["more_body"]:
        message = await receive()
        body += message["body"]
    answer = _answer(body)
    length = (b"content-length", b"%d" % len(answer))
    await send({"type": "http.response.start", "status": 200, "headers": [*_HEADERS, length]})
    await send({"type": "http.response.body", "body": answer})
