"""The fields of permits: logging in, renewing, logging out."""

from datetime import datetime
from typing import Any

import strawberry

from app.domain import permits
from app.domain.permits import Admission
from app.domain.policies import ANYONE
from app.graph.answers import ERRORS, AnswersProblems, UserError
from app.graph.context import Info
from app.graph.permissions import authorize
from app.graph.rules import EMAIL, GIVEN_PASSWORD, checked, ruled
from app.graph.types import Permit, TokenPair, Trader


@strawberry.input(description="A log-in.")
class PermitLogInInput:
    """A log-in."""

    email: str = ruled(EMAIL, "The e-mail address.")
    password: str = ruled(GIVEN_PASSWORD, "The password.")


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


@strawberry.type(description="The answer to a log-in, a confirmation, a renewal or a change of password.")
class PermitPayload:
    """The answer to whatever gives tokens."""

    permit: Permit | None = strawberry.field(default=None, description="The permit; null if there are errors.")
    tokens: TokenPair | None = strawberry.field(default=None, description="Its tokens; null if there are errors.")
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


def _admit(admission: Admission, info: Info) -> PermitPayload:
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


async def _log_in(info: Info, input: PermitLogInInput) -> Any:  # noqa: A002 - the contract's word
    services = info.context.services
    admission = await permits.log_in(
        services.database,
        **checked(input),
        device=info.context.device,
        tokens=services.tokens,
        hasher=services.hasher,
        now=info.context.now,
    )
    return _admit(admission, info)


async def _renew(info: Info, input: PermitRenewInput) -> Any:  # noqa: A002 - the contract's word
    services = info.context.services
    admission = await permits.renew(
        services.database,
        refresh_token=input.refresh_token,
        tokens=services.tokens,
        now=info.context.now,
    )
    return _admit(admission, info)


async def _log_out(info: Info, input: PermitLogOutInput) -> Any:  # noqa: A002 - the contract's word
    services = info.context.services
    revocation = await permits.log_out(
        services.database,
        refresh_token=input.refresh_token,
        tokens=services.tokens,
        access_lifetime=services.access_lifetime,
        now=info.context.now,
    )
    return PermitRevokePayload(revoked_count=revocation.count, access_ends_by=revocation.access_ends_by)


@strawberry.type
class PermitMutations:
    """What can be done with permits."""

    permit_log_in: PermitPayload | None = strawberry.field(
        resolver=_log_in,
        description="Logs in: gives this device a permit.",
        directives=[authorize(ANYONE)],
        extensions=[AnswersProblems(PermitPayload)],
    )
    permit_renew: PermitPayload | None = strawberry.field(
        resolver=_renew,
        description="Renews a permit: gives a new access token and a new refresh token.",
        directives=[authorize(ANYONE)],
        extensions=[AnswersProblems(PermitPayload)],
    )
    permit_log_out: PermitRevokePayload | None = strawberry.field(
        resolver=_log_out,
        description="Logs out: revokes the permit of a refresh token.",
        directives=[authorize(ANYONE)],
        extensions=[AnswersProblems(PermitRevokePayload)],
    )
