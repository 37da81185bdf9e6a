"""Joins the rooms: from settings to a running application. The only place that does."""

import asyncio
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute

from app.database import Database, is_migrated
from app.domain import mails
from app.domain.denials import Denials, Opener
from app.domain.identity import Identity
from app.domain.mails import MailQueued
from app.graph.context import Services
from app.graph.schema import SecuredSchema
from app.kit.clock import Clock, seconds_of, utc_now
from app.kit.facts import Fact
from app.kit.phrases import Phrases
from app.mail.delivering import Deliverer
from app.mail.transports import FolderTransport, SmtpTransport
from app.push import Carrier, Push
from app.security.keys import Keyring, UnusableKey, development_secret
from app.security.leaked import LeakedPasswords
from app.security.passwords import CHEAP, OWASP, RFC_9106, HashProfile, PasswordHasher, PasswordRules
from app.security.revocations import Revocations
from app.security.seals import Seals
from app.security.tokens import Tokens
from app.settings import Settings
from app.web.clients import BehindProxies
from app.web.connections import Connections
from app.web.deadlines import TransportLimits
from app.web.discovery import Discovery
from app.web.documents import NamedDocuments
from app.web.door import ANSWER_HEADERS, Door
from app.web.ending import tell_of_end
from app.web.exposition import Exposition
from app.web.health import Check, Health
from app.web.kept_answers import KeptAnswers
from app.web.manifest import read_manifest
from app.web.metrics import Metrics
from app.web.numbers import SharedNumbers, Sources
from app.web.pages import page_routes
from app.web.rates import Rates
from app.web.records import keep_records
from app.web.repeatability import Repeatability
from app.web.request_log import Lines, RequestLog, as_json, as_text
from app.web.statements import note_statements
from app.web.tracing import Tracing
from app.web.versions import ApiVersion, VersionedEndpoint, Versions
from app.web.view import GraphQLView
from app.web.watching import Watch

VERSION = "1.0"
"""The API version that `schema.graphql` shows."""

ROOT = Path(__file__).parent.parent
LOCALES = ROOT / "locales"
BUILT_PAGES = ROOT / "viewer" / "dist" / "graphiql"

_DENIALS_SECONDS = 5.0
_KEY_FILES_SECONDS = 2.0
_FORGETTING_SECONDS = 60.0
_LINES_SECONDS = 0.25
_LAST_LINES_SECONDS = 1.0
_SETTLED_SECONDS = 1.0

logger = logging.getLogger("app")

HASH_PROFILES: dict[str, HashProfile] = {"owasp": OWASP, "rfc9106": RFC_9106, "cheap": CHEAP}


def open_database(settings: Settings) -> Database:
    """Prepare the database that the settings name, and the folder of an embedded one."""
    database = Database(settings.effective_database_url, synchronous=settings.effective_synchronous)
    if database.dialect_name == "sqlite" and database.url.database:
        Path(database.url.database).parent.mkdir(parents=True, exist_ok=True)
    return database


def make_keyring(settings: Settings) -> Keyring:
    """Make the keys of tokens; in development the secret too, if there is none yet.

    Raises:
        UnusableKey: A key is too weak, or of a kind that is not supported.
        OSError: A file cannot be read.
    """
    if settings.signing_key_file is not None:
        # A file for the previous key may be named before there is one: the next rotation fills it.
        earlier = [file for file in settings.earlier_key_files if file.exists()]
        pair = Keyring.from_files(settings.signing_key_file, earlier)
        secrets = settings.earlier_secrets
        return pair.believing(Keyring.from_secrets(*secrets)) if secrets else pair
    if settings.secret is not None:
        return Keyring.from_secrets(settings.secret.get_secret_value().encode(), *settings.earlier_secrets)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Keyring.from_secrets(development_secret(settings.data_dir / "development.key"))


def make_tokens(settings: Settings, clock: Clock = utc_now) -> Tokens:
    """Make the grantor and reader of tokens."""
    encryption_key = settings.token_encryption_key
    return Tokens(
        keys=make_keyring(settings),
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        access_lifetime=settings.access_lifetime,
        refresh_lifetime=settings.refresh_lifetime,
        encryption_key=bytes.fromhex(encryption_key.get_secret_value()) if encryption_key else None,
        clock_skew=settings.clock_skew,
        not_before_delay=settings.not_before_delay,
        clock=clock,
    )


