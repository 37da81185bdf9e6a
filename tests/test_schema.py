"""The schema file says what the server serves."""

from pathlib import Path
from typing import Any

from graphql import (
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    graphql_sync,
    print_schema,
)

from app.graph.schema import SecuredSchema
from app.main import VERSION

FILE = Path(__file__).parents[1] / "schema.graphql"


def test_the_schema_file_is_what_the_code_exports() -> None:
    assert FILE.read_text() == SecuredSchema(VERSION).sdl


def test_the_schema_file_is_what_introspection_tells() -> None:
    served = SecuredSchema(VERSION).graphql

    assert _told_by(served) == _told_by(build_schema(FILE.read_text()))


def _told_by(schema: GraphQLSchema) -> list[str]:
    """What introspection tells of a schema, line by line, without descriptions."""
    told: Any = graphql_sync(schema, get_introspection_query(descriptions=False)).data
    return sorted(print_schema(build_client_schema(told)).splitlines())
