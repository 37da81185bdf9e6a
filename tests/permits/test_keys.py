"""The keys of tokens: from files, published, and changed while requests run and none of them fails."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jose import jwt
from pydantic import SecretStr

from app import main
from app.database import Database
from app.main import create_app
from app.settings import InvalidSettings, Settings
from tests.callers import Api
from tests.factories import ManualClock, make_trader
from tests.permits.devices import Device, is_taken, renewed
from tests.permits.servers import Server, eventually

pytestmark = pytest.mark.anyio

ADA = "ada@example.com"
JWKS = "/.well-known/jwks.json"
SECRET_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "k", "oth"}

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def new_key(algorithm: str) -> PrivateKey:
    if algorithm == "RS256":
        return rsa.generate_private_key(65537, 2048)
    return ec.generate_private_key(ec.SECP256R1())


def write_private(file: Path, key: PrivateKey) -> Path:
    """Write a key as a careful operator does: whole, and then under its name."""
    draft = file.with_suffix(".draft")
    draft.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return draft.rename(file)


def write_public(file: Path, key: PrivateKey) -> Path:
    draft = file.with_suffix(".draft")
    draft.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return draft.rename(file)


@asynccontextmanager
async def serving(settings: Settings, clock: ManualClock) -> AsyncIterator[Api]:
    app = create_app(settings, clock=clock)
    async with app.router.lifespan_context(app), Api(app) as api:
        yield api


async def published(api: Api) -> list[dict[str, str]]:
    response = await api.http.get(JWKS)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    body: dict[str, list[dict[str, str]]] = response.json()
    assert set(body) == {"keys"}
    return body["keys"]


def verified(token: str, keys: list[dict[str, str]]) -> dict[str, Any]:
    """Verify a token as another service would: by python-jose and the published key of its kid alone."""
    kid = jwt.get_unverified_header(token)["kid"]
    (key,) = (key for key in keys if key["kid"] == kid)
    claims: dict[str, Any] = jwt.decode(
        token,
        key,
        algorithms=[key["alg"]],
        audience="share-price-viewer",
        issuer="share-price-viewer",
        # The clock of the tests is not the library's.
        options={"verify_exp": False, "verify_nbf": False, "verify_iat": False},
    )
    return claims


@pytest.fixture
async def ada(database: Database) -> str:
    await make_trader(database, email=ADA)
    return ADA


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
async def test_key_pair_is_used_and_its_public_half_published(
    settings: Settings, clock: ManualClock, tmp_path: Path, ada: str, algorithm: str
) -> None:
    file = write_private(tmp_path / "key.pem", new_key(algorithm))
    async with serving(settings.model_copy(update={"signing_key_file": file}), clock) as api:
        device = await Device.log_in(api, ada)
        keys = await published(api)

        assert await is_taken(api, device.access)
        await device.renew()
        assert verified(device.access, keys)["email"] == ada
        assert jwt.get_unverified_header(device.refresh)["alg"] == algorithm
    (key,) = keys
    assert (key["alg"], key["use"]) == (algorithm, "sig")
    assert not SECRET_MEMBERS & key.keys()


async def test_secret_is_not_published(api: Api, ada: str) -> None:
    device = await Device.log_in(api, ada)

    response = await api.http.get(JWKS)

    assert jwt.get_unverified_header(device.access)["alg"] == "HS256"
    assert response.json() == {"keys": []}


async def test_earlier_secret_is_believed_and_signs_nothing(
    settings: Settings, clock: ManualClock, ada: str
) -> None:
    async with serving(settings, clock) as api:
        earlier = await Device.log_in(api, ada)
    assert settings.secret is not None
    rotated = settings.model_copy(
        update={
            "secret": SecretStr("another secret that is long enough for HS256"),
            "previous_secrets": settings.secret,
        }
    )

    async with serving(rotated, clock) as api:
        later = await Device.log_in(api, ada)
        assert [await is_taken(api, device.access) for device in (earlier, later)] == [True, True]
        await renewed(api, earlier.refresh)
    async with serving(rotated.model_copy(update={"previous_secrets": None}), clock) as api:
        assert [await is_taken(api, device.access) for device in (earlier, later)] == [False, True]


async def test_a_key_pair_takes_over_from_a_secret_and_nobody_is_logged_out(
    settings: Settings, clock: ManualClock, tmp_path: Path, ada: str
) -> None:
    async with serving(settings, clock) as api:
        device = await Device.log_in(api, ada)
    pair = settings.model_copy(
        update={"signing_key_file": write_private(tmp_path / "key.pem", new_key("ES256")), "secret": None}
    )

    async with serving(pair.model_copy(update={"previous_secrets": settings.secret}), clock) as api:
        assert await is_taken(api, device.access)
        access, _ = await renewed(api, device.refresh)
        assert jwt.get_unverified_header(access)["alg"] == "ES256"
    async with serving(pair, clock) as api:
        assert [await is_taken(api, each) for each in (access, device.access)] == [True, False]


async def test_rotation_with_overlap(
    settings: Settings, clock: ManualClock, tmp_path: Path, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next key is published, then signs while the last is believed, then the last is dropped: no restart."""
    monkeypatch.setattr(main, "_KEY_FILES_SECONDS", 0.02)
    first, second = new_key("ES256"), new_key("RS256")
    signing, other = write_private(tmp_path / "signing.pem", first), write_public(tmp_path / "other.pem", second)
    named = settings.model_copy(update={"signing_key_file": signing, "verifying_key_files": str(other)})

    async with serving(named, clock) as api:
        old = await Device.log_in(api, ada)
        before = await published(api)

        write_private(signing, second)
        write_public(other, first)
        await eventually(lambda: _first_kid_is(api, before[1]["kid"]))
        new = await Device.log_in(api, ada)
        during = await published(api)
        assert jwt.get_unverified_header(new.access)["alg"] == "RS256"
        assert [await is_taken(api, device.access) for device in (old, new)] == [True, True]
        assert [verified(device.access, during)["email"] for device in (old, new)] == [ada, ada]

        write_public(other, second)
        await eventually(lambda: _kids_are(api, {before[1]["kid"]}))
        assert [await is_taken(api, device.access) for device in (old, new)] == [False, True]

    assert {key["kid"] for key in before} == {key["kid"] for key in during}


