"""What the command line does: reads its arguments and the settings, and runs one command."""

import argparse
import asyncio
import gc
import getpass
import json
import logging
import os
import signal
import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, TextIO

from sqlalchemy.exc import SQLAlchemyError

from app.database import UnusableMigrations
from app.kit.clock import utc_now
from app.security.keys import UnusableKey
from app.settings import PREFIX, InvalidSettings, Settings

if TYPE_CHECKING:
    from sqlmodel.ext.asyncio.session import AsyncSession

# How many `seed` makes of what is left out where the other is given.
_MANY_INDUSTRIES = 50
_MANY_SHARES = 100


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit status: 0 done, 1 refused, 2 not understood."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
    except InvalidSettings as error:
        print(f"Settings: {error}", file=sys.stderr)
        return 1
    command: Callable[[Settings, argparse.Namespace], int] = parsed.command
    try:
        return command(settings, parsed)
    except UnusableMigrations as error:
        print(f"Migrations: {error}", file=sys.stderr)
        return 1
    except (OSError, SQLAlchemyError, UnusableKey) as error:
        # A file, a key or a database that cannot be used is for the operator to mend: the first line says which.
        print(f"Failed: {str(error).partition(chr(10))[0]}", file=sys.stderr)
        return 1


class InsertsIndustries(Protocol):
    """Inserts the first industries and shares, and says whether it did."""

    async def __call__(self, session: "AsyncSession", *, now: datetime) -> bool:
        """Insert them in an open unit of work."""


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("needs to be a whole number from 1")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shares", description="The Share Price Viewer API.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the API")
    serve.add_argument("--prepare", action="store_true", help="migrate and seed the database first")
    serve.set_defaults(command=_serve)
    migrate = commands.add_parser("migrate", help="bring the database's schema up to date")
    migrate.add_argument("--check", action="store_true", help="only say whether migrations and entities agree")
    migrate.set_defaults(command=_migrate)
    seed = commands.add_parser("seed", help="insert the first data, and in development the demo traders")
    seed.add_argument(
        "--industries", type=_count, metavar="N", help="insert N made-up industries instead, many rows at a time"
    )
    seed.add_argument("--shares", type=_count, metavar="M", help="how many shares each of them gets (100)")
    seed.set_defaults(command=_seed)
    admin = commands.add_parser(
        "create-admin", help="make a trader an administrator; a new one is asked for a password"
    )
    admin.add_argument("email")
    admin.add_argument("--first-name", default="Admin")
    admin.add_argument("--last-name", default="Admin")
    admin.set_defaults(command=_create_admin)
    audit = commands.add_parser("audit", help="the audit trail").add_subparsers(required=True, metavar="ACTION")
    verify = audit.add_parser("verify", help="say whether any event was edited or deleted")
    verify.set_defaults(command=_verify)
    explain = commands.add_parser("explain", help="show the SQL of an operation, or why it has none")
    explain.add_argument("file", type=Path, help="a GraphQL document, - for standard input")
    explain.add_argument("--variables", type=json.loads, default={}, help="their values, as a JSON object")
    explain.add_argument(
        "--dialect", choices=("sqlite", "postgresql"), help="that of the database in use, if not given"
    )
    explain.set_defaults(command=_explain)
    schema = commands.add_parser("schema", help="the GraphQL schema").add_subparsers(
        required=True, metavar="ACTION"
    )
    export = schema.add_parser("export", help="write the schema to a file, or hold the file against it")
    export.add_argument("--check", action="store_true", help="write nothing; fail if the file differs")
    export.add_argument("file", type=Path, nargs="?", default=Path("schema.graphql"))
    export.set_defaults(command=_export)
    return parser


def _serve(settings: Settings, parsed: argparse.Namespace) -> int:
    gc.disable()  # Until it serves, as for the modules imported so far.
    from app.main import make_keyring
    from app.web.records import keep_records
    from app.web.serving import serve

    keep_records(settings.effective_log_format)
    # A key that cannot be used is told here, before processes are started that would all tell it.
    make_keyring(settings)
    if parsed.prepare:
        asyncio.run(_prepare(settings))
    settings = settings.model_copy(update={"port": settings.port or _free_port(settings.host)})
    _greet(settings)
    # Having shut down, uvicorn raises the signal again: an end that was asked for is no failure.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if settings.workers > 1:
        gc.enable()  # This process only looks after those that serve.
    with _counts_together(settings):
        serve(
            "app.__main__:make_application",
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            log_level="warning" if settings.is_development else "info",
            answer_seconds=settings.shutdown_seconds,
            socket_message_bytes=settings.socket_message_bytes,
            socket_ping_seconds=settings.socket_ping_seconds,
        )
    return 0


