"""The endpoint as HTTP sees it: request ids, languages, pages and headers."""

import re
from typing import Any
from uuid import UUID

import pytest
from starlette.applications import Starlette

from app.database import Database
from app.domain import shares
from app.graph.context import Services
from app.web.pages import SECURITY_HEADERS
from tests.callers import Answer, Api, Callers
from tests.factories import PASSWORD, make_industry, make_share, make_trader

pytestmark = pytest.mark.anyio

SINHALA = re.compile("[\u0d80-\u0dff]")


async def test_every_answer_of_the_endpoint_has_a_request_id_of_its_own(api: Api, callers: Callers) -> None:
    http, manager = api.http, {"Authorization": f"Bearer {callers.manager}"}
    bad = {"Authorization": "Bearer x"}
    claimed = {"x-ms-request-id": "mine"}

    responses = [
        await http.get("/graphql", headers={"Accept": "text/html"}),
        await http.get("/graphql?query={__typename}", headers=claimed),
        await http.get("/graphql"),
        await http.post("/graphql", json={"query": "{ service { version } }"}),
        await http.post("/graphql", json={"query": "{ shares { id } }"}),
        await http.post("/graphql", json={"query": "{ shares { id } }"}, headers=manager),
        await http.post("/graphql", json={"query": "{ shares { id } }"}, headers=bad),
        await http.post("/graphql", json={"query": "{"}),
        await http.post("/graphql", content=b"x"),
        await http.put("/graphql"),
    ]

    ids = [UUID(response.headers["x-ms-request-id"]) for response in responses]
    assert len(set(ids)) == len(responses)


async def test_graphiql_is_served_to_browsers_at_the_endpoint_itself(api: Api) -> None:
    response = await api.http.get("/graphql", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})

    assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>Share Price Viewer API</title>" in response.text
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert response.headers["content-security-policy"].startswith(policy)
    others = {name: value for name, value in SECURITY_HEADERS.items() if name != "Content-Security-Policy"}
    assert {name: response.headers.get(name) for name in others} == others


@pytest.mark.parametrize("accept", ["application/json", "text/html, */*"])
async def test_queries_can_be_sent_by_get(api: Api, callers: Callers, app_database: Database, accept: str) -> None:
    async with app_database.unit_of_work() as session:
        await make_share(session, tag="BUD")
    parameters = {
        "query": "query A($tag: String!) { shareByTag(tag: $tag) { tag } } query B { __typename }",
        "variables": '{"tag": "bud"}',
        "operationName": "A",
        "extensions": "{}",
    }

    response = await api.http.get(
        "/graphql", params=parameters, headers={"Authorization": f"Bearer {callers.skilled}", "Accept": accept}
    )

    assert (response.status_code, response.json()) == (200, {"data": {"shareByTag": {"tag": "BUD"}}})


@pytest.mark.parametrize("parameter", ["variables", "extensions"])
async def test_a_parameter_of_an_address_that_is_no_json_is_named(
    api: Api, app: Starlette, parameter: str
) -> None:
    services: Services = app.state.services

    response = await api.http.get("/graphql", params={"query": "{ __typename }", parameter: "{"})

    detail = services.phrases.say("en", "request-wrong-parameter", parameter=parameter)
    (error,) = response.json()["errors"]
    assert (response.status_code, error["message"].endswith(detail)) == (400, True)


async def test_answers_are_not_kept_nor_guessed_at(api: Api) -> None:
    responses = [
        await api.http.post("/graphql", json={"query": "{ __typename }"}),
        await api.http.post("/graphql", json={"query": "{"}),
        await api.http.post("/graphql", json={"query": "{ shares { id } }"}),
        await api.http.put("/graphql"),
    ]

    assert [
        (each.headers["cache-control"], each.headers["x-content-type-options"], each.headers["content-type"])
        for each in responses
    ] == [("no-store", "nosniff", "application/json; charset=utf-8")] * 4
    assert [
        name for each in responses for name in ("set-cookie", "server", "x-powered-by") if name in each.headers
    ] == []


async def test_only_what_is_open_to_anyone_is_answered_to_a_stranger_with_200(api: Api) -> None:
    answers = [
        await api("{ me { id } }"),
        await api("{ service { version } shares { id } }"),
        await api("{ shares { id } }"),
        await api("{ shares { id } industries { id } }"),
    ]

    assert [(answer.status, answer.headers.get("www-authenticate")) for answer in answers] == [
        (200, None),
        (200, None),
        (401, "Bearer"),
        (401, "Bearer"),
    ]


# Languages.


