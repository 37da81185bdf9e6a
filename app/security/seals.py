"""Seals: what must lie in a database for a while is encrypted, and what must not be edited is authenticated.

All keys come from one secret of the operator's, the pepper, which no database holds.
"""

import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.security.keys import WeakKey

_NONCE_BYTES = 12
_SHORTEST_PEPPER = 32


class BrokenSeal(ValueError):
    """The content was not sealed by us for this purpose, or was edited since."""


class Seals:
    """Encrypts and authenticates small contents, each for a purpose that no other can stand in for."""

    def __init__(self, pepper: bytes) -> None:
        """Derive from a pepper of at least 32 bytes.

        Raises:
            WeakKey: The pepper is shorter.
        """
        if len(pepper) < _SHORTEST_PEPPER:
            raise WeakKey(f"a pepper needs at least {_SHORTEST_PEPPER} bytes")
        self._pepper = pepper

    def key_for(self, purpose: str) -> bytes:
        """Derive the 32-byte key of a purpose (HKDF-Expand with one block, RFC 5869)."""
        return hmac.digest(self._pepper, purpose.encode() + b"\x01", "sha256")

    def seal(self, content: bytes, purpose: str) -> bytes:
        """Encrypt a content (AES-256-GCM, NIST SP 800-38D); the nonce stands before it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + AESGCM(self.key_for(purpose)).encrypt(nonce, content, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """Give back what was sealed.

        Raises:
            BrokenSeal: It was not sealed for this purpose with this pepper, or was edited.
        """
        nonce, content = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.key_for(purpose)).decrypt(nonce, content, purpose.encode())
        except (InvalidTag, ValueError) as error:
            raise BrokenSeal(purpose) from error

    def digest(self, content: bytes, purpose: str) -> bytes:
        """Give the 32-byte keyed hash of a content (HMAC-SHA-256, RFC 2104)."""
        return hmac.digest(self.key_for(purpose), content, "sha256")