@contextmanager
def _counts_together(settings: Settings) -> Iterator[None]:
    """Give several workers a folder in which they leave their counts for each other."""
    if settings.workers == 1 or settings.metrics_dir is not None:
        yield
        return
    with TemporaryDirectory(prefix="shares-metrics-") as folder:
        os.environ[f"{PREFIX}METRICS_DIR"] = folder
        yield


def _migrate(settings: Settings, parsed: argparse.Namespace) -> int:
    from app.database import check_migrations, migrate
    from app.main import open_database

    open_database(settings)
    work = check_migrations if parsed.check else migrate
    asyncio.run(work(settings.effective_database_url))
    return 0


def _seed(settings: Settings, parsed: argparse.Namespace) -> int:
    from app.domain import seeding

    if parsed.industries is None and parsed.shares is None:
        asyncio.run(_fill(settings, utc_now(), seeding.seed_industries))
        return 0
    industries, shares = parsed.industries or _MANY_INDUSTRIES, parsed.shares or _MANY_SHARES
    if industries * shares > seeding.MOST_SHARES:
        print(f"Failed: at most {seeding.MOST_SHARES:,} shares can be made.", file=sys.stderr)
        return 1
    progress = _Progress(industries * shares, sys.stderr)
    many = partial(seeding.seed_many, industries=industries, shares=shares, told=progress.show)
    inserted = asyncio.run(_fill(settings, utc_now(), many))
    if not inserted:
        print("Failed: the database has industries already; use an empty one.", file=sys.stderr)
        return 1
    print(f"Inserted {industries:,} industries with {shares:,} shares each.")
    return 0


def _create_admin(settings: Settings, parsed: argparse.Namespace) -> int:
    return asyncio.run(_make_administrator(settings, parsed))


def _verify(settings: Settings, _: argparse.Namespace) -> int:
    broken = asyncio.run(_first_broken_event(settings))
    if broken is None:
        print("Every audit event stands as it was written.")
        return 0
    print(f"The audit trail is broken at event {broken}: it was edited or is missing.", file=sys.stderr)
    return 1


def _explain(settings: Settings, parsed: argparse.Namespace) -> int:
    from app.database import with_driver
    from app.graph.explaining import NotValid, explain
    from app.main import make_schema

    text = sys.stdin.read() if str(parsed.file) == "-" else parsed.file.read_text()
    dialect = parsed.dialect or with_driver(settings.effective_database_url).get_backend_name()
    try:
        print(explain(make_schema(), text, parsed.variables, dialect))
    except NotValid as why:
        print(f"The document is not valid: {why}", file=sys.stderr)
        return 1
    return 0


def _export(_: Settings, parsed: argparse.Namespace) -> int:
    from app.graph.schema import SecuredSchema
    from app.main import VERSION

    sdl = SecuredSchema(VERSION).sdl
    if not parsed.check:
        parsed.file.write_text(sdl)
        return 0
    if parsed.file.exists() and parsed.file.read_text() == sdl:
        return 0
    print(f"{parsed.file} differs from the code: run `python -m app schema export`", file=sys.stderr)
    return 1


async def _prepare(settings: Settings) -> None:
    from app.database import is_migrated, migrate
    from app.domain import seeding
    from app.main import open_database

    database = open_database(settings)
    migrated = await is_migrated(database)
    await database.close()
    if not migrated:
        await migrate(settings.effective_database_url)
    await _fill(settings, utc_now(), seeding.seed_industries)


