"""`/metrics`: what it tells, of all workers together, and that for most of the world there is nothing there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette

from app.domain import mails
from app.settings import Settings
from app.web.exchange import Exchange
from app.web.metrics import BOUNDS_SECONDS, Metrics
from app.web.numbers import Numbers, SharedNumbers, Sources
from tests.callers import Api, Callers
from tests.conftest import SqliteTemplate
from tests.factories import PASSWORD, ManualClock, make_industry, make_share
from tests.graph.conftest import quiet_app
from tests.limits.conftest import Limited, limited
from tests.permits.servers import Server, eventually
from tests.permits.test_workers import workers_of
from tests.sockets import connected
from tests.web.conftest import Streaming

pytestmark = pytest.mark.anyio

__all__ = ["limited"]

COMPILED = "{ shares { tag } }"
Samples = dict[tuple[str, ...], float]


def read(text: str) -> Samples:
    """What is told: the values by the names of their series and the values of their labels."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def metrics_of(api: Api) -> Samples:
    response = await api.http.get("/metrics")
    assert response.status_code == 200, response.text
    return read(response.text)


@pytest.fixture
async def app(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    async with quiet_app(settings, clock) as made:
        async with made.state.services.database.unit_of_work() as session:
            await make_share(session, await make_industry(session, tag="drinks"), tag="BUD")
        yield made


# What is told.


async def test_requests_errors_and_statements_are_told(api: Api, callers: Callers) -> None:
    for document in ("{ shares { tag } service { version } }", "{ shares { id } }"):
        await api(document, token=callers.newcomer)
    await api("{ shares { tag } service { version } }", token=callers.skilled)
    await api.http.get("/nowhere")

    told = await metrics_of(api)

    assert {series: value for series, value in told.items() if series[0] == "shares_requests_total"} == {
        ("shares_requests_total", "query", "200", "http", "executed"): 3,
        ("shares_requests_total", "none", "404", "http", "none"): 1,
    }
    assert {series: value for series, value in told.items() if series[0] == "shares_errors_total"} == {
        ("shares_errors_total", "FORBIDDEN"): 2,
        ("shares_errors_total", "BAD_REQUEST"): 1,
    }
    assert told["shares_statements_total", "executed"] == 1


async def test_durations_are_told_by_the_way(api: Api, callers: Callers) -> None:
    for _ in range(3):
        await api("{ shares { tag } service { version } }", token=callers.skilled)

    told = await metrics_of(api)

    name = "shares_request_duration_seconds"
    buckets = [told[f"{name}_bucket", str(bound), "executed"] for bound in (*map(float, BOUNDS_SECONDS),)]
    assert buckets == sorted(buckets)
    assert told[f"{name}_bucket", "+Inf", "executed"] == told[f"{name}_count", "executed"] == 3
    assert 0 < told[f"{name}_sum", "executed"] < 30 * 3


@pytest.mark.parametrize(
    ("nanoseconds", "place"), [(0, 0), (50_000, 0), (50_001, 1), (30_000_000_000, 17), (30_000_000_001, 18)]
)
def test_a_duration_is_counted_up_to_the_first_bound_that_it_keeps(nanoseconds: int, place: int) -> None:
    metrics = Metrics()

    metrics.count(Exchange({"headers": []}), nanoseconds)

    (seen,) = metrics.requests.values()
    assert [number for number, count in enumerate(seen.counts) if count] == [place]


@pytest.mark.parametrize("template", ["sqlite"], indirect=True, scope="session")
async def test_kept_answers_are_told(api: Api, callers: Callers) -> None:
    for _ in range(6):
        await api(COMPILED, token=callers.skilled)

    told = await metrics_of(api)

    assert told["shares_kept_answer_hits_total",] + told["shares_kept_answer_misses_total",] >= 5
    assert told["shares_kept_answer_hits_total",] >= 3
    assert told["shares_requests_total", "query", "200", "http", "kept"] == told["shares_kept_answer_hits_total",]
    assert (told["shares_kept_answers",], told["shares_kept_answer_bytes",] > 100) == (1, True)


async def test_what_is_open_is_told_as_long_as_it_is(streaming_app: Streaming) -> None:
    app = streaming_app()
    open_ = ("shares_sockets",), ("shares_subscriptions",), ("shares_streams",)

    async with Api(app) as api:
        async with connected(app) as socket:
            await socket.begin()
            await socket.ask("subscription { counted }")
            await socket.hear()
            during = await metrics_of(api)
        after = await metrics_of(api)

    assert [during[series] for series in open_] == [1, 1, 0]
    assert [after[series] for series in open_] == [0, 0, 0]
    # What stays open says nothing of how long an answer takes.
    assert after["shares_requests_total", "subscription", "none", "socket", "executed"] == 1
    assert ("shares_request_duration_seconds_count", "executed") not in after
    assert after["shares_request_duration_seconds_count", "none"] == 1


async def test_refusals_of_those_who_ask_too_often_are_told(limited: Limited) -> None:
    app = await limited(requests_per_minute=2, log_ins_per_minute=1, sockets_per_address=1)
    log_in = 'mutation { permitLogIn(input: {email: "a@b.c", password: "x"}) { errors { code } } }'

    async with Api(app) as api:
        codes = [(await api(each)).codes for each in (log_in, log_in, "{ service { version } }")]
        told = await metrics_of(api)

    assert codes == [[], ["RATE_LIMITED"], ["RATE_LIMITED"]]
    refused = {series[1]: value for series, value in told.items() if series[0] == "shares_rate_limited_total"}
    assert refused == {"address": 1, "trader": 0, "log-in": 1, "code": 0, "connections": 0}


async def test_mails_that_wait_are_told(app: Starlette, api: Api) -> None:
    register = "mutation ($input: PermitRegisterInput!) { permitRegister(input: $input) { errors { code } } }"
    given = {"email": "ada@example.com", "password": PASSWORD, "firstName": "Ada", "lastName": "Lovelace"}
    before = await metrics_of(api)

    await api(register, {"input": given})

    assert (before["shares_outbox_mails",], (await metrics_of(api))["shares_outbox_mails",]) == (0, 1)


async def test_without_the_database_the_rest_is_told(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: object) -> int:
        raise SQLAlchemyError("away")

    monkeypatch.setattr(mails, "waiting", fails)

    told = await metrics_of(api)

    assert ("shares_outbox_mails",) not in told
    assert told["shares_workers",] == 1


async def test_the_process_is_told(api: Api) -> None:
    told = await metrics_of(api)

    assert told["process_resident_memory_bytes",] > 10_000_000
    assert told["process_cpu_seconds_total",] > 0
    assert told["process_open_fds",] > 3


async def test_who_asks_for_openmetrics_gets_it(api: Api) -> None:
    response = await api.http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})

    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert response.headers["cache-control"] == "no-store"
    read_again = openmetrics.text_string_to_metric_families(response.text)  # type: ignore[no-untyped-call]
    families = {family.name for family in read_again}
    assert {"shares_requests", "shares_request_duration_seconds", "shares_sockets"} <= families


