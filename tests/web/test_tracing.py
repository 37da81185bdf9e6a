"""Spans by OpenTelemetry: one for each request and operation of a socket, one for each room, and no secret."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from itertools import pairwise
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased
from opentelemetry.trace import NoOpTracerProvider, SpanKind, StatusCode
from starlette.applications import Starlette

from app.domain import shares
from app.main import create_app
from app.settings import Settings
from app.web import exchange
from app.web.tracing import Tracing
from tests.callers import Api, Callers
from tests.factories import PASSWORD, ManualClock, make_industry, make_share, make_trader
from tests.graph.conftest import quiet_app
from tests.sockets import connected
from tests.web.conftest import Streaming
from tests.web.test_at_once import ask_at_once

pytestmark = pytest.mark.anyio

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{SPAN}-01"
COMPILED = "query Price($id: ID!) { share(id: $id) { tag price } }"
EXECUTED = "query Price($id: ID!) { share(id: $id) { tag price } service { version } }"
LOG_IN = """
mutation LogIn($email: String!, $password: String!) {
  permitLogIn(input: { email: $email, password: $password }) { tokens { accessToken refreshToken } }
}
"""

Finished = InMemorySpanExporter


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch) -> Iterator[Finished]:
    """The spans that have ended, by a provider that is there before any application is made."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    # Set for good, it would be there for all tests to come.
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)
    yield exporter
    provider.shutdown()


