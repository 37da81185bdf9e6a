"""Every known way to get past a token reader, each against tokens forged by hand with the server's own key.

The forger is plain `hmac` and `json`, so that a mistake in the code under test cannot hide in the forgery;
`test_hand_made_token_is_read` and `test_hand_made_encrypted_token_is_read` show that its tokens are good
before they are spoilt.
"""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.security.keys import Keyring, WeakKey
from app.security.tokens import (
    LONGEST_TOKEN,
    AccessClaims,
    ExpiredToken,
    InvalidToken,
    RefreshClaims,
    SignedToken,
    Tokens,
)

SECRET = b"a secret of more than thirty-two bytes, for tests"
ENCRYPTION_KEY = b"exactly thirty-two bytes of key."
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ISSUED = int(NOW.timestamp())
KID = Keyring.from_secret(SECRET).signing.kid
HEADER: dict[str, Any] = {"alg": "HS256", "kid": KID, "typ": "at+jwt"}
CLAIMS: dict[str, Any] = {
    "iss": "https://shares.example.com",
    "aud": "shares",
    "sub": "7",
    "sid": "permit-1",
    "jti": "j" * 43,
    "iat": ISSUED,
    "nbf": ISSUED,
    "exp": ISSUED + 900,
    "token_use": "access",
    "email": "nimal@example.com",
    "given_name": "නිමල්",
    "family_name": "O'Neill",
    "jwt.datej": "2020-02-29",
    "roles": ["ADMINISTRATOR"],
}
READ = AccessClaims(
    trader_id=7,
    permit_id="permit-1",
    token_id="j" * 43,
    email="nimal@example.com",
    given_name="නිමල්",
    family_name="O'Neill",
    date_joined=date(2020, 2, 29),
    roles=frozenset({"ADMINISTRATOR"}),
    issued_at=NOW,
    expires_at=NOW + timedelta(minutes=15),
)
REFRESH_HEADER = {**HEADER, "typ": "rt+jwt"}
REFRESH_CLAIMS = {name: CLAIMS[name] for name in ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp")} | {
    "token_use": "refresh"
}


def make_tokens(*, at: datetime = NOW, keys: Keyring | None = None, **changes: Any) -> Tokens:
    arguments: dict[str, Any] = {
        "keys": keys or Keyring.from_secret(SECRET),
        "issuer": "https://shares.example.com",
        "audience": "shares",
        "access_lifetime": timedelta(minutes=15),
        "refresh_lifetime": timedelta(days=30),
        "clock": lambda: at,
    }
    return Tokens(**(arguments | changes))


def grant_access(tokens: Tokens, **changes: Any) -> SignedToken:
    arguments: dict[str, Any] = {
        "trader_id": 7,
        "permit_id": "permit-1",
        "email": "nimal@example.com",
        "given_name": "Nimal",
        "family_name": "Perera",
        "date_joined": date(2020, 2, 29),
        "roles": frozenset({"ADMINISTRATOR"}),
    }
    return tokens.grant_access(**(arguments | changes))


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii")


def sign(header: str, payload: str, *, key: bytes = SECRET) -> str:
    signature = hmac.digest(key, f"{header}.{payload}".encode(), "sha256")
    return f"{header}.{payload}.{base64url(signature)}"


def forge(*, header: object = None, payload: object = None, key: bytes = SECRET) -> str:
    """Sign any header and claims; bytes are taken as they are."""
    parts = [CLAIMS if payload is None else payload, HEADER if header is None else header]
    encoded = [base64url(part if isinstance(part, bytes) else compact(part)) for part in parts]
    return sign(encoded[1], encoded[0], key=key)


def forge_with(**claims: object) -> str:
    return forge(payload={**CLAIMS, **claims})


def jwe_header() -> dict[str, Any]:
    text = grant_access(make_tokens(encryption_key=ENCRYPTION_KEY)).text
    header = text.partition(".")[0]
    decoded: dict[str, Any] = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    return decoded


def seal(
    text: str,
    *,
    header: object = None,
    encrypted_key: bytes = b"",
    nonce: bytes = b"twelve bytes",
    squeeze: Callable[[bytes], bytes] = bytes,
    tag_bytes: int = 16,
) -> str:
    """Encrypt a token; with fewer `tag_bytes` the rest of the tag goes to the ciphertext's end."""
    head = base64url(compact(jwe_header() if header is None else header))
    sealed = AESGCM(ENCRYPTION_KEY).encrypt(nonce, squeeze(text.encode()), head.encode())
    parts = encrypted_key, nonce, sealed[:-tag_bytes], sealed[-tag_bytes:]
    return ".".join((head, *map(base64url, parts)))


