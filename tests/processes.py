"""The command line and the server as real processes, with settings of their own and nothing inherited."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from io import RawIOBase
from pathlib import Path

import httpx

from tests.factories import UNLIMITED

ROOT = Path(__file__).parents[1]
START_SECONDS = 60.0
STOP_SECONDS = 20.0


@dataclass(frozen=True)
class Finished:
    """What is left of a command."""

    status: int
    out: str
    err: str


def environment(data_dir: Path, **settings: str) -> dict[str, str]:
    """The variables of a process: those of the machine, and ours only as given here."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHARES_")}
    chosen = {name: str(most) for name, most in UNLIMITED.items()} | settings
    given = {f"SHARES_{name.upper()}": value for name, value in chosen.items()}
    # Any warning would be seen on the standard error, which tests expect to be empty.
    return inherited | {"SHARES_DATA_DIR": str(data_dir), "PYTHONWARNINGS": "default"} | given


def command(*arguments: str, data_dir: Path, **settings: str) -> Finished:
    """Run `python -m app` to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=environment(data_dir, **settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def on_terminal(*arguments: str, data_dir: Path, **settings: str) -> str:
    """Run `python -m app` to its end on a terminal, and give what it wrote there."""
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *arguments],
        cwd=ROOT,
        env=environment(data_dir, **settings),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    with os.fdopen(ours, "rb", buffering=0) as terminal:
        written = b"".join(iter(partial(_read, terminal), b""))
    process.wait(START_SECONDS)
    return written.decode()


def _read(terminal: RawIOBase) -> bytes:
    try:
        return terminal.read(4_096) or b""
    except OSError as error:
        # Linux says so at the end of a terminal that nobody holds any more.
        if error.errno != errno.EIO:
            raise
        return b""


@dataclass
class Server:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes]
    base_url: str
    log: Path
    stopped_within: float = field(default=0.0, init=False)

    @property
    def said(self) -> str:
        """What it has written to its standard output and standard error."""
        return self.log.read_text()

    def terminate(self) -> int:
        """Ask it to end as an operator does, and give its exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """End it without a warning, as a loss of power would."""
        return self._end(signal.SIGKILL)

    def _end(self, by: signal.Signals) -> int:
        began = time.monotonic()
        self.process.send_signal(by)
        status = self.process.wait(STOP_SECONDS)
        self.stopped_within = time.monotonic() - began
        return status


@contextmanager
def serving(data_dir: Path, *, program: str = "app", errors: str = "", **settings: str) -> Iterator[Server]:
    """Start `python -m app serve --prepare`, on a free port unless one is given, and see to it that it ends.

    Args:
        data_dir: Where the server keeps its data.
        program: A module that starts the application in place of `app`.
        errors: The file of that folder where its standard error goes; empty for where its standard output goes.
        settings: By their names in small letters.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    port = settings.get("port") or _free_port()
    log = data_dir / f"server-{port}.log"
    chosen = {"port": str(port), "password_hashing": "cheap"} | settings
    with log.open("wb") as written, (data_dir / (errors or log.name)).open("ab") as other:
        process = subprocess.Popen(
            [sys.executable, "-m", program, "serve", "--prepare"],
            cwd=ROOT,
            env=environment(data_dir, **chosen),
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=other if errors else subprocess.STDOUT,
        )
    server = Server(process, f"http://127.0.0.1:{port}", log)
    try:
        _wait_until_it_answers(server)
        yield server
    finally:
        if process.poll() is None:
            server.kill()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _wait_until_it_answers(server: Server) -> None:
    gives_up = time.monotonic() + START_SECONDS
    while time.monotonic() < gives_up:
        if server.process.poll() is not None:
            raise RuntimeError(f"the server ended with {server.process.returncode}: {server.said}")
        try:
            httpx.post(f"{server.base_url}/graphql", json={"query": "{ __typename }"}, timeout=5)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"the server does not answer: {server.said}")
