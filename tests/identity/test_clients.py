"""What is kept of the devices that permits were given to and that acts came from."""

import json

import pytest
from sqlmodel import select

from app.domain import audit
from app.entities import AuditEvent, Permit
from app.graph.context import Services
from tests.factories import PASSWORD, make_trader
from tests.identity.desk import ADA, Desk

pytestmark = pytest.mark.anyio

HEADERS = {"x-device-signature": "a phone", "x-software-version": "2.4.1", "x-hardware-version": "iPhone15,2"}
LOG_IN = """
mutation ($email: String!, $password: String!) {
  permitLogIn(input: {email: $email, password: $password}) { permit { id } }
}
"""


async def log_in(desk: Desk, headers: dict[str, str]) -> tuple[Permit, AuditEvent]:
    await make_trader(desk.database, email=ADA)
    await desk.api(LOG_IN, {"email": ADA, "password": PASSWORD}, headers=headers)
    async with desk.database.reading() as session:
        return (await session.exec(select(Permit))).one(), (await session.exec(select(AuditEvent))).one()


async def is_whole(desk: Desk) -> bool:
    services: Services = desk.app.state.services
    async with desk.database.reading() as session:
        return await audit.verify(session, services.identity.seals) is None


async def test_a_permit_and_the_trail_keep_what_a_device_says_of_itself(desk: Desk) -> None:
    for kept in await log_in(desk, HEADERS):
        assert (kept.device, kept.software_version, kept.hardware_version) == ("a phone", "2.4.1", "iPhone15,2")


async def test_what_has_not_its_form_is_not_kept_and_does_no_harm(desk: Desk) -> None:
    bad = {"x-device-signature": "x" * 256, "x-software-version": "<script>", "x-hardware-version": "1" * 65}

    for kept in await log_in(desk, bad):
        assert (kept.device, kept.software_version, kept.hardware_version) == (None, None, None)


async def test_who_edits_it_is_found_out(desk: Desk) -> None:
    await log_in(desk, HEADERS)
    assert await is_whole(desk)

    for edited in ("2.4.2", None):
        async with desk.database.unit_of_work() as session:
            (await session.exec(select(AuditEvent))).one().software_version = edited
        assert not await is_whole(desk)


async def test_an_event_without_versions_is_sealed_as_events_were_before_there_were_any(desk: Desk) -> None:
    _, event = await log_in(desk, {})
    services: Services = desk.app.state.services

    names = {"id", "action", "actor_id", "trader_id", "subject_id", "request_id", "device", "detail"}
    said = {name: getattr(event, name) for name in names} | {"at": event.at.isoformat(timespec="milliseconds")}
    text = bytes(32) + json.dumps(said, sort_keys=True).encode()
    assert event.hash == services.identity.seals.digest(text, "audit event")