async def test_no_label_is_made_by_a_stranger(api: Api, callers: Callers) -> None:
    await api("query Telltale { shares { telltale: tag } telltale: __typename }", token=callers.skilled)
    await api.http.request("TELLTALE", "/telltale?telltale=telltale", headers={"x-device-signature": "telltale"})
    await api('{ shareByTag(tag: "telltale") { tag } }', token=callers.skilled, headers={"x-api-version": "1.0"})

    response = await api.http.get("/metrics")

    assert "telltale" not in response.text.lower()


# Who is told.


Ask = Callable[[Starlette, str], Any]


async def asked(app: Starlette, address: str, path: str = "/metrics", **headers: str) -> httpx.Response:
    async with Api(app, address=address) as api:
        return await api.http.get(path, headers=headers)


def without_ids(response: httpx.Response) -> tuple[int, str, dict[str, str]]:
    names = {"x-ms-request-id": "", "server-timing": ""}
    return response.status_code, response.text, {**response.headers, **names}


async def test_in_development_only_the_machine_itself_is_told(app: Starlette) -> None:
    statuses = [(await asked(app, each)).status_code for each in ("127.0.0.1", "::1", "127.0.0.2", "192.0.2.1")]

    assert statuses == [200, 200, 404, 404]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE"])
async def test_in_production_there_is_nothing_at_the_address(
    settings: Settings, clock: ManualClock, method: str
) -> None:
    production = settings.model_copy(update={"mode": "production", "pepper": SecretStr("p" * 40)})

    async with quiet_app(production, clock) as app, Api(app) as api:
        there, nowhere = [await api.http.request(method, path) for path in ("/metrics", "/nowhere")]

    assert without_ids(there) == without_ids(nowhere)
    assert there.status_code == 404


async def test_the_networks_of_the_setting_are_told(settings: Settings, clock: ManualClock) -> None:
    chosen = settings.model_copy(update={"mode": "production", "metrics_networks": "10.0.0.0/8, 2001:db8::/32"})

    async with quiet_app(chosen, clock) as app:
        statuses = [
            (await asked(app, each)).status_code
            for each in (
                "10.1.2.3",
                "2001:db8::5",
                "::ffff:10.1.2.3",
                "127.0.0.1",
                "11.0.0.1",
                "2001:db9::5",
                "nobody",
            )
        ]

    assert statuses == [200, 200, 200, 404, 404, 404, 404]


