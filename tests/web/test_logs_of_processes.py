"""What a real server writes: whole lines of known fields, and nothing that anybody has told it in confidence."""

import asyncio
import json
import re
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pyotp
import pytest
from websockets.asyncio.client import ClientConnection, connect

from app.web import records, request_log
from tests.callers import Api
from tests.conftest import SqliteTemplate
from tests.permits.servers import Server as Workers
from tests.permits.servers import eventually, free_port
from tests.permits.test_workers import workers_of
from tests.processes import ROOT, Server, environment, serving

pytestmark = pytest.mark.anyio

MANAGER, PASSWORD = "manager@example.com", "Demo-2026-shares"
WRONG, NEW, OTHER = "Telltale-wrong-1", "Telltale-new-22", "Telltale-other-3"
NEWCOMER = "telltale.newcomer@example.com"
TAG, FILTER, LITERAL, IN_STREAM, PRICE = "TELLTALE-A", "TELLTALE-B", "TELLTALE-C", "TELLTALE-D", "987.6543"
COOKIE, IN_QUERY, BROKEN, HEADER = "telltale-e", "telltale-f", "telltale-g", "telltale-h"
PAIR = "tokens { accessToken refreshToken }"

LOG_IN = """
mutation LogIn($input: PermitLogInInput!) {
  permitLogIn(input: $input) { tokens { accessToken refreshToken } errors { code } }
}
"""
CREATE = """
mutation Create($tag: String!, $price: Decimal!) {
  shareCreate(input: { industryId: 1, tag: $tag, price: $price }) { share { id } errors { code } }
}
"""
FAILS = """
mutation Fails($tag: String!, $price: Decimal!) {
  shareUpdate(input: { id: 1, tag: $tag, price: $price }) { outcome }
}
"""
BY_TAG = "query ByTag($tag: String!) { shareByTag(tag: $tag) { tag } }"
BY_FILTER = "query ByFilter($filter: ShareFilter) { shares(filter: $filter) { tag } }"
EXECUTED = "query Executed($tag: String!) { shareByTag(tag: $tag) { tag } service { version } }"
TAGGED = "subscription Tagged($tag: String!) { tagged(tag: $tag) }"


class Secrets(set[str]):
    """What must not be found anywhere."""

    def found_in(self, text: str) -> list[str]:
        return sorted(secret for secret in self if _pattern(secret).search(text))


def _pattern(secret: str) -> re.Pattern[str]:
    # Six digits may stand within any hash.
    pattern = rf"(?<![0-9a-f]){secret}(?![0-9a-f])" if secret.isdecimal() else re.escape(secret)
    return re.compile(pattern, re.IGNORECASE)


async def done(api: Api, mutation: str, given: dict[str, Any], selection: str, token: str | None = None) -> Any:
    """The payload of a mutation of one input."""
    kind = f"{mutation[0].upper()}{mutation[1:]}Input"
    document = f"mutation ($input: {kind}!) {{ {mutation}(input: $input) {{ {selection} errors {{ code }} }} }}"
    answer = await api(document, {"input": given}, token=token)
    return answer.data[mutation]


async def live_with_secrets(server: Server, secrets: Secrets) -> str:
    """Do all that has to do with passwords, codes and tokens, and give a manager's access token."""
    async with Api(base_url=server.base_url) as api:
        await api(LOG_IN, {"input": {"email": MANAGER, "password": WRONG}})
        tokens = (await done(api, "permitLogIn", {"email": MANAGER, "password": PASSWORD}, PAIR))["tokens"]
        secrets.update(tokens.values())
        given = {"email": NEWCOMER, "password": NEW, "firstName": "Tell", "lastName": "Tale"}
        await done(api, "permitRegister", given, "")
        code = await code_of(server)
        secrets.add(code)
        given = {"email": NEWCOMER, "securityCode": code, "password": NEW}
        confirmed = await done(api, "permitConfirm", given, PAIR)
        secrets.update(confirmed["tokens"].values())
        access = confirmed["tokens"]["accessToken"]
        setup = await done(api, "twoFactorBegin", {"currentPassword": NEW}, "secret uri", access)
        shown = pyotp.TOTP(setup["secret"]).now()
        enabled = await done(
            api, "twoFactorEnable", {"currentPassword": NEW, "twoFactorCode": shown}, "recoveryCodes", access
        )
        secrets.update({setup["secret"], shown, *enabled["recoveryCodes"]})
        renewed = await done(api, "permitRenew", {"refreshToken": confirmed["tokens"]["refreshToken"]}, PAIR)
        secrets.update(renewed["tokens"].values())
        await done(api, "permitLogOut", {"refreshToken": renewed["tokens"]["refreshToken"] + "x"}, "revokedCount")
        await api("{ me { email } }", token=tokens["refreshToken"])
        await api("{ me { email } }", token=tokens["accessToken"] + "x")
        broken = f'mutation {{ permitLogIn(input: {{email: "{MANAGER}", password: "{OTHER}"'
        await api(broken)
        await api(f"{broken}}}) {{ errors {{ code }} }} }}")
    access_token: str = tokens["accessToken"]
    return access_token


