"""Several API versions side by side: which one answers, and what is told of them."""

from collections.abc import AsyncIterator
from datetime import date
from functools import cache

import httpx
import pytest
import strawberry
from starlette.applications import Starlette

from app.domain.policies import ANYONE
from app.graph.permissions import authorize
from app.graph.schema import Query, SecuredSchema
from app.main import VERSIONS, create_app
from app.settings import Settings
from app.web.versions import ApiVersion, Versions, normal
from tests.callers import Api, Callers
from tests.factories import ManualClock
from tests.sockets import Refused, connected

pytestmark = pytest.mark.anyio

GUIDE = "https://shares.example/leave-1.0"


# A second version with a changed field: this is all that it takes.


@strawberry.type(name="Query")
class NextQuery(Query):
    """What version 2.0 can read: the service is a text there."""

    service: str | None = strawberry.field(  # type: ignore[assignment]
        resolver=lambda: "the service", description="The service.", directives=[authorize(ANYONE)]
    )


@cache
def next_schema() -> SecuredSchema:
    return SecuredSchema("2.0", query=NextQuery)


TWO = (
    ApiVersion(
        make_schema=VERSIONS[0].make_schema,
        deprecated_on=date(2026, 6, 1),
        sunset_on=date(2027, 6, 1),
        guide=GUIDE,
    ),
    ApiVersion(make_schema=next_schema),
)


@pytest.fixture
async def two(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    app = create_app(settings, clock=clock, versions=TWO)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
async def both(two: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    async with Api(two) as api:
        yield api.http


OLD = {"query": "{ service { version } }"}
NEW = {"query": "{ service }"}
ANSWERS = {"1.0": {"data": {"service": {"version": "1.0"}}}, "2.0": {"data": {"service": "the service"}}}


@pytest.mark.parametrize(
    ("path", "header", "version"),
    [
        ("/graphql", None, "1.0"),
        ("/graphql", "", "1.0"),
        ("/graphql", "1.0", "1.0"),
        ("/graphql", "1", "1.0"),
        ("/graphql", "2.0", "2.0"),
        ("/graphql", " 2 ", "2.0"),
        ("/graphql", "2.0, 2", "2.0"),
        ("/graphql?api-version=2.0", None, "2.0"),
        ("/graphql?api-version=2.0", "2.0", "2.0"),
        ("/graphql?other=2.0", None, "1.0"),
        ("/v1/graphql", None, "1.0"),
        ("/v2/graphql", None, "2.0"),
        ("/v2.0/graphql", None, "2.0"),
        ("/v2/graphql", "2.0", "2.0"),
    ],
)
async def test_both_answer_side_by_side(
    both: httpx.AsyncClient, path: str, header: str | None, version: str
) -> None:
    headers = {} if header is None else {"x-api-version": header}

    answer = await both.post(path, json=OLD if version == "1.0" else NEW, headers=headers)

    assert (answer.status_code, answer.json()) == (200, ANSWERS[version])


@pytest.mark.parametrize("asked", ["3.0", "0", "1.1", "x", "1.0.0", "-1", "\u0967", "1.0; drop", "9" * 100])
@pytest.mark.parametrize("way", ["header", "parameter"])
async def test_one_that_does_not_exist_is_refused(both: httpx.AsyncClient, way: str, asked: str) -> None:
    headers = {b"x-api-version": asked.encode()} if way == "header" else {}
    parameters = {"api-version": asked} if way == "parameter" else {}

    answer = await both.post("/graphql", json=OLD, headers=headers, params=parameters)

    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["extensions"]) == (400, {"code": "UNSUPPORTED_API_VERSION"})
    assert answer.headers["x-ms-error-code"] == "UNSUPPORTED_API_VERSION"
    assert error["message"].endswith("The supported api-versions are '1.0, 2.0'.")
    assert answer.headers["api-supported-versions"] == "1.0, 2.0"


async def test_it_is_refused_in_words_that_clients_know(both: httpx.AsyncClient) -> None:
    english = await both.post("/v3/graphql", json=OLD)
    sinhala = await both.post("/v3/graphql", json=OLD, headers={"Accept-Language": "si"})

    assert english.json()["errors"][0]["message"] == (
        "Unsupported api-version '3'. The supported api-versions are '1.0, 2.0'."
    )
    assert (english.status_code, sinhala.status_code) == (400, 400)
    assert sinhala.headers["content-language"] == "si"
    assert sinhala.json()["errors"][0]["message"] != english.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("path", "header"),
    [
        ("/graphql?api-version=1.0", "2.0"),
        ("/graphql", "1.0, 2.0"),
        ("/v1/graphql", "2.0"),
        ("/v1.0/graphql", "2.0"),
    ],
)
async def test_who_asks_for_two_at_once_is_asked_to_choose(
    both: httpx.AsyncClient, path: str, header: str
) -> None:
    answer = await both.post(path, json=OLD, headers={"x-api-version": header})

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "BAD_REQUEST")
    assert "2.0" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("path", ["/", "/graphql", "/v2/graphql", "/v9/graphql", "/healthz", "/nowhere"])
