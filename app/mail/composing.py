"""From a kind, a language and parameters to a whole e-mail, in plain text and in HTML from the same words.

Never puts a trader's name into one: whoever registers an address types the name, and could have us send
words of theirs to a stranger.
"""

import re
import textwrap
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from html import escape

from app.domain.mails import Letter, MailKind
from app.kit.phrases import DEFAULT_LOCALE, Phrases

# RFC 5322, section 3.2.3, with what RFC 6531, section 3.3, adds: any character beyond ASCII. Quoted local
# parts and addresses of hosts by number are valid too, but nobody has one, and they open more than they give.
# Said by what they leave out of ASCII: a set that reaches up to the last character takes long to compile.
_ATOM = r'[^\x00-\x20"(),.:;<>@\[\\\]\x7f]+'
_LOCAL_PART = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_DOMAIN = re.compile(r"[^\x00-/:-@\[-^`{-\x7f]([^\x00-,/:-@\[-^`{-\x7f]*[^\x00-/:-@\[-^`{-\x7f])?")
_LONGEST_ADDRESS = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
_LONGEST_LOCAL_PART = 64  # section 4.5.3.1.1, in octets

# Letters of Sinhala and of other scripts of India are written with the joiners.
_JOINERS = "\u200c\u200d"

# RFC 5322, section 2.1.1: a line should have no more than 78 characters.
_LINE = 76


class UnusableAddress(ValueError):
    """No e-mail can go to this address or come from it; the text says why without repeating it."""


def address(text: str) -> Address:
    """Read an e-mail address.

    The domain of an internationalised one is put into ASCII (RFC 5890) if that can be undone exactly; if
    not, or if the part before the @ goes beyond ASCII, the mail server has to know RFC 6531.

    Raises:
        UnusableAddress: It is not one address of the form name@domain, or holds spaces, line breaks or
            invisible characters, which could add headers or commands.
    """
    if any(_is_invisible(character) for character in text):
        raise UnusableAddress("the address holds a space, a line break or an invisible character")
    local_part, _, domain = text.rpartition("@")
    if not _LOCAL_PART.fullmatch(local_part) or not _DOMAIN.fullmatch(domain) or ".." in domain:
        raise UnusableAddress("the address does not have the form name@domain")
    domain = _in_ascii(domain)
    if len(local_part.encode()) > _LONGEST_LOCAL_PART or len(f"{local_part}@{domain}".encode()) > _LONGEST_ADDRESS:
        raise UnusableAddress("the address is too long")
    return Address(username=local_part, domain=domain)


def mailbox(text: str) -> Address:
    """Read an address with or without a name before it, such as `Shares <no-reply@example.com>`.

    Raises:
        UnusableAddress: It does not have that form.
    """
    if any(unicodedata.category(character) == "Cc" for character in text):
        raise UnusableAddress("the address holds a line break or another control character")
    addresses = getaddresses([text])
    if len(addresses) != 1:
        raise UnusableAddress("there is not exactly one address")
    ((name, bare),) = addresses
    found = address(bare)
    return Address(display_name=name, username=found.username, domain=found.domain)


def compose(
    phrases: Phrases,
    kind: MailKind,
    letter: Letter,
    *,
    sender: Address,
    message_id: str,
    date: datetime,
) -> EmailMessage:
    """Write an e-mail in the language of its letter, or in English if there are no words in that.

    Args:
        phrases: Has `mail-<kind>-subject`, `mail-<kind>-text` and `mail-signature`; a text's paragraphs are
            parted by blank lines, and one that is nothing but the code is shown large.
        kind: Which e-mail it is.
        letter: Whom it goes to, and what its words need.
        sender: Whom it comes from.
        message_id: The same on every try, so that a mail server that is sent it again can tell (RFC 5322,
            section 3.6.4).
        date: When it was decided on, the same on every try.

    Raises:
        UnusableAddress: No e-mail can go to the letter's address.
        UnknownPhrase: There are no words for this kind, or one of their parameters is missing.
    """
    locale = letter.locale if letter.locale in phrases.locales else DEFAULT_LOCALE
    subject = phrases.say(locale, f"mail-{kind}-subject", **letter.params)
    text = phrases.say(locale, f"mail-{kind}-text", **letter.params)
    paragraphs = [*text.split("\n\n"), phrases.say(locale, "mail-signature")]

    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = address(letter.address)
    message["Subject"] = subject
    message["Date"] = date
    message["Message-ID"] = message_id
    # RFC 3834, section 5: nobody's absence is to be answered to us.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(_plain(paragraphs))
    message.add_alternative(_html(paragraphs, subject, locale, str(letter.params.get("code", ""))), subtype="html")
    message["Content-Language"] = locale  # last, for the parts take what is there of their kind with them
    return message


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character)[0] in "CZ" and character not in _JOINERS


def _in_ascii(domain: str) -> str:
    # Python's own codec is of 2003 and takes joiners out and ß apart: another domain, and perhaps another's.
    try:
        encoded = domain.encode("idna")
        exact = encoded.decode("idna") == domain
    except UnicodeError:
        return domain
    return encoded.decode("ascii") if exact else domain


def _plain(paragraphs: Iterable[str]) -> str:
    return "\n\n".join(
        textwrap.fill(paragraph, _LINE, break_long_words=False, break_on_hyphens=False) for paragraph in paragraphs
    )


def _html(paragraphs: Iterable[str], subject: str, locale: str, code: str) -> str:
    # Without styles: what a mail program or a reader's own settings make of headings and paragraphs is legible
    # everywhere, in the dark too. The code is the one heading.
    blocks = (
        f"<h1>{escape(paragraph)}</h1>" if paragraph == code else f"<p>{escape(paragraph)}</p>"
        for paragraph in paragraphs
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(locale)}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(subject)}</title>\n</head>\n<body>\n" + "\n".join(blocks) + "\n</body>\n</html>\n"
    )
