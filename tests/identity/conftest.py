"""What tests of identity are given: a desk to speak to the application at."""

import pytest
from starlette.applications import Starlette

from app.settings import Settings
from tests.callers import Api
from tests.factories import ManualClock
from tests.identity.desk import Desk


@pytest.fixture
def desk(app: Starlette, api: Api, clock: ManualClock, settings: Settings) -> Desk:
    return Desk(app, api, clock, settings.data_dir)
