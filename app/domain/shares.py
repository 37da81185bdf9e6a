"""What can be done with shares, by whoever was let in: the caller opens the unit of work."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from app.domain import writing
from app.domain.problems import IndustryUnknown, ShareUnknown, TagTaken
from app.domain.writing import WriteOutcome
from app.entities import Share


async def create(session: AsyncSession, values: Mapping[str, Any], *, now: datetime) -> tuple[Share, WriteOutcome]:
    """Insert a share.

    Args:
        session: An open unit of work; the caller commits.
        values: `industry_id`, `tag` (normalised) and `price` (zero or more, at most four decimals).
        now: The moment of the write, in UTC.

    Raises:
        IndustryUnknown: No industry has that id.
        TagTaken: Another share has that tag.
    """
    share = Share(**values, created_at=now, updated_at=now)
    session.add(share)
    await _flush(session)
    writing.note(session, share, WriteOutcome.INSERTED)
    return share, WriteOutcome.INSERTED


async def update(
    session: AsyncSession,
    share_id: int,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    now: datetime,
) -> tuple[Share, WriteOutcome]:
    """Set the given values of a share; values left out stay as they are.

    Args:
        session: An open unit of work; the caller commits.
        share_id: The share's key.
        values: Any of `industry_id`, `tag` and `price`.
        expected_version: The version that the caller read; None lets the last write win.
        now: The moment of the write, in UTC.

    Raises:
        ShareUnknown: No share has that id.
        Conflict: The share has another version by now.
        IndustryUnknown: No industry has that id.
        TagTaken: Another share has that tag.
    """
    share = await writing.locked(session, Share, share_id)
    if share is None:
        raise ShareUnknown(path=("id",))
    writing.expect(session, share, expected_version)
    outcome = writing.change(share, values, now)
    await _flush(session)
    writing.note(session, share, outcome)
    return share, outcome


async def upsert(
    session: AsyncSession,
    share_id: int | None,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    now: datetime,
) -> tuple[Share, WriteOutcome]:
    """Insert a whole share that has no key yet, or update the one that has it.

    Arguments and problems are those of `create` and `update`.
    """
    if share_id is None:
        return await create(session, values, now=now)
    return await update(session, share_id, values, expected_version=expected_version, now=now)


async def delete(session: AsyncSession, share_id: int, *, expected_version: int | None) -> WriteOutcome:
    """Delete a share; one that is already gone is no error.

    Args:
        session: An open unit of work; the caller commits.
        share_id: The share's key.
        expected_version: The version that the caller read; None deletes whatever is there.

    Raises:
        Conflict: The share has another version by now.
    """
    share = await writing.locked(session, Share, share_id)
    if share is None:
        return WriteOutcome.ABSENT
    writing.expect(session, share, expected_version)
    await session.delete(share)
    writing.note(session, share, WriteOutcome.DELETED)
    return WriteOutcome.DELETED


async def _flush(session: AsyncSession) -> None:
    with writing.refusing(duplicate=TagTaken(path=("tag",)), reference=IndustryUnknown(path=("industryId",))):
        await session.flush()
