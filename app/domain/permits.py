"""The life of a permit: given at log-in, renewed by its refresh token, ended at log-out.

Refresh tokens rotate. A lost answer does not log a device out: a token stays valid until one of its
children is used; from then on it and its other children are dead, and a dead one that comes back
means that somebody else holds a copy, so the permit is revoked (RFC 9700, section 4.14.2).
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import PasswordHash, RefreshToken
from app.domain import traders
from app.domain.problems import EmailNotConfirmed, LoginFailed, PermitInvalid
from app.domain.work import Work
from app.entities import Permit, Trader
from app.security.codes import hash_token_id
from app.security.passwords import PasswordHasher
from app.security.tokens import InvalidToken, RefreshClaims, SignedToken, Tokens


@dataclass(frozen=True, slots=True)
class Admission:
    """A permit with its trader and a fresh pair of tokens."""

    permit: Permit
    trader: Trader
    access: SignedToken
    refresh: SignedToken


@dataclass(frozen=True, slots=True)
class Revocation:
    """How many permits were revoked, and when the last access token under them expires."""

    count: int
    access_ends_by: datetime | None


async def log_in(
    work: Work,
    *,
    email: str,
    password: str,
    device: str | None,
    tokens: Tokens,
    hasher: PasswordHasher,
    now: datetime,
) -> Admission:
    """Give a device a permit for the right address and password.

    The password of an unknown address is checked against a hash of nobody, so that it takes as long.

    Raises:
        LoginFailed: The address and the password do not belong together.
        EmailNotConfirmed: They do, but the address is not confirmed yet.
    """
    async with work.reading() as session:
        account = await traders.with_password_hash(session, email)
    verdict = await hasher.verify(password, account[1].hash if account else None)
    if account is None or not verdict.matches:
        raise LoginFailed(path=("password",))
    trader, known = account
    if not trader.email_confirmed:
        raise EmailNotConfirmed(path=("email",))
    stronger = await hasher.hash(password) if verdict.needs_rehash else None
    async with work.unit_of_work() as session:
        if stronger is not None:
            await _replace_hash(session, known, stronger)
        return await _admit(session, trader, device=device, tokens=tokens, now=now)


async def renew(work: Work, *, refresh_token: str, tokens: Tokens, now: datetime) -> Admission:
    """Give a new pair of tokens for a refresh token that is still alive.

    Raises:
        PermitInvalid: The token is not one, has expired, or its permit is revoked; or it was already
            replaced, which revokes the permit.
    """
    claims = _read(tokens, refresh_token)
    async with work.unit_of_work() as session:
        admission = await _renew(session, claims, tokens=tokens, now=now)
    # Raised only now: what a reuse revokes must be committed.
    if admission is None:
        raise PermitInvalid(path=("refreshToken",))
    return admission


async def log_out(
    work: Work, *, refresh_token: str, tokens: Tokens, access_lifetime: timedelta, now: datetime
) -> Revocation:
    """Revoke the permit of a refresh token; nothing happens if it already was.

    Raises:
        PermitInvalid: The token is not one, or has expired.
    """
    claims = _read(tokens, refresh_token)
    async with work.unit_of_work() as session:
        permit = await session.get(Permit, claims.permit_id, with_for_update=True)
        if permit is None or await _line_of(session, claims) is None:
            raise PermitInvalid(path=("refreshToken",))
        if permit.revoked_at is not None:
            return Revocation(0, None)
        permit.revoked_at = now
        return Revocation(1, (permit.renewed_at or permit.issued_at) + access_lifetime)


async def _replace_hash(session: AsyncSession, known: PasswordHash, stronger: str) -> None:
    # Only if it still is the one that was checked: a password changed meanwhile must win.
    await session.exec(
        update(PasswordHash)
        .where(col(PasswordHash.trader_id) == known.trader_id, col(PasswordHash.hash) == known.hash)
        .values(hash=stronger)
    )


async def _admit(
    session: AsyncSession, trader: Trader, *, device: str | None, tokens: Tokens, now: datetime
) -> Admission:
    permit_id = secrets.token_urlsafe(32)
    refresh = tokens.grant_refresh(trader_id=trader.id, permit_id=permit_id)
    permit = Permit(id=permit_id, trader_id=trader.id, device=device, issued_at=now, expires_at=refresh.expires_at)
    session.add(permit)
    await session.flush()
    _keep(session, permit, refresh, parent=None)
    return Admission(permit, trader, _grant_access(tokens, trader, permit), refresh)


async def _renew(
    session: AsyncSession, claims: RefreshClaims, *, tokens: Tokens, now: datetime
) -> Admission | None:
    permit = await session.get(Permit, claims.permit_id, with_for_update=True)
    token = await _line_of(session, claims)
    if permit is None or token is None or permit.revoked_at is not None:
        return None
    if token.dead_since is not None:
        permit.revoked_at = now
        return None
    trader = await traders.find(session, permit.trader_id)
    if trader is None:
        return None
    await _let_only_line_live(session, token, now)
    refresh = tokens.grant_refresh(trader_id=trader.id, permit_id=permit.id)
    _keep(session, permit, refresh, parent=token.hash)
    permit.renewed_at, permit.expires_at = now, refresh.expires_at
    return Admission(permit, trader, _grant_access(tokens, trader, permit), refresh)


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


async def _line_of(session: AsyncSession, claims: RefreshClaims) -> RefreshToken | None:
    token = await session.get(RefreshToken, hash_token_id(claims.token_id))
    return token if token is not None and token.permit_id == claims.permit_id else None


def _keep(session: AsyncSession, permit: Permit, refresh: SignedToken, *, parent: bytes | None) -> None:
    session.add(
        RefreshToken(
            hash=hash_token_id(refresh.token_id),
            permit_id=permit.id,
            parent_hash=parent,
            expires_at=refresh.expires_at,
        )
    )


def _grant_access(tokens: Tokens, trader: Trader, permit: Permit) -> SignedToken:
    return tokens.grant_access(
        trader_id=trader.id,
        permit_id=permit.id,
        email=trader.email,
        given_name=trader.first_name,
        family_name=trader.last_name,
        date_joined=trader.date_joined,
        roles=trader.roles,
    )


def _read(tokens: Tokens, refresh_token: str) -> RefreshClaims:
    try:
        return tokens.read_refresh(refresh_token)
    except InvalidToken as error:
        raise PermitInvalid(path=("refreshToken",)) from error
