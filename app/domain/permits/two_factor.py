"""The second factor: an authenticator app that a trader switches on, and recovery codes for its loss."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import RecoveryCode, TwoFactor
from app.domain import audit, mails
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.domain.mails import MailKind
from app.domain.problems import IncorrectSecondFactor, SecondFactorRequired, TwoFactorOff, TwoFactorOn
from app.entities import Trader
from app.kit import facts
from app.security import totp

RECOVERY_CODES = 10
_PATH = ("twoFactorCode",)
_SECRET_SEAL = "two factor secret"  # noqa: S105 - the name of a purpose
_RECOVERY_SEAL = "recovery code"


@dataclass(frozen=True, slots=True)
class Setup:
    """What an authenticator app must be told, once."""

    secret: str
    uri: str


async def demand(
    session: AsyncSession, identity: Identity, trader: Trader, code: str | None, now: datetime
) -> None:
    """Ask for the second factor of a trader who has switched it on; a right code is used up.

    Raises:
        SecondFactorRequired: No code was given.
        IncorrectSecondFactor: The code is wrong or was used already.
    """
    if not trader.two_factor_enabled:
        return
    if not code:
        raise SecondFactorRequired(path=_PATH)
    row = await session.get_one(TwoFactor, trader.id, with_for_update=True)
    if _take(row, identity, code, now) or await _take_recovery_code(session, identity, trader, code, now):
        return
    raise IncorrectSecondFactor(path=_PATH)


async def begin(session: AsyncSession, identity: Identity, trader: Trader) -> Setup:
    """Make a secret for an app; the second factor is on once a code has shown that the app has it.

    Raises:
        TwoFactorOn: It is on already.
    """
    if trader.two_factor_enabled:
        raise TwoFactorOn
    secret = totp.new_secret()
    sealed = identity.seals.seal(secret.encode(), _SECRET_SEAL)
    await session.merge(TwoFactor(trader_id=trader.id, sealed_secret=sealed, enabled_at=None, last_step=0))
    return Setup(secret, totp.uri(secret, account=trader.email, issuer=identity.issuer))


async def enable(session: AsyncSession, identity: Identity, trader: Trader, code: str, now: datetime) -> list[str]:
    """Switch the second factor on with a first code of the app, and give the recovery codes, once.

    Raises:
        TwoFactorOn: It is on already.
        IncorrectSecondFactor: The code is wrong, or there is no secret yet.
    """
    if trader.two_factor_enabled:
        raise TwoFactorOn
    row = await session.get(TwoFactor, trader.id, with_for_update=True)
    if row is None or not _take(row, identity, code, now):
        raise IncorrectSecondFactor(path=_PATH)
    row.enabled_at = now
    trader.two_factor_enabled = True
    _tell(session, identity, trader, AuditAction.TWO_FACTOR_ENABLED, MailKind.TWO_FACTOR_ENABLED, now)
    return await renew_recovery_codes(session, identity, trader)


async def disable(session: AsyncSession, identity: Identity, trader: Trader, now: datetime) -> None:
    """Switch the second factor off; the caller has demanded it before."""
    if not trader.two_factor_enabled:
        raise TwoFactorOff
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.trader_id) == trader.id))
    await session.exec(delete(TwoFactor).where(col(TwoFactor.trader_id) == trader.id))
    trader.two_factor_enabled = False
    _tell(session, identity, trader, AuditAction.TWO_FACTOR_DISABLED, MailKind.TWO_FACTOR_DISABLED, now)


async def renew_recovery_codes(session: AsyncSession, identity: Identity, trader: Trader) -> list[str]:
    """Give new recovery codes; the ones before are of no use any more.

    Raises:
        TwoFactorOff: The second factor is not on.
    """
    if not trader.two_factor_enabled:
        raise TwoFactorOff
    await session.exec(delete(RecoveryCode).where(col(RecoveryCode.trader_id) == trader.id))
    codes = [totp.new_recovery_code() for _ in range(RECOVERY_CODES)]
    for code in codes:
        session.add(RecoveryCode(trader_id=trader.id, hash=_hash(identity, trader, code)))
    return codes


def _take(row: TwoFactor, identity: Identity, code: str, now: datetime) -> bool:
    secret = identity.seals.open(row.sealed_secret, _SECRET_SEAL).decode()
    step = totp.step_of(code, secret, at=now.timestamp(), after=row.last_step)
    if step is None:
        return False
    row.last_step = step
    return True


async def _take_recovery_code(
    session: AsyncSession, identity: Identity, trader: Trader, code: str, now: datetime
) -> bool:
    used = await session.exec(
        update(RecoveryCode)
        .where(
            col(RecoveryCode.trader_id) == trader.id,
            col(RecoveryCode.hash) == _hash(identity, trader, code),
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(RecoveryCode.trader_id))
    )
    if used.scalar_one_or_none() is None:
        return False
    remaining = await session.exec(
        select(func.count())
        .select_from(RecoveryCode)
        .where(col(RecoveryCode.trader_id) == trader.id, col(RecoveryCode.used_at).is_(None))
    )
    facts.note(
        session, audit.Happened(action=AuditAction.RECOVERY_CODE_USED, trader_id=trader.id, actor_id=trader.id)
    )
    mails.queue(
        session,
        identity.seals,
        MailKind.RECOVERY_CODE_USED,
        address=trader.email,
        locale=trader.locale,
        now=now,
        remaining=remaining.one(),
    )
    return True


def _hash(identity: Identity, trader: Trader, code: str) -> bytes:
    normal = totp.normal_recovery_code(code).encode("utf-8", "surrogatepass")
    return identity.seals.digest(f"{trader.id}:".encode() + normal, _RECOVERY_SEAL)


def _tell(
    session: AsyncSession, identity: Identity, trader: Trader, action: AuditAction, kind: MailKind, now: datetime
) -> None:
    facts.note(session, audit.Happened(action=action, trader_id=trader.id, actor_id=trader.id))
    mails.queue(
        session,
        identity.seals,
        kind,
        address=trader.email,
        locale=trader.locale,
        now=now,
        time=f"{now:%Y-%m-%d %H:%M} UTC",
    )
