"""Clients of the application, and the access tokens of all kinds of callers."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self

import httpx
from starlette.applications import Starlette

from app.domain.policies import latest_joining
from app.entities import Trader
from app.graph.context import Services
from tests.factories import ManualClock


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: httpx.Headers
    body: dict[str, Any]

    @property
    def data(self) -> Any:
        return self.body.get("data")

    @property
    def errors(self) -> list[dict[str, Any]]:
        errors: list[dict[str, Any]] = self.body.get("errors", [])
        return errors

    @property
    def codes(self) -> list[str]:
        """The codes of the top-level errors."""
        return [error["extensions"]["code"] for error in self.errors]


class Api:
    """Speaks to an application, or to a real server, as a client does."""

    def __init__(
        self, app: Starlette | None = None, *, base_url: str = "http://shares.test", address: str = "127.0.0.1"
    ) -> None:
        transport = None if app is None else httpx.ASGITransport(app, client=(address, 50_000))
        # A server hangs up on what is idle for five seconds: who did so in that very moment would be told nothing.
        limits = httpx.Limits(keepalive_expiry=2.0)
        self.http = httpx.AsyncClient(transport=transport, base_url=base_url, limits=limits, timeout=20.0)

    async def __aenter__(self) -> Self:
        await self.http.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def __call__(
        self,
        document: str,
        variables: dict[str, Any] | None = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> Answer:
        """Send an operation by POST."""
        sent = dict(headers or {})
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        body: dict[str, Any] = {"query": document, "variables": variables}
        if extensions is not None:
            body["extensions"] = extensions
        response = await self.http.post("/graphql", json=body, headers=sent)
        return Answer(response.status_code, response.headers, response.json())


@dataclass
class Callers:
    """Grants tokens as the service does, without the log-in; the traders need not exist."""

    services: Services
    clock: ManualClock
    permit_id: str = field(default="a-permit-of-the-tests")

    def access(
        self, *, trader_id: int = 1, date_joined: date | None = None, roles: frozenset[str] = frozenset()
    ) -> str:
        return self.services.identity.tokens.grant_access(
            trader_id=trader_id,
            permit_id=self.permit_id,
            email="caller@example.com",
            given_name="Ada",
            family_name="Caller",
            date_joined=date_joined,
            roles=roles,
        ).text

    def serving(self, years: int) -> str:
        """The token of a trader with so many full years of service today."""
        return self.access(date_joined=latest_joining(self.clock().date(), years))

    @property
    def newcomer(self) -> str:
        return self.serving(0)

    @property
    def skilled(self) -> str:
        return self.serving(1)

    @property
    def manager(self) -> str:
        return self.serving(5)

    @property
    def administrator(self) -> str:
        return self.access(roles=frozenset({Trader.ADMINISTRATOR}))

    def refresh(self, *, trader_id: int = 1) -> str:
        return self.services.identity.tokens.grant_refresh(trader_id=trader_id, permit_id=self.permit_id).text

    def expired(self) -> str:
        """A manager's token that expires at this very moment."""
        token = self.manager
        self.clock.now += self.services.identity.access_lifetime
        return token
