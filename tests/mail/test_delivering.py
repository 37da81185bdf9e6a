"""What was queued arrives: once, whatever goes wrong, and without a trace of whose it was in logs or tables."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import col, select

from app.database import Database
from app.domain import mails
from app.domain.mails import Letter, MailKind, MailQueued
from app.entities import OutboxMail
from app.kit import facts
from app.kit.backoff import Backoff
from app.kit.phrases import Phrases
from app.mail.delivering import Deliverer
from app.mail.transports import FolderTransport, PermanentFailure, SmtpTransport, TemporaryFailure, Transport
from app.security.seals import Seals
from app.statements import Session
from tests.factories import NOON, ManualClock
from tests.mail.servers import MailServer, running, silent_server

pytestmark = pytest.mark.anyio

ADDRESS = "augusta.ada@example.com"
CODE = "012345"

MakeDeliverer = Callable[..., Deliverer]


@pytest.fixture
def make_deliverer(database: Database, seals: Seals, phrases: Phrases, clock: ManualClock) -> MakeDeliverer:
    """Makes a deliverer that is without jitter: it waits 5, 10, 20, ... seconds."""

    def make(transport: Transport, *, database: Database = database, seals: Seals = seals) -> Deliverer:
        return Deliverer(
            database,
            seals,
            transport,
            phrases,
            "Share Price Viewer <no-reply@example.com>",
            Backoff(first=5, longest=900),
            clock,
            random=lambda: 1.0,
        )

    return make


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """What anybody of ours logs at any level; the test's own mail server logs addresses of course."""
    caplog.set_level(logging.DEBUG)
    caplog.handler.addFilter(lambda record: not record.name.startswith("mail."))
    return caplog


def lines(log: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.message) for record in log.records if record.name == "app.mail"]


async def queue(
    database: Database,
    seals: Seals,
    kind: MailKind = MailKind.CONFIRM_EMAIL,
    *,
    address: str = ADDRESS,
    locale: str = "en",
    now: datetime = NOON,
    times: int = 1,
) -> None:
    async with database.unit_of_work() as session:
        for _ in range(times):
            mails.queue(session, seals, kind, address=address, locale=locale, now=now, code=CODE, minutes=10)


async def outbox(database: Database) -> list[OutboxMail]:
    async with database.reading() as session:
        return list((await session.exec(select(OutboxMail).order_by(col(OutboxMail.id)))).all())


