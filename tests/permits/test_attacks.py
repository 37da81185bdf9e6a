"""Attacks on access tokens at the door: each is refused alike, runs no statement, and hinders no log-in.

Forgeries are made by hand from a token that the server gave, with the server's own key, so that only what the
attack is about is wrong with them; `test_forgery_without_a_fault_is_taken` shows that. Only the door is asked
here, and it opens no database: SQLite stands for both.
"""

import base64
import hmac
import json
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr
from starlette.applications import Starlette

from app.database import Database
from app.main import create_app
from app.settings import Settings
from tests.callers import Answer, Api, Callers
from tests.counting import Statements
from tests.factories import NOON, PASSWORD, ManualClock, make_trader
from tests.permits.devices import LOG_IN, LOG_OUT, RENEW, VERSION, Device, is_taken

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("template", ["sqlite"], indirect=True)]

ADA = "ada@example.com"
ME = "{ me { email } }"
ENCRYPTION_KEY = b"exactly thirty-two bytes of key."

Refused = Callable[..., Awaitable[None]]


def encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


class Forger:
    """Takes a token of the server apart and puts others together, with the server's secret or without."""

    def __init__(self, token: str, secret: bytes) -> None:
        header, payload, _ = token.split(".")
        self.token = token
        self.header: dict[str, Any] = json.loads(decode(header))
        self.claims: dict[str, Any] = json.loads(decode(payload))
        self.secret = secret

    def sign(self, header: object = None, claims: object = None, *, key: bytes | None = None) -> str:
        """Sign any header and claims; bytes are taken as they are."""
        parts = [self.header if header is None else header, self.claims if claims is None else claims]
        signed = ".".join(encode(part if isinstance(part, bytes) else compact(part)) for part in parts)
        return f"{signed}.{encode(hmac.digest(key or self.secret, signed.encode(), 'sha256'))}"

    def with_header(self, **changes: object) -> str:
        return self.sign(header={**self.header, **changes})

    def with_claims(self, **changes: object) -> str:
        return self.sign(claims={**self.claims, **changes})

    def without(self, claim: str) -> str:
        return self.sign(claims={name: value for name, value in self.claims.items() if name != claim})


@pytest.fixture
async def device(api: Api, app_database: Database) -> Device:
    await make_trader(app_database, email=ADA)
    return await Device.log_in(api, ADA)


@pytest.fixture
def forger(device: Device, settings: Settings) -> Forger:
    assert settings.secret is not None
    return Forger(device.access, settings.secret.get_secret_value().encode())


@pytest.fixture
def refused(api: Api, statements: Statements, device: Device) -> Refused:
    """Holds what the door does with Authorization headers against what it must do."""

    async def check(*values: str | bytes, code: str = "UNAUTHENTICATED") -> None:
        await assert_refused(api, statements, *values, code=code)

    return check


async def assert_refused(api: Api, statements: Statements, *values: str | bytes, code: str) -> None:
    statements.clear()
    # One query that needs the caller, one that is open to anyone, and a mutation: none of them begins.
    for document in (ME, VERSION, 'mutation { shareDelete(input: {id: "1"}) { errors { code } } }'):
        _assert_refusal(await send(api, *values, document=document), code)
    _assert_refusal(await send(api, *values, document=VERSION, method="GET"), code)
    assert statements == []

    answer = await send(api, *values, document=LOG_IN, variables={"input": {"email": ADA, "password": PASSWORD}})
    assert (answer.status, answer.data["permitLogIn"]["errors"]) == (200, [])


def _assert_refusal(answer: Answer, code: str) -> None:
    (error,) = answer.errors
    assert answer.status == 401
    assert answer.body == {"errors": [{"message": error["message"], "extensions": {"code": code}}]}
    assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'
    assert answer.headers.get("Token-Expired") == ("true" if code == "TOKEN_EXPIRED" else None)
    assert answer.headers["Cache-Control"] == "no-store"


