"""The whole server as a process, driven over HTTP as a client does, stopped, restarted and killed."""

import asyncio
import os
import stat
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.database import unmigrate
from tests.callers import Answer, Api
from tests.conftest import Template
from tests.processes import ROOT, Server, environment, serving

pytestmark = pytest.mark.anyio

PASSWORD = "Demo-2026-shares"
DEMO = {
    "newcomer": "newcomer@example.com",
    "skilled": "skilled@example.com",
    "manager": "manager@example.com",
    "administrator": "admin@example.com",
}

LOG_IN = """
mutation ($email: String!, $password: String!) {
  permitLogIn(input: { email: $email, password: $password }) {
    tokens { accessToken refreshToken }
    trader { email }
    errors { code path }
  }
}
"""
RENEW = """
mutation ($token: String!) {
  permitRenew(input: { refreshToken: $token }) {
    tokens { accessToken refreshToken }
    errors { __typename code path }
  }
}
"""
LOG_OUT = """
mutation ($token: String!) {
  permitLogOut(input: { refreshToken: $token }) { revokedCount errors { code } }
}
"""
REPRICE = """
mutation ($id: ID!, $price: Decimal!) {
  shareUpdate(input: { id: $id, price: $price }) { share { id price version } outcome errors { code } }
}
"""
INDUSTRY = "{ industry(id: 1) { id tag name shares { id tag price } } }"
PRICES = "{ shares { tag price version } }"

SEEDED = {
    "industry": {
        "id": "1",
        "tag": "tech",
        "name": "Technology",
        "shares": [
            {"id": "1", "tag": "BUD", "price": "10.2800"},
            {"id": "2", "tag": "LWP", "price": "15.2000"},
            {"id": "3", "tag": "WGL", "price": "35.0000"},
        ],
    }
}


