"""Secrets are nowhere: not in the schema, not in answers, not in logs, whatever the loggers' levels are."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
    get_introspection_query,
)
from sqlmodel import select

from app import credentials
from app.credentials import PasswordHash, RefreshToken
from app.database import Database
from app.domain import shares
from app.graph.schema import SecuredSchema
from app.main import VERSION
from app.security.codes import hash_token_id
from tests.callers import Api, Callers
from tests.factories import make_share, make_trader

pytestmark = pytest.mark.anyio

SCHEMA = build_schema(SecuredSchema(VERSION).sdl)
TELLING = re.compile(r"password|hash|secret|token|pepper|salt|credential|seal|argon|recovery", re.I)

# Each is given once, to the one device that has just proven whose it is; or it is no secret.
ANSWERED = {
    *("TokenPair.accessToken", "TokenPair.accessTokenExpiresAt"),
    *("TokenPair.refreshToken", "TokenPair.refreshTokenExpiresAt"),
    *("PermitPayload.tokens", "TwoFactorSetupPayload.secret", "TwoFactorPayload.recoveryCodes"),
    "Service.passwordRules",
}
SENT = {"password", "currentPassword", "newPassword", "refreshToken"}


def fields(*kinds: type) -> Iterator[tuple[str, str, str]]:
    """The fields of all types of these kinds but the roots: type, field and description."""
    for type_ in SCHEMA.type_map.values():
        if (
            isinstance(type_, kinds)
            and not type_.name.startswith("__")
            and type_.name not in ("Query", "Mutation")
        ):
            members: Any = type_.values if isinstance(type_, GraphQLEnumType) else getattr(type_, "fields", {})
            yield from ((type_.name, name, member.description or "") for name, member in members.items())


def test_no_field_that_is_answered_has_the_name_of_a_secret() -> None:
    named = {
        f"{type_}.{name}"
        for type_, name, _ in fields(GraphQLObjectType, GraphQLInterfaceType)
        if TELLING.search(name)
    }

    assert named <= ANSWERED


def test_secrets_are_sent_only_where_they_prove_something() -> None:
    named = {(type_, name) for type_, name, _ in fields(GraphQLInputObjectType) if TELLING.search(name)}

    assert {name for _, name in named} <= SENT
    assert {type_ for type_, _ in named if type_.endswith(("Filter", "Order"))} == set()


def test_nothing_can_be_ordered_by_a_secret() -> None:
    orders = {name for type_, name, _ in fields(GraphQLEnumType) if type_.endswith("OrderField")}

    assert {name for name in orders if TELLING.search(name)} == set()


def test_no_description_speaks_of_how_secrets_are_kept() -> None:
    kept = re.compile(r"argon|pepper|salt|sealed|credential|PHC", re.I)
    described = fields(GraphQLObjectType, GraphQLInterfaceType, GraphQLInputObjectType, GraphQLEnumType)

    assert [(type_, name) for type_, name, text in described if kept.search(text)] == []


def test_no_type_stands_for_a_drawer_of_secrets() -> None:
    drawers = {name for name, kind in vars(credentials).items() if hasattr(kind, "__tablename__")}
    shelves = {shelf.entity.__name__ for shelf in SecuredSchema(VERSION).shelves.values()}

    assert {"PasswordHash", "RefreshToken"} <= drawers
    assert drawers & (shelves | set(SCHEMA.type_map)) == set()


SESSION = (
    "permit { id trader { email } } tokens { accessToken refreshToken } trader { id } errors { code message path }"
)
LOG_IN = f"mutation ($input: PermitLogInInput!) {{ permitLogIn(input: $input) {{ {SESSION} }} }}"
RENEW = f"mutation ($input: PermitRenewInput!) {{ permitRenew(input: $input) {{ {SESSION} }} }}"
LOG_OUT = (
    "mutation ($input: PermitLogOutInput!) { permitLogOut(input: $input) { revokedCount errors { message } } }"
)

PASSWORD = "Known-to-the-test-0815"
WRONG_PASSWORD = "Wrong-in-the-test-4711"
EMAIL = "known-to-the-test@example.com"


def spare_the_drivers(caplog: pytest.LogCaptureFixture) -> None:
    # At DEBUG the one logs every parameter (a test below says so), the other every row when asked to.
    for name in ("aiosqlite", "sqlalchemy.engine"):
        caplog.set_level(logging.INFO, logger=name)


async def kept_secrets(database: Database) -> set[str]:
    """What the database knows of passwords and tokens, as texts that could show up somewhere."""
    async with database.reading() as session:
        hashes = (await session.exec(select(PasswordHash.hash))).all()
        tokens = (await session.exec(select(RefreshToken.hash))).all()
    return {*hashes, *(token.hex() for token in tokens), *(str(token) for token in tokens)}


async def test_a_life_of_log_ins_leaves_no_secret_in_logs_nor_where_it_was_not_asked_for(
    api: Api, app_database: Database, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    spare_the_drivers(caplog)
    await make_trader(app_database, email=EMAIL, password=PASSWORD)
    caplog.clear()

    first = await api(LOG_IN, {"input": {"email": EMAIL, "password": PASSWORD}})
    given = first.data["permitLogIn"]["tokens"]
    second = await api(RENEW, {"input": {"refreshToken": given["refreshToken"]}})
    renewed = second.data["permitRenew"]["tokens"]
    others = [
        await api("{ me { id email } }", token=renewed["accessToken"]),
        await api("{ me { id email } }", token=renewed["refreshToken"]),
        await api(LOG_IN, {"input": {"email": EMAIL, "password": WRONG_PASSWORD}}),
        await api(LOG_IN, {"input": {"email": "x", "password": WRONG_PASSWORD}}),
        await api(LOG_IN, {"input": {"email": EMAIL, "password": {"a": WRONG_PASSWORD}}}),
        await api(LOG_IN, {"input": {"email": EMAIL, "password": PASSWORD, WRONG_PASSWORD: 1}}),
        await api(f'mutation {{ permitLogIn(input: {{email: "{EMAIL}", password: "{WRONG_PASSWORD}"'),
        await api(RENEW, {"input": {"refreshToken": renewed["refreshToken"] + "x"}}),
        await api(LOG_OUT, {"input": {"refreshToken": renewed["refreshToken"]}}),
        await api(RENEW, {"input": {"refreshToken": renewed["refreshToken"]}}),
    ]

    secrets = {*given.values(), *renewed.values(), PASSWORD, *await kept_secrets(app_database)}
    assert len(secrets) >= 9
    logged = "\n".join([caplog.text, *(str(vars(record)) for record in caplog.records), *capfd.readouterr()])
    assert [secret for secret in {*secrets, WRONG_PASSWORD, EMAIL} if secret in logged] == []
    answered = "\n".join(str(answer.body) + str(answer.headers) for answer in others)
    assert [secret for secret in secrets if secret in answered] == []
    for answer in (first, second):
        assert [
            secret for secret in {PASSWORD, *await kept_secrets(app_database)} if secret in str(answer.body)
        ] == []


async def test_the_driver_logs_no_secret_when_the_root_logger_is_at_debug(
    api: Api, app_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    await make_trader(app_database, email=EMAIL, password=PASSWORD)
    caplog.set_level(logging.DEBUG)
    caplog.clear()

    await api(LOG_IN, {"input": {"email": EMAIL, "password": PASSWORD}})

    logged = caplog.text
    assert [secret for secret in {EMAIL, *await kept_secrets(app_database)} if secret in logged] == []


async def test_a_token_is_kept_only_as_a_hash(api: Api, app_database: Database) -> None:
    await make_trader(app_database, email=EMAIL, password=PASSWORD)

    answer = await api(LOG_IN, {"input": {"email": EMAIL, "password": PASSWORD}})

    async with app_database.reading() as session:
        (kept,) = (await session.exec(select(RefreshToken))).all()
        (hashed,) = (await session.exec(select(PasswordHash.hash))).all()
    assert len(kept.hash) == len(hash_token_id("x"))
    assert hashed.startswith("$argon2id$")
    assert PASSWORD not in repr(kept) + hashed
    assert answer.data["permitLogIn"]["tokens"]["refreshToken"] not in str(kept.model_dump())


async def test_introspection_tells_of_no_drawer(api: Api) -> None:
    answer = await api(get_introspection_query())

    assert answer.errors == []
    assert [
        name for name in ("PasswordHash", "RefreshTokenHash", "password_hash") if name in str(answer.body)
    ] == []


async def test_a_failure_is_masked_and_found_in_the_log_by_its_request_id(
    api: Api,
    callers: Callers,
    app_database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with app_database.unit_of_work() as session:
        await make_share(session, tag="BUD")

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inside of the server")

    monkeypatch.setattr(shares, "update", fail)
    token = callers.manager
    caplog.clear()

    answer = await api(
        "mutation ($input: ShareUpdateInput!) { shareUpdate(input: $input) { outcome } service: __typename }",
        {"input": {"id": "1", "tag": "TELLTALE"}},
        token=token,
    )

    request_id = answer.headers["x-ms-request-id"]
    assert answer.status == 200
    assert answer.body == {
        "data": {"shareUpdate": None, "service": "Mutation"},
        "errors": [
            {
                "message": "Something went wrong on our side. Please try again later; if it happens again, "
                f"tell us this reference: {request_id}",
                "locations": [{"line": 1, "column": 40}],
                "path": ["shareUpdate"],
                "extensions": {"code": "INTERNAL_ERROR", "requestId": request_id},
            }
        ],
    }
    (record,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert request_id in record.getMessage()
    assert "the inside of the server" in caplog.text
    assert [secret for secret in ("TELLTALE", token) if secret in caplog.text] == []


async def test_a_failing_statement_is_logged_without_what_it_held(
    api: Api,
    callers: Callers,
    app_database: Database,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    spare_the_drivers(caplog)
    # A traceback shows lines of source: the tag must not stand in one.
    tag = "TELL" + "TALE"

    async def break_a_rule(session: Any, *_: object, **__: object) -> None:
        await make_share(session, tag=tag)
        await make_share(session, tag=tag)

    monkeypatch.setattr(shares, "update", break_a_rule)
    token = callers.manager
    caplog.clear()

    answer = await api('mutation { shareUpdate(input: {id: "1"}) { outcome } }', token=token)

    assert answer.codes == ["INTERNAL_ERROR"]
    assert tag not in str(answer.body) + caplog.text
    assert any(record.levelno >= logging.ERROR for record in caplog.records)
