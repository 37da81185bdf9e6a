"""Documents by their hashes: which are found, which are taken, which are kept, and what clients make of it."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import graphql
import pytest
from pydantic import SecretStr
from strawberry.schema import schema as strawberry_schema

from app.graph import documents as known_documents
from app.graph.errors import BadRequest, DocumentUnknown
from app.graph.schema import SecuredSchema
from app.settings import InvalidSettings, Settings
from app.web import documents, operations
from app.web.documents import NamedDocuments
from app.web.manifest import read_manifest
from tests.callers import Answer, Api
from tests.factories import UNLIMITED, ManualClock
from tests.graph.conftest import quiet_app
from tests.sockets import connected

pytestmark = pytest.mark.anyio

VERSION = "query Version { service { version } }"
LOCALES = "query Locales { service { locales } }"
INVALID = "query Invalid { nothing }"
NOT_FOUND = "PERSISTED_QUERY_NOT_FOUND"


def sha(text: str) -> str:
    return sha256(text.encode()).hexdigest()


def apollo(text: str) -> dict[str, Any]:
    return {"persistedQuery": {"version": 1, "sha256Hash": sha(text)}}


@asynccontextmanager
async def serving(folder: Path, **chosen: Any) -> AsyncIterator[Api]:
    """A client of a server without anything in its database: what is asked here needs none."""
    async with quiet_app(chosen_settings(folder, **chosen), ManualClock()) as app, Api(app) as api:
        yield api


def chosen_settings(folder: Path, **chosen: Any) -> Settings:
    return Settings(
        data_dir=folder,
        database_url=SecretStr(f"sqlite:///{folder / 'shares.sqlite'}"),
        secret=SecretStr("a secret of the tests that is long enough"),
        password_hashing="cheap",
        **UNLIMITED,
        **chosen,
    )


async def post(api: Api, **body: Any) -> Answer:
    response = await api.http.post("/graphql", json=body)
    return Answer(response.status_code, response.headers, response.json())


def write(folder: Path, content: object) -> Path:
    file = folder / "persisted-documents.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return file


# The manifest.


def test_a_manifest_names_documents_by_sha_256_or_sha_1(tmp_path: Path) -> None:
    weak = sha1(LOCALES.encode()).hexdigest()  # noqa: S324 - a name
    file = write(tmp_path, {f"sha256:{sha(VERSION)}": VERSION, weak: LOCALES, sha(INVALID): INVALID})

    assert read_manifest(file) == {sha(VERSION): VERSION, weak: LOCALES, sha(INVALID): INVALID}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "has to be a JSON object"),
        ({sha(VERSION): 1}, "has to be a JSON object"),
        ({sha(LOCALES): VERSION}, f"{sha(LOCALES)} is not the hash of its document"),
        ({f"md5:{sha(VERSION)}": VERSION}, f"md5:{sha(VERSION)} is not the hash of its document"),
        ({"Version": VERSION}, "Version is not the hash of its document"),
        ({sha(VERSION).upper(): VERSION}, "is not the hash of its document"),
    ],
)
def test_a_broken_manifest_is_refused_at_the_start(tmp_path: Path, content: object, said: str) -> None:
    file = write(tmp_path, content)

    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment({"SHARES_TRUSTED_DOCUMENTS": str(file)})

    assert str(refused.value).startswith(f"SHARES_TRUSTED_DOCUMENTS: {file}")
    assert said in str(refused.value)


def test_a_missing_manifest_is_refused_at_the_start(tmp_path: Path) -> None:
    for file in (tmp_path / "none.json", tmp_path):
        with pytest.raises(InvalidSettings, match="cannot be read"):
            Settings.from_environment({"SHARES_TRUSTED_DOCUMENTS": str(file)})


def test_trusted_only_needs_what_to_trust() -> None:
    with pytest.raises(InvalidSettings, match="needs SHARES_TRUSTED_DOCUMENTS"):
        Settings.from_environment({"SHARES_TRUSTED_ONLY": "true"})


# Naming a document.


async def test_a_trusted_document_is_found_by_every_name(tmp_path: Path) -> None:
    async with serving(tmp_path, trusted_documents=write(tmp_path, {sha(VERSION): VERSION})) as api:
        prefixed, bare = f"sha256:{sha(VERSION)}", sha(VERSION)
        answers = [
            await post(api, documentId=prefixed),
            await post(api, documentId=bare, operationName="Version"),
            await post(api, documentId=prefixed, query=VERSION),
            await post(api, documentId=prefixed, query=""),
            await post(api, extensions=apollo(VERSION)),
            await post(api, extensions=apollo(VERSION), documentId=prefixed),
            await post(api, extensions=apollo(VERSION), query=VERSION),
        ]
        by_get = [
            await api.http.get("/graphql", params={"documentId": prefixed}, headers={"Accept": "text/html, */*"}),
            await api.http.get("/graphql", params={"extensions": json.dumps(apollo(VERSION))}),
        ]

    expected = {"data": {"service": {"version": "1.0"}}}
    assert [answer.body for answer in answers] == [expected] * 7
    assert [(each.json(), each.headers["cache-control"]) for each in by_get] == [
        (expected, "public, max-age=300")
    ] * 2


TRUSTED = {sha(VERSION): VERSION}


@pytest.mark.parametrize(
    ("text", "identifier", "extensions", "phrase"),
    [
        (VERSION, f"sha256:{sha(LOCALES)}", None, "request-other-document"),
        (VERSION, "x-ours:1", None, "request-other-document"),
        (VERSION, None, apollo(LOCALES), "request-other-document"),
        (VERSION + " ", None, apollo(VERSION), "request-other-document"),
        (None, sha(VERSION), apollo(LOCALES), "request-other-document"),
        (None, None, {"persistedQuery": "x"}, "request-wrong-parameter"),
        (None, None, {"persistedQuery": {}}, "request-wrong-parameter"),
        (None, None, {"persistedQuery": {"sha256Hash": 1}}, "request-wrong-parameter"),
        (
            None,
            None,
            {"persistedQuery": {"version": 2, "sha256Hash": sha(VERSION)}},
            "request-wrong-parameter",
        ),
    ],
)
def test_names_that_do_not_agree_are_refused(
    text: str | None, identifier: str | None, extensions: dict[str, Any] | None, phrase: str
) -> None:
    finder = NamedDocuments(TRUSTED, trusted_only=False, persists=True)

    with pytest.raises(BadRequest) as refused:
        finder.find(text, identifier, extensions)

    assert refused.value.phrase == phrase


async def test_refusals_are_said_in_the_callers_language(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        bodies: list[dict[str, Any]] = [
            {"documentId": 1},
            {"documentId": sha(LOCALES), "query": VERSION},
            {"documentId": sha(LOCALES)},
        ]
        responses = [
            await api.http.post("/graphql", json=body, headers={"Accept-Language": language})
            for body in bodies
            for language in ("en", "si")
        ]

    errors = [response.json()["errors"] for response in responses]
    assert [[error["extensions"]["code"] for error in each] for each in errors] == [
        *([["BAD_REQUEST"]] * 4),
        *([[NOT_FOUND]] * 2),
    ]
    messages = [error["message"] for (error,) in errors]
    assert messages[::2] == [
        'The request could not be understood: The parameter "documentId" does not have the right form.',
        "The request could not be understood: The hash that the document is named by is not its own.",
        "This document is not known here yet. Send it in full.",
    ]
    assert all(re.search("[\u0d80-\u0dff]", message) for message in messages[1::2])


async def test_a_mutation_is_not_done_by_get_under_a_name_either(tmp_path: Path) -> None:
    mutation = 'mutation { permitLogOut(input: {refreshToken: "x"}) { revokedCount } }'
    async with serving(tmp_path, trusted_documents=write(tmp_path, {sha(mutation): mutation})) as api:
        response = await api.http.get("/graphql", params={"documentId": sha(mutation)})

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


# What clients send with its hash.


async def test_a_document_that_was_sent_with_its_hash_is_found_by_it(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        unknown = await post(api, extensions=apollo(VERSION))
        sent = await post(api, extensions=apollo(VERSION), query=VERSION)
        found = await post(api, extensions=apollo(VERSION))
        by_id = await post(api, documentId=f"sha256:{sha(VERSION)}")

    assert unknown.codes == [NOT_FOUND]
    assert [each.data for each in (sent, found, by_id)] == [{"service": {"version": "1.0"}}] * 3


async def test_an_unknown_document_is_told_as_the_clients_of_apollos_protocol_expect(tmp_path: Path) -> None:
    manifest = write(tmp_path, {sha(LOCALES): LOCALES})
    said = []
    for chosen in (
        {},
        {"persisted_queries": False},
        {"persisted_queries": False, "trusted_documents": manifest},
        {"trusted_only": True, "trusted_documents": manifest},
    ):
        async with serving(tmp_path, **chosen) as api:
            response = await api.http.post(
                "/graphql", json={"extensions": apollo(VERSION)}, headers={"Accept-Language": "si"}
            )
            said.append(response.json()["errors"])

    # @urql/exchange-persisted compares the message and nothing else, Apollo Client the message or the code.
    assert said == [
        [{"message": message, "extensions": {"code": NOT_FOUND}}]
        for message in (
            "PersistedQueryNotFound",
            "PersistedQueryNotSupported",
            "PersistedQueryNotFound",
            "PersistedQueryNotFound",
        )
    ]


async def test_only_valid_documents_are_kept(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        for text in (INVALID, "{", "query A { me { id } } query B { me { id } }"):
            await post(api, extensions=apollo(text), query=text)

        codes = [(await post(api, documentId=sha(text))).codes for text in (INVALID, "{")]

    assert codes == [[NOT_FOUND], [NOT_FOUND]]


async def test_nothing_is_kept_where_that_is_switched_off(tmp_path: Path) -> None:
    async with serving(tmp_path, persisted_queries=False) as api:
        sent = await post(api, extensions=apollo(VERSION), query=VERSION)
        again = await post(api, extensions=apollo(VERSION))

    assert (sent.data, again.codes) == ({"service": {"version": "1.0"}}, [NOT_FOUND])


def test_what_is_kept_is_bounded_by_number_and_by_length() -> None:
    finder = NamedDocuments({}, trusted_only=False, persists=True)
    texts = [f"query Q{n} {{ me {{ id }} }}" for n in range(documents.MOST_PERSISTED + 1)]
    for text in texts:
        finder.keep(finder.find(text, sha(text), None))

    with pytest.raises(DocumentUnknown):
        finder.find(None, sha(texts[0]), None)
    assert [finder.find(None, sha(text), None).text for text in texts[1:]] == texts[1:]
    long = "#" * (documents.MOST_PERSISTED_CHARACTERS + 1)
    finder.keep(finder.find(long, sha(long), None))
    with pytest.raises(DocumentUnknown):
        finder.find(None, sha(long), None)


def test_a_document_is_not_kept_by_a_hash_that_two_could_have() -> None:
    finder, weak = NamedDocuments({}, trusted_only=False, persists=True), sha1(VERSION.encode()).hexdigest()  # noqa: S324 - a name

    finder.keep(finder.find(VERSION, weak, None))

    with pytest.raises(DocumentUnknown):
        finder.find(None, weak, None)


# Trusted documents only.


async def test_only_trusted_documents_are_taken_where_that_is_chosen(tmp_path: Path) -> None:
    manifest = write(tmp_path, {sha(VERSION): VERSION})
    async with serving(tmp_path, trusted_documents=manifest, trusted_only=True) as api:
        trusted = [
            await post(api, documentId=sha(VERSION)),
            await post(api, query=VERSION),
            await post(api, extensions=apollo(VERSION), query=VERSION),
        ]
        others = [
            await post(api, query=LOCALES),
            await post(api, query=VERSION + " "),
            await post(api, query="{ __schema { queryType { name } } }"),
            await post(api, extensions=apollo(LOCALES), query=LOCALES),
            await post(api, documentId=sha(LOCALES)),
            await post(api, extensions=apollo(LOCALES)),
        ]

    assert [answer.data for answer in trusted] == [{"service": {"version": "1.0"}}] * 3
    assert [answer.codes for answer in others] == [*([["BAD_REQUEST"]] * 4), [NOT_FOUND], [NOT_FOUND]]


async def test_only_trusted_documents_are_taken_over_sockets_and_in_streams_too(tmp_path: Path) -> None:
    chosen = chosen_settings(
        tmp_path, trusted_documents=write(tmp_path, {sha(VERSION): VERSION}), trusted_only=True
    )
    async with quiet_app(chosen, ManualClock()) as app, Api(app) as api:
        async with connected(app) as socket:
            await socket.begin()
            await socket.ask(VERSION, "trusted")
            trusted = await socket.hear_all()
            await socket.ask(LOCALES, "other")
            other = await socket.hear_all()
        streamed = await api.http.post(
            "/graphql", json={"query": LOCALES}, headers={"Accept": "text/event-stream"}
        )

    assert trusted[0]["payload"] == {"data": {"service": {"version": "1.0"}}}
    assert [error["extensions"]["code"] for error in other[0]["payload"]] == ["BAD_REQUEST"]
    assert '"code":"BAD_REQUEST"' in streamed.text
    assert '"data"' not in streamed.text


# Parsed and validated once.


class Calls:
    """Counts how often functions are called, which go on doing what they did."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parsed: list[str] = []
        self.validated = 0
        parse, validate = graphql.parse, graphql.validate

        def counting_parse(text: str, *arguments: Any, **named: Any) -> Any:
            self.parsed.append(text)
            return parse(text, *arguments, **named)

        def counting_validate(*arguments: Any, **named: Any) -> Any:
            self.validated += 1
            return validate(*arguments, **named)

        monkeypatch.setattr(operations, "parse", counting_parse)
        monkeypatch.setattr(known_documents, "validate", counting_validate)
        # Which the executor would do by itself.
        monkeypatch.setattr(strawberry_schema, "validate", counting_validate)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    monkeypatch.setattr("app.main.make_schema", lambda: SecuredSchema("1.0"))
    return Calls(monkeypatch)


