"""Traces by OpenTelemetry's API: a span for each request and each operation of a socket, and one for each room.

Only the API is used. Whoever runs the server brings the SDK and sets a tracer provider, by
`opentelemetry-instrument` or by `OTEL_PYTHON_TRACER_PROVIDER`; without one nobody makes a span. The rooms are told
of when the exchange ends, from the times that were noted, so that it costs no more while it is served.

No attribute holds a variable, a token, a code, a password or an address of e-mail. Of documents only the names of
valid ones are told; of statements the texts, whose values are binds.

Source: OpenTelemetry's semantic conventions for spans of HTTP, databases and GraphQL.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter_ns, time_ns

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    NoOpTracerProvider,
    ProxyTracerProvider,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    TraceState,
)
from opentelemetry.util.types import AttributeValue
from starlette.types import Scope

from app.web.exchange import ANSWER, DATABASE, Exchange, Stay
from app.web.trace_context import read_tracestate

NAME = "share-price-viewer"
"""The name of what makes the spans."""

ROOMS = ("auth", "plan", "database", "execute", "answer")
"""The names of the rooms' spans, by the rooms' numbers."""

# Whatever else a client may make up is named by none of these (semantic conventions, http.request.method).
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_FAILURES = frozenset({"INTERNAL_ERROR", "UNAVAILABLE"})

_Epoch = Callable[[int], int]


class Tracing:
    """Tells of exchanges as spans, where somebody listens.

    Attributes:
        tracer: What makes spans; None where nobody listens.
    """

    def __init__(self, database: str) -> None:
        """Begin without spans.

        Args:
            database: The kind of database that statements are for: sqlite or postgresql.
        """
        self.tracer: Tracer | None = None
        self._database = database

    def begin(self) -> None:
        """Find out whether somebody listens. Who comes later is told nothing."""
        provider = trace.get_tracer_provider()
        if not isinstance(provider, ProxyTracerProvider | NoOpTracerProvider):
            self.tracer = provider.get_tracer(NAME)

    @contextmanager
    def watching(self, exchange: Exchange, scope: Scope) -> Iterator[None]:
        """Have whatever is done belong to the span of an exchange; it is still to be ended."""
        span = self.start(exchange, scope)
        token = contexts.attach(trace.set_span_in_context(span))
        try:
            yield
        finally:
            contexts.detach(token)

    def start(self, exchange: Exchange, scope: Scope) -> Span:
        """Start the span of an exchange, as of its beginning, in the trace of its caller if it has one."""
        assert self.tracer is not None  # noqa: S101 - nobody asks otherwise
        span = exchange.span = self.tracer.start_span(
            _method(scope),
            context=_of_caller(exchange, scope),
            kind=SpanKind.SERVER,
            attributes=_known_before(exchange, scope),
            start_time=_epoch()(exchange.began),
        )
        found = span.get_span_context()
        if found.is_valid:
            exchange.trace_id = trace.format_trace_id(found.trace_id)
        if not span.is_recording():
            exchange.stays = None
        elif exchange.stays is None:
            exchange.stays = []
        return span

    def end(self, exchange: Exchange, scope: Scope) -> None:
        """End the span of an exchange, and tell of the rooms that it went through."""
        span = exchange.span or self.start(exchange, scope)
        epoch, now = _epoch(), perf_counter_ns()
        if span.is_recording():
            within = trace.set_span_in_context(span)
            for stay in exchange.stays or ():
                self._tell(stay, within, epoch)
            if exchange.stays:
                self._tell((ANSWER, exchange.left, now, None), within, epoch)
            span.update_name(_name(exchange, scope))
            span.set_attributes(_known_after(exchange, scope))
            if (exchange.status or 0) >= 500 or not _FAILURES.isdisjoint(exchange.codes):
                span.set_status(StatusCode.ERROR)
        span.end(epoch(now))

    def _tell(self, stay: Stay, within: Context, epoch: _Epoch) -> None:
        assert self.tracer is not None  # noqa: S101 - nobody asks otherwise
        room, began, ended, statement = stay
        attributes: dict[str, AttributeValue] = {}
        if room == DATABASE:
            attributes["db.system.name"] = self._database
        if statement is not None:
            attributes["db.operation.name"] = statement.split(maxsplit=1)[0].upper()
            attributes["db.query.text"] = statement
        span = self.tracer.start_span(
            ROOMS[room],
            context=within,
            kind=SpanKind.CLIENT if room == DATABASE else SpanKind.INTERNAL,
            attributes=attributes,
            start_time=epoch(began),
        )
        span.end(epoch(ended))


def _epoch() -> _Epoch:
    """Give what makes nanoseconds since 1970 of those of the clock that durations are taken by."""
    difference = time_ns() - perf_counter_ns()
    return lambda moment: moment + difference


def _of_caller(exchange: Exchange, scope: Scope) -> Context:
    caller = exchange.caller
    if caller is None:
        return Context()
    state = read_tracestate(value for name, value in scope["headers"] if name == b"tracestate")
    return trace.set_span_in_context(
        NonRecordingSpan(
            SpanContext(
                int(caller.trace_id, 16),
                int(caller.span_id, 16),
                is_remote=True,
                trace_flags=TraceFlags(caller.flags),
                trace_state=TraceState(state),
            )
        ),
        Context(),
    )


def _known_before(exchange: Exchange, scope: Scope) -> dict[str, AttributeValue]:
    known: dict[str, AttributeValue] = {"shares.request_id": exchange.request_id}
    if scope.get("client"):
        known["client.address"] = scope["client"][0]
    if exchange.transport == "socket":
        known["network.protocol.name"] = "websocket"
    else:
        known["http.request.method"] = _method(scope) if _method(scope) != "HTTP" else "_OTHER"
        known["url.path"] = scope.get("path", "")
        known["url.scheme"] = scope.get("scheme", "http")
    return known


def _known_after(exchange: Exchange, scope: Scope) -> dict[str, AttributeValue]:
    known: dict[str, AttributeValue] = {"shares.way": exchange.way, "shares.statements": exchange.statements}
    if (route := _route(exchange, scope)) is not None:
        known["http.route"] = route
    if exchange.status is not None:
        known["http.response.status_code"] = exchange.status
    if exchange.operation is not None:
        known["graphql.operation.type"] = exchange.operation.kind
        if exchange.operation.name is not None:
            known["graphql.operation.name"] = exchange.operation.name
    if codes := exchange.all_codes:
        known["error.type"] = codes[0]
        known["shares.error_codes"] = codes
    return known


def _name(exchange: Exchange, scope: Scope) -> str:
    if exchange.transport == "socket":
        return "operation" if exchange.operation is None else exchange.operation.kind
    route = _route(exchange, scope)
    return _method(scope) if route is None else f"{_method(scope)} {route}"


def _method(scope: Scope) -> str:
    method = "GET" if scope["type"] == "websocket" else scope.get("method")
    return method if method in _METHODS else "HTTP"


def _route(exchange: Exchange, scope: Scope) -> str | None:
    """Give the path that a request was led by, with names in the place of what clients choose."""
    if exchange.transport == "socket":
        return None
    if (route := scope.get("route")) is not None:
        path: str | None = getattr(route, "path", None)
        return path
    # What has a version and came by no route was led by its very path.
    return None if exchange.version is None else str(scope["path"])
