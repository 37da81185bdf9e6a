"""What someone does who has nothing but the service's address and a mailbox: operations, answers, mails."""

import asyncio
import re
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import sqlalchemy
from sqlalchemy import column, table, text
from sqlmodel import SQLModel, col, select
from starlette.applications import Starlette

from app.credentials import Throttle
from app.database import Database
from app.entities import AuditEvent, Trader
from app.graph.context import Services
from app.mail.delivering import Deliverer
from tests.callers import Answer, Api
from tests.factories import PASSWORD, ManualClock

ADA = "ada@example.com"
NEW_PASSWORD = "Another-horse-battery-7"

_ERRORS = "errors { __typename code path ... on Refusal { retryAfterSeconds } }"
_CODE = f"codeExpiresAt nextCodeAt {_ERRORS}"
_PERMIT = (
    "permit { id device status current issuedAt renewedAt expiresAt } "
    "tokens { accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt } "
    f"trader {{ id email emailConfirmed firstName lastName locale claimedDateJoined dateJoined }} {_ERRORS}"
)
_REVOKED = f"revokedCount accessEndsBy {_ERRORS}"
_TRADER = f"trader {{ id email firstName lastName locale dateJoined version }} {_ERRORS}"
_TWO_FACTOR = f"trader {{ id twoFactorEnabled }} recoveryCodes {_ERRORS}"

_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename",
}

MUTATIONS = {
    "permitRegister": ("PermitRegisterInput", _CODE),
    "permitRequestCode": ("PermitRequestCodeInput", _CODE),
    "permitConfirm": ("PermitConfirmInput", _PERMIT),
    "permitLogIn": ("PermitLogInInput", _PERMIT),
    "permitRenew": ("PermitRenewInput", _PERMIT),
    "permitLogOut": ("PermitLogOutInput", _REVOKED),
    "permitRevoke": ("PermitRevokeInput", _REVOKED),
    "permitResetPassword": ("PermitResetPasswordInput", _PERMIT),
    "permitChangePassword": ("PermitChangePasswordInput", _PERMIT),
    "twoFactorBegin": ("TwoFactorBeginInput", f"secret uri {_ERRORS}"),
    "twoFactorEnable": ("TwoFactorEnableInput", _TWO_FACTOR),
    "twoFactorDisable": ("TwoFactorProofInput", _TWO_FACTOR),
    "twoFactorRenewRecoveryCodes": ("TwoFactorProofInput", _TWO_FACTOR),
    "traderUpdate": ("TraderUpdateInput", _TRADER),
    "traderVerify": ("TraderVerifyInput", _TRADER),
    "traderUnlock": ("TraderUnlockInput", _TRADER),
    "traderDelete": ("TraderDeleteInput", _TRADER),
}


def document(mutation: str) -> str:
    """The operation that sends one mutation and asks for everything back."""
    kind, selection = MUTATIONS[mutation]
    return f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} }} }}"


Payload = dict[str, Any]


def invalid(code: str, *path: str) -> Payload:
    """The payload error of a value that breaks a rule."""
    return {"__typename": "InvalidInput", "code": code, "path": list(path)}


def refusal(code: str, *path: str, retry_after: int | None = None) -> Payload:
    """The payload error of a secret that is not taken."""
    return {"__typename": "Refusal", "code": code, "path": list(path), "retryAfterSeconds": retry_after}


def wait(seconds: int, *path: str) -> Payload:
    """The payload error of too many attempts."""
    return refusal("TOO_MANY_ATTEMPTS", *path, retry_after=seconds)


def no_code(*errors: Payload) -> Payload:
    """The whole answer where no code was promised."""
    return {"codeExpiresAt": None, "nextCodeAt": None, "errors": list(errors)}


def no_permit(*errors: Payload) -> Payload:
    """The whole answer where no permit was given."""
    return {"permit": None, "tokens": None, "trader": None, "errors": list(errors)}


def not_revoked(*errors: Payload) -> Payload:
    """The whole answer where nothing was revoked."""
    return {"revokedCount": 0, "accessEndsBy": None, "errors": list(errors)}


def no_trader(*errors: Payload) -> Payload:
    """The whole answer where no trader was changed."""
    return {"trader": None, "errors": list(errors)}


