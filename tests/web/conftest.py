"""The application with a schema that has subscriptions."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app import main
from app.settings import Settings
from app.web import connections
from tests import streaming
from tests.callers import Callers
from tests.conftest import SqliteTemplate
from tests.factories import UNLIMITED, ManualClock

Streaming = Callable[..., Starlette]


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """An embedded database: what is said over a socket is the same over any."""
    return SqliteTemplate(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
async def streaming_app(
    embedded: SqliteTemplate, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Streaming]:
    """Makes the application with settings of the test's own; the last one made is what `stream_callers` suit."""
    monkeypatch.setattr(main, "make_schema", streaming.make_schema)
    monkeypatch.setattr(connections, "WATCH_SECONDS", 0.01)
    settings = Settings(
        data_dir=tmp_path,
        database_url=SecretStr(embedded.copy_for_a_test(tmp_path)),
        secret=SecretStr("a secret of the tests that is long enough"),
        password_hashing="cheap",
        **UNLIMITED,
    )
    made: list[Starlette] = []

    def make(**others: object) -> Starlette:
        made.append(main.create_app(settings.model_copy(update=others), clock=clock))
        return made[-1]

    yield make
    for app in made:
        app.state.services.identity.hasher.close()
        await app.state.services.database.close()
    assert streaming.opened == []


@pytest.fixture
def app_with_streams(streaming_app: Streaming) -> Starlette:
    """The application with the settings' defaults."""
    return streaming_app()


@pytest.fixture
def stream_callers(app_with_streams: Starlette, clock: ManualClock) -> Callers:
    """Makes the access tokens of all kinds of callers of that application."""
    return Callers(app_with_streams.state.services, clock)