async def send(
    api: Api, *authorizations: str | bytes, document: str, variables: Any = None, method: str = "POST"
) -> Answer:
    """Send a request with any Authorization headers."""
    headers = [
        (b"Authorization", value.encode("latin-1") if isinstance(value, str) else value)
        for value in authorizations
    ]
    body: dict[str, Any] = (
        {"query": document} if variables is None else {"query": document, "variables": variables}
    )
    if method == "GET":
        response = await api.http.get("/graphql", params=body, headers=httpx.Headers(headers))
    else:
        response = await api.http.post("/graphql", json=body, headers=httpx.Headers(headers))
    return Answer(response.status_code, response.headers, response.json())


# What is good.


async def test_forgery_without_a_fault_is_taken(api: Api, forger: Forger) -> None:
    assert await is_taken(api, forger.sign())
    assert await is_taken(api, forger.with_claims(given_name="Grace"))


async def test_scheme_is_taken_in_any_case(api: Api, device: Device) -> None:
    """RFC 9110 section 11.1: the scheme is compared without regard to case."""
    for scheme in ("Bearer", "bearer", "BEARER", "bEaReR"):
        answer = await send(api, f"{scheme} {device.access}", document=ME)

        assert (answer.status, answer.body) == (200, {"data": {"me": {"email": ADA}}})


async def test_stale_token_hinders_no_renewal_and_no_log_out(api: Api, device: Device, clock: ManualClock) -> None:
    stale = f"Bearer {device.access}"
    clock.turn(minutes=15)

    renewal = await send(api, stale, document=RENEW, variables={"input": {"refreshToken": device.refresh}})
    farewell = await send(
        api,
        stale,
        document=LOG_OUT,
        variables={"input": {"refreshToken": renewal.data["permitRenew"]["tokens"]["refreshToken"]}},
    )

    assert (renewal.status, renewal.data["permitRenew"]["errors"]) == (200, [])
    assert (farewell.status, farewell.data) == (200, {"permitLogOut": {"revokedCount": 1, "errors": []}})


async def test_stale_token_opens_nothing_beside_the_log_in(
    api: Api, device: Device, clock: ManualClock, statements: Statements
) -> None:
    """A field that needs the token cannot ride on one that does without, by name, alias or fragment."""
    clock.turn(minutes=15)
    statements.clear()
    log_in = f'permitLogIn(input: {{email: "{ADA}", password: "{PASSWORD}"}}) {{ errors {{ code }} }}'
    delete = 'shareDelete(input: {id: "1"}) { errors { code } }'

    for document in (
        f"mutation {{ {log_in} {delete} }}",
        f"mutation {{ permitLogOut: {delete} }}",
        f"mutation {{ {log_in} ... {{ {delete} }} }}",
        f"mutation {{ {log_in} ...More }} fragment More on Mutation {{ {delete} }}",
        f"mutation A {{ {log_in} }} mutation B {{ {delete} }}",
        "query { me { email } permitLogIn: __typename }",
    ):
        answer = await send(api, f"Bearer {device.access}", document=document)
        # A document error is 200 where the client takes application/json alone (GraphQL over HTTP, section 6.4.1).
        assert answer.status in (200, 400, 401)
        assert answer.body.get("errors")
        assert "data" not in answer.body

    assert statements == []


# Signatures and algorithms.


async def test_alg_none(refused: Refused, forger: Forger) -> None:
    """RFC 8725 sections 2.1 and 3.1; CVE-2015-9235; python-jose issue 391."""
    _, payload, signature = forger.token.split(".")

    for algorithm in ("none", "None", "NONE", "nOnE", "", None):
        head = encode(compact({**forger.header, "alg": algorithm}))
        await refused(f"Bearer {head}.{payload}.")
        await refused(f"Bearer {head}.{payload}.{signature}")


