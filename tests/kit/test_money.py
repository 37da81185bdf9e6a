"""Money stays exact to four decimals through both databases, and finer amounts are refused, never rounded."""

import itertools
import operator
from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, delete, func, insert, select
from sqlalchemy.exc import StatementError

from app.database import Database
from app.kit.money import PLACES, Money, exact
from app.kit.tables import Key

AMOUNTS = Table(
    "amount",
    MetaData(),
    Column("id", Key, primary_key=True),
    Column("amount", Money),
)
STEP = Decimal("0.0001")
LARGEST = Decimal(10) ** 9

amounts = st.integers(0, int(LARGEST / STEP)).map(lambda steps: (steps * STEP).normalize())
"""From 0 to 10^9 with up to four decimals, in the shortest way to write them: 1E+1, 10.5, 0.0001."""


@pytest.fixture
async def shelf(database: Database) -> Database:
    """The test's database with a table of amounts."""
    async with database.unit_of_work() as session:
        await (await session.connection()).run_sync(AMOUNTS.metadata.create_all)
    return database


async def replace(shelf: Database, amounts: Sequence[Decimal | None]) -> None:
    """Take out whatever is there and put these in, in their order."""
    async with shelf.unit_of_work() as session:
        connection = await session.connection()
        await connection.execute(delete(AMOUNTS))
        await connection.execute(insert(AMOUNTS), [{"amount": each} for each in amounts])


@pytest.mark.anyio
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(amounts, min_size=1, max_size=20))
# As binary fractions, these sum up to 10.379999999999999.
@example([Decimal("10.28"), Decimal("0.1")])
@example([Decimal("999999999.9999"), LARGEST, Decimal(0)])
async def test_amounts_are_read_ordered_summed_and_compared_as_they_were_written(
    shelf: Database, given_amounts: list[Decimal]
) -> None:
    bounds = sorted({amount + step for amount in given_amounts[:6] for step in (-STEP, Decimal(0), STEP)})
    column = AMOUNTS.c.amount
    comparisons = list(itertools.product((operator.eq, operator.lt, operator.ge), bounds))
    total = sum(given_amounts, Decimal(0))
    counts = [func.count().filter(compare(column, bound)) for compare, bound in comparisons]
    await replace(shelf, given_amounts)

    read = await shelf.fetch(select(column).order_by(AMOUNTS.c.id))
    ordered = await shelf.fetch(select(column).order_by(column))
    # Read alone, a sum of binary fractions is rounded to look right: the database has to compare it too.
    ((summed, is_total),) = map(tuple, await shelf.fetch(select(func.sum(column), func.sum(column) == total)))
    (counted,) = await shelf.fetch(select(*counts))

    assert [str(row[0]) for row in read] == [str(exact(amount)) for amount in given_amounts]
    assert [row[0] for row in ordered] == sorted(given_amounts)
    assert (str(summed), bool(is_total)) == (str(exact(total)), True)
    assert list(counted) == [
        sum(compare(amount, bound) for amount in given_amounts) for compare, bound in comparisons
    ]


@pytest.mark.anyio
async def test_no_amount_is_read_as_none(shelf: Database) -> None:
    await replace(shelf, [None])

    assert [tuple(row) for row in await shelf.fetch(select(AMOUNTS.c.amount))] == [(None,)]


@pytest.mark.anyio
async def test_a_finer_amount_is_not_written(shelf: Database) -> None:
    with pytest.raises(StatementError, match="money has at most four decimals"):
        await replace(shelf, [Decimal("10.28"), Decimal("0.00001")])

    assert await shelf.fetch(select(AMOUNTS.c.amount)) == []


@given(amounts)
def test_exact_keeps_the_amount_and_gives_it_four_decimals(amount: Decimal) -> None:
    written = exact(amount)

    assert (written, written.as_tuple().exponent) == (amount, -PLACES)


@given(st.integers(1, 10**13).filter(lambda digits: digits % 10 != 0), st.integers(5, 20))
def test_exact_refuses_what_it_would_have_to_round(digits: int, places: int) -> None:
    with pytest.raises(ValueError, match="money has at most four decimals"):
        exact(Decimal(digits).scaleb(-places))


@pytest.mark.parametrize("text", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+30", "9" * 40])
def test_exact_refuses_what_no_column_holds(text: str) -> None:
    with pytest.raises(ValueError, match="money"):
        exact(Decimal(text))


def test_zero_has_no_sign() -> None:
    assert [str(exact(Decimal(zero))) for zero in ("0", "-0", "-0.0000", "0E+5")] == ["0.0000"] * 4


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (102800, "10.2800"),
        (1, "0.0001"),
        (0, "0.0000"),
        (10**13, "1000000000.0000"),
        (Decimal("10.2800"), "10.2800"),
        (Decimal("35"), "35.0000"),
        (Decimal("0.0001"), "0.0001"),
        (Decimal("1000000000.0000"), "1000000000.0000"),
    ],
)
def test_an_amount_is_read_from_json_of_either_database(value: int | Decimal, amount: str) -> None:
    assert str(Money.from_json(value)) == amount
