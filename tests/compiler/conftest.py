"""What random operations ask for is more than users may."""

import pytest

from app.settings import Settings
from tests.factories import ROOMY


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update=ROOMY)
