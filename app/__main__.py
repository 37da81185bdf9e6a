"""The command line: `python -m app`, or `shares` where the package is installed."""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from app.kit.clock import utc_now
from app.settings import InvalidSettings, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit status: 0 done, 1 refused, 2 not understood."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = Settings.from_environment(os.environ)
    except InvalidSettings as error:
        print(f"Settings: {error}", file=sys.stderr)
        return 1
    command: Callable[[Settings, argparse.Namespace], int] = parsed.command
    return command(settings, parsed)


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
    seed.set_defaults(command=_seed)
    schema = commands.add_parser("schema", help="the GraphQL schema").add_subparsers(
        required=True, metavar="ACTION"
    )
    export = schema.add_parser("export", help="write the schema to a file, or hold the file against it")
    export.add_argument("--check", action="store_true", help="write nothing; fail if the file differs")
    export.add_argument("file", type=Path, nargs="?", default=Path("schema.graphql"))
    export.set_defaults(command=_export)
    return parser


def _serve(settings: Settings, parsed: argparse.Namespace) -> int:
    import uvicorn

    from app.main import create_app

    if parsed.prepare:
        asyncio.run(_prepare(settings))
    print(_welcome(settings), flush=True)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning" if settings.is_development else "info",
        server_header=False,
        proxy_headers=False,
    )
    return 0


def _migrate(settings: Settings, parsed: argparse.Namespace) -> int:
    from app.database import check_migrations, migrate
    from app.main import open_database

    open_database(settings)
    work = check_migrations if parsed.check else migrate
    asyncio.run(work(settings.effective_database_url))
    return 0


def _seed(settings: Settings, _: argparse.Namespace) -> int:
    asyncio.run(_fill(settings, utc_now()))
    return 0


def _export(_: Settings, parsed: argparse.Namespace) -> int:
    from app.graph.schema import SecuredSchema
    from app.main import VERSION

    sdl = SecuredSchema(VERSION).sdl
    if not parsed.check:
        parsed.file.write_text(sdl)
        return 0
    if parsed.file.read_text() == sdl:
        return 0
    print(f"{parsed.file} differs from the code: run `python -m app schema export`", file=sys.stderr)
    return 1


async def _prepare(settings: Settings) -> None:
    from app.database import migrate
    from app.main import open_database

    await open_database(settings).close()
    await migrate(settings.effective_database_url)
    await _fill(settings, utc_now())


async def _fill(settings: Settings, now: datetime) -> None:
    from app.domain import seeding
    from app.main import HASH_PROFILES, open_database
    from app.security.passwords import PasswordHasher

    database = open_database(settings)
    async with database.unit_of_work() as session:
        await seeding.seed_industries(session, now=now)
    if settings.is_development:
        hasher = PasswordHasher(HASH_PROFILES[settings.password_hashing])
        password_hash = await hasher.hash(seeding.DEMO_PASSWORD)
        hasher.close()
        async with database.unit_of_work() as session:
            await seeding.seed_traders(session, password_hash=password_hash, now=now)
    await database.close()


def _welcome(settings: Settings) -> str:
    from app.domain.seeding import DEMO_PASSWORD, DEMO_TRADERS

    address = f"http://{settings.host}:{settings.port}"
    lines = [f"Share Price Viewer API ({settings.mode})", f"  GraphQL and GraphiQL  {address}/graphql"]
    if settings.is_development:
        lines.append(f"  Demo log-ins, password {DEMO_PASSWORD}")
        lines += [f"    {demo.name:<14}{demo.email}" for demo in DEMO_TRADERS]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
