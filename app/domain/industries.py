"""What can be done with industries, by whoever was let in: the caller opens the unit of work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import writing
from app.domain.problems import IndustryNotEmpty, IndustryUnknown, TagTaken
from app.domain.writing import WriteOutcome
from app.entities import Industry


async def create(
    session: AsyncSession, values: Mapping[str, Any], *, now: datetime
) -> tuple[Industry, WriteOutcome]:
    """Insert an industry.

    Args:
        session: An open unit of work; the caller commits.
        values: `tag` and `name`.
        now: The moment of the write, in UTC.

    Raises:
        TagTaken: Another industry has that tag.
    """
    industry = Industry(**values, created_at=now, updated_at=now)
    session.add(industry)
    await _flush(session)
    writing.note(session, industry, WriteOutcome.INSERTED)
    return industry, WriteOutcome.INSERTED


async def update(
    session: AsyncSession,
    industry_id: int,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    now: datetime,
) -> tuple[Industry, WriteOutcome]:
    """Set the given values of an industry.

    Args:
        session: An open unit of work; the caller commits.
        industry_id: The industry's key.
        values: Any of `tag` and `name`.
        expected_version: The version that the caller read; None lets the last write win.
        now: The moment of the write, in UTC.

    Raises:
        IndustryUnknown: No industry has that id.
        Conflict: The industry has another version by now.
        TagTaken: Another industry has that tag.
    """
    industry = await writing.locked(session, Industry, industry_id)
    if industry is None:
        raise IndustryUnknown(path=("id",))
    writing.expect(session, industry, expected_version)
    outcome = writing.change(industry, values, now)
    await _flush(session)
    writing.note(session, industry, outcome)
    return industry, outcome


async def upsert(
    session: AsyncSession,
    industry_id: int | None,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    now: datetime,
) -> tuple[Industry, WriteOutcome]:
    """Insert a whole industry that has no key yet, or update the one that has it.

    Arguments and problems are those of `create` and `update`.
    """
    if industry_id is None:
        return await create(session, values, now=now)
    return await update(session, industry_id, values, expected_version=expected_version, now=now)


async def delete(session: AsyncSession, industry_id: int, *, expected_version: int | None) -> WriteOutcome:
    """Delete an industry that has no shares; one that is already gone is no error.

    Args:
        session: An open unit of work; the caller commits.
        industry_id: The industry's key.
        expected_version: The version that the caller read; None deletes whatever is there.

    Raises:
        Conflict: The industry has another version by now.
        IndustryNotEmpty: The industry still has shares.
    """
    industry = await writing.locked(session, Industry, industry_id)
    if industry is None:
        return WriteOutcome.ABSENT
    writing.expect(session, industry, expected_version)
    await session.delete(industry)
    with writing.refusing(reference=IndustryNotEmpty(path=("id",))):
        await session.flush()
    writing.note(session, industry, WriteOutcome.DELETED)
    return WriteOutcome.DELETED


async def _flush(session: AsyncSession) -> None:
    with writing.refusing(duplicate=TagTaken(path=("tag",))):
        await session.flush()
