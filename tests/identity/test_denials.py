"""Refusals by policy: in the trail, but never more than one an hour of each caller and field."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain.audit import Origin
from app.domain.denials import MOST_PAIRS, Denials, Opener
from app.main import create_app
from app.settings import Settings
from tests.callers import Api, Callers
from tests.counting import Statements
from tests.factories import ManualClock, make_trader
from tests.identity.desk import ADA, Desk

pytestmark = pytest.mark.anyio

REFUSED = "{ tradersConnection { totalCount } }"


async def written(desk: Desk) -> int:
    """Let the server write what is due, as it does every few seconds."""
    return await desk.services.denials.write(_opener(desk), desk.clock())


def _opener(desk: Desk) -> Opener:
    return lambda origin: desk.services.audited(origin).unit_of_work()


async def denied(desk: Desk) -> list[tuple[int | None, str | None]]:
    return [(event.actor_id, event.detail) for event in await desk.events() if event.action == "ACCESS_DENIED"]


async def test_a_refusal_is_recorded_with_caller_request_and_device_and_no_statement_runs_on_it(
    desk: Desk, statements: Statements
) -> None:
    trader = await make_trader(desk.database, email=ADA)
    access, _ = await desk.tokens()
    statements.clear()

    answer = await desk.api(REFUSED, token=access, headers={"x-device-signature": "a phone"})
    ran = list(statements)
    count = await written(desk)

    assert (answer.codes, ran, count) == (["FORBIDDEN"], [], 1)
    event = (await desk.events())[-1].model_dump(exclude={"hash"})
    assert event == {
        "id": 2,
        "at": desk.clock.now,
        "action": "ACCESS_DENIED",
        "actor_id": trader.id,
        "trader_id": trader.id,
        "subject_id": f"Trader:{trader.id}",
        "request_id": answer.headers["x-ms-request-id"],
        "device": "a phone",
        "software_version": None,
        "hardware_version": None,
        "detail": "tradersConnection TRADER_MANAGERS, 1 times",
    }


async def test_ten_thousand_refusals_are_one_event_an_hour_with_their_count(
    desk: Desk, callers: Callers, statements: Statements
) -> None:
    eve = Origin(request_id="the last of them", actor_id=7)
    for _ in range(20):
        await desk.api(REFUSED, token=callers.access(trader_id=7))
    # The rest as the door counts them, for the sake of time.
    for _ in range(10_000 - 20):
        desk.services.denials.note("tradersConnection", "TRADER_MANAGERS", eve)
    assert list(statements) == []

    counts = [await written(desk), await written(desk)]
    for minutes in range(1, 60):
        desk.clock.turn(minutes=1)
        desk.services.denials.note("tradersConnection", "TRADER_MANAGERS", eve)
        counts.append(await written(desk))
        assert minutes < 60
    desk.clock.turn(minutes=1)
    counts.append(await written(desk))

    assert counts == [1, 0, *[0] * 59, 1]
    assert await denied(desk) == [
        (7, "tradersConnection TRADER_MANAGERS, 10000 times"),
        (7, "tradersConnection TRADER_MANAGERS, 59 times"),
    ]


async def test_callers_and_fields_are_counted_apart_and_strangers_as_one(desk: Desk, callers: Callers) -> None:
    for number in (7, 8):
        await desk.api(REFUSED, token=callers.access(trader_id=number))
        await desk.api("{ auditEventsConnection { nodes { id } } }", token=callers.access(trader_id=number))
    for _ in range(3):
        await desk.api(REFUSED)

    assert await written(desk) == 5
    assert await denied(desk) == [
        (7, "tradersConnection TRADER_MANAGERS, 1 times"),
        (7, "auditEventsConnection ADMINISTRATORS, 1 times"),
        (8, "tradersConnection TRADER_MANAGERS, 1 times"),
        (8, "auditEventsConnection ADMINISTRATORS, 1 times"),
        (None, "tradersConnection TRADER_MANAGERS, 3 times"),
    ]


async def test_a_flood_from_many_callers_is_bounded_too_and_they_are_forgotten_in_time(desk: Desk) -> None:
    denials = Denials()
    for number in range(1, 3 * MOST_PAIRS):
        denials.note("me", "ALL_TRADERS", Origin(request_id="one of many", actor_id=number))

    # All in one transaction, for the sake of time.
    async with desk.services.audited(Origin(request_id="all of them")).unit_of_work() as session:

        @asynccontextmanager
        async def open_work(_: Origin) -> AsyncIterator[AsyncSession]:
            yield session

        at_first = await denials.write(open_work, desk.clock())
    denials.note("me", "ALL_TRADERS", Origin(request_id="one too many", actor_id=5 * MOST_PAIRS))
    none_left = await denials.write(_opener(desk), desk.clock())
    desk.clock.turn(hours=1)
    await denials.write(_opener(desk), desk.clock())
    denials.note("me", "ALL_TRADERS", Origin(request_id="an hour later", actor_id=5 * MOST_PAIRS))
    later = await denials.write(_opener(desk), desk.clock())

    assert (at_first, none_left, later) == (MOST_PAIRS, 0, 1)


async def test_what_could_not_be_written_is_written_later(desk: Desk, callers: Callers) -> None:
    await desk.api(REFUSED, token=callers.newcomer)
    services = desk.services

    def broken(_: Origin) -> object:
        raise OSError("no database")

    with pytest.raises(OSError, match="no database"):
        await services.denials.write(broken, desk.clock())  # type: ignore[arg-type]
    await desk.api(REFUSED, token=callers.newcomer)

    assert await written(desk) == 1
    assert await denied(desk) == [(1, "tradersConnection TRADER_MANAGERS, 2 times")]


async def test_refusals_that_come_while_others_are_written_are_not_lost(desk: Desk, callers: Callers) -> None:
    await desk.api(REFUSED, token=callers.newcomer)

    await asyncio.gather(written(desk), *(desk.api(REFUSED, token=callers.newcomer) for _ in range(5)))
    desk.clock.turn(hours=1)
    await written(desk)

    counts = [int(str(detail).split()[-2]) for _, detail in await denied(desk)]
    assert sum(counts) == 6


async def test_a_server_that_stops_writes_what_it_has_counted(settings: Settings, clock: ManualClock) -> None:
    app = create_app(settings, clock=clock)
    async with app.router.lifespan_context(app), Api(app) as api:
        await api(REFUSED, token=Callers(app.state.services, clock).newcomer)

    again = create_app(settings, clock=clock)
    async with again.router.lifespan_context(again), Api(again) as api:
        assert await denied(Desk(again, api, clock, settings.data_dir)) == [
            (1, "tradersConnection TRADER_MANAGERS, 1 times")
        ]
