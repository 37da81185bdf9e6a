"""New passwords: by a security code for who forgot the old one, by the old one for who knows it."""

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import PasswordHash
from app.domain import audit, mails, traders
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.domain.mails import MailKind
from app.domain.permits import admitting, codes, renewing, revoking, throttling, two_factor
from app.domain.permits.admitting import Admission
from app.domain.permits.codes import Purpose
from app.domain.problems import IncorrectSecurityCode, LoginFailed, PermitInvalid
from app.domain.work import Work
from app.entities import Permit, Trader
from app.kit import facts
from app.kit.client import Client
from app.kit.evenly import failing_evenly


async def reset(
    work: Work,
    identity: Identity,
    *,
    email: str,
    security_code: str,
    new_password: str,
    two_factor_code: str | None,
    client: Client,
    now: datetime,
) -> Admission:
    """Set a new password by a code, revoke all permits, lift a lockout, tell the trader, and log in.

    Raises:
        Problems: The new password breaks rules.
        IncorrectSecurityCode: The code is wrong, used, expired, of another purpose, or the address unknown.
        SecondFactorRequired: The code is right, but one from the authenticator app is needed too.
        IncorrectSecondFactor: That one is wrong.
        TooManyAttempts: Too many of those were wrong: a mailbox must not be enough to guess them by.
    """
    identity.hold_to_rules(new_password, path="newPassword", personal=(email,))
    async with failing_evenly(identity.limits.answer_step):
        # Before anything is looked up, so that it takes as long for an unknown address.
        password_hash = await identity.hasher.hash(new_password)
        subject = throttling.subject_of(throttling.LOG_IN, email, identity.seals)
        guesses = throttling.subject_of(throttling.RESET_SECOND_FACTOR, email, identity.seals)
        async with work.unit_of_work() as session:
            trader = await traders.find_by_email(session, email)
            right = trader is not None and await codes.try_code(
                session, identity, trader, Purpose.CHANGE_PASSWORD, security_code, now
            )
            await throttling.touch(session, subject, now)
            if right and trader is not None and trader.two_factor_enabled and two_factor_code:
                limits = identity.limits
                await throttling.reserve(session, guesses, most=limits.failures, window=limits.lockout, now=now)
        if trader is None or not right:
            raise IncorrectSecurityCode(path=("securityCode",))
        async with work.unit_of_work() as session:
            current = await session.get(Trader, trader.id, with_for_update=True)
            if current is None:
                raise IncorrectSecurityCode(path=("securityCode",))
            await two_factor.demand(session, identity, current, two_factor_code, now)
            await codes.use_up(session, current, Purpose.CHANGE_PASSWORD, now)
            await _set(session, identity, current, password_hash, now, but=None)
            await throttling.forgive(session, subject)
            await throttling.forgive(session, guesses)
            return await admitting.admit(session, identity, current, client=client, now=now)


async def change(
    work: Work,
    identity: Identity,
    *,
    trader_id: int,
    permit_id: str,
    current_password: str,
    new_password: str,
    now: datetime,
) -> Admission:
    """Set a new password by the current one, revoke all other permits, tell the trader, renew this permit.

    Raises:
        Problems: The new password breaks rules.
        TooManyAttempts: Too many tries of the current password have failed.
        LoginFailed: The current password is wrong.
        PermitInvalid: The permit of the request is revoked.
    """
    async with work.reading() as session:
        caller = await traders.find(session, trader_id)
    if caller is None:
        raise PermitInvalid
    personal = (caller.email, caller.first_name, caller.last_name)
    identity.hold_to_rules(new_password, path="newPassword", personal=personal)
    try:
        async with admitting.checked_password(
            work, identity, email=caller.email, password=current_password, now=now
        ) as proof:
            password_hash = await identity.hasher.hash(new_password)
            async with work.unit_of_work() as session:
                trader = await proof.lock(session)
                permit = await session.get(Permit, permit_id, with_for_update=True)
                if permit is None or permit.revoked_at is not None:
                    raise PermitInvalid
                await _set(session, identity, trader, password_hash, now, but=permit_id)
                return await renewing.replace_tokens(session, identity, permit, trader, now)
    except LoginFailed:
        raise LoginFailed(path=("currentPassword",)) from None


async def _set(
    session: AsyncSession,
    identity: Identity,
    trader: Trader,
    password_hash: str,
    now: datetime,
    *,
    but: str | None,
) -> None:
    await session.merge(PasswordHash(trader_id=trader.id, hash=password_hash, changed_at=now))
    others = await revoking.permits_of(session, trader.id, but=but)
    await revoking.revoke(session, identity, others, actor_id=trader.id, now=now)
    facts.note(
        session,
        audit.Happened(action=AuditAction.PASSWORD_CHANGED, trader_id=trader.id, actor_id=trader.id),
    )
    mails.queue(
        session,
        identity.seals,
        MailKind.PASSWORD_CHANGED,
        address=trader.email,
        locale=trader.locale,
        now=now,
        time=f"{now:%Y-%m-%d %H:%M} UTC",
    )
