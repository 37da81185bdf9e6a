"""Transports hand an e-mail over, or say whether it is worth while to try again, without saying whose it was."""

import asyncio
import logging
import stat
from collections.abc import Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTPUTF8
from pathlib import Path

import pytest

from app.domain.mails import Letter, MailKind
from app.kit.phrases import Phrases
from app.mail.composing import compose, mailbox
from app.mail.transports import FolderTransport, PermanentFailure, SmtpTransport, TemporaryFailure
from tests.factories import NOON
from tests.mail.servers import Certificate, MailServer, running, silent_server

pytestmark = pytest.mark.anyio

CREDENTIALS = "us%20er:pass%3Aword"
CODE = "012345"

Compose = Callable[..., EmailMessage]


@pytest.fixture
def composed(phrases: Phrases) -> Compose:
    def make(*, to: str = "ada@example.com", locale: str = "en") -> EmailMessage:
        letter = Letter(to, locale, {"code": CODE, "minutes": 10})
        sender = mailbox("Share Price Viewer <no-reply@example.com>")
        return compose(
            phrases, MailKind.CONFIRM_EMAIL, letter, sender=sender, message_id="<0123@mail.invalid>", date=NOON
        )

    return make


@pytest.mark.parametrize(
    ("url", "transport"),
    [
        ("smtp://mail.example", SmtpTransport(host="mail.example", port=25)),
        ("smtp://mail.example:2525/", SmtpTransport(host="mail.example", port=2525)),
        ("smtp://mail.example?tls=opportunistic", SmtpTransport(host="mail.example", port=25)),
        ("smtp://[::1]:25", SmtpTransport(host="::1", port=25)),
        ("smtp://mail.example?tls=required", SmtpTransport(host="mail.example", port=587, tls_required=True)),
        (
            "smtp://ada%40example.com:p%40ss@mail.example",
            SmtpTransport(
                host="mail.example", port=587, username="ada@example.com", password="p@ss", tls_required=True
            ),
        ),
        ("smtps://mail.example", SmtpTransport(host="mail.example", port=465, implicit_tls=True)),
        (
            "smtps://ada:pass@mail.example:4650",
            SmtpTransport(host="mail.example", port=4650, username="ada", password="pass", implicit_tls=True),
        ),
    ],
)
def test_a_url_says_where_and_how(url: str, transport: SmtpTransport) -> None:
    assert SmtpTransport.from_url(url) == transport


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://ada:verysecret@mail.example",
        "smtp://",
        "smtp://ada:verysecret@",
        "smtp://ada:verysecret@mail.example:70000",
        "smtp://ada:verysecret@mail.example:port",
        "smtp://ada@mail.example",
        "smtp://:verysecret@mail.example",
        "smtp://ada:verysecret@mail.example/folder",
        "smtp://ada:verysecret@mail.example?tls=never",
        "smtp://ada:verysecret@mail.example?tls=required&tls=required",
        "smtp://ada:verysecret@mail.example?starttls=1",
    ],
)
def test_a_url_of_another_form_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="the URL of a mail server") as refused:
        SmtpTransport.from_url(url)

    assert "verysecret" not in str(refused.value)


def test_a_transport_does_not_show_its_password() -> None:
    assert "verysecret" not in repr(SmtpTransport.from_url("smtp://ada:verysecret@mail.example"))


async def test_an_email_arrives_as_it_was_composed(composed: Compose, server: MailServer) -> None:
    message = composed(locale="si")

    await SmtpTransport.from_url(server.url).send(message)

    (delivery,) = server.taken
    assert (delivery.sender, delivery.recipients) == ("no-reply@example.com", ["ada@example.com"])
    assert (delivery.encrypted, delivery.user) == (False, None)
    # The boundary between the parts is drawn when it is written.
    sent, arrived = (
        [(name, str(value)) for name, value in headers.items() if name != "Content-Type"]
        for headers in (message, delivery.message)
    )
    assert arrived == sent
    sent, arrived = (
        [(part.get_content_type(), part.get_content().replace("\r\n", "\n")) for part in parts.iter_parts()]
        for parts in (message, delivery.message)
    )
    assert arrived == sent


