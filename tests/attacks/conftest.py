"""Servers under attack, and an ordinary caller who has to be served all the while."""

import re
import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.domain.seeding import DEMO_PASSWORD
from tests.limits.conftest import embedded, limited
from tests.processes import Server, serving

__all__ = ["embedded", "limited"]

SMALL_BYTES = 2_048
"""The largest answer that an attack may get: what refuses five things in words."""

# How long an ordinary caller may have to wait for an answer in the worst moment of an attack.
_PATIENCE_SECONDS = 10.0

_LOG_IN = """
mutation ($password: String!) {
  permitLogIn(input: {email: "manager@example.com", password: $password}) { tokens { accessToken } }
}
"""
_READ = {"query": "{ shares(limit: 1) { tag price } }"}
_READ_ANSWER = {"data": {"shares": [{"tag": "BUD", "price": "10.2800"}]}}


@dataclass(frozen=True)
class Target:
    """A server that is attacked.

    Attributes:
        server: Its process.
        token: The access token of a manager.
        data: Where it keeps its data.
    """

    server: Server
    token: str
    data: Path

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries that would be executed if it were not refused."""
        return {"Authorization": f"Bearer {self.token}"}

    def contents(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        with closing(sqlite3.connect(self.data / "shares.sqlite")) as connection:
            names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1").fetchall()
            return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in names}  # noqa: S608

    def memory(self, which: str) -> int:
        """How many bytes its process has in memory: now (`VmRSS`), or had at most (`VmHWM`)."""
        status = (self._process / "status").read_text()
        (kibibytes,) = re.findall(rf"^{which}:\s+(\d+) kB$", status, re.MULTILINE)
        return 1_024 * int(kibibytes)

    @property
    def _process(self) -> Path:
        return Path(f"/proc/{self.server.process.pid}")

    @contextmanager
    def serving_others(self) -> Iterator[None]:
        """Have an ordinary caller ask all the while, who has to get each answer, the last after the attack."""
        is_over, has_begun = threading.Event(), threading.Event()
        answers: list[tuple[int, Any]] = []

        def ask_on() -> None:
            with httpx.Client(base_url=self.server.base_url, timeout=_PATIENCE_SECONDS) as client:
                is_last = False
                while not is_last:
                    is_last = is_over.is_set()
                    response = client.post("/graphql", json=_READ, headers=self.headers)
                    answers.append((response.status_code, response.json()))
                    has_begun.set()
                    time.sleep(0.01)

        with ThreadPoolExecutor(1) as thread:
            asking = thread.submit(ask_on)
            has_begun.wait(_PATIENCE_SECONDS)
            try:
                yield
            finally:
                is_over.set()
            asking.result()
        assert answers == [(200, _READ_ANSWER)] * len(answers)

    @contextmanager
    def unharmed(self, *, most_bytes: int = 32 * 2**20) -> Iterator[None]:
        """Hold an attack to what none may do: change a row, take much memory, or keep others from being served.

        Args:
            most_bytes: How much more memory the server may have at any moment than before.
        """
        before, memory = self.contents(), self.memory("VmRSS")
        # From now on the most is counted anew (proc(5), clear_refs).
        (self._process / "clear_refs").write_text("5")
        with self.serving_others():
            yield
        assert self.memory("VmHWM") - memory < most_bytes
        assert self.contents() == before


@contextmanager
def attacked(data: Path, *, program: str = "app", **settings: str) -> Iterator[Target]:
    """Start a server that is to withstand attacks: at the end it must stop in peace and have logged no failure."""
    with serving(data, program=program, **settings) as server:
        variables = {"password": DEMO_PASSWORD}
        answer = httpx.post(f"{server.base_url}/graphql", json={"query": _LOG_IN, "variables": variables})
        token = answer.json()["data"]["permitLogIn"]["tokens"]["accessToken"]
        yield Target(server, token, data)
        assert server.terminate() == 0
        assert "Traceback" not in server.said, server.said


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attacked")
