"""Remembers mutations that were done, so that one that is sent again is answered and not done again.

A record is claimed in the first statement of the mutation's transaction and completed in its last: it is
there if the mutation was done, and only then. Whoever sends the same at the same time waits at the claim,
because two transactions cannot insert one key, until the first is committed or undone.

The key and the digest are keyed hashes, and the answer is sealed under its key: the table tells neither who
asked nor what, no password can be guessed from it, and no record can stand in for another.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import RepeatedRequest
from app.domain.work import GivenUp
from app.security.seals import Seals

MOST_OTHERS = 5
"""After so many other requests under its key a record answers nobody any more.

Strangers share one room of keys. Who has learned another's key could otherwise try, without ever being
counted, which password the log-in under it was sent with.
"""

STRANGER = 0
"""Stands for the trader where the operation asks nobody to be one: no trader has this id."""


@dataclass(frozen=True, slots=True)
class Repeatable:
    """A request that may be sent again.

    Attributes:
        key: What it is known by: its id and whose it is.
        digest: What it asks.
    """

    key: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Recalled:
    """A request that was done before under the same key.

    Attributes:
        is_same: Whether it asked the same, and the record still answers.
        answer: What was answered.
    """

    is_same: bool
    answer: bytes


def repeatable(seals: Seals, request_id: str, trader_id: int, asked: bytes) -> Repeatable:
    """Give what a request is known by.

    Args:
        seals: Whose keyed hashes they are.
        request_id: What the client calls the request.
        trader_id: The trader who sends it, under whatever access token, or `STRANGER`.
        asked: All that decides what the request does.
    """
    return Repeatable(
        seals.digest(f"{trader_id}:{request_id}".encode(), "repeated request key"),
        seals.digest(asked, "repeated request"),
    )


async def recall(session: AsyncSession, seals: Seals, request: Repeatable, now: datetime) -> Recalled | None:
    """Look for a request that was done before; None if there is none.

    Raises:
        BrokenSeal: The record was edited. It is no reason to do the request again.
    """
    found = await session.get(RepeatedRequest, request.key)
    if found is None or found.expires_at <= now:
        return None
    is_same = found.digest == request.digest and found.others < MOST_OTHERS
    return Recalled(is_same, seals.open(found.sealed_answer, _purpose(request)))


async def count_other(session: AsyncSession, request: Repeatable) -> None:
    """Count that something else came under the key of a request that was done."""
    await session.exec(
        update(RepeatedRequest)
        .where(col(RepeatedRequest.key) == request.key, col(RepeatedRequest.others) < MOST_OTHERS)
        .values(others=RepeatedRequest.others + 1)
    )


async def claim(session: AsyncSession, request: Repeatable, *, expires_at: datetime, now: datetime) -> None:
    """Enter a request that is about to be done.

    Raises:
        GivenUp: It has been entered, and done, by someone else.
    """
    await session.exec(
        delete(RepeatedRequest).where(
            col(RepeatedRequest.key) == request.key, col(RepeatedRequest.expires_at) <= now
        )
    )
    session.add(RepeatedRequest(key=request.key, digest=request.digest, expires_at=expires_at))
    try:
        await session.flush()
    except IntegrityError as error:
        raise GivenUp from error


async def complete(session: AsyncSession, seals: Seals, request: Repeatable, answer: bytes) -> None:
    """Keep the answer to a request that is done."""
    sealed = seals.seal(answer, _purpose(request))
    await session.exec(
        update(RepeatedRequest).where(col(RepeatedRequest.key) == request.key).values(sealed_answer=sealed)
    )


async def forget(session: AsyncSession, *, most: int, now: datetime) -> int:
    """Delete some of the records that have expired, and give how many.

    Those that another process is deleting are left to it.
    """
    expired = (
        select(RepeatedRequest.key)
        .where(col(RepeatedRequest.expires_at) <= now)
        .limit(most)
        .with_for_update(skip_locked=True)
    )
    keys = (await session.exec(expired)).all()
    if keys:
        await session.exec(delete(RepeatedRequest).where(col(RepeatedRequest.key).in_(keys)))
    return len(keys)


def _purpose(request: Repeatable) -> str:
    return f"repeated answer {request.key.hex()}"
