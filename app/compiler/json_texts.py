"""How SQLite and PostgreSQL write JSON texts: scalars as the schema's scalars are written, objects, arrays.

Both spell an object as pieces of text joined by `||`, which keeps the order of fields. SQLite has its own
function for an object of nothing but scalars, which is faster by a third (measured with 5,000 rows).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Integer, String, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString

from app.kit.moments import Moment
from app.kit.money import PLACES, Money
from app.kit.tables import Key

# SQLite takes 127 arguments for a function (100 before 3.46 where it was built so), two for each field.
_MOST_IN_A_FUNCTION = 48


class JsonScalar(FunctionElement[str]):
    """A column's value as JSON."""

    type = Text()
    inherit_cache = False
    name = "json_scalar"


class Literal(FunctionElement[str]):
    """A name of the schema as a JSON string; GraphQL's names need no escape anywhere."""

    type = Text()
    inherit_cache = False
    name = "json_literal"

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


class Opaque(FunctionElement[str]):
    """The key that is unique over all types: a type's name and a key in base64url (RFC 4648, section 5)."""

    type = Text()
    inherit_cache = False
    name = "json_opaque"

    def __init__(self, type_name: str, column: ColumnElement[int]) -> None:
        super().__init__(column)
        self.type_name = type_name


class JsonMembers(FunctionElement[str]):
    """A JSON object of members that are JSON texts already."""

    type = Text()
    inherit_cache = False
    name = "json_members"

    def __init__(self, members: Sequence[tuple[str, ColumnElement[Any]]]) -> None:
        super().__init__(*(member for _, member in members))
        self.keys_ = [key for key, _ in members]


class JsonObject(JsonMembers):
    """A row's JSON object."""

    name = "json_row_object"
    inherit_cache = False


class JsonArray(FunctionElement[str]):
    """All rows' objects as a JSON array: first the object, then what they are ordered by."""

    type = Text()
    inherit_cache = False
    name = "json_array_of_rows"


def is_text(column_type: TypeEngine[Any]) -> bool:
    """Say whether a column holds texts."""
    return isinstance(column_type, String | AutoString)


def is_writable(column_type: TypeEngine[Any]) -> bool:
    """Say whether a column's values can be written as JSON by both databases."""
    return isinstance(column_type, Money | Moment | Integer) or is_text(column_type)


# -- SQLite


def _in_sqlite(column_type: TypeEngine[Any], value: str) -> tuple[str, bool]:
    """Write a value as an SQL value, and say whether it is a text that has to be quoted."""
    if isinstance(column_type, Money):
        unit = 10**PLACES
        return f"printf('%d.%0{PLACES}d', {value} / {unit}, {value} % {unit})", True
    if isinstance(column_type, Moment):
        return f"strftime('%Y-%m-%dT%H:%M:%fZ', {value} / 1000.0, 'unixepoch')", True
    if column_type is Key:
        return f"CAST({value} AS TEXT)", True
    return value, is_text(column_type)


@compiles(JsonScalar, "sqlite")
def _(element: JsonScalar, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    value, is_quoted = _in_sqlite(column.type, compiler.process(column, **options))
    if is_text(column.type):
        return f"json_quote({value})"
    return f"'\"' || {value} || '\"'" if is_quoted else value


@compiles(Opaque, "sqlite")
def _(element: Opaque, compiler: SQLCompiler, **options: Any) -> str:
    return f"'\"' || {_opaque_in_sqlite(element, compiler, options)} || '\"'"


def _opaque_in_sqlite(element: Opaque, compiler: SQLCompiler, options: dict[str, Any]) -> str:
    return f"base64url('{element.type_name}:' || {compiler.process(element.clauses, **options)})"


@compiles(JsonObject, "sqlite")
def _(element: JsonObject, compiler: SQLCompiler, **options: Any) -> str:
    if not _is_flat(element):
        return _joined(element, compiler, options)
    arguments = []
    for key, member in zip(element.keys_, element.clauses, strict=True):
        if isinstance(member, Literal):
            value = f"'{member.text}'"
        elif isinstance(member, Opaque):
            value = _opaque_in_sqlite(member, compiler, options)
        else:
            (column,) = member.clauses
            value, _ = _in_sqlite(column.type, compiler.process(column, **options))
        arguments.append(f"'{key}', {value}")
    return f"json_object({', '.join(arguments)})"


@compiles(JsonArray, "sqlite")
def _(element: JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    # SQLite before 3.44 cannot order inside an aggregate, but keeps the order of a limited subquery.
    row, *_ = list(element.clauses)
    text = compiler.process(row, **options)
    if isinstance(row, JsonObject) and _is_flat(row):
        return f"json_group_array({text})"
    return f"'[' || coalesce(group_concat({text}), '') || ']'"


def _is_flat(element: JsonObject) -> bool:
    return len(element.keys_) <= _MOST_IN_A_FUNCTION and all(
        isinstance(member, JsonScalar | Literal | Opaque) for member in element.clauses
    )


# -- PostgreSQL


@compiles(JsonScalar, "postgresql")
def _(element: JsonScalar, compiler: SQLCompiler, **options: Any) -> str:
    (column,) = element.clauses
    value = compiler.process(column, **options)
    if isinstance(column.type, Moment):
        moment = f"to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS')"
        return f"'\"' || {moment} || 'Z\"'"
    if isinstance(column.type, Money) or column.type is Key:
        return f"'\"' || CAST({value} AS TEXT) || '\"'"
    if is_text(column.type):
        return f"CAST(to_json({value}) AS TEXT)"
    return f"CAST({value} AS TEXT)"


@compiles(Opaque, "postgresql")
def _(element: Opaque, compiler: SQLCompiler, **options: Any) -> str:
    name = f"'{element.type_name}:' || {compiler.process(element.clauses, **options)}"
    return f"'\"' || translate(encode(convert_to({name}, 'UTF8'), 'base64'), '+/', '-_') || '\"'"


@compiles(JsonArray, "postgresql")
def _(element: JsonArray, compiler: SQLCompiler, **options: Any) -> str:
    row, *order = list(element.clauses)
    ordered = ", ".join(compiler.process(clause, **options) for clause in order)
    text = compiler.process(row, **options)
    return f"'[' || coalesce(string_agg({text}, ',' ORDER BY {ordered}), '') || ']'"


# -- Both


@compiles(Literal)
def _(element: Literal, _compiler: SQLCompiler, **_options: Any) -> str:
    return f"'\"{element.text}\"'"


@compiles(JsonMembers)
@compiles(JsonObject, "postgresql")
def _(element: JsonMembers, compiler: SQLCompiler, **options: Any) -> str:
    return _joined(element, compiler, options)


def _joined(element: JsonMembers, compiler: SQLCompiler, options: dict[str, Any]) -> str:
    if not element.keys_:
        return "'{}'"
    pieces = []
    before = "{"
    for key, member in zip(element.keys_, element.clauses, strict=True):
        pieces.append(f"'{before}\"{key}\":' || {compiler.process(member, **options)}")
        before = ","
    return " || ".join([*pieces, "'}'"])
