"""What every answer promises, whatever was asked: a code of the schema, and nothing of the server's inside."""

import re
from typing import Any

import httpx
from graphql import EnumTypeDefinitionNode, parse

from app.graph.schema import SecuredSchema
from app.main import VERSION

INTERNAL = re.compile(
    r"Traceback|SELECT |INSERT |UPDATE |\bapp\.|\.py\b|(?i:sqlalchemy|sqlite|asyncpg|strawberry|graphql-core)"
)
"""What only the server's inside says."""


def _codes_of_the_schema() -> set[str]:
    (enum,) = (
        node
        for node in parse(SecuredSchema(VERSION).sdl).definitions
        if isinstance(node, EnumTypeDefinitionNode) and node.name.value == "ErrorCode"
    )
    return {value.name.value for value in enum.values or ()}


CODES = _codes_of_the_schema()
"""The codes that an error may have."""


def errors_in(response: httpx.Response) -> list[dict[str, Any]]:
    """The errors of an answer that keeps the promise; fails for any other."""
    assert response.status_code < 500
    assert response.headers["x-ms-request-id"]
    assert INTERNAL.search(response.text) is None
    body = response.json()
    assert set(body) <= {"data", "errors"}
    for error in body.get("errors", []):
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert error["extensions"]["code"] in CODES - {"INTERNAL_ERROR"}
        assert error["message"]
    errors: list[dict[str, Any]] = body.get("errors", [])
    return errors


def summary(response: httpx.Response) -> tuple[int, list[tuple[str, Any]]]:
    """The status, and of each error its code and the path of the value at fault."""
    errors = errors_in(response)
    return response.status_code, [(e["extensions"]["code"], e["extensions"].get("path")) for e in errors]
