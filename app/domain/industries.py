"""What can be done with industries, by whoever was let in: the caller opens the unit of work."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any

from app.domain import writing
from app.domain.problems import IndustryNotEmpty, IndustryUnknown, TagTaken
from app.domain.writing import WriteOutcome
from app.entities import Industry
from app.statements import Unit


async def create(unit: Unit, values: Mapping[str, Any], *, now: datetime) -> tuple[Industry, WriteOutcome]:
    """Insert an industry.

    Args:
        unit: An open unit of work; the caller commits.
        values: `tag` and `name`.
        now: The moment of the write, in UTC.

    Raises:
        TagTaken: Another industry has that tag.
    """
    with _refusing():
        return await writing.insert(unit, Industry, values, now)


async def update(
    unit: Unit,
    industry_id: int,
    values: Mapping[str, Any],
    *,
    expected_version: int | None,
    now: datetime,
) -> tuple[Industry, WriteOutcome]:
    """Set the given values of an industry.

    Args:
        unit: An open unit of work; the caller commits.
        industry_id: The industry's key.
        values: Any of `tag` and `name`.
        expected_version: The version that the caller read; None lets the last write win.
        now: The moment of the write, in UTC.

    Raises:
        IndustryUnknown: No industry has that id.
        Conflict: The industry has another version by now.
        TagTaken: Another industry has that tag.
    """
    industry = await writing.locked(unit, Industry, industry_id)
    if industry is None:
        raise IndustryUnknown(path=("id",))
    writing.expect(industry, expected_version)
    with _refusing():
        return await writing.change(unit, industry, values, now)


async def upsert(
    unit: Unit,
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
        return await create(unit, values, now=now)
    return await update(unit, industry_id, values, expected_version=expected_version, now=now)


async def delete(unit: Unit, industry_id: int, *, expected_version: int | None) -> WriteOutcome:
    """Delete an industry that has no shares; one that is already gone is no error.

    Args:
        unit: An open unit of work; the caller commits.
        industry_id: The industry's key.
        expected_version: The version that the caller read; None deletes whatever is there.

    Raises:
        Conflict: The industry has another version by now.
        IndustryNotEmpty: The industry still has shares.
    """
    industry = await writing.locked(unit, Industry, industry_id)
    if industry is None:
        return WriteOutcome.ABSENT
    writing.expect(industry, expected_version)
    with writing.refusing(reference=IndustryNotEmpty(path=("id",))):
        return await writing.remove(unit, industry)


def _refusing() -> AbstractContextManager[None]:
    return writing.refusing(duplicate=TagTaken(path=("tag",)))
