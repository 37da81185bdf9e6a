"""How SQLite and PostgreSQL spell JSON: rows as arrays, rows as an array of those, and texts out of one."""

from typing import Any

from sqlalchemy import ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class JsonRow(FunctionElement[str]):
    """One row as a JSON array of its columns."""

    type = Text()
    inherit_cache = True
    name = "json_row"


class NestedJson(FunctionElement[str]):
    """A column that holds JSON already, to be taken as it is and not as a text."""

    type = Text()
    inherit_cache = True
    name = "nested_json"


class JsonRows(FunctionElement[str]):
    """All rows of a subquery as a JSON array: first the row, then what they are ordered by."""

    type = Text()
    inherit_cache = True
    name = "json_rows"


class LowerTexts(FunctionElement[str]):
    """The texts of a JSON array as a subquery, in lower case as the database has it."""

    type = Text()
    inherit_cache = True
    name = "lower_texts"


@compiles(JsonRow, "sqlite")
def _(element: JsonRow, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_array({compiler.process(element.clauses, **options)})"


@compiles(JsonRow, "postgresql")
def _(element: JsonRow, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_build_array({compiler.process(element.clauses, **options)})"


@compiles(NestedJson, "sqlite")
def _(element: NestedJson, compiler: SQLCompiler, **options: Any) -> str:
    # A value loses its mark of being JSON when it leaves a subquery.
    return f"json({compiler.process(element.clauses, **options)})"


@compiles(NestedJson, "postgresql")
def _(element: NestedJson, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(JsonRows, "sqlite")
def _(element: JsonRows, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite before 3.44 cannot order inside an aggregate, but keeps the order of a limited subquery.
    row, *_ = _arguments(element)
    return f"json_group_array({compiler.process(row, **options)})"


@compiles(JsonRows, "postgresql")
def _(element: JsonRows, compiler: SQLCompiler, **options: Any) -> str:
    row, *order = _arguments(element)
    ordered = ", ".join(compiler.process(clause, **options) for clause in order)
    return f"coalesce(json_agg({compiler.process(row, **options)} ORDER BY {ordered}), '[]')"


@compiles(LowerTexts, "sqlite")
def _(element: LowerTexts, compiler: SQLCompiler, **options: Any) -> str:
    texts = compiler.process(element.clauses, **options)
    return f"(SELECT lower(value) FROM json_each({texts}))"  # noqa: S608 - SQLAlchemy's own text for a bind


@compiles(LowerTexts, "postgresql")
def _(element: LowerTexts, compiler: SQLCompiler, **options: Any) -> str:
    texts = f"CAST({compiler.process(element.clauses, **options)} AS json)"
    return f"(SELECT lower(value) FROM json_array_elements_text({texts}))"  # noqa: S608 - the same


def _arguments(element: FunctionElement[str]) -> list[ColumnElement[Any]]:
    return list(element.clauses)
