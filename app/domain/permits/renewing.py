"""Renews a permit, or ends it, by its refresh token, which rotates.

A lost answer does not log a device out: a token stays valid until one of its children is used; from then
on it and its other children are dead, and a dead one that comes back means that somebody else holds a
copy, so the permit is revoked (RFC 9700, section 4.14.2).
"""

from datetime import datetime

from sqlalchemy import delete, or_, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import RefreshToken
from app.domain import audit, traders
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.domain.permits import admitting, revoking, throttling
from app.domain.permits.admitting import Admission
from app.domain.permits.revoking import Ended
from app.domain.problems import PermitInvalid, TooManyAttempts
from app.domain.work import Work
from app.entities import Permit, Trader
from app.kit import facts
from app.kit.problem import Problem
from app.security.codes import hash_token_id
from app.security.tokens import InvalidToken, RefreshClaims, Tokens


async def renew(work: Work, identity: Identity, *, refresh_token: str, now: datetime) -> Admission:
    """Give a new pair of tokens for a refresh token that is still alive.

    Raises:
        PermitInvalid: The token is not one, has expired, or its permit is revoked; or it was already
            replaced, which revokes the permit.
        TooManyAttempts: The trader is locked out after too many failed log-ins.
    """
    claims = _read(identity.tokens, refresh_token)
    async with work.unit_of_work() as session:
        answer = await _renew(session, identity, claims, now)
    # Raised only now: what a reuse revokes must be committed.
    if isinstance(answer, Problem):
        raise answer
    return answer


async def replace_tokens(
    session: AsyncSession, identity: Identity, permit: Permit, trader: Trader, now: datetime
) -> Admission:
    """Give a permit new tokens by another proof than its refresh token; all refresh tokens before are dead."""
    await session.exec(
        update(RefreshToken)
        .where(col(RefreshToken.permit_id) == permit.id, col(RefreshToken.dead_since).is_(None))
        .values(dead_since=now)
    )
    return _grant(session, identity, permit, trader, parent=None, now=now)


async def log_out(work: Work, identity: Identity, *, refresh_token: str, now: datetime) -> Ended:
    """Revoke the permit of a refresh token; nothing happens if it already was.

    Raises:
        PermitInvalid: The token is not one, or has expired.
    """
    claims = _read(identity.tokens, refresh_token)
    async with work.unit_of_work() as session:
        permit = await session.get(Permit, claims.permit_id, with_for_update=True)
        if permit is None or await _token_of(session, claims) is None:
            raise PermitInvalid(path=("refreshToken",))
        return await revoking.revoke(session, identity, [permit], actor_id=permit.trader_id, now=now)


def _read(tokens: Tokens, refresh_token: str) -> RefreshClaims:
    """Verify a refresh token.

    Raises:
        PermitInvalid: It is not one, or has expired.
    """
    try:
        return tokens.read_refresh(refresh_token)
    except InvalidToken as error:
        raise PermitInvalid(path=("refreshToken",)) from error


async def _renew(
    session: AsyncSession, identity: Identity, claims: RefreshClaims, now: datetime
) -> Admission | Problem:
    invalid = PermitInvalid(path=("refreshToken",))
    # Before the permit, as everywhere; what the new token claims then cannot change before it is signed.
    trader = await session.get(Trader, claims.trader_id, with_for_update=True)
    permit = await session.get(Permit, claims.permit_id, with_for_update=True)
    token = await _token_of(session, claims)
    if trader is None or permit is None or token is None or permit.revoked_at is not None:
        return invalid
    if token.dead_since is not None:
        await revoking.end(session, identity, permit, action=AuditAction.PERMIT_REUSED, now=now)
        return invalid
    if locked_until := await traders.locked_until(session, identity.seals, trader, now):
        return TooManyAttempts(throttling.seconds_until(locked_until, now), path=("refreshToken",))
    await _let_only_line_live(session, token, now)
    await _forget_expired(session, permit, now)
    return _grant(session, identity, permit, trader, parent=token.hash, now=now)


def _grant(
    session: AsyncSession,
    identity: Identity,
    permit: Permit,
    trader: Trader,
    *,
    parent: bytes | None,
    now: datetime,
) -> Admission:
    refresh = identity.tokens.grant_refresh(trader_id=trader.id, permit_id=permit.id)
    admitting.keep(session, permit, refresh, parent=parent)
    permit.renewed_at, permit.expires_at = now, refresh.expires_at
    facts.note(
        session,
        audit.Happened(
            action=AuditAction.PERMIT_RENEWED,
            trader_id=trader.id,
            actor_id=trader.id,
            subject=f"Permit:{permit.id}",
        ),
    )
    return Admission(permit, trader, admitting.grant_access(identity, trader, permit), refresh)


async def _let_only_line_live(session: AsyncSession, token: RefreshToken, now: datetime) -> None:
    # The token in use and its own children stay: an answer with a child may have been lost.
    await session.exec(
        update(RefreshToken)
        .where(
            col(RefreshToken.permit_id) == token.permit_id,
            col(RefreshToken.hash) != token.hash,
            or_(col(RefreshToken.parent_hash).is_(None), col(RefreshToken.parent_hash) != token.hash),
            col(RefreshToken.dead_since).is_(None),
        )
        .values(dead_since=now)
    )


async def _forget_expired(session: AsyncSession, permit: Permit, now: datetime) -> None:
    # Their time alone has them refused. A dead one is kept until then: it is what a reuse is known by.
    await session.exec(
        delete(RefreshToken).where(col(RefreshToken.permit_id) == permit.id, col(RefreshToken.expires_at) <= now)
    )


async def _token_of(session: AsyncSession, claims: RefreshClaims) -> RefreshToken | None:
    token = await session.get(RefreshToken, hash_token_id(claims.token_id))
    return token if token is not None and token.permit_id == claims.permit_id else None
