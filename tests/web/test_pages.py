import asyncio
import re
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.web.pages import SECURITY_HEADERS, graphiql_page, page_routes


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "secret.js").write_text("outside")
    folder = tmp_path / "graphiql"
    folder.mkdir()
    (folder / "start.js").write_text("start();")
    (folder / "start.css").write_text("body {}")
    (folder / "icon.svg").write_text("<svg/>")
    (folder / "notes.txt").write_text("for nobody")
    (folder / "link.js").symlink_to(tmp_path / "secret.js")
    return folder


def ask(built: Path, path: str, **headers: str) -> httpx.Response:
    """The answer to a GET of a path, from an application of nothing but the pages."""

    async def page(request: Request) -> Response:
        return graphiql_page(built, request.url)

    async def send() -> httpx.Response:
        app = Starlette(routes=[Route("/graphql", page), Route("/a&b", page), *page_routes(built)])
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(send())


def safety(answer: httpx.Response) -> dict[str, str | None]:
    return {name: answer.headers.get(name) for name in SECURITY_HEADERS}


@pytest.mark.parametrize(
    ("file", "media_type", "text"),
    [
        ("start.js", "text/javascript; charset=utf-8", "start();"),
        ("start.css", "text/css; charset=utf-8", "body {}"),
        ("icon.svg", "image/svg+xml", "<svg/>"),
    ],
)
def test_a_file_is_served_as_what_it_is_and_safely(built: Path, file: str, media_type: str, text: str) -> None:
    answer = ask(built, f"/graphiql/{file}")

    assert (answer.status_code, answer.text) == (200, text)
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Cache-Control"] == "no-cache"
    assert safety(answer) == SECURITY_HEADERS


def test_a_file_that_the_browser_holds_is_not_sent_again(built: Path) -> None:
    first = ask(built, "/graphiql/start.js")

    second = ask(built, "/graphiql/start.js", **{"If-None-Match": first.headers["ETag"]})

    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert safety(second) == SECURITY_HEADERS


@pytest.mark.parametrize(
    "path",
    [
        "/graphiql/../secret.js",
        "/graphiql/..%2fsecret.js",
        "/graphiql/%2e%2e/secret.js",
        "/graphiql/x/..%2f..%2fsecret.js",
        "/graphiql/..%5csecret.js",
        "/graphiql/%2fetc%2fpasswd",
        "/graphiql/link.js",
        "/graphiql/notes.txt",
        "/graphiql/start.js%00",
        "/graphiql/" + "x" * 5000 + ".js",
        "/graphiql/",
        "/graphiql/none.js",
    ],
)
def test_nothing_but_the_built_files_is_served(built: Path, path: str) -> None:
    answer = ask(built, path)

    assert (answer.status_code, answer.text) == (404, "Not Found")


def test_the_page_loads_only_built_files_and_carries_no_code(built: Path) -> None:
    answer = ask(built, "/graphql")

    assert answer.status_code == 200
    assert 'data-endpoint="/graphql"' in answer.text
    assert set(re.findall(r'(?:href|src)="(?!/graphiql/[a-z-]+\.(?:js|css|svg)")', answer.text)) == set()
    assert re.findall(r"<script[^>]*>[^<]|<style|style=|\son\w+=", answer.text) == []


def test_the_page_permits_one_style_by_a_nonce_that_is_never_used_again(built: Path) -> None:
    pages = [ask(built, "/graphql") for _ in range(2)]

    nonces = [re.findall(r'data-nonce="([\w-]{20,})"', page.text)[0] for page in pages]
    assert nonces[0] != nonces[1]
    for page, nonce in zip(pages, nonces, strict=True):
        policy = f"{SECURITY_HEADERS['Content-Security-Policy']}; style-src 'self' 'nonce-{nonce}'"
        assert safety(page) == {**SECURITY_HEADERS, "Content-Security-Policy": policy}
        assert page.headers["Cache-Control"] == "no-store"


def test_no_cache_keeps_a_page_or_takes_it_for_an_answer_to_a_program(built: Path, tmp_path: Path) -> None:
    pages = [ask(folder, "/graphql").headers for folder in (built, tmp_path / "not built")]

    assert [(page["Cache-Control"], page["Vary"]) for page in pages] == [("no-store", "Accept")] * 2


def test_the_endpoint_is_text_to_the_page(built: Path) -> None:
    assert 'data-endpoint="/a&amp;b"' in ask(built, "/a&b").text


def test_without_a_build_the_page_says_how_to_get_it(built: Path) -> None:
    missing = built / "none"

    page = ask(missing, "/graphql?x=1")
    file = ask(missing, "/graphiql/start.js")

    assert page.status_code == 200
    assert "Node 20.19" in page.text
    assert "<code>make run</code>" in page.text
    assert "\n  http://test/graphql</pre>" in page.text
    assert "<script" not in page.text
    assert safety(page) == SECURITY_HEADERS
    assert file.status_code == 404
