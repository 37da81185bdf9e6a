"""The tables that a statement says it reads are those that the database sees it read."""

import asyncio
import sqlite3
from pathlib import Path

from graphql import parse, validate
from hypothesis import HealthCheck, given
from hypothesis import settings as examples

from app.compiler.plan import NotCompiled
from app.database import migrate, sqlite_url
from app.drivers.sqlite import lower
from app.graph.compiled import compile_read
from app.graph.documents import Document
from app.main import make_schema
from tests.compiler.operations import Operation, operations, plausible_cursors


def test_a_statement_reads_the_tables_that_it_names(tmp_path: Path) -> None:
    asyncio.run(migrate(sqlite_url(tmp_path / "tables.sqlite")))
    connection = sqlite3.connect(tmp_path / "tables.sqlite")
    connection.create_function("lower", 1, lower, deterministic=True)
    connection.create_function("base64url", 1, str, deterministic=True)
    schema = make_schema()
    read: set[str] = set()
    named_together: set[frozenset[str]] = set()

    def note(action: int, table: str | None, *_: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table is not None:
            read.add(table)
        return sqlite3.SQLITE_OK

    @examples(max_examples=200, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
    @given(operations(plausible_cursors()))
    def agree(operation: Operation) -> None:
        node = parse(operation.document)
        document = Document(operation.document, node)
        assert validate(schema.graphql, node) == []
        try:
            compiled = compile_read(schema.graphql, document, document.operations[0], schema.shelves, "sqlite")
            statement, values, _ = compiled.operation.statement_for(operation.variables)
        except NotCompiled:
            return
        # To prepare a statement is what asks the authorizer; one that was prepared before is not asked for again.
        connection.set_authorizer(note)
        read.clear()
        connection.execute(f"EXPLAIN {statement.sql}", values).fetchall()
        connection.set_authorizer(None)

        assert read - {"sqlite_master", "json_each"} == statement.tables
        named_together.add(statement.tables)

    agree()
    assert frozenset({"share", "industry"}) in named_together
    assert frozenset({"share"}) in named_together
    connection.close()
