"""What can be done with shares, by whoever was let in: the caller opens the unit of work."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from app.domain import market, writing
from app.domain.problems import IndustryUnknown, ShareUnknown, TagTaken
from app.domain.writing import WriteOutcome
from app.entities import Share
from app.statements import Unit


async def create(unit: Unit, values: Mapping[str, Any], *, now: datetime) -> tuple[Share, WriteOutcome]:
    """Insert a share.

    Args:
        unit: An open unit of work; the caller commits.
        values: `industry_id`, `tag` (normalised) and `price` (zero or more, at most four decimals).
        now: The moment of the write, in UTC.

    Raises:
        IndustryUnknown: No industry has that id.
        TagTaken: Another share has that tag.
    """
    with _refusing():
        share, outcome = await writing.insert(unit, Share, values, now)
    await market.tick(unit, share, previous=None, at=now)
    return share, outcome


async def update(
    unit: Unit,
    share_id: int,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    now: datetime,
) -> tuple[Share, WriteOutcome]:
    """Set the given values of a share; values left out stay as they are.

    Args:
        unit: An open unit of work; the caller commits.
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
    before = await writing.locked(unit, Share, share_id)
    if before is None:
        raise ShareUnknown(path=("id",))
    writing.expect(before, expected_version)
    with _refusing():
        share, outcome = await writing.change(unit, before, values, now)
    if share.price != before.price:
        await market.tick(unit, share, previous=before.price, at=now)
    return share, outcome


async def upsert(
    unit: Unit,
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
        return await create(unit, values, now=now)
    return await update(unit, share_id, values, expected_version=expected_version, now=now)


async def delete(unit: Unit, share_id: int, *, expected_version: int | None) -> WriteOutcome:
    """Delete a share; one that is already gone is no error.

    Args:
        unit: An open unit of work; the caller commits.
        share_id: The share's key.
        expected_version: The version that the caller read; None deletes whatever is there.

    Raises:
        Conflict: The share has another version by now.
    """
    share = await writing.locked(unit, Share, share_id)
    if share is None:
        return WriteOutcome.ABSENT
    writing.expect(share, expected_version)
    return await writing.remove(unit, share)


def _refusing() -> AbstractContextManager[None]:
    return writing.refusing(duplicate=TagTaken(path=("tag",)), reference=IndustryUnknown(path=("industryId",)))