def assert_refused(text: Any, tokens: Tokens | None = None) -> None:
    reader = tokens or make_tokens()
    with pytest.raises(InvalidToken) as caught:
        reader.read_access(text)
    assert caught.value.code == "UNAUTHENTICATED"
    assert caught.value.params == {}
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def write_pem(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> Path:
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


def public_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


# What is good.


def test_hand_made_token_is_read() -> None:
    text = forge()

    claims = make_tokens().read_access(text)

    assert claims == READ


def test_hand_made_refresh_token_is_read() -> None:
    text = forge(header=REFRESH_HEADER, payload=REFRESH_CLAIMS)

    claims = make_tokens().read_refresh(text)

    assert claims == RefreshClaims(
        trader_id=7, permit_id="permit-1", token_id="j" * 43, issued_at=NOW, expires_at=READ.expires_at
    )


def test_hand_made_encrypted_token_is_read() -> None:
    text = seal(forge())

    claims = make_tokens(encryption_key=ENCRYPTION_KEY).read_access(text)

    assert claims == READ


def test_granted_token_tells_its_id_and_end_and_hides_its_text() -> None:
    tokens = make_tokens()

    granted = grant_access(tokens)

    claims = tokens.read_access(granted.text)
    assert (claims.token_id, claims.expires_at) == (granted.token_id, granted.expires_at)
    assert granted.text not in repr(granted)


def test_granted_refresh_token_carries_only_the_contracts_claims() -> None:
    granted = make_tokens().grant_refresh(trader_id=7, permit_id="permit-1")

    payload = granted.text.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims == {
        **REFRESH_CLAIMS,
        "jti": granted.token_id,
        "exp": ISSUED + 30 * 24 * 3600,
    }


def test_encrypted_token_shows_nothing_of_the_person() -> None:
    granted = grant_access(make_tokens(encryption_key=ENCRYPTION_KEY), given_name="Nimalasiri")

    segments = [base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in granted.text.split(".")]

    assert len(segments) == 5
    assert b"Nimalasiri" not in b"".join(segments)


@settings(deadline=None, max_examples=200)
@given(
    trader_id=st.integers(1, 2**63 - 1),
    permit_id=st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=128),
    email=st.text(max_size=60),
    given_name=st.text(max_size=60),
    family_name=st.text(max_size=60),
    date_joined=st.none() | st.dates(max_value=NOW.date()),
    roles=st.frozensets(st.sampled_from(["ADMINISTRATOR", "AUDITOR", "READER"])),
    encryption_key=st.sampled_from([None, ENCRYPTION_KEY]),
)
def test_whatever_is_granted_is_read_back(
    trader_id: int,
    permit_id: str,
    email: str,
    given_name: str,
    family_name: str,
    date_joined: date | None,
    roles: frozenset[str],
    encryption_key: bytes | None,
) -> None:
    tokens = make_tokens(encryption_key=encryption_key)

    granted = tokens.grant_access(
        trader_id=trader_id,
        permit_id=permit_id,
        email=email,
        given_name=given_name,
        family_name=family_name,
        date_joined=date_joined,
        roles=roles,
    )

    assert tokens.read_access(granted.text) == AccessClaims(
        trader_id=trader_id,
        permit_id=permit_id,
        token_id=granted.token_id,
        email=email,
        given_name=given_name,
        family_name=family_name,
        date_joined=date_joined,
        roles=roles,
        issued_at=NOW,
        expires_at=granted.expires_at,
    )


@pytest.mark.parametrize(
    "change",
    [
        {"trader_id": 0},
        {"trader_id": -1},
        {"trader_id": 2**63},
        {"trader_id": True},
        {"permit_id": ""},
        {"permit_id": "p" * 129},
        {"given_name": None},
        {"given_name": "n" * LONGEST_TOKEN},
        {"date_joined": date(2026, 3, 2)},
        {"date_joined": datetime(2020, 1, 1, tzinfo=UTC)},
        {"roles": ["a role"]},
        {"roles": ["පරිපාලක"]},
    ],
)
def test_what_could_not_be_read_is_not_granted(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="token of ours"):
        grant_access(make_tokens(), **change)


@pytest.mark.parametrize("claim", ["email", "given_name", "family_name"])
def test_lone_surrogate_is_not_granted(claim: str) -> None:
    """RFC 8259 section 8.2."""
    with pytest.raises(UnicodeEncodeError):
        grant_access(make_tokens(), **{claim: "a\ud800b"})


@pytest.mark.parametrize(
    "change", [{"trader_id": 0}, {"trader_id": 2**63}, {"permit_id": ""}, {"permit_id": "a b"}]
)
def test_what_could_not_be_read_is_not_granted_for_refreshing(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="token of ours"):
        make_tokens().grant_refresh(**{"trader_id": 7, "permit_id": "permit-1", **change})


# Signatures and algorithms.


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "nOnE", ""])
@pytest.mark.parametrize("signature", ["", base64url(b"s" * 32)])
def test_alg_none_is_refused(algorithm: str, signature: str) -> None:
    """RFC 8725 sections 2.1 and 3.1; CVE-2015-9235; python-jose issue 391."""
    header = base64url(compact({**HEADER, "alg": algorithm}))

    assert_refused(f"{header}.{base64url(compact(CLAIMS))}.{signature}")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512"])
def test_another_hash_under_the_same_secret_is_refused(algorithm: str) -> None:
    """RFC 8725 section 3.1: a key serves one algorithm."""
    header, payload = base64url(compact({**HEADER, "alg": algorithm})), base64url(compact(CLAIMS))
    signature = hmac.digest(SECRET, f"{header}.{payload}".encode(), algorithm.replace("HS", "sha"))

    assert_refused(f"{header}.{payload}.{base64url(signature)}")


@pytest.mark.parametrize("encoding", [serialization.Encoding.PEM, serialization.Encoding.DER])
@pytest.mark.parametrize("kind", ["RS256", "ES256"])
def test_public_key_as_hmac_secret_is_refused(tmp_path: Path, kind: str, encoding: serialization.Encoding) -> None:
    """RFC 8725 section 2.1; CVE-2016-10555, CVE-2022-29217, CVE-2024-33663; python-jose issue 419."""
    key = rsa.generate_private_key(65537, 2048) if kind == "RS256" else ec.generate_private_key(ec.SECP256R1())
    keys = Keyring.from_files(write_pem(tmp_path / "key.pem", key))
    public = key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
    tokens = make_tokens(keys=keys)
    assert keys.signing.algorithm == kind

    for algorithm in ("HS256", kind):
        header = {"alg": algorithm, "kid": keys.signing.kid, "typ": "at+jwt"}
        assert_refused(forge(header=header, key=public), tokens)


