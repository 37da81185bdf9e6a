"""The fields of permits: registering, confirming, logging in, renewing, logging out, revoking."""

from datetime import date, datetime
from typing import Any

import strawberry

from app import entities
from app.domain import traders
from app.domain.permits import admitting, passwords, registering, renewing, revoking
from app.domain.permits.admitting import Admission
from app.domain.permits.codes import Purpose
from app.domain.permits.registering import CodePromised
from app.domain.permits.revoking import Ended
from app.domain.policies import ALL_TRADERS, ANYONE, TRADER_MANAGERS
from app.domain.problems import PermitInvalid
from app.graph.answers import ERRORS, UserError, mutation
from app.graph.context import Info
from app.graph.directives import COSTS_A_HASH, COSTS_A_WRITE
from app.graph.enums import SecurityCodePurpose
from app.graph.people import Permit, Trader
from app.graph.permissions import ask, authorize, authorize_or_owner, caller
from app.graph.rules import (
    EMAIL,
    GIVEN_PASSWORD,
    KEY,
    NEW_PASSWORD,
    SECOND_FACTOR,
    SECURITY_CODE,
    checked,
    rule_of,
    ruled,
)

UNSET = strawberry.UNSET

_EMAIL = "The e-mail address."
_PASSWORD = "The password."  # noqa: S105 - a description
_CODE = "The code from the e-mail."
_SECOND_FACTOR = "The code from the authenticator app, or a recovery code; needed by traders who have switched the second factor on."


@strawberry.input(description="A new trader.")
class PermitRegisterInput:
    """A new trader."""

    email: str = ruled(EMAIL, _EMAIL)
    password: str = ruled(NEW_PASSWORD, _PASSWORD)
    first_name: str = ruled(rule_of(entities.Trader, "first_name"), "The first name.")
    last_name: str = ruled(rule_of(entities.Trader, "last_name"), "The last name.")
    claimed_date_joined: date | None = strawberry.field(
        default=UNSET,
        description="The day of joining, to be verified by an administrator. Not in the future.",
    )
    locale: str | None = strawberry.field(
        default=UNSET,
        description="The language for messages and e-mails, as a BCP 47 tag; by default the request's "
        "Accept-Language.",
    )


@strawberry.input(description="A request for a security code by e-mail.")
class PermitRequestCodeInput:
    """A request for a code."""

    email: str = ruled(EMAIL, _EMAIL)
    purpose: SecurityCodePurpose = strawberry.field(description="What the code is for.")


@strawberry.input(description="A security code that confirms an e-mail address, with the password to log in.")
class PermitConfirmInput:
    """A confirmation."""

    email: str = ruled(EMAIL, _EMAIL)
    security_code: str = ruled(SECURITY_CODE, _CODE)
    password: str = ruled(GIVEN_PASSWORD, _PASSWORD)


@strawberry.input(description="A log-in.")
class PermitLogInInput:
    """A log-in."""

    email: str = ruled(EMAIL, _EMAIL)
    password: str = ruled(GIVEN_PASSWORD, _PASSWORD)
    two_factor_code: str | None = ruled(SECOND_FACTOR, _SECOND_FACTOR, default=UNSET)


@strawberry.input(description="A renewal.")
class PermitRenewInput:
    """A renewal."""

    refresh_token: str = strawberry.field(description="The refresh token.")


@strawberry.input(description="A log-out.")
class PermitLogOutInput:
    """A log-out."""

    refresh_token: str = strawberry.field(
        description="The refresh token of the permit to end. It is the proof, so no access token is needed: a device "
        "can log out long after its access token expired."
    )


@strawberry.input(one_of=True, description="Which permits to revoke.")
class PermitRevokeInput:
    """Which permits to revoke."""

    permit_id: strawberry.ID | None = strawberry.field(default=UNSET, description="This permit.")
    trader_id: strawberry.ID | None = ruled(KEY, "Every permit of this trader.", default=UNSET)


@strawberry.input(description="A new password for who forgot the old one.")
class PermitResetPasswordInput:
    """A new password by a code."""

    email: str = ruled(EMAIL, _EMAIL)
    security_code: str = ruled(SECURITY_CODE, _CODE)
    new_password: str = ruled(NEW_PASSWORD, "The new password.")
    two_factor_code: str | None = ruled(SECOND_FACTOR, _SECOND_FACTOR, default=UNSET)


