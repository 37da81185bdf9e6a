"""The README tells the truth: its settings, targets, commands, queries and links are held against the project."""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, build_schema, parse, validate

from app.__main__ import main
from app.database import Database
from app.domain import seeding
from app.kit.problem import Problem
from app.settings import PREFIX, Settings
from app.web import caching, clients, door, pages, records, request_log
from app.web.problems import STATUS_OF_CODE
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


def table(name: str) -> list[tuple[str, ...]]:
    """The rows of a table that stands between the README's markers, without its head."""
    (shown,) = re.findall(rf"<!-- {name}:.*?-->\n(.*?)\n<!-- /{name} -->", README, re.DOTALL)
    return [tuple(cell.strip() for cell in row.strip("|").split("|")) for row in shown.splitlines()[2:]]


def test_the_fields_of_the_request_log_are_those_of_the_code() -> None:
    shown = [field for row in table("request log") for field in re.findall(r"`(\w+)`", row[0])]

    assert shown == list(request_log.FIELDS)


def test_the_fields_of_other_records_are_those_of_the_code() -> None:
    *fields, last = [f"`{field}`" for field in records.FIELDS]

    assert f"The other records of JSON have {', '.join(fields)} and {last}." in README


@pytest.mark.anyio
async def test_the_metrics_are_those_that_are_told(api: Api) -> None:
    await api("{ nothing }")
    response = await api.http.get("/metrics")
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)", response.text, re.MULTILINE))
    told = {name: what for name, what in types.items() if not name.startswith("process_")}
    labels = {
        name.removesuffix("_bucket"): set(re.findall(r"(\w+)=", said)) - {"le"}
        for name, said in re.findall(r"^(\w+)\{(.*)\}", response.text, re.MULTILINE)
    }

    shown = {row[0].strip("`"): set(re.findall(r"`(\w+)`", row[1])) for row in table("metrics")}
    assert set(shown) - {"process_…"} == set(told)
    assert {name: shown[name] for name in shown if labels.get(name)} == {
        name: said for name, said in labels.items() if said and name in shown
    }
    assert {name for name, said in shown.items() if said} <= set(labels)


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


# The protocol on one page.


def section(title: str) -> str:
    """What stands under a heading of the chapter about the protocol."""
    (found,) = re.findall(rf"^### {title}\n(.*?)(?=^##)", README, re.DOTALL | re.MULTILINE)
    return str(found)


def rows(text: str) -> Iterator[tuple[str, str]]:
    """The first two cells of each row of the tables in a text; an empty first cell is that of the row above."""
    first = ""
    for cell, second in re.findall(r"^\| (.*?) ?\| (.*?) \|", text, re.MULTILINE):
        first = cell or first
        yield first, second


def names(cell: str) -> list[str]:
    return re.findall(r"`([\w-]+)`", cell)


def documented_headers() -> set[str]:
    return {name.lower() for cell, _ in rows(section("Headers")) for name in names(cell)}


def headers_in(source: str) -> set[str]:
    """The headers that a source names: where it reads or sets one, or by the way that they are written."""
    patterns = (
        *(r'headers\["([\w-]+)"\]', r'headers\.get(?:list)?\(\s*"([\w-]+)"', r'name == b"([\w-]+)"'),
        *(r'(?<!in )\(b"([a-z-]+)", ', r'"((?:x-|api-)[a-z-]+)"', r'b"([a-z]+(?:-[a-z]+)+)"'),
        *(r'headers[^=\n]*= \{"([\w-]+)"', r'"([A-Z]\w*(?:-[A-Z]\w*)+)"', r"(?<![\w-])([A-Z]\w*(?:-[A-Z]\w*)+): "),
    )
    return {name.lower() for pattern in patterns for name in re.findall(pattern, source)}


def headers_of_the_code() -> set[str]:
    told = {*door.ASKED, *door.SHOWN, *door.ANSWER_HEADERS, *pages.SECURITY_HEADERS}
    told |= {*clients.HEADERS, *caching.VARY, "accept-language", "strict-transport-security"}
    sources = [*(ROOT / "app" / "web").glob("*.py"), ROOT / "app" / "kit" / "client.py"]
    found = {name for source in sources for name in headers_in(source.read_text())}
    # A parameter of the address, and what a server of HTTP has to say of every answer.
    return {name.lower() for name in told} | found - {"api-version", "content-length"}


def test_every_header_is_on_the_page() -> None:
    assert headers_of_the_code() - documented_headers() == set()


def test_a_header_is_found_where_it_is_read_or_sent() -> None:
    source = """
        headers: Headers = {"Connection": "close"}; response.headers["Vary"] = "no"
        request.headers.get("accept"); request.headers.getlist("x-one")
        if name == b"origin": {b"a-header", b"neither"}; return {"Two-Words": "max-age"}, (b"etag", b"1")
        f"Three-Words-Here: {value}"; phrase="request-not-json"
    """

    found = headers_in(source)

    shown = "connection vary accept x-one origin a-header two-words etag three-words-here"
    assert found == set(shown.split())


def statuses_of_codes() -> Mapping[str, set[int]]:
    """The statuses that a code has by itself, wherever a problem says one."""
    statuses = {code: {status} for code, status in STATUS_OF_CODE.items()}
    kinds = list(Problem.__subclasses__())
    for kind in kinds:
        kinds.extend(kind.__subclasses__())
        status = getattr(kind, "status", None)
        if isinstance(status, int):
            statuses.setdefault(kind.code, set()).add(status)
    return statuses


def test_every_error_code_is_on_the_page_and_no_other_is() -> None:
    enum = SCHEMA.type_map["ErrorCode"]
    assert isinstance(enum, GraphQLEnumType)

    assert {code for cell, _ in rows(section("Error codes")) for code in names(cell)} == set(enum.values)


def test_every_status_of_an_error_code_is_beside_it() -> None:
    shown: dict[str, set[int]] = {}
    for cell, statuses in rows(section("Error codes")):
        for code in names(cell):
            shown.setdefault(code, set()).update(map(int, re.findall(r"\d{3}", statuses)))

    missing = {code: statuses - shown[code] for code, statuses in statuses_of_codes().items()}
    assert {code: statuses for code, statuses in missing.items() if statuses} == {}


_IS_A_LIMIT = re.compile(
    r"max_\w+|\w+_per_(minute|address)|sockets?_\w+|uninitialised_sockets|(request|execution|unread)_seconds"
    r"|password_max_length|lockout_failures|code_(tries|seconds|interval_seconds)|response_cache_bytes|repeatability_seconds"
)
_UNITS = {"": 1, "KiB": 1_024, "MiB": 1_048_576}


def test_every_limit_is_on_the_page_with_its_default() -> None:
    shown = {}
    for row in re.findall(
        rf"^\| .* \| (\d[\d,]*) ?(KiB|MiB)?.* \| `{PREFIX}(\w+)` \|", section("Limits"), re.MULTILINE
    ):
        number, unit, name = row
        shown[name.lower()] = int(number.replace(",", "")) * _UNITS[unit]

    limits = {name: field.default for name, field in Settings.model_fields.items() if _IS_A_LIMIT.fullmatch(name)}
    assert shown == limits


def test_the_readme_was_understood() -> None:
    # A pattern that finds nothing would let every test above pass.
    assert all(len(found) > 1 for found in (COMMANDS, DOCUMENTS, TARGETS, LINKS))
