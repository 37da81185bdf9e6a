"""Keys: which are taken, what is published of them, and the development secret."""

import hashlib
import json
import multiprocessing
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from app.security.keys import Keyring, UnusableKey, WeakKey, development_secret

FIRST = b"the first secret of more than thirty-two bytes"
SECOND = b"the second secret of more than thirty-two bytes"
RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())


def write_private(path: Path, key: PrivateKeyTypes, passphrase: bytes | None = None) -> Path:
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))
    return path


def write_public(path: Path, key: PrivateKeyTypes) -> Path:
    path.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return path


def number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def test_secret_signs_with_hs256_under_a_kid_that_depends_on_it_alone() -> None:
    ring, again, other = map(Keyring.from_secret, (FIRST, FIRST, SECOND))

    assert (ring.signing.algorithm, len(ring.signing.kid)) == ("HS256", 11)
    assert ring.signing.kid == again.signing.kid != other.signing.kid


def test_thirty_two_bytes_are_enough() -> None:
    assert Keyring.from_secret(b"s" * 32).signing.algorithm == "HS256"


def test_a_weak_secret_is_refused_beside_a_strong_one() -> None:
    with pytest.raises(WeakKey):
        Keyring.from_secrets(FIRST, b"weak")


@pytest.mark.parametrize("key", [RSA, EC], ids=["rsa", "ec"])
@pytest.mark.parametrize(
    ("encoding", "form"),
    [
        (serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        (serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH),
    ],
    ids=["pem", "der", "ssh"],
)
def test_public_key_is_no_secret(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    encoding: serialization.Encoding,
    form: serialization.PublicFormat,
) -> None:
    """CVE-2024-33663, python-jose issue 346; in DER python-jose 3.5 still takes it."""
    with pytest.raises(UnusableKey):
        Keyring.from_secret(key.public_key().public_bytes(encoding, form))


def test_secrets_are_not_shown() -> None:
    shown = repr(Keyring.from_secrets(FIRST, SECOND))

    assert "secret" not in shown
    assert "CryptographyHMACKey" not in shown


def test_secrets_are_not_published() -> None:
    assert Keyring.from_secrets(FIRST, SECOND).jwks() == {"keys": []}


def test_rsa_key_is_published_by_its_public_numbers_only(tmp_path: Path) -> None:
    ring = Keyring.from_files(write_private(tmp_path / "key.pem", RSA))

    (published,) = ring.jwks()["keys"]

    numbers = RSA.public_key().public_numbers()
    assert (number(published.pop("n")), number(published.pop("e"))) == (numbers.n, numbers.e)
    assert published == {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": ring.signing.kid}


def test_ec_key_is_published_by_its_public_point_only(tmp_path: Path) -> None:
    ring = Keyring.from_files(write_private(tmp_path / "key.pem", EC))

    (published,) = ring.jwks()["keys"]

    numbers = EC.public_key().public_numbers()
    assert (number(published.pop("x")), number(published.pop("y"))) == (numbers.x, numbers.y)
    assert published == {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": ring.signing.kid}


def test_kid_of_a_key_pair_is_its_thumbprint(tmp_path: Path) -> None:
    """RFC 7638 section 3."""
    ring = Keyring.from_files(write_private(tmp_path / "key.pem", EC))
    (published,) = ring.jwks()["keys"]

    required = {name: published[name] for name in ("crv", "kty", "x", "y")}
    digest = hashlib.sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode()).digest()

    assert ring.signing.kid == urlsafe_b64encode(digest).rstrip(b"=").decode()


def test_all_of_the_ring_is_published_once_each(tmp_path: Path) -> None:
    signing = write_private(tmp_path / "signing.pem", EC)
    verifying = [
        write_public(tmp_path / "again.pem", EC),
        write_public(tmp_path / "old.pem", RSA),
        write_private(tmp_path / "next.pem", ec.generate_private_key(ec.SECP256R1())),
    ]

    keys = Keyring.from_files(signing, verifying).jwks()["keys"]

    assert [key["alg"] for key in keys] == ["ES256", "RS256", "ES256"]
    assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & {name for key in keys for name in key}


def test_ring_believes_another_ring_and_signs_with_its_own_key(tmp_path: Path) -> None:
    pair = Keyring.from_files(write_private(tmp_path / "key.pem", EC))
    secret = Keyring.from_secret(FIRST)

    both = pair.believing(secret)

    assert both.signing == pair.signing
    assert set(both.verifying) == {pair.signing.kid, secret.signing.kid}
    assert [key["kid"] for key in both.jwks()["keys"]] == [pair.signing.kid]


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ec.generate_private_key(ec.SECP256K1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["P-384", "secp256k1", "Ed25519"],
)
def test_key_of_another_kind_is_refused(tmp_path: Path, key: PrivateKeyTypes) -> None:
    """RFC 7518 section 3.1: only what python-jose supports and we have chosen."""
    good = write_private(tmp_path / "good.pem", EC)

    with pytest.raises(UnusableKey):
        Keyring.from_files(write_private(tmp_path / "key.pem", key))
    with pytest.raises(UnusableKey):
        Keyring.from_files(good, [write_public(tmp_path / "public.pem", key)])


def test_short_rsa_key_does_not_verify_either(tmp_path: Path) -> None:
    """RFC 7518 section 3.3."""
    short = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose

    with pytest.raises(WeakKey):
        Keyring.from_files(write_private(tmp_path / "good.pem", EC), [write_public(tmp_path / "short.pem", short)])


@pytest.mark.parametrize(
    "content", [b"", b"text", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path, good = tmp_path / "key.pem", write_private(tmp_path / "good.pem", EC)
    path.write_bytes(content)

    with pytest.raises(UnusableKey):
        Keyring.from_files(path)
    with pytest.raises(UnusableKey):
        Keyring.from_files(good, [path])


def test_public_or_locked_key_does_not_sign(tmp_path: Path) -> None:
    with pytest.raises(UnusableKey, match="private"):
        Keyring.from_files(write_public(tmp_path / "public.pem", EC))
    with pytest.raises(UnusableKey, match="passphrase"):
        Keyring.from_files(write_private(tmp_path / "locked.pem", EC, b"passphrase"))


def test_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Keyring.from_files(tmp_path / "missing.pem")


def test_development_secret_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret"

    first, second = development_secret(path), development_secret(path)

    assert first == second
    assert len(urlsafe_b64decode(first)) == 48
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_development_secret_of_two_folders_differs(tmp_path: Path) -> None:
    assert development_secret(tmp_path / "a") != development_secret(tmp_path / "b")


@pytest.mark.parametrize("content", ["", "\n", "short"])
def test_development_secret_that_was_cut_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "secret"
    path.write_text(content)

    with pytest.raises(WeakKey):
        development_secret(path)


def test_processes_that_start_at_once_share_the_development_secret(tmp_path: Path) -> None:
    path = tmp_path / "secret"

    with multiprocessing.get_context("spawn").Pool(4) as pool:
        found = pool.map(development_secret, [path] * 16, chunksize=1)

    assert set(found) == {path.read_bytes().strip()}
    assert list(tmp_path.iterdir()) == [path]
