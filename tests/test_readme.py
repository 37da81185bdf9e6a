"""The README tells the truth: its settings, targets, commands, queries and links are held against the project."""

import json
import re
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from graphql import build_schema, parse, validate

from app.__main__ import main
from app.database import Database
from app.domain import seeding
from app.settings import PREFIX, Settings
from tests.callers import Api, Callers
from tests.factories import NOON

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SCHEMA = build_schema((ROOT / "schema.graphql").read_text())

COMMANDS = sorted(set(re.findall(r"python -m app((?: [\w@.-]+)*)", README)))
CURL_BODIES = [json.loads(body) for body in re.findall(r"-d '(\{.*\})'", README)]
DOCUMENTS = re.findall(r"```graphql\n(.*?)```", README, re.DOTALL) + [body["query"] for body in CURL_BODIES]
TARGETS = sorted(set(re.findall(r"^make (\w+)", README, re.MULTILINE) + re.findall(r"`make (\w+)`", README)))
LINKS = sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)", README)))


def settings_table() -> str:
    """The table that stands between the README's markers."""
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        description = (field.description or "").replace("|", "\\|")
        rows.append(f"| `{PREFIX}{name.upper()}` | {_default(field.default)} | {description} |")
    return "\n".join(rows)


def _default(value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value.value if isinstance(value, Enum) else value}`"


def test_the_settings_are_those_of_the_code() -> None:
    (shown,) = re.findall(r"<!-- settings:.*?-->\n(.*?)\n?<!-- /settings -->", README, re.DOTALL)

    assert shown == settings_table(), f"The table between the markers has to be:\n{settings_table()}"


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_is_in_the_makefile(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_understood(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])

    assert (ended.value.code, capsys.readouterr().err) == (0, "")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_document_is_valid(document: str) -> None:
    assert validate(SCHEMA, parse(document)) == []


@pytest.mark.parametrize("link", LINKS)
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.anyio
async def test_the_query_has_the_answer_that_is_shown(api: Api, callers: Callers, app_database: Database) -> None:
    async with app_database.unit_of_work() as session:
        await seeding.seed_industries(session, now=NOON)
    (shown,) = re.findall(r"<!-- the answer -->\n```json\n(.*?)\n```", README)
    (query,) = [body["query"] for body in CURL_BODIES if "industry" in body["query"]]

    answer = await api(query, token=callers.skilled)

    assert answer.body == json.loads(shown)


def test_the_readme_was_understood() -> None:
    # A pattern that finds nothing would let every test above pass.
    assert all(len(found) > 1 for found in (COMMANDS, DOCUMENTS, TARGETS, LINKS))
