"""What every answer has, whoever gives it, and what no room answers."""

import re
from collections.abc import AsyncIterator
from uuid import UUID

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from app.main import create_app
from app.settings import Settings
from app.web.door import ANSWER_HEADERS, STRICT_TRANSPORT
from app.web.pages import SECURITY_HEADERS
from tests.callers import Api, Callers
from tests.factories import ManualClock
from tests.sockets import Refused, connected

pytestmark = pytest.mark.anyio

SINHALA = re.compile("[\u0d80-\u0dff]")
GUID = "47a33649-5acd-41f0-afa4-fdb9d591aff3"
SHARES = {"query": "{ shares { id } }"}
MANY = ["/", "/graphql", "/schema.graphql", "/healthz", "/readyz", "/.well-known/jwks.json", "/nowhere"]


def safety(response: httpx.Response) -> dict[str, str | None]:
    return {name: response.headers.get(name) for name in ANSWER_HEADERS}


@pytest.fixture
async def production(settings: Settings, clock: ManualClock) -> AsyncIterator[Starlette]:
    """The application as strangers meet it."""
    made = create_app(
        settings.model_copy(update={"mode": "production", "pepper": SecretStr("p" * 40)}), clock=clock
    )
    async with made.router.lifespan_context(made):
        yield made


# Ids.


@pytest.mark.parametrize("path", MANY)
async def test_every_answer_has_an_id_of_its_own(api: Api, path: str) -> None:
    responses = [await api.http.get(path, headers={"x-ms-request-id": "mine"}) for _ in range(2)]

    ids = [response.headers.get_list("x-ms-request-id") for response in responses]
    assert len({UUID(one) for (one,) in ids}) == 2


@pytest.mark.parametrize("path", MANY)
async def test_a_clients_own_id_is_given_back(api: Api, path: str) -> None:
    own = GUID.upper()

    response = await api.http.get(path, headers={"x-ms-client-request-id": own})

    assert response.headers["x-ms-client-request-id"] == own


@pytest.mark.parametrize("own", ["", "1", "x" * 36, f"{{{GUID}}}", f"{GUID}0", "\xff" * 36])
async def test_what_is_no_guid_is_not_given_back_and_does_no_harm(api: Api, own: str) -> None:
    response = await api.http.post(
        "/graphql", json={"query": "{ __typename }"}, headers={b"x-ms-client-request-id": own.encode("latin-1")}
    )

    assert (response.status_code, "x-ms-client-request-id" in response.headers) == (200, False)