@pytest.fixture
async def app(finished: Finished, settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as made:
        made.state.watch.tracing.begin()
        async with made.state.services.database.unit_of_work() as session:
            await make_share(session, await make_industry(session, tag="drinks"), tag="BUD")
        finished.clear()
        yield made


def attributes(span: ReadableSpan) -> dict[str, Any]:
    """The attributes of a span but the request's id, which is another each time."""
    return {name: value for name, value in (span.attributes or {}).items() if name != "shares.request_id"}


def of_kind(spans: Sequence[ReadableSpan], kind: SpanKind) -> list[ReadableSpan]:
    return [span for span in spans if span.kind is kind]


def taken(exporter: Finished) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """The one request's span, and those below it in the order in which they began."""
    spans = exporter.get_finished_spans()
    exporter.clear()
    (request,) = of_kind(spans, SpanKind.SERVER)
    below = [span for span in spans if span is not request]
    assert {span.parent.span_id for span in below if span.parent} <= {request.context.span_id}
    assert {span.context.trace_id for span in spans} == {request.context.trace_id}
    return request, sorted(below, key=lambda span: span.start_time or 0)


def names(spans: Sequence[ReadableSpan]) -> list[str]:
    return [span.name for span in spans]


# What is told.


async def test_an_executed_operation_is_told_room_by_room(api: Api, callers: Callers, finished: Finished) -> None:
    await api(EXECUTED, {"id": "1"}, token=callers.skilled)

    request, rooms = taken(finished)
    assert (request.name, attributes(request)) == (
        "POST /graphql",
        {
            "client.address": "127.0.0.1",
            "http.request.method": "POST",
            "url.path": "/graphql",
            "url.scheme": "http",
            "http.route": "/graphql",
            "http.response.status_code": 200,
            "graphql.operation.type": "query",
            "graphql.operation.name": "Price",
            "shares.way": "executed",
            "shares.statements": 1,
        },
    )
    # First the short way was tried.
    assert names(rooms) == ["auth", "plan", "auth", "plan", "plan", "execute", "database", "answer"]
    assert request.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
async def test_what_is_answered_at_once_is_told_when_it_is_over(
    app: Starlette, api: Api, callers: Callers, finished: Finished
) -> None:
    # Of a name that no other test asks by: known already, it would be kept sooner.
    token, document = callers.skilled, "query ToldAtOnce { share(id: 1) { tag } }"
    await api(document, token=token)
    finished.clear()

    told = []
    for _ in range(3):
        assert ask_at_once(app, document, token, {"traceparent": TRACEPARENT}) is not None
        request, rooms = taken(finished)
        assert (request.name, request.context.trace_id) == ("POST /graphql", int(TRACE, 16))
        told.append((attributes(request)["shares.way"], names(rooms)))

    assert told == [
        ("compiled", ["auth", "plan", "database", "answer"]),
        ("compiled", ["auth", "plan", "database", "answer"]),
        ("kept", ["auth", "plan", "answer"]),
    ]


async def test_rooms_follow_each_other_within_the_request(api: Api, callers: Callers, finished: Finished) -> None:
    await api(COMPILED, {"id": "1"}, token=callers.skilled)
    finished.clear()

    await api(COMPILED, {"id": "1"}, token=callers.skilled)

    request, rooms = taken(finished)
    assert names(rooms) == ["auth", "plan", "database", "answer"]
    moments = [request.start_time or 0]
    for room in rooms:
        moments += [room.start_time or 0, room.end_time or 0]
    moments.append(request.end_time or 0)
    # What is converted from one clock to another may be off by as much as it takes to read both.
    assert all(later - earlier > -100_000 for earlier, later in pairwise(moments))


async def test_each_statement_is_told_without_its_values(
    app: Starlette, api: Api, callers: Callers, finished: Finished
) -> None:
    kind = app.state.services.database.dialect_name
    literal = '{ shares(filter: {tag: {startsWith: "TELLTALE"}, price: {gte: "98.7654"}}) { tag } }'
    for _ in range(2):
        await api(literal, token=callers.skilled)
        await api("query ($t: String!) { shareByTag(tag: $t) { tag } }", {"t": "TELLTALE"}, token=callers.skilled)
    await api(
        'mutation ($t: String!) { shareCreate(input: {industryId: 1, tag: $t, price: "98.7654"}) { outcome } }',
        {"t": "TELLTALE"},
        token=callers.manager,
    )

    spans = [span for span in finished.get_finished_spans() if span.name == "database"]
    texts = [str(attributes(span).get("db.query.text")) for span in spans]
    assert {attributes(span)["db.system.name"] for span in spans} == {kind}
    assert {attributes(span)["db.operation.name"] for span in spans} >= {"SELECT", "INSERT", "COMMIT"}
    assert len([text for text in texts if "share" in text]) >= 5
    assert [text for text in texts if "TELLTALE" in text or "98" in text] == []


async def test_errors_are_told_by_their_codes_and_failures_as_failures(
    api: Api, callers: Callers, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the inside of the server")

    create = 'mutation { shareCreate(input: {industryId: 1, tag: "BUD", price: "1"}) { errors { code } } }'
    told = []
    await api("{ shares { tag } }")
    told.append(taken(finished)[0])
    await api(create, token=callers.manager)
    told.append(taken(finished)[0])
    monkeypatch.setattr(shares, "create", fail)
    await api(create, token=callers.manager)
    told.append(taken(finished)[0])

    assert [attributes(span).get("shares.error_codes") for span in told] == [
        ("UNAUTHENTICATED",),
        ("TAG_TAKEN",),
        ("INTERNAL_ERROR",),
    ]
    assert [attributes(span).get("error.type") for span in told] == [
        "UNAUTHENTICATED",
        "TAG_TAKEN",
        "INTERNAL_ERROR",
    ]
    assert [span.status.status_code for span in told] == [StatusCode.UNSET, StatusCode.UNSET, StatusCode.ERROR]
    # Not even what an exception says.
    assert [(span.events, span.status.description) for span in told] == [((), None)] * 3


@pytest.mark.parametrize(
    ("method", "path", "name", "route"),
    [
        ("GET", "/graphql", "GET /graphql", "/graphql"),
        ("POST", "/v1.0/graphql", "POST /v{number}/graphql", "/v{number}/graphql"),
        ("GET", "/healthz", "GET /healthz", "/healthz"),
        ("GET", "/nowhere?a=TELLTALE", "GET", None),
        ("BREW", "/nowhere", "HTTP", None),
    ],
)
async def test_a_span_is_named_by_method_and_route(
    api: Api, finished: Finished, method: str, path: str, name: str, route: str | None
) -> None:
    await api.http.request(method, path, params={"query": "{__typename}"} if path == "/graphql" else None)

    request, _ = taken(finished)
    assert (request.name, attributes(request).get("http.route")) == (name, route)
    assert attributes(request)["http.request.method"] == ("_OTHER" if method == "BREW" else method)
    assert "TELLTALE" not in str(request.attributes)


async def test_no_span_holds_a_secret(app: Starlette, api: Api, finished: Finished) -> None:
    email = "telltale@example.com"
    await make_trader(app.state.services.database, email=email)
    finished.clear()

    answer = await api(LOG_IN, {"email": email, "password": PASSWORD})
    tokens = answer.data["permitLogIn"]["tokens"]
    await api(
        f'mutation {{ permitLogIn(input: {{email: "{email}", password: "{PASSWORD}"}}) {{ errors {{ code }} }} }}'
    )
    await api("{ me { email } }", token=tokens["accessToken"], headers={"Cookie": "a=TELLTALE"})
    await api("query TELLTALE { nothing }", {"a": "TELLTALE"}, token=tokens["accessToken"])
    await api.http.get("/graphql", params={"query": "{__typename}", "variables": '{"a": "TELLTALE"}'})

    spans = finished.get_finished_spans()
    assert len(of_kind(spans, SpanKind.SERVER)) == 5
    told = "".join(span.to_json() for span in spans)
    secrets = [email, PASSWORD, *tokens.values(), "TELLTALE"]
    assert [secret for secret in secrets if secret in told] == []


# Traces of others.


async def test_the_callers_trace_goes_on(api: Api, callers: Callers, finished: Finished) -> None:
    headers = {"traceparent": TRACEPARENT, "tracestate": "rojo=1,congo=2"}

    await api(EXECUTED, {"id": "1"}, token=callers.skilled, headers=headers)

    request, rooms = taken(finished)
    assert request.parent is not None
    assert (request.context.trace_id, request.parent.span_id, request.parent.is_remote) == (
        int(TRACE, 16),
        int(SPAN, 16),
        True,
    )
    assert {tuple(span.context.trace_state.items()) for span in (request, *rooms)} == {
        (("rojo", "1"), ("congo", "2"))
    }


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": TRACEPARENT.upper()},
        {"traceparent": f"00-{'0' * 32}-{SPAN}-01"},
        {"tracestate": "rojo=1"},
        {},
    ],
)
async def test_what_is_no_caller_begins_a_trace(api: Api, finished: Finished, headers: dict[str, str]) -> None:
    await api("{ __typename }", headers=headers)

    request, _ = taken(finished)
    assert (request.parent, request.context.trace_id == int(TRACE, 16)) == (None, False)


