"""The enums of the schema, with the descriptions that people read in it."""

from enum import Enum

import strawberry


@strawberry.enum(
    name="Policy",
    description="What a caller may be required to be. Each one but ADMINISTRATORS includes the ones above it; ADMINISTRATORS includes them all.",
)
class PolicyName(Enum):
    """What a caller may be required to be."""

    ANYONE = strawberry.enum_value("ANYONE", description="Nothing: no access token is needed.")
    ALL_TRADERS = strawberry.enum_value("ALL_TRADERS", description="A trader with a confirmed e-mail address.")
    SKILLED_TRADERS = strawberry.enum_value(
        "SKILLED_TRADERS", description="A trader with at least one full year since the verified joining date."
    )
    TRADER_MANAGERS = strawberry.enum_value(
        "TRADER_MANAGERS", description="A trader with at least five full years since the verified joining date."
    )
    ADMINISTRATORS = strawberry.enum_value(
        "ADMINISTRATORS", description="A trader who was made an administrator from the command line."
    )


@strawberry.enum(description="Who may keep a cached response.")
class CacheControlScope(Enum):
    """Who may keep a cached response."""

    PUBLIC = strawberry.enum_value("PUBLIC", description="Any cache on the way, such as a CDN.")
    PRIVATE = strawberry.enum_value("PRIVATE", description="Only the caller's own cache.")


