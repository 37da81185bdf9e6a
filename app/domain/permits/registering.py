"""Registration, security codes, and the confirmation of an address: the same answers for every address."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import PasswordHash
from app.domain import audit, mails
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.domain.mails import MailKind
from app.domain.permits import admitting, codes, throttling
from app.domain.permits.admitting import Admission
from app.domain.permits.codes import Purpose
from app.domain.problems import IncorrectSecurityCode
from app.domain.work import Work
from app.entities import Trader
from app.kit import facts
from app.kit.addresses import normal_email
from app.kit.client import Client
from app.kit.evenly import evenly, failing_evenly
from app.kit.problem import InvalidInput


@dataclass(frozen=True, slots=True)
class CodePromised:
    """What everyone is told who registers or asks for a code, whether or not one was sent."""

    expires_at: datetime
    next_at: datetime


async def register(
    work: Work, identity: Identity, values: Mapping[str, Any], *, locale: str, now: datetime
) -> CodePromised:
    """Register a trader and send a code to the address.

    An address that has not been confirmed yet may register again: the newest registration counts, and the
    code of an older one is of no use. An address that has been gets an e-mail that says so.

    Args:
        work: Where to write.
        identity: Tools, rules and limits.
        values: `email`, `password`, `first_name`, `last_name`, and maybe `claimed_date_joined` and `locale`.
        locale: The language if the values name none.
        now: The moment, in UTC.

    Raises:
        Problems: The password breaks rules.
        InvalidInput: The claimed day lies in the future, or the language is not one of ours.
        TooManyAttempts: A code was asked for within the last minute.
    """
    profile = {"locale": locale, "claimed_date_joined": None, **values}
    password, email = profile.pop("password"), normal_email(profile.pop("email"))
    personal = (email, profile["first_name"], profile["last_name"])
    identity.hold_to_rules(password, path="password", personal=personal)
    hold_to_locales(profile["locale"], identity)
    claimed = profile["claimed_date_joined"]
    if claimed is not None and claimed > now.date():
        raise InvalidInput(path=("claimedDateJoined",), phrase="rule-not-in-future")
    async with evenly(identity.limits.answer_step):
        password_hash = await identity.hasher.hash(password)
        async with work.unit_of_work() as session:
            await _reserve_code(session, identity, email, Purpose.CONFIRM_EMAIL, now)
            trader = await _find(session, email)
            if trader is not None and trader.email_confirmed:
                _queue(session, identity, MailKind.ALREADY_REGISTERED, trader.email, trader.locale, now)
            else:
                trader = await _enter(session, trader, email, profile, password_hash, now)
                facts.note(session, audit.Happened(action=AuditAction.REGISTERED, trader_id=trader.id))
                await codes.send(session, identity, trader, Purpose.CONFIRM_EMAIL, now)
    return _promise(identity, now)


async def request_code(
    work: Work, identity: Identity, *, email: str, purpose: Purpose, locale: str, now: datetime
) -> CodePromised:
    """Send a code, if the address has a trader for whom the purpose makes sense.

    Raises:
        TooManyAttempts: A code was asked for within the last minute.
    """
    async with evenly(identity.limits.answer_step), work.unit_of_work() as session:
        await _reserve_code(session, identity, email, purpose, now)
        trader = await _find(session, normal_email(email))
        if trader is not None and trader.email_confirmed is (purpose is Purpose.CHANGE_PASSWORD):
            await codes.send(session, identity, trader, purpose, now)
        else:
            _queue(session, identity, MailKind.NOTHING, email, locale, now)
    return _promise(identity, now)


async def confirm(
    work: Work,
    identity: Identity,
    *,
    email: str,
    security_code: str,
    password: str,
    client: Client,
    now: datetime,
) -> Admission:
    """Confirm an address by its code and log in.

    The password is asked for too: a code that was mailed to somebody who never registered confirms nothing.

    Raises:
        TooManyAttempts: Too many tries for the address have failed.
        LoginFailed: The address and the password do not belong together.
        IncorrectSecurityCode: The code is wrong, used, expired, or of another purpose.
    """
    checked = admitting.checked_password(work, identity, email=email, password=password, now=now)
    async with failing_evenly(identity.limits.answer_step), checked as proof, work.unit_of_work() as session:
        trader = await proof.lock(session)
        if await codes.try_code(session, identity, trader, Purpose.CONFIRM_EMAIL, security_code, now):
            await codes.use_up(session, trader, Purpose.CONFIRM_EMAIL, now)
            trader.email_confirmed, trader.updated_at = True, now
            trader.version += 1
            facts.note(
                session,
                audit.Happened(action=AuditAction.EMAIL_CONFIRMED, trader_id=trader.id, actor_id=trader.id),
            )
            return await admitting.admit(session, identity, trader, client=client, now=now)
    raise IncorrectSecurityCode(path=("securityCode",))


def hold_to_locales(locale: str, identity: Identity) -> None:
    """Hold a language to those that there are.

    Raises:
        InvalidInput: There are no catalogues for it.
    """
    if locale not in identity.locales:
        raise InvalidInput(path=("locale",), phrase="rule-unknown-locale", locales=", ".join(identity.locales))


async def _reserve_code(
    session: AsyncSession, identity: Identity, email: str, purpose: Purpose, now: datetime
) -> None:
    subject = throttling.subject_of(f"{throttling.SEND_CODE} {purpose}", email, identity.seals)
    await throttling.reserve(session, subject, most=1, window=identity.limits.code_interval, now=now)


async def _find(session: AsyncSession, email: str) -> Trader | None:
    return (await session.exec(select(Trader).where(Trader.email == email))).first()


async def _enter(
    session: AsyncSession,
    known: Trader | None,
    email: str,
    profile: Mapping[str, Any],
    password_hash: str,
    now: datetime,
) -> Trader:
    trader = known or Trader(email=email, created_at=now, updated_at=now, **profile)
    for name, value in profile.items():
        setattr(trader, name, value)
    trader.updated_at = now
    session.add(trader)
    await session.flush()
    await session.merge(PasswordHash(trader_id=trader.id, hash=password_hash, changed_at=now))
    return trader


def _queue(
    session: AsyncSession, identity: Identity, kind: MailKind, address: str, locale: str, now: datetime
) -> None:
    mails.queue(session, identity.seals, kind, address=address, locale=locale, now=now)


def _promise(identity: Identity, now: datetime) -> CodePromised:
    return CodePromised(now + identity.limits.code_lifetime, now + identity.limits.code_interval)