def test_zero_signature_is_refused(tmp_path: Path) -> None:
    """CVE-2022-21449: ECDSA with R and S of zero was believed by a well-known library."""
    keys = Keyring.from_files(write_pem(tmp_path / "key.pem", ec.generate_private_key(ec.SECP256R1())))
    tokens = make_tokens(keys=keys)
    header, payload, _ = grant_access(tokens).text.split(".")

    assert_refused(f"{header}.{payload}.{base64url(bytes(64))}", tokens)


@pytest.mark.parametrize("kept", [0, 1, 31])
def test_shortened_signature_is_refused(kept: int) -> None:
    """RFC 7515 section 5.2; CVE-2020-28042: an empty signature was compared up to its own length."""
    header, payload, signature = forge().split(".")
    raw = base64.urlsafe_b64decode(signature + "=")

    assert_refused(f"{header}.{payload}.{base64url(raw[:kept])}")


def test_another_secret_is_refused() -> None:
    """RFC 7515 section 5.2."""
    assert_refused(forge(key=b"another secret of more than thirty-two bytes"))


@pytest.mark.parametrize("secret", [b"", b"s", b"s" * 31])
def test_weak_secret_signs_nothing(secret: bytes) -> None:
    """RFC 7518 section 3.2, RFC 8725 section 3.5; python-jose takes an empty secret."""
    with pytest.raises(WeakKey):
        Keyring.from_secret(secret)


def test_short_rsa_key_signs_nothing(tmp_path: Path) -> None:
    """RFC 7518 section 3.3; python-jose takes RSA-1024."""
    path = write_pem(tmp_path / "key.pem", rsa.generate_private_key(65537, 1024))  # noqa: S505 - weak on purpose

    with pytest.raises(WeakKey):
        Keyring.from_files(path)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_encryption_key_of_another_length_is_refused(length: int) -> None:
    """RFC 7518 section 5.3: A256GCM has keys of 32 bytes."""
    with pytest.raises(WeakKey):
        make_tokens(encryption_key=b"k" * length)


# The header.


@pytest.mark.parametrize(
    "kid",
    [
        "unknown",
        "",
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "' UNION SELECT 'secret",
        "https://attacker.example.com/jwks.json",
        [KID],
        {"kid": KID},
        None,
        0,
    ],
)
def test_odd_kid_is_refused(kid: object) -> None:
    """RFC 8725 section 3.10: a kid is never used as a path, an address or a query."""
    assert_refused(forge(header={**HEADER, "kid": kid}))


def test_missing_kid_is_refused() -> None:
    """RFC 8725 section 3.10."""
    assert_refused(forge(header={"alg": "HS256", "typ": "at+jwt"}))


@pytest.mark.parametrize("header_type", ["JWT", "AT+JWT", "application/at+jwt", "rt+jwt", "", None, ["at+jwt"]])
def test_another_typ_is_refused(header_type: object) -> None:
    """RFC 8725 section 3.11, RFC 9068 section 4: explicit typing; python-jose does not look at typ."""
    assert_refused(forge(header={**HEADER, "typ": header_type}))


def test_missing_typ_is_refused() -> None:
    """RFC 8725 section 3.11."""
    assert_refused(forge(header={"alg": "HS256", "kid": KID}))


@pytest.mark.parametrize(
    "extra",
    [
        {"jku": "https://attacker.example.com/jwks.json"},
        {"jwk": {"kty": "oct", "k": base64url(SECRET)}},
        {"x5u": "https://attacker.example.com/key.pem"},
        {"x5c": ["MIIB"]},
        {"crit": ["exp"]},
        {"crit": ["unheard-of"], "unheard-of": True},
        {"b64": False, "crit": ["b64"]},
        {"zip": "DEF"},
        {"cty": "JWT"},
        {"unheard-of": 1},
    ],
)
def test_further_header_members_are_refused(extra: dict[str, object]) -> None:
    """RFC 7515 section 4.1.11 (python-jose issue 413, crit), RFC 8725 section 3.10; CVE-2018-0114 (jwk)."""
    assert_refused(forge(header={**HEADER, **extra}))


@pytest.mark.parametrize(
    "raw",
    [
        compact(HEADER).replace(b",", b", "),
        compact(HEADER) + b" ",
        b'{"typ":"at+jwt","kid":"' + KID.encode() + b'","alg":"HS256"}',
        compact(HEADER).replace(b"HS256", b"\\u0048S256"),
        b'{"alg":"none",' + compact(HEADER)[1:],
        b"\xef\xbb\xbf" + compact(HEADER),
        b"[" * 1000,
        b'{"alg":' * 1000,
        b"null",
        b"[]",
        b"",
        b"\xff\xfe",
        b'{"alg":"HS256"',
    ],
    ids=range(13),
)
def test_header_spelt_otherwise_is_refused(raw: bytes) -> None:
    """RFC 7515 section 4: no duplicates; a header of brackets ended in RecursionError with python-jose."""
    assert_refused(forge(header=raw))