@pytest.fixture(scope="module")
def server(template: Template, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that is only read from; those that change something start their own."""
    folder = tmp_path_factory.mktemp("server")
    url = template.copy_for_a_test(folder)
    with serving(folder / "data", database_url=url) as server:
        yield server
    template.drop(url)


async def log_in(api: Api, name: str) -> dict[str, str]:
    """The tokens of a demo trader."""
    answer = await api(LOG_IN, {"email": DEMO[name], "password": PASSWORD})
    tokens: dict[str, str] = answer.data["permitLogIn"]["tokens"]
    return tokens


async def asked_as(server: Server, name: str, document: str, variables: dict[str, Any] | None = None) -> Answer:
    """What the server answers to a demo trader."""
    async with Api(base_url=server.base_url) as api:
        tokens = await log_in(api, name)
        return await api(document, variables, token=tokens["accessToken"])


async def test_the_welcome_lists_addresses_and_log_ins(server: Server) -> None:
    # What follows is the request log.
    assert server.said.splitlines()[:7] == [
        "Share Price Viewer API (development)",
        f"  GraphQL and GraphiQL  {server.base_url}/graphql",
        f"  Demo log-ins, password {PASSWORD}",
        "    newcomer      newcomer@example.com",
        "    skilled       skilled@example.com",
        "    manager       manager@example.com",
        "    administrator admin@example.com",
    ]


async def test_a_server_on_any_free_port_says_which(tmp_path: Path) -> None:
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "app", "serve", "--prepare"),
        cwd=ROOT,
        env=environment(tmp_path, port="0", password_hashing="cheap"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert started.stdout is not None
    try:
        await started.stdout.readline()
        address = (await started.stdout.readline()).decode().split()[-1].removesuffix("/graphql")
        async with Api(base_url=address) as api, asyncio.timeout(30):
            while True:
                try:
                    answer = await api("{ service { version } }")
                except httpx.ConnectError:
                    await asyncio.sleep(0.05)
                else:
                    break
    finally:
        started.kill()
        await started.wait()

    assert answer.data["service"]["version"] == "1.0"


@pytest.mark.parametrize("name", DEMO)
async def test_every_demo_trader_logs_in_with_the_printed_password(server: Server, name: str) -> None:
    async with Api(base_url=server.base_url) as api:
        answer = await api(LOG_IN, {"email": DEMO[name], "password": PASSWORD})
        tokens = answer.data["permitLogIn"].pop("tokens")
        me = await api("{ me { email } }", token=tokens["accessToken"])

    assert answer.body == {"data": {"permitLogIn": {"trader": {"email": DEMO[name]}, "errors": []}}}
    assert (me.status, me.body) == (200, {"data": {"me": {"email": DEMO[name]}}})


@pytest.mark.parametrize("name", ["skilled", "manager", "administrator"])
async def test_the_seeded_shares_are_read(server: Server, name: str) -> None:
    answer = await asked_as(server, name, INDUSTRY)

    assert (answer.status, answer.body) == (200, {"data": SEEDED})


async def test_a_newcomer_may_not_read(server: Server) -> None:
    answer = await asked_as(server, "newcomer", INDUSTRY)

    assert (answer.data, answer.codes) == ({"industry": None}, ["FORBIDDEN"])


async def test_a_skilled_trader_may_not_write(server: Server) -> None:
    refused = await asked_as(server, "skilled", REPRICE, {"id": "1", "price": "1"})

    assert (refused.data, refused.codes) == ({"shareUpdate": None}, ["FORBIDDEN"])
    assert (await asked_as(server, "skilled", INDUSTRY)).data == SEEDED


async def test_a_stranger_is_told_of_the_service_only(server: Server) -> None:
    async with Api(base_url=server.base_url) as api:
        answer = await api("{ service { version locales } me { email } industry(id: 1) { name } }")

    assert answer.data["service"]["version"] == "1.0"
    assert {"en", "si"} <= set(answer.data["service"]["locales"])
    assert (answer.data["me"], answer.data["industry"]) == (None, None)
    assert answer.codes in (["UNAUTHENTICATED"], ["FORBIDDEN"])


async def test_a_permit_is_renewed_until_it_is_logged_out(server: Server) -> None:
    async with Api(base_url=server.base_url) as api:
        first = await log_in(api, "skilled")

        renewed = await api(RENEW, {"token": first["refreshToken"]})
        second = renewed.data["permitRenew"]["tokens"]
        read = await api(INDUSTRY, token=second["accessToken"])
        logged_out = await api(LOG_OUT, {"token": second["refreshToken"]})
        again = await api(RENEW, {"token": second["refreshToken"]})

    assert renewed.data["permitRenew"]["errors"] == []
    assert {first["accessToken"], first["refreshToken"]}.isdisjoint(second.values())
    assert read.data == SEEDED
    assert logged_out.data == {"permitLogOut": {"revokedCount": 1, "errors": []}}
    assert again.data == {
        "permitRenew": {
            "tokens": None,
            "errors": [{"__typename": "Refusal", "code": "INVALID_PERMIT", "path": ["refreshToken"]}],
        }
    }


async def test_what_was_changed_is_there_after_a_restart(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path / "data", database_url=database_url) as first:
        changed = await asked_as(first, "manager", REPRICE, {"id": "1", "price": "11.5"})
        async with Api(base_url=first.base_url) as api:
            tokens = await log_in(api, "skilled")
            before = await api(PRICES, token=tokens["accessToken"])
        status = first.terminate()

    with serving(tmp_path / "data", database_url=database_url) as second:
        async with Api(base_url=second.base_url) as api:
            # The token of before: the signing key is kept as well.
            after = await api(PRICES, token=tokens["accessToken"])

    assert changed.data["shareUpdate"] == {
        "share": {"id": "1", "price": "11.5000", "version": 2},
        "outcome": "UPDATED",
        "errors": [],
    }
    assert (status, first.stopped_within < 5) == (0, True)
    assert [(share["tag"], share["price"]) for share in before.data["shares"]] == [
        ("BUD", "11.5000"),
        ("LWP", "15.2000"),
        ("WGL", "35.0000"),
        ("MGP", "12.0000"),
        ("MVT", "11.6000"),
        ("GCM", "61.6400"),
    ]
    assert after.body == before.body


async def test_an_acknowledged_write_survives_a_kill(tmp_path: Path, database_url: str) -> None:
    with serving(tmp_path / "data", database_url=database_url) as first:
        changed = await asked_as(first, "manager", REPRICE, {"id": "1", "price": "0.0001"})
        status = first.kill()

    with serving(tmp_path / "data", database_url=database_url) as second:
        after = await asked_as(second, "manager", "{ share(id: 1) { id price version } }")

    assert status == -9
    assert after.data == {"share": {"id": "1", "price": "0.0001", "version": 2}}
    assert after.data["share"] == changed.data["shareUpdate"]["share"]


async def test_servers_that_prepare_one_empty_database_at_once_all_start(
    tmp_path: Path, database_url: str
) -> None:
    await unmigrate(database_url, "base")

    with ThreadPoolExecutor() as several, ExitStack() as running:
        starts = [serving(tmp_path / f"data-{each}", database_url=database_url) for each in range(2)]
        servers = list(several.map(running.enter_context, starts))

        answers = [await asked_as(server, "skilled", INDUSTRY) for server in servers]

    assert [answer.data for answer in answers] == [SEEDED] * 2


async def test_by_itself_the_server_keeps_everything_in_its_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "new" / "data"

    with serving(data) as server:
        answer = await asked_as(server, "skilled", INDUSTRY)

    assert answer.data == SEEDED
    assert {"shares.sqlite", "development.key"} <= {file.name for file in data.iterdir()}
    secrets = [file for file in data.iterdir() if file.name.startswith("development.")]
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}
    assert {file.stat().st_uid for file in secrets} == {os.getuid()}


async def test_nothing_secret_is_written_to_the_log(server: Server) -> None:
    async with Api(base_url=server.base_url) as api:
        tokens = await log_in(api, "skilled")
        await api(RENEW, {"token": tokens["refreshToken"]})
        await api(LOG_IN, {"email": DEMO["skilled"], "password": "a-wrong-password"})
        await api(INDUSTRY, token=tokens["accessToken"] + "x")
        await api("{ nothing }", token=tokens["accessToken"])

    secrets = [*tokens.values(), "a-wrong-password", "argon2"]
    assert [secret for secret in secrets if secret in server.said] == []
    assert "Traceback" not in server.said