@strawberry.enum(
    description="Every error that the API gives, in payload errors and in extensions.code. A client must treat an unknown code as INTERNAL_ERROR; codes are added without a new API version."
)
class ErrorCode(Enum):
    """Every error that the API gives, in payload errors and in extensions.code."""

    UNAUTHENTICATED = strawberry.enum_value(
        "UNAUTHENTICATED", description="No access token, or one that is not valid. HTTP status 401."
    )
    TOKEN_EXPIRED = strawberry.enum_value(
        "TOKEN_EXPIRED",
        description="The access token has expired: renew the permit and send the request again. HTTP status 401 with the header Token-Expired: true.",
    )
    FORBIDDEN = strawberry.enum_value(
        "FORBIDDEN", description="The access token does not satisfy the policy of the field in path."
    )
    BAD_REQUEST = strawberry.enum_value(
        "BAD_REQUEST",
        description="The document could not be parsed or is not valid against the schema. HTTP status 400.",
    )
    UNSUPPORTED_API_VERSION = strawberry.enum_value(
        "UNSUPPORTED_API_VERSION", description="The API version asked for does not exist. HTTP status 400."
    )
    PERSISTED_QUERY_NOT_FOUND = strawberry.enum_value(
        "PERSISTED_QUERY_NOT_FOUND", description="The persisted document is not known here: send it in full."
    )
    COST_EXCEEDED = strawberry.enum_value(
        "COST_EXCEEDED", description="The operation costs more than the caller may spend on one request."
    )
    RATE_LIMITED = strawberry.enum_value(
        "RATE_LIMITED",
        description="Too many requests; extensions.retryAfterSeconds says when to try again. HTTP status 429.",
    )
    REPEATED_REQUEST_MISMATCH = strawberry.enum_value(
        "REPEATED_REQUEST_MISMATCH", description="The same repeatability id came with a different request."
    )
    CURSOR_EXPIRED = strawberry.enum_value(
        "CURSOR_EXPIRED",
        description="The cursor is malformed, or the events that it asks for are no longer kept: read the data anew.",
    )
    INTERNAL_ERROR = strawberry.enum_value(
        "INTERNAL_ERROR", description="The server failed; extensions.requestId names the failure in its log."
    )
    UNAVAILABLE = strawberry.enum_value(
        "UNAVAILABLE", description="The server cannot take the request now. HTTP status 503."
    )
    INVALID_INPUT = strawberry.enum_value("INVALID_INPUT", description="A value breaks a rule; path says which.")
    INCORRECT_EMAIL = strawberry.enum_value(
        "INCORRECT_EMAIL", description="The e-mail address is missing or malformed."
    )
    PASSWORD_REQUIRED = strawberry.enum_value("PASSWORD_REQUIRED", description="The password is missing.")
    PASSWORD_TOO_WEAK = strawberry.enum_value(
        "PASSWORD_TOO_WEAK",
        description="The password breaks the rules in service.passwordRules, or is a known leaked one.",
    )
    LOGIN_FAILED = strawberry.enum_value(
        "LOGIN_FAILED",
        description="The e-mail address and the password do not belong together. Says nothing about whether the address is known.",
    )
    EMAIL_NOT_CONFIRMED = strawberry.enum_value(
        "EMAIL_NOT_CONFIRMED", description="The password is right, but the e-mail address is not confirmed yet."
    )
    INCORRECT_SECURITY_CODE = strawberry.enum_value(
        "INCORRECT_SECURITY_CODE", description="The security code is wrong, used or expired."
    )
    TOO_MANY_ATTEMPTS = strawberry.enum_value(
        "TOO_MANY_ATTEMPTS",
        description="Too many failed attempts; retryAfterSeconds says when to try again. The same for known and unknown addresses.",
    )
    SECOND_FACTOR_REQUIRED = strawberry.enum_value(
        "SECOND_FACTOR_REQUIRED",
        description="The password is right, but the trader has switched the second factor on: send the log-in again "
        "with twoFactorCode.",
    )
    INCORRECT_SECOND_FACTOR = strawberry.enum_value(
        "INCORRECT_SECOND_FACTOR",
        description="The code from the authenticator app, or the recovery code, is wrong or was used already.",
    )
    INVALID_PERMIT = strawberry.enum_value(
        "INVALID_PERMIT",
        description="The refresh token is not valid, has expired, was revoked or was already used.",
    )
    INVALID_SHARE = strawberry.enum_value(
        "INVALID_SHARE", description="The share does not exist, or does not belong to the industry given."
    )
    INVALID_INDUSTRY = strawberry.enum_value("INVALID_INDUSTRY", description="The industry does not exist.")
    USER_NOT_FOUND = strawberry.enum_value("USER_NOT_FOUND", description="The trader does not exist.")
    TAG_TAKEN = strawberry.enum_value("TAG_TAKEN", description="Another record has this tag.")
    VERSION_CONFLICT = strawberry.enum_value(
        "VERSION_CONFLICT", description="The record was changed by someone else since it was read."
    )
    INDUSTRY_NOT_EMPTY = strawberry.enum_value("INDUSTRY_NOT_EMPTY", description="The industry still has shares.")


@strawberry.enum(description="The direction of an order.")
class SortDirection(Enum):
    """The direction of an order."""

    ASC = strawberry.enum_value("ASC", description="Smallest first.")
    DESC = strawberry.enum_value("DESC", description="Largest first.")


@strawberry.enum(description="What industries can be ordered by.")
class IndustryOrderField(Enum):
    """What industries can be ordered by."""

    ID = strawberry.enum_value("ID", description="The id.")
    NAME = strawberry.enum_value("NAME", description="The name.")
    TAG = strawberry.enum_value("TAG", description="The tag.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When the record last changed.")


@strawberry.enum(description="What shares can be ordered by.")
class ShareOrderField(Enum):
    """What shares can be ordered by."""

    ID = strawberry.enum_value("ID", description="The id.")
    TAG = strawberry.enum_value("TAG", description="The tag.")
    PRICE = strawberry.enum_value("PRICE", description="The price on record.")
    UPDATED_AT = strawberry.enum_value("UPDATED_AT", description="When the record last changed.")


@strawberry.enum(description="What a write did.")
class WriteOutcome(Enum):
    """What a write did."""

    INSERTED = strawberry.enum_value("INSERTED", description="The record did not exist and was inserted.")
    UPDATED = strawberry.enum_value("UPDATED", description="The record existed and was updated.")
    UNCHANGED = strawberry.enum_value(
        "UNCHANGED", description="The record already had these values; nothing was written."
    )
    DELETED = strawberry.enum_value("DELETED", description="The record was deleted.")
    ABSENT = strawberry.enum_value("ABSENT", description="The record was already gone.")