async def _fill(settings: Settings, now: datetime, insert: "InsertsIndustries") -> bool:
    from app.domain import seeding
    from app.main import HASH_PROFILES, open_database
    from app.security.passwords import PasswordHasher

    database = open_database(settings)
    try:
        async with database.unit_of_work() as session:
            await database.prepare_alone(session)
            inserted = await insert(session, now=now)
        if settings.is_development:
            hasher = PasswordHasher(HASH_PROFILES[settings.password_hashing])
            password_hash = await hasher.hash(seeding.DEMO_PASSWORD)
            hasher.close()
            async with database.unit_of_work() as session:
                await database.prepare_alone(session)
                await seeding.seed_traders(session, password_hash=password_hash, now=now)
    finally:
        await database.close()
    return inserted


class _Progress:
    """A bar on a terminal that says how many shares of all are inserted; silent where there is none."""

    _WIDTH = 40

    def __init__(self, total: int, stream: TextIO) -> None:
        self._total = total
        self._stream = stream
        self._is_shown = stream.isatty()

    def show(self, done: int) -> None:
        """Draw the bar over the one before."""
        if self._is_shown:
            bar = "#" * (self._WIDTH * done // self._total)
            end = "\n" if done == self._total else ""
            self._stream.write(f"\r[{bar:<{self._WIDTH}}] {done:,} of {self._total:,} shares{end}")
            self._stream.flush()


async def _make_administrator(settings: Settings, parsed: argparse.Namespace) -> int:
    from app.domain import traders
    from app.domain.audit import AuditedWork, Origin
    from app.domain.permits import revoking
    from app.kit.phrases import Phrases
    from app.kit.problem import Problems
    from app.main import LOCALES, make_identity, open_database

    phrases, database, now = Phrases.load(LOCALES), open_database(settings), utc_now()
    identity = make_identity(settings, phrases.locales)
    work = AuditedWork(database, identity.seals, Origin(request_id=f"command {uuid.uuid4()}"), utc_now)
    try:
        async with work.reading() as session:
            known = await traders.find_by_email(session, parsed.email)
        password_hash = None
        if known is None:
            password = _ask_password()
            names = (parsed.email, parsed.first_name, parsed.last_name)
            identity.hold_to_rules(password, path="password", personal=names)
            password_hash = await identity.hasher.hash(password)
        async with work.unit_of_work() as session:
            if password_hash is not None:
                await traders.enlist(
                    session,
                    email=parsed.email,
                    first_name=parsed.first_name,
                    last_name=parsed.last_name,
                    password_hash=password_hash,
                    date_joined=None,
                    is_administrator=False,
                    now=now,
                )
            trader = await traders.make_administrator(session, parsed.email, now=now)
            await revoking.outdate(session, identity, trader.id)
    except Problems as refused:
        for problem in refused.problems:
            print(phrases.say("en", problem.phrase, **problem.params), file=sys.stderr)
        return 1
    finally:
        identity.hasher.close()
        await database.close()
    print(f"{parsed.email} is an administrator.")
    return 0


def _ask_password() -> str:
    # Never an argument: arguments stand in process lists and shell histories.
    return getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


async def _first_broken_event(settings: Settings) -> int | None:
    from app.domain import audit
    from app.main import make_seals, open_database

    database = open_database(settings)
    async with database.reading() as session:
        broken = await audit.verify(session, make_seals(settings))
    await database.close()
    return broken


def _free_port(host: str) -> int:
    # Chosen here and not by the server, so that the welcome can name it.
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        port: int = probe.getsockname()[1]
    return port


def _greet(settings: Settings) -> None:
    if settings.effective_log_format == "json":
        # Whoever reads lines of JSON can do nothing with a text between them.
        logging.getLogger("app").info("serving http://%s:%s (%s)", settings.host, settings.port, settings.mode)
    else:
        print(_welcome(settings), flush=True)


def _welcome(settings: Settings) -> str:
    from app.domain.seeding import DEMO_PASSWORD, DEMO_TRADERS

    address = f"http://{settings.host}:{settings.port}"
    lines = [f"Share Price Viewer API ({settings.mode})", f"  GraphQL and GraphiQL  {address}/graphql"]
    if settings.is_development:
        lines.append(f"  Demo log-ins, password {DEMO_PASSWORD}")
        lines += [f"    {demo.name:<14}{demo.email}" for demo in DEMO_TRADERS]
    return "\n".join(lines)