# The shape.


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "..",
        "...",
        "....",
        "a.b",
        "a.b.c",
        "\ud800",
        "é.é.é",
        "\0",
        None,
        7,
        b"bytes",
        ["a", "b", "c"],
        "." * LONGEST_TOKEN,
    ],
)
def test_what_is_no_token_is_refused(text: object) -> None:
    """RFC 7519 section 7.2; python-jose answered some of these with AttributeError or UnicodeError."""
    assert_refused(text)


def test_further_segments_are_refused() -> None:
    """RFC 7515 section 3.1: three segments."""
    header, payload, signature = forge().split(".")

    for text in (
        f"{header}.{payload}",
        f"{header}.{payload}.{signature}.",
        f".{header}.{payload}.{signature}",
        f"{header}.{payload}.{signature}.{signature}",
        f"{header}..{payload}.{signature}",
    ):
        assert_refused(text)


def test_oversized_token_is_refused() -> None:
    """RFC 8725 section 3.9 in spirit: nothing is decoded that is longer than any token of ours."""
    text = forge_with(given_name="n" * LONGEST_TOKEN)

    assert_refused(text)


def test_other_spellings_of_base64url_are_refused() -> None:
    """RFC 7515 section 2, RFC 4648 section 3.5; python-jose ignores padding, marks and unused bits."""
    text = forge()
    header, payload, signature = text.split(".")
    twin = {"A": "B", "Q": "R", "g": "h", "w": "x"} | {letter: chr(ord(letter) + 1) for letter in "EIMUYcko048s"}

    spellings = [
        f"{text}=",
        f"{text}==",
        f"{header}=.{payload}.{signature}",
        f"{header}.{payload}==.{signature}",
        f"{text}\n",
        f" {text}",
        f"{header}.{payload}.{signature[:9]}!{signature[9:]}",
        f"{header}.{payload}.{signature[:9]}\n{signature[9:]}",
        f"{header}.{payload}.{signature[:-1]}{twin[signature[-1]]}",
    ]

    for spelling in spellings:
        assert_refused(spelling)


def test_alphabet_of_plain_base64_is_refused() -> None:
    """RFC 4648 section 5; python-jose reads + and / as if they were - and _."""
    texts = [forge_with(given_name=f"Nimal {number}") for number in range(40)]

    plain = [
        f"{signed}.{signature.replace('-', '+').replace('_', '/')}"
        for signed, _, signature in (text.rpartition(".") for text in texts)
        if set("-_") & set(signature)
    ]

    assert len(plain) > 10
    for text in plain:
        assert_refused(text)


def test_unused_bits_in_the_payload_are_refused() -> None:
    """RFC 4648 section 3.5: signed over, so that only the canonical check can find it."""
    payload = base64url(compact(CLAIMS) + b" " * ((1 - len(compact(CLAIMS))) % 3))
    assert len(payload) % 4 == 2

    assert_refused(sign(base64url(compact(HEADER)), payload[:-1] + chr(ord(payload[-1]) + 1)))


def test_tampered_payload_is_refused() -> None:
    """RFC 7515 section 5.2."""
    header, _, signature = forge().split(".")

    assert_refused(f"{header}.{base64url(compact({**CLAIMS, 'sub': '1'}))}.{signature}")


ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/!~ \n\0é\ud800"
VALID = forge()
VALID_ENCRYPTED = seal(VALID)


def test_every_single_changed_letter_is_refused() -> None:
    """RFC 7515 section 5.2, tried out in full: each place of a token with each letter of base64url."""
    tokens = make_tokens()

    read: list[str] = []
    for place, letter in enumerate(VALID):
        for other in ALPHABET[:65].replace(letter, ""):
            try:
                tokens.read_access(VALID[:place] + other + VALID[place + 1 :])
            except InvalidToken:
                continue
            read.append(f"{other} for {letter} at {place}")

    assert read == []


@settings(deadline=None, max_examples=400)
@given(
    valid=st.sampled_from([VALID, VALID_ENCRYPTED]),
    data=st.data(),
    edit=st.sampled_from(["change", "delete", "insert"]),
    letter=st.sampled_from(ALPHABET),
)
def test_any_one_letter_edit_is_refused(valid: str, data: st.DataObject, edit: str, letter: str) -> None:
    """RFC 7515 section 5.2, RFC 7516 section 5.2."""
    place = data.draw(st.integers(0, len(valid) - 1))
    rest = valid[place:] if edit == "insert" else valid[place + 1 :]
    edited = valid[:place] + ("" if edit == "delete" else letter) + rest
    assume(edited != valid)
    tokens = make_tokens(encryption_key=None if valid == VALID else ENCRYPTION_KEY)

    assert_refused(edited, tokens)


# The claims.


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_missing_claim_is_refused(claim: str) -> None:
    """RFC 9068 section 2.2, RFC 8725 section 3.10; python-jose passes over a missing exp, aud or sub."""
    assert_refused(forge(payload={name: value for name, value in CLAIMS.items() if name != claim}))


@pytest.mark.parametrize("claim", sorted(REFRESH_CLAIMS))
def test_missing_claim_of_a_refresh_token_is_refused(claim: str) -> None:
    """RFC 8725 section 3.10."""
    payload = {name: value for name, value in REFRESH_CLAIMS.items() if name != claim}

    with pytest.raises(InvalidToken) as caught:
        make_tokens().read_refresh(forge(header=REFRESH_HEADER, payload=payload))

    assert caught.value.code == "UNAUTHENTICATED"


