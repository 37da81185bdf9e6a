"""Every answer that could tell by its time whether an address is known waits for the same schedule."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import pytest

from app.kit import evenly
from app.settings import Settings
from tests.factories import PASSWORD, make_trader
from tests.identity.desk import ADA, Desk, Payload

pytestmark = pytest.mark.anyio

NOBODY = "nobody@example.com"
STEP = 0.02

Road = Callable[[Desk, str], Awaitable[Payload]]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"even_answer_milliseconds": int(STEP * 1_000)})


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long answers were held back, each time."""
    held: list[float] = []
    sleep = asyncio.sleep

    async def noting(delay: float) -> None:
        held.append(delay)
        await sleep(0)

    # Nobody else's: what goes on behind the scenes sleeps as well.
    monkeypatch.setattr(evenly, "asyncio", SimpleNamespace(**{**vars(asyncio), "sleep": noting}))
    return held


async def log_in_wrongly(desk: Desk, email: str) -> Payload:
    return await desk.log_in(email, "not the password")


async def reset_wrongly(desk: Desk, email: str) -> Payload:
    return await desk.reset("000000", email=email)


async def confirm_wrongly(desk: Desk, email: str) -> Payload:
    return await desk.confirm("000000", email, "not the password")


async def register(desk: Desk, email: str) -> Payload:
    return await desk.register(email)


async def ask_for_a_code(desk: Desk, email: str) -> Payload:
    return await desk.request("CHANGE_PASSWORD", email)


@pytest.mark.parametrize("email", [ADA, NOBODY])
@pytest.mark.parametrize("road", [log_in_wrongly, reset_wrongly, confirm_wrongly, register, ask_for_a_code])
async def test_the_answer_is_held_once(desk: Desk, waits: list[float], road: Road, email: str) -> None:
    await make_trader(desk.database, email=ADA)

    await road(desk, email)

    (wait,) = waits
    assert 0 < wait <= STEP


@pytest.mark.parametrize("email", [ADA, NOBODY])
async def test_a_locked_address_is_held_too(desk: Desk, waits: list[float], email: str) -> None:
    await make_trader(desk.database, email=ADA)

    for _ in range(6):
        last = await log_in_wrongly(desk, email)

    assert last["errors"][0]["code"] == "TOO_MANY_ATTEMPTS"
    assert len(waits) == 6


async def test_a_log_in_that_succeeds_waits_for_nothing(desk: Desk, waits: list[float]) -> None:
    await make_trader(desk.database, email=ADA)

    answer = await desk.log_in(ADA, PASSWORD)

    assert (answer["errors"], waits) == ([], [])