async def test_another_hash_under_the_same_secret(refused: Refused, forger: Forger) -> None:
    """RFC 8725 section 3.1: a key serves one algorithm."""
    for algorithm in ("HS384", "HS512"):
        signed = f"{encode(compact({**forger.header, 'alg': algorithm}))}.{forger.token.split('.')[1]}"
        signature = hmac.digest(forger.secret, signed.encode(), algorithm.replace("HS", "sha"))
        await refused(f"Bearer {signed}.{encode(signature)}")


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_public_key_as_hmac_secret(
    settings: Settings, clock: ManualClock, tmp_path: Path, algorithm: str
) -> None:
    """RFC 8725 section 2.1; CVE-2016-10555, CVE-2022-29217, CVE-2024-33663; python-jose issue 419."""
    key = (
        rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
    )
    file = tmp_path / "key.pem"
    file.write_bytes(_private_pem(key))
    app = create_app(settings.model_copy(update={"signing_key_file": file}), clock=clock)
    async with app.router.lifespan_context(app), Api(app) as api:
        await make_trader(app.state.services.database, email=ADA)
        device = await Device.log_in(api, ADA)
        (published,) = (await api.http.get("/.well-known/jwks.json")).json()["keys"]
        spki = serialization.PublicFormat.SubjectPublicKeyInfo
        pem = key.public_key().public_bytes(serialization.Encoding.PEM, spki)
        der = key.public_key().public_bytes(serialization.Encoding.DER, spki)

        with Statements(app.state.services.database) as statements:
            for public in (pem, pem.strip(), der, json.dumps(published).encode()):
                forger = Forger(device.access, public)
                assert forger.header["alg"] == algorithm
                for each in (algorithm, "HS256"):
                    forgery = f"Bearer {forger.with_header(alg=each)}"
                    await assert_refused(api, statements, forgery, code="UNAUTHENTICATED")
        assert await is_taken(api, device.access)


async def test_zero_signature(settings: Settings, clock: ManualClock, tmp_path: Path) -> None:
    """CVE-2022-21449: ECDSA with R and S of zero was believed by a well-known library."""
    file = tmp_path / "key.pem"
    file.write_bytes(_private_pem(ec.generate_private_key(ec.SECP256R1())))
    app = create_app(settings.model_copy(update={"signing_key_file": file}), clock=clock)
    async with app.router.lifespan_context(app), Api(app) as api:
        await make_trader(app.state.services.database, email=ADA)
        signed = (await Device.log_in(api, ADA)).access.rpartition(".")[0]

        with Statements(app.state.services.database) as statements:
            forgery = f"Bearer {signed}.{encode(bytes(64))}"
            await assert_refused(api, statements, forgery, code="UNAUTHENTICATED")


async def test_another_secret(refused: Refused, forger: Forger) -> None:
    """RFC 7515 section 5.2."""
    await refused(f"Bearer {forger.sign(key=b'another secret of the tests that is long enough')}")


async def test_shortened_signature(refused: Refused, forger: Forger) -> None:
    """CVE-2020-28042: an empty signature was compared up to its own length."""
    for kept in [0, 1, 31]:
        signed, _, signature = forger.token.rpartition(".")

        await refused(f"Bearer {signed}.{encode(decode(signature)[:kept])}")


# The header.


async def test_kid_tricks(refused: Refused, forger: Forger) -> None:
    """RFC 8725 section 3.10: a kid is never a path, a command, an address or a query, nor chooses an empty key."""
    for kid in [
        "unknown",
        "",
        "../../../../dev/null",
        "/proc/sys/kernel/randomize_va_space",
        "' UNION SELECT 'secret",
        "|sleep 5",
        "https://attacker.example.com/jwks.json",
        ["kid"],
        None,
        0,
    ]:
        await refused(f"Bearer {forger.with_header(kid=kid)}")
        await refused(f"Bearer {forger.sign(header={**forger.header, 'kid': kid}, key=bytes(1))}")