async def test_a_failure_is_named_by_the_id_of_its_answer(
    api: Api, app: Starlette, monkeypatch: pytest.MonkeyPatch, callers: Callers
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(app.state.services.revocations, "hold_against", fail)

    front = await api.http.get(
        "/graphql?query={__typename}", headers={"Authorization": f"Bearer {callers.manager}"}
    )

    (error,) = front.json()["errors"]
    assert (front.status_code, error["extensions"]["code"]) == (500, "INTERNAL_ERROR")
    assert error["extensions"]["requestId"] == front.headers["x-ms-request-id"]
    assert "secret" not in front.text


async def test_the_top_code_is_in_a_header_too(api: Api, callers: Callers) -> None:
    responses = [
        await api.http.post("/graphql", json={"query": "{ __typename }"}),
        await api.http.post("/graphql", json=SHARES),
        await api.http.post("/graphql", json=SHARES, headers={"Authorization": f"Bearer {callers.newcomer}"}),
        await api.http.post("/graphql", content=b"x"),
        await api.http.get("/nowhere"),
    ]

    assert [response.headers.get("x-ms-error-code") for response in responses] == [
        *(None, "UNAUTHENTICATED", "FORBIDDEN", "BAD_REQUEST", "BAD_REQUEST")
    ]


# Safety.


@pytest.mark.parametrize("path", [path for path in MANY if path != "/graphql"])
async def test_an_answer_can_do_nothing_in_a_browser(api: Api, path: str) -> None:
    assert safety(await api.http.get(path)) == ANSWER_HEADERS


async def test_answers_of_the_endpoint_are_as_safe(api: Api, callers: Callers) -> None:
    token = {"Authorization": f"Bearer {callers.skilled}"}
    responses = [
        await api.http.post("/graphql", json=SHARES, headers=token),
        await api.http.post("/graphql", json=SHARES, headers=token),
        await api.http.post("/graphql", json=SHARES),
        await api.http.get("/graphql?query={__typename}"),
        await api.http.post("/graphql", content=b"x"),
    ]

    assert [safety(response) for response in responses] == [ANSWER_HEADERS] * len(responses)


@pytest.mark.parametrize("path", ["/", "/graphql"])
async def test_a_page_says_itself_what_it_may_load(api: Api, path: str) -> None:
    page = await api.http.get(path, headers={"Accept": "text/html"})

    policies = page.headers.get_list("content-security-policy")
    assert len(policies) == 1
    assert policies[0].startswith(SECURITY_HEADERS["Content-Security-Policy"])


async def test_browsers_are_told_to_come_by_https_only_over_https(app: Starlette) -> None:
    async with Api(app, base_url="https://shares.test") as secure, Api(app) as plain:
        over_https, over_http = await secure.http.get("/healthz"), await plain.http.get("/healthz")

    assert over_https.headers["strict-transport-security"] == STRICT_TRANSPORT
    assert "strict-transport-security" not in over_http.headers


# What no room answers.


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nowhere", 404, None),
        ("POST", "/graphql/", 404, None),
        ("GET", "/graphiql/none.js", 404, None),
        ("GET", "/%00", 404, None),
        ("POST", "/healthz", 405, "GET, HEAD"),
        ("DELETE", "/", 405, "GET, HEAD"),
        ("POST", "/graphiql/start.js", 405, "GET, HEAD"),
        ("PUT", "/graphql", 405, "GET, POST"),
    ],
)
async def test_a_wrong_address_or_method_is_told_as_json(
    api: Api, method: str, path: str, status: int, allow: str | None
) -> None:
    response = await api.http.request(method, path)

    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]) == (status, {"code": "BAD_REQUEST"})
    allowed = response.headers.get("allow")
    assert (allowed and sorted(allowed.split(", "))) == (allow and sorted(allow.split(", ")))
    assert response.headers["content-type"] == "application/json; charset=utf-8"


async def test_it_is_told_in_the_callers_language(api: Api) -> None:
    response = await api.http.get("/nowhere", headers={"Accept-Language": "si"})

    assert SINHALA.search(response.json()["errors"][0]["message"])
    assert response.headers["content-language"] == "si"


@pytest.mark.parametrize("path", ["/nowhere", "/graphql/", "/healthz", "/graphiql/start.js"])
async def test_a_socket_at_a_wrong_address_is_told_so_too(app: Starlette, path: str) -> None:
    with pytest.raises(Refused) as refused:
        async with connected(app, path=path, headers={"Accept-Language": "si"}):
            pass

    denied = refused.value.denied
    assert (denied.status, denied.body["errors"][0]["extensions"]) == (404, {"code": "BAD_REQUEST"})
    assert denied.headers["content-language"] == "si"
    assert denied.headers["x-ms-request-id"]


