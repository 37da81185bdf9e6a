"""Checks who somebody is, and gives the device of whoever it is a permit."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakValueDictionary

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import PasswordHash, RefreshToken
from app.domain import audit, mails, traders
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.domain.mails import MailKind
from app.domain.permits import revoking, throttling, two_factor
from app.domain.problems import EmailNotConfirmed, IncorrectSecondFactor, LoginFailed
from app.domain.work import GivenUp, Work
from app.entities import Permit, Trader
from app.kit import facts
from app.kit.client import Client
from app.kit.evenly import failing_evenly
from app.kit.problem import Problem
from app.security.codes import hash_token_id
from app.security.tokens import SignedToken


@dataclass(frozen=True, slots=True)
class Proof:
    """That somebody knows a trader's password.

    Attributes:
        trader: The trader as it was when the password was checked.
        password_hash: What it was checked against.
    """

    trader: Trader
    password_hash: str

    async def lock(self, session: AsyncSession) -> Trader:
        """Lock the trader for a unit of work, as it is by now.

        Raises:
            LoginFailed: The password was changed since it was checked, or the trader deleted.
        """
        trader = await traders.lock_with_password(session, self.trader.id, self.password_hash)
        if trader is None:
            raise LoginFailed(path=("password",))
        return trader


@dataclass(frozen=True, slots=True)
class Admission:
    """A permit with its trader and a fresh pair of tokens."""

    permit: Permit
    trader: Trader
    access: SignedToken
    refresh: SignedToken


async def log_in(
    work: Work,
    identity: Identity,
    *,
    email: str,
    password: str,
    two_factor_code: str | None,
    client: Client,
    now: datetime,
) -> Admission:
    """Give a device a permit for the right address and password, and the second factor if there is one.

    Raises:
        TooManyAttempts: Too many log-ins for the address have failed.
        LoginFailed: The address and the password do not belong together.
        EmailNotConfirmed: They do, but the address is not confirmed yet.
        SecondFactorRequired: They do, but a code from the authenticator app is needed too.
        IncorrectSecondFactor: That code is wrong.
    """
    checked = checked_password(work, identity, email=email, password=password, now=now)
    async with failing_evenly(identity.limits.answer_step), checked as proof:
        if proof.trader.email_confirmed:
            async with work.unit_of_work() as session:
                trader = await proof.lock(session)
                await two_factor.demand(session, identity, trader, two_factor_code, now)
                return await admit(session, identity, trader, client=client, now=now)
    raise EmailNotConfirmed(path=("email",))


@asynccontextmanager
async def checked_password(
    work: Work, identity: Identity, *, email: str, password: str, now: datetime
) -> AsyncIterator[Proof]:
    """Check an address and a password, and give the proof of whose they are.

    Each try is counted before it is made; if all that the caller does within goes well, the tries are
    forgotten. If the caller refuses for another reason, such as a second factor that is missing, this try
    does not count, and the wrong ones before it still do.
    The password of an unknown address is checked against a hash of nobody, and its tries are counted like
    those of a known one. What only a known address costs, the callers hide behind `failing_evenly`.

    Raises:
        TooManyAttempts: Too many tries for the address have failed.
        LoginFailed: The address and the password do not belong together.
    """
    subject = throttling.subject_of(throttling.LOG_IN, email, identity.seals)
    # In a line for each address: tries that wait for their turn are not failures.
    async with _line_for(subject), _counted(work, identity, subject, now) as tries:
        async with work.reading() as session:
            account = await traders.with_password_hash(session, email)
        verdict = await identity.hasher.verify(password, account[1].hash if account else None)
        if account is None or not verdict.matches:
            await _fail(work, identity, account[0] if account else None, subject, tries, now)
            raise LoginFailed(path=("password",))
        trader, known = account
        current_hash = known.hash
        if verdict.needs_rehash:
            current_hash = await identity.hasher.hash(password)
            await _replace_hash(work, known, current_hash)
        try:
            yield Proof(trader, current_hash)
        except IncorrectSecondFactor:
            await _fail(work, identity, trader, subject, tries, now)
            raise
        except Problem:
            async with work.unit_of_work() as session:
                await throttling.give_back(session, subject, closed=tries >= identity.limits.failures)
            raise
        async with work.unit_of_work() as session:
            await throttling.forgive(session, subject)


@asynccontextmanager
async def _counted(work: Work, identity: Identity, subject: bytes, now: datetime) -> AsyncIterator[int]:
    """Count a try, and give how many there have been.

    By itself, before the password is hashed: the count holds whatever becomes of the request, and no
    transaction is open while the hash is waited for. It is taken back if the whole request turns out to be
    one that another process has counted.
    """
    limits = identity.limits
    async with work.apart() as session:
        tries = await throttling.reserve(session, subject, most=limits.failures, window=limits.lockout, now=now)
    try:
        yield tries
    except GivenUp:
        async with work.apart() as session:
            await throttling.give_back(session, subject, closed=tries >= limits.failures)
        raise


async def admit(
    session: AsyncSession, identity: Identity, trader: Trader, *, client: Client, now: datetime
) -> Admission:
    """Give a device a permit for a trader who has proven to be one, and whom the caller has locked."""
    permit_id = secrets.token_urlsafe(32)
    refresh = identity.tokens.grant_refresh(trader_id=trader.id, permit_id=permit_id)
    permit = Permit(
        id=permit_id,
        trader_id=trader.id,
        device=client.device,
        software_version=client.software,
        hardware_version=client.hardware,
        issued_at=now,
        expires_at=refresh.expires_at,
    )
    session.add(permit)
    await session.flush()
    keep(session, permit, refresh, parent=None)
    _note(session, AuditAction.LOGGED_IN, trader, permit)
    return Admission(permit, trader, grant_access(identity, trader, permit), refresh)


def keep(session: AsyncSession, permit: Permit, refresh: SignedToken, *, parent: bytes | None) -> None:
    """Keep what is needed to know a refresh token again: never the token."""
    session.add(
        RefreshToken(
            hash=hash_token_id(refresh.token_id),
            permit_id=permit.id,
            parent_hash=parent,
            expires_at=refresh.expires_at,
        )
    )


def grant_access(identity: Identity, trader: Trader, permit: Permit) -> SignedToken:
    """Sign an access token that says what the trader is now."""
    return identity.tokens.grant_access(
        trader_id=trader.id,
        permit_id=permit.id,
        email=trader.email,
        given_name=trader.first_name,
        family_name=trader.last_name,
        date_joined=trader.date_joined,
        roles=trader.roles,
    )


def _note(session: AsyncSession, action: AuditAction, trader: Trader, permit: Permit) -> None:
    facts.note(
        session,
        audit.Happened(action=action, trader_id=trader.id, actor_id=trader.id, subject=f"Permit:{permit.id}"),
    )


async def _fail(
    work: Work, identity: Identity, trader: Trader | None, subject: bytes, tries: int, now: datetime
) -> None:
    locked = tries >= identity.limits.failures
    async with work.unit_of_work() as session:
        known = trader and await session.get(Trader, trader.id, with_for_update=True)
        await throttling.touch(session, subject, now)
        if known is None:
            return
        facts.note(session, audit.Happened(action=AuditAction.LOGIN_FAILED, trader_id=known.id))
        if locked:
            facts.note(session, audit.Happened(action=AuditAction.LOCKED_OUT, trader_id=known.id))
            await revoking.outdate(session, identity, known.id)
            mails.queue(
                session,
                identity.seals,
                MailKind.LOCKED_OUT,
                address=known.email,
                locale=known.locale,
                now=now,
                minutes=int(identity.limits.lockout.total_seconds() // 60),
            )


async def _replace_hash(work: Work, known: PasswordHash, stronger: str) -> None:
    # Only if it still is the one that was checked: a password changed meanwhile must win.
    async with work.apart() as session:
        await session.exec(
            update(PasswordHash)
            .where(col(PasswordHash.trader_id) == known.trader_id, col(PasswordHash.hash) == known.hash)
            .values(hash=stronger)
        )


_lines: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()


def _line_for(subject: bytes) -> asyncio.Lock:
    return _lines.setdefault(subject, asyncio.Lock())
