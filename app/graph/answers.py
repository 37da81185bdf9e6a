"""What mutations answer: payloads, and in them what went wrong as data."""

from collections.abc import Awaitable, Callable
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension

from app import entities
from app.domain.problems import Conflict, Refused
from app.graph.context import Info
from app.graph.enums import ErrorCode
from app.graph.errors import message_of
from app.graph.permissions import Denied
from app.graph.types import Industry, Share
from app.kit.problem import Problem, Problems

_CODE = "The error, for programs."
_CONFLICT_CODE = "The error, for programs: VERSION_CONFLICT."
_MESSAGE = "The error, for people."
_PATH = "The input field that is at fault."
_CONFLICT_PATH = "The input field that is at fault: expectedVersion."

ERRORS = "What went wrong; empty if nothing did."


@strawberry.interface(
    description="An error that a person can mend. New kinds are added without a new API version, so select these "
    "fields and add kinds as needed."
)
class UserError:
    """What every payload error has."""

    code: ErrorCode = strawberry.field(description=_CODE)
    message: str = strawberry.field(
        description="The error, for people, in the language that the request's Accept-Language asks for."
    )
    path: list[str] = strawberry.field(
        description="The input field that is at fault, as names and list positions from the input down; empty if no "
        "field is."
    )


@strawberry.type(description="A value breaks a rule, a name is taken, or a record is not there.")
class InvalidInput(UserError):
    """Any problem that is neither a conflict nor a refusal."""

    code: ErrorCode = strawberry.field(description=_CODE)
    message: str = strawberry.field(description=_MESSAGE)
    path: list[str] = strawberry.field(description=_PATH)


@strawberry.type(description="The share was changed by someone else since it was read.")
class ShareConflict(UserError):
    """A conflict over a share."""

    code: ErrorCode = strawberry.field(description=_CONFLICT_CODE)
    message: str = strawberry.field(description=_MESSAGE)
    path: list[str] = strawberry.field(description=_CONFLICT_PATH)
    current: Share = strawberry.field(description="The share as it is now.")


@strawberry.type(description="The industry was changed by someone else since it was read.")
class IndustryConflict(UserError):
    """A conflict over an industry."""

    code: ErrorCode = strawberry.field(description=_CONFLICT_CODE)
    message: str = strawberry.field(description=_MESSAGE)
    path: list[str] = strawberry.field(description=_CONFLICT_PATH)
    current: Industry = strawberry.field(description="The industry as it is now.")


@strawberry.type(description="A log-in, a security code or a refresh token was refused.")
class Refusal(UserError):
    """A refusal over a secret."""

    code: ErrorCode = strawberry.field(description=_CODE)
    message: str = strawberry.field(description=_MESSAGE)
    path: list[str] = strawberry.field(description=_PATH)
    retry_after_seconds: int | None = strawberry.field(
        description="How long to wait before the next attempt; null if there is no need to."
    )


ERROR_TYPES = (InvalidInput, ShareConflict, IndustryConflict, Refusal)
"""The kinds of `UserError`, which no field names by itself."""


class AnswersProblems(FieldExtension):
    """Gives a problem that a mutation raises as the errors of its payload."""

    def __init__(self, payload: Callable[..., Any]) -> None:
        self.payload = payload

    async def resolve_async(
        self, next_: Callable[..., Awaitable[Any]], source: Any, info: Info, **arguments: Any
    ) -> Any:
        """Resolve the mutation, or say why not."""
        try:
            return await next_(source, info, **arguments)
        except Denied:
            raise
        except Problem as problem:
            return self.payload(errors=[_error(problem, info)])
        except Problems as several:
            return self.payload(errors=[_error(problem, info) for problem in several.problems])


def mutation(resolver: Any, payload: Any, *directives: object, description: str) -> Any:
    """Make a mutation's field, which answers with a payload whatever a person can mend.

    Args:
        resolver: What it does; it raises problems.
        payload: What it answers; made of `errors` alone if there was a problem.
        directives: Its policy, and what it costs.
        description: What it does, for people.
    """
    return strawberry.field(
        resolver=resolver,
        description=description,
        directives=directives,
        extensions=[AnswersProblems(payload)],
    )


def _error(problem: Problem, info: Info) -> UserError:
    info.context.notes.note_code(problem.code)
    said: dict[str, Any] = {
        "code": ErrorCode[problem.code],
        "message": message_of(problem, info.context),
        "path": list(problem.path),
    }
    if isinstance(problem, Conflict):
        kind = ShareConflict if isinstance(problem.current, entities.Share) else IndustryConflict
        current: Any = problem.current
        return kind(**said, current=current)
    if isinstance(problem, Refused):
        return Refusal(**said, retry_after_seconds=problem.retry_after_seconds)
    return InvalidInput(**said)
