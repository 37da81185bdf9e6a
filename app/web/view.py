"""The GraphQL endpoint: media types, statuses, tokens, and Strawberry behind them.

Subclasses Strawberry's view at the seams that it offers. What ends a request here is a problem like any
other, said in the caller's language as `{"errors": [...]}`.
"""

import json
from http import HTTPStatus
from pathlib import Path
from typing import Any

import orjson
from cross_web import AsyncHTTPRequestAdapter
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.types import ExecutionResult

from app.graph.context import Context, Services
from app.graph.errors import BadRequest, InternalError, say_error, say_problem
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock
from app.kit.problem import Problem
from app.web.context import make_context
from app.web.operations import opens_without_token, read_operation
from app.web.pages import graphiql_page
from app.web.problems import BodyTooLarge, MethodNotAllowed, UnsupportedMediaType, status_of

_ANSWER_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class GraphQLView(GraphQL[Context, None]):
    """One API version's endpoint."""

    schema: SecuredSchema

    def __init__(
        self, schema: SecuredSchema, services: Services, *, built_pages: Path, max_body_bytes: int, clock: Clock
    ) -> None:
        super().__init__(schema, subscription_protocols=())
        self.services = services
        self.built_pages = built_pages
        self.max_body_bytes = max_body_bytes
        self.clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; whatever happens, the answer is JSON with a code, or a page."""
        request = Request(scope, _at_most(self.max_body_bytes, receive))
        context, fault = make_context(request, self.services, self.schema, self.clock())
        request.state.token_fault = fault
        try:
            response = await self.run(request, context=context)
        except Problem as problem:
            response = _refuse(problem, context)
        except Exception as error:  # noqa: BLE001 - the last door: nothing internal may pass it
            context.log_failure(error, "")
            response = _refuse(InternalError(requestId=context.request_id), context)
        response.headers["x-ms-request-id"] = context.request_id
        await response(scope, receive, send)

    def is_request_allowed(self, request: Any) -> bool:
        """Take GET and POST only."""
        if request.method not in ("GET", "POST"):
            raise MethodNotAllowed(phrase="request-method", method=request.method)
        return True

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Show the page to whoever opens the address in a browser."""
        return (
            request.method == "GET"
            and request.query_params.get("query") is None
            and "text/html" in request.headers.get("accept", "")
        )

    async def render_graphql_ide(self, request: Request) -> Response:
        """Give GraphiQL as it was built, from this server alone."""
        return graphiql_page(self.built_pages)

    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        """Read the parameters of the request (GraphQL over HTTP, sections 5 and 6).

        Raises:
            DoorProblem: The body is too large or not JSON.
            BadRequest: A parameter has the wrong form.
        """
        if request.method == "GET":
            parameters = {
                name: self._decode(value) if name in ("variables", "extensions") else value
                for name, value in request.query_params.items()
                if value and isinstance(value, str)
            }
        else:
            media_type = (request.content_type or "").split(";")[0].strip().lower()
            if media_type != "application/json":
                raise UnsupportedMediaType(phrase="request-media-type")
            parameters = self._decode(await request.get_body())
        return _request_data(parameters)

    def _decode(self, content: str | bytes) -> Any:
        try:
            return self.decode_json(content)
        except ValueError as error:
            raise BadRequest(phrase="request-not-json") from error

    def decode_json(self, data: str | bytes) -> object:
        """Read JSON strictly; what is no JSON never becomes a value."""
        return orjson.loads(data)

    def encode_json(self, data: object) -> bytes:
        """Write JSON; what orjson refuses (numbers over 64 bits, lone surrogates) as the standard library does."""
        try:
            return orjson.dumps(data)
        except TypeError:
            return json.dumps(data, separators=(",", ":")).encode()

    async def execute_operation(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData | list[GraphQLRequestData],
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> Any:
        """Hold the token and the method against the operation, then let Strawberry execute it.

        Raises:
            InvalidToken: The token is not valid, and the operation is not one of those that do without.
            MethodNotAllowed: A mutation came by GET.
        """
        assert isinstance(request_data, GraphQLRequestData)  # noqa: S101 - batches end in parse_http_body
        operation = read_operation(request_data.query, request_data.operation_name)
        fault: Problem | None = request.state.token_fault
        if fault is not None and not opens_without_token(operation, self.schema.graphql):
            raise fault
        if request_adapter.method == "GET" and not operation.is_query:
            raise MethodNotAllowed(phrase="request-mutation-by-get")
        context.document = operation.document
        result = await self.execute_single(
            request, request_adapter, sub_response, context, root_value, request_data
        )
        if result.data is None and not any(error.path for error in result.errors or ()):
            sub_response.status_code = HTTPStatus.BAD_REQUEST
        elif _needs_log_in(result):
            sub_response.status_code = HTTPStatus.UNAUTHORIZED
            sub_response.headers["WWW-Authenticate"] = "Bearer"
        request.state.context = context
        return result

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Put a result into the form of an answer, its errors in words."""
        answer: GraphQLHTTPResponse = {}
        context: Context = request.state.context
        if result.errors:
            answer["errors"] = [said for error in result.errors for said in say_error(error, context)]
        if result.data is not None or not result.errors or any(error.path for error in result.errors):
            answer["data"] = result.data
        return answer

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Write an answer."""
        response = super().create_response(response_data, sub_response)
        response.headers.update(_ANSWER_HEADERS)
        return response


def _at_most(most: int, receive: Receive) -> Receive:
    # What a client says of the size may be missing or wrong: what counts is what comes.
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise BodyTooLarge(phrase="request-too-large", bytes=most)
        return message

    return counting


def _request_data(parameters: Any) -> GraphQLRequestData:
    if not isinstance(parameters, dict):
        raise BadRequest(phrase="request-body-not-object")
    for name, expected in (("query", str), ("operationName", str), ("variables", dict), ("extensions", dict)):
        value = parameters.get(name)
        if value is not None and not isinstance(value, expected):
            raise BadRequest(phrase="request-wrong-parameter", parameter=name)
    return GraphQLRequestData(
        query=parameters.get("query"),
        variables=parameters.get("variables"),
        operation_name=parameters.get("operationName") or None,
        extensions=parameters.get("extensions"),
    )


def _needs_log_in(result: ExecutionResult) -> bool:
    # Only if nothing at all was answered: a field that is open to anyone has its data.
    causes = [getattr(error.original_error, "code", None) for error in result.errors or ()]
    nothing = result.data is None or all(value is None for value in result.data.values())
    return nothing and "UNAUTHENTICATED" in causes


def _refuse(problem: Problem, context: Context) -> Response:
    headers = dict(_ANSWER_HEADERS)
    if isinstance(problem, MethodNotAllowed):
        headers["Allow"] = "GET, POST"
    if problem.code == "TOKEN_EXPIRED":
        headers["Token-Expired"] = "true"
    if problem.code in ("TOKEN_EXPIRED", "UNAUTHENTICATED"):
        # RFC 6750, section 3.1
        headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return Response(
        orjson.dumps({"errors": [say_problem(problem, context)]}),
        status_code=status_of(problem),
        headers=headers,
        media_type="application/json",
    )
