"""What every write has in common: its outcome, the version it expects, the rules the database holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy.exc import IntegrityError
from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import audit
from app.domain.audit import AuditAction
from app.domain.problems import Conflict
from app.entities import Industry, Share
from app.kit import facts
from app.kit.problem import Problem


class WriteOutcome(StrEnum):
    """What a write did."""

    INSERTED = "INSERTED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    DELETED = "DELETED"
    ABSENT = "ABSENT"


Kept = TypeVar("Kept", Industry, Share)

# SQLite names the broken rule, PostgreSQL numbers it (SQLSTATE, class 23).
_DUPLICATE = ("SQLITE_CONSTRAINT_UNIQUE", "23505")
_REFERENCE = ("SQLITE_CONSTRAINT_FOREIGNKEY", "23503")


async def locked(session: AsyncSession, entity: type[Kept], key: int) -> Kept | None:
    """Load a record that is about to be changed, and keep other writers away until the commit."""
    return await session.get(entity, key, with_for_update=True)


def expect(session: AsyncSession, record: Industry | Share, version: int | None) -> None:
    """Hold a record against the version that the caller read; None expects nothing.

    Raises:
        Conflict: The record has another version by now.
    """
    if version is not None and record.version != version:
        # Detached, or the end of the unit of work would take away what the caller is to be shown.
        session.expunge(record)
        raise Conflict(record)


def change(record: Industry | Share, values: Mapping[str, Any], now: datetime) -> WriteOutcome:
    """Set the values that differ and count the change; nothing is written if none does."""
    different = {name: value for name, value in values.items() if getattr(record, name) != value}
    if not different:
        return WriteOutcome.UNCHANGED
    for name, value in different.items():
        setattr(record, name, value)
    record.version += 1
    record.updated_at = now
    return WriteOutcome.UPDATED


_ACTIONS = {
    WriteOutcome.INSERTED: AuditAction.RECORD_INSERTED,
    WriteOutcome.UPDATED: AuditAction.RECORD_UPDATED,
    WriteOutcome.DELETED: AuditAction.RECORD_DELETED,
}


def note(session: AsyncSession, record: Industry | Share, outcome: WriteOutcome) -> None:
    """Note for the audit trail what a write did; one that changed nothing is not worth an event."""
    action = _ACTIONS.get(outcome)
    if action is not None:
        subject = f"{type(record).__name__}:{record.id}"
        facts.note(session, audit.Happened(action=action, subject=subject))


@contextmanager
def refusing(*, duplicate: Problem | None = None, reference: Problem | None = None) -> Iterator[None]:
    """Turn the database's refusal of a duplicate or of a broken reference into a problem.

    The database decides, not a look before the leap: between a look and a write another may write.

    Raises:
        Problem: The one given for the rule that was broken; the transaction is then of no more use.
    """
    try:
        yield
    except IntegrityError as error:
        rule = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
        problem = duplicate if rule in _DUPLICATE else reference if rule in _REFERENCE else None
        if problem is None:
            raise
        raise problem from error