async def test_behind_a_proxy_it_is_the_client_that_counts(settings: Settings, clock: ManualClock) -> None:
    chosen = settings.model_copy(update={"metrics_networks": "10.0.0.0/8", "trusted_proxies": "10.0.0.1"})

    async with quiet_app(chosen, clock) as app:
        from_outside = await asked(app, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.1"})
        lying = await asked(app, "192.0.2.1", **{"X-Forwarded-For": "10.0.0.2"})
        from_inside = await asked(app, "10.0.0.1", **{"X-Forwarded-For": "10.0.0.2"})

    assert [each.status_code for each in (from_outside, lying, from_inside)] == [404, 404, 200]


async def test_who_may_see_them_is_told_that_a_method_is_wrong(api: Api) -> None:
    head, post = await api.http.head("/metrics"), await api.http.post("/metrics")

    assert (head.status_code, head.content) == (200, b"")
    assert (post.status_code, post.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
async def test_machines_need_no_token_and_are_never_told_to_wait(limited: Limited, path: str) -> None:
    app = await limited(requests_per_minute=1)

    async with Api(app) as api:
        refused = [(await api("{ service { version } }")).status for _ in range(2)]
        statuses = [
            (await api.http.get(path, headers={"Authorization": "Bearer wrong"})).status_code for _ in range(5)
        ]

    assert (refused, statuses) == ([200, 429], [200] * 5)


# Several workers.


def numbers(folder: Path) -> SharedNumbers:
    class Nothing(Sources):
        def __init__(self) -> None:
            pass

        def now(self) -> Numbers:
            return Numbers({("requests", "a"): 1}, {("sockets",): 1}, [1])

    return SharedNumbers(Nothing(), folder)


def left(folder: Path, process: int, found: Numbers) -> None:
    (folder / f"{process}.json").write_bytes(found.written())


def test_the_numbers_of_processes_are_added_up(tmp_path: Path) -> None:
    left(tmp_path, 1, Numbers({("requests", "a"): 10, ("requests", "b"): 5}, {("sockets",): 2}, [1]))

    together = numbers(tmp_path).all()

    assert (together.counters, together.gauges) == (
        {("requests", "a"): 11, ("requests", "b"): 5},
        {("sockets",): 3},
    )


def test_of_a_process_that_has_ended_only_its_counts_are_left(tmp_path: Path) -> None:
    # Numbers of processes end far below.
    left(tmp_path, 2**30, Numbers({("requests", "a"): 10}, {("sockets",): 2}, [2**30]))
    left(tmp_path, 2**30 + 1, Numbers({("requests", "a"): 100}, {}, []))

    together = numbers(tmp_path).all()

    assert (together.counters, together.gauges, together.processes) == (
        {("requests", "a"): 111},
        {("sockets",): 1},
        [1],
    )


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"[1,2,3]", b'[[1],[["a"]],[]]'])
def test_a_file_that_cannot_be_read_does_no_harm(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "7.json").write_bytes(content)

    assert numbers(tmp_path).all().counters == {("requests", "a"): 1}


CONNECTIONS = 16


async def test_whichever_of_two_workers_is_asked_tells_of_both(embedded: SqliteTemplate, tmp_path: Path) -> None:
    url = embedded.copy_for_a_test(tmp_path)
    with Server(tmp_path, url, workers=2, accept_revocation_delay=True) as server:
        await server.ready()
        await eventually(lambda: _has_workers(server), seconds=30)
        async with AsyncExitStack() as stack:
            apis = [await stack.enter_async_context(Api(base_url=server.url)) for _ in range(CONNECTIONS)]
            for api in apis:
                for _ in range(5):
                    await api("{ service { version } }")

            # Each writes its numbers once a second, and each connection is with one of the two.
            await eventually(lambda: _all_tell(apis, 5 * CONNECTIONS), seconds=15)
            told = [await metrics_of(api) for api in apis]

        folder = folder_of(server)
        had = {file.suffix for file in folder.iterdir()}
        status = server.end()

    assert {each["shares_workers",] for each in told} == {2}
    assert all(each["process_resident_memory_bytes",] > 100_000_000 for each in told)
    assert (".json" in had, folder.exists()) == (True, False)
    assert status == 0


def folder_of(server: Server) -> Path:
    """The folder in which the server's workers leave their numbers."""
    variables = Path(f"/proc/{min(workers_of(server))}/environ").read_bytes().split(b"\0")
    (found,) = [each.partition(b"=")[2] for each in variables if each.startswith(b"SHARES_METRICS_DIR=")]
    return Path(found.decode())


async def _has_workers(server: Server) -> bool:
    return len(workers_of(server)) == 2


async def _all_tell(apis: list[Api], requests: int) -> bool:
    told = await asyncio.gather(*map(metrics_of, apis))
    counts = {each.get(("shares_requests_total", "query", "200", "http", "executed")) for each in told}
    return counts == {requests}