async def code_of(server: Server) -> str:
    """The security code in the e-mail that was sent to the newcomer."""
    outbox = server.log.parent / "outbox"

    async def has_come() -> bool:
        return any(outbox.glob("*.eml"))

    await eventually(has_come, seconds=15)
    (mail,) = outbox.glob("*.eml")
    code: str
    (code,) = set(re.findall(r"\b\d{6}\b", mail.read_text().partition("\n\n")[2]))
    return code


async def ask_every_way(server: Server, token: str) -> None:
    """Ask with values of variables that are known, by every way there is."""
    bearer = {"Authorization": f"Bearer {token}"}
    async with Api(base_url=server.base_url) as api:
        await api(CREATE, {"tag": TAG, "price": PRICE}, token=token)
        await api(CREATE, {"tag": TAG, "price": PRICE}, token=token)
        for _ in range(5):
            # Executed, compiled, and kept.
            await api(BY_TAG, {"tag": TAG}, token=token)
            await api(BY_FILTER, {"filter": {"tag": {"startsWith": FILTER}, "price": {"gte": PRICE}}}, token=token)
            await api(f'query Literal {{ shareByTag(tag: "{LITERAL}") {{ tag }} }}', token=token)
        await api(EXECUTED, {"tag": TAG}, token=token)
        await api(EXECUTED, {"tag": {"wrong": TAG}}, token=token)
        await api(FAILS, {"tag": TAG, "price": PRICE}, token=token)
        await api(f'mutation {{ shareUpdate(input: {{id: 1, tag: "{LITERAL}"}}) {{ outcome }} }}', token=token)
        await api(CREATE, {"tag": TAG, "price": PRICE}, token=token, headers={"Idempotency-Key": "k" * 30})
        await api(CREATE, {"tag": TAG, "price": PRICE}, token=token, headers={"Idempotency-Key": "k" * 30})
        http = api.http
        await http.get(
            "/graphql", params={"query": EXECUTED, "variables": json.dumps({"tag": TAG})}, headers=bearer
        )
        await http.get(f"/nowhere?token={IN_QUERY}", headers={"Cookie": f"session={COOKIE}"})
        await http.post("/graphql", json=[{"query": EXECUTED, "variables": {"tag": TAG}}], headers=bearer)
        await http.post("/graphql", content=f'{{"query": "{BROKEN}', headers={"Content-Type": "application/json"})
        await http.post("/graphql", content=BROKEN, headers={"Content-Type": "text/plain"})
        await http.post("/graphql", json={"query": "{ a }"}, headers={"Authorization": f"Basic {BROKEN}"})
        await http.post(
            "/graphql",
            json={"query": "{ __typename }"},
            headers={
                "traceparent": HEADER,
                "tracestate": f"{HEADER}=!{HEADER}=",
                "x-ms-client-request-id": HEADER,
                "x-software-version": f"!{HEADER}",
                "Accept-Language": HEADER,
                "x-api-version": HEADER,
            },
        )
        await http.post(
            "/graphql",
            json={"query": TAGGED, "variables": {"tag": IN_STREAM}},
            headers={"Accept": "text/event-stream"},
        )
    async with spoken_to(server) as connection:
        await connection.send(json.dumps({"type": "connection_init", "payload": bearer}))
        await connection.recv()
        for number, (document, tag) in enumerate([(EXECUTED, TAG), (TAGGED, IN_STREAM), (FAILS, TAG), ("{", TAG)]):
            variables = {"tag": tag, "price": PRICE}
            payload = {"query": document, "variables": variables}
            await connection.send(json.dumps({"id": str(number), "type": "subscribe", "payload": payload}))
            while json.loads(await connection.recv())["type"] == "next":
                pass
    with socket.create_connection(("127.0.0.1", httpx.URL(server.base_url).port or 0)) as wire:
        wire.sendall(f"GET /graphql?token={IN_QUERY} HTTP/1.1\r\n{BROKEN} : {BROKEN}\r\n\r\n".encode())
        wire.recv(10_000)


@asynccontextmanager
async def spoken_to(server: Server) -> AsyncIterator[ClientConnection]:
    url = f"{server.base_url.replace('http', 'ws', 1)}/graphql"
    async with connect(url, subprotocols=["graphql-transport-ws"]) as connection:  # type: ignore[list-item]
        yield connection