@strawberry.input(description="A new password for who knows the old one.")
class PermitChangePasswordInput:
    """A new password by the old one."""

    current_password: str = ruled(GIVEN_PASSWORD, "The password until now.")
    new_password: str = ruled(NEW_PASSWORD, "The new password.")


@strawberry.type(
    description="The answer to a registration or a request for a code: the same whether or not the e-mail address is "
    "known."
)
class PermitCodePayload:
    """The answer to whatever may send a code."""

    code_expires_at: datetime | None = strawberry.field(
        default=None, description="When the code that was sent expires; null if there are errors."
    )
    next_code_at: datetime | None = strawberry.field(
        default=None, description="When another code may be asked for."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


@strawberry.type(description="The answer to a log-in, a confirmation, a renewal or a change of password.")
class PermitPayload:
    """The answer to whatever gives tokens."""

    permit: Permit | None = strawberry.field(default=None, description="The permit; null if there are errors.")
    tokens: "TokenPair | None" = strawberry.field(
        default=None, description="Its tokens; null if there are errors."
    )
    trader: Trader | None = strawberry.field(default=None, description="The trader; null if there are errors.")
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


@strawberry.type(description="The answer to a revocation.")
class PermitRevokePayload:
    """The answer to a revocation."""

    revoked_count: int = strawberry.field(
        default=0, description="How many permits were revoked; 0 if they were already."
    )
    access_ends_by: datetime | None = strawberry.field(
        default=None, description="By when the last access token given under them expires."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


@strawberry.type(
    description="The tokens of a permit. Sent only to the device that logged in or renewed; the server keeps no copy "
    "of the refresh token, only its hash."
)
class TokenPair:
    """The tokens of a permit."""

    access_token: str = strawberry.field(description="The short-lived JWT to send as Authorization: Bearer.")
    access_token_expires_at: datetime = strawberry.field(description="When the access token expires.")
    refresh_token: str = strawberry.field(
        description="The long-lived token to renew the permit with. Of no use for anything else, and of no use again "
        "once renewed."
    )
    refresh_token_expires_at: datetime = strawberry.field(description="When the refresh token expires.")


def admitted(admission: Admission, info: Info) -> PermitPayload:
    """Answer with a permit and its tokens."""
    # The answer is the trader's own, although no access token came with the request.
    info.context.proven.add(admission.trader.id)
    shown: dict[str, Any] = {"permit": admission.permit, "trader": admission.trader}
    tokens = TokenPair(
        access_token=admission.access.text,
        access_token_expires_at=admission.access.expires_at,
        refresh_token=admission.refresh.text,
        refresh_token_expires_at=admission.refresh.expires_at,
    )
    return PermitPayload(**shown, tokens=tokens)


def _promised(promise: CodePromised) -> PermitCodePayload:
    return PermitCodePayload(code_expires_at=promise.expires_at, next_code_at=promise.next_at)


def _ended(ended: Ended) -> PermitRevokePayload:
    return PermitRevokePayload(revoked_count=ended.count, access_ends_by=ended.access_ends_by)


async def _register(info: Info, input: PermitRegisterInput) -> Any:  # noqa: A002 - the contract's word
    context = info.context
    return _promised(
        await registering.register(
            context.work, context.identity, checked(input), locale=context.locale, now=context.now
        )
    )


async def _request_code(info: Info, input: PermitRequestCodeInput) -> Any:  # noqa: A002
    context, values = info.context, checked(input)
    return _promised(
        await registering.request_code(
            context.work,
            context.identity,
            email=values["email"],
            purpose=Purpose[input.purpose.name],
            locale=context.locale,
            now=context.now,
        )
    )


async def _confirm(info: Info, input: PermitConfirmInput) -> Any:  # noqa: A002 - the contract's word
    context = info.context
    admission = await registering.confirm(
        context.work, context.identity, **checked(input), client=context.client, now=context.now
    )
    return admitted(admission, info)


async def _log_in(info: Info, input: PermitLogInInput) -> Any:  # noqa: A002 - the contract's word
    context = info.context
    values = {"two_factor_code": None, **checked(input)}
    admission = await admitting.log_in(
        context.work, context.identity, **values, client=context.client, now=context.now
    )
    return admitted(admission, info)


async def _renew(info: Info, input: PermitRenewInput) -> Any:  # noqa: A002 - the contract's word
    context = info.context
    admission = await renewing.renew(
        context.work, context.identity, refresh_token=input.refresh_token, now=context.now
    )
    return admitted(admission, info)


async def _log_out(info: Info, input: PermitLogOutInput) -> Any:  # noqa: A002 - the contract's word
    context = info.context
    return _ended(
        await renewing.log_out(context.work, context.identity, refresh_token=input.refresh_token, now=context.now)
    )


async def _revoke(info: Info, input: PermitRevokeInput) -> Any:  # noqa: A002 - the contract's word
    context, values = info.context, checked(input)
    async with context.work.unit_of_work() as session:
        if "trader_id" in values:
            if not context.owns(values["trader_id"]):
                ask(TRADER_MANAGERS, info)
            await traders.lock(session, values["trader_id"], path=("traderId",))
            permits = await revoking.permits_of(session, values["trader_id"])
        else:
            permit = await session.get(entities.Permit, values["permit_id"], with_for_update=True)
            # To who may not know of others' permits, one that is not there is as good as another's.
            if permit is None or not context.owns(permit.trader_id):
                ask(TRADER_MANAGERS, info)
            if permit is None:
                raise PermitInvalid(path=("permitId",))
            permits = [permit]
        return _ended(await revoking.revoke(session, context.identity, permits, now=context.now))


async def _reset_password(info: Info, input: PermitResetPasswordInput) -> Any:  # noqa: A002
    context = info.context
    values = {"two_factor_code": None, **checked(input)}
    admission = await passwords.reset(
        context.work, context.identity, **values, client=context.client, now=context.now
    )
    return admitted(admission, info)


async def _change_password(info: Info, input: PermitChangePasswordInput) -> Any:  # noqa: A002
    context, claims = info.context, caller(info.context)
    admission = await passwords.change(
        context.work,
        context.identity,
        trader_id=claims.trader_id,
        permit_id=claims.permit_id,
        **checked(input),
        now=context.now,
    )
    return admitted(admission, info)


@strawberry.type
class PermitMutations:
    """What can be done with permits."""

    permit_register: PermitCodePayload | None = mutation(
        _register,
        PermitCodePayload,
        authorize(ANYONE),
        COSTS_A_HASH,
        description="Registers a trader and sends a security code to confirm the e-mail address.",
    )
    permit_request_code: PermitCodePayload | None = mutation(
        _request_code,
        PermitCodePayload,
        authorize(ANYONE),
        COSTS_A_HASH,
        description="Sends a security code by e-mail.",
    )
    permit_confirm: PermitPayload | None = mutation(
        _confirm,
        PermitPayload,
        authorize(ANYONE),
        COSTS_A_HASH,
        description="Confirms an e-mail address and logs in.",
    )
    permit_log_in: PermitPayload | None = mutation(
        _log_in, PermitPayload, authorize(ANYONE), COSTS_A_HASH, description="Logs in: gives this device a permit."
    )
    permit_renew: PermitPayload | None = mutation(
        _renew,
        PermitPayload,
        authorize(ANYONE),
        COSTS_A_WRITE,
        description="Renews a permit: gives a new access token and a new refresh token.",
    )
    permit_log_out: PermitRevokePayload | None = mutation(
        _log_out,
        PermitRevokePayload,
        authorize(ANYONE),
        COSTS_A_WRITE,
        description="Logs out: revokes the permit of a refresh token.",
    )
    permit_revoke: PermitRevokePayload | None = mutation(
        _revoke,
        PermitRevokePayload,
        authorize_or_owner(TRADER_MANAGERS),
        COSTS_A_WRITE,
        description="Revokes a permit, or every permit of a trader.",
    )
    permit_reset_password: PermitPayload | None = mutation(
        _reset_password,
        PermitPayload,
        authorize(ANYONE),
        COSTS_A_HASH,
        description="Sets a new password by a security code, revokes all other permits, tells the trader by e-mail and logs in.",
    )
    permit_change_password: PermitPayload | None = mutation(
        _change_password,
        PermitPayload,
        authorize(ALL_TRADERS),
        COSTS_A_HASH,
        description="Sets a new password by the current one, revokes all other permits, tells the trader by e-mail and renews "
        "this permit.",
    )