def moment(at: datetime) -> str:
    """A moment as answers write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03}Z"


@dataclass(frozen=True)
class Mail:
    """An e-mail as it was put into the outbox folder."""

    to: str
    subject: str
    text: str

    @property
    def code(self) -> str:
        """The security code in it."""
        (code,) = re.findall(r"^\s*(\d{6})\s*$", self.text, re.MULTILINE)
        return cast("str", code)


@dataclass
class Desk:
    """Sends operations to one application and reads the mailboxes of everybody."""

    app: Starlette
    api: Api
    clock: ManualClock
    data_dir: Path
    _read: set[Path] = field(default_factory=set)

    @property
    def services(self) -> Services:
        services: Services = self.app.state.services
        return services

    @property
    def database(self) -> Database:
        return self.services.database

    async def send(
        self, mutation: str, *, token: str | None = None, device: str | None = None, **given: Any
    ) -> Answer:
        """Send a mutation and give what came back."""
        headers = None if device is None else {"x-device-signature": device}
        return await self.api(document(mutation), {"input": given}, token=token, headers=headers)

    async def do(
        self, mutation: str, *, token: str | None = None, device: str | None = None, **given: Any
    ) -> Payload:
        """Send a mutation and give its payload."""
        answer = await self.send(mutation, token=token, device=device, **given)
        assert answer.body.keys() == {"data"}, answer.body
        payload: Payload = answer.data[mutation]
        return payload

    async def mails(self) -> list[Mail]:
        """The e-mails that came since the last call, decoys left out."""
        deliverer: Deliverer = self.app.state.deliverer
        await deliverer.drain()
        # The application's own loop may hold one just now: it is done when nothing is left.
        for _ in range(1_000):
            if not await self.database.fetch(text("SELECT id FROM outbox_mail")):
                break
            await asyncio.sleep(0.005)
        files = sorted(set((self.data_dir / "outbox").glob("*.eml")) - self._read)
        self._read.update(files)
        return [_mail(file.read_bytes()) for file in files]

    async def code(self) -> str:
        """The code of the one e-mail that came since the last call."""
        (mail,) = await self.mails()
        return mail.code

    async def register(self, email: str = ADA, **given: Any) -> Payload:
        values = {"password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace", **given}
        return await self.do("permitRegister", email=email, **values)

    async def request(self, purpose: str, email: str = ADA) -> Payload:
        return await self.do("permitRequestCode", email=email, purpose=purpose)

    async def reset_code(self, email: str = ADA) -> str:
        """Ask for a code that resets the password, and take it out of the mailbox."""
        await self.mails()
        assert (await self.request("CHANGE_PASSWORD", email))["errors"] == []
        return await self.code()

    async def confirm(self, code: str, email: str = ADA, password: str = PASSWORD) -> Payload:
        return await self.do("permitConfirm", email=email, securityCode=code, password=password)

    async def log_in(self, email: str = ADA, password: str = PASSWORD, **given: Any) -> Payload:
        return await self.do("permitLogIn", email=email, password=password, **given)

    async def renew(self, refresh_token: str) -> Payload:
        return await self.do("permitRenew", refreshToken=refresh_token)

    async def reset(self, code: str, password: str = NEW_PASSWORD, email: str = ADA, **given: Any) -> Payload:
        return await self.do("permitResetPassword", email=email, securityCode=code, newPassword=password, **given)

    async def tokens(self, email: str = ADA, password: str = PASSWORD, **given: Any) -> tuple[str, str]:
        """Log in and give the access token and the refresh token."""
        return tokens_of(await self.log_in(email, password, **given))

    async def fail(self, times: int, email: str = ADA) -> None:
        """Try wrong passwords, all of which are taken for tries."""
        for _ in range(times):
            answer = await self.log_in(email, "not the password")
            assert answer == no_permit(refusal("LOGIN_FAILED", "password"))

    async def is_taken(self, access_token: str) -> list[str]:
        """The codes of the errors that a request with this access token meets; none if it is taken."""
        return (await self.api("{ me { id } }", token=access_token)).codes

    async def trader(self, email: str = ADA) -> Trader | None:
        async with self.database.reading() as session:
            return (await session.exec(select(Trader).where(Trader.email == email))).first()

    async def rows(self, entity: type[SQLModel]) -> list[dict[str, Any]]:
        """Every row of a table, in the order of its keys."""
        async with self.database.reading() as session:
            rows = (await session.exec(select(entity))).all()
        found = [row.model_dump() for row in rows]
        return sorted(found, key=repr)

    async def credentials(self, *entities: type[SQLModel]) -> list[list[dict[str, Any]]]:
        """The rows of several tables, to see that nothing changed."""
        return [await self.rows(each) for each in entities]

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table."""
        names = await self.database.fetch(text(_TABLES[self.database.dialect_name]))
        tables = [table(name, column("*", is_literal=True)) for (name,) in names]
        return {
            each.name: sorted((tuple(row) for row in await self.database.fetch(sqlalchemy.select(each))), key=repr)
            for each in tables
        }

    async def events(self) -> list[AuditEvent]:
        """The audit trail, oldest first."""
        async with self.database.reading() as session:
            return list((await session.exec(select(AuditEvent).order_by(col(AuditEvent.id)))).all())

    async def actions(self) -> list[str]:
        return [event.action for event in await self.events()]

    async def throttled(self) -> int:
        """How many addresses are counted."""
        return len(await self.rows(Throttle))


def tokens_of(payload: Payload) -> tuple[str, str]:
    """The access token and the refresh token of an answer."""
    assert payload["errors"] == []
    return payload["tokens"]["accessToken"], payload["tokens"]["refreshToken"]


def _mail(content: bytes) -> Mail:
    message = message_from_bytes(content, EmailMessage, policy=policy.default)
    body = message.get_body(("plain",))
    assert body is not None
    return Mail(str(message["To"]), str(message["Subject"]), body.get_content())