async def test_credentials_go_over_starttls(composed: Compose, certificate: Certificate) -> None:
    server = MailServer()
    server.options = {
        "tls_context": certificate.server,
        "require_starttls": True,
        "authenticator": server.authenticate,
        "auth_required": True,
    }
    async with running(server):
        url = f"smtp://{CREDENTIALS}@127.0.0.1:{server.port}"

        await SmtpTransport.from_url(url, tls_context=certificate.client).send(composed())

    assert [(delivery.encrypted, delivery.user) for delivery in server.taken] == [(True, b"us er")]


async def test_smtps_is_encrypted_from_the_start(composed: Compose, certificate: Certificate) -> None:
    server = MailServer({"ssl_context": certificate.server})
    server.options |= {"authenticator": server.authenticate, "auth_require_tls": False}
    async with running(server):
        url = f"smtps://{CREDENTIALS}@127.0.0.1:{server.port}"

        await SmtpTransport.from_url(url, tls_context=certificate.client).send(composed())

    assert [delivery.user for delivery in server.taken] == [b"us er"]


@pytest.mark.parametrize("prefix", [f"smtp://{CREDENTIALS}@", "smtp://"])
async def test_nothing_is_sent_where_tls_is_required_and_not_offered(composed: Compose, prefix: str) -> None:
    # Whoever sits between can take the offer of STARTTLS away (RFC 3207, section 6).
    server = MailServer()
    server.options = {"authenticator": server.authenticate, "auth_require_tls": False}
    async with running(server):
        url = f"{prefix}127.0.0.1:{server.port}?tls=required"

        with pytest.raises(TemporaryFailure):
            await SmtpTransport.from_url(url).send(composed())

    assert (server.logins, server.taken) == ([], [])


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_that_nobody_vouches_for_is_refused(
    composed: Compose, certificate: Certificate, scheme: str
) -> None:
    server = MailServer({"ssl_context" if scheme == "smtps" else "tls_context": certificate.server})
    server.options |= {"authenticator": server.authenticate, "auth_require_tls": False}
    async with running(server):
        url = f"{scheme}://{CREDENTIALS}@127.0.0.1:{server.port}"

        with pytest.raises(TemporaryFailure):
            await SmtpTransport.from_url(url).send(composed())

    assert (server.logins, server.taken) == ([], [])


async def test_without_credentials_any_tls_is_better_than_none(
    composed: Compose, certificate: Certificate
) -> None:
    async with running(MailServer({"tls_context": certificate.server})) as server:
        await SmtpTransport.from_url(server.url).send(composed())

    assert [delivery.encrypted for delivery in server.taken] == [True]


async def test_a_wrong_password_is_the_operators_fault_and_not_the_emails(
    composed: Compose, certificate: Certificate
) -> None:
    server = MailServer({"tls_context": certificate.server, "require_starttls": True, "auth_required": True})
    server.options |= {"authenticator": server.authenticate}
    async with running(server):
        url = f"smtp://ada:verysecret@127.0.0.1:{server.port}"

        with pytest.raises(TemporaryFailure, match=r"^SMTPAuthenticationError 535 5\.7\.8$"):
            await SmtpTransport.from_url(url, tls_context=certificate.client).send(composed())


@pytest.mark.parametrize(
    ("where", "answer", "failure", "text"),
    [
        ("recipient", "550 5.1.1 <ada@example.com>: unknown", PermanentFailure, "SMTPRecipientRefused 550 5.1.1"),
        ("recipient", "553 ada@example.com? no", PermanentFailure, "SMTPRecipientRefused 553"),
        ("recipient", "450 4.2.0 ada@example.com: later", TemporaryFailure, "SMTPRecipientRefused 450 4.2.0"),
        ("content", "554 5.6.0 for ada@example.com", PermanentFailure, "SMTPDataError 554 5.6.0"),
        ("content", "451 4.3.0 for ada@example.com", TemporaryFailure, "SMTPDataError 451 4.3.0"),
        # That we may not send in this name is nothing that another recipient would change.
        ("sender", "550 5.7.1 not you", TemporaryFailure, "SMTPSenderRefused 550 5.7.1"),
        ("sender", "421 4.3.2 closing", TemporaryFailure, "SMTPSenderRefused 421 4.3.2"),
    ],
)
async def test_the_class_of_an_answer_decides(
    composed: Compose, server: MailServer, where: str, answer: str, failure: type[Exception], text: str
) -> None:
    getattr(server, f"{where}_answers").append(answer)

    with pytest.raises((PermanentFailure, TemporaryFailure)) as failed:
        await SmtpTransport.from_url(server.url).send(composed())

    assert (type(failed.value), str(failed.value)) == (failure, text)
    assert failed.value.__suppress_context__
    assert server.taken == []


