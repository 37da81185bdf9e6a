"""Joins the rooms: from settings to a running application. The only place that does."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route

from app.database import Database
from app.graph.context import Services
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock, utc_now
from app.kit.phrases import Phrases
from app.security.keys import Keyring, development_secret
from app.security.leaked import LeakedPasswords
from app.security.passwords import CHEAP, OWASP, RFC_9106, HashProfile, PasswordHasher, PasswordRules
from app.security.tokens import Tokens
from app.settings import Settings
from app.web.pages import page_routes
from app.web.view import GraphQLView

VERSION = "1.0"
"""The API version that the server answers."""

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "locales"
BUILT_PAGES = ROOT / "viewer" / "dist" / "graphiql"

HASH_PROFILES: dict[str, HashProfile] = {"owasp": OWASP, "rfc9106": RFC_9106, "cheap": CHEAP}


def open_database(settings: Settings) -> Database:
    """Prepare the database that the settings name, and the folder of an embedded one."""
    database = Database(settings.effective_database_url, synchronous=settings.effective_synchronous)
    if database.dialect_name == "sqlite" and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    return database


def make_tokens(settings: Settings, clock: Clock = utc_now) -> Tokens:
    """Make the grantor and reader of tokens; in development its key too, if there is none yet."""
    if settings.secret is not None:
        secret = settings.secret.get_secret_value().encode()
    else:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        secret = development_secret(settings.data_dir / "development.key")
    encryption_key = settings.token_encryption_key
    return Tokens(
        keys=Keyring.from_secret(secret),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        access_lifetime=settings.access_lifetime,
        refresh_lifetime=settings.refresh_lifetime,
        encryption_key=bytes.fromhex(encryption_key.get_secret_value()) if encryption_key else None,
        clock_skew=settings.clock_skew,
        not_before_delay=settings.not_before_delay,
        clock=clock,
    )


def make_services(settings: Settings, clock: Clock = utc_now) -> Services:
    """Make what lives as long as the server."""
    return Services(
        database=open_database(settings),
        tokens=make_tokens(settings, clock),
        hasher=PasswordHasher(HASH_PROFILES[settings.password_hashing]),
        phrases=Phrases.load(LOCALES),
        password_rules=PasswordRules(
            min_length=settings.password_min_length,
            max_length=settings.password_max_length,
            require_digit=settings.password_require_digit,
            require_lowercase=settings.password_require_lowercase,
            require_uppercase=settings.password_require_uppercase,
            require_non_alphanumeric=settings.password_require_non_alphanumeric,
            leaked=LeakedPasswords.load(),
        ),
        access_lifetime=settings.access_lifetime,
        versions=(VERSION,),
        deprecated_versions=(),
    )


def create_app(settings: Settings, *, clock: Clock = utc_now) -> Starlette:
    """Make the application.

    Args:
        settings: What the operator chose.
        clock: The time, for tokens and policies; tests hand over their own.
    """
    services = make_services(settings, clock)
    view = GraphQLView(
        SecuredSchema(VERSION),
        services,
        built_pages=BUILT_PAGES,
        max_body_bytes=settings.max_body_bytes,
        clock=clock,
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        services.hasher.close()
        await services.database.close()

    app = Starlette(
        routes=[
            Route("/", _to_graphiql, methods=["GET"]),
            Route("/graphql", view),
            *page_routes(BUILT_PAGES),
        ],
        lifespan=lifespan,
    )
    app.state.services = services
    return app


async def _to_graphiql(_: Request) -> RedirectResponse:
    return RedirectResponse("/graphql", status_code=307)
