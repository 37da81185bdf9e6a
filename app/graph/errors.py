"""The words for what went wrong: problems become payload errors or top-level errors, all else is masked."""

from collections.abc import Iterator
from typing import Any, Protocol

from graphql import FieldNode, GraphQLError, GraphQLSyntaxError, SourceLocation
from strawberry.exceptions import StrawberryInputCoercionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.types import ExecutionResult

from app.graph.context import Context
from app.graph.permissions import Forbidden
from app.graph.validation_texts import Text, texts_of
from app.kit.problem import InvalidInput, Problem, Problems


class BadRequest(Problem):
    """The request is no operation that the schema knows; its phrase is the detail."""

    code = "BAD_REQUEST"

    def details(self) -> tuple[Text, ...]:
        """Give what is said of it, one after the other."""
        return (Text(self.phrase, self.params),)


class Misfit(BadRequest):
    """The document, or a value of its variables, does not fit the schema."""

    def __init__(self, texts: tuple[Text, ...]) -> None:
        super().__init__()
        self._texts = texts

    def details(self) -> tuple[Text, ...]:
        """Give what is wrong, and perhaps what may be meant instead."""
        return self._texts


class InternalError(Problem):
    """The server failed; the log has the reason under the request's id."""

    code = "INTERNAL_ERROR"


class DocumentUnknown(Problem):
    """No document is known by the hash that the request names it by.

    Attributes:
        word: The message that the client's protocol prescribes, in no language; None for one that people read.
    """

    code = "PERSISTED_QUERY_NOT_FOUND"

    def __init__(self, *, word: str | None = None) -> None:
        super().__init__()
        self.word = word


class Speaker(Protocol):
    """Who says things to a caller."""

    @property
    def locale(self) -> str:
        """The caller's language, a BCP 47 tag."""

    @property
    def request_id(self) -> str:
        """The name of the request in the log."""

    def say(self, key: str, **params: str | int) -> str:
        """Say a phrase in the caller's language."""


def message_of(problem: Problem, context: Speaker) -> str:
    """Say a problem in the caller's language."""
    if isinstance(problem, Forbidden):
        return context.say("FORBIDDEN", policy=context.say(f"policy-{problem.policy.name}"))
    if isinstance(problem, BadRequest):
        details = (context.say(text.phrase, **text.params) for text in problem.details())
        return context.say(problem.code, detail=" ".join(details))
    if isinstance(problem, DocumentUnknown) and problem.word is not None:
        return problem.word
    return context.say(problem.phrase, **problem.params)


def say_problem(problem: Problem, context: Speaker) -> dict[str, Any]:
    """Give a problem as an error of a GraphQL response: message and extensions (GraphQL, section 7.1.2)."""
    extensions: dict[str, Any] = {"code": problem.code}
    if isinstance(problem, Forbidden):
        extensions["policy"] = problem.policy.name
    if isinstance(problem, InternalError):
        extensions["requestId"] = context.request_id
    if problem.code == "RATE_LIMITED":
        extensions["retryAfterSeconds"] = problem.params["seconds"]
    if problem.path:
        extensions["path"] = list(problem.path)
    return {"message": message_of(problem, context), "extensions": extensions}


def say_refusal(refusal: Problem | Problems, context: Speaker) -> list[dict[str, Any]]:
    """Give what an operation was refused for as errors of a GraphQL response."""
    problems = refusal.problems if isinstance(refusal, Problems) else (refusal,)
    return [say_problem(problem, context) for problem in problems]


def say_result(result: ExecutionResult, context: Context) -> GraphQLHTTPResponse:
    """Give a result as a GraphQL response; without `data` if the operation was not executed at all."""
    said: GraphQLHTTPResponse = {}
    if result.errors:
        said["errors"] = [each for error in result.errors for each in say_error(error, context)]
    if result.data is not None or not result.errors or any(error.path for error in result.errors):
        said["data"] = result.data
    if context.cost is not None:
        said["extensions"] = {"cost": context.cost}
    return said


def say_error(error: GraphQLError, context: Context) -> Iterator[dict[str, Any]]:
    """Give an error of the executor in words; one that no caller can mend is logged and masked."""
    place: dict[str, Any] = {}
    if error.locations:
        place["locations"] = [location.formatted for location in error.locations]
    if error.path:
        place["path"] = error.path
    for problem in _problems_in(error, context):
        said = say_problem(problem, context)
        yield {"message": said["message"], **place, "extensions": said["extensions"]}


def syntax_problem(error: GraphQLSyntaxError) -> BadRequest:
    """Say where a document stops being GraphQL."""
    (place,) = error.locations or (SourceLocation(0, 0),)
    return BadRequest(phrase="request-syntax", line=place.line, column=place.column)


def _problems_in(error: GraphQLError, context: Context) -> tuple[Problem, ...]:
    cause = error.original_error
    if isinstance(cause, Problems):
        return cause.problems
    if isinstance(cause, Problem):
        return (cause,)
    if isinstance(error, GraphQLSyntaxError):
        return (syntax_problem(error),)
    if error.path is None and (cause is None or isinstance(cause, GraphQLError)):
        return (Misfit(texts_of(error)),)
    if _blames_a_value(error):
        text = texts_of(error)[0]
        return (InvalidInput(path=(), phrase=text.phrase, **text.params),)
    context.log_failure(cause or error, ".".join(map(str, error.path or ())))
    return (InternalError(requestId=context.request_id),)


def _blames_a_value(error: GraphQLError) -> bool:
    cause, blamed = error.original_error, (error.nodes or [])[:1]
    if isinstance(cause, StrawberryInputCoercionError):
        # An input of which exactly one field may be given, written into the document with none or several.
        return True
    # An argument's, such as that of a null variable where none may stand.
    return (cause is None or isinstance(cause, GraphQLError)) and not all(
        isinstance(node, FieldNode) for node in blamed
    )
