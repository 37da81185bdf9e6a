"""Operations beside the statements that answer them: a change of a statement is seen where it is reviewed.

`python -m tests.compiler.test_golden` writes the statements anew; read the difference before it is committed.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from app.database import Database
from app.graph.compiled import compile_read
from app.graph.explaining import explain
from app.graph.measuring import DocumentLimits
from app.main import make_schema
from app.web.operations import read_operation
from tests.factories import NOON, make_industry, make_share

FOLDERS = sorted(folder for folder in (Path(__file__).parent / "golden").iterdir())
COMPILED = [folder for folder in FOLDERS if not folder.name.startswith("refused")]
REFUSED = [folder for folder in FOLDERS if folder.name.startswith("refused")]
DIALECTS = ("sqlite", "postgresql")


def document(folder: Path) -> str:
    return (folder / "operation.graphql").read_text()


def variables(folder: Path) -> dict[str, Any]:
    file = folder / "variables.json"
    values: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    return values


def explained(folder: Path, dialect: str) -> str:
    return explain(make_schema(), document(folder), variables(folder), dialect) + "\n"


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("folder", COMPILED, ids=lambda folder: folder.name)
def test_an_operation_is_the_statement_on_record(folder: Path, dialect: str) -> None:
    assert explained(folder, dialect) == (folder / f"statement.{dialect}.sql").read_text()


@pytest.mark.parametrize("folder", REFUSED, ids=lambda folder: folder.name)
def test_an_operation_that_does_not_compile_says_why(folder: Path) -> None:
    assert explained(folder, "sqlite") == (folder / "why.md").read_text()


@pytest.mark.anyio
@pytest.mark.parametrize("folder", COMPILED, ids=lambda folder: folder.name)
async def test_a_statement_gives_the_answer_on_record(folder: Path, database: Database) -> None:
    schema = make_schema()
    operation = read_operation(document(folder), None, schema.documents, DocumentLimits())
    async with database.unit_of_work() as session:
        drinks = await make_industry(session, tag="drinks", name="Bières & limonades", now=NOON)
        await make_share(session, drinks, tag="BUD", price="10.2800", now=NOON)
        await make_share(session, drinks, tag="COLA", price="700", now=NOON)
        tech = await make_industry(session, tag="tech", name='"Tech"', now=NOON)
        await make_share(session, tech, tag="BYTE", price="999.9999", now=NOON)
    compiled = compile_read(schema.graphql, operation.known, operation.node, schema.shelves, database.dialect_name)
    statement, values, _ = compiled.operation.statement_for(variables(folder))

    # On both ways that a reader has.
    for is_short in (True, False):
        found: Any = database.reader.read(statement.sql, values, is_short=is_short)
        data = found if isinstance(found, bytes) else await found
        assert json.loads(data) == json.loads((folder / "answer.json").read_text())


if __name__ == "__main__":
    for each in COMPILED:
        for spelling in DIALECTS:
            (each / f"statement.{spelling}.sql").write_text(explained(each, spelling))
    for each in REFUSED:
        (each / "why.md").write_text(explained(each, "sqlite"))
