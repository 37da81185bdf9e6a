"""From the outbox to the transport: claims what is due, sends it, tries again later, and gives up after a day.

Never holds a connection to the database while it waits for a mail server, and never logs more of an e-mail
than its number in the outbox and its kind.
"""

import asyncio
import contextlib
import logging
import random as randomness
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import col, select

from app.database import Database
from app.domain.mails import Letter, MailKind
from app.entities import OutboxMail
from app.kit.backoff import Backoff
from app.kit.clock import Clock, utc_now
from app.kit.phrases import Phrases
from app.mail import composing
from app.mail.composing import UnusableAddress
from app.mail.transports import PermanentFailure, TemporaryFailure, Transport
from app.security.seals import BrokenSeal, Seals

logger = logging.getLogger("app.mail")

MAIL_BACKOFF = Backoff(first=5, longest=15 * 60)
"""How long an e-mail waits before it is tried again: 5 s at first, then twice as long each time, up to 15 min."""

_GIVE_UP_AFTER = timedelta(hours=24)

# Whoever claims an e-mail has it for so long; if the process dies, another takes it then.
_LEASE = timedelta(minutes=2)

# Sending is cut off early enough that nobody else has begun, though their clock be half a minute ahead.
_LONGEST_SENDING_SECONDS = 90

_LONGEST_POLL_SECONDS = 30.0
_AT_ONCE = 4

# How long those on their way may take to arrive when the server stops.
_GRACE_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Claim:
    """An e-mail that is ours to send until the lease runs out."""

    mail: OutboxMail
    attempt: int


