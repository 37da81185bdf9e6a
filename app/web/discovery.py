"""Where things are: the front door, for people and for programs, and the schema as a file."""

from html import escape
from string import Template
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from app.graph.context import Services
from app.graph.keeping import Keeping
from app.graph.permissions import Unauthenticated
from app.web.caching import for_caches
from app.web.context import authenticate
from app.web.pages import SECURITY_HEADERS
from app.web.refusing import Voice
from app.web.versions import ApiVersion, Versions

NAME = "Share Price Viewer API"

_AN_HOUR = Keeping(seconds=3_600, by_all=True)
_A_MINUTE_BY_ONE = Keeping(seconds=60, by_all=False)

_PAGE = Template(
    """\
<!doctype html>
<html lang="$locale">
<head>
<meta charset="utf-8">
<title>$name</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="/graphiql/icon.svg" type="image/svg+xml">
</head>
<body>
<main>
<h1>$name</h1>
<p>$what</p>
<ul>
$links
</ul>
</main>
</body>
</html>
"""
)


class Discovery:
    """What a client finds everything else from."""

    def __init__(self, services: Services, versions: Versions, *, opens_schema: bool) -> None:
        """Prepare.

        Args:
            services: Who knows languages and tokens.
            versions: Who knows the versions and their schemas.
            opens_schema: Whether strangers may read the schema; otherwise it takes an access token.
        """
        self._services = services
        self._versions = versions
        self._opens_schema = opens_schema

    @property
    def routes(self) -> list[BaseRoute]:
        """Give `/` and `/schema.graphql`."""
        return [
            Route("/", self._front, methods=["GET"]),
            Route("/schema.graphql", self._schema, methods=["GET"]),
        ]

    def document(self) -> dict[str, Any]:
        """Say where things are, by paths of this server."""
        versions = self._versions
        return {
            "name": NAME,
            "version": versions.default,
            "supportedVersions": list(versions.names),
            "deprecatedVersions": list(versions.deprecated),
            "versions": [_told(name, version) for name, version in versions.declared.items()],
            "locales": list(self._services.phrases.locales),
            "endpoints": {
                "graphql": "/graphql",
                "graphiql": "/graphql",
                "schema": "/schema.graphql",
                "jwks": "/.well-known/jwks.json",
                "liveness": "/healthz",
                "readiness": "/readyz",
            },
        }

    async def _front(self, request: Request) -> Response:
        response: Response
        if "text/html" in request.headers.get("accept", ""):
            response = self._page(Voice.of(request.scope, self._services.phrases))
        else:
            response = JSONResponse(self.document())
        return _kept(response, request, _AN_HOUR)

    def _page(self, voice: Voice) -> Response:
        links = (("/graphql", "home-graphiql"), ("/schema.graphql", "home-schema"), ("/readyz", "home-readiness"))
        page = _PAGE.substitute(
            locale=voice.locale,
            name=NAME,
            what=escape(voice.say("home-what")),
            links="\n".join(f'<li><a href="{path}">{escape(voice.say(key))}</a></li>' for path, key in links),
        )
        return HTMLResponse(page, headers={**SECURITY_HEADERS, "Content-Language": voice.locale})

    async def _schema(self, request: Request) -> Response:
        if not self._opens_schema:
            self._ask_for_token(request)
        response = PlainTextResponse(self._versions.schemas[self._versions.of(request)].sdl)
        return _kept(response, request, _AN_HOUR if self._opens_schema else _A_MINUTE_BY_ONE)

    def _ask_for_token(self, request: Request) -> None:
        claims = authenticate(request, self._services.identity.tokens)
        if claims is None:
            raise Unauthenticated
        self._services.revocations.hold_against(claims)


def _told(name: str, version: ApiVersion) -> dict[str, Any]:
    return {
        "version": name,
        "graphql": f"/v{name}/graphql",
        "schema": f"/schema.graphql?api-version={name}",
        "deprecatedOn": version.deprecated_on and version.deprecated_on.isoformat(),
        "sunsetOn": version.sunset_on and version.sunset_on.isoformat(),
        "guide": version.guide,
    }


def _kept(response: Response, request: Request, keeping: Keeping) -> Response:
    return for_caches(response, "GET", ", ".join(request.headers.getlist("if-none-match")) or None, keeping)
