"""Whether the process lives, and whether it can serve."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from starlette.applications import Starlette

from app.database import Database
from app.web import health
from app.web.health import Health
from tests.callers import Api

pytestmark = pytest.mark.anyio


async def asked(checks: dict[str, Any], *, times: int = 1) -> tuple[int, dict[str, Any]]:
    app = Starlette(routes=Health(checks).routes)
    async with Api(app) as api:
        for _ in range(times):
            response = await api.http.get("/readyz")
    return response.status_code, response.json()


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def test_a_server_that_is_well_says_so(api: Api) -> None:
    alive, ready = await api.http.get("/healthz"), await api.http.get("/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "alive"})
    assert (ready.status_code, ready.json()) == (
        200,
        {"status": "ready", "checks": {"database": "ok", "migrations": "ok"}},
    )
    assert {each.headers["cache-control"] for each in (alive, ready)} == {"no-store"}


async def test_a_database_of_an_older_revision_is_not_ready(api: Api, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        await session.exec(text("UPDATE alembic_version SET version_num = '0001'"))  # type: ignore[call-overload]

    response = await api.http.get("/readyz")

    assert (response.status_code, response.json()["checks"]) == (503, {"database": "ok", "migrations": "failed"})
    assert response.headers["retry-after"] == "5"
    assert (await api.http.get("/healthz")).status_code == 200


async def test_one_thing_that_is_missing_is_named() -> None:
    async def fails() -> bool:
        raise OSError("redis://user:password@host")

    assert await asked({"database": yes, "redis": fails}) == (
        503,
        {"status": "not ready", "checks": {"database": "ok", "redis": "failed"}},
    )


async def test_what_does_not_answer_in_time_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "LONGEST_SECONDS", 0.01)

    async def hangs() -> bool:
        await asyncio.sleep(60)
        return True

    status, _ = await asked({"database": hangs})

    assert status == 503


async def test_who_asks_often_costs_nothing_more() -> None:
    made = []

    async def counted() -> bool:
        made.append(1)
        return True

    await asked({"database": counted}, times=5)

    assert len(made) == 1
