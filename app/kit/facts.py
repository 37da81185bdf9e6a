"""What happened in a unit of work, noted while it is open and told once it is true."""

from collections.abc import Sequence

from sqlmodel.ext.asyncio.session import AsyncSession

_KEY = "facts"


class Fact:
    """Something that happened, in the past tense; subclasses say what."""


def note(session: AsyncSession, fact: Fact) -> None:
    """Note a fact; a unit of work that fails tells nobody of it."""
    session.info.setdefault(_KEY, []).append(fact)


def noted(session: AsyncSession) -> Sequence[Fact]:
    """Give the facts noted in a session, in their order."""
    facts: list[Fact] = session.info.get(_KEY, [])
    return facts
