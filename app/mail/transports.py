"""Where e-mails go: to a mail server, or into a folder where there is none.

Never logs what is in an e-mail or whom it goes to, and never repeats what a server answers beyond its
codes: servers like to quote the address.
"""

import asyncio
import contextlib
import logging
import os
import re
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from functools import cache
from pathlib import Path
from typing import Protocol, Self
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtplib import SMTPDataError, SMTPException, SMTPNotSupported, SMTPRecipientsRefused, SMTPResponseException

logger = logging.getLogger("app.mail")

# RFC 8314, sections 3.3 and 7.3: 465 speaks TLS from the start, 587 takes submissions; 25 is for relays.
_IMPLICIT_TLS_PORT = 465
_SUBMISSION_PORT = 587
_RELAY_PORT = 25

_FAREWELL_SECONDS = 1

# RFC 3463: class, subject and detail, such as 5.1.1, at the start of a server's text.
_ENHANCED_CODE = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


class TemporaryFailure(Exception):
    """An e-mail was not sent, or perhaps not; it may be later. The text holds no address and no secret."""


class PermanentFailure(Exception):
    """An e-mail cannot be sent, however often it is tried. The text holds no address and no secret."""


class Transport(Protocol):
    """Takes e-mails away."""

    async def send(self, message: EmailMessage) -> None:
        """Take an e-mail; once this returns, somebody else has promised to deliver it.

        Raises:
            TemporaryFailure: It was not taken, or nobody knows.
            PermanentFailure: It was refused for good.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpTransport:
    """A mail server that is spoken to by SMTP (RFC 5321), with one connection for each e-mail.

    Attributes:
        host: Its name or address.
        port: Its port.
        username: Whom to log in as (RFC 4954); None sends without.
        password: What to log in with.
        implicit_tls: Whether the connection begins with TLS (RFC 8314).
        tls_required: Whether to send nothing and log in nowhere before STARTTLS (RFC 3207), with a certificate
            that is valid for the host. If not, TLS is used where it is offered.
        timeout: How long to wait for the connection and for each answer, in seconds.
        tls_context: What certificates are held against; by default the machine's own authorities, or those
            of the file in the environment variable SSL_CERT_FILE.
    """

    host: str
    port: int
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    implicit_tls: bool = False
    tls_required: bool = False
    timeout: float = 30
    tls_context: ssl.SSLContext | None = None

    @classmethod
    def from_url(cls, url: str, *, timeout: float = 30, tls_context: ssl.SSLContext | None = None) -> Self:
        """Read `smtp://user:password@host:port` or `smtps://user:password@host:port`.

        With credentials, or with `?tls=required`, `smtp` insists on STARTTLS; without, it uses it where it is
        offered (`?tls=opportunistic`, the default). `smtps` speaks TLS from the start. The default ports are
        465 for `smtps`, 587 for `smtp` with TLS required, and 25. Special characters in the user and the
        password are percent-encoded.

        Raises:
            ValueError: The URL does not have this form. Its text does not repeat the URL, which may hold a
                password.
        """
        parts = urlsplit(url)
        tls = _tls_of(parts)
        username, password = _credentials(parts)
        implicit = parts.scheme == "smtps"
        required = tls == "required" or username is not None
        default = _IMPLICIT_TLS_PORT if implicit else _SUBMISSION_PORT if required else _RELAY_PORT
        return cls(
            host=parts.hostname or "",
            port=_port(parts) or default,
            username=username,
            password=password,
            implicit_tls=implicit,
            tls_required=required and not implicit,
            timeout=timeout,
            tls_context=tls_context,
        )

    async def send(self, message: EmailMessage) -> None:
        """Send an e-mail to the address in its header To, from the one in From.

        A refusal of the recipient or of the content with a code of 500 or above is permanent, and so is an
        internationalised address on a server without RFC 6531. All else may be mended: a server that is down,
        that asks to wait (400 to 499), or that refuses us, our certificate or our log-in.

        Raises:
            TemporaryFailure: As above. When the connection breaks after the e-mail was handed over, nobody
                knows whether the server took it (RFC 5321, section 4.5.3.2.6); it counts as not taken.
            PermanentFailure: As above.
        """
        async with self._connection() as server:
            try:
                await server.send_message(message)
            except SMTPRecipientsRefused as refusal:
                raise _failure(refusal.recipients[0]) from None
            except SMTPDataError as refusal:
                raise _failure(refusal) from None
            except SMTPNotSupported:
                raise PermanentFailure(
                    "the mail server does not speak SMTPUTF8, which the address needs (RFC 6531)"
                ) from None
            except ValueError as error:
                raise PermanentFailure(
                    f"the e-mail has no form that can be sent ({type(error).__name__})"
                ) from None

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiosmtplib.SMTP]:
        checked = self.tls_required or self.implicit_tls
        server = aiosmtplib.SMTP(
            hostname=self.host,
            port=self.port,
            username=self.username,
            password=self.password,
            use_tls=self.implicit_tls,
            start_tls=False if self.implicit_tls else self.tls_required or None,
            tls_context=self.tls_context or await asyncio.to_thread(_tls_context, checked=checked),
            timeout=self.timeout,
        )
        try:
            await server.connect()
            yield server
        except asyncio.CancelledError:
            server.close()
            raise
        except SMTPResponseException as refusal:
            raise TemporaryFailure(_answer(refusal)) from None
        except (SMTPException, OSError) as error:  # time-outs and broken certificates are OSErrors
            raise TemporaryFailure(type(error).__name__) from None
        finally:
            await _part(server)


@dataclass(frozen=True, slots=True)
class FolderTransport:
    """A folder that takes each e-mail as one file, for those who run without a mail server.

    The file is named by the date and the Message-ID, so that an e-mail sent twice is there once. It may hold
    a code: nobody but its owner can read it.

    Attributes:
        folder: Where they go; it is made when the first arrives.
    """

    folder: Path

    async def send(self, message: EmailMessage) -> None:
        """Write an e-mail (RFC 5322) whole or not at all, and log where it is.

        Raises:
            TemporaryFailure: It could not be written; the disk may be full.
        """
        try:
            path = await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise TemporaryFailure(f"{type(error).__name__} ({error.errno})") from None
        logger.info("An e-mail was written to %s", path)

    def _write(self, message: EmailMessage) -> Path:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        stamp = f"{message['Date'].datetime:%Y%m%dT%H%M%SZ}"
        path = self.folder / f"{stamp}-{re.sub('[^0-9a-zA-Z]+', '-', message['Message-ID']).strip('-')}.eml"
        ascii_only = all(message[name].addresses[0].addr_spec.isascii() for name in ("From", "To"))
        content = message.as_bytes(policy=SMTP if ascii_only else SMTPUTF8)
        # mkstemp lets nobody but the owner read, and a name without .eml is no e-mail yet.
        handle, draft = tempfile.mkstemp(prefix=".", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(handle)
            return Path(draft).replace(path)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise


def _tls_of(parts: SplitResult) -> str:
    query = parse_qs(parts.query, keep_blank_values=True)
    tls = query.pop("tls", ["opportunistic"])
    if (
        parts.scheme not in ("smtp", "smtps")
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.fragment
    ):
        raise ValueError("the URL of a mail server has the form smtp://user:password@host:port")
    if query or tls not in (["required"], ["opportunistic"]):
        raise ValueError("the URL of a mail server can say tls=required or tls=opportunistic and nothing else")
    return tls[0]


def _credentials(parts: SplitResult) -> tuple[str, str] | tuple[None, None]:
    if not parts.username and not parts.password:
        return None, None
    if not parts.username or not parts.password:
        raise ValueError("the URL of a mail server has a user and a password, or neither")
    return unquote(parts.username), unquote(parts.password)


def _port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        raise ValueError("the URL of a mail server has a port that is none") from None


@cache  # reading the machine's authorities takes tens of milliseconds
def _tls_context(*, checked: bool) -> ssl.SSLContext:
    if checked:
        return ssl.create_default_context()
    # Whoever can forge a certificate can also hide the offer of TLS, so that checking would only stop mail that
    # would otherwise have gone encrypted, or in the clear (RFC 7435, section 3).
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _failure(refusal: SMTPResponseException) -> TemporaryFailure | PermanentFailure:
    permanent = refusal.code >= 500  # RFC 5321, section 4.2.1
    return PermanentFailure(_answer(refusal)) if permanent else TemporaryFailure(_answer(refusal))


def _answer(refusal: SMTPResponseException) -> str:
    enhanced = _ENHANCED_CODE.match(refusal.message)
    return f"{type(refusal).__name__} {refusal.code}" + (f" {enhanced[0]}" if enhanced else "")


async def _part(server: aiosmtplib.SMTP) -> None:
    # What the server says to a farewell changes nothing any more, so that little time is given to it.
    if server.is_connected:
        with contextlib.suppress(SMTPException, OSError):
            await server.quit(timeout=_FAREWELL_SECONDS)
    server.close()