@pytest.mark.parametrize("value", [1, 1.5, True, {}, {"a": 1}, [1], [None], [["ADMINISTRATOR"]]])
@pytest.mark.parametrize("claim", sorted(set(CLAIMS) - {"iat", "nbf", "exp"}))
def test_claim_of_another_type_is_refused(claim: str, value: object) -> None:
    """RFC 7519 section 4.1: StringOrURI; python-jose ended in TypeError or took them."""
    assert_refused(forge_with(**{claim: value}))


@pytest.mark.parametrize("claim", sorted(set(CLAIMS) - {"jwt.datej"}))
def test_null_claim_is_refused(claim: str) -> None:
    """RFC 7519 section 4.1; only the joining date may be null, for who has none verified."""
    assert_refused(forge_with(**{claim: None}))


@pytest.mark.parametrize(
    "value",
    [
        str(ISSUED),
        "\u0660",
        float(ISSUED),
        ISSUED + 0.5,
        True,
        False,
        [ISSUED],
        {"seconds": ISSUED},
        -1,
        -(2**63),
        2**63,
        2**64,
        10**400,
        ISSUED * 1000,
    ],
    ids=repr,
)
@pytest.mark.parametrize("claim", ["iat", "nbf", "exp"])
def test_time_that_is_no_whole_second_is_refused(claim: str, value: object) -> None:
    """RFC 7519 section 2 (NumericDate); python-jose takes strings, floats and other digits."""
    assert_refused(forge_with(**{claim: value}))


@pytest.mark.parametrize("claim", ["iat", "nbf"])
def test_true_is_no_time_even_when_it_would_fit(claim: str) -> None:
    """RFC 7519 section 2; True is one to Python, the first second of 1970."""
    times = {"iat": 1, "nbf": 1, "exp": 901}
    tokens = make_tokens(at=datetime.fromtimestamp(1, UTC))
    payload = {**CLAIMS, **times, "jwt.datej": None}
    assert tokens.read_access(forge(payload=payload)).expires_at == datetime.fromtimestamp(901, UTC)

    assert_refused(forge(payload={**payload, claim: True}), tokens)


@pytest.mark.parametrize("constant", [b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1E3", b"00"])
@pytest.mark.parametrize("claim", ["iat", "nbf", "exp"])
def test_time_that_is_no_number_of_json_is_refused(claim: str, constant: bytes) -> None:
    """RFC 8259 section 6; Infinity ended in OverflowError with python-jose."""
    raw = compact({**CLAIMS, claim: "HERE"}).replace(b'"HERE"', constant)

    assert_refused(forge(payload=raw))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b"[" * 3000,
        b'{"a":' * 900,
        b"\xef\xbb\xbf" + compact(CLAIMS),
        compact(CLAIMS).decode().encode("utf-16"),
        compact(CLAIMS).replace(b"O'Neill", b"O\xff"),
        compact(CLAIMS).replace(b"O'Neill", b"O\xed\xa0\x80"),
        compact(CLAIMS)[:-1],
        compact(CLAIMS) + b"{}",
    ],
    ids=range(13),
)
def test_payload_that_is_no_json_object_in_utf_8_is_refused(raw: bytes) -> None:
    """RFC 7519 section 7.2 step 10, RFC 8725 section 3.7; python-jose ended in RecursionError."""
    assert_refused(forge(payload=raw))


@pytest.mark.parametrize("claim", sorted(CLAIMS))
def test_claim_given_twice_is_refused(claim: str) -> None:
    """RFC 7519 section 4; python-jose takes the last."""
    doubled = compact({claim: CLAIMS[claim]})[:-1] + b"," + compact(CLAIMS)[1:]

    assert_refused(forge(payload=doubled))


@pytest.mark.parametrize("claim", ["admin", "scope", "at_hash", "azp", "Roles", "iss "])
def test_unknown_claim_is_refused(claim: str) -> None:
    """A token of ours has no others; RFC 7519 section 4 leaves it to the application."""
    assert_refused(forge_with(**{claim: "1"}))


@pytest.mark.parametrize(
    "issuer", ["", "https://shares.example.com/", "HTTPS://shares.example.com", ["https://shares.example.com"]]
)
def test_another_issuer_is_refused(issuer: object) -> None:
    """RFC 8725 section 3.8, RFC 9068 section 4: compared exactly."""
    assert_refused(forge_with(iss=issuer))


@pytest.mark.parametrize("audience", ["", "Shares", "shares ", ["shares"], ["other", "shares"], [], {"shares": 1}])
def test_another_audience_is_refused(audience: object) -> None:
    """RFC 8725 section 3.9, RFC 9068 section 4: ours is one string, never a list."""
    assert_refused(forge_with(aud=audience))


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "0",
        "-1",
        "+7",
        "07",
        " 7",
        "7 ",
        "7\n",
        "7.0",
        "\u0667",
        "\uff17",
        "0x7",
        "1_0",
        str(2**63),
        "9" * 5000,
    ],
)
def test_subject_that_is_no_canonical_id_is_refused(subject: str) -> None:
    """RFC 7519 section 4.1.2; one trader has one spelling, which int() alone does not see to."""
    assert_refused(forge_with(sub=subject))


def test_largest_subject_is_read() -> None:
    claims = make_tokens().read_access(forge_with(sub=str(2**63 - 1)))

    assert claims.trader_id == 2**63 - 1


@pytest.mark.parametrize("value", ["", "j" * 42, "j" * 44, "j" * 42 + "é", "j" * 42 + "\n", "j" * 42 + "="])
def test_token_id_of_another_form_is_refused(value: str) -> None:
    """RFC 7519 section 4.1.7; ours has 256 random bits."""
    assert_refused(forge_with(jti=value))


