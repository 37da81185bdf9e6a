"""API versions: which one a request asks for, and what answers tell of them.

A version is one schema, made from one declaration. All of them are served side by side, each at `/graphql`
by the header `x-api-version` or the parameter `api-version`, and at a path of its own.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from email.utils import format_datetime
from typing import NoReturn, Protocol
from urllib.parse import parse_qsl

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from app.graph.schema import SecuredSchema
from app.kit.phrases import Phrases
from app.kit.problem import Problem
from app.web.exchange import AnswersAtOnce, AtOnce, exchange_of, raw
from app.web.problems import MalformedRequest
from app.web.refusing import Voice, deny, refuse

_NUMBER = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,4}))?", re.ASCII)
_LONGEST_SHOWN = 40


class UnsupportedVersion(Problem):
    """The API version that a request asks for does not exist."""

    code = "UNSUPPORTED_API_VERSION"
    status = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiVersion:
    """What is declared of a version.

    Attributes:
        make_schema: Makes its schema, which has its name, such as 1.0.
        deprecated_on: Since when it is not to be used for anything new; None if it is.
        sunset_on: When it will end, or None if nobody knows; needs `deprecated_on`.
        guide: Where people read how to leave it: an address without spaces or angle brackets.
    """

    make_schema: Callable[[], SecuredSchema]
    deprecated_on: date | None = None
    sunset_on: date | None = None
    guide: str | None = None

    def __post_init__(self) -> None:
        """Refuse an end without a beginning of it (RFC 9745, section 4)."""
        if self.sunset_on is not None and (self.deprecated_on is None or self.sunset_on < self.deprecated_on):
            raise ValueError("a version is deprecated before its sunset")

    @property
    def headers(self) -> Mapping[str, str]:
        """What its answers tell of its end.

        Source: RFC 9745 (Deprecation, and the relation of its link), RFC 8594 (Sunset).
        """
        headers: dict[str, str] = {}
        if self.deprecated_on is not None:
            headers["Deprecation"] = f"@{int(_midnight(self.deprecated_on).timestamp())}"
        if self.sunset_on is not None:
            headers["Sunset"] = format_datetime(_midnight(self.sunset_on), usegmt=True)
        if self.guide is not None:
            headers["Link"] = f'<{self.guide}>; rel="deprecation"; type="text/html"'
        return headers


class Versions:
    """The versions that the server answers.

    Attributes:
        schemas: Their schemas by their names, in the order of their declaration.
        declared: What is declared of them, by the same names.
        default: The first that was declared: the one of who asks for none.
    """

    def __init__(self, declared: Sequence[ApiVersion]) -> None:
        """Make their schemas.

        Raises:
            ValueError: There is none, two have the same name, or a name is not of the form 1.0.
        """
        schemas = [version.make_schema() for version in declared]
        self.schemas = {schema.version: schema for schema in schemas}
        if len(self.schemas) < len(schemas):
            raise ValueError("two versions have the same name")
        self.declared = dict(zip(self.schemas, declared, strict=True))
        for name in self.schemas:
            if normal(name) != name:
                raise ValueError(f"{name} is not the name of a version, such as 1.0")
        self.default = next(iter(self.schemas), "")
        if not self.default:
            raise ValueError("there has to be a version")

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.schemas)

    @property
    def deprecated(self) -> tuple[str, ...]:
        """Those that will go."""
        return tuple(name for name, version in self.declared.items() if version.deprecated_on is not None)

    @property
    def headers(self) -> Mapping[str, str]:
        """What every answer tells."""
        headers = {"api-supported-versions": ", ".join(self.names)}
        return headers | {"api-deprecated-versions": ", ".join(self.deprecated)} if self.deprecated else headers

    def of(self, connection: HTTPConnection, in_path: str | None = None) -> str:
        """Find the version that a request asks for.

        The header and the parameter name a version in full, where 2 stands for 2.0. So may the path; a whole
        number there stands for the newest version that begins with it, unless the others say which.

        Args:
            connection: The request, or a socket's handshake.
            in_path: What stands in the path; None if nothing does.

        Raises:
            UnsupportedVersion: There is no such version.
            MalformedRequest: It asks for several.
        """
        header = exchange_of(connection.scope).asked_version or ""
        query = parse_qsl(connection.scope["query_string"].decode("latin-1"))
        asked = [*header.split(","), *(value for name, value in query if name == "api-version")]
        named = {self._existing(each) for each in map(str.strip, asked) if each}
        possible = self._possible(in_path)
        if not named:
            return possible[0]
        if len(named) > 1 or not named <= set(possible):
            several = named | ({in_path} if in_path else set())
            raise MalformedRequest(phrase="request-several-versions", versions=", ".join(sorted(several)))
        return named.pop()

    def _possible(self, in_path: str | None) -> Sequence[str]:
        """Give the versions that a path leaves open, the one of who asks for nothing else first."""
        if in_path is None:
            return self.names
        if "." in in_path:
            return (self._existing(in_path),)
        family = [name for name in self.names if name.partition(".")[0] == in_path]
        if not family:
            self._refuse(in_path)
        return sorted(family, key=_numbers, reverse=True)

    def _existing(self, asked: str) -> str:
        name = normal(asked)
        if name not in self.schemas:
            self._refuse(asked)
        return str(name)

    def _refuse(self, asked: str) -> NoReturn:
        raise UnsupportedVersion(version=asked[:_LONGEST_SHOWN], supported=", ".join(self.names))


class View(AnswersAtOnce, Protocol):
    """What answers for one version, in both ways."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request or a socket."""


class VersionedEndpoint:
    """An endpoint that leads to the view of the version that a request asks for.

    On a route, the parameter `number` of its path says what the path asks for.
    """

    def __init__(self, versions: Versions, views: Mapping[str, View], phrases: Phrases) -> None:
        """Build it.

        Args:
            versions: Who knows which version a request asks for.
            views: What answers, by the version's name.
            phrases: The words for refusals.
        """
        self._versions = versions
        self._views = views
        self._phrases = phrases
        self._headers = {name: raw(version.headers) for name, version in versions.declared.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer by the right version, or refuse one that does not exist."""
        exchange = exchange_of(scope)
        in_path: str | None = scope.get("path_params", {}).get("number")
        name = self._versions.default
        # Nearly all requests ask for nothing, and are not to pay for the others.
        if in_path is not None or exchange.asked_version is not None or scope["query_string"]:
            try:
                name = self._versions.of(HTTPConnection(scope), in_path)
            except Problem as problem:
                await self._refuse(problem, scope, receive, send)
                return
        exchange.version = name
        exchange.headers = self._headers[name]
        await self._views[name](scope, receive, send)

    def at_once(self, scope: Scope) -> AtOnce | None:
        """Say how requests of such a head are answered, if they ask for no version in particular."""
        if exchange_of(scope).asked_version is not None or scope["query_string"]:
            return None
        name = self._versions.default
        found = self._views[name].at_once(scope)
        return None if found is None else AtOnce(found.answer, (*found.headers, *self._headers[name]), name)

    async def _refuse(self, problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
        await deny(refuse(problem, Voice.of(scope, self._phrases), scope), scope, receive, send)


def normal(number: str) -> str | None:
    """Write a version's number as major.minor; None if it is none."""
    match = _NUMBER.fullmatch(number)
    return None if match is None else f"{int(match[1])}.{int(match[2] or 0)}"


def _numbers(name: str) -> tuple[int, ...]:
    return tuple(map(int, name.split(".")))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
