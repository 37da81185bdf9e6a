"""The fields of the second factor: an authenticator app that a trader switches on, and recovery codes."""

from typing import Any

import strawberry

from app import entities
from app.domain.permits import admitting, two_factor
from app.domain.policies import ALL_TRADERS
from app.domain.problems import LoginFailed, TraderUnknown
from app.graph.answers import ERRORS, UserError, mutation
from app.graph.context import Info
from app.graph.directives import COSTS_A_HASH
from app.graph.people import Trader
from app.graph.permissions import authorize, caller
from app.graph.rules import GIVEN_PASSWORD, SECOND_FACTOR, checked, ruled

_PASSWORD = "The password."  # noqa: S105 - a description
_CODE = "The code that the authenticator app shows now."
_CODE_OR_RECOVERY = "The code that the authenticator app shows now, or a recovery code."


@strawberry.input(description="A wish for a second factor.")
class TwoFactorBeginInput:
    """A wish for a second factor."""

    current_password: str = ruled(GIVEN_PASSWORD, _PASSWORD)


@strawberry.input(description="The proof that the authenticator app has the secret.")
class TwoFactorEnableInput:
    """A first code."""

    current_password: str = ruled(GIVEN_PASSWORD, _PASSWORD)
    two_factor_code: str = ruled(SECOND_FACTOR, _CODE)


@strawberry.input(description="The proof of both factors.")
class TwoFactorProofInput:
    """The proof of both factors."""

    current_password: str = ruled(GIVEN_PASSWORD, _PASSWORD)
    two_factor_code: str = ruled(SECOND_FACTOR, _CODE_OR_RECOVERY)


@strawberry.type(description="The answer to a wish for a second factor: what the authenticator app must be told.")
class TwoFactorSetupPayload:
    """What an app must be told."""

    secret: str | None = strawberry.field(
        default=None, description="The secret as base32, to type into the app; null if there are errors."
    )
    uri: str | None = strawberry.field(
        default=None, description="The same as an otpauth:// address, to be shown as a QR code."
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


@strawberry.type(description="The answer to a change of the second factor.")
class TwoFactorPayload:
    """The answer to a change of the second factor."""

    trader: Trader | None = strawberry.field(
        default=None, description="The trader as it is now; null if there are errors."
    )
    recovery_codes: list[str] | None = strawberry.field(
        default=None,
        description="Codes that each stand in once for a lost app, shown only now; null where none were made.",
    )
    errors: list[UserError] = strawberry.field(default_factory=list, description=ERRORS)


async def _proven(info: Info, current_password: str, act: Any) -> Any:
    # The password is asked for again: a device left open must not be enough to change how one logs in.
    context, trader_id = info.context, caller(info.context).trader_id
    trader = await context.trader(trader_id)
    if trader is None:
        raise TraderUnknown
    try:
        checked_password = admitting.checked_password(
            context.work, context.identity, email=trader.email, password=current_password, now=context.now
        )
        async with checked_password as proof, context.work.unit_of_work() as session:
            return await act(session, await proof.lock(session))
    except LoginFailed:
        raise LoginFailed(path=("currentPassword",)) from None


async def _begin(info: Info, input: TwoFactorBeginInput) -> Any:  # noqa: A002 - the contract's word
    async def begin(session: Any, trader: entities.Trader) -> TwoFactorSetupPayload:
        setup = await two_factor.begin(session, info.context.identity, trader)
        return TwoFactorSetupPayload(secret=setup.secret, uri=setup.uri)

    return await _proven(info, **checked(input), act=begin)


async def _enable(info: Info, input: TwoFactorEnableInput) -> Any:  # noqa: A002 - the contract's word
    values, context = checked(input), info.context

    async def enable(session: Any, trader: Any) -> TwoFactorPayload:
        codes = await two_factor.enable(session, context.identity, trader, values["two_factor_code"], context.now)
        return TwoFactorPayload(trader=trader, recovery_codes=codes)

    return await _proven(info, values["current_password"], enable)


async def _disable(info: Info, input: TwoFactorProofInput) -> Any:  # noqa: A002 - the contract's word
    values, context = checked(input), info.context

    async def disable(session: Any, trader: Any) -> TwoFactorPayload:
        await two_factor.demand(session, context.identity, trader, values["two_factor_code"], context.now)
        await two_factor.disable(session, context.identity, trader, context.now)
        return TwoFactorPayload(trader=trader)

    return await _proven(info, values["current_password"], disable)


async def _renew_recovery_codes(info: Info, input: TwoFactorProofInput) -> Any:  # noqa: A002
    values, context = checked(input), info.context

    async def renew(session: Any, trader: Any) -> TwoFactorPayload:
        await two_factor.demand(session, context.identity, trader, values["two_factor_code"], context.now)
        codes = await two_factor.renew_recovery_codes(session, context.identity, trader)
        return TwoFactorPayload(trader=trader, recovery_codes=codes)

    return await _proven(info, values["current_password"], renew)


@strawberry.type
class TwoFactorMutations:
    """What can be done with the second factor."""

    two_factor_begin: TwoFactorSetupPayload | None = mutation(
        _begin,
        TwoFactorSetupPayload,
        authorize(ALL_TRADERS),
        COSTS_A_HASH,
        description="Makes the secret for an authenticator app. The second factor is not on before twoFactorEnable.",
    )
    two_factor_enable: TwoFactorPayload | None = mutation(
        _enable,
        TwoFactorPayload,
        authorize(ALL_TRADERS),
        COSTS_A_HASH,
        description="Switches the second factor on, and gives ten recovery codes.",
    )
    two_factor_disable: TwoFactorPayload | None = mutation(
        _disable,
        TwoFactorPayload,
        authorize(ALL_TRADERS),
        COSTS_A_HASH,
        description="Switches the second factor off.",
    )
    two_factor_renew_recovery_codes: TwoFactorPayload | None = mutation(
        _renew_recovery_codes,
        TwoFactorPayload,
        authorize(ALL_TRADERS),
        COSTS_A_HASH,
        description="Gives ten new recovery codes; the ones before are of no use any more.",
    )
