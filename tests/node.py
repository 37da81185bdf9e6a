"""The clients from npm in `tests/clients`, run by the machine's Node."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CLIENTS = Path(__file__).parent / "clients"
REQUIRED = os.environ.get("TESTS_REQUIRED", "").split(",")
LONGEST_SECONDS = 60


def run_client(script: str, *arguments: str) -> Any:
    """Run a script of `tests/clients` to its end, and give what it printed last, as JSON.

    Skips the test without Node or its packages, unless they are required.
    """
    _install()
    done = subprocess.run(
        ["node", script, *arguments],
        cwd=CLIENTS,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@contextmanager
def running_client(script: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Start a script of `tests/clients`, whose lines can be read while it goes on.

    Skips the test as `run_client` does.
    """
    _install()
    process = subprocess.Popen(
        ["node", script, *arguments],
        cwd=CLIENTS,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _install() -> None:
    installed = CLIENTS / "node_modules" / ".package-lock.json"
    # One of several test processes installs, the others wait.
    with (CLIENTS / "package.json").open() as shared:
        fcntl.flock(shared, fcntl.LOCK_EX)
        if installed.exists():
            return
        if shutil.which("node") is None or shutil.which("npm") is None:
            _do_without("no Node with npm on this machine")
        done = subprocess.run(
            ["npm", "ci", "--no-audit", "--no-fund"], cwd=CLIENTS, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            _do_without(f"npm could not install tests/clients: {done.stderr.strip()}")


def _do_without(reason: str) -> None:
    if "node" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)
