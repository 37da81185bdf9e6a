"""The keys that sign tokens and those that check them; never prints, logs or publishes a secret one.

EdDSA is not on offer, for python-jose 3.5 has no Ed25519. A key's algorithm follows from the key alone:
HS256 for a secret, ES256 for P-256, RS256 for RSA.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwk
from jose.backends.base import Key
from jose.exceptions import JWKError

# RFC 7518 section 3.2: an HS256 key is at least as long as the hash's output.
_SHORTEST_SECRET_BYTES = 32
# RFC 7518 section 3.3.
_SHORTEST_RSA_BITS = 2048
# RFC 7518 sections 6.2.1 and 6.3.1: what a public key is made of. Nothing else leaves in a JWKS.
_PUBLIC_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n")}


class UnusableKey(ValueError):
    """A key or a file of which no signing or checking key can be made."""


class WeakKey(UnusableKey):
    """A key too short to be safe: a secret under 32 bytes, an RSA key under 2048 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyingKey:
    """A key that checks signatures.

    Attributes:
        kid: The key's id, as it stands in a token's header.
        algorithm: The one algorithm that it serves: HS256, ES256 or RS256.
        signature_bytes: How long each of its signatures is.
        key: python-jose's object, built once because building it costs more than a signature.
    """

    kid: str
    algorithm: str
    signature_bytes: int
    key: Key = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A key that signs, and its counterpart that checks (for HS256 both are the secret)."""

    key: Key = field(repr=False)
    verifying: VerifyingKey

    @property
    def kid(self) -> str:
        """The key's id, as it stands in a token's header."""
        return self.verifying.kid

    @property
    def algorithm(self) -> str:
        """The one algorithm that it serves."""
        return self.verifying.algorithm


@dataclass(frozen=True, slots=True)
class Keyring:
    """One key that signs and all the keys whose signatures are still believed.

    To rotate, first let every process verify the new key, then sign with it, and drop the old one from the
    ring once its last token has expired. A ring never changes; `Tokens.replace_keys` takes a new one.

    Attributes:
        signing: The key that signs.
        verifying: Every key that checks, by kid; holds the signing key's own counterpart.
    """

    signing: SigningKey
    verifying: Mapping[str, VerifyingKey]

    @classmethod
    def from_secret(cls, secret: bytes) -> "Keyring":
        """Make an HS256 ring of one secret.

        Raises:
            WeakKey: The secret is shorter than 32 bytes (RFC 7518 section 3.2).
            UnusableKey: The secret is a key in PEM, SSH or DER, perhaps a public one (CVE-2024-33663).
        """
        return cls.from_secrets(secret)

    @classmethod
    def from_secrets(cls, signing: bytes, *others: bytes) -> "Keyring":
        """Make an HS256 ring that signs with the first secret and still believes the others.

        Raises:
            WeakKey: A secret is shorter than 32 bytes.
            UnusableKey: A secret is a key in PEM, SSH or DER.
        """
        key = _from_secret(signing)
        return cls(key, _by_kid(key.verifying, *(_from_secret(other).verifying for other in others)))

    @classmethod
    def from_files(cls, signing: Path, verifying: Sequence[Path] = ()) -> "Keyring":
        """Make an ES256 or RS256 ring from PEM files, which may be of both kinds at once.

        Args:
            signing: An unencrypted private key: EC on P-256, or RSA of at least 2048 bits.
            verifying: Further keys to believe, public or private, such as the last one or the next one.

        Raises:
            WeakKey: An RSA key has fewer than 2048 bits (RFC 7518 section 3.3).
            UnusableKey: A file holds no such key, or the signing one holds only its public half.
            OSError: A file cannot be read.
        """
        key = _signing_key(signing)
        return cls(key, _by_kid(key.verifying, *(_verifying_key(path) for path in verifying)))

    def believing(self, other: "Keyring") -> "Keyring":
        """Make a ring that signs with this one's key and also believes every key of the other.

        Lets a service go from a secret to a key pair, or back, without logging anybody out.
        """
        return Keyring(self.signing, _by_kid(*self.verifying.values(), *other.verifying.values()))

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Give the public keys as a JWK set (RFC 7517 section 5); secrets are never in it."""
        return {"keys": [_public_jwk(key) for key in self.verifying.values() if key.algorithm != "HS256"]}


