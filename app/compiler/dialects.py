"""How SQLite and PostgreSQL spell JSON arrays of rows, texts out of one, and sums and means of amounts."""

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from app.kit.money import PLACES, UNITS, Money


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


class SumOfWhole(FunctionElement[int]):
    """What the whole parts of amounts sum up to: in ten-thousandths, a 64-bit number could overflow."""

    type = BigInteger()
    inherit_cache = True
    name = "sum_of_whole"


class SumOfRest(FunctionElement[int]):
    """What is left of amounts beside their whole parts, summed up in ten-thousandths."""

    type = BigInteger()
    inherit_cache = True
    name = "sum_of_rest"


class Mean(FunctionElement[Decimal]):
    """The mean of amounts, exact to the ten-thousandth, halves to the even one; NULL if there are none.

    Takes how many there are, and what their whole parts and the rests sum up to.
    """

    type = Money()
    inherit_cache = True
    name = "mean"


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


@compiles(SumOfWhole, "sqlite")
def _(element: SumOfWhole, compiler: SQLCompiler, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)} / {UNITS})"


@compiles(SumOfWhole, "postgresql")
def _(element: SumOfWhole, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(sum(trunc({compiler.process(element.clauses, **options)})) AS BIGINT)"


@compiles(SumOfRest, "sqlite")
def _(element: SumOfRest, compiler: SQLCompiler, **options: Any) -> str:
    return f"sum({compiler.process(element.clauses, **options)} % {UNITS})"


@compiles(SumOfRest, "postgresql")
def _(element: SumOfRest, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(sum({compiler.process(element.clauses, **options)} % 1 * {UNITS}) AS BIGINT)"


@compiles(Mean, "sqlite")
def _(element: Mean, compiler: SQLCompiler, **options: Any) -> str:
    return _mean_units(element, compiler, options)


@compiles(Mean, "postgresql")
def _(element: Mean, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST(({_mean_units(element, compiler, options)}) * {1 / UNITS} AS NUMERIC(19, {PLACES}))"


def _mean_units(element: Mean, compiler: SQLCompiler, options: dict[str, Any]) -> str:
    number, whole, rest = (compiler.process(clause, **options) for clause in _arguments(element))
    below = f"({whole} % {number} * {UNITS} + {rest})"
    units = f"({whole} / {number} * {UNITS} + {below} / {number})"
    # More than half is left over, or just half and the number is odd.
    return f"{units} + CAST({below} % {number} * 2 + {units} % 2 > {number} AS INTEGER)"


def _arguments(element: FunctionElement[Any]) -> list[ColumnElement[Any]]:
    return list(element.clauses)