async def test_header_that_brings_its_own_key(refused: Refused, forger: Forger) -> None:
    """RFC 8725 section 3.10, RFC 7515 section 4.1.11; CVE-2018-0114."""
    for name in ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "cty"]:
        brought: dict[str, object] = {
            "jwk": {"kty": "oct", "k": encode(b"k" * 32)},
            "x5c": [encode(b"certificate")],
            "crit": ["exp"],
            "b64": False,
            "zip": "DEF",
            "cty": "JWT",
        }
        await refused(f"Bearer {forger.with_header(**{name: brought.get(name, 'https://attacker.example.com/')})}")


async def test_another_typ(refused: Refused, forger: Forger) -> None:
    """RFC 9068 section 4, RFC 8725 section 3.11."""
    for kind in ["JWT", "rt+jwt", "AT+JWT", "application/at+jwt", "", None]:
        await refused(f"Bearer {forger.with_header(typ=kind)}")


async def test_re_encoded_header(refused: Refused, forger: Forger) -> None:
    """RFC 8725 section 3.2: the same header in another spelling, signed or not, is none of ours."""
    _, payload, signature = forger.token.split(".")

    for spelling in (
        json.dumps(forger.header).encode(),
        compact(dict(reversed(forger.header.items()))).replace(b'"alg"', b'"\\u0061lg"'),
        compact(forger.header) + b" ",
        b"\xef\xbb\xbf" + compact(forger.header),
        compact(forger.header).replace(b"{", b'{"alg":"none",', 1),
    ):
        await refused(f"Bearer {encode(spelling)}.{payload}.{signature}")
        await refused(f"Bearer {forger.sign(header=spelling)}")


async def test_header_that_is_no_header(refused: Refused, forger: Forger) -> None:
    """RFC 7515 section 5.2; a thousand brackets are a RecursionError to python-jose 3.5.0."""
    for header in [b"[" * 1_000, b"null", b"[]", b'"text"', b"", b"\xff\xfe", b"{}"]:
        await refused(f"Bearer {forger.sign(header=header)}")


# The claims.


async def test_expired(refused: Refused, device: Device, clock: ManualClock) -> None:
    """RFC 7519 section 4.1.4, RFC 6750 section 3.1: at exp, not after it, and said as such."""
    clock.turn(minutes=15)

    await refused(f"Bearer {device.access}", code="TOKEN_EXPIRED")


async def test_expired_is_said_only_of_a_token_of_ours(
    refused: Refused, forger: Forger, clock: ManualClock
) -> None:
    """RFC 8725 section 3.3: nothing is told of a token whose signature is wrong."""
    clock.turn(minutes=15)

    await refused(f"Bearer {forger.sign(key=b'another secret of the tests that is long enough')}")


async def test_not_yet_valid(refused: Refused, forger: Forger) -> None:
    """RFC 7519 section 4.1.5; zero clock skew is the default."""
    now = int(NOON.timestamp())

    await refused(f"Bearer {forger.with_claims(nbf=now + 1)}")
    await refused(f"Bearer {forger.with_claims(iat=now + 60, nbf=now + 60, exp=now + 900)}")


async def test_longer_life_than_is_given(refused: Refused, forger: Forger) -> None:
    """RFC 8725 section 3.12: lifetimes are capped, whoever signed."""
    await refused(f"Bearer {forger.with_claims(exp=forger.claims['exp'] + 1)}")


async def test_moment_that_is_none(refused: Refused, forger: Forger) -> None:
    """RFC 7519 section 2, NumericDate; TypeError and OverflowError in python-jose 3.5.0."""
    values: list[object] = [None, "1", 1.5, True, [], 2**63, -1, 1e308]
    for claim in ["exp", "iat", "nbf"]:
        for value in values:
            await refused(f"Bearer {forger.with_claims(**{claim: value})}")


async def test_wrong_issuer_or_audience(refused: Refused, forger: Forger) -> None:
    """RFC 8725 sections 3.8 and 3.9."""
    for value in ["another-issuer", "", None, ["share-price-viewer"], "share-price-viewer "]:
        for claim in ["iss", "aud"]:
            await refused(f"Bearer {forger.with_claims(**{claim: value})}")