@pytest.mark.parametrize("value", ["", "p" * 129, "a b", "a\n", "\0", "é", "\ud800"])
def test_permit_id_of_another_form_is_refused(value: str) -> None:
    """OpenID Connect Front-Channel Logout section 3 (sid): visible ASCII only."""
    assert_refused(forge_with(sid=value))


@pytest.mark.parametrize("claim", ["email", "given_name", "family_name"])
@pytest.mark.parametrize("value", ["\ud800", "a\udfffb", "\udc00\ud800"])
def test_lone_surrogate_is_refused(claim: str, value: str) -> None:
    """RFC 8259 section 8.2; otherwise it fails later, where names are written."""
    assert_refused(forge_with(**{claim: value}))


@pytest.mark.parametrize(
    "joined",
    [
        "",
        "2020-2-29",
        "2020-02-30",
        "2019-02-29",
        "20200229",
        "2020-W09-6",
        "2020-060",
        "2020-02-29T00:00:00Z",
        " 2020-02-29",
        "2020-02-29\n",
        "29/02/2020",
        "\uff12020-02-29",
        "0000-01-01",
        "10000-01-01",
        1582934400,
    ],
)
def test_malformed_joining_date_is_refused(joined: object) -> None:
    """RFC 3339 section 5.6 (full-date): culture-dependent dates once opened doors here."""
    assert_refused(forge_with(**{"jwt.datej": joined}))


@pytest.mark.parametrize("joined", ["2026-03-02", "2027-01-01", "9999-12-31"])
def test_joining_date_ahead_is_refused(joined: str) -> None:
    """Nobody can have verified it; policies count years from it."""
    assert_refused(forge_with(**{"jwt.datej": joined}))


@pytest.mark.parametrize(("joined", "expected"), [("2026-03-01", date(2026, 3, 1)), (None, None)])
def test_joining_date_of_today_or_none_is_read(joined: str | None, expected: date | None) -> None:
    claims = make_tokens().read_access(forge_with(**{"jwt.datej": joined}))

    assert claims.date_joined == expected


@pytest.mark.parametrize(
    "roles",
    [
        "ADMINISTRATOR",
        {"ADMINISTRATOR": True},
        [""],
        ["a b"],
        ["පරිපාලක"],
        ["A", "A"],
        ["A\n"],
        ["\ud800"],
        ["r" * 65],
    ],
)
def test_roles_of_another_form_are_refused(roles: object) -> None:
    """RFC 9068 section 2.2.3.1: roles is a list; a text would be read as its letters."""
    assert_refused(forge_with(roles=roles))


# Which token.


def test_refresh_token_is_no_access_token() -> None:
    """RFC 8725 sections 2.8 and 3.12: substitution."""
    tokens = make_tokens()

    assert_refused(tokens.grant_refresh(trader_id=7, permit_id="permit-1").text, tokens)


def test_access_token_is_no_refresh_token() -> None:
    """RFC 8725 sections 2.8 and 3.12: substitution."""
    tokens = make_tokens()

    with pytest.raises(InvalidToken) as caught:
        tokens.read_refresh(grant_access(tokens).text)

    assert caught.value.code == "UNAUTHENTICATED"


@pytest.mark.parametrize("use", ["refresh", "id", "ACCESS", ""])
def test_another_use_under_the_right_typ_is_refused(use: str) -> None:
    """RFC 8725 section 3.12: the claim is checked even where typ is right."""
    assert_refused(forge_with(token_use=use))


def test_refresh_claims_under_the_typ_of_access_are_refused() -> None:
    """RFC 8725 section 3.12."""
    assert_refused(forge(payload=REFRESH_CLAIMS))


# Time.


@pytest.mark.parametrize("late", [timedelta(0), timedelta(milliseconds=1), timedelta(days=9999)])
def test_expired_token_is_refused_from_exp_on(late: timedelta) -> None:
    """RFC 7519 section 4.1.4: on or after exp; python-jose still takes it when exp is now."""
    tokens = make_tokens(at=READ.expires_at + late)

    with pytest.raises(ExpiredToken) as caught:
        tokens.read_access(forge())

    assert caught.value.code == "TOKEN_EXPIRED"


def test_token_is_read_until_just_before_exp() -> None:
    tokens = make_tokens(at=READ.expires_at - timedelta(milliseconds=1))

    assert tokens.read_access(forge()) == READ


def test_expired_refresh_token_is_told_apart() -> None:
    text = make_tokens().grant_refresh(trader_id=7, permit_id="permit-1").text

    with pytest.raises(ExpiredToken):
        make_tokens(at=NOW + timedelta(days=30)).read_refresh(text)


@pytest.mark.parametrize(
    "text",
    [
        forge(key=b"another secret of more than thirty-two bytes"),
        forge_with(aud="other"),
        forge_with(roles=["a role"]),
        forge(header=REFRESH_HEADER, payload=REFRESH_CLAIMS),
        forge_with(exp=ISSUED + 901),
    ],
    ids=range(5),
)
def test_expired_token_that_is_also_wrong_is_only_wrong(text: str) -> None:
    """RFC 6750 section 3.1: nobody learns of an expiry without a token that was once good."""
    assert_refused(text, make_tokens(at=NOW + timedelta(days=1)))


@pytest.mark.parametrize("early", [timedelta(milliseconds=1), timedelta(seconds=1), timedelta(days=9999)])
def test_token_from_the_future_is_refused(early: timedelta) -> None:
    """RFC 7519 section 4.1.6; python-jose does not compare iat with the clock."""
    assert_refused(forge(), make_tokens(at=NOW - early))


