"""The audit trail: what happened, appended in the transaction of the act, chained so that a gap shows.

A domain function notes what happened; whoever opened the unit of work with `AuditedWork` has it written
just before the commit. The chain is keyed (HMAC): who can edit the database cannot mend the chain.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import bindparam, insert, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain.work import JoinedWork, Work
from app.entities import AuditEvent, AuditHead
from app.kit import facts
from app.kit.client import UNKNOWN, Client
from app.kit.clock import Clock
from app.kit.facts import Fact
from app.security.seals import Seals
from app.statements import Prepared, Session, Unit

_EVENT_SEAL = "audit event"
_HEAD_SEAL = "audit head"
_HEAD = 1
_PAGE = 1_000
# An event that somebody puts before the first is found too.
_SMALLEST_KEY = -(2**63)

_SEALED = tuple(name for name in AuditEvent.model_fields if name != "hash")
_LOCK_HEAD = Prepared(
    select(col(AuditHead.event_id), col(AuditHead.hash)).where(col(AuditHead.id) == _HEAD).with_for_update()
)
_APPEND = Prepared(insert(AuditEvent).values({name: bindparam(name) for name in (*_SEALED, "hash")}))
_MOVE_HEAD = Prepared(
    update(AuditHead)
    .where(col(AuditHead.id) == _HEAD)
    .values(event_id=bindparam("event_id"), hash=bindparam("hash"), seal=bindparam("seal"))
)

U = TypeVar("U", bound=Unit)


class AuditAction(StrEnum):
    """What an event records."""

    REGISTERED = "REGISTERED"
    CODE_SENT = "CODE_SENT"
    EMAIL_CONFIRMED = "EMAIL_CONFIRMED"
    LOGGED_IN = "LOGGED_IN"
    LOGIN_FAILED = "LOGIN_FAILED"
    LOCKED_OUT = "LOCKED_OUT"
    UNLOCKED = "UNLOCKED"
    PERMIT_RENEWED = "PERMIT_RENEWED"
    PERMIT_REUSED = "PERMIT_REUSED"
    PERMIT_REVOKED = "PERMIT_REVOKED"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"  # noqa: S105 - the name of an action
    TWO_FACTOR_ENABLED = "TWO_FACTOR_ENABLED"
    TWO_FACTOR_DISABLED = "TWO_FACTOR_DISABLED"
    RECOVERY_CODE_USED = "RECOVERY_CODE_USED"
    TRADER_UPDATED = "TRADER_UPDATED"
    TRADER_VERIFIED = "TRADER_VERIFIED"
    TRADER_DELETED = "TRADER_DELETED"
    ADMINISTRATOR_MADE = "ADMINISTRATOR_MADE"
    ACCESS_DENIED = "ACCESS_DENIED"
    RECORD_INSERTED = "RECORD_INSERTED"
    RECORD_UPDATED = "RECORD_UPDATED"
    RECORD_DELETED = "RECORD_DELETED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where an act comes from.

    Attributes:
        request_id: The id of the request, or what stands for it on the command line.
        client: What the device said of itself.
        actor_id: The trader who asks; None if nobody is logged in.
    """

    request_id: str
    client: Client = UNKNOWN
    actor_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened(Fact):
    """An act that the trail keeps.

    Attributes:
        trader_id: Whose account it happened to; None if to no account.
        subject: The global id, before encoding, of the record that it happened to; None for the account.
        actor_id: Who did it, where the act itself proves that; None leaves it to the origin.
    """

    action: AuditAction
    trader_id: int | None = None
    subject: str | None = None
    actor_id: int | None = None
    detail: str | None = None


class AuditedWork:
    """Hands out sessions like the work below it, and writes what happened before each commit."""

    def __init__(self, work: Work, seals: Seals, origin: Origin, clock: Clock) -> None:
        self._work = work
        self._seals = seals
        self._origin = origin
        self._clock = clock

    def reading(self) -> AbstractAsyncContextManager[Session]:
        """Open a session that reads."""
        return self._work.reading()

    def unit_of_work(self) -> AbstractAsyncContextManager[Session]:
        """Open a session whose changes are committed together with their audit events, or not at all."""
        return self._audited(self._work.unit_of_work())

    def writing(self) -> AbstractAsyncContextManager[Unit]:
        """Open a unit of work for prepared statements, which are committed together with their audit events."""
        return self._audited(self._work.writing())

    def apart(self) -> AbstractAsyncContextManager[Session]:
        """Open a unit of work that is committed by itself."""
        return self._audited(self._work.apart())

    @asynccontextmanager
    async def _audited(self, opened: AbstractAsyncContextManager[U]) -> AsyncIterator[U]:
        async with opened as unit:
            yield unit
            happened = [fact for fact in facts.noted(unit) if isinstance(fact, Happened)]
            if happened:
                await _append(unit, happened, self._origin, self._seals, self._clock())


