"""What the door itself refuses, and which HTTP status each code has."""

from collections.abc import Mapping
from typing import ClassVar

from app.graph.errors import BadRequest
from app.kit.problem import Problem
from app.web.media_types import GRAPHQL_RESPONSE

STATUS_OF_CODE = {
    "UNAUTHENTICATED": 401,
    "TOKEN_EXPIRED": 401,
    "INTERNAL_ERROR": 500,
    "UNAVAILABLE": 503,
    "RATE_LIMITED": 429,
}
"""The status of a problem that ends a request, where it does not depend on the media type."""


class DoorProblem(BadRequest):
    """A request that is refused before its operation is looked at."""

    status: ClassVar[int]


class MalformedRequest(DoorProblem):
    """The request has not the form of one: no JSON, or a parameter of the wrong type (section 5)."""

    status = 400


class ForeignOrigin(DoorProblem):
    """A web page of another origin asks for a socket (RFC 6455, section 10.2)."""

    status = 403


class NotFound(DoorProblem):
    """There is nothing at the address (RFC 9110, section 15.5.5)."""

    status = 404


class MethodNotAllowed(DoorProblem):
    """The address takes other methods; the endpoint GET for queries and POST (GraphQL over HTTP, section 5)."""

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


def status_of(problem: Problem, media_type: str) -> int:
    """Give the HTTP status of a problem that ends a request.

    What is wrong with a document is 400 in `application/graphql-response+json`. In `application/json` it is
    200: a client could not tell our answer from that of some gateway on the way (GraphQL over HTTP, section 6.4).
    So it is in a stream, whose clients are told by an event.
    """
    status: int | None = getattr(problem, "status", None)
    return status or STATUS_OF_CODE.get(problem.code) or request_error_status(media_type)


def headers_of(problem: Problem) -> Mapping[str, str]:
    """Give the headers that a problem adds to the answer."""
    headers: Mapping[str, str] = getattr(problem, "headers", {})
    return headers


def request_error_status(media_type: str) -> int:
    """Give the HTTP status of an operation that was understood as a request but not executed."""
    return 400 if media_type == GRAPHQL_RESPONSE else 200
