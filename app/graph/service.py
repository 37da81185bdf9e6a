"""The fields about the service itself: versions, languages, rules, and the words for errors."""

from datetime import datetime

import strawberry

from app.domain.policies import ANYONE
from app.graph.context import Info
from app.graph.directives import CacheControl
from app.graph.enums import CacheControlScope, ErrorCode
from app.graph.permissions import authorize


@strawberry.type(description="The rules that a password must keep.")
class PasswordRules:
    """The rules that a password must keep."""

    min_length: int = strawberry.field(description="The fewest characters.")
    max_length: int = strawberry.field(description="The most characters.")
    require_digit: bool = strawberry.field(description="Whether it needs a digit.")
    require_lowercase: bool = strawberry.field(description="Whether it needs a lower-case letter.")
    require_uppercase: bool = strawberry.field(description="Whether it needs an upper-case letter.")
    require_non_alphanumeric: bool = strawberry.field(
        description="Whether it needs a character that is neither letter nor digit."
    )


@strawberry.type(description="The service itself.")
class Service:
    """The service itself."""

    version: str = strawberry.field(description="The API version that answers this request, such as 1.0.")
    supported_versions: list[str] = strawberry.field(
        description="Every API version that the server answers; also in the header api-supported-versions."
    )
    deprecated_versions: list[str] = strawberry.field(
        description="Those that will go; also in the header api-deprecated-versions."
    )
    time: datetime = strawberry.field(description="The server's clock.")
    locales: list[str] = strawberry.field(description="The languages that messages come in, as BCP 47 tags.")
    password_rules: PasswordRules = strawberry.field(description="The rules for passwords.")


@strawberry.type(description="The text of an error code in one language.")
class ErrorMessage:
    """The text of an error code in one language."""

    code: ErrorCode = strawberry.field(description="The code.")
    text: str = strawberry.field(description="The text; parts in braces are filled in.")


def _service(info: Info) -> Service:
    services, rules = info.context.services, info.context.identity.rules
    return Service(
        version=info.context.version,
        supported_versions=list(services.versions),
        deprecated_versions=list(services.deprecated_versions),
        time=info.context.now,
        locales=list(services.phrases.locales),
        password_rules=PasswordRules(
            min_length=rules.min_length,
            max_length=rules.max_length,
            require_digit=rules.require_digit,
            require_lowercase=rules.require_lowercase,
            require_uppercase=rules.require_uppercase,
            require_non_alphanumeric=rules.require_non_alphanumeric,
        ),
    )


def _error_messages(info: Info, locale: str = "en") -> list[ErrorMessage]:
    phrases = info.context.services.phrases
    return [ErrorMessage(code=code, text=phrases.raw(locale, code.name)) for code in ErrorCode]


@strawberry.type
class ServiceQueries:
    """What can be read of the service."""

    service: Service | None = strawberry.field(
        resolver=_service,
        description="The service: its versions, languages and rules.",
        directives=[authorize(ANYONE), CacheControl(max_age=300, scope=CacheControlScope.PUBLIC)],
    )
    error_messages: list[ErrorMessage] | None = strawberry.field(
        resolver=_error_messages,
        description="The text of every error code, for clients that show errors while offline.",
        directives=[authorize(ANYONE), CacheControl(max_age=3600, scope=CacheControlScope.PUBLIC)],
    )