async def test_unusable_key_file_changes_nothing(
    settings: Settings, clock: ManualClock, tmp_path: Path, ada: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "_KEY_FILES_SECONDS", 0.02)
    file = write_private(tmp_path / "key.pem", new_key("ES256"))
    async with serving(settings.model_copy(update={"signing_key_file": file}), clock) as api:
        device = await Device.log_in(api, ada)
        before = await published(api)

        weak = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose
        for spoil in (
            lambda: file.write_bytes(b""),
            lambda: file.write_bytes(b"-----BEGIN PRIVATE KEY-----\nhalf"),
            lambda: write_public(file, new_key("ES256")),
            lambda: write_private(file, weak),
            file.unlink,
            file.mkdir,
        ):
            spoil()
            await asyncio.sleep(0.08)
            assert await published(api) == before
            assert await is_taken(api, device.access)

        file.rmdir()
        write_private(file, new_key("RS256"))
        await eventually(lambda: _is_another(api, before))


async def _first_kid_is(api: Api, kid: str) -> bool:
    return (await published(api))[0]["kid"] == kid


async def _kids_are(api: Api, kids: set[str]) -> bool:
    return {key["kid"] for key in await published(api)} == kids


async def _is_another(api: Api, keys: list[dict[str, str]]) -> bool:
    return await published(api) != keys


def by_hangup(server: Server) -> None:
    server.process.send_signal(signal.SIGHUP)


def by_itself(_: Server) -> None:
    """The server looks at its files every two seconds."""


@pytest.mark.parametrize("reload", [by_hangup, by_itself])
async def test_real_process_changes_keys_while_requests_run(
    database_url: str, tmp_path: Path, ada: str, reload: Callable[[Server], None]
) -> None:
    first, second = new_key("ES256"), new_key("ES256")
    signing, other = write_private(tmp_path / "signing.pem", first), write_public(tmp_path / "other.pem", second)
    with Server(tmp_path, database_url, signing_key_file=signing, verifying_key_files=other) as server:
        await server.ready()
        async with server.api() as api:
            device = await Device.log_in(api, ada)
            kid, answers, done = jwt.get_unverified_header(device.access)["kid"], 0, asyncio.Event()

            async def call() -> None:
                nonlocal answers
                while not done.is_set():
                    assert await is_taken(api, device.access)
                    answers += 1

            async def renew() -> None:
                nonlocal answers
                while not done.is_set():
                    await device.renew()
                    answers += 1

            requests = [asyncio.create_task(work()) for work in (call, call, call, renew)]
            write_public(other, first)
            write_private(signing, second)
            reload(server)
            await eventually(lambda: _signs_with_another(device, kid), seconds=10)
            after = answers
            await asyncio.sleep(0.2)
            done.set()
            await asyncio.gather(*requests)

            assert answers > after > 0
            # Tokens of both keys are among those that were taken.
            assert await is_taken(api, device.access)
        assert server.end() in (0, -signal.SIGTERM)


