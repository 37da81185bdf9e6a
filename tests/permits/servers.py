"""What crosses a process: real server processes, Redis, and a wire to it that can be cut."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from tests.callers import Api
from tests.factories import UNLIMITED

ROOT = Path(__file__).parents[2]
REDIS = os.environ.get("TESTS_REDIS", "redis://127.0.0.1:6379/9")
PATIENCE_SECONDS = 20.0


async def eventually(holds: Callable[[], Awaitable[bool]], *, seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until something holds, and fail if it does not in time."""
    deadline = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < deadline, f"still not so after {seconds} s"
        await asyncio.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A server process as an operator starts it, over a database that is there already."""

    def __init__(self, folder: Path, database_url: str, **settings: object) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        given = {
            "data_dir": folder,
            "database_url": database_url,
            "port": self.port,
            "password_hashing": "cheap",
            **UNLIMITED,
            **settings,
        }
        # None leaves a setting out.
        named = {f"SHARES_{name.upper()}": str(value) for name, value in given.items() if value is not None}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SHARES_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=ROOT,
                env=inherited | named,
                stdout=log,
                stderr=subprocess.STDOUT,
                # A group of its own, so that its workers can be found if it leaves them behind.
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.end()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)

    async def ready(self) -> Self:
        """Wait until it answers."""
        deadline = time.monotonic() + 30
        async with httpx.AsyncClient() as client:
            while True:
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                with suppress(httpx.TransportError):
                    await client.get(self.url + "/.well-known/jwks.json")
                    return self
                await asyncio.sleep(0.05)

    def end(self) -> int:
        """Ask it to end, wait until it has, and give its status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=20)

    def lives(self) -> bool:
        """Whether any process of its group, a worker too, is still there."""
        try:
            os.killpg(self.process.pid, 0)
        except ProcessLookupError:
            return False
        return True

    @asynccontextmanager
    async def api(self) -> AsyncIterator[Api]:
        """A client of it."""
        async with Api(base_url=self.url) as api:
            yield api


class Wire:
    """A TCP connection to Redis that can be cut and frozen."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._server: asyncio.Server | None = None
        self._pipes: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._thawed = asyncio.Event()
        self._thawed.set()
        self.port = free_port()

    async def mend(self) -> None:
        """Let connections through, the first time or again."""
        self._thawed.set()
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Close every connection and take no new one."""
        if self._server is not None:
            self._server.close()
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def freeze(self) -> None:
        """Keep every connection open and let nothing through, as a firewall that has forgotten them."""
        self._thawed.clear()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        self._writers |= {writer, far_writer}
        for source, target in ((reader, far_writer), (far_reader, writer)):
            pipe = asyncio.create_task(self._pipe(source, target))
            self._pipes.add(pipe)
            pipe.add_done_callback(self._pipes.discard)

    async def _pipe(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(65_536):
                await self._thawed.wait()
                target.write(data)
                await target.drain()
        target.close()
