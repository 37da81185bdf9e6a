"""Security codes: sent by e-mail for one purpose, good for a few minutes, a few tries and one use."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from app.credentials import SecurityCode
from app.domain import audit, mails
from app.domain.audit import AuditAction
from app.domain.identity import Identity
from app.domain.mails import MailKind
from app.domain.problems import IncorrectSecurityCode
from app.entities import Trader
from app.kit import facts
from app.security import codes


class Purpose(StrEnum):
    """What a code is for."""

    CONFIRM_EMAIL = "CONFIRM_EMAIL"
    CHANGE_PASSWORD = "CHANGE_PASSWORD"  # noqa: S105 - the name of a purpose


_MAILS = {Purpose.CONFIRM_EMAIL: MailKind.CONFIRM_EMAIL, Purpose.CHANGE_PASSWORD: MailKind.CHANGE_PASSWORD}
_PEPPER = "security code"


async def send(session: AsyncSession, identity: Identity, trader: Trader, purpose: Purpose, now: datetime) -> None:
    """Make a code, keep its hash in the place of the one before, and queue the e-mail that brings it."""
    code = codes.new_code()
    await session.merge(
        SecurityCode(
            trader_id=trader.id,
            purpose=purpose,
            hash=codes.hash_code(
                code, purpose=purpose, trader_id=trader.id, pepper=identity.seals.key_for(_PEPPER)
            ),
            expires_at=now + identity.limits.code_lifetime,
            tries=0,
            used_at=None,
        )
    )
    mails.queue(
        session,
        identity.seals,
        _MAILS[purpose],
        address=trader.email,
        locale=trader.locale,
        now=now,
        code=code,
        minutes=int(identity.limits.code_lifetime.total_seconds() // 60),
    )
    facts.note(session, audit.Happened(action=AuditAction.CODE_SENT, trader_id=trader.id, detail=purpose.value))


async def try_code(
    session: AsyncSession, identity: Identity, trader: Trader, purpose: Purpose, code: str, now: datetime
) -> bool:
    """Count a try of a code, and say whether it is right; a right one is not yet used up.

    The caller commits even if it is wrong, or wrong tries would not count.
    """
    counted = await session.exec(
        update(SecurityCode)
        .where(
            col(SecurityCode.trader_id) == trader.id,
            col(SecurityCode.purpose) == purpose,
            col(SecurityCode.used_at).is_(None),
            col(SecurityCode.expires_at) > now,
            col(SecurityCode.tries) < identity.limits.code_tries,
        )
        .values(tries=SecurityCode.tries + 1)
        .returning(col(SecurityCode.hash))
    )
    stored = counted.scalar_one_or_none()
    return stored is not None and codes.matches(
        code, stored, purpose=purpose, trader_id=trader.id, pepper=identity.seals.key_for(_PEPPER)
    )


async def use_up(session: AsyncSession, trader: Trader, purpose: Purpose, now: datetime) -> None:
    """Let a code that was right be of no use again.

    Raises:
        IncorrectSecurityCode: Another request has used it up since it was tried.
    """
    used = await session.exec(
        update(SecurityCode)
        .where(
            col(SecurityCode.trader_id) == trader.id,
            col(SecurityCode.purpose) == purpose,
            col(SecurityCode.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(SecurityCode.trader_id))
    )
    if used.scalar_one_or_none() is None:
        raise IncorrectSecurityCode(path=("securityCode",))
