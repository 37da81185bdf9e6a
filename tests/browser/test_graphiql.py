"""GraphiQL in a real browser, against a real server with a small schema in the API's place.

The browser is driven from a process of its own (`visit_graphiql.py`): once Playwright has run in a process, every
asyncio test after it fails.
"""
# ruff: noqa: A002  (GraphQL's argument names)

import json
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import strawberry
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from strawberry.asgi import GraphQL

from app.web.pages import graphiql_page, page_routes

BUILT = Path(__file__).parents[2] / "viewer" / "dist" / "graphiql"
VISIT = Path(__file__).with_name("visit_graphiql.py")
CHROMIUM = shutil.which("chromium")

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: apt-get install chromium"),
    pytest.mark.skipif(
        not (BUILT / "start.js").is_file(), reason="no pages: install Node 20.19 or newer and run make"
    ),
]


@pytest.mark.parametrize(("scheme", "background"), [("light", "rgb(255, 255, 255)"), ("dark", "rgb(33, 42, 59)")])
def test_graphiql_shows_all_its_parts_without_breaking_its_policy(
    address: str, scheme: str, background: str
) -> None:
    seen = visit("look", address, scheme)

    assert seen == {
        "background": background,
        "editor": True,
        "headers": True,
        "docs": ["Mutation", "Query", "Subscription"],
        "explorer": True,
        "settings": True,
        "violations": [],
        "errors": [],
        "elsewhere": [],
    }


def test_graphiql_fits_a_phone(address: str) -> None:
    seen = visit("phone", address, "light")

    assert seen == {
        "wider_than_window": False,
        "answer_below_query": True,
        "form_within_window": True,
        "violations": [],
        "errors": [],
        "elsewhere": [],
    }


def test_log_in_adds_the_token_and_renews_it_once_and_streams(address: str) -> None:
    seen = visit("log_in", address, "light")

    assert seen == {
        "refusal": "That is not right.",
        "answer": {"data": {"industry": {"shares": [{"price": "10.2800"}]}}},
        "typed_header_wins": {"errors": [{"message": "UNAUTHENTICATED"}]},
        "stream": {"data": {"priceTicked": "10.2900"}},
        "tokens": ["stale", "fresh", "typed", "fresh"],
        "renewals": 1,
        "stored": False,
        "logged_out": True,
        "violations": [],
        # What the browser itself writes of the two refusals: the expired token and the typed one.
        "errors": ["Failed to load resource: the server responded with a status of 401 (Unauthorized)"] * 2,
        "elsewhere": [],
    }


def visit(what: str, address: str, scheme: str) -> dict[str, Any]:
    """What the browser found, by the script's names for it."""
    done = subprocess.run(
        [sys.executable, VISIT, what, address, scheme, str(CHROMIUM)],
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


@strawberry.type
class Share:
    """A share in a company."""

    id: strawberry.ID
    tag: str
    price: str


@strawberry.type
class Industry:
    """A branch of the economy."""

    id: strawberry.ID
    tag: str
    name: str
    shares: list[Share]


@strawberry.type
class Tokens:
    """The tokens of a permit."""

    access_token: str
    access_token_expires_at: datetime
    refresh_token: str


@strawberry.type
class UserError:
    """What went wrong."""

    code: str
    message: str


@strawberry.type
class PermitPayload:
    """The answer to a log-in or a renewal."""

    tokens: Tokens | None = None
    errors: list[UserError] = strawberry.field(default_factory=list)


@strawberry.input
class PermitLogInInput:
    """A log-in."""

    email: str
    password: str


@strawberry.input
class PermitRenewInput:
    """A renewal."""

    refresh_token: str


@strawberry.input
class PermitLogOutInput:
    """A log-out."""

    refresh_token: str


@strawberry.type
class Query:
    """The reads."""

    @strawberry.field
    def industry(self, id: strawberry.ID) -> Industry | None:
        """One industry."""
        return Industry(
            id=id,
            tag="tech",
            name="Technology",
            shares=[Share(id=strawberry.ID("1"), tag="BUD", price="10.2800")],
        )


@strawberry.type
class Mutation:
    """The writes."""

    @strawberry.mutation
    def permit_log_in(self, input: PermitLogInInput) -> PermitPayload:
        """Give tokens, of which the access token has expired already."""
        if input.password != "Demo-2026-shares":
            return PermitPayload(errors=[UserError(code="INVALID_CREDENTIALS", message="That is not right.")])
        return PermitPayload(tokens=_tokens("stale", "first"))

    @strawberry.mutation
    def permit_renew(self, input: PermitRenewInput) -> PermitPayload:
        """Give fresh tokens for the first refresh token, and for no other."""
        if input.refresh_token != "first":
            return PermitPayload(errors=[UserError(code="INVALID_PERMIT", message="The permit has ended.")])
        return PermitPayload(tokens=_tokens("fresh", "second"))

    @strawberry.mutation
    def permit_log_out(self, input: PermitLogOutInput) -> PermitPayload:
        """End nothing."""
        return PermitPayload()


@strawberry.type
class Subscription:
    """The streams."""

    @strawberry.subscription
    async def price_ticked(self) -> AsyncGenerator[str, None]:
        """Two prices."""
        for price in ("10.2800", "10.2900"):
            yield price


def _tokens(access: str, refresh: str) -> Tokens:
    return Tokens(access_token=access, access_token_expires_at=datetime.now(UTC), refresh_token=refresh)


class Api(GraphQL[Any, None]):
    """An API that finds the first access token expired, and every other but the renewed one unknown."""

    async def render_graphql_ide(self, request: Request) -> Response:
        """The page that is tested."""
        return graphiql_page(BUILT)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Refuse as the API does."""
        authorization = Request(scope).headers.get("Authorization", "")
        if authorization in ("", "Bearer fresh"):
            await super().__call__(scope, receive, send)
            return
        code = "TOKEN_EXPIRED" if authorization == "Bearer stale" else "UNAUTHENTICATED"
        headers = {"Token-Expired": "true"} if code == "TOKEN_EXPIRED" else {}
        error = {"message": code, "extensions": {"code": code}}
        refusal = JSONResponse({"errors": [error]}, status_code=401, headers=headers)
        await refusal(scope, receive, send)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    api = Api(strawberry.Schema(Query, Mutation, Subscription), subscription_protocols=["graphql-sse"])
    app = Starlette(routes=[Route("/graphql", api), *page_routes(BUILT)])
    server = uvicorn.Server(uvicorn.Config(app, ws="none", log_level="warning"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/graphql"
        server.should_exit = True
        thread.join()