async def _signs_with_another(device: Device, kid: str) -> bool:
    return bool(jwt.get_unverified_header(device.access)["kid"] != kid)


async def test_hangup_ends_no_process_that_has_a_secret(database_url: str, tmp_path: Path, ada: str) -> None:
    """The default of SIGHUP is death; who sends it to all servers alike must not kill those without key files."""
    secret = "a secret of the tests that is long enough"
    with Server(tmp_path, database_url, secret=secret) as server:
        await server.ready()
        async with server.api() as api:
            device = await Device.log_in(api, ada)

            server.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.3)

            assert server.process.poll() is None
            assert await is_taken(api, device.access)


PRODUCTION = {"SHARES_MODE": "production", "SHARES_SECRET": "s" * 32, "SHARES_PEPPER": "p" * 32}


def test_production_starts_with_a_secret_and_a_pepper() -> None:
    settings = Settings.from_environment(PRODUCTION)

    assert not settings.is_development
    assert "ssss" not in repr(settings)
    assert "pppp" not in repr(settings)


def test_production_starts_with_a_key_file_instead_of_a_secret() -> None:
    given = {**PRODUCTION, "SHARES_SECRET": "", "SHARES_SIGNING_KEY_FILE": "key.pem"}

    assert Settings.from_environment(given).signing_key_file == Path("key.pem")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"SHARES_SECRET": ""}, "SHARES_SECRET or SHARES_SIGNING_KEY_FILE is required in production"),
        ({"SHARES_PEPPER": ""}, "SHARES_PEPPER is required in production"),
        ({"SHARES_SECRET": "s" * 31}, "SHARES_SECRET needs at least 32 characters"),
        ({"SHARES_PEPPER": "p" * 31}, "SHARES_PEPPER needs at least 32 characters"),
        ({"SHARES_PASSWORD_HASHING": "cheap"}, "SHARES_PASSWORD_HASHING cannot be cheap in production"),
    ],
)
def test_production_refuses_weak_secrets(change: dict[str, str], why: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment({**PRODUCTION, **change})

    assert str(refused.value) == why


def test_short_earlier_secret_is_refused() -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment({**PRODUCTION, "SHARES_PREVIOUS_SECRETS": f"{'q' * 32},{'r' * 31}"})

    assert str(refused.value) == "SHARES_PREVIOUS_SECRETS need at least 32 characters each"


def test_encryption_key_is_64_hexadecimal_digits() -> None:
    settings = Settings.from_environment({**PRODUCTION, "SHARES_TOKEN_ENCRYPTION_KEY": "0123456789abCDEF" * 4})

    key = settings.token_encryption_key
    assert key is not None
    assert key.get_secret_value() == "0123456789abCDEF" * 4
    assert "0123" not in repr(settings)


@pytest.mark.parametrize("encryption_key", ["00", "0" * 63, "0" * 65, "z" * 64, "0" * 64 + "\n"])
def test_encryption_key_of_another_length_is_refused_and_not_repeated(encryption_key: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment({**PRODUCTION, "SHARES_TOKEN_ENCRYPTION_KEY": encryption_key})

    assert str(refused.value).startswith("SHARES_TOKEN_ENCRYPTION_KEY: ")
    assert encryption_key not in str(refused.value)


@pytest.mark.parametrize("missing", ["SHARES_SECRET", "SHARES_PEPPER"])
def test_production_process_ends_at_once_without_its_secrets(tmp_path: Path, missing: str) -> None:
    given = {
        "mode": "production",
        "password_hashing": "owasp",
        "secret": "s" * 32,
        "pepper": "p" * 32,
        missing.removeprefix("SHARES_").lower(): None,
    }
    with Server(tmp_path, f"sqlite:///{tmp_path}/none.sqlite", **given) as server:
        status = server.process.wait(timeout=20)

    assert status == 1
    assert missing in server.log.read_text()
    assert not (tmp_path / "development.key").exists()
    assert not (tmp_path / "none.sqlite").exists()


async def test_development_keeps_the_secret_that_it_made(
    settings: Settings, clock: ManualClock, tmp_path: Path, ada: str
) -> None:
    own = settings.model_copy(update={"secret": None})
    async with serving(own, clock) as api:
        device = await Device.log_in(api, ada)
    async with serving(own, clock) as api:
        assert await is_taken(api, device.access)

    assert (tmp_path / "development.key").stat().st_mode & 0o777 == 0o600