@strawberry.enum(description="The state of a permit.")
class PermitStatus(Enum):
    """The state of a permit."""

    ACTIVE = strawberry.enum_value("ACTIVE", description="It can be renewed.")
    EXPIRED = strawberry.enum_value("EXPIRED", description="Its refresh token has expired.")
    REVOKED = strawberry.enum_value("REVOKED", description="It was revoked.")


@strawberry.enum(description="What a security code is for.")
class SecurityCodePurpose(Enum):
    """What a security code is for."""

    CONFIRM_EMAIL = strawberry.enum_value("CONFIRM_EMAIL", description="To confirm the e-mail address.")
    CHANGE_PASSWORD = strawberry.enum_value("CHANGE_PASSWORD", description="To set a new password.")


@strawberry.enum(description="What an audit event records.")
class AuditAction(Enum):
    """What an audit event records."""

    REGISTERED = strawberry.enum_value("REGISTERED", description="A trader registered.")
    CODE_SENT = strawberry.enum_value("CODE_SENT", description="A security code was sent.")
    EMAIL_CONFIRMED = strawberry.enum_value("EMAIL_CONFIRMED", description="An e-mail address was confirmed.")
    LOGGED_IN = strawberry.enum_value("LOGGED_IN", description="A trader logged in.")
    LOGIN_FAILED = strawberry.enum_value("LOGIN_FAILED", description="A log-in failed.")
    LOCKED_OUT = strawberry.enum_value(
        "LOCKED_OUT", description="A trader was locked out after too many failed attempts."
    )
    PERMIT_RENEWED = strawberry.enum_value("PERMIT_RENEWED", description="A permit was renewed.")
    PERMIT_REUSED = strawberry.enum_value(
        "PERMIT_REUSED", description="A used refresh token was presented again; the permit was revoked."
    )
    PERMIT_REVOKED = strawberry.enum_value("PERMIT_REVOKED", description="A permit was revoked.")
    PASSWORD_CHANGED = strawberry.enum_value("PASSWORD_CHANGED", description="A password was changed.")
    TRADER_UPDATED = strawberry.enum_value("TRADER_UPDATED", description="A trader's profile was changed.")
    TRADER_VERIFIED = strawberry.enum_value("TRADER_VERIFIED", description="A trader's joining date was verified.")
    ACCESS_DENIED = strawberry.enum_value(
        "ACCESS_DENIED", description="A field or an operation was refused by its policy."
    )
    RECORD_INSERTED = strawberry.enum_value("RECORD_INSERTED", description="An industry or a share was inserted.")
    RECORD_UPDATED = strawberry.enum_value("RECORD_UPDATED", description="An industry or a share was updated.")
    RECORD_DELETED = strawberry.enum_value("RECORD_DELETED", description="An industry or a share was deleted.")
    UNLOCKED = strawberry.enum_value("UNLOCKED", description="A trader's lockout was lifted before its time.")
    TWO_FACTOR_ENABLED = strawberry.enum_value(
        "TWO_FACTOR_ENABLED", description="A trader switched the second factor on."
    )
    TWO_FACTOR_DISABLED = strawberry.enum_value(
        "TWO_FACTOR_DISABLED", description="A trader switched the second factor off."
    )
    RECOVERY_CODE_USED = strawberry.enum_value(
        "RECOVERY_CODE_USED", description="A recovery code stood in for the authenticator app."
    )
    TRADER_DELETED = strawberry.enum_value("TRADER_DELETED", description="A trader was deleted.")
    ADMINISTRATOR_MADE = strawberry.enum_value(
        "ADMINISTRATOR_MADE", description="A trader was made an administrator from the command line."
    )