@pytest.mark.parametrize(
    ("accept_language", "text"),
    [
        ("en", "Please log in and try again."),
        ("de, en;q=0.1", "Please log in and try again."),
        ("si-LK, en;q=0.5", None),
        ("en;q=0.4, si;q=0.5", None),
    ],
)
async def test_messages_are_in_the_language_that_is_wished_for(
    api: Api, app: Starlette, accept_language: str, text: str | None
) -> None:
    services: Services = app.state.services

    answer = await api("{ shares { id } }", headers={"Accept-Language": accept_language})

    sinhala = services.phrases.say("si", "UNAUTHENTICATED")
    assert [error["message"] for error in answer.errors] == [text or sinhala]


@pytest.mark.parametrize("path", ["/graphql", "/nowhere"])
async def test_several_lines_of_languages_are_one_list(api: Api, path: str) -> None:
    several = [("Accept-Language", "fr"), ("Accept-Language", "en;q=0.5"), ("Accept-Language", "si;q=0.6")]

    response = await api.http.post(path, json={"query": "{ shares { id } }"}, headers=several)

    assert response.headers["content-language"] == "si"


def said_in(answer: Answer) -> dict[str, str]:
    """The message of every code in an answer, in payloads too."""
    errors = [(error["extensions"]["code"], error["message"]) for error in answer.errors]
    for payload in (answer.data or {}).values():
        errors += [(error["code"], error["message"]) for error in (payload or {}).get("errors", ())]
    return dict(errors)


async def test_every_code_that_can_be_reached_is_said_in_sinhala(
    api: Api, callers: Callers, app_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with app_database.unit_of_work() as session:
        industry = await make_industry(session, tag="tech")
        await make_share(session, industry, tag="BUD")
    await make_trader(app_database, email="known@example.com")
    errors = "{ errors { code message } }"
    manager, skilled = callers.manager, callers.skilled
    deep = "{ industries { " + "shares { industry { " * 4 + "id" + " } }" * 4 + " } }"
    asked: list[tuple[str, str | None]] = [
        ("{ shares { id } }", None),
        ("{", None),
        ("{ nothing }", None),
        ("{ shares { id } }", callers.newcomer),
        (deep, skilled),
        ("{ shares(limit: 501) { id } }", skilled),
        ('{ share(id: "99") { id } }', skilled),
        ('{ industry(id: "99") { id } }', skilled),
        (f'mutation {{ shareCreate(input: {{industryId: 1, tag: "bud", price: 1}}) {errors} }}', manager),
        (f"mutation {{ shareUpdate(input: {{id: 1, expectedVersion: 7}}) {errors} }}", manager),
        (f"mutation {{ industryDelete(input: {{id: 1}}) {errors} }}", manager),
        (f'mutation {{ permitLogIn(input: {{email: "known@example.com", password: "x"}}) {errors} }}', None),
        (f'mutation {{ permitLogIn(input: {{email: "known", password: "{PASSWORD}"}}) {errors} }}', None),
        (f'mutation {{ permitLogIn(input: {{email: "known@example.com", password: ""}}) {errors} }}', None),
        (f'mutation {{ permitRenew(input: {{refreshToken: "x"}}) {errors} }}', None),
    ]

    async def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError

    sinhala = {"Accept-Language": "si"}
    said: dict[str, str] = {}
    for document, token in asked:
        said |= said_in(await api(document, token=token, headers=sinhala))
    monkeypatch.setattr(shares, "delete", fail)
    said |= said_in(
        await api("mutation { shareDelete(input: {id: 1}) { outcome } }", token=manager, headers=sinhala)
    )
    said |= said_in(await api("{ me { id } }", token=callers.expired(), headers=sinhala))

    assert set(said) == {
        *("UNAUTHENTICATED", "TOKEN_EXPIRED", "FORBIDDEN", "BAD_REQUEST", "COST_EXCEEDED", "INTERNAL_ERROR"),
        *("INVALID_INPUT", "INVALID_SHARE", "INVALID_INDUSTRY", "TAG_TAKEN", "VERSION_CONFLICT"),
        *("INDUSTRY_NOT_EMPTY", "LOGIN_FAILED", "INCORRECT_EMAIL", "PASSWORD_REQUIRED", "INVALID_PERMIT"),
    }
    assert {code for code, text in said.items() if not SINHALA.search(text)} == set()


async def test_a_refusal_by_policy_names_the_policy_in_both_languages(api: Api, callers: Callers) -> None:
    answers = [
        await api("{ shares { id } }", token=callers.newcomer, headers={"Accept-Language": language})
        for language in ("en", "si")
    ]

    english, sinhala = (answer.errors[0]["message"] for answer in answers)
    assert english == (
        "You do not have access to this. It is open only to traders with at least one full year of service."
    )
    assert SINHALA.search(sinhala)
    assert answers[0].errors[0]["extensions"] == answers[1].errors[0]["extensions"]


async def test_a_revoked_or_broken_token_does_not_hide_the_page(api: Api) -> None:
    response = await api.http.get("/graphql", headers={"Accept": "text/html", "Authorization": "Bearer x"})

    assert response.status_code == 200