async def test_a_known_document_is_parsed_and_validated_once(tmp_path: Path, calls: Calls) -> None:
    both = f"{VERSION} {LOCALES}"
    async with serving(tmp_path) as api:
        for name in ("Version", "Locales", "Version"):
            answer = await post(api, query=both, operationName=name)
            assert set(answer.data["service"]) == {"version" if name == "Version" else "locales"}

    assert (calls.parsed, calls.validated) == ([both], 1)


async def test_a_refused_document_is_looked_at_each_time(tmp_path: Path, calls: Calls) -> None:
    async with serving(tmp_path) as api:
        answers = [await post(api, query=INVALID) for _ in range(2)]

    assert [answer.codes for answer in answers] == [["BAD_REQUEST"]] * 2
    assert answers[0].body == answers[1].body
    assert (calls.parsed, calls.validated) == ([INVALID, INVALID], 2)


async def test_a_flood_of_documents_that_are_refused_drives_out_none(
    tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_documents, "MOST_DOCUMENTS", 3)
    async with serving(tmp_path) as api:
        await post(api, query=VERSION)
        for number in range(5):
            await post(api, query=f"{{ nothing{number} }}")
        await post(api, query=VERSION)

    assert calls.parsed.count(VERSION) == 1


async def test_a_flood_of_valid_documents_is_forgotten(
    tmp_path: Path, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_documents, "MOST_DOCUMENTS", 3)
    async with serving(tmp_path) as api:
        for number in (0, 1, 2, 3, 3, 0):
            await post(api, query=f"query Q{number} {{ service {{ version }} }}")

    assert [text.partition(" {")[0] for text in calls.parsed] == [f"query Q{number}" for number in (0, 1, 2, 3, 0)]


async def test_a_text_that_no_database_holds_is_refused_in_a_known_document_too(tmp_path: Path) -> None:
    text = 'query Nul { industryByTag(tag: "\\u0000") { id } }'
    async with serving(tmp_path) as api:
        answers = [await post(api, query=text) for _ in range(2)]

    assert [answer.codes for answer in answers] == [["INVALID_INPUT"]] * 2


async def test_the_answer_of_a_known_document_is_said_in_each_callers_language(tmp_path: Path) -> None:
    async with serving(tmp_path) as api:
        texts = [(await api("{ shares { id } }", headers={"Accept-Language": tag})).errors for tag in ("en", "si")]

    assert texts[0] != texts[1]