class Deliverer:
    """Sends what lies in the outbox, beside the requests and with any number of others like it.

    Every e-mail is claimed before it is sent, by one conditional statement, so that no two deliverers, in one
    process or in many, send it at the same time. It is deleted once the transport has taken it. A process
    that dies between the two leaves it, and it is sent once more, with the same Message-ID and the same date,
    by which mail programs tell a copy: none is lost, and none is sent twice knowingly.
    """

    def __init__(
        self,
        database: Database,
        seals: Seals,
        transport: Transport,
        phrases: Phrases,
        sender: str,
        backoff: Backoff = MAIL_BACKOFF,
        clock: Clock = utc_now,
        *,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        """Prepare; nothing is sent before `run` or `drain`.

        Args:
            database: Holds the outbox.
            seals: Opens what `app.domain.mails` sealed.
            transport: Takes the e-mails.
            phrases: The words.
            sender: Whom they come from: `Shares <no-reply@example.com>` or the address alone.
            backoff: How long to wait after a temporary failure. Its attempts do not count: an e-mail is given
                up when it is 24 hours old.
            clock: The time.
            random: For the back-off's jitter: gives numbers in [0, 1).

        Raises:
            UnusableAddress: The sender is not an e-mail address.
        """
        self._database = database
        self._seals = seals
        self._transport = transport
        self._phrases = phrases
        self._sender = composing.mailbox(sender)
        self._backoff = backoff
        self._clock = clock
        self._random = random
        self._woken = asyncio.Event()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._under_way: set[asyncio.Task[None]] = set()
        self._taken: set[int] = set()

    def wake(self) -> None:
        """Say that something may be due; from the event loop's own thread. Quick, and never fails."""
        self._woken.set()

    async def run(self) -> None:
        """Send whatever comes due, until cancelled; what is on its way then gets five seconds to arrive.

        Looks when woken, when the next e-mail comes due, and every 30 seconds for what other processes queued
        or left behind. A database that fails is asked again later.
        """
        looking: asyncio.Task[float | None] | None = None
        try:
            while True:
                self._woken.clear()
                # Cancelled in the middle of a statement it would break a connection and might leave a claim.
                looking = asyncio.create_task(self._start_next())
                seconds = await asyncio.shield(looking)
                if seconds is not None:
                    await self._sleep(seconds)
        finally:
            await self._stop(looking)

    async def drain(self) -> None:
        """Send once all that is due, and come back when every try has ended."""
        while await self._start_next() is None:
            pass
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def _stop(self, looking: asyncio.Task[float | None] | None) -> None:
        unfinished: set[asyncio.Task[Any]] = {looking} if looking is not None else set()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_SECONDS):
                while unfinished := {task for task in unfinished | self._under_way if not task.done()}:
                    await asyncio.wait(unfinished)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*unfinished, return_exceptions=True)

    async def _start_next(self) -> float | None:
        """Begin to send the next one that is due once there is a free slot; None if there was one.

        Otherwise gives the seconds after which to look again.
        """
        await self._slots.acquire()
        claimed: _Claim | float = _LONGEST_POLL_SECONDS
        try:
            claimed = await self._claim()
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the database, mail waits until it is not
            logger.error("The outbox cannot be read (%s)", type(error).__name__)
        finally:
            if not isinstance(claimed, _Claim):
                self._slots.release()
        if not isinstance(claimed, _Claim):
            return claimed
        task = asyncio.create_task(self._deliver(claimed))
        self._under_way.add(task)
        task.add_done_callback(self._end)
        return None

    def _end(self, task: asyncio.Task[None]) -> None:
        self._under_way.discard(task)
        self._slots.release()

    async def _sleep(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    async def _claim(self) -> _Claim | float:
        """Take the next e-mail that is due, or give the seconds until one is."""
        while True:
            async with self._database.reading() as session:
                first = select(OutboxMail).order_by(col(OutboxMail.next_attempt_at), col(OutboxMail.id)).limit(1)
                mail = (await session.exec(first)).first()
            now = self._clock()
            if mail is None:
                return _LONGEST_POLL_SECONDS
            if mail.next_attempt_at > now:
                return min(_LONGEST_POLL_SECONDS, (mail.next_attempt_at - now).total_seconds())
            if await self._reschedule(
                mail, attempts=mail.attempts, to=now + _LEASE, next_attempts=mail.attempts + 1
            ):
                return _Claim(mail, mail.attempts + 1)

    async def _reschedule(self, mail: OutboxMail, *, attempts: int, to: datetime, next_attempts: int) -> bool:
        # That nobody has tried since is the condition: every claim counts the tries up.
        unchanged = (
            update(OutboxMail)
            .where(col(OutboxMail.id) == mail.id, col(OutboxMail.attempts) == attempts)
            .values(next_attempt_at=to, attempts=next_attempts)
            .returning(col(OutboxMail.id))
        )
        async with self._database.unit_of_work() as session:
            return (await session.exec(unchanged)).first() is not None

    async def _deliver(self, claim: _Claim) -> None:
        mail = claim.mail
        try:
            if mail.id not in self._taken and mail.kind != MailKind.NOTHING:
                async with asyncio.timeout(_LONGEST_SENDING_SECONDS):
                    await self._send(mail)
                self._taken.add(mail.id)
                logger.info("E-mail %d (%s) was sent, at try %d", mail.id, mail.kind, claim.attempt)
        except (BrokenSeal, UnusableAddress, PermanentFailure) as failure:
            logger.error("E-mail %d (%s) is dropped: %s", mail.id, mail.kind, _reason(failure))
        except Exception as failure:  # noqa: BLE001 - a defect of ours must cost a try, not the e-mail or the loop
            await self._put_off(claim, _reason(failure))
            return
        await self._forget(mail)

    async def _send(self, mail: OutboxMail) -> None:
        letter = Letter.opened(mail.sealed, self._seals)
        message = composing.compose(
            self._phrases,
            # An unknown kind is a defect or a newer process's; that one may send it meanwhile.
            MailKind(mail.kind),
            letter,
            sender=self._sender,
            message_id=mail.message_id,
            date=mail.created_at,
        )
        await self._transport.send(message)

    async def _put_off(self, claim: _Claim, reason: str) -> None:
        mail, now = claim.mail, self._clock()
        if now - mail.created_at >= _GIVE_UP_AFTER:
            logger.error("E-mail %d (%s) is given up after 24 hours: %s", mail.id, mail.kind, reason)
            await self._forget(mail)
            return
        seconds = self._backoff.wait(claim.attempt, self._random)
        logger.warning("E-mail %d (%s) is tried again in %.0f s: %s", mail.id, mail.kind, seconds, reason)
        try:
            await self._reschedule(
                mail, attempts=claim.attempt, to=now + timedelta(seconds=seconds), next_attempts=claim.attempt
            )
        except Exception as error:  # noqa: BLE001 - the lease ends by itself
            logger.error("The outbox cannot be written (%s)", type(error).__name__)
        self.wake()

    async def _forget(self, mail: OutboxMail) -> None:
        # If it cannot be deleted it is claimed again after the lease, and what was taken is not sent again.
        try:
            async with self._database.unit_of_work() as session:
                await session.exec(delete(OutboxMail).where(col(OutboxMail.id) == mail.id))
        except Exception as error:  # noqa: BLE001 - as above
            logger.error("E-mail %d (%s) stays in the outbox (%s)", mail.id, mail.kind, type(error).__name__)
        else:
            self._taken.discard(mail.id)


def _reason(failure: Exception) -> str:
    # Of other exceptions not even the text is logged: it may hold what failed.
    ours = isinstance(failure, TemporaryFailure | PermanentFailure | UnusableAddress)
    return str(failure) if ours else type(failure).__name__
