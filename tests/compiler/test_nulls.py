"""A column that may be empty is written as null, which no entity that is compiled today has."""

import json
from typing import Any

import pytest

from app.compiler.plan import ReadPlan, Shelf
from app.compiler.texts import RootPlan, statement
from app.compiler.windows import Window
from app.database import Database
from app.entities import Permit
from tests.factories import NOON, make_trader

PERMITS = Shelf(Permit, {"id": "id", "device": "device", "renewedAt": "renewed_at"}, {}, {"ID": "id"})
FIELDS = (("id", "id"), ("device", "device"), ("renewedAt", "renewedAt"))


@pytest.mark.anyio
async def test_an_empty_column_is_null_beside_one_that_is_not(database: Database) -> None:
    trader = await make_trader(database)
    times: dict[str, Any] = {"trader_id": trader.id, "issued_at": NOON, "expires_at": NOON}
    async with database.unit_of_work() as session:
        session.add(Permit(id="a", **times))
        session.add(Permit(id="b", **times, device="a tablet", renewed_at=NOON))
    plan = ReadPlan(PERMITS, Window(), type_name="Permit", fields=FIELDS)
    said = statement([RootPlan("permits", plan)], "Query", database.dialect_name)

    found: Any = database.reader.read(said.sql, said.values({}), is_short=False)

    assert json.loads(await found) == {
        "permits": [
            {"id": "a", "device": None, "renewedAt": None},
            {"id": "b", "device": "a tablet", "renewedAt": "2026-06-15T12:00:00.000Z"},
        ]
    }
