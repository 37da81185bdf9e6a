"""GraphiQL in a real browser, against the real server; only streams, which it has none of yet, against a stand-in.

The browser is driven from a process of its own (`visit_graphiql.py`): once Playwright has run in a process, every
asyncio test after it fails.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from app.web.pages import graphiql_page, page_routes

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "viewer" / "dist" / "graphiql"
VISIT = Path(__file__).with_name("visit_graphiql.py")
REQUIRED = os.environ.get("TESTS_REQUIRED", "").split(",")

# A token is good for whole seconds: a renewed one lasts long enough to be sent, the first is soon waited for.
ACCESS_TOKEN_SECONDS = 2
NO_TROUBLE: dict[str, list[str]] = {"violations": [], "errors": [], "elsewhere": []}
UNAUTHORIZED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)"
"""What the browser itself writes of such an answer."""


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(33, 42, 59)")])
def test_graphiql_shows_all_its_parts_without_breaking_its_policy(
    chromium: str, address: str, scheme: str, background: str
) -> None:
    seen = visit(chromium, "look", address, scheme)

    assert seen == NO_TROUBLE | {
        "background": background,
        "editor": True,
        "headers": True,
        "docs": ["Mutation", "Query"],
        "policy": True,
        "explorer": True,
        "settings": True,
    }


def test_graphiql_fits_a_phone(chromium: str, address: str) -> None:
    seen = visit(chromium, "phone", address, "light")

    assert seen == NO_TROUBLE | {
        "wider_than_window": False,
        "answer_below_query": True,
        "form_within_window": True,
    }


def test_log_in_adds_the_token_and_log_out_ends_the_permit(chromium: str, address: str) -> None:
    seen = visit(chromium, "log_in", address, "light")

    assert seen == NO_TROUBLE | {
        "refusal": "The e-mail address or the password is not correct. Please check both and try again.",
        "answer": {
            "data": {
                "industry": {
                    "name": "Technology",
                    "shares": [
                        {"tag": "BUD", "price": "10.2800"},
                        {"tag": "LWP", "price": "15.2000"},
                        {"tag": "WGL", "price": "35.0000"},
                    ],
                }
            }
        },
        "typed_header_wins": ["UNAUTHENTICATED"],
        "stored": False,
        "logged_out": ["UNAUTHENTICATED"],
        "renewal_after": ["INVALID_PERMIT"],
        # The typed token, and the query after the log-out.
        "errors": [UNAUTHORIZED] * 2,
    }


def test_an_expired_token_is_renewed_once_for_all_requests_until_the_permit_is_revoked(
    chromium: str, address: str
) -> None:
    seen = visit(chromium, "renew", address, "light")

    assert seen == NO_TROUBLE | {
        "answers": [200, 200, 200],
        "tokens": ["first"] * 3 + ["second"] * 3,
        "renewals": 1,
        "revoked": {"status": 401, "held": False},
        # The first token three times, and the second once it had expired and its permit was revoked.
        "errors": [UNAUTHORIZED] * 4,
    }


def test_a_stream_is_shown(chromium: str, streaming_address: str) -> None:
    seen = visit(chromium, "stream", streaming_address, "light")

    assert seen == NO_TROUBLE | {"stream": {"data": {"priceTicked": "10.2900"}}}


def visit(chromium: str, what: str, address: str, scheme: str) -> dict[str, Any]:
    """What the browser found, by the script's names for it."""
    done = subprocess.run(
        [sys.executable, VISIT, what, address, scheme, chromium],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@pytest.fixture(scope="module")
def chromium() -> str:
    """The browser's path, once it is sure that there is a page to visit."""
    found = shutil.which("chromium")
    reason = "no Chromium: apt-get install chromium"
    if found is not None:
        if (BUILT / "start.js").is_file():
            return found
        reason = "no pages: install Node 20.19 or newer and run make test"
    if "chromium" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page of a server as `make run` starts it, with a data folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings = {
        "SHARES_PORT": str(port),
        "SHARES_DATA_DIR": str(folder),
        "SHARES_ACCESS_TOKEN_SECONDS": str(ACCESS_TOKEN_SECONDS),
        "SHARES_PASSWORD_HASHING": "cheap",
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SHARES_")}
    log = folder / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "app", "serve", "--prepare"],
            cwd=ROOT,
            env=environment | settings,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    found = f"http://127.0.0.1:{port}/graphql"
    try:
        wait_for(found, server, log)
        yield found
    finally:
        server.terminate()
        server.wait(10)


def wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    """Return once the server answers."""
    until = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < until:
        try:
            httpx.get(address, params={"query": "{ __typename }"})
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the server does not answer:\n{log.read_text()}")


@strawberry.type
class Query:
    """The reads."""

    version: str = "1.0"


@strawberry.type
class Subscription:
    """The streams."""

    @strawberry.subscription
    async def price_ticked(self) -> AsyncGenerator[str, None]:
        """Two prices."""
        for price in ("10.2800", "10.2900"):
            yield price


class StreamingApi(GraphQL[Any, None]):
    """An API that has a stream."""

    async def render_graphql_ide(self, request: Request) -> Response:
        """The page that is tested."""
        return graphiql_page(BUILT, request.url)


@pytest.fixture(scope="module")
def streaming_address() -> Iterator[str]:
    api = StreamingApi(strawberry.Schema(Query, subscription=Subscription), subscription_protocols=["graphql-sse"])
    app = Starlette(routes=[Route("/graphql", api), *page_routes(BUILT)])
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        server.should_exit = True
        thread.join()
