"""The application as a request sees it: without the work behind the scenes, whose statements nobody asked for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from app.main import create_app
from app.settings import Settings
from tests.factories import ROOMY, ManualClock


@asynccontextmanager
async def quiet_app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    """An application that neither looks into its outbox nor writes refusals to the audit trail now and then."""
    made = create_app(settings, clock=clock)
    yield made
    made.state.services.identity.hasher.close()
    await made.state.services.database.close()


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as made:
        yield made


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=ROOMY)