def make_seals(settings: Settings) -> Seals:
    """Make the seals from the pepper; in development the pepper too, if there is none yet."""
    if settings.pepper is not None:
        return Seals(settings.pepper.get_secret_value().encode())
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    return Seals(development_secret(settings.data_dir / "development.pepper"))


def make_identity(settings: Settings, locales: tuple[str, ...], clock: Clock = utc_now) -> Identity:
    """Make what registration, log-in and renewal work with."""
    return Identity(
        tokens=make_tokens(settings, clock),
        hasher=PasswordHasher(HASH_PROFILES[settings.password_hashing]),
        seals=make_seals(settings),
        rules=PasswordRules(
            min_length=settings.password_min_length,
            max_length=settings.password_max_length,
            require_digit=settings.password_require_digit,
            require_lowercase=settings.password_require_lowercase,
            require_uppercase=settings.password_require_uppercase,
            require_non_alphanumeric=settings.password_require_non_alphanumeric,
            min_unique_characters=settings.password_min_unique_characters,
            leaked=LeakedPasswords.load(),
        ),
        access_lifetime=settings.access_lifetime,
        locales=locales,
        issuer=settings.token_issuer,
        clock=clock,
        limits=settings.limits,
    )


@cache
def load_phrases() -> Phrases:
    """Load the catalogues, once in a process."""
    return Phrases.load(LOCALES)


@cache
def make_schema() -> SecuredSchema:
    """Build the schema of that version, once in a process."""
    return SecuredSchema(VERSION)


VERSIONS: Sequence[ApiVersion] = (ApiVersion(make_schema=lambda: make_schema()),)
"""The API versions that the server answers; the first is that of who asks for none."""


def make_services(settings: Settings, versions: Versions, clock: Clock = utc_now) -> Services:
    """Make what lives as long as the server."""
    phrases = load_phrases()
    return Services(
        database=open_database(settings),
        identity=make_identity(settings, phrases.locales, clock),
        revocations=Revocations(clock),
        denials=Denials(),
        phrases=phrases,
        versions=versions.names,
        deprecated_versions=versions.deprecated,
        clock=clock,
        document_limits=settings.document_limits,
        introspection=settings.effective_introspection,
    )


def make_deliverer(settings: Settings, services: Services) -> Deliverer:
    """Make what sends the e-mails of the outbox."""
    url = settings.smtp_url
    return Deliverer(
        services.database,
        services.identity.seals,
        FolderTransport(settings.data_dir / "outbox")
        if url is None
        else SmtpTransport.from_url(url.get_secret_value()),
        services.phrases,
        sender=settings.mail_from,
        clock=services.clock,
    )


def make_carrier(settings: Settings, services: Services) -> Carrier | None:
    """Make what tells other processes the news; None without Redis."""
    if settings.redis_url is None:
        return None
    from app.push.over_redis import RedisCarrier

    return RedisCarrier(settings.redis_url.get_secret_value(), services.identity.seals)


def make_health(database: Database, carrier: Carrier | None) -> Health:
    """Make what says whether the server can serve."""

    async def answers() -> bool:
        return len(await database.fetch(text("SELECT 1"))) == 1

    checks: dict[str, Check] = {"database": answers, "migrations": lambda: is_migrated(database)}
    if carrier is not None:
        checks["redis"] = carrier.is_reachable
    return Health(checks)


def make_rates(settings: Settings, services: Services) -> Rates:
    """Make what counts how often clients do something; together with other processes where there is Redis."""
    now = seconds_of(services.clock)
    if settings.redis_url is None:
        return Rates(settings.rate_limits, None, now)
    from app.web.rates_over_redis import RedisCounts

    url = settings.redis_url.get_secret_value()
    return Rates(settings.rate_limits, RedisCounts(url, services.identity.seals), now)