@asynccontextmanager
async def at_work(deliverer: Deliverer) -> AsyncIterator[None]:
    running = asyncio.create_task(deliverer.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.wait([running])


async def until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not happened():  # noqa: ASYNC110 - the mail server is in another thread
            await asyncio.sleep(0.01)


class Stumbling:
    """A transport that fails in the given ways before it lets e-mails through to another."""

    def __init__(self, *failures: BaseException, to: Transport | None = None, after: bool = False) -> None:
        self.failures = list(failures)
        self.to = to
        self.after = after
        self.tried: list[str] = []

    async def send(self, message: EmailMessage) -> None:
        self.tried.append(message["Message-ID"])
        if self.after and self.to is not None:
            await self.to.send(message)
        if self.failures:
            raise self.failures.pop(0)
        if not self.after and self.to is not None:
            await self.to.send(message)


async def test_a_queued_email_arrives_once_and_leaves_the_outbox(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    await queue(database, seals, locale="si")
    (mail,) = await outbox(database)
    deliverer = make_deliverer(SmtpTransport.from_url(server.url))

    await deliverer.drain()
    await deliverer.drain()

    (delivery,) = server.taken
    assert (delivery.sender, delivery.recipients) == ("no-reply@example.com", [ADDRESS])
    assert delivery.message["Message-ID"] == mail.message_id
    assert delivery.message["Content-Language"] == "si"
    body = delivery.message.get_body(("html",))
    assert isinstance(body, EmailMessage)
    assert f"<h1>{CODE}</h1>" in body.get_content()
    assert await outbox(database) == []


@pytest.mark.parametrize("count", [1, 3, 20])
async def test_all_that_is_due_is_sent_a_few_at_once(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer, count: int
) -> None:
    await queue(database, seals, times=count)
    expected = sorted(mail.message_id for mail in await outbox(database))
    server.pause = 0.1

    await make_deliverer(SmtpTransport.from_url(server.url)).drain()

    assert sorted(server.message_ids) == expected
    assert len(set(expected)) == count
    assert server.most_at_once == 1 if count == 1 else 1 < server.most_at_once <= 4
    assert await outbox(database) == []


async def test_what_was_not_committed_is_not_sent(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    told: list[object] = []
    database.listen(told.append)

    async def fail() -> None:
        async with database.unit_of_work() as session:
            mails.queue(session, seals, MailKind.LOCKED_OUT, address=ADDRESS, locale="en", now=NOON, minutes=30)
            await session.flush()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    await make_deliverer(SmtpTransport.from_url(server.url)).drain()

    assert (told, server.taken) == ([], [])


async def test_the_commit_of_an_email_wakes_the_deliverer(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    deliverer = make_deliverer(SmtpTransport.from_url(server.url))
    database.listen(lambda fact: deliverer.wake() if isinstance(fact, MailQueued) else None)

    async with at_work(deliverer):
        for count in (1, 2, 3):
            await queue(database, seals)
            await until(lambda count=count: len(server.taken) == count)  # type: ignore[misc]

    assert await outbox(database) == []


async def test_an_email_that_is_due_later_is_sent_without_being_woken(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer, clock: ManualClock
) -> None:
    await queue(database, seals, now=NOON + timedelta(milliseconds=200))

    async with at_work(make_deliverer(SmtpTransport.from_url(server.url))):
        await asyncio.sleep(0.1)
        sent_early = len(server.taken)
        clock.turn(seconds=1)
        await until(lambda: len(server.taken) == 1)

    assert sent_early == 0


async def test_an_email_waits_for_a_server_that_is_down(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, clock: ManualClock
) -> None:
    await queue(database, seals)
    server = MailServer()
    deliverer = make_deliverer(SmtpTransport.from_url(server.url))

    await deliverer.drain()
    (waiting,) = await outbox(database)
    async with running(server):
        clock.turn(seconds=4)
        await deliverer.drain()
        sent_early = len(server.taken)
        clock.turn(seconds=1)
        await deliverer.drain()
        clock.turn(days=1)
        await deliverer.drain()

    assert (waiting.attempts, waiting.next_attempt_at) == (1, NOON + timedelta(seconds=5))
    assert sent_early == 0
    assert server.message_ids == [waiting.message_id]
    assert await outbox(database) == []


async def test_two_refusals_for_the_moment_make_three_tries_and_one_email(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer, clock: ManualClock
) -> None:
    await queue(database, seals)
    server.content_answers = ["451 4.3.0 Not now", "451 4.3.0 Not now"]
    deliverer = make_deliverer(SmtpTransport.from_url(server.url))

    for seconds in (5, 10, 20):
        await deliverer.drain()
        clock.turn(seconds=seconds)

    assert (server.tries, len(server.taken)) == (3, 1)
    assert await outbox(database) == []


async def test_tries_become_rarer_and_end_after_a_day(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    clock: ManualClock,
    log: pytest.LogCaptureFixture,
) -> None:
    await queue(database, seals)
    transport = Stumbling(*[TemporaryFailure("SMTPConnectError")] * 200)
    deliverer = make_deliverer(transport)
    waits: list[float] = []

    await deliverer.drain()
    while waiting := await outbox(database):
        waits.append((waiting[0].next_attempt_at - clock.now).total_seconds())
        clock.now = waiting[0].next_attempt_at
        await deliverer.drain()

    assert waits[:10] == [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert set(waits[10:]) == {900}
    assert timedelta(hours=24) <= clock.now - NOON < timedelta(hours=24, minutes=15)
    assert len(transport.tried) == len(waits) + 1
    assert len(set(transport.tried)) == 1
    assert lines(log)[0] == ("WARNING", "E-mail 1 (confirm-email) is tried again in 5 s: SMTPConnectError")
    assert lines(log)[-1] == ("ERROR", "E-mail 1 (confirm-email) is given up after 24 hours: SMTPConnectError")


@pytest.mark.parametrize("where", ["recipient", "content"])
async def test_a_refusal_for_good_drops_the_email_and_says_so_without_the_address(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    log: pytest.LogCaptureFixture,
    where: str,
) -> None:
    await queue(database, seals)
    getattr(server, f"{where}_answers").append(f"550 5.1.1 <{ADDRESS}> is unknown, and so is {CODE}")

    await make_deliverer(SmtpTransport.from_url(server.url)).drain()

    error = "SMTPRecipientRefused" if where == "recipient" else "SMTPDataError"
    assert lines(log) == [("ERROR", f"E-mail 1 (confirm-email) is dropped: {error} 550 5.1.1")]
    assert (server.taken, await outbox(database)) == ([], [])
    assert "augusta" not in log.text.lower()
    assert CODE not in log.text


async def test_an_address_that_cannot_be_one_is_dropped(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    log: pytest.LogCaptureFixture,
) -> None:
    await queue(database, seals, address=f"{ADDRESS}\r\nBcc: eve@example.com")
    await queue(database, seals, address="augusta\ud800@example.com")

    await make_deliverer(SmtpTransport.from_url(server.url)).drain()

    assert [level for level, _ in lines(log)] == ["ERROR", "ERROR"]
    assert (server.taken, await outbox(database)) == ([], [])
    assert "augusta" not in log.text
    assert "eve@" not in log.text


@pytest.mark.parametrize("end", ["killed", "cut off"])
async def test_a_death_between_sending_and_deleting_sends_the_same_email_again(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    clock: ManualClock,
    end: str,
) -> None:
    await queue(database, seals)
    smtp = SmtpTransport.from_url(server.url)
    death = asyncio.CancelledError() if end == "killed" else TemporaryFailure("SMTPServerDisconnected")

    await make_deliverer(Stumbling(death, to=smtp, after=True)).drain()
    (left,) = await outbox(database)
    survivor = make_deliverer(smtp)
    await survivor.drain()
    sent_early = len(server.taken)
    clock.turn(minutes=2)
    await survivor.drain()

    assert sent_early == 1
    first, second = server.taken
    assert first.message["Message-ID"] == second.message["Message-ID"] == left.message_id
    assert first.message["Date"] == second.message["Date"]
    assert await outbox(database) == []


class Forgetful(Database):
    """A database that fails to commit at the given units of work, counted from 1."""

    def __init__(self, url: str, *failing: int) -> None:
        super().__init__(url, synchronous="NORMAL")
        self.failing = failing
        self.count = 0

    @asynccontextmanager
    async def unit_of_work(self) -> AsyncIterator[Session]:
        self.count += 1
        async with super().unit_of_work() as session:
            yield session
            if self.count in self.failing:
                raise OSError(f"disk full while writing {ADDRESS}")


async def test_what_is_known_to_be_sent_is_not_sent_again_because_it_could_not_be_deleted(
    database: Database,
    database_url: str,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    clock: ManualClock,
    log: pytest.LogCaptureFixture,
) -> None:
    await queue(database, seals)
    forgetful = Forgetful(database_url, 2, 4)  # claims are 1, 3 and 5
    deliverer = make_deliverer(SmtpTransport.from_url(server.url), database=forgetful)

    for _ in range(3):
        await deliverer.drain()
        clock.turn(minutes=2)
    await forgetful.close()

    assert (server.tries, len(server.taken)) == (1, 1)
    assert await outbox(database) == []
    assert lines(log) == [
        ("INFO", "E-mail 1 (confirm-email) was sent, at try 1"),
        ("ERROR", "E-mail 1 (confirm-email) stays in the outbox (OSError)"),
        ("ERROR", "E-mail 1 (confirm-email) stays in the outbox (OSError)"),
    ]


async def test_a_database_that_fails_is_asked_again(
    database: Database,
    database_url: str,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    log: pytest.LogCaptureFixture,
) -> None:
    await queue(database, seals)
    forgetful = Forgetful(database_url, 1)
    deliverer = make_deliverer(SmtpTransport.from_url(server.url), database=forgetful)

    async with at_work(deliverer):
        await until(lambda: len(lines(log)) == 1)
        deliverer.wake()
        await until(lambda: len(server.taken) == 1)
    await forgetful.close()

    assert lines(log) == [
        ("ERROR", "The outbox cannot be read (OSError)"),
        ("INFO", "E-mail 1 (confirm-email) was sent, at try 1"),
    ]
    assert await outbox(database) == []


async def test_deliverers_side_by_side_send_each_email_once(
    database: Database, database_url: str, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    await queue(database, seals, times=30)
    expected = sorted(mail.message_id for mail in await outbox(database))
    server.pause = 0.01
    others = [Database(database_url, synchronous="NORMAL") for _ in range(3)]
    smtp = SmtpTransport.from_url(server.url)

    await asyncio.gather(*(make_deliverer(smtp, database=other).drain() for other in others))
    for other in others:
        await other.close()

    assert sorted(server.message_ids) == expected
    assert await outbox(database) == []


async def test_one_who_comes_late_does_not_disturb_who_took_over(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, clock: ManualClock
) -> None:
    await queue(database, seals)
    begun, go_on = asyncio.Event(), asyncio.Event()

    class Slow:
        async def send(self, _: EmailMessage) -> None:
            begun.set()
            await go_on.wait()
            raise TemporaryFailure("late")

    late = asyncio.create_task(make_deliverer(Slow()).drain())
    await begun.wait()
    await asyncio.sleep(0.1)  # until it has seen that nothing else is due
    clock.turn(minutes=2)  # the lease of the first is over
    await make_deliverer(Stumbling(TemporaryFailure("again"))).drain()
    (before,) = await outbox(database)
    go_on.set()
    await late
    (after,) = await outbox(database)

    assert (before.attempts, before.next_attempt_at) == (2, clock.now + timedelta(seconds=10))
    assert (after.attempts, after.next_attempt_at) == (before.attempts, before.next_attempt_at)


async def test_a_decoy_costs_the_same_writes_and_is_never_sent(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, clock: ManualClock
) -> None:
    transport = Stumbling()
    rows: list[tuple[int, int]] = []
    told: list[object] = []
    database.listen(told.append)

    for kind in (MailKind.CONFIRM_EMAIL, MailKind.NOTHING):
        await queue(database, seals, kind)
        (mail,) = await outbox(database)
        rows.append((len(mail.sealed), mail.attempts))
        await make_deliverer(transport).drain()

    assert rows[0] == rows[1]
    assert [type(fact) for fact in told] == [MailQueued, MailQueued]
    assert len(transport.tried) == 1
    assert await outbox(database) == []


@pytest.mark.parametrize("fault", ["pepper", "edited", "moved", "no letter"])
async def test_a_broken_seal_is_dropped(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    log: pytest.LogCaptureFixture,
    fault: str,
) -> None:
    letter = Letter(ADDRESS, "en", {"code": CODE, "minutes": 10}).sealed(seals)
    sealed = {
        "pepper": Letter(ADDRESS, "en", {}).sealed(Seals(b"another pepper, and as long as it must be")),
        "edited": letter[:-1] + bytes([letter[-1] ^ 1]),
        "moved": seals.seal(seals.open(letter, mails.PURPOSE), "another purpose"),
        "no letter": seals.seal(b"[1, 2]", mails.PURPOSE),
    }[fault]
    async with database.unit_of_work() as session:
        session.add(
            OutboxMail(
                message_id="<0123@mail.invalid>",
                kind="confirm-email",
                sealed=sealed,
                created_at=NOON,
                next_attempt_at=NOON,
            )
        )
    transport = Stumbling()

    await make_deliverer(transport).drain()

    assert lines(log) == [("ERROR", "E-mail 1 (confirm-email) is dropped: BrokenSeal")]
    assert (transport.tried, await outbox(database)) == ([], [])


async def test_a_defect_of_ours_costs_a_try_and_not_the_email(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    clock: ManualClock,
    log: pytest.LogCaptureFixture,
) -> None:
    await queue(database, seals)
    defect = ZeroDivisionError(f"while sending {CODE} to {ADDRESS}")
    deliverer = make_deliverer(Stumbling(defect, to=SmtpTransport.from_url(server.url)))

    await deliverer.drain()
    clock.turn(seconds=5)
    await deliverer.drain()

    assert lines(log) == [
        ("WARNING", "E-mail 1 (confirm-email) is tried again in 5 s: ZeroDivisionError"),
        ("INFO", "E-mail 1 (confirm-email) was sent, at try 2"),
    ]
    assert len(server.taken) == 1
    assert CODE not in log.text


async def test_a_kind_that_only_a_newer_process_knows_is_left_for_it(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer
) -> None:
    await queue(database, seals)
    async with database.unit_of_work() as session:
        await session.exec(text("UPDATE outbox_mail SET kind = 'newer'"))  # type: ignore[call-overload]

    await make_deliverer(Stumbling()).drain()

    assert [(mail.kind, mail.attempts) for mail in await outbox(database)] == [("newer", 1)]


async def test_one_bad_email_does_not_hold_up_the_others(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    await queue(database, seals, times=6)
    failures = [TemporaryFailure("no"), PermanentFailure("never"), ZeroDivisionError()]

    await make_deliverer(Stumbling(*failures, to=SmtpTransport.from_url(server.url))).drain()

    assert len(server.taken) == 3
    assert len(await outbox(database)) == 2


async def test_a_server_that_hangs_keeps_nobody_from_the_database(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, log: pytest.LogCaptureFixture
) -> None:
    await queue(database, seals, times=6)
    async with silent_server() as port:
        transport = SmtpTransport.from_url(f"smtp://127.0.0.1:{port}", timeout=1.5)
        async with at_work(make_deliverer(transport)):
            await asyncio.sleep(0.1)
            for _ in range(10):
                await queue(database, seals)
                await outbox(database)
            ended = lines(log)

    assert ended == []  # every try was still waiting for an answer
    assert len(await outbox(database)) == 16


async def test_what_is_on_its_way_arrives_when_the_server_stops(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    await queue(database, seals)
    server.pause = 0.3

    async with at_work(make_deliverer(SmtpTransport.from_url(server.url))):
        await until(lambda: server.most_at_once == 1)

    assert len(server.taken) == 1
    assert await outbox(database) == []


async def test_a_deliverer_that_was_stopped_again_and_again_still_drains(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, server: MailServer
) -> None:
    deliverer = make_deliverer(SmtpTransport.from_url(server.url))
    for turns in range(12):
        task = asyncio.create_task(deliverer.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    await queue(database, seals)

    async with asyncio.timeout(5):
        await deliverer.drain()

    assert len(server.taken) == 1


async def test_nothing_of_an_email_is_logged_or_lies_open_in_the_database(
    database: Database,
    seals: Seals,
    make_deliverer: MakeDeliverer,
    server: MailServer,
    clock: ManualClock,
    log: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    server.content_answers = [f"451 4.3.0 {CODE} for {ADDRESS}"]
    deliverer = make_deliverer(SmtpTransport.from_url(server.url))

    await queue(database, seals)
    await deliverer.drain()
    (mail,) = await outbox(database)
    rows = repr(await database.fetch(text("SELECT * FROM outbox_mail"))).encode()
    files = b"".join(path.read_bytes() for path in tmp_path.glob("shares.sqlite*"))  # noqa: ASYNC240
    clock.turn(seconds=5)
    await deliverer.drain()

    assert len(server.taken) == 1
    token = mail.message_id.encode()
    assert token in rows
    assert token in files or database.dialect_name != "sqlite"
    for secret in (CODE, "augusta", "example.com"):
        assert secret.encode() not in rows + files
        assert secret not in repr(mail)
        assert secret not in log.text.replace("no-reply@example.com", "")


async def test_without_a_mail_server_emails_lie_in_a_folder(
    database: Database, seals: Seals, make_deliverer: MakeDeliverer, tmp_path: Path
) -> None:
    await queue(database, seals, times=3)

    await make_deliverer(FolderTransport(tmp_path / "outbox")).drain()

    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 3
    assert await outbox(database) == []


async def test_a_letter_shows_nothing_of_itself() -> None:
    assert ADDRESS not in repr(Letter(ADDRESS, "en", {"code": CODE}))


async def test_queueing_notes_one_fact_for_each_email(database: Database, seals: Seals) -> None:
    async with database.unit_of_work() as session:
        for _ in range(3):
            mails.queue(session, seals, MailKind.ALREADY_REGISTERED, address=ADDRESS, locale="si", now=NOON)
        noted = [type(fact) for fact in facts.noted(session)]

    assert noted == [MailQueued] * 3
    opened = [Letter.opened(mail.sealed, seals) for mail in await outbox(database)]
    assert opened == [Letter(ADDRESS, "si", {})] * 3


async def test_a_sender_that_is_none_is_found_when_the_server_starts(
    database: Database, seals: Seals, phrases: Phrases
) -> None:
    with pytest.raises(ValueError, match="address"):
        Deliverer(database, seals, Stumbling(), phrases, "Shares")