def development_secret(path: Path) -> bytes:
    """Read a secret for development from a file, which is made with 48 random bytes if there is none.

    Processes that start at once end up with the same secret. The secret is the file's text itself, so that
    it may be copied into a setting.

    Args:
        path: Where the file is or shall be, with mode 0600; missing folders are made.

    Raises:
        WeakKey: The file holds fewer than 32 bytes.
        OSError: The file can be neither read nor made.
    """
    if not path.exists():
        _publish_once(path, secrets.token_urlsafe(48))
    secret = path.read_bytes().strip()
    _refuse_short(secret)
    return secret


def _publish_once(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike opening the name itself with O_EXCL, shows nobody a file that is still empty.
        path.hardlink_to(draft)
    except FileExistsError:
        # Another process was first: its secret counts.
        return
    finally:
        draft.unlink(missing_ok=True)


def _refuse_short(secret: bytes) -> None:
    if len(secret) < _SHORTEST_SECRET_BYTES:
        raise WeakKey(f"A signing secret needs at least {_SHORTEST_SECRET_BYTES} bytes, got {len(secret)}.")


def _from_secret(secret: bytes) -> SigningKey:
    _refuse_short(secret)
    if _is_public_der(secret):
        raise UnusableKey("A public key cannot be a signing secret.")
    try:
        key = jwk.construct(secret, "HS256")
    except JWKError:
        raise UnusableKey("A PEM or SSH key cannot be a signing secret: it may be public.") from None
    # The kid is public. Eight bytes of a labelled hash tell keys apart and say nothing about the key.
    kid = _base64url(hashlib.sha256(b"kid of a signing secret\0" + secret).digest()[:8])
    return SigningKey(key=key, verifying=VerifyingKey(kid=kid, algorithm="HS256", signature_bytes=32, key=key))


def _is_public_der(secret: bytes) -> bool:
    # python-jose knows PEM and SSH keys, but takes the same public key in DER for a secret.
    try:
        serialization.load_der_public_key(secret)
    except (ValueError, UnsupportedAlgorithm):
        return False
    return True


def _signing_key(path: Path) -> SigningKey:
    pem = path.read_bytes()
    if b"PRIVATE KEY-----" not in pem:
        raise UnusableKey(f"{path}: signing needs a private key in PEM.")
    key = _private_key(pem, path)
    verifying = _from_public(key.public_key(), path)
    return SigningKey(key=jwk.construct(_pem_of(key), verifying.algorithm), verifying=verifying)


def _verifying_key(path: Path) -> VerifyingKey:
    pem = path.read_bytes()
    if b"PRIVATE KEY-----" in pem:
        return _from_public(_private_key(pem, path).public_key(), path)
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey(f"{path}: not a public or private key in PEM.") from None
    return _from_public(key, path)


def _private_key(pem: bytes, path: Path) -> ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except TypeError:
        raise UnusableKey(f"{path}: the private key is encrypted with a passphrase.") from None
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey(f"{path}: not a private key in PEM.") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise UnusableKey(f"{path}: only EC P-256 and RSA keys can sign.")
    return key


def _from_public(key: object, path: Path) -> VerifyingKey:
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _SHORTEST_RSA_BITS:
            raise WeakKey(f"{path}: RSA needs at least {_SHORTEST_RSA_BITS} bits, got {key.key_size}.")
        return _verifying("RS256", key.key_size // 8, key)
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        # RFC 7518 section 3.4: R and S, 32 bytes each.
        return _verifying("ES256", 64, key)
    raise UnusableKey(f"{path}: only EC P-256 and RSA keys can sign.")


def _verifying(
    algorithm: str, signature_bytes: int, public: ec.EllipticCurvePublicKey | rsa.RSAPublicKey
) -> VerifyingKey:
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    key = jwk.construct(pem, algorithm)
    return VerifyingKey(kid=_thumbprint(key), algorithm=algorithm, signature_bytes=signature_bytes, key=key)


def _pem_of(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _thumbprint(key: Key) -> str:
    # RFC 7638 section 3: the hash of the required members, in order of their names, without white space.
    text = json.dumps(_public_members(key), separators=(",", ":"), sort_keys=True)
    return _base64url(hashlib.sha256(text.encode("ascii")).digest())


def _public_jwk(key: VerifyingKey) -> dict[str, str]:
    return {**_public_members(key.key), "alg": key.algorithm, "use": "sig", "kid": key.kid}


def _public_members(key: Key) -> dict[str, str]:
    members: dict[str, Any] = key.to_dict()
    return {name: members[name] for name in _PUBLIC_MEMBERS[members["kty"]]}


def _by_kid(*keys: VerifyingKey) -> dict[str, VerifyingKey]:
    return {key.kid: key for key in keys}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
