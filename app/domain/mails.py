"""The e-mails that the business decides to send: noted in the outbox, sealed, within the same unit of work.

Never sends one, and never chooses its words: both happen later, outside, from what is sealed here.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Self

import orjson
from sqlmodel import func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from app.entities import OutboxMail
from app.kit import facts
from app.kit.facts import Fact
from app.security.seals import BrokenSeal, Seals

PURPOSE = "outbox"
"""What the contents of the outbox are sealed for."""


class MailQueued(Fact):
    """An e-mail lies in the outbox and can be sent at once."""


class MailKind(StrEnum):
    """Which e-mail it is. Behind each stand the parameters that its words need."""

    CONFIRM_EMAIL = "confirm-email"  # code, minutes
    ALREADY_REGISTERED = "already-registered"
    CHANGE_PASSWORD = "change-password"  # noqa: S105 - the name of an e-mail; code, minutes
    PASSWORD_CHANGED = "password-changed"  # noqa: S105 - the name of an e-mail; time
    LOCKED_OUT = "locked-out"  # minutes
    TWO_FACTOR_ENABLED = "two-factor-enabled"  # time
    TWO_FACTOR_DISABLED = "two-factor-disabled"  # time
    RECOVERY_CODE_USED = "recovery-code-used"  # remaining
    NOTHING = "nothing"
    """A decoy: it is written, claimed and deleted as any other and never sent, so that what happens for an
    unknown address costs as much as what happens for a known one."""


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """What an e-mail is made of. It may hold a security code, so it has no text of its own for a log to show.

    Attributes:
        address: Whom it goes to.
        locale: The language of its words, as a BCP 47 tag.
        params: What its words need, by name.
    """

    address: str
    locale: str
    params: dict[str, str | int]

    def sealed(self, seals: Seals) -> bytes:
        """Encrypt it for the outbox."""
        # A decoy is written to whatever was typed. Half a surrogate pair has no UTF-8; as backslashes it stays
        # what it was, an address that nothing can be sent to.
        address = self.address.encode("utf-8", "backslashreplace").decode()
        content = {"address": address, "locale": self.locale, "params": self.params}
        return seals.seal(orjson.dumps(content), PURPOSE)

    @classmethod
    def opened(cls, sealed: bytes, seals: Seals) -> Self:
        """Read it from the outbox.

        Raises:
            BrokenSeal: It was sealed with another pepper, was edited, or does not hold a letter.
        """
        try:
            return cls(**orjson.loads(seals.open(sealed, PURPOSE)))
        except (orjson.JSONDecodeError, TypeError) as error:
            raise BrokenSeal(PURPOSE) from error


def queue(
    session: AsyncSession,
    seals: Seals,
    kind: MailKind,
    *,
    address: str,
    locale: str,
    now: datetime,
    **params: str | int,
) -> None:
    """Put an e-mail into the outbox, and note that one is there.

    It is sent once the caller has committed, and never if the unit of work fails.

    Args:
        session: An open unit of work; the caller commits.
        seals: Hides the address and the parameters from whoever reads the database.
        kind: Which e-mail it is.
        address: Whom it goes to; of a decoy, what a real one would have held.
        locale: The language of its words, as a BCP 47 tag; one that has no words is written in English.
        now: The present moment; it is due from then on.
        params: What the words of this kind need, named at `MailKind`.
    """
    session.add(
        OutboxMail(
            message_id=_message_id(),
            kind=kind.value,
            sealed=Letter(address, locale, params).sealed(seals),
            created_at=now,
            next_attempt_at=now,
        )
    )
    facts.note(session, MailQueued())


async def waiting(session: AsyncSession) -> int:
    """Count the e-mails that lie in the outbox."""
    return (await session.exec(select(func.count()).select_from(OutboxMail))).one()


def _message_id() -> str:
    # Unique by its randomness (RFC 5322, section 3.6.4); a name that can never exist (RFC 2606) stands for
    # the host, whose own is nobody's business and changes from one machine to the next.
    return f"<{secrets.token_hex(16)}@mail.invalid>"
