"""What every write has in common: its outcome, the version it expects, the rules the database holds."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import Table, bindparam, delete, inspect, select, update
from sqlalchemy import insert as insert_into
from sqlalchemy.exc import IntegrityError

from app.domain import audit
from app.domain.audit import AuditAction
from app.domain.problems import Conflict
from app.entities import Industry, Share
from app.kit import facts
from app.kit.problem import Problem
from app.kit.tables import record
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
        mapper = inspect(entity)
        table: Table = mapper.local_table
        self.columns = tuple(column.key for column in mapper.columns)
        binds: dict[str, Any] = {name: bindparam(name) for name in self.columns if name != "id"}
        is_it = table.c.id == bindparam("key")
        self.lock = Prepared(select(*mapper.columns).where(is_it).with_for_update())
        self.insert = Prepared(insert_into(table).values(binds).returning(table.c.id))
        self.update = Prepared(update(table).where(is_it).values(binds))
        self.delete = Prepared(delete(table).where(is_it))


_STATEMENTS = {entity: _Statements(entity) for entity in (Industry, Share)}


async def locked(unit: Unit, entity: type[Kept], key: int) -> Kept | None:
    """Load a record that is about to be changed, and keep other writers away until the commit."""
    statements = _STATEMENTS[entity]
    rows = await unit.run(statements.lock, key=key)
    return record(entity, dict(zip(statements.columns, rows[0], strict=True))) if rows else None


def expect(found: Industry | Share, version: int | None) -> None:
    """Hold a record against the version that the caller read; None expects nothing.

    Raises:
        Conflict: The record has another version by now.
    """
    if version is not None and found.version != version:
        raise Conflict(found)


async def insert(
    unit: Unit, entity: type[Kept], values: Mapping[str, Any], now: datetime
) -> tuple[Kept, WriteOutcome]:
    """Insert a record in its first version.

    Raises:
        IntegrityError: It breaks a rule that the database holds.
    """
    whole = {**values, "version": 1, "created_at": now, "updated_at": now}
    ((key,),) = await unit.run(_STATEMENTS[entity].insert, **whole)
    inserted = record(entity, {"id": key, **whole})
    return inserted, _noted(unit, inserted, WriteOutcome.INSERTED)


async def change(unit: Unit, before: Kept, values: Mapping[str, Any], now: datetime) -> tuple[Kept, WriteOutcome]:
    """Set the values that differ and count the change; nothing is written if none does.

    Raises:
        IntegrityError: They break a rule that the database holds.
    """
    if all(getattr(before, name) == value for name, value in values.items()):
        return before, WriteOutcome.UNCHANGED
    entity = type(before)
    kept = {name: getattr(before, name) for name in _STATEMENTS[entity].columns}
    whole = {**kept, **values, "version": before.version + 1, "updated_at": now}
    await unit.run(_STATEMENTS[entity].update, key=before.id, **whole)
    changed = record(entity, whole)
    return changed, _noted(unit, changed, WriteOutcome.UPDATED)


async def remove(unit: Unit, doomed: Industry | Share) -> WriteOutcome:
    """Delete a record.

    Raises:
        IntegrityError: Others refer to it.
    """
    await unit.run(_STATEMENTS[type(doomed)].delete, key=doomed.id)
    return _noted(unit, doomed, WriteOutcome.DELETED)


_ACTIONS = {
    WriteOutcome.INSERTED: AuditAction.RECORD_INSERTED,
    WriteOutcome.UPDATED: AuditAction.RECORD_UPDATED,
    WriteOutcome.DELETED: AuditAction.RECORD_DELETED,
}


def _noted(unit: Unit, written: Industry | Share, outcome: WriteOutcome) -> WriteOutcome:
    """Note for the audit trail what a write did; one that changed nothing is not worth an event."""
    subject = f"{type(written).__name__}:{written.id}"
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