async def test_every_answer_lists_the_versions(both: httpx.AsyncClient, path: str) -> None:
    answer = await both.get(path)

    assert answer.headers["api-supported-versions"] == "1.0, 2.0"
    assert answer.headers["api-deprecated-versions"] == "1.0"


async def test_only_answers_of_a_deprecated_one_tell_of_its_end(both: httpx.AsyncClient) -> None:
    old = [
        await both.post("/graphql", json=OLD),
        await both.post("/graphql", json=OLD),
        await both.post("/v1/graphql", content=b"x"),
        await both.get("/graphql", headers={"Accept": "text/html"}),
    ]
    new = await both.post("/v2/graphql", json=NEW)

    told = ("deprecation", "sunset", "link")
    assert [[each.headers.get(name) for name in told] for each in old] == [
        ["@1780272000", "Tue, 01 Jun 2027 00:00:00 GMT", f'<{GUIDE}>; rel="deprecation"; type="text/html"']
    ] * len(old)
    assert [new.headers.get(name) for name in told] == [None, None, None]


async def test_with_nothing_deprecated_nothing_is_said_of_it(api: Api) -> None:
    answer = await api("{ service { version supportedVersions deprecatedVersions } }")

    assert answer.data["service"] == {"version": "1.0", "supportedVersions": ["1.0"], "deprecatedVersions": []}
    assert (answer.headers["api-supported-versions"], "api-deprecated-versions" in answer.headers) == (
        "1.0",
        False,
    )


async def test_the_service_tells_the_same_as_the_headers(both: httpx.AsyncClient) -> None:
    answer = await both.post("/graphql", json={"query": "{ service { supportedVersions deprecatedVersions } }"})

    assert answer.json()["data"]["service"] == {"supportedVersions": ["1.0", "2.0"], "deprecatedVersions": ["1.0"]}


async def test_short_way_are_of_the_version_too(
    both: httpx.AsyncClient, two: Starlette, clock: ManualClock
) -> None:
    token = {"Authorization": f"Bearer {Callers(two.state.services, clock).skilled}"}
    document = {"query": "{ shares { id } }"}

    # The second of each is compiled.
    answers = [await both.post(path, json=document, headers=token) for path in ["/graphql", "/v2/graphql"] * 2]

    assert [answer.json() for answer in answers] == [{"data": {"shares": []}}] * 4
    assert ["deprecation" in answer.headers for answer in answers] == [True, False] * 2


async def test_caches_keep_them_apart(both: httpx.AsyncClient) -> None:
    answer = await both.get("/graphql", params={"query": "{ service { version } }"})

    assert "x-api-version" in answer.headers["vary"].split(", ")


async def test_the_schema_of_each_is_a_file(both: httpx.AsyncClient) -> None:
    document = (await both.get("/")).json()

    files = {each["version"]: (await both.get(each["schema"])).text for each in document["versions"]}

    assert files == {"1.0": VERSIONS[0].make_schema().sdl, "2.0": next_schema().sdl}
    assert [(each["version"], each["deprecatedOn"], each["sunsetOn"]) for each in document["versions"]] == [
        ("1.0", "2026-06-01", "2027-06-01"),
        ("2.0", None, None),
    ]


async def test_graphiql_explores_the_version_that_it_was_opened_at(both: httpx.AsyncClient) -> None:
    page = await both.get("/v2/graphql", headers={"Accept": "text/html"})

    assert 'data-endpoint="/v2/graphql"' in page.text or "/v2/graphql</pre>" in page.text


# Sockets, whose browsers can set no header.


@pytest.mark.parametrize("path", ["/graphql?api-version=2.0", "/v2/graphql"])
async def test_a_socket_is_of_one_version(two: Starlette, path: str) -> None:
    async with connected(two, path=path) as socket:
        await socket.begin()
        await socket.ask("{ service }")
        first, _ = await socket.hear_all()

    assert first["payload"] == ANSWERS["2.0"]


async def test_a_socket_of_a_version_that_does_not_exist_is_refused(two: Starlette) -> None:
    with pytest.raises(Refused) as refused:
        async with connected(two, path="/graphql?api-version=3.0"):
            pass

    denied = refused.value.denied
    assert (denied.status, denied.body["errors"][0]["extensions"]["code"]) == (400, "UNSUPPORTED_API_VERSION")
    assert denied.headers["api-supported-versions"] == "1.0, 2.0"


# Declarations.


@pytest.mark.parametrize(
    ("text", "name"), [("1", "1.0"), ("1.0", "1.0"), ("01.2", "1.2"), ("12345", None), ("1.", None), ("", None)]
)
def test_numbers(text: str, name: str | None) -> None:
    assert normal(text) == name


def test_a_sunset_comes_after_the_deprecation() -> None:
    with pytest.raises(ValueError, match="before its sunset"):
        ApiVersion(make_schema=next_schema, sunset_on=date(2027, 1, 1))
    with pytest.raises(ValueError, match="before its sunset"):
        ApiVersion(make_schema=next_schema, deprecated_on=date(2027, 1, 2), sunset_on=date(2027, 1, 1))


def test_versions_need_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="there has to be a version"):
        Versions(())
    with pytest.raises(ValueError, match="have the same name"):
        Versions((ApiVersion(make_schema=next_schema),) * 2)