@pytest.mark.parametrize("form", ["json", "text"])
async def test_nothing_that_is_told_in_confidence_is_written_anywhere(tmp_path: Path, form: str) -> None:
    secrets = Secrets({PASSWORD, WRONG, NEW, OTHER, NEWCOMER, TAG, FILTER, LITERAL, PRICE, IN_STREAM})
    secrets |= {COOKIE, IN_QUERY, BROKEN, HEADER, MANAGER}
    with serving(tmp_path, program="tests.failing", errors="errors.log", log_format=form) as server:
        token = await live_with_secrets(server, secrets)
        await ask_every_way(server, token)
        status = server.terminate()

    # What greets the developer shows the demo traders' log-ins, and is no log.
    requests = server.said.partition("admin@example.com\n")[2] if form == "text" else server.said
    others = (tmp_path / "errors.log").read_text()
    assert (status, logs_in(tmp_path)) == (0, {server.log.name, "errors.log"})
    assert len(secrets) > 30
    assert secrets.found_in(requests) == []
    assert secrets.found_in(others) == []
    # It did fail, and the reason stands there without what was given.
    assert others.count("RuntimeError: the write failed: (1, {") >= 3
    if form == "json":
        hold_to_fields(requests.splitlines(), others.splitlines())
    else:
        assert len(requests.splitlines()) > 40


def logs_in(folder: Path) -> set[str]:
    return {file.name for file in folder.glob("**/*.log")}


def hold_to_fields(requests: list[str], others: list[str]) -> None:
    """Every line is a JSON object, and has exactly the fields that are documented."""
    lines = [json.loads(line) for line in requests]
    assert {tuple(line) for line in lines} == {request_log.FIELDS}
    assert {tuple(json.loads(line)) for line in others} == {records.FIELDS}
    assert {line["way"] for line in lines} == {"none", "kept", "compiled", "executed"}
    assert {line["transport"] for line in lines} == {"http", "stream", "socket"}
    assert {line["kind"] for line in lines} == {None, "query", "mutation", "subscription"}
    named = {line["operation"] for line in lines}
    assert named == {
        *(None, "LogIn", "Create", "Fails", "ByTag", "ByFilter", "Literal", "Executed", "Tagged"),
    }
    # What was refused before it was a request is told like any other.
    assert [line["status"] for line in lines if line["method"] is None] == [400]
    failures = [json.loads(line) for line in others if "RuntimeError" in line]
    known = {line["requestId"] for line in lines}
    assert {failure["requestId"] for failure in failures} <= known


async def test_in_production_every_line_is_json_from_the_first_to_the_last(tmp_path: Path) -> None:
    with serving(
        tmp_path,
        errors="errors.log",
        mode="production",
        secret="s" * 40,
        pepper="p" * 40,
        password_hashing="owasp",
    ) as server:
        async with Api(base_url=server.base_url) as api:
            answer = await api("{ service { version } }")
        status = server.terminate()

    requests = [json.loads(line) for line in server.said.splitlines()]
    others = [json.loads(line) for line in (tmp_path / "errors.log").read_text().splitlines()]
    assert status == 0
    # The last request came less than a quarter of a second before the end.
    assert requests[-1]["requestId"] == answer.headers["x-ms-request-id"]
    assert {tuple(line) for line in requests} == {request_log.FIELDS}
    assert {tuple(line) for line in others} == {records.FIELDS}
    assert {line["logger"] for line in others} >= {"app", "uvicorn.error"}
    assert others[0]["message"] == f"serving {server.base_url} (production)"


async def test_without_a_request_log_nothing_is_written_for_a_request(tmp_path: Path) -> None:
    with serving(tmp_path, log_format="json", request_log="false") as server:
        async with Api(base_url=server.base_url) as api:
            for _ in range(3):
                await api("{ service { version } }")
        server.terminate()

    assert [json.loads(line)["message"] for line in server.said.splitlines()] == [
        f"serving {server.base_url} (development)"
    ]


@pytest.fixture
def two_workers(embedded: SqliteTemplate, tmp_path: Path) -> Iterator[Workers]:
    url = embedded.copy_for_a_test(tmp_path)
    with Workers(tmp_path, url, workers=2, accept_revocation_delay=True, log_format="json") as server:
        yield server


async def test_two_workers_write_whole_lines_into_one_stream(two_workers: Workers) -> None:
    server = two_workers
    await server.ready()
    await eventually(lambda: _has_workers(server), seconds=30)

    async def ask_often() -> list[str]:
        async with server.api() as api:
            return [(await api("{ service { version } }")).headers["x-ms-request-id"] for _ in range(50)]

    asked = [each for many in await asyncio.gather(*(ask_often() for _ in range(8))) for each in many]
    status = server.end()

    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert status == 0
    assert {tuple(line) for line in lines} == {request_log.FIELDS, records.FIELDS}
    told = [line["requestId"] for line in lines if line.get("path") == "/graphql"]
    assert sorted(told) == sorted(asked)


