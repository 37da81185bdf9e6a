"""What the door itself refuses, and which HTTP status each code has."""

from typing import ClassVar

from app.graph.errors import BadRequest
from app.kit.problem import Problem

STATUS_OF_CODE = {
    "UNAUTHENTICATED": 401,
    "TOKEN_EXPIRED": 401,
    "INTERNAL_ERROR": 500,
    "UNAVAILABLE": 503,
    "RATE_LIMITED": 429,
}
"""The status of a problem that ends a request; 400 for all others."""


class DoorProblem(BadRequest):
    """A request that is refused before its operation is looked at."""

    status: ClassVar[int]


class MethodNotAllowed(DoorProblem):
    """The endpoint takes GET for queries and POST (GraphQL over HTTP, section 5)."""

    status = 405


class NotAcceptable(DoorProblem):
    """No media type that the server writes is acceptable to the client (RFC 9110, section 15.5.7)."""

    status = 406


class BodyTooLarge(DoorProblem):
    """The body is larger than the setting allows (RFC 9110, section 15.5.14)."""

    status = 413


class UnsupportedMediaType(DoorProblem):
    """The body is not JSON (RFC 9110, section 15.5.16); a form could come from any web page."""

    status = 415


def status_of(problem: Problem) -> int:
    """Give the HTTP status of a problem that ends a request."""
    return problem.status if isinstance(problem, DoorProblem) else STATUS_OF_CODE.get(problem.code, 400)
