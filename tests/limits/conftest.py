"""Servers with limits of the test's own, over an embedded database: limits are the same over any."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.main import create_app
from app.settings import Settings
from tests.conftest import SqliteTemplate
from tests.factories import UNLIMITED, ManualClock
from tests.permits.conftest import redis_url

__all__ = ["redis_url"]

Limited = Callable[..., Awaitable[Starlette]]


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    return SqliteTemplate(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
async def limited(embedded: SqliteTemplate, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Limited]:
    """Makes an application of which only the limits hold that the test gives."""
    url = SecretStr(embedded.copy_for_a_test(tmp_path))
    made: list[Starlette] = []

    async def make(**chosen: Any) -> Starlette:
        settings = Settings(
            data_dir=tmp_path,
            database_url=url,
            secret=SecretStr("a secret of the tests that is long enough"),
            password_hashing="cheap",
            **{"even_answer_milliseconds": 0} | UNLIMITED | chosen,
        )
        made.append(create_app(settings, clock=clock))
        return made[-1]

    yield make
    for app in made:
        await app.state.rates.close()
        app.state.services.identity.hasher.close()
        await app.state.services.database.close()