class AuditedOperation(AuditedWork):
    """The same for units of work that are committed together: their events are all written at the end.

    The lock on the end of the trail is the one that every write takes, and takes last. A transaction that
    went on after it could wait for a row whose holder waits for the trail. So an answer that shows the trail
    does not show its own operation yet.
    """

    def __init__(self, work: JoinedWork, seals: Seals, origin: Origin, clock: Clock) -> None:
        super().__init__(work, seals, origin, clock)
        self._joined = work

    def unit_of_work(self) -> AbstractAsyncContextManager[Session]:
        """Open a session whose changes become part of the operation together, or not at all."""
        return self._joined.unit_of_work()

    def writing(self) -> AbstractAsyncContextManager[Unit]:
        """Open a unit of work for prepared statements, in the same way."""
        return self._joined.writing()

    @asynccontextmanager
    async def last(self) -> AsyncIterator[Session]:
        """Open the operation's last unit of work, at the end of which the events of all are written."""
        async with super().unit_of_work() as session:
            for fact in self._joined.take_facts():
                facts.note(session, fact)
            yield session


async def verify(session: AsyncSession, seals: Seals) -> int | None:
    """Walk the whole chain.

    Returns:
        The id of the first event that was edited, forged or is missing, or None if all stand as written. Where
        only the newest events are missing, the id is the one after the last that is there.
    """
    expected, previous, begin = 1, bytes(32), _SMALLEST_KEY
    while True:
        while page := (
            await session.exec(
                select(AuditEvent).where(col(AuditEvent.id) >= begin).order_by(col(AuditEvent.id)).limit(_PAGE)
            )
        ).all():
            for event in page:
                if event.id != expected or event.hash != _chained(_sealed(event), previous, seals):
                    return min(event.id, expected)
                expected, previous = event.id + 1, event.hash
            session.expunge_all()
            begin = expected
        head = await session.get(AuditHead, _HEAD, populate_existing=True)
        # What a server appends while we walk is behind the head that we then find: there is more to walk.
        if head is None or head.event_id < expected or await session.get(AuditEvent, expected) is None:
            break
    intact = head is not None and (head.event_id, head.hash) == (expected - 1, previous)
    sealed = head is not None and (head.event_id == 0 or head.seal == _head_seal(head.event_id, head.hash, seals))
    return None if intact and sealed else expected


def _sealed(event: AuditEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in _SEALED}


async def _append(unit: Unit, happened: list[Happened], origin: Origin, seals: Seals, now: datetime) -> None:
    # The lock on this one row is what keeps appends of parallel transactions in a line.
    heads = await unit.run(_LOCK_HEAD)
    if not heads:
        raise RuntimeError("the audit trail has no head")
    ((event_id, digest),) = heads
    for fact in happened:
        event_id += 1
        event = {
            "id": event_id,
            "at": now,
            "action": fact.action.value,
            "actor_id": origin.actor_id if fact.actor_id is None else fact.actor_id,
            "trader_id": fact.trader_id,
            "subject_id": fact.subject or _account(fact),
            "request_id": origin.request_id,
            "device": origin.client.device,
            "software_version": origin.client.software,
            "hardware_version": origin.client.hardware,
            "detail": fact.detail,
        }
        digest = _chained(event, digest, seals)
        await unit.run(_APPEND, **event, hash=digest)
    await unit.run(_MOVE_HEAD, event_id=event_id, hash=digest, seal=_head_seal(event_id, digest, seals))


def _account(fact: Happened) -> str | None:
    return None if fact.trader_id is None else f"Trader:{fact.trader_id}"


def _chained(event: Mapping[str, Any], previous: bytes, seals: Seals) -> bytes:
    # Where these are not said they are not sealed, so that events from before there were any stay whole.
    said = {
        name: value
        for name, value in event.items()
        if value is not None or name not in ("software_version", "hardware_version")
    }
    said["at"] = event["at"].isoformat(timespec="milliseconds")
    return seals.digest(previous + json.dumps(said, sort_keys=True).encode(), _EVENT_SEAL)


def _head_seal(event_id: int, digest: bytes, seals: Seals) -> bytes:
    return seals.digest(event_id.to_bytes(8, "big") + digest, _HEAD_SEAL)
