"""What tests of e-mails are given: words, seals, a mail server, and a deliverer between them."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from app.kit.phrases import Phrases
from app.security.seals import Seals
from tests.mail.servers import Certificate, MailServer, make_certificate, running

LOCALES = Path(__file__).parents[2] / "locales"


@pytest.fixture(scope="session")
def phrases() -> Phrases:
    return Phrases.load(LOCALES)


@pytest.fixture
def seals() -> Seals:
    return Seals(b"a pepper of the tests, long enough")


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    """A mail server that takes everything."""
    async with running(MailServer()) as server:
        yield server


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))