def test_token_is_refused_before_nbf_and_read_from_then_on() -> None:
    """RFC 7519 section 4.1.5."""
    text = grant_access(make_tokens(not_before_delay=timedelta(seconds=10))).text

    assert_refused(text, make_tokens(at=NOW + timedelta(seconds=9, milliseconds=999)))
    assert make_tokens(at=NOW + timedelta(seconds=10)).read_access(text).issued_at == NOW


@pytest.mark.parametrize(
    "times",
    [
        {"exp": ISSUED + 901},
        {"exp": 2**31},
        {"exp": 253402300799},
        {"exp": ISSUED, "nbf": ISSUED},
        {"exp": ISSUED - 1},
        {"nbf": ISSUED - 1},
        {"nbf": ISSUED + 900},
        {"iat": ISSUED - 1},
    ],
)
def test_times_that_do_not_fit_together_are_refused(times: dict[str, int]) -> None:
    """RFC 8725 section 3.10: no token lives longer than we let it, whoever signed it."""
    assert_refused(forge_with(**times))


def test_clock_skew_is_allowed_on_both_sides_and_no_further() -> None:
    """RFC 7519 sections 4.1.4 and 4.1.5: a small leeway, if the owner wants one."""
    skew = timedelta(seconds=5)
    last, first = READ.expires_at + skew - timedelta(milliseconds=1), NOW - skew

    assert make_tokens(at=last, clock_skew=skew).read_access(forge()) == READ
    assert make_tokens(at=first, clock_skew=skew).read_access(forge()) == READ
    assert_refused(forge(), make_tokens(at=first - timedelta(milliseconds=1), clock_skew=skew))
    with pytest.raises(ExpiredToken):
        make_tokens(at=READ.expires_at + skew, clock_skew=skew).read_access(forge())


@pytest.mark.parametrize(
    "change",
    [
        {"access_lifetime": timedelta(0)},
        {"access_lifetime": timedelta(seconds=1.5)},
        {"refresh_lifetime": timedelta(seconds=-1)},
        {"clock_skew": timedelta(seconds=-1)},
        {"not_before_delay": timedelta(minutes=15)},
        {"not_before_delay": timedelta(seconds=-1)},
        {"issuer": ""},
        {"audience": ""},
    ],
)
def test_senseless_settings_are_refused_at_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"whole seconds|shorter than|need an issuer"):
        make_tokens(**change)


# Encryption.


def test_unencrypted_token_is_refused_where_tokens_are_encrypted() -> None:
    """RFC 8725 section 3.2: no falling back to what protects less."""
    assert_refused(forge(), make_tokens(encryption_key=ENCRYPTION_KEY))


def test_encrypted_token_is_refused_where_tokens_are_signed_only() -> None:
    """RFC 7516 section 9: five segments are another kind of thing."""
    assert_refused(seal(forge()), make_tokens())


@pytest.mark.parametrize(
    "change",
    [
        {"alg": "A256KW"},
        {"alg": "RSA-OAEP"},
        {"alg": "RSA1_5"},
        {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "c2FsdA"},
        {"alg": "none"},
        {"enc": "A128GCM"},
        {"enc": "A128CBC-HS256"},
        {"enc": "A256CBC-HS512"},
        {"cty": "JOSE"},
        {"typ": "at+jwt"},
        {"kid": "unknown"},
        {"zip": "DEF"},
        {"crit": ["exp"]},
    ],
    ids=repr,
)
def test_encrypted_token_with_another_header_is_refused(change: dict[str, object]) -> None:
    """RFC 8725 sections 3.1 and 3.2; CVE-2022-36083 (p2c); python-jose has no allow list for JWE."""
    text = seal(forge(), header={**jwe_header(), **change})

    assert_refused(text, make_tokens(encryption_key=ENCRYPTION_KEY))


def test_compressed_token_is_refused_unread() -> None:
    """RFC 8725 section 3.6; CVE-2024-33664, python-jose issue 344: a bomb of zeros."""
    header = {**jwe_header(), "zip": "DEF"}
    text = seal(forge() + "\0" * 10_000_000, header=header, squeeze=zlib.compress)

    assert_refused(text, make_tokens(encryption_key=ENCRYPTION_KEY))
    assert_refused(seal(forge(), header=header, squeeze=zlib.compress), make_tokens(encryption_key=ENCRYPTION_KEY))


def test_encrypted_key_beside_a_shared_one_is_refused() -> None:
    """RFC 7518 section 4.5, RFC 7516 section 5.2 step 10; python-jose then gives None."""
    text = seal(forge(), encrypted_key=b"k" * 32)

    assert_refused(text, make_tokens(encryption_key=ENCRYPTION_KEY))


@pytest.mark.parametrize("tag_bytes", [15, 12, 4, 1])
def test_bytes_moved_from_tag_to_ciphertext_are_refused(tag_bytes: int) -> None:
    """RFC 7518 section 5.3: the tag has 16 bytes; python-jose joins both before it looks."""
    text = seal(forge(), tag_bytes=tag_bytes)

    assert_refused(text, make_tokens(encryption_key=ENCRYPTION_KEY))


def test_bytes_moved_from_ciphertext_to_tag_are_refused() -> None:
    """RFC 7518 section 5.3."""
    text = seal(forge(), tag_bytes=17)

    assert_refused(text, make_tokens(encryption_key=ENCRYPTION_KEY))


