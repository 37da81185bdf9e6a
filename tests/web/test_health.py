"""Whether the process lives, and whether it can serve."""

import asyncio
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from sqlalchemy import text
from starlette.applications import Starlette

from app.database import Database
from app.main import create_app
from app.settings import Settings
from app.web import health
from app.web.health import Health
from tests.callers import Api
from tests.permits.conftest import redis_url
from tests.permits.servers import Wire

__all__ = ["redis_url"]

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


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
async def test_with_redis_a_server_is_ready_as_long_as_it_is_there(
    settings: Settings, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "FRESH_SECONDS", 0.0)
    target = urlsplit(redis_url)
    wire = Wire(target.hostname or "", target.port or 6379)
    await wire.mend()
    app = create_app(settings.model_copy(update={"redis_url": SecretStr(f"redis://127.0.0.1:{wire.port}")}))

    async with app.router.lifespan_context(app), Api(app) as api:
        before = await api.http.get("/readyz")
        await wire.cut()
        during = await api.http.get("/readyz")
        await wire.mend()
        after = await api.http.get("/readyz")
    await wire.cut()

    assert [each.status_code for each in (before, during, after)] == [200, 503, 200]
    assert during.json()["checks"] == {"database": "ok", "migrations": "ok", "redis": "failed"}
