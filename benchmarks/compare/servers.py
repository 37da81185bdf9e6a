"""Starts the servers that are compared, each on the first core, over a copy of the same database."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cache, cached_property, partial
from pathlib import Path

from pydantic import SecretStr

from app.main import make_tokens
from app.security.tokens import Tokens
from app.settings import Settings
from benchmarks.compare.load import Target

ROOT = Path(__file__).parents[2]
MERCURIUS = Path(__file__).parent / "peers" / "mercurius"
LIMIT = "limit"
DOCUMENTED = "strawberry"
JIT = "mercurius"
OURS = "ours"
OURS_CACHED = "ours-cached"

_DAY_SECONDS = 86_400
_START_SECONDS = 60.0
_JOINED = date(2015, 1, 1)

# Every request is counted, and none too many; all else is as it is by default in production.
_ROOMY = {"requests_per_minute": 10_000_000}
_WITHOUT_RESPONSE_CACHE = {"response_cache_bytes": 0}


class UnusableServer(Exception):
    """A server cannot be had on this machine, or does not start; the text says why."""


@dataclass(frozen=True)
class Contender:
    """A server that takes part.

    Attributes:
        name: For the command line.
        title: For people.
        settings: Of ours: settings by name. Of a peer: variables without the prefix BENCHMARK_.
        is_cached: Whether it answers from a cache of responses, and so takes part only where that is measured.
    """

    name: str
    title: str
    settings: Mapping[str, object] = field(default_factory=dict)
    is_cached: bool = False


CONTENDERS = (
    Contender(OURS, "ours", _ROOMY | _WITHOUT_RESPONSE_CACHE),
    Contender(OURS_CACHED, "ours with its response cache", _ROOMY, is_cached=True),
    Contender(DOCUMENTED, "Strawberry as documented"),
    Contender(JIT, "Mercurius with JIT"),
    Contender("mercurius-tokens", "Mercurius with JIT and a cache of tokens", {"token_cache": "yes"}),
    Contender(LIMIT, "the hand-written limit"),
)


@dataclass(frozen=True)
class Credentials:
    """A secret that all servers verify tokens with, and what signs them as our server does."""

    secret: str
    issuer: str
    audience: str
    tokens: Tokens

    @classmethod
    def make(cls) -> "Credentials":
        """Make a secret."""
        secret = secrets.token_hex(32)
        settings = Settings(secret=SecretStr(secret), access_token_seconds=_DAY_SECONDS)
        return cls(secret, settings.token_issuer, settings.token_audience, make_tokens(settings))

    @cached_property
    def token(self) -> str:
        """The token of a manager."""
        return self.token_of(1)

    def token_of(self, trader_id: int) -> str:
        """Grant a token to a manager."""
        granted = self.tokens.grant_access(
            trader_id=trader_id,
            permit_id="benchmark",
            email="manager@example.com",
            given_name="Ada",
            family_name="Manager",
            date_joined=_JOINED,
            roles=(),
        )
        return granted.text


@dataclass(frozen=True)
class Running:
    """A server that serves.

    Attributes:
        start_seconds: From the start of the process to its first answer.
    """

    contender: Contender
    target: Target
    start_seconds: float

    def memory_mib(self) -> float:
        """Give what the process has in memory now (VmRSS)."""
        for line in Path(f"/proc/{self.target.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1_024
        raise UnusableServer(f"{self.contender.name} has ended")


@cache
def cores() -> tuple[int, int]:
    """Give the core of the servers and the core of the load; they are the same where there is but one."""
    # Asked once: a process that has bound itself to one of them sees no other any more.
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


def make_database(folder: Path, *, industries: int, shares: int) -> Path:
    """Migrate and seed an SQLite file as our command line does."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = _ours({"data_dir": folder})
    for arguments in (["migrate"], ["seed", f"--industries={industries}", f"--shares={shares}"]):
        subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=ROOT,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return folder / "shares.sqlite"


def install_mercurius() -> None:
    """Install Mercurius' packages from npm, unless they are there.

    Raises:
        UnusableServer: There is no Node with npm, or npm fails.
    """
    if (MERCURIUS / "node_modules" / ".package-lock.json").exists():
        return
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise UnusableServer("Mercurius needs Node 20.19 or newer with npm")
    done = subprocess.run(
        [npm, "ci", "--no-audit", "--no-fund"], cwd=MERCURIUS, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise UnusableServer(f"npm could not install Mercurius:\n{done.stderr.strip()}")


@contextmanager
def serving(contender: Contender, database: Path, folder: Path, credentials: Credentials) -> Iterator[Running]:
    """Run a server over a database until the end of the block.

    Raises:
        UnusableServer: It does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port, (core, _) = _free_port(), cores()
    if contender.name in (OURS, OURS_CACHED):
        command, environment = _our_command(contender, database, folder, credentials, port)
    else:
        command, environment = _peer_command(contender, database, credentials, port)
    log = folder / "server.log"
    began = time.perf_counter()
    with log.open("wb") as written:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            preexec_fn=partial(os.sched_setaffinity, 0, {core}),
        )
    try:
        _wait_for(port, process, credentials, log)
        target = Target(port, process.pid, credentials.token)
        yield Running(contender, target, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(timeout=30)


def _our_command(
    contender: Contender, database: Path, folder: Path, credentials: Credentials, port: int
) -> tuple[list[str], dict[str, str]]:
    settings = {
        "mode": "production",
        "data_dir": folder,
        "database_url": f"sqlite:///{database}",
        "port": port,
        "secret": credentials.secret,
        "pepper": credentials.secret,
        "access_token_seconds": _DAY_SECONDS,
        **contender.settings,
    }
    return [sys.executable, "-m", "app", "serve"], _ours(settings)


def _peer_command(
    contender: Contender, database: Path, credentials: Credentials, port: int
) -> tuple[list[str], dict[str, str]]:
    told = {
        "database": database,
        "port": port,
        "secret": credentials.secret,
        "issuer": credentials.issuer,
        "audience": credentials.audience,
        **contender.settings,
    }
    environment = os.environ | {f"BENCHMARK_{name.upper()}": str(value) for name, value in told.items()}
    if contender.name.startswith(JIT):
        return ["node", str(MERCURIUS / "server.mjs")], environment | {"NODE_ENV": "production"}
    module = {DOCUMENTED: "documented", LIMIT: "limit"}[contender.name]
    command = [sys.executable, "-m", "uvicorn", f"benchmarks.compare.peers.{module}:app", f"--port={port}"]
    return [*command, "--no-access-log", "--log-level=warning", "--loop=uvloop", "--http=httptools"], environment


def _ours(settings: Mapping[str, object]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHARES_")}
    return inherited | {f"SHARES_{name.upper()}": str(value) for name, value in settings.items()}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes], credentials: Credentials, log: Path) -> None:
    question = Target(port, process.pid, credentials.token).request(b'{"query":"{ __typename }","variables":{}}')
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS) as asking:
                asking.sendall(question)
                if asking.recv(1):
                    return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise UnusableServer(f"it did not start:\n{log.read_text()}") from None
        time.sleep(0.002)