@pytest.mark.parametrize("name_length", [4, 5, 6])
def test_other_spellings_of_an_encrypted_token_are_refused(name_length: int) -> None:
    """RFC 7516 section 2, RFC 4648 section 3.5: the tag alone has sixteen spellings for python-jose."""
    tokens = make_tokens(encryption_key=ENCRYPTION_KEY)
    text = seal(forge_with(given_name="n" * name_length))
    assert tokens.read_access(text).given_name == "n" * name_length
    segments = text.split(".")

    for place in (0, 2, 3, 4):
        segment = segments[place]
        for other in (
            *(segment[:-1] + letter for letter in ALPHABET[:64] if letter != segment[-1]),
            *(segment[:5] + mark + segment[5:] for mark in "!=+/ \n"),
            f"{segment}=",
            f"{segment}==",
        ):
            assert_refused(".".join((*segments[:place], other, *segments[place + 1 :])), tokens)


def test_encrypted_token_in_plain_base64_is_refused() -> None:
    """RFC 4648 section 5; python-jose reads + and / as if they were - and _."""
    tokens = make_tokens(encryption_key=ENCRYPTION_KEY)
    text = seal(forge(), nonce=b"\xfb\xff\xbf" * 4)
    head, _, nonce, *rest = text.split(".")
    assert set("-_") <= set(nonce)
    assert tokens.read_access(text) == READ

    assert_refused(".".join((head, "", nonce.replace("-", "+").replace("_", "/"), *rest)), tokens)


def test_nonce_of_another_length_is_refused() -> None:
    """RFC 7518 section 5.3: 96 bits."""
    text = seal(forge(), nonce=b"sixteen bytes it")

    assert_refused(text, make_tokens(encryption_key=ENCRYPTION_KEY))


@pytest.mark.parametrize(
    "inner",
    ["", "{}", json.dumps(CLAIMS), forge(key=b"another secret of more than thirty-two bytes"), "é", seal(forge())],
    ids=range(6),
)
def test_encryption_alone_proves_nothing(inner: str) -> None:
    """RFC 7519 section 11.2, RFC 8725 section 3.3: what is inside must be signed, once."""
    assert_refused(seal(inner), make_tokens(encryption_key=ENCRYPTION_KEY))


def test_expired_encrypted_token_is_told_apart() -> None:
    tokens = make_tokens(at=READ.expires_at, encryption_key=ENCRYPTION_KEY)

    with pytest.raises(ExpiredToken):
        tokens.read_access(seal(forge()))


def test_refresh_token_inside_an_envelope_is_refused() -> None:
    """RFC 8725 section 3.12."""
    refresh = forge(header=REFRESH_HEADER, payload=REFRESH_CLAIMS)
    tokens = make_tokens(encryption_key=ENCRYPTION_KEY)

    assert_refused(seal(refresh), tokens)
    with pytest.raises(InvalidToken):
        tokens.read_refresh(seal(refresh))


# Replacing keys.


def test_token_of_an_old_key_is_read_while_it_is_in_the_ring_and_refused_after() -> None:
    """RFC 7517 section 4.5: kid tells keys apart during rollover."""
    new_secret = b"the next secret, also longer than thirty-two bytes"
    tokens = make_tokens()
    old = grant_access(tokens)

    tokens.replace_keys(Keyring.from_secrets(new_secret, SECRET))
    overlapping = grant_access(tokens)
    assert tokens.read_access(old.text).token_id == old.token_id
    assert tokens.read_access(overlapping.text).token_id == overlapping.token_id

    tokens.replace_keys(Keyring.from_secret(new_secret))
    assert tokens.read_access(overlapping.text).token_id == overlapping.token_id
    assert_refused(old.text, tokens)


@pytest.mark.parametrize("kind", ["RS256", "ES256"])
def test_key_pair_signs_and_its_public_half_verifies(tmp_path: Path, kind: str) -> None:
    """RFC 7518 sections 3.3 and 3.4."""
    key = rsa.generate_private_key(65537, 2048) if kind == "RS256" else ec.generate_private_key(ec.SECP256R1())
    other = ec.generate_private_key(ec.SECP256R1())
    public = tmp_path / "public.pem"
    public.write_bytes(public_pem(key))
    granted = grant_access(make_tokens(keys=Keyring.from_files(write_pem(tmp_path / "key.pem", key))))

    reader = make_tokens(keys=Keyring.from_files(write_pem(tmp_path / "other.pem", other), [public]))

    assert reader.read_access(granted.text).token_id == granted.token_id


def test_signature_by_one_key_under_the_kid_of_another_is_refused() -> None:
    """RFC 8725 section 3.10: the kid chooses the one key that may have signed."""
    other = b"the other secret, also longer than thirty-two bytes"
    tokens = make_tokens(keys=Keyring.from_secrets(SECRET, other))

    assert_refused(forge(key=other), tokens)


def test_forged_kid_matches_the_rings_own() -> None:
    expected = hashlib.sha256(b"kid of a signing secret\0" + SECRET).digest()[:8]

    assert base64url(expected) == KID


def test_no_more_tokens_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.security.tokens.MOST_VERIFIED", 3)
    tokens = make_tokens()
    texts = [grant_access(tokens).text for _ in range(10)]
    remembered = set()

    for text in texts:
        assert tokens.read_access(text) == tokens.read_access(text)
        remembered.add(len(tokens._ring.verified))  # noqa: SLF001 - nothing else tells

    assert len(set(texts)) == 10
    assert remembered == {1, 2, 3}