async def _has_workers(server: Workers) -> bool:
    return len(workers_of(server)) == 2


REFUSED: dict[int, bytes] = {
    400: b"no request\r\n\r\n",
    408: b"GET /healthz HTTP/1.1\r\n",
    431: b"GET /healthz HTTP/1.1\r\nX-Long: " + b"x" * 2_000 + b"\r\n\r\n",
}


async def test_what_is_refused_before_it_is_a_request_is_told_and_counted(tmp_path: Path) -> None:
    ids: dict[int, str] = {}
    with serving(tmp_path, log_format="json", request_seconds="0.5", max_head_bytes="1024") as server:
        for status, sent in REFUSED.items():
            with socket.create_connection(("127.0.0.1", httpx.URL(server.base_url).port or 0), timeout=20) as wire:
                wire.sendall(sent)
                answer = b"".join(iter(lambda wire=wire: wire.recv(4_096), b"")).decode()  # type: ignore[misc]
            assert answer.startswith(f"HTTP/1.1 {status} ")
            (ids[status],) = re.findall(r"x-ms-request-id: (\S+)", answer)
        async with Api(base_url=server.base_url) as api:
            metrics = (await api.http.get("/metrics")).text
        server.terminate()

    lines = [json.loads(line) for line in server.said.splitlines() if '"method":null' in line]
    assert {line["status"]: line["requestId"] for line in lines} == ids
    assert {(line["address"], *line["codes"], line["path"], line["way"]) for line in lines} == {
        ("127.0.0.1", "BAD_REQUEST", None, "none")
    }
    for status in REFUSED:
        assert f'shares_requests_total{{kind="none",status="{status}",transport="http",way="none"}} 1.0' in metrics


async def test_with_a_tracer_provider_every_line_has_the_trace_of_its_spans(tmp_path: Path) -> None:
    spans = tmp_path / "spans"
    trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    with serving(tmp_path, program="tests.traced", log_format="json", test_spans=str(spans)) as server:
        async with Api(base_url=server.base_url) as api:
            tokens = (await done(api, "permitLogIn", {"email": MANAGER, "password": PASSWORD}, PAIR))["tokens"]
            for _ in range(4):
                headers = {"traceparent": f"00-{trace}-{span}-01"}
                await api(BY_TAG, {"tag": "BUD"}, token=tokens["accessToken"], headers=headers)
        server.terminate()

    lines = [json.loads(line) for line in server.said.splitlines() if '"way"' in line]
    ended = [json.loads(each) for each in read_of(spans).splitlines()]
    requests = {
        each["attributes"]["shares.request_id"]: each for each in ended if each["kind"] == "SpanKind.SERVER"
    }
    assert [line["traceId"] for line in lines[-4:]] == [trace] * 4
    # The short way is the one without a task; its spans are told like any other's.
    assert [line["way"] for line in lines[-4:]] == ["executed", "compiled", "compiled", "kept"]
    assert {line["requestId"] for line in lines} == set(requests)
    assert {f"0x{line['traceId']}" for line in lines} == {each["context"]["trace_id"] for each in ended}
    assert {requests[line["requestId"]]["parent_id"] for line in lines[-4:]} == {f"0x{span}"}
    secrets = Secrets({PASSWORD, MANAGER, *tokens.values()})
    assert secrets.found_in(read_of(spans)) == []


def read_of(file: Path) -> str:
    return file.read_text()


async def test_a_reader_that_does_not_read_stalls_nobody(tmp_path: Path) -> None:
    port = free_port()
    variables = environment(tmp_path, port=str(port), password_hashing="cheap", log_format="json")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "app", "serve", "--prepare"),
        cwd=ROOT,
        env=variables,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        # The least that is read ahead: what comes is left in the pipe.
        limit=1,
    )
    assert process.stdout is not None
    try:
        async with Api(base_url=f"http://127.0.0.1:{port}") as api:
            await eventually(lambda: _answers(api), seconds=30)
            # Three times as much as a pipe holds.
            statuses = [(await api("{ service { version } }")).status for _ in range(500)]
        process.terminate()
        written = await process.stdout.read()
    finally:
        if process.returncode is None:
            process.kill()
        status = await process.wait()

    lines = [json.loads(line) for line in written.splitlines()]
    assert (set(statuses), status) == ({200}, 0)
    assert len(lines) >= 500


async def _answers(api: Api) -> bool:
    try:
        await api("{ service { version } }")
    except httpx.TransportError:
        return False
    return True
