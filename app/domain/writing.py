"""What every write has in common: its outcome, the version it expects, the rules the database holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, delete, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError

from app.domain import audit
from app.domain.audit import AuditAction
from app.domain.problems import Conflict
from app.entities import Industry, Share
from app.kit import facts
from app.kit.problem import Problem
from app.statements import Prepared, Unit


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


class _Statements:
    """The statements by which records of one kind are written, one at a time and by their key."""

    def __init__(self, entity: type[Industry] | type[Share]) -> None:
        table: Table = inspect(entity).local_table
        self.columns = tuple(column.key for column in table.columns)
        binds: dict[str, Any] = {name: bindparam(name) for name in self.columns if name != "id"}
        is_it = table.c.id == bindparam("key")
        self.lock = Prepared(select(*table.columns).where(is_it).with_for_update())
        self.insert = Prepared(insert(table).values(binds).returning(table.c.id))
        self.update = Prepared(update(table).where(is_it).values(binds))
        self.delete = Prepared(delete(table).where(is_it))


_STATEMENTS = {entity: _Statements(entity) for entity in (Industry, Share)}


async def locked(unit: Unit, entity: type[Kept], key: int) -> Kept | None:
    """Load a record that is about to be changed, and keep other writers away until the commit."""
    statements = _STATEMENTS[entity]
    rows = await unit.run(statements.lock, key=key)
    return entity(**dict(zip(statements.columns, rows[0], strict=True))) if rows else None


def expect(record: Industry | Share, version: int | None) -> None:
    """Hold a record against the version that the caller read; None expects nothing.

    Raises:
        Conflict: The record has another version by now.
    """
    if version is not None and record.version != version:
        raise Conflict(record)


async def insert_new(unit: Unit, record: Industry | Share) -> WriteOutcome:
    """Insert a record, which gets its key.

    Raises:
        IntegrityError: It breaks a rule that the database holds.
    """
    ((record.id,),) = await unit.run(_STATEMENTS[type(record)].insert, **_values(record))
    return _noted(unit, record, WriteOutcome.INSERTED)


async def change(unit: Unit, record: Industry | Share, values: Mapping[str, Any], now: datetime) -> WriteOutcome:
    """Set the values that differ and count the change; nothing is written if none does.

    Raises:
        IntegrityError: They break a rule that the database holds.
    """
    different = {name: value for name, value in values.items() if getattr(record, name) != value}
    if not different:
        return WriteOutcome.UNCHANGED
    for name, value in different.items():
        setattr(record, name, value)
    record.version += 1
    record.updated_at = now
    await unit.run(_STATEMENTS[type(record)].update, key=record.id, **_values(record))
    return _noted(unit, record, WriteOutcome.UPDATED)


async def remove(unit: Unit, record: Industry | Share) -> WriteOutcome:
    """Delete a record.

    Raises:
        IntegrityError: Others refer to it.
    """
    await unit.run(_STATEMENTS[type(record)].delete, key=record.id)
    return _noted(unit, record, WriteOutcome.DELETED)


def _values(record: Industry | Share) -> dict[str, Any]:
    return {name: getattr(record, name) for name in _STATEMENTS[type(record)].columns if name != "id"}


_ACTIONS = {
    WriteOutcome.INSERTED: AuditAction.RECORD_INSERTED,
    WriteOutcome.UPDATED: AuditAction.RECORD_UPDATED,
    WriteOutcome.DELETED: AuditAction.RECORD_DELETED,
}


def _noted(unit: Unit, record: Industry | Share, outcome: WriteOutcome) -> WriteOutcome:
    """Note for the audit trail what a write did; one that changed nothing is not worth an event."""
    subject = f"{type(record).__name__}:{record.id}"
    facts.note(unit, audit.Happened(action=_ACTIONS[outcome], subject=subject))
    return outcome


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