CLAIMS = ("iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "token_use")
PERSONAL = ("email", "given_name", "family_name", "jwt.datej", "roles")


async def test_claims_are_those_of_the_contract(forger: Forger) -> None:
    assert set(forger.claims) == {*CLAIMS, *PERSONAL}


async def test_missing_claim(refused: Refused, forger: Forger) -> None:
    """RFC 9068 section 2.2; python-jose 3.5.0 takes tokens without exp, sub or even the aud asked for."""
    for claim in [*CLAIMS, *PERSONAL]:
        await refused(f"Bearer {forger.without(claim)}")
    for claim in {*CLAIMS, *PERSONAL} - {"jwt.datej"}:
        await refused(f"Bearer {forger.with_claims(**{claim: None})}")


async def test_additional_and_duplicate_claim(refused: Refused, forger: Forger) -> None:
    """RFC 7519 section 4: the last of two equal names wins in python."""
    twice = compact(forger.claims).replace(b"{", b'{"roles":["administrator"],', 1)

    await refused(f"Bearer {forger.with_claims(admin=True)}")
    await refused(f"Bearer {forger.sign(claims=twice)}")


async def test_malformed_or_future_joining_date(refused: Refused, forger: Forger) -> None:
    """The claim decides what a trader may do: issue 3, and mission.md's list of what the original got wrong."""
    for joined in ["2026-06-16", "9999-12-31", "2026-6-1", "15/06/2020", "2020-02-30", 20200101, ""]:
        await refused(f"Bearer {forger.with_claims(**{'jwt.datej': joined})}")


async def test_claim_that_is_no_text_or_not_ours(refused: Refused, api: Api, forger: Forger) -> None:
    """RFC 7519 section 4.1, RFC 8259 section 8.2: strings are strings, ids are ASCII, surrogates are none."""
    for claim in ["sub", "sid", "jti", "roles", "token_use", "email"]:
        for value in [7, 1.5, True, {"a": 1}, [["x"]], "\ud800", "ශ්‍රී\u202e"]:
            if claim == "email" and value == "ශ්‍රී\u202e":
                # People's names and addresses may be of any script.
                assert await is_taken(api, forger.with_claims(email=value))
                continue
            await refused(f"Bearer {forger.with_claims(**{claim: value})}")


async def test_refresh_token_as_access_token(refused: Refused, device: Device, forger: Forger) -> None:
    """RFC 8725 section 3.11; mission.md, what the original got wrong: refresh token accepted as access token."""
    await refused(f"Bearer {device.refresh}")
    # Nor by its other half: claims of the one kind under the header of the other.
    refresh = Forger(device.refresh, forger.secret)
    await refused(f"Bearer {forger.sign(claims=refresh.claims)}")
    await refused(f"Bearer {refresh.sign(claims=forger.claims)}")
    await refused(f"Bearer {forger.with_claims(token_use='refresh')}")


async def test_access_token_as_refresh_token(api: Api, device: Device, forger: Forger) -> None:
    """RFC 8725 section 3.11, the other way round."""
    refresh = Forger(device.refresh, forger.secret)
    for token in (
        device.access,
        refresh.sign(claims=forger.claims),
        forger.sign(claims=refresh.claims),
        refresh.with_claims(token_use="access"),
        refresh.with_claims(jti="x" * 43),
    ):
        for document, field in ((RENEW, "permitRenew"), (LOG_OUT, "permitLogOut")):
            answer = await api(document, {"input": {"refreshToken": token}})
            assert answer.status == 200
            assert [error["code"] for error in answer.data[field]["errors"]] == ["INVALID_PERMIT"]

    await device.renew()


async def test_refresh_token_under_another_permit(api: Api, device: Device, forger: Forger) -> None:
    """RFC 9700 section 4.14.2: a refresh token is bound to its permit."""
    other = await Device.log_in(api, ADA)
    refresh = Forger(device.refresh, forger.secret)

    answer = await api(RENEW, {"input": {"refreshToken": refresh.with_claims(sid=other.permit_id)}})

    assert [error["code"] for error in answer.data["permitRenew"]["errors"]] == ["INVALID_PERMIT"]
    await other.renew()
    await device.renew()


async def test_tampered_payload(refused: Refused, forger: Forger) -> None:
    """RFC 7515 section 5.2: one role more, another trader, a later end, and every single character changed."""
    header, payload, signature = forger.token.split(".")

    for changes in ({"roles": ["administrator"]}, {"sub": "2"}, {"exp": forger.claims["exp"] + 1}):
        await refused(f"Bearer {header}.{encode(compact({**forger.claims, **changes}))}.{signature}")
    for place in range(0, len(forger.token), 37):
        changed = "A" if forger.token[place] != "A" else "B"
        await refused(f"Bearer {forger.token[:place]}{changed}{forger.token[place + 1 :]}")
    await refused(f"Bearer {header}.{payload}=.{signature}", f"Bearer {header}.{payload}.{signature}=")


async def test_other_spelling_of_the_signature(refused: Refused, forger: Forger) -> None:
    """RFC 4648 section 3.5: unused last bits and padding of base64url are no second spelling."""
    signed, _, signature = forger.token.rpartition(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    # 43 characters for 32 bytes leave two bits over.
    twin = alphabet[alphabet.index(signature[-1]) ^ 1]

    assert decode(signature[:-1] + twin) == decode(signature)
    await refused(f"Bearer {signed}.{signature[:-1]}{twin}")
    await refused(f"Bearer {forger.token}=")


async def test_token_of_another_shape(refused: Refused) -> None:
    """RFC 7515 section 7.1."""
    for parts in ["", ".", "..", "...", "a", "a.b", "a.b.c", "a.b.c.d", "a.b.c.d.e", "." * 5_000]:
        await refused(f"Bearer {parts}")


# The HTTP header.


async def test_two_authorization_headers(refused: Refused, device: Device) -> None:
    """RFC 9110 section 5.3: a field that is not a list comes once; which of two counts is anybody's guess."""
    await refused(f"Bearer {device.access}", f"Bearer {device.access}")
    await refused(f"Bearer {device.access}", "Bearer x")
    await refused("", f"Bearer {device.access}")
    await refused(f"Bearer {device.access}", "Basic YTpi")


async def test_two_tokens_in_one_header(refused: Refused, device: Device) -> None:
    """RFC 6750 section 2.1: one token68."""
    for between in [", ", ",", " ", ", Bearer ", "; ", "\t", "  "]:
        await refused(f"Bearer {device.access}{between}{device.access}")


async def test_other_schemes_and_forms(refused: Refused, device: Device) -> None:
    """RFC 6750 section 2.1: the scheme, one space, the token."""
    for form in [
        "Basic {}",
        "Digest {}",
        "DPoP {}",
        "Token {}",
        "JWT {}",
        "{}",
        "Bearer{}",
        "Bearer  {}",
        "Bearer\t{}",
        "Bearer: {}",
        'Bearer "{}"',
        "Bearer token={}",
        "Bearer",
        "",
    ]:
        await refused(form.format(device.access))


async def test_what_is_not_ascii(refused: Refused) -> None:
    """RFC 9110 section 5.5; digits and letters of other scripts are neither to base64url."""
    for value in [
        "Bearer ශ්‍රී.ලංකා.ව".encode(),
        b"Bearer \xff\xfe\xfd",
        "Bearer \u0660".encode(),
        "Bearer é".encode("latin-1"),
        "\uff22earer x".encode(),
        b"Bearer \x00",
    ]:
        await refused(value)


async def test_oversize(refused: Refused, forger: Forger) -> None:
    """RFC 8725 section 3.4: what is too large is refused before it is looked at, well signed as it may be."""
    await refused(f"Bearer {forger.with_claims(given_name='n' * 8_192)}")
    await refused(f"Bearer {'A' * 60_000}")


async def test_token_elsewhere_is_not_looked_at(api: Api, device: Device) -> None:
    """RFC 6750 sections 2.2, 2.3 and 5.3: not in the query, where logs and referrers keep it, nor in a cookie."""
    in_query = await api.http.get("/graphql", params={"query": ME, "access_token": device.access})
    in_cookie = await api.http.post(
        "/graphql", json={"query": ME}, headers={"Cookie": f"access_token={device.access}"}
    )
    in_body = await api.http.post("/graphql", json={"query": ME, "access_token": device.access})

    for response in (in_query, in_cookie, in_body):
        assert response.json() == {"data": {"me": None}}


# Whose token it is.


async def test_token_of_a_deleted_trader(
    api: Api, app: Starlette, app_database: Database, device: Device, callers: Callers, statements: Statements
) -> None:
    """OWASP ASVS 5.0, 7.4.2: the sessions of an account end when it does."""
    sub = int(Forger(device.access, b"").claims["sub"])
    administrator = callers.access(trader_id=sub + 1, roles=frozenset({"administrator"}))

    deleted = await api(
        "mutation ($id: ID!) { traderDelete(input: {id: $id}) { errors { code } } }",
        {"id": str(sub)},
        token=administrator,
    )

    assert deleted.data == {"traderDelete": {"errors": []}}
    # Somebody else may have the address now; the token stays of no use.
    await make_trader(app_database, email=ADA)
    await assert_refused(api, statements, f"Bearer {device.access}", code="UNAUTHENTICATED")


async def test_id_of_a_deleted_trader_is_never_given_again(
    api: Api, app_database: Database, callers: Callers
) -> None:
    """RFC 7519 section 4.1.2: sub is never reassigned, or a token and the audit trail would mean somebody else."""
    trader = await make_trader(app_database, email=ADA)
    administrator = callers.access(trader_id=trader.id + 1, roles=frozenset({"administrator"}))

    await api(
        "mutation ($id: ID!) { traderDelete(input: {id: $id}) { errors { code } } }",
        {"id": str(trader.id)},
        token=administrator,
    )

    assert (await make_trader(app_database, email=ADA)).id > trader.id


async def test_token_of_a_locked_trader(
    api: Api, device: Device, clock: ManualClock, statements: Statements
) -> None:
    """Issue 3, attacks: who is locked out neither goes on with an old token nor renews."""
    clock.turn(seconds=1)
    for _ in range(5):
        await api(LOG_IN, {"input": {"email": ADA, "password": "wrong"}})

    statements.clear()
    for document in (ME, VERSION):
        _assert_refusal(await send(api, f"Bearer {device.access}", document=document), "TOKEN_EXPIRED")
    assert statements == []
    answer = await api(RENEW, {"input": {"refreshToken": device.refresh}})
    assert [error["code"] for error in answer.data["permitRenew"]["errors"]] == ["TOO_MANY_ATTEMPTS"]

    clock.turn(minutes=30)
    await device.renew()
    assert await is_taken(api, device.access)


# Encryption.


class Watched(Api):
    """A client of an application whose statements are counted."""

    def __init__(self, app: Starlette, statements: Statements) -> None:
        super().__init__(app)
        self.statements = statements


@pytest.fixture
async def encrypting(settings: Settings, clock: ManualClock) -> AsyncIterator[Watched]:
    """An application that encrypts access tokens."""
    key = SecretStr(ENCRYPTION_KEY.hex())
    app = create_app(settings.model_copy(update={"token_encryption_key": key}), clock=clock)
    async with app.router.lifespan_context(app):
        await make_trader(app.state.services.database, email=ADA)
        with Statements(app.state.services.database) as statements:
            async with Watched(app, statements) as api:
                yield api


def seal(
    token: str, header: dict[str, object], *, squeeze: Callable[[bytes], bytes] = bytes, encrypted_key: bytes = b""
) -> str:
    head, nonce = encode(compact(header)), b"twelve bytes"
    sealed = AESGCM(ENCRYPTION_KEY).encrypt(nonce, squeeze(token.encode()), head.encode())
    return ".".join((head, *map(encode, (encrypted_key, nonce, sealed[:-16], sealed[-16:]))))


async def test_encrypted_token_works_and_hides_the_person(encrypting: Watched) -> None:
    device = await Device.log_in(encrypting, ADA)

    answer = await encrypting(ME, token=device.access)

    assert answer.body == {"data": {"me": {"email": ADA}}}
    assert device.access.count(".") == 4
    assert not any(ADA.encode() in decode(part) for part in device.access.split("."))
    await device.renew()
    assert await is_taken(encrypting, device.access)


async def test_sealed_forgery_without_a_fault_is_taken(encrypting: Watched, api: Api, callers: Callers) -> None:
    header = json.loads(decode((await Device.log_in(encrypting, ADA)).access.split(".")[0]))

    assert await is_taken(encrypting, seal(callers.newcomer, header))


async def test_plain_token_where_tokens_are_encrypted(encrypting: Watched, callers: Callers) -> None:
    """RFC 8725 section 3.2: a token that is signed only is refused, or encryption could be left out."""
    assert callers.newcomer.count(".") == 2

    await assert_refused(encrypting, encrypting.statements, f"Bearer {callers.newcomer}", code="UNAUTHENTICATED")


async def test_encrypted_token_where_tokens_are_not(encrypting: Watched, api: Api, statements: Statements) -> None:
    """RFC 8725 section 3.2."""
    access = (await Device.log_in(encrypting, ADA)).access

    await assert_refused(api, statements, f"Bearer {access}", code="UNAUTHENTICATED")


async def test_spoilt_encryption(encrypting: Watched, callers: Callers, clock: ManualClock) -> None:
    """RFC 7516 sections 4.1 and 11.5, RFC 7518 section 4.5; CVE-2016-6298, CVE-2024-33664."""
    good = (await Device.log_in(encrypting, ADA)).access
    header = json.loads(decode(good.split(".")[0]))
    head, key, nonce, ciphertext, tag = good.split(".")
    token = callers.newcomer

    def bomb(plain: bytes) -> bytes:
        return _deflate(plain + b" " * 1_000_000)

    for forgery in (
        seal(token, {**header, "zip": "DEF"}, squeeze=_deflate),
        seal(token, {**header, "zip": "DEF"}, squeeze=bomb),
        seal(token, {**header, "alg": "A256KW"}),
        seal(token, {**header, "alg": "RSA1_5"}),
        seal(token, {**header, "enc": "A128CBC-HS256"}),
        seal(token, {**header, "enc": "A256CBC-HS512"}),
        seal(token, {**header, "kid": "another"}),
        seal(token, header, encrypted_key=b"k" * 32),
        seal("not a token", header),
        seal(callers.refresh(), header),
        seal(seal(token, header), header),
        seal(callers.access(trader_id=1).rpartition(".")[0] + ".", header),
        f"{head}.{key}.{nonce}.{ciphertext}{tag[:2]}.{tag[2:]}",
        f"{head}.{key}.{nonce}.{tag}.{ciphertext}",
        f"{head}.{key}.{nonce}..{tag}",
        f"{head}.{key}.{encode(bytes(12))}.{ciphertext}.{tag}",
        f"{head}.{key}.{nonce}.{ciphertext}.{encode(bytes(16))}",
        f"{head}.{key}.{nonce}.{ciphertext}",
        good + ".",
        "A" * 8_193,
    ):
        await assert_refused(encrypting, encrypting.statements, f"Bearer {forgery}", code="UNAUTHENTICATED")

    clock.turn(minutes=15)
    await assert_refused(encrypting, encrypting.statements, f"Bearer {good}", code="TOKEN_EXPIRED")


def _private_pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _deflate(raw: bytes) -> bytes:
    press = zlib.compressobj(wbits=-15)
    return press.compress(raw) + press.flush()