async def test_an_internationalised_address_goes_to_a_server_that_knows_them(composed: Compose) -> None:
    async with running(MailServer({"enable_SMTPUTF8": True})) as server:
        await SmtpTransport.from_url(server.url).send(composed(to="නිමල්@උදාහරණ.lk", locale="si"))

    (delivery,) = server.taken
    assert delivery.recipients == ["නිමල්@xn--ozc8dl2c3bxd.lk"]
    assert str(delivery.message["To"]) == "නිමල්@xn--ozc8dl2c3bxd.lk"


async def test_an_internationalised_address_is_reported_where_the_server_does_not(composed: Compose) -> None:
    async with running(MailServer({"enable_SMTPUTF8": False})) as server:
        with pytest.raises(PermanentFailure, match="SMTPUTF8") as failed:
            await SmtpTransport.from_url(server.url).send(composed(to="නිමල්@උදාහරණ.lk"))

    assert "නිමල්" not in str(failed.value)


async def test_a_domain_beyond_ascii_goes_to_every_server(composed: Compose) -> None:
    async with running(MailServer({"enable_SMTPUTF8": False})) as server:
        await SmtpTransport.from_url(server.url).send(composed(to="ada@bücher.example"))

    assert [delivery.recipients for delivery in server.taken] == [["ada@xn--bcher-kva.example"]]


async def test_a_server_that_is_down_is_down_for_a_while(composed: Compose) -> None:
    with pytest.raises(TemporaryFailure, match=r"^SMTPConnectError$"):
        await SmtpTransport.from_url(MailServer().url).send(composed())


async def test_a_server_that_says_nothing_is_not_waited_for(composed: Compose) -> None:
    async with silent_server() as port:
        transport = SmtpTransport.from_url(f"smtp://127.0.0.1:{port}", timeout=0.1)

        async with asyncio.timeout(5):
            with pytest.raises(TemporaryFailure, match=r"^SMTPConnectTimeoutError$"):
                await transport.send(composed())


async def test_an_answer_that_takes_too_long_may_mean_anything(composed: Compose, server: MailServer) -> None:
    server.pause = 0.5
    transport = SmtpTransport.from_url(server.url, timeout=0.1)

    with pytest.raises(TemporaryFailure, match=r"^SMTPReadTimeoutError$"):
        await transport.send(composed())


async def test_sending_can_be_cancelled_at_once(composed: Compose, server: MailServer) -> None:
    server.pause = 2
    sending = asyncio.create_task(SmtpTransport.from_url(server.url).send(composed()))
    await asyncio.sleep(0.2)
    before = asyncio.get_running_loop().time()

    sending.cancel()
    await asyncio.wait([sending])

    assert sending.cancelled()
    assert asyncio.get_running_loop().time() - before < 1


async def test_a_folder_takes_one_file_for_each_email(
    composed: Compose, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    folder = tmp_path / "data" / "outbox"
    transport = FolderTransport(folder)
    other = composed(to="නිමල්@උදාහරණ.lk", locale="si")
    other.replace_header("Message-ID", "<4567@mail.invalid>")

    for message in (composed(), composed(), other):
        await transport.send(message)

    first, second = sorted(folder.iterdir())
    assert (first.name, second.name) == (
        "20260615T120000Z-0123-mail-invalid.eml",
        "20260615T120000Z-4567-mail-invalid.eml",
    )
    assert [stat.S_IMODE(path.stat().st_mode) for path in (folder, first)] == [0o700, 0o600]
    read = message_from_bytes(first.read_bytes(), policy=SMTPUTF8)
    assert CODE in read.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert str(message_from_bytes(second.read_bytes(), policy=SMTPUTF8)["To"]) == "නිමල්@xn--ozc8dl2c3bxd.lk"
    assert str(first) in caplog.text
    assert CODE not in caplog.text
    assert "ada" not in caplog.text


async def test_a_folder_that_cannot_be_written_may_be_later(composed: Compose, tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file in the way", encoding="utf-8")

    with pytest.raises(TemporaryFailure, match="FileExistsError"):
        await FolderTransport(tmp_path / "outbox").send(composed())