def make_named_documents(settings: Settings) -> NamedDocuments:
    """Make what finds documents by their hashes."""
    manifest = settings.trusted_documents
    return NamedDocuments(
        {} if manifest is None else read_manifest(manifest),
        trusted_only=settings.trusted_only,
        persists=settings.persisted_queries,
    )


def make_kept_answers(settings: Settings, database: Database) -> KeptAnswers | None:
    """Make the store of answers; None if each is to be read anew."""
    most = settings.response_cache_bytes
    return KeptAnswers(database.reader.generations, most_bytes=most) if most else None


def make_watch(settings: Settings, database: Database) -> Watch:
    """Make who watches the requests: the counts, the request log and the traces."""
    form = as_json if settings.effective_log_format == "json" else as_text
    return Watch(
        metrics=Metrics(),
        log=RequestLog(form, Lines()) if settings.request_log else None,
        tracing=Tracing(database.dialect_name),
        shows_timing=settings.shows_timing,
    )


def make_exposition(settings: Settings, numbers: SharedNumbers, database: Database) -> Exposition:
    """Make what shows the metrics."""

    async def waiting() -> int:
        async with database.reading() as session:
            return await mails.waiting(session)

    return Exposition(numbers, settings.effective_metrics_networks, waiting)


def create_app(
    settings: Settings, *, clock: Clock = utc_now, versions: Sequence[ApiVersion] | None = None
) -> Starlette:
    """Make the application.

    Args:
        settings: What the operator chose.
        clock: The time, for tokens and policies; tests hand over their own.
        versions: The API versions to answer; None for `VERSIONS`.
    """
    answered = Versions(VERSIONS if versions is None else versions)
    services = make_services(settings, answered, clock)
    deliverer = make_deliverer(settings, services)
    carrier = make_carrier(settings, services)
    push = Push(services.database, services.revocations, clock, carrier=carrier)

    def tell(fact: Fact) -> None:
        push.told(fact)
        if isinstance(fact, MailQueued):
            deliverer.wake()

    services.database.listen(tell)
    connections = Connections(settings.connection_limits)
    repeatability = Repeatability(services, settings.repeatability_window)
    rates = make_rates(settings, services)
    named_documents = make_named_documents(settings)
    kept_answers = make_kept_answers(settings, services.database)
    watch = make_watch(settings, services.database)
    note_statements(services.database)
    lines = None if watch.log is None else watch.log.lines
    numbers = SharedNumbers(Sources(watch.metrics, connections, rates, kept_answers, lines), settings.metrics_dir)
    views = {
        name: GraphQLView(
            schema,
            services,
            built_pages=BUILT_PAGES,
            named_documents=named_documents,
            max_body_bytes=settings.max_body_bytes,
            max_batch=settings.max_batch,
            connections=connections,
            allowed_origins=settings.origins,
            clock=clock,
            repeatability=repeatability,
            rates=rates,
            time_limits=settings.time_limits,
            kept_answers=kept_answers,
            watch=watch,
        )
        for name, schema in answered.schemas.items()
    }
    endpoint = VersionedEndpoint(answered, views, services.phrases)

    async def jwks(_: Request) -> JSONResponse:
        return JSONResponse(services.identity.tokens.jwks(), headers={"Cache-Control": "public, max-age=300"})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        await push.start()
        watch.tracing.begin()
        # What is there now stays: to look through it for garbage again and again would stall answers.
        gc.freeze()
        gc.enable()
        stop_waiting = tell_of_end(connections.ending, answer_seconds=settings.shutdown_seconds)
        keeping = [
            asyncio.create_task(work)
            for work in (
                deliverer.run(),
                _write_denials(services),
                _watch_keys(settings, services),
                _forget_requests(repeatability),
                _prepare(services.phrases, answered),
                rates.keep_shared(),
                numbers.keep_writing(),
                _write_lines(lines),
            )
        ]
        yield
        stop_waiting()
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        numbers.end()
        if lines is not None:
            lines.write(patience_seconds=_LAST_LINES_SECONDS)
        await services.denials.write(_opener(services), clock())
        await push.stop()
        await rates.close()
        services.identity.hasher.close()
        await services.database.close()

    app = Starlette(
        routes=[
            *Discovery(services, answered, opens_schema=settings.is_development).routes,
            *make_health(services.database, carrier).routes,
            make_exposition(settings, numbers, services.database).route,
            Route("/v{number}/graphql", endpoint),
            WebSocketRoute("/v{number}/graphql", endpoint),
            Route("/.well-known/jwks.json", jwks, methods=["GET"]),
            *page_routes(BUILT_PAGES),
        ],
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    door = Door(
        app.router,
        endpoints={"/graphql": endpoint},
        at_once={"/graphql": endpoint},
        phrases=services.phrases,
        origins=settings.origins,
        always=answered.headers,
        watch=watch,
    )
    proxies = settings.proxies
    outermost = BehindProxies(door, trusted=proxies, header=settings.forwarded_header) if proxies else door
    app.middleware_stack = outermost
    app.state.at_once = outermost
    app.state.services = services
    app.state.rates = rates
    app.state.watch = watch
    app.state.transport_limits = TransportLimits(
        head_bytes=settings.max_head_bytes,
        request_seconds=settings.request_seconds,
        unread_seconds=settings.unread_seconds,
        frames_per_second=settings.socket_messages_per_second,
        frame_burst=settings.socket_message_burst,
        phrases=services.phrases,
        always={**answered.headers, **ANSWER_HEADERS},
    )
    app.state.views = views
    app.state.kept_answers = kept_answers
    app.state.deliverer = deliverer
    return app


def from_environment() -> Starlette:
    """Make the application of a worker process."""
    settings = Settings.from_environment(os.environ)
    keep_records(settings.effective_log_format)
    return create_app(settings)


def _opener(services: Services) -> Opener:
    return lambda origin: services.audited(origin).unit_of_work()


async def _write_lines(lines: Lines | None) -> None:
    while lines is not None:
        await asyncio.sleep(_LINES_SECONDS)
        lines.write()


async def _write_denials(services: Services) -> None:
    while True:
        await asyncio.sleep(_DENIALS_SECONDS)
        try:
            await services.denials.write(_opener(services), services.clock())
        except SQLAlchemyError as error:
            logger.error("refusals could not be written to the audit trail: %s", type(error).__name__)


async def _forget_requests(repeatability: Repeatability) -> None:
    while True:
        await asyncio.sleep(_FORGETTING_SECONDS)
        try:
            await repeatability.forget()
        except SQLAlchemyError as error:
            logger.error("requests that were done could not be forgotten: %s", type(error).__name__)


async def _prepare(phrases: Phrases, versions: Versions) -> None:
    """Make what the first request would wait for that needs it, once the server has settled."""
    await asyncio.sleep(_SETTLED_SECONDS)
    await asyncio.to_thread(phrases.prepare)
    for schema in versions.schemas.values():
        await asyncio.to_thread(getattr, schema, "sdl")


async def _watch_keys(settings: Settings, services: Services) -> None:
    """Take over changed key files, without a restart and between two requests."""
    changed = asyncio.Event()
    with suppress(NotImplementedError, RuntimeError, ValueError):
        # Not every platform and thread has signals; the files are looked at all the same. Without files too,
        # for who hangs up on all servers alike must not end those that have a secret.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, changed.set)
    if settings.signing_key_file is None:
        return
    files = (settings.signing_key_file, *settings.earlier_key_files)
    seen = _stamps(files)
    while True:
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), _KEY_FILES_SECONDS)
        now = _stamps(files)
        if not changed.is_set() and now == seen:
            continue
        changed.clear()
        seen = now
        try:
            services.identity.tokens.replace_keys(make_keyring(settings))
        except (OSError, UnusableKey) as error:
            logger.error("the keys of tokens stay as they are: %s", error)
        else:
            logger.info("the keys of tokens were taken over anew")


def _stamps(files: tuple[Path, ...]) -> list[tuple[int, int] | None]:
    stamps: list[tuple[int, int] | None] = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            stamps.append(None)
        else:
            stamps.append((stat.st_mtime_ns, stat.st_size))
    return stamps
