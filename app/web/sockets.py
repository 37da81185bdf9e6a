"""GraphQL over WebSocket by the protocol `graphql-transport-ws`, behind the same doors as HTTP.

Subclasses Strawberry's handler where it differs from the protocol, or trusts what a client sends.
Source: https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, aclosing, nullcontext
from typing import Any, Protocol, cast

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.websockets import WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import (
    ConnectionInitMessage,
    Message,
    NextMessagePayload,
    SubscribeMessage,
)
from strawberry.types.execution import ExecutionResult, PreExecutionError

from app.graph.context import Context, Services
from app.graph.errors import BadRequest, InternalError, say_refusal, say_result
from app.graph.schema import SecuredSchema
from app.kit.problem import Problem, Problems
from app.security.tokens import AccessClaims
from app.web.clients import address_of
from app.web.connections import RESTARTED, Connections, token_ends
from app.web.deadlines import TimeLimits, all_in_time
from app.web.documents import NamedDocuments
from app.web.exchange import Exchange, current
from app.web.frames import TOO_MANY
from app.web.operations import prepare_operation
from app.web.rates import Rates
from app.web.watching import Watch

BAD_REQUEST = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
"""Of the codes that fit a bad token, the one after which clients come again: graphql-ws takes 4401 as final,
but 4403 as an invitation to ask for a new token and connect anew."""
SUBSCRIBER_EXISTS = 4409
INTERNAL_SERVER_ERROR = 4500

# RFC 6455, section 5.5: a control frame holds 125 bytes, and two of them are the code.
_LONGEST_REASON = 123
# What a browser cannot send with the handshake, and clients send with the first message instead.
_HEADERS_IN_PAYLOAD = (
    *("authorization", "accept-language"),
    *("x-device-signature", "x-software-version", "x-hardware-version"),
)

_OBJECT, _TEXT = (dict, type(None)), (str, type(None))
_SUBSCRIBE_TYPES: Mapping[str, tuple[type, ...]] = {
    "query": (str,),
    "operationName": _TEXT,
    "variables": _OBJECT,
    "extensions": _OBJECT,
}


class SocketView(Protocol):
    """What a socket needs of the endpoint that it belongs to."""

    schema: SecuredSchema
    services: Services
    connections: Connections
    named_documents: NamedDocuments
    rates: Rates
    time_limits: TimeLimits
    watch: Watch

    def context_of(self, connection: HTTPConnection) -> Context:
        """Make the context of one operation."""


class SocketAdapter(ASGIWebSocketAdapter):
    """Reads and writes the messages of one socket."""

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """Give each message as JSON, whatever it is.

        Raises:
            NonTextMessageReceived: It is binary.
            NonJsonMessageReceived: It is no JSON.
        """
        while self.ws.application_state is not WebSocketState.DISCONNECTED:
            try:
                text = await self.ws.receive_text()
            except WebSocketDisconnect:
                return
            except KeyError as error:
                raise NonTextMessageReceived from error
            try:
                message = self.view.decode_json(text)
            except (ValueError, RecursionError) as error:
                raise NonJsonMessageReceived from error
            yield message

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message as text, which the protocol wants.

        Raises:
            WebSocketDisconnected: The socket is closed.
        """
        if self.ws.application_state is WebSocketState.DISCONNECTED:
            raise WebSocketDisconnected
        text = cast("bytes", self.view.encode_json(message))
        if (exchange := current.get()) is not None:
            exchange.sent_bytes += len(text)
        try:
            await self.ws.send_text(text.decode())
        except WebSocketDisconnect as error:
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket, unless it is; a reason that is too long for it is cut."""
        if self.ws.application_state is not WebSocketState.DISCONNECTED:
            await self.ws.close(code, reason.encode()[:_LONGEST_REASON].decode(errors="ignore"))


class SocketOperation(Operation[Context, None]):
    """One operation of a socket.

    Attributes:
        context: Its own, as if it had come by HTTP.
        exchange: Its own as well.
        extensions: What the client sent beside it.
        is_stream: Whether it goes on until somebody ends it.
    """

    __slots__ = ("context", "exchange", "extensions", "is_stream")

    def __init__(
        self,
        handler: "SocketHandler",
        id: str,  # noqa: A002
        payload: Mapping[str, Any],
        context: Context,
        exchange: Exchange,
    ) -> None:
        super().__init__(handler, id, payload["query"], payload.get("variables"), payload.get("operationName"))
        self.context = context
        self.exchange = exchange
        self.extensions: Mapping[str, Any] | None = payload.get("extensions")
        self.is_stream = False

    async def refuse(self, refusal: Problem | Problems) -> None:
        """Send an error as the operation's last word."""
        await self.send_errors(say_refusal(refusal, self.context))

    async def send_errors(self, errors: list[dict[str, Any]]) -> None:
        """Send errors, said already, as the operation's last word."""
        self.exchange.tell(errors)
        await self.send_operation_message({"id": self.id, "type": "error", "payload": cast("Any", errors)})


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Speaks the protocol over one socket."""

    def __init__(self, view: Any, websocket: Any, context: Context, *arguments: Any, **others: Any) -> None:
        super().__init__(view, websocket, context, *arguments, **others)
        self.endpoint: SocketView = view
        self.connection: HTTPConnection = websocket.ws
        self.watches: list[asyncio.Task[None]] = []
        self._is_silent = True

    async def handle(self) -> None:
        """Serve the socket until it is closed."""
        self.endpoint.connections.note_uninitialised(1)
        self.watches.append(asyncio.create_task(self._end_with_server()))
        try:
            await super().handle()
        finally:
            self._end_silence()

    async def shutdown(self) -> None:
        """End all that the socket had going."""
        for watch in self.watches:
            watch.cancel()
        await asyncio.gather(*self.watches, return_exceptions=True)
        await super().shutdown()

    async def handle_message(self, message: Message) -> None:
        """Take a message, if it is one."""
        if (fault := fault_of(message)) is not None:
            await self.handle_invalid_message(fault)
        else:
            await super().handle_message(message)

    async def handle_connection_init(self, message: ConnectionInitMessage) -> None:
        """Let a client in, unless it shows a token that is not valid."""
        if self.connection_timed_out:
            return
        if self.connection_init_received:
            await self.websocket.close(TOO_MANY, "Too many initialisation requests")
            return
        self.connection_init_received = True
        self._end_silence()
        if self.connection_init_timeout_task is not None:
            self.connection_init_timeout_task.cancel()
        self.connection = _with_headers(self.connection, message.get("payload") or {})
        self.context = self.endpoint.context_of(self.connection)
        if self.context.token_fault is not None:
            await self._turn_away(self.context.token_fault)
            return
        await self.send_message({"type": "connection_ack"})
        self.connection_acknowledged = True
        if self.context.claims is not None:
            self.watches.append(asyncio.create_task(self._end_with_token(self.context.claims)))

    async def handle_subscribe(self, message: SubscribeMessage) -> None:
        """Start an operation, unless the server ends: the client comes again with it."""
        if self.endpoint.connections.ending.is_set():
            return
        if not self.connection_acknowledged:
            await self.websocket.close(UNAUTHORIZED, "Unauthorized")
            return
        if message["id"] in self.operations:
            await self.websocket.close(SUBSCRIBER_EXISTS, f"Subscriber for {message['id']} already exists")
            return
        exchange, scope = Exchange.of_operation(self.connection.scope)
        self.endpoint.watch.prepare(exchange)
        context = self.endpoint.context_of(HTTPConnection(scope))
        if context.token_fault is not None:
            await self._turn_away(context.token_fault)
            return
        operation = SocketOperation(self, message["id"], message["payload"], context, exchange)
        most = self.endpoint.connections.limits.subscriptions
        is_one_too_many = len(self.operations) >= most
        self.operations[operation.id] = operation
        if is_one_too_many:
            with self.endpoint.watch.watching(exchange, scope):
                await operation.refuse(BadRequest(phrase="request-too-many-operations", most=most))
            return
        operation.task = asyncio.create_task(self.run_operation(operation))
        operation.task.add_done_callback(self._task_done)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """Execute an operation; whatever happens, the client is told by a message, and the socket stays."""
        assert isinstance(operation, SocketOperation)  # noqa: S101 - made above
        with self.endpoint.watch.watching(operation.exchange, self.connection.scope):
            await self._run(operation)

    async def _run(self, operation: SocketOperation) -> None:
        context = operation.context
        try:
            await self._send_results(operation)
        except WebSocketDisconnected:
            return
        except (Problem, Problems) as refusal:
            await operation.refuse(refusal)
        except Exception as error:  # noqa: BLE001 - the last door: nothing internal may pass it
            context.log_failure(error, "")
            await operation.refuse(InternalError(requestId=context.request_id))

    async def _send_results(self, operation: SocketOperation) -> None:
        context, schema = operation.context, self.endpoint.schema
        named = self.endpoint.named_documents.find(operation.query, None, operation.extensions)
        address, rates = address_of(self.connection.scope), self.endpoint.rates
        rates.count_request(address)
        prepared = await prepare_operation(
            context,
            schema,
            named,
            operation.operation_name,
            operation.extensions,
            rates=rates,
            address=address,
        )
        operation.is_stream = prepared.is_subscription
        if operation.is_stream and self.endpoint.connections.ending.is_set():
            return
        results = await schema.stream(
            named.text,
            variable_values=operation.variables,
            context_value=context,
            operation_name=operation.operation_name,
        )
        counted: AbstractContextManager[None] = nullcontext()
        if operation.is_stream:
            counted = self.endpoint.connections.subscription()
        else:
            results = all_in_time(self.endpoint.time_limits.execution_seconds, results)
        with counted:
            await self._send_each(operation, results)

    async def _send_each(self, operation: SocketOperation, results: Any) -> None:
        context = operation.context
        async with aclosing(results):
            async for result in results:
                # There is nothing else: this schema has no incremental delivery.
                answer: dict[str, Any] = {**say_result(cast("ExecutionResult", result), context)}
                if isinstance(result, PreExecutionError) or "data" not in answer:
                    await operation.send_errors(answer["errors"])
                    return
                operation.exchange.tell(answer.get("errors"))
                await operation.send_operation_message(
                    {"id": operation.id, "type": "next", "payload": cast("NextMessagePayload", answer)}
                )
        await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _end_with_token(self, claims: AccessClaims) -> None:
        fault = await token_ends(claims, self.endpoint.services)
        for operation in self._end_streams():
            await operation.refuse(fault)
        await self._finish()
        await self._turn_away(fault)

    async def _end_with_server(self) -> None:
        await self.endpoint.connections.ending.wait()
        self._end_streams()
        await self._finish()
        await self.websocket.close(RESTARTED, "")

    def _end_streams(self) -> list[SocketOperation]:
        streams = [each for each in self._running() if each.is_stream]
        for operation in streams:
            if operation.task is not None:
                operation.task.cancel()
        return streams

    async def _finish(self) -> None:
        # What has only one answer was begun in time and is let finish: cut off, nobody knew if it was done.
        tasks = [operation.task for operation in self._running() if operation.task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)

    def _running(self) -> list[SocketOperation]:
        return [each for each in self.operations.values() if isinstance(each, SocketOperation) and each.task]

    async def _turn_away(self, fault: Problem) -> None:
        await self.websocket.close(FORBIDDEN, fault.code)

    def _end_silence(self) -> None:
        if self._is_silent:
            self._is_silent = False
            self.endpoint.connections.note_uninitialised(-1)


def fault_of(message: object) -> str | None:
    """Say why something that a client sent is no message of the protocol; None if it is one."""
    if not isinstance(message, dict):
        return "A message has to be a JSON object"
    kind, payload = message.get("type"), message.get("payload")
    if kind in ("connection_init", "ping", "pong"):
        return None if isinstance(payload, _OBJECT) else "The payload has to be an object"
    if kind not in ("subscribe", "complete"):
        return "Unknown message type"
    if not isinstance(message.get("id"), str) or not message["id"]:
        return "The id has to be a text that is not empty"
    if kind == "complete":
        return None
    if not isinstance(payload, dict):
        return "The payload has to be an object"
    wrong = next(
        (name for name, types in _SUBSCRIBE_TYPES.items() if not isinstance(payload.get(name), types)), None
    )
    return None if wrong is None else f"The payload's {wrong} is of the wrong type"


def _with_headers(connection: HTTPConnection, payload: Mapping[str, object]) -> HTTPConnection:
    """Give the connection as if it had come with the headers that stand in the first message."""
    said = [
        (name.lower().encode(), value.encode("latin-1", "replace") if isinstance(value, str) else b"")
        for name, value in payload.items()
        if name.lower() in _HEADERS_IN_PAYLOAD
    ]
    names = {name for name, _ in said}
    kept = [(name, value) for name, value in connection.headers.raw if name not in names]
    return HTTPConnection({**connection.scope, "headers": Headers(raw=kept + said).raw})