async def test_requests_at_the_same_time_are_told_apart(api: Api, callers: Callers, finished: Finished) -> None:
    parents = [f"00-{number:032x}-{SPAN}-01" for number in range(1, 9)]

    await asyncio.gather(
        *(api(EXECUTED, {"id": "1"}, token=callers.skilled, headers={"traceparent": each}) for each in parents)
    )

    spans = finished.get_finished_spans()
    by_trace: dict[int, list[str]] = {}
    for span in spans:
        by_trace.setdefault(span.context.trace_id, []).append(span.name)
    assert sorted(by_trace) == list(range(1, 9))
    assert {each.count("POST /graphql") for each in by_trace.values()} == {1}
    assert {each.count("database") for each in by_trace.values()} == {1}


async def test_of_a_trace_that_nobody_keeps_nothing_is_noted(
    settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider(sampler=ParentBased(ALWAYS_OFF))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)

    async with quiet_app(settings, clock) as app, Api(app) as api:
        app.state.watch.tracing.begin()
        await api("{ service { version } }")
        unkept = exporter.get_finished_spans()
        await api("{ service { version } }", headers={"traceparent": TRACEPARENT})

    provider.shutdown()
    assert unkept == ()
    assert "POST /graphql" in names(exporter.get_finished_spans())


# Sockets and streams.


@pytest.fixture
def streaming_traced(finished: Finished, streaming_app: Streaming) -> Starlette:
    made = streaming_app()
    made.state.watch.tracing.begin()
    return made


async def test_each_operation_of_a_socket_is_a_span_in_the_trace_of_its_handshake(
    streaming_traced: Starlette, finished: Finished
) -> None:
    async with connected(streaming_traced, headers={"traceparent": TRACEPARENT}) as socket:
        await socket.begin()
        for document in ("query A { __typename }", "subscription B { counted(most: 3) }", "{ nothing }"):
            await socket.ask(document)
            await socket.hear_all()

    requests = of_kind(finished.get_finished_spans(), SpanKind.SERVER)
    assert {span.context.trace_id for span in requests} == {int(TRACE, 16)}
    assert {span.parent.span_id for span in requests if span.parent} == {int(SPAN, 16)}
    told = [(span.name, attributes(span).get("graphql.operation.name")) for span in requests]
    assert told == [("query", "A"), ("subscription", "B"), ("query", None), ("GET /graphql", None)]
    assert attributes(requests[-1])["http.response.status_code"] == 101
    assert attributes(requests[2])["error.type"] == "BAD_REQUEST"


async def test_a_stream_is_one_span_to_its_end(streaming_traced: Starlette, finished: Finished) -> None:
    async with Api(streaming_traced) as api:
        await api.http.post(
            "/graphql",
            json={"query": "subscription B { counted(most: 3) }"},
            headers={"Accept": "text/event-stream", "traceparent": TRACEPARENT},
        )

    request, rooms = taken(finished)
    assert (request.name, request.context.trace_id) == ("POST /graphql", int(TRACE, 16))
    assert attributes(request)["graphql.operation.type"] == "subscription"
    assert names(rooms)[-1] == "answer"


async def test_a_subscription_that_goes_on_and_on_keeps_no_more_of_itself(
    streaming_traced: Starlette, finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "MOST_STAYS", 2)

    async with connected(streaming_traced) as socket:
        await socket.begin()
        await socket.ask("subscription { counted(most: 3) }")
        await socket.hear_all()

    spans = finished.get_finished_spans()
    (operation,) = [span for span in spans if span.name == "subscription"]
    below = [span.name for span in spans if span.parent and span.parent.span_id == operation.context.span_id]
    # Of its rooms only the first two, and what came after the last.
    assert below == ["auth", "plan", "answer"]


# Nobody listens.


@pytest.mark.parametrize("provider", [None, NoOpTracerProvider()], ids=["none", "one that does nothing"])
async def test_without_a_real_provider_nothing_is_noted_for_spans(
    settings: Settings, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, provider: Any
) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)

    async with quiet_app(settings, clock) as app:
        tracing: Tracing = app.state.watch.tracing
        tracing.begin()

    assert tracing.tracer is None


async def test_the_applications_start_finds_out_who_listens(
    finished: Finished, settings: Settings, clock: ManualClock
) -> None:
    made = create_app(settings, clock=clock)
    before = made.state.watch.tracing.tracer
    async with made.router.lifespan_context(made):
        after = made.state.watch.tracing.tracer

    assert (before, after is None) == (None, False)
