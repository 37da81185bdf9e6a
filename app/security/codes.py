"""One-time codes and what is stored of them and of refresh tokens; never stores or logs a code itself.

Six digits are guessed in a million tries at most: who uses them counts the tries and lets them die young.
"""

import hashlib
import hmac
import secrets

from app.security.keys import WeakKey

_DIGITS = 6
# RFC 2104 section 3: a key shorter than the hash's output weakens it.
_SHORTEST_PEPPER_BYTES = 32


def new_code() -> str:
    """Make a code of six digits, each value as likely as any other; it may begin with zeros."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"


def hash_code(code: str, *, purpose: str, trader_id: int, pepper: bytes) -> bytes:
    """Give what may be stored of a code: 32 bytes that fit this purpose and this trader only.

    A million codes are hashed in a second, so that it is the pepper, kept outside the database, that makes
    a stolen table useless.

    Args:
        code: As sent or as typed; white space is not counted.
        purpose: What the code is for, such as CONFIRM_EMAIL.
        trader_id: Whose code it is.
        pepper: A secret of at least 32 bytes.

    Raises:
        WeakKey: The pepper is shorter than 32 bytes.
        ValueError: The purpose holds a NUL, which parts the hashed fields.
    """
    if len(pepper) < _SHORTEST_PEPPER_BYTES:
        raise WeakKey(f"A pepper needs at least {_SHORTEST_PEPPER_BYTES} bytes, got {len(pepper)}.")
    if "\0" in purpose:
        raise ValueError("A purpose holds no NUL.")
    message = "\0".join(("security code", purpose, str(trader_id), "".join(code.split())))
    # Whatever was typed gets a hash, lone surrogates too: a wrong code is wrong, not an error.
    return hmac.digest(pepper, message.encode("utf-8", "surrogatepass"), "sha256")


def matches(code: str, stored: bytes, *, purpose: str, trader_id: int, pepper: bytes) -> bool:
    """Tell whether a typed code is the stored one, in a time that does not depend on the answer.

    Args:
        code: As typed; white space is not counted.
        stored: What `hash_code` gave.
        purpose: What the code must be for.
        trader_id: Whose code it must be.
        pepper: The secret that it was hashed with.

    Raises:
        WeakKey: The pepper is shorter than 32 bytes.
        ValueError: The purpose holds a NUL.
    """
    return hmac.compare_digest(hash_code(code, purpose=purpose, trader_id=trader_id, pepper=pepper), stored)


def hash_token_id(token_id: str) -> bytes:
    """Give what is stored of a refresh token: the SHA-256 of its `jti`, 32 bytes.

    No pepper and no slow hash: the id holds 256 random bits, which cannot be guessed.
    """
    return hashlib.sha256(token_id.encode("utf-8", "surrogatepass")).digest()
