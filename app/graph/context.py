"""What a resolver may ask of the request that it works for."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import strawberry
from graphql import DocumentNode, GraphQLResolveInfo

from app.compiler.plan import Shelves
from app.database import Database
from app.kit.phrases import Phrases
from app.security.passwords import PasswordHasher, PasswordRules
from app.security.tokens import AccessClaims, Tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What lives as long as the server and is shared by all requests.

    Attributes:
        access_lifetime: How long an access token lives.
        versions: Every API version that the server answers.
        deprecated_versions: Those that will go.
    """

    database: Database
    tokens: Tokens
    hasher: PasswordHasher
    phrases: Phrases
    password_rules: PasswordRules
    access_lifetime: timedelta
    versions: tuple[str, ...]
    deprecated_versions: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class Context:
    """One request.

    Attributes:
        claims: The verified claims of the access token; None for a stranger.
        now: When the request came in, UTC.
        locale: The language to answer in, a BCP 47 tag that the catalogues have.
        version: The API version that answers.
        request_id: The name of the request in the log.
        device: What the device said of itself; None if it said nothing.
        shelves: What the types of this version's schema stand for.
        document: The parsed document of the operation; None where it is still a text.
        proven: Traders whose log-in or refresh token this very request has proven: their owners' rights
            hold for its answer, nothing else.
        log_failure: Keeps an unexpected exception where an operator finds it by the request id.
    """

    services: Services
    claims: AccessClaims | None
    now: datetime
    locale: str
    version: str
    request_id: str
    device: str | None
    shelves: Shelves
    log_failure: Callable[[BaseException, str], None]
    document: DocumentNode | None = None
    proven: set[int] = field(default_factory=set)

    @property
    def today(self) -> date:
        """The server's day in UTC, which policies go by."""
        return self.now.date()

    @property
    def database(self) -> Database:
        """Where statements run."""
        return self.services.database

    def owns(self, trader_id: int) -> bool:
        """Say whether the caller is that trader."""
        return trader_id in self.proven or (self.claims is not None and self.claims.trader_id == trader_id)

    def say(self, key: str, **params: str | int) -> str:
        """Say a phrase in the caller's language."""
        return self.services.phrases.say(self.locale, key, **params)


Info = strawberry.Info[Context, None]
"""A field's view of the request, as resolvers get it."""

ResolveInfo = GraphQLResolveInfo[Any]
"""The same as the executor gives it, for what wraps resolvers."""
