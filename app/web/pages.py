"""The pages for people: GraphiQL and its files, from this server alone. Knows nothing of the schema."""

import os
import secrets
from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from starlette.datastructures import URL
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'; object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every page and every file of a page is sent with."""

# At its address are other answers too, for who accepts no page.
_OF_PAGES: Mapping[str, str] = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Vary": "Accept"}

# Told here, because the machine's own table may call scripts plain text, which nosniff then refuses to run.
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

_GRAPHIQL = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Share Price Viewer API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/graphiql/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/graphiql/graphiql.css">
<link rel="stylesheet" href="/graphiql/explorer.css">
<link rel="stylesheet" href="/graphiql/start.css">
<script defer src="/graphiql/react.js"></script>
<script defer src="/graphiql/react-dom.js"></script>
<script defer src="/graphiql/graphiql.js"></script>
<script defer src="/graphiql/explorer.js"></script>
<script defer src="/graphiql/graphql-sse.js"></script>
<script type="module" src="/graphiql/start.js"></script>
</head>
<body>
<div id="graphiql" data-endpoint="$endpoint" data-nonce="$nonce">
<p>Loading GraphiQL…</p>
<noscript><p>GraphiQL needs JavaScript. The API does not: send it a POST request.</p></noscript>
</div>
</body>
</html>
"""
)

_NOT_BUILT = Template(
    """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Share Price Viewer API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
</head>
<body>
<main>
<h1>Share Price Viewer API</h1>
<p>The API is running. GraphiQL, the page to explore it with, has not been built on this machine.</p>
<p>To get it, install <strong>Node 20.19</strong> or newer, run <code>make run</code> in the project's folder,
and load this page again.</p>
<p>Until then, send GraphQL as JSON by POST:</p>
<pre>curl -H 'Content-Type: application/json' \\
  -d '{"query": "{ __typename }"}' \\
  $address</pre>
</main>
</body>
</html>
"""
)


def page_routes(built: Path) -> list[BaseRoute]:
    """The routes of the files that the pages load.

    Args:
        built: The folder that the viewer's build fills. It may be missing, and may be filled or filled anew
            while the server runs.
    """
    return [Mount("/graphiql", _Files(directory=built, check_dir=False), name="graphiql")]


def graphiql_page(built: Path, url: URL) -> HTMLResponse:
    """GraphiQL, or a page that says how to get it if it is not in the folder.

    Args:
        built: As for `page_routes`, which must be served from the same origin.
        url: Where the page was asked for; GraphiQL sends its operations there.
    """
    # The build copies our own files after all others.
    if not (built / "start.js").is_file():
        address = escape(str(url.replace(query="")))
        return HTMLResponse(_NOT_BUILT.substitute(address=address), headers=_OF_PAGES)
    nonce = secrets.token_urlsafe(16)
    page = _GRAPHIQL.substitute(endpoint=escape(url.path), nonce=nonce)
    # GraphiQL's dialogs stop the page behind from scrolling by a style element of their own.
    policy = f"{SECURITY_HEADERS['Content-Security-Policy']}; style-src 'self' 'nonce-{nonce}'"
    return HTMLResponse(page, headers={**_OF_PAGES, "Content-Security-Policy": policy})


class _Files(StaticFiles):
    """The files of one folder that have a media type of ours, each to be asked for again before it is used."""

    async def check_config(self) -> None:
        """Nothing: without its folder there are no files, which is no failure."""

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        return super().lookup_path(path) if Path(path).suffix in _MEDIA_TYPES else ("", None)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers.update({**SECURITY_HEADERS, "Cache-Control": "no-cache"})
        if response.status_code == status_code:
            response.headers["Content-Type"] = _MEDIA_TYPES[Path(full_path).suffix]
        return response
