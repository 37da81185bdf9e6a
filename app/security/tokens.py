"""Grants access and refresh tokens and reads them back; nothing else in the product opens python-jose.

A token is read only if it is, to the letter, one that this class could have written. It never looks at a
database: whether a permit was revoked is asked elsewhere. Follows RFC 7515, 7516, 7519, 8725 and 9068.
"""

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar, NoReturn

from jose import jwe, jws
from jose.exceptions import JOSEError

from app.kit.clock import Clock, seconds_of, utc_now
from app.kit.problem import Problem
from app.security.keys import Keyring, SigningKey, VerifyingKey, WeakKey

MOST_VERIFIED = 10_000
"""How many access tokens are remembered as verified; 20 MB with tokens of common size."""

LONGEST_TOKEN = 8192
"""Characters. Names of a hundred letters each under a 4096-bit RSA signature, encrypted, stay below 6000."""

_LARGEST_ID = 2**63 - 1
_ENCRYPTION_KEY_BYTES = 32
# RFC 7518 section 5.3: a nonce of 12 bytes and a tag of 16, as long as they are in base64url.
_NONCE_CHARACTERS = 16
_TAG_CHARACTERS = 22

# Base64url without padding whose unused last bits are zero (RFC 4648 section 3.5), so that a token has one
# spelling only.
_CANONICAL_BASE64URL = re.compile(r"(?:[\w-]{4})*(?:[\w-]{4}|[\w-][AQgw]|[\w-]{2}[AEIMQUYcgkosw048])", re.ASCII)
_TRADER_ID = re.compile(r"[1-9][0-9]{0,18}")
_PERMIT_ID = re.compile(r"[!-~]{1,128}")
_TOKEN_ID = re.compile(r"[A-Za-z0-9_-]{43}")
_ROLE = re.compile(r"[!-~]{1,64}")
_ISO_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_COMMON_CLAIMS = frozenset({"iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "token_use"})
_ACCESS_CLAIMS = _COMMON_CLAIMS | {"email", "given_name", "family_name", "jwt.datej", "roles"}

# All that python-jose, json and datetime were seen to raise on hostile tokens.
_REFUSALS = (JOSEError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError)


class InvalidToken(Problem):
    """The token is not one of ours, or not for this use, or not yet valid. Never says which."""

    code: ClassVar[str] = "UNAUTHENTICATED"


class ExpiredToken(InvalidToken):
    """The token is right in every way, but its time is over."""

    code: ClassVar[str] = "TOKEN_EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says.

    Attributes:
        trader_id: The trader (`sub`), from 1 to 2**63-1.
        permit_id: The permit under which the token was granted (`sid`).
        token_id: The token's own id (`jti`), 43 characters.
        date_joined: The verified joining date (`jwt.datej`); None if nobody verified one.
        issued_at: Aware, UTC, whole seconds.
        expires_at: The first moment at which the token is refused; aware, UTC, whole seconds.
    """

    trader_id: int
    permit_id: str
    token_id: str
    email: str
    given_name: str
    family_name: str
    date_joined: date | None
    roles: frozenset[str]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshClaims:
    """What a refresh token says: the same as in `AccessClaims`, and nothing about the person."""

    trader_id: int
    permit_id: str
    token_id: str
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedToken:
    """A token as it goes to the client.

    Attributes:
        text: The token itself; whoever has it is the trader, so it is never shown or logged.
        token_id: Its `jti`. Revoke by this, never by the text: ECDSA signatures have a twin.
        expires_at: The first moment at which the token is refused; aware, UTC, whole seconds.
    """

    text: str = field(repr=False)
    token_id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class _Use:
    """One of the two kinds of token: they cannot stand in for each other (RFC 8725 section 3.11)."""

    name: str
    header_type: str
    lifetime: timedelta
    claim_names: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Verified:
    """What a token was found to say, and when it is over, in seconds since 1970."""

    claims: AccessClaims
    over_at: float


@dataclass(frozen=True, slots=True)
class _Ring:
    """A key ring with the only headers that are accepted, encoded, so that no header is ever parsed.

    Attributes:
        verified: What the ring's keys have verified lately, by the whole text of the token. It goes with the ring.
    """

    keys: Keyring
    signing: SigningKey
    access: Mapping[str, VerifyingKey]
    refresh: Mapping[str, VerifyingKey]
    verified: dict[str, _Verified] = field(default_factory=dict)


class Tokens:
    """Grants and reads the tokens of one issuer for one audience.

    Safe to share between threads. Times are compared without rounding; `exp` itself is already too late
    (RFC 7519 section 4.1.4).
    """

    def __init__(
        self,
        *,
        keys: Keyring,
        issuer: str,
        audience: str,
        access_lifetime: timedelta,
        refresh_lifetime: timedelta,
        encryption_key: bytes | None = None,
        clock_skew: timedelta = timedelta(0),
        not_before_delay: timedelta = timedelta(0),
        clock: Clock = utc_now,
    ) -> None:
        """Prepare to grant and read.

        Args:
            keys: The ring to start with; see `replace_keys`.
            issuer: The `iss` of every token, compared exactly.
            audience: The `aud` of every token, a single string, compared exactly.
            access_lifetime: From `iat` to `exp`, whole seconds. A token that claims longer is refused, so
                that lowering this ends older tokens at once.
            refresh_lifetime: The same for refresh tokens.
            encryption_key: 32 bytes to encrypt access tokens with (JWE dir, A256GCM, RFC 7518 sections 4.5
                and 5.3); an unencrypted access token is then refused. None leaves them signed only.
            clock_skew: How far another machine's clock may differ.
            not_before_delay: From `iat` to `nbf`, whole seconds, shorter than both lifetimes.
            clock: Tells the present, aware.

        Raises:
            WeakKey: The encryption key is not 32 bytes long.
            ValueError: A lifetime, the skew or the delay makes no sense, or issuer or audience is empty.
        """
        if encryption_key is not None and len(encryption_key) != _ENCRYPTION_KEY_BYTES:
            raise WeakKey(f"An encryption key needs exactly {_ENCRYPTION_KEY_BYTES} bytes.")
        if not issuer or not audience:
            raise ValueError("Tokens need an issuer and an audience.")
        _check_durations(access_lifetime, refresh_lifetime, clock_skew, not_before_delay)
        self._issuer = issuer
        self._audience = audience
        self._access = _Use("access", "at+jwt", access_lifetime, _ACCESS_CLAIMS)
        self._refresh = _Use("refresh", "rt+jwt", refresh_lifetime, _COMMON_CLAIMS)
        self._envelope = None if encryption_key is None else _Envelope(encryption_key)
        self._clock_skew = clock_skew
        self._not_before_delay = not_before_delay
        self._clock = clock
        self._seconds = seconds_of(clock)
        self.replace_keys(keys)

    def replace_keys(self, keys: Keyring) -> None:
        """Sign and check with another ring from now on, at once for every thread.

        Tokens whose key is not in the new ring are refused from this moment.
        """
        # One assignment: a reader sees the old ring or the new one, never a mixture.
        self._ring = _Ring(
            keys=keys,
            signing=keys.signing,
            access=_headers(keys, self._access),
            refresh=_headers(keys, self._refresh),
        )

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Give the public keys that tokens can be checked with (RFC 7517, section 5); of a secret, nothing."""
        return self._ring.keys.jwks()

    def grant_access(
        self,
        *,
        trader_id: int,
        permit_id: str,
        email: str,
        given_name: str,
        family_name: str,
        date_joined: date | None,
        roles: Iterable[str],
    ) -> SignedToken:
        """Make an access token.

        Args:
            trader_id: From 1 to 2**63-1.
            permit_id: 1 to 128 visible ASCII characters.
            email: Any text without lone surrogates; the same goes for both names.
            given_name: The first name.
            family_name: The last name.
            date_joined: The verified joining date, not in the future; None if there is none.
            roles: Each 1 to 64 visible ASCII characters.

        Raises:
            ValueError: A value is not as above, or the token would be longer than `LONGEST_TOKEN`.
        """
        person = {
            "email": email,
            "given_name": given_name,
            "family_name": family_name,
            "jwt.datej": None if date_joined is None else date_joined.isoformat(),
            "roles": sorted(set(roles)),
        }
        now = self._clock()
        claims = self._common_claims(self._access, trader_id, permit_id, now) | person
        self._access_claims(claims, now)
        text = self._sign(claims, self._access)
        if self._envelope is not None:
            text = self._envelope.close(text)
        return _signed_token(text, claims)

    def grant_refresh(self, *, trader_id: int, permit_id: str) -> SignedToken:
        """Make a refresh token; it is signed, never encrypted, and tells nothing about the person.

        Args:
            trader_id: From 1 to 2**63-1.
            permit_id: 1 to 128 visible ASCII characters.

        Raises:
            ValueError: A value is not as above.
        """
        claims = self._common_claims(self._refresh, trader_id, permit_id, self._clock())
        self._refresh_claims(claims)
        return _signed_token(self._sign(claims, self._refresh), claims)

    def read_access(self, text: str) -> AccessClaims:
        """Read an access token.

        Raises:
            ExpiredToken: The token is right in every way, but its time is over.
            InvalidToken: The token is anything else than a valid access token of ours.
        """
        ring = self._ring
        # A token says the same each time; only whether its time is over has to be asked again.
        known = ring.verified.get(text) if isinstance(text, str) else None
        if known is not None:
            if known.over_at <= self._seconds():
                raise ExpiredToken
            return known.claims
        now = self._clock()
        claims = self._read_access(text, ring, now)
        self._check_not_over(claims.expires_at, now)
        if len(ring.verified) >= MOST_VERIFIED:
            # All at once costs each bearer one more look in so many, and nothing in between.
            ring.verified.clear()
        ring.verified[text] = _Verified(claims, (claims.expires_at + self._clock_skew).timestamp())
        return claims

    def _read_access(self, text: str, ring: _Ring, now: datetime) -> AccessClaims:
        try:
            _check_size(text)
            if self._envelope is not None:
                text = self._envelope.open(text)
            payload = self._verified(text, ring.access)
            claims = self._access_claims(payload, now)
            self._check_started(payload, now)
        except _REFUSALS:
            raise InvalidToken from None
        return claims

    def hold_to_time(self, claims: AccessClaims) -> None:
        """Hold claims that were read before against the time that it is now.

        Raises:
            ExpiredToken: Their time is over.
        """
        self._check_not_over(claims.expires_at, self._clock())

    def read_refresh(self, text: str) -> RefreshClaims:
        """Read a refresh token.

        Raises:
            ExpiredToken: The token is right in every way, but its time is over.
            InvalidToken: The token is anything else than a valid refresh token of ours.
        """
        now = self._clock()
        try:
            _check_size(text)
            payload = self._verified(text, self._ring.refresh)
            claims = self._refresh_claims(payload)
            self._check_started(payload, now)
        except _REFUSALS:
            raise InvalidToken from None
        self._check_not_over(claims.expires_at, now)
        return claims

    def _common_claims(self, use: _Use, trader_id: int, permit_id: str, now: datetime) -> dict[str, Any]:
        issued_at = int(now.timestamp())
        return {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": str(trader_id),
            "sid": permit_id,
            "jti": secrets.token_urlsafe(32),
            "iat": issued_at,
            "nbf": issued_at + _seconds(self._not_before_delay),
            "exp": issued_at + _seconds(use.lifetime),
            "token_use": use.name,
        }

    def _sign(self, claims: dict[str, Any], use: _Use) -> str:
        key = self._ring.signing
        payload = json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        headers = {"kid": key.kid, "typ": use.header_type}
        return jws.sign(payload, key.key, headers=headers, algorithm=key.algorithm)

    def _verified(self, text: str, headers: Mapping[str, VerifyingKey]) -> dict[str, Any]:
        header, payload, signature = text.split(".")
        key = headers[header]
        if len(signature) != _encoded_length(key.signature_bytes):
            _refuse()
        _check_canonical(payload, signature)
        return _json_object(jws.verify(text, key.key, algorithms=[key.algorithm]))

    def _access_claims(self, payload: dict[str, Any], now: datetime) -> AccessClaims:
        self._check_common(payload, self._access)
        return AccessClaims(
            trader_id=_trader_id(payload["sub"]),
            permit_id=_matching(_PERMIT_ID, payload["sid"]),
            token_id=_matching(_TOKEN_ID, payload["jti"]),
            email=_text(payload["email"]),
            given_name=_text(payload["given_name"]),
            family_name=_text(payload["family_name"]),
            date_joined=_date_joined(payload["jwt.datej"], (now + self._clock_skew).astimezone(UTC).date()),
            roles=_roles(payload["roles"]),
            issued_at=_moment(payload["iat"]),
            expires_at=_moment(payload["exp"]),
        )

    def _refresh_claims(self, payload: dict[str, Any]) -> RefreshClaims:
        self._check_common(payload, self._refresh)
        return RefreshClaims(
            trader_id=_trader_id(payload["sub"]),
            permit_id=_matching(_PERMIT_ID, payload["sid"]),
            token_id=_matching(_TOKEN_ID, payload["jti"]),
            issued_at=_moment(payload["iat"]),
            expires_at=_moment(payload["exp"]),
        )

    def _check_common(self, payload: dict[str, Any], use: _Use) -> None:
        # Both ways: a claim that is missing and a claim that we do not know.
        if payload.keys() != use.claim_names:
            _refuse()
        if payload["iss"] != self._issuer or payload["aud"] != self._audience:
            _refuse()
        if payload["token_use"] != use.name:
            _refuse()
        issued_at, not_before, expires_at = (
            _whole(payload["iat"]),
            _whole(payload["nbf"]),
            _whole(payload["exp"]),
        )
        if not issued_at <= not_before < expires_at <= issued_at + _seconds(use.lifetime):
            _refuse()

    def _check_started(self, payload: dict[str, Any], now: datetime) -> None:
        # This covers iat too: it is never later than nbf.
        if _moment(payload["nbf"]) > now + self._clock_skew:
            _refuse()

    def _check_not_over(self, expires_at: datetime, now: datetime) -> None:
        if expires_at + self._clock_skew <= now:
            raise ExpiredToken


class _Envelope:
    """Encrypts and opens with one key: JWE dir and A256GCM, and nothing else."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        # Public: it only tells keys apart. Eight bytes of a labelled hash give nothing away.
        self._kid = _base64url(hashlib.sha256(b"kid of an encryption key\0" + key).digest()[:8])
        self._header = _encoded({"alg": "dir", "cty": "JWT", "enc": "A256GCM", "kid": self._kid})

    def close(self, text: str) -> str:
        sealed = jwe.encrypt(text, self._key, "A256GCM", "dir", cty="JWT", kid=self._kid)
        return sealed.decode("ascii")

    def open(self, text: str) -> str:
        header, encrypted_key, nonce, ciphertext, tag = text.split(".")
        # The header names no compression, and direct encryption has no encrypted key (RFC 7518 section 4.5).
        if header != self._header or encrypted_key:
            _refuse()
        # With the lengths fixed no byte can wander between the tag and the ciphertext.
        if len(nonce) != _NONCE_CHARACTERS or len(tag) != _TAG_CHARACTERS:
            _refuse()
        _check_canonical(nonce, ciphertext, tag)
        plain = jwe.decrypt(text, self._key)
        if plain is None:
            _refuse()
        return plain.decode("ascii")


def _check_durations(access: timedelta, refresh: timedelta, skew: timedelta, delay: timedelta) -> None:
    if any(value.microseconds for value in (access, refresh, delay)):
        raise ValueError("Lifetimes and the not-before delay are whole seconds.")
    if skew < timedelta(0) or not timedelta(0) <= delay < min(access, refresh):
        raise ValueError("Skew and delay are zero or more, and the delay is shorter than both lifetimes.")


def _headers(keys: Keyring, use: _Use) -> dict[str, VerifyingKey]:
    return {
        _encoded({"alg": key.algorithm, "kid": key.kid, "typ": use.header_type}): key
        for key in keys.verifying.values()
    }


def _encoded(header: dict[str, str]) -> str:
    # python-jose's own spelling of a header; tokens of any other spelling are not ours.
    return _base64url(json.dumps(header, separators=(",", ":"), sort_keys=True).encode("ascii"))


def _signed_token(text: str, claims: dict[str, Any]) -> SignedToken:
    _check_size(text)
    return SignedToken(text=text, token_id=claims["jti"], expires_at=_moment(claims["exp"]))


def _refuse() -> NoReturn:
    raise ValueError("Not a token of ours.")


def _check_size(text: str) -> None:
    if not isinstance(text, str) or len(text) > LONGEST_TOKEN:
        _refuse()


def _check_canonical(*segments: str) -> None:
    for segment in segments:
        if _CANONICAL_BASE64URL.fullmatch(segment) is None:
            _refuse()


def _encoded_length(byte_count: int) -> int:
    return (byte_count * 8 + 5) // 6


def _json_object(raw: bytes) -> dict[str, Any]:
    # Decoded here because json.loads lets surrogates pass when it is given bytes.
    value = json.loads(raw.decode("utf-8"), object_pairs_hook=_without_duplicates, parse_constant=_no_constant)
    if not isinstance(value, dict):
        _refuse()
    return value


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        _refuse()
    return found


def _no_constant(_name: str) -> NoReturn:
    _refuse()


def _matching(pattern: re.Pattern[str], value: object) -> str:
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        _refuse()
    return value


def _trader_id(value: object) -> int:
    number = int(_matching(_TRADER_ID, value))
    if number > _LARGEST_ID:
        _refuse()
    return number


def _text(value: object) -> str:
    if not isinstance(value, str):
        _refuse()
    # Raises on lone surrogates, which no database or JSON writer takes.
    value.encode("utf-8")
    return value


def _roles(value: object) -> frozenset[str]:
    if not isinstance(value, list):
        _refuse()
    roles = frozenset(_matching(_ROLE, role) for role in value)
    if len(roles) != len(value):
        _refuse()
    return roles


def _date_joined(value: object, today: date) -> date | None:
    if value is None:
        return None
    joined = date.fromisoformat(_matching(_ISO_DATE, value))
    # A joining date decides what a trader may do: one that lies ahead was never verified.
    if joined > today:
        _refuse()
    return joined


def _whole(value: object) -> int:
    # Not isinstance: True is an int to Python.
    if type(value) is not int:
        _refuse()
    return value


def _moment(value: object) -> datetime:
    return datetime.fromtimestamp(_whole(value), UTC)


def _seconds(duration: timedelta) -> int:
    return duration // timedelta(seconds=1)


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode("ascii")
