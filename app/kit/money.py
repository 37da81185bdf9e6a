"""Money as an exact decimal with four places, on every database and in every text."""

from decimal import Decimal, InvalidOperation
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, Computed, Dialect, Numeric, String, column
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine

PLACES = 4
"""How many decimals money has."""

UNITS = 10**PLACES
"""How many of the smallest amounts, ten-thousandths, are a whole one."""

_CENT = Decimal(1).scaleb(-PLACES)


def exact(amount: Decimal) -> Decimal:
    """Give the same amount with exactly four decimals, as it is kept and said.

    Raises:
        ValueError: The amount has more than four decimals, for nothing is ever rounded; or it is no
            finite number of at most 28 digits.
    """
    try:
        written = amount.quantize(_CENT)
    except InvalidOperation:
        raise ValueError("money is a finite number of at most 28 digits") from None
    if written != amount:
        raise ValueError("money has at most four decimals")
    return written or abs(written)  # Zero has no sign.


class Money(TypeDecorator[Decimal]):
    """A column of exact amounts: NUMERIC(19,4), and integer ten-thousandths on SQLite.

    SQLite keeps a NUMERIC as a binary fraction, which turns 10.28 + 0.1 into 10.379999999999999.
    """

    impl = Numeric(19, PLACES)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose the integer column on SQLite and the decimal one elsewhere."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(Numeric(19, PLACES))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """Write an amount; more than four decimals are refused, never rounded."""
        if value is None:
            return None
        return self.units(value) if dialect.name == "sqlite" else exact(value)

    def process_result_value(self, value: Decimal | int | None, dialect: Dialect) -> Decimal | None:
        """Read an amount with its four decimals."""
        return None if value is None else self.from_json(value)

    @staticmethod
    def units(value: Decimal) -> int:
        """Give an amount in whole ten-thousandths."""
        return int(exact(value).scaleb(PLACES))

    @staticmethod
    def from_json(value: Decimal | int) -> Decimal:
        """Read an amount as a database writes it into JSON: whole ten-thousandths or a decimal."""
        return Decimal(value).scaleb(-PLACES) if isinstance(value, int) else exact(value)


class MoneyText(TypeDecorator[str]):
    """A column of amounts as they are said: digits, a point, four digits; nothing that JSON would escape."""

    impl = String(21)
    cache_ok = True


def said_beside(name: str) -> Column[str]:
    """Make a column that the database itself keeps: the text of the amounts of another column of its table.

    To write an amount of SQLite's as text takes longer than to read all else of a row (measured).

    Args:
        name: The other column's. This one's is `<name>_text`.
    """
    return Column(
        _beside(name), MoneyText(), Computed(_Said(column(name, Money())), persisted=True), nullable=False
    )


def as_said(amounts: ColumnElement[Any]) -> ColumnElement[Any]:
    """Give the column of texts that is beside a column of amounts, or the column itself if there is none."""
    columns = amounts.table.c
    return columns.get(_beside(amounts.key or ""), amounts)  # type: ignore[no-any-return]


def text_in_sqlite(value: str) -> str:
    """Write in SQL how an amount of SQLite's becomes a text."""
    return f"printf('%d.%0{PLACES}d', {value} / {UNITS}, {value} % {UNITS})"


def _beside(name: str) -> str:
    return f"{name}_text"


class _Said(FunctionElement[str]):
    type = String()
    inherit_cache = True
    name = "said"


@compiles(_Said, "sqlite")
def _(element: _Said, compiler: SQLCompiler, **options: Any) -> str:
    return text_in_sqlite(compiler.process(element.clauses, **options))


@compiles(_Said, "postgresql")
def _(element: _Said, compiler: SQLCompiler, **options: Any) -> str:
    return f"({compiler.process(element.clauses, **options)})::text"
