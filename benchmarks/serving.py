"""A real server process over a database of its own, with traders in it, for a benchmark to measure."""

import asyncio
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson

from app.database import Database, migrate, sqlite_url
from app.domain import traders
from app.kit.clock import utc_now
from app.main import HASH_PROFILES
from app.security.passwords import PasswordHasher

ROOT = Path(__file__).parent.parent
PASSWORD = "Correct-horse-battery-9"  # noqa: S105 - of made-up traders


class Client:
    """One keep-alive connection, without a library whose own work would be measured too."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._connection.connect()
        # Headers and body are two writes: without this the second would wait for an acknowledgement.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, document: str, variables: object = None) -> dict[str, object]:
        """Send an operation and give its data."""
        body = orjson.dumps({"query": document, "variables": variables})
        self._connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != http.client.OK:
            raise RuntimeError(f"{response.status}: {content.decode()}")
        data: dict[str, object] = orjson.loads(content)["data"]
        return data

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@contextmanager
def serving(
    emails: Sequence[str], *, profile: str, database_url: str | None, **settings: object
) -> Iterator[tuple[int, int]]:
    """Run a server that knows the traders, and give its port and process id.

    Args:
        emails: The addresses of traders, confirmed, all with `PASSWORD`.
        profile: The cost of hashing: `owasp`, `rfc9106` or `cheap`.
        database_url: An empty database to use; None for an SQLite file of its own.
        settings: Further settings by name, without the prefix.
    """
    with TemporaryDirectory(prefix="shares-benchmark-") as folder:
        url = database_url or sqlite_url(Path(folder) / "shares.sqlite")
        asyncio.run(_fill(url, emails, profile))
        port = _free_port()
        given = {
            "data_dir": folder,
            "database_url": url,
            "port": port,
            "password_hashing": profile,
            # Who measures asks more often than any client.
            "requests_per_minute": 0,
            "log_ins_per_minute": 0,
            "codes_per_minute": 0,
            **settings,
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHARES_")}
        with (Path(folder) / "server.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=ROOT,
                env=inherited | {f"SHARES_{name.upper()}": str(value) for name, value in given.items()},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            _wait_for(port, process)
            yield port, process.pid
        finally:
            process.terminate()
            process.wait(timeout=30)


async def _fill(url: str, emails: Sequence[str], profile: str) -> None:
    await migrate(url)
    hasher = PasswordHasher(HASH_PROFILES[profile])
    password_hash = await hasher.hash(PASSWORD)
    hasher.close()
    database = Database(url, synchronous="NORMAL")
    async with database.unit_of_work() as session:
        for email in emails:
            await traders.enlist(
                session,
                email=email,
                first_name="Ada",
                last_name="Trader",
                password_hash=password_hash,
                date_joined=None,
                is_administrator=False,
                now=utc_now(),
            )
    await database.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            client = Client(port)
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            client.ask("{ service { version } }")
            client.close()
            return
