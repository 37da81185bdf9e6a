"""The GraphQL endpoint: media types, statuses, tokens, and Strawberry behind them.

Subclasses Strawberry's view at the seams that it offers. What ends a request here is a problem like any
other, said in the caller's language as `{"errors": [...]}`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, aclosing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import GraphQL
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.http.streaming import HTTPStreamTransport
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult

from app.graph.context import Context, Services
from app.graph.errors import BadRequest, InternalError, say_refusal, say_result
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock
from app.kit.problem import Problem
from app.web.batches import Turn, answer_as_a_whole, hold_to_length
from app.web.caching import NO_STORE, for_caches
from app.web.clients import address_of
from app.web.compiled import ShortWay, WriteFailed
from app.web.connections import Connections, token_ends, until
from app.web.context import make_context
from app.web.deadlines import OutOfTime, RequestTooSlow, TimeLimits, all_in_time, deadline, is_late
from app.web.documents import Named, NamedDocuments
from app.web.events import EventStream, EventTransport
from app.web.exchange import AtOnce, Exchange, exchange_of
from app.web.kept_answers import KeptAnswers
from app.web.media_types import EVENT_STREAM, JSON, is_json, negotiate
from app.web.operations import Operation, prepare_operation
from app.web.pages import graphiql_page
from app.web.problems import (
    BodyTooLarge,
    ForeignOrigin,
    MalformedRequest,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    request_error_status,
    status_of,
)
from app.web.rates import Rates, TooOften
from app.web.refusing import Voice, deny, headers_of_refusal, refuse
from app.web.repeatability import Answered, Attempt, Repeatability
from app.web.sockets import INTERNAL_SERVER_ERROR, SocketAdapter, SocketHandler
from app.web.watching import Watch

# RFC 8259, section 8.1: a reader may ignore it, and some writers of files cannot do without.
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PARAMETERS = (
    ("query", str),
    ("documentId", str),
    ("operationName", str),
    ("variables", dict),
    ("extensions", dict),
)


@dataclass(kw_only=True)
class RequestData(GraphQLRequestData):
    """The parameters of a request.

    Attributes:
        named: The document, wherever it was found; `query` has its text.
    """

    named: Named


class GraphQLView(GraphQL[Context, None]):
    """One API version's endpoint."""

    schema: SecuredSchema
    graphql_transport_ws_handler_class = SocketHandler
    websocket_adapter_class = SocketAdapter
    stream_transport_classes_by_protocol: Mapping[str, type[HTTPStreamTransport]] = MappingProxyType(
        {GRAPHQL_SSE_PROTOCOL: EventTransport}
    )

    def __init__(
        self,
        schema: SecuredSchema,
        services: Services,
        *,
        named_documents: NamedDocuments,
        built_pages: Path,
        max_body_bytes: int,
        max_batch: int,
        connections: Connections,
        allowed_origins: Sequence[str],
        clock: Clock,
        repeatability: Repeatability,
        rates: Rates,
        time_limits: TimeLimits,
        kept_answers: KeptAnswers | None,
        watch: Watch,
    ) -> None:
        super().__init__(
            schema,
            subscription_protocols=(GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL),
            connection_init_wait_timeout=connections.limits.init_wait,
            allowed_origins=allowed_origins,
        )
        self.services = services
        self.named_documents = named_documents
        self.built_pages = built_pages
        self.max_body_bytes = max_body_bytes
        self.max_batch = max_batch
        self.connections = connections
        self.clock = clock
        self.repeatability = repeatability
        self.rates = rates
        self.time_limits = time_limits
        self.watch = watch
        self.short_way: ShortWay | None = ShortWay(
            schema, services, named_documents, rates, time_limits, kept_answers, max_body_bytes=max_body_bytes
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request or serve a socket; whatever happens, an answer is JSON with a code, or a page."""
        if scope["type"] == "websocket":
            await self._serve_socket(WebSocket(scope, receive, send))
            return
        try:
            # Before even a token is looked at.
            self.rates.count_request(address_of(scope))
            if self.short_way is not None:
                remaining = await self.short_way.answer(scope, receive, send)
                if remaining is None:
                    return
                receive = remaining
        except (TooOften, OutOfTime) as problem:
            await refuse(problem, Voice.of(scope, self.services.phrases), scope)(scope, receive, send)
            return
        except WriteFailed as failure:
            await self._tell_of(failure, Request(scope))(scope, receive, send)
            return
        await self._answer(scope, receive, send)

    def at_once(self, scope: Scope) -> AtOnce | None:
        """Say how requests for what is kept, or is read in no time, are answered; nobody is refused there."""
        found = None if self.short_way is None else self.short_way.at_once(scope)
        if found is None:
            return None
        quota, answer_of = self.rates.quota_of(address_of(scope)), found.answer

        def answer(exchange: Exchange, body: bytes) -> bytes | None:
            try:
                quota.take()
            except TooOften:
                # To be told so in words, which is not done here.
                return None
            said = answer_of(exchange, body)
            if said is None:
                quota.give_back()
            return said

        return AtOnce(answer, found.headers)

    def _tell_of(self, failure: WriteFailed, request: Request) -> Response:
        """Answer as the executor would have, of whose failures the words and the log are the same."""
        context = self.context_of(request)
        said = say_result(failure.result, context)
        exchange_of(request.scope).tell(said["errors"])
        media_type = negotiate(",".join(request.headers.getlist("accept"))) or JSON
        headers = {"Content-Language": context.locale, "Cache-Control": NO_STORE}
        return Response(orjson.dumps(said), headers=headers, media_type=f"{media_type}; charset=utf-8")

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, _held_back(scope, receive, self.max_body_bytes, self.time_limits.request_seconds))
        context = self.context_of(request)
        accepted = negotiate(",".join(request.headers.getlist("accept")))
        request.state.media_type = accepted
        request.state.keeping = None
        with ExitStack() as counted:
            try:
                if accepted == EVENT_STREAM:
                    counted.enter_context(self.connections.stream(request))
                response = await self.run(request, context=context)
            except Problem as problem:
                response = refuse(problem, context, scope, accepted or JSON)
            except ClientDisconnect:
                # Nobody waits for an answer any more, and nothing failed here.
                return
            except Exception as error:  # noqa: BLE001 - the last door: nothing internal may pass it
                context.log_failure(error, "")
                response = refuse(InternalError(requestId=context.request_id), context, scope, accepted or JSON)
            if not isinstance(response, HTMLResponse | EventStream):  # Those say themselves how they may be kept.
                held = ", ".join(request.headers.getlist("if-none-match")) or None
                if context.has_spoken:
                    # An answer that is given again is in the language that it was in.
                    response.headers.setdefault("Content-Language", context.locale)
                response = for_caches(response, request.method, held, request.state.keeping)
            with suppress(ClientDisconnect):
                await response(scope, receive, send)

    async def _serve_socket(self, socket: WebSocket) -> None:
        context = self.context_of(socket)
        try:
            self.rates.count_request(address_of(socket.scope))
            with self.connections.socket(socket):
                await self.run(socket, context=context)
        except Problem as problem:
            await deny(refuse(problem, context, socket.scope), socket.scope, socket.receive, socket.send)
        except (WebSocketDisconnect, OSError):
            # The client is gone, and nothing failed here.
            return
        except Exception as error:  # noqa: BLE001 - the last door: nothing internal may pass it
            context.log_failure(error, "")
            if socket.application_state is WebSocketState.CONNECTED:
                await socket.close(INTERNAL_SERVER_ERROR, InternalError.code)

    def context_of(self, connection: HTTPConnection) -> Context:
        """Make the context of one operation."""
        return make_context(connection, self.services, self.schema, self.clock())

    async def reject_websocket(self, request: WebSocket) -> NoReturn:
        """Refuse a socket to a page of another origin.

        Raises:
            ForeignOrigin: Always.
        """
        raise ForeignOrigin(phrase="request-foreign-origin")

    def is_request_allowed(self, request: Any) -> bool:
        """Take GET and POST only."""
        if request.method not in ("GET", "POST"):
            raise MethodNotAllowed(phrase="request-method", method=request.method)
        return True

    def should_render_graphql_ide(self, request: Any) -> bool:
        """Show the page to whoever opens the address in a browser."""
        return (
            request.method == "GET"
            and not any(request.query_params.get(name) for name in ("query", "documentId", "extensions"))
            and "text/html" in request.headers.get("accept", "")
        )

    async def render_graphql_ide(self, request: Request) -> Response:
        """Give GraphiQL as it was built, from this server alone."""
        return graphiql_page(self.built_pages, request.url)

    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        """Read the parameters of the request (GraphQL over HTTP, sections 5 and 6).

        Returns:
            The parameters; of a list of operations those of each as they came, to be read when it has its turn.

        Raises:
            DoorProblem: The body is too large, not JSON or too long a list, or a parameter has the wrong form.
        """
        if request.method == "GET":
            parameters = {
                name: self._decode(value, name) if name in ("variables", "extensions") else value
                for name, value in request.query_params.items()
                if value and isinstance(value, str)
            }
        else:
            # What is compressed is not JSON yet, and is never unpacked: it could be of any size.
            if (
                not is_json(request.content_type)
                or request.headers.get("content-encoding", "identity").lower() != "identity"
            ):
                raise UnsupportedMediaType(phrase="request-media-type")
            parameters = self._decode((await request.get_body()).removeprefix(_BYTE_ORDER_MARK))
        if isinstance(parameters, list):
            hold_to_length(parameters, self.max_batch)
            return cast("list[GraphQLRequestData]", parameters)
        return self._request_data(parameters)

    def _request_data(self, parameters: Any) -> RequestData:
        if isinstance(parameters, list):
            raise MalformedRequest(phrase="request-batch")
        if not isinstance(parameters, dict):
            raise MalformedRequest(phrase="request-body-not-object")
        for name, expected in _PARAMETERS:
            value = parameters.get(name)
            if value is not None and not isinstance(value, expected):
                raise MalformedRequest(phrase="request-wrong-parameter", parameter=name)
        extensions = parameters.get("extensions")
        named = self.named_documents.find(parameters.get("query"), parameters.get("documentId"), extensions)
        return RequestData(
            query=named.text,
            named=named,
            variables=parameters.get("variables"),
            operation_name=parameters.get("operationName") or None,
            extensions=extensions,
        )

    def _decode(self, content: str | bytes, parameter: str | None = None) -> Any:
        """Read the JSON of a parameter; None for the body."""
        try:
            return self.decode_json(content)
        except ValueError as error:
            if parameter is not None:
                raise MalformedRequest(phrase="request-wrong-parameter", parameter=parameter) from error
            raise MalformedRequest(phrase="request-not-json") from error

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
        """Execute the operation of the request, or each of its list.

        Raises:
            NotAcceptable: The client takes nothing that the server writes.
            InvalidToken: The token is not valid, and the operation is not one of those that do without.
            MethodNotAllowed: A mutation came by GET.
            MalformedRequest: A list came where it cannot be.
            TooOften: With the list the address has sent too many requests.
        """
        if request.state.media_type is None:
            raise NotAcceptable(phrase="request-not-acceptable")
        if not isinstance(request_data, list):
            return await self._execute(request, request_adapter, request_data, context, root_value, sub_response)
        if request.state.media_type == EVENT_STREAM:
            raise MalformedRequest(phrase="request-batch-stream")
        self.repeatability.refuse_batch(request.headers)
        # One was counted when the request came in.
        self.rates.count_request(address_of(request.scope), times=len(request_data) - 1)
        turns: list[Turn] = []
        for parameters in request_data:
            own = self.context_of(request) if turns else context
            turns.append(await self._take_turn(request, request_adapter, parameters, own))
            context.has_spoken = context.has_spoken or own.has_spoken
        sub_response.media_type = request.state.media_type
        answer_as_a_whole(turns, sub_response, exchange_of(request.scope))
        return [Answered.of(turn.answer) for turn in turns]

    async def _take_turn(
        self, request: Request, request_adapter: AsyncHTTPRequestAdapter, parameters: Any, context: Context
    ) -> Turn:
        """Execute one operation of a list; whatever happens, the others have their turn."""
        response = await self.get_sub_response(request)
        problem: Problem
        try:
            result = await self._execute(
                request, request_adapter, self._request_data(parameters), context, None, response
            )
            return Turn(say_result(result, context), response.status_code or HTTPStatus.OK, dict(response.headers))
        except Problem as refusal:
            problem = refusal
        except Exception as error:  # noqa: BLE001 - the others are not to suffer, and nothing internal may pass
            context.log_failure(error, "")
            problem = InternalError(requestId=context.request_id)
        answer: GraphQLHTTPResponse = {"errors": cast("Any", say_refusal(problem, context))}
        return Turn(answer, status_of(problem, request.state.media_type), headers_of_refusal(problem))

    async def _execute(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        request_data: GraphQLRequestData,
        context: Context,
        root_value: None,
        sub_response: Response,
    ) -> Any:
        """Prepare the operation, hold the method against it, then let Strawberry execute it."""
        assert isinstance(request_data, RequestData)  # noqa: S101 - made in _request_data
        operation = await prepare_operation(
            context,
            self.schema,
            request_data.named,
            request_data.operation_name,
            request_data.extensions,
            rates=self.rates,
            address=address_of(request.scope),
        )
        if request_adapter.method == "GET" and operation.is_mutation:
            raise MethodNotAllowed(phrase="request-mutation-by-get")
        request.state.context = context
        attempt = Attempt(
            request=request,
            operation=operation,
            data=request_data,
            schema=self.schema.graphql,
            context=context,
            execute=lambda: self.execute_single(
                request, request_adapter, sub_response, context, root_value, request_data
            ),
        )
        if request.state.media_type == EVENT_STREAM:
            self.repeatability.refuse_stream(attempt)
            request_data.protocol = "sse"
            exchange_of(request.scope).transport = "stream"
            return self._until_token_ends(context, request_data, operation)
        if operation.is_subscription:
            raise BadRequest(phrase="request-subscription")
        async with deadline(self.time_limits.execution_seconds):
            result = await self.repeatability.run(attempt, sub_response)
        exchange = exchange_of(request.scope)
        if isinstance(result, Answered) and exchange.way == "none":
            # Answered long ago, and nothing was executed now.
            exchange.way = "kept"
        if result.data is None and not any(error.path for error in result.errors or ()):
            sub_response.status_code = request_error_status(request.state.media_type)
        elif _needs_log_in(result):
            sub_response.status_code = HTTPStatus.UNAUTHORIZED
            sub_response.headers["WWW-Authenticate"] = "Bearer"
        sub_response.media_type = request.state.media_type
        if operation.known.is_valid:
            self.named_documents.keep(request_data.named)
        if request_adapter.method == "GET" and not result.errors:
            request.state.keeping = operation.known.keeping(self.schema.graphql, operation.node)
        return result

    async def _until_token_ends(
        self, context: Context, request_data: GraphQLRequestData, operation: Operation
    ) -> AsyncGenerator[ExecutionResult, None]:
        results: Any = await self.schema.stream(
            request_data.query,
            variable_values=request_data.variables,
            context_value=context,
            operation_name=request_data.operation_name,
        )
        if operation.is_subscription:
            results = self._counted(results)
        else:
            results = _in_time(self.time_limits.execution_seconds, results)
        if context.claims is None:
            async with aclosing(results):
                async for result in results:
                    yield result
            return
        ends = asyncio.ensure_future(token_ends(context.claims, self.services))
        async with aclosing(until(ends, results)) as passing:
            async for result in passing:
                yield result
        if not ends.cancelled():
            yield _refused(ends.result())

    async def _counted(
        self, results: AsyncGenerator[ExecutionResult, None]
    ) -> AsyncGenerator[ExecutionResult, None]:
        with self.connections.subscription():
            async with aclosing(results):
                async for result in results:
                    yield result

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """Put a result into the form of an answer, its errors in words."""
        said = result.answer if isinstance(result, Answered) else say_result(result, request.state.context)
        exchange_of(request.scope).tell(said.get("errors"))
        return said

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Write an answer."""
        response = super().create_response(response_data, sub_response)
        response.headers["Content-Type"] = f"{sub_response.media_type}; charset=utf-8"
        return response

    async def create_streaming_response(
        self,
        request: Request | WebSocket,
        stream: Callable[[], AsyncIterator[str]],
        sub_response: Response,
        headers: Mapping[str, str],
    ) -> Response:
        """Begin a stream of events; it ends with the server, so that clients come again to another."""
        events = cast("AsyncGenerator[str, None]", stream())
        return EventStream(until(self.connections.ending.wait(), events))


def _held_back(scope: Scope, receive: Receive, most: int, seconds: float) -> Receive:
    # What a client says of the size may be missing or wrong: what counts is what comes.
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise BodyTooLarge(phrase="request-too-large", bytes=most)
        if message.get("more_body") and is_late(scope):
            raise RequestTooSlow(phrase="request-too-slow", most=round(seconds))
        return message

    return counting


async def _in_time(
    seconds: float, results: AsyncGenerator[ExecutionResult, None]
) -> AsyncGenerator[ExecutionResult, None]:
    try:
        async for result in all_in_time(seconds, results):
            yield result
    except OutOfTime as problem:
        yield _refused(problem)


def _refused(problem: Problem) -> ExecutionResult:
    return ExecutionResult(data=None, errors=[GraphQLError(problem.code, original_error=problem)])


def _needs_log_in(result: ExecutionResult) -> bool:
    # Only if nothing at all was answered: a field that is open to anyone has its data.
    causes = [getattr(error.original_error, "code", None) for error in result.errors or ()]
    nothing = result.data is None or all(value is None for value in result.data.values())
    return nothing and "UNAUTHENTICATED" in causes