async def test_a_failure_of_a_room_is_masked(
    api: Api, app: Starlette, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(app.state.services.identity.tokens, "jwks", fail)

    response = await api.http.get("/.well-known/jwks.json", headers={"Accept-Language": "si"})

    (error,) = response.json()["errors"]
    assert (response.status_code, error["extensions"]["code"]) == (500, "INTERNAL_ERROR")
    assert SINHALA.search(error["message"])
    assert "secret" not in response.text
    assert response.headers["x-ms-request-id"] in caplog.text


# Where things are.


async def test_programs_are_told_where_everything_is(api: Api) -> None:
    front = await api.http.get("/")
    document = front.json()

    assert (document["version"], document["supportedVersions"], document["locales"]) == (
        "1.0",
        ["1.0"],
        ["en", "si"],
    )
    statuses = {
        name: (await api.http.get(path, headers={"Accept": "text/html"})).status_code
        for name, path in document["endpoints"].items()
    }
    assert set(statuses.values()) == {200}


async def test_people_are_told_in_their_language(api: Api) -> None:
    page = await api.http.get("/", headers={"Accept": "text/html", "Accept-Language": "si"})

    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert SINHALA.search(page.text)
    assert '<html lang="si">' in page.text
    assert (page.headers["content-language"], "Accept-Language" in page.headers["vary"]) == ("si", True)
    assert re.findall(r"<script|<style|style=|\son\w+=", page.text) == []


async def test_the_schema_is_a_file_that_is_not_sent_again(api: Api, app: Starlette) -> None:
    first = await api.http.get("/schema.graphql")
    second = await api.http.get("/schema.graphql", headers={"If-None-Match": first.headers["etag"]})

    assert first.text.startswith('"""')
    assert "type Share" in first.text
    assert (second.status_code, second.content) == (304, b"")


async def test_in_production_the_schema_takes_a_token(production: Starlette, clock: ManualClock) -> None:
    token = Callers(production.state.services, clock).newcomer
    async with Api(production) as api:
        refused = await api.http.get("/schema.graphql")
        broken = await api.http.get("/schema.graphql", headers={"Authorization": "Bearer x"})
        given = await api.http.get("/schema.graphql", headers={"Authorization": f"Bearer {token}"})

    assert (refused.status_code, refused.json()["errors"][0]["extensions"]["code"]) == (401, "UNAUTHENTICATED")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert broken.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert (given.status_code, given.headers["cache-control"]) == (200, "private, max-age=60")


# Words.


@pytest.mark.parametrize("language", ["en", "si"])
async def test_the_language_of_words_is_told(api: Api, language: str) -> None:
    answer = await api("{ shares { id } }", headers={"Accept-Language": language})

    assert answer.headers["content-language"] == language


async def test_where_no_words_are_said_none_is_told_of_language(api: Api, callers: Callers) -> None:
    silent = [
        await api.http.post("/graphql", json={"query": "{ service { version } }"}),
        await api.http.post("/graphql", json=SHARES, headers={"Authorization": f"Bearer {callers.skilled}"}),
        await api.http.get("/graphql?query={service{version}}"),
    ]

    assert [each.headers.get("content-language") for each in silent] == [None] * 3
    assert silent[2].headers["vary"] == "Accept, Authorization, x-api-version"


# Pages of other origins.

VIEWER = "https://viewer.example"
PREFLIGHT = {
    "Origin": VIEWER,
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "authorization,content-type,x-api-version",
}


async def test_pages_of_other_origins_may_read_nothing_by_default(api: Api) -> None:
    asked = await api.http.options("/graphql", headers=PREFLIGHT)
    answered = await api.http.post("/graphql", json={"query": "{ __typename }"}, headers={"Origin": VIEWER})

    assert asked.status_code == 405
    assert [name for each in (asked, answered) for name in each.headers if name.startswith("access-control")] == []


async def test_pages_of_allowed_origins_may(settings: Settings, clock: ManualClock) -> None:
    app = create_app(settings.model_copy(update={"allowed_origins": f"{VIEWER}/, https://b.example"}), clock=clock)
    async with app.router.lifespan_context(app), Api(app) as api:
        asked = await api.http.options("/graphql", headers=PREFLIGHT)
        answered = await api.http.post("/graphql", json=SHARES, headers={"Origin": VIEWER})
        others = await api.http.options("/graphql", headers=PREFLIGHT | {"Origin": "https://evil.example"})
        foreign = await api.http.post("/graphql", json=SHARES, headers={"Origin": "https://evil.example"})

    assert (asked.status_code, asked.headers["access-control-allow-origin"]) == (200, VIEWER)
    assert "x-api-version" in asked.headers["access-control-allow-headers"]
    assert answered.headers["access-control-allow-origin"] == VIEWER
    assert "x-ms-request-id" in answered.headers["access-control-expose-headers"]
    assert "Origin" in answered.headers["vary"]
    assert (others.status_code, "access-control-allow-origin" in others.headers) == (400, False)
    assert "access-control-allow-origin" not in foreign.headers
    assert "access-control-allow-credentials" not in asked.headers
