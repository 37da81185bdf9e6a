"""What an operator may choose, read once from environment variables and handed down as values.

The variable of a setting is its name in capitals after `SHARES_`. Only `main` and the command line
import this module; every room below is given the values that it needs.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from sqlalchemy.exc import ArgumentError
from strawberry.http.websocket_origin import normalize_allowed_origins

from app.database import sqlite_url, with_driver
from app.domain.identity import Limits
from app.graph.context import Introspection
from app.graph.measuring import DocumentLimits
from app.kit.networks import Network, read_networks
from app.mail.transports import SmtpTransport
from app.web.connections import ConnectionLimits
from app.web.deadlines import TimeLimits
from app.web.manifest import read_manifest
from app.web.rates import RateLimits
from app.web.records import LogFormat

PREFIX = "SHARES_"


class InvalidSettings(ValueError):
    """The environment holds a setting that is unknown or breaks its rule; the text says which and why."""


class Settings(BaseModel):
    """The settings of one server. Durations are in seconds; each description stands in the README."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    mode: Literal["development", "production"] = Field(
        default="development",
        description="`development` makes its own signing key and seeds demo traders; `production` does neither "
        "and refuses to start without a secret.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on; 0 takes a free one.")
    data_dir: Path = Field(
        default=Path("data"), description="The folder of the embedded database and the development key."
    )
    database_url: SecretStr | None = Field(
        default=None,
        description="The database: `postgresql://user:password@host/name`, or by default an SQLite file "
        "`shares.sqlite` in the data folder.",
    )
    sqlite_synchronous: Literal["FULL", "NORMAL"] | None = Field(
        default=None,
        description="SQLite's `PRAGMA synchronous`: `FULL` keeps every acknowledged write through a loss of "
        "power (the default in production), `NORMAL` through a crash of the process (the default in "
        "development).",
    )
    secret: SecretStr | None = Field(
        default=None,
        description="What tokens are signed with (HS256): at least 32 characters of randomness. Required in "
        "production; in development one is made and kept in the data folder.",
    )
    previous_secrets: SecretStr | None = Field(
        default=None,
        description="Secrets that tokens were signed with before, separated by commas: their tokens are still "
        "taken until they expire, and none is signed with them.",
    )
    signing_key_file: Path | None = Field(
        default=None,
        description="A private key as PEM to sign tokens with instead of the secret: EC P-256 (ES256) or RSA of "
        "at least 2048 bits (RS256). A change of the file is noticed within seconds, or at SIGHUP.",
    )
    verifying_key_files: str = Field(
        default="",
        description="PEM files of keys, public or private, that tokens were signed with before, separated by "
        "commas; they need not exist yet.",
    )
    pepper: SecretStr | None = Field(
        default=None,
        description="What security codes, the audit trail and the secrets of authenticator apps are sealed with: "
        "at least 32 characters of randomness that never change. Required in production; in development one is "
        "made and kept in the data folder.",
    )
    token_encryption_key: SecretStr | None = Field(
        default=None,
        description="64 hexadecimal digits (32 bytes): access tokens are then encrypted too (JWE `dir`, "
        "`A256GCM`), so that only the server can read them.",
    )
    redis_url: SecretStr | None = Field(
        default=None, description="The Redis through which processes tell each other at once what was revoked."
    )
    workers: int = Field(
        default=1, ge=1, le=64, description="How many processes serve; more than one needs Redis."
    )
    accept_revocation_delay: bool = Field(
        default=False,
        description="Serve with several processes without Redis: a revoked permit's access tokens may then be "
        "taken for up to 5 seconds by the others.",
    )
    smtp_url: SecretStr | None = Field(
        default=None,
        description="The mail server: `smtps://user:password@host:465`, or `smtp://user:password@host:587` with "
        "STARTTLS. Without one, e-mails become files in the folder `outbox` of the data folder.",
    )
    mail_from: str = Field(default="Share Price Viewer <no-reply@localhost>", description="The sender of e-mails.")
    token_issuer: str = Field(default="share-price-viewer", min_length=1, description="The `iss` claim of tokens.")
    token_audience: str = Field(
        default="share-price-viewer", min_length=1, description="The `aud` claim of tokens."
    )
    access_token_seconds: int = Field(
        default=900, ge=1, le=86_400, description="How long an access token lives (15 minutes)."
    )
    refresh_token_seconds: int = Field(
        default=2_592_000, ge=60, le=31_536_000, description="How long a refresh token lives (30 days)."
    )
    token_not_before_seconds: int = Field(
        default=0, ge=0, le=3_600, description="How long after it is given a token begins to be valid (`nbf`)."
    )
    token_clock_skew_seconds: int = Field(
        default=0,
        ge=0,
        le=300,
        description="How far the clocks of hosts may differ when times in tokens are compared.",
    )
    password_hashing: Literal["owasp", "rfc9106", "cheap"] = Field(
        default="owasp",
        description="The cost of argon2id: `owasp` (19 MiB, 2 passes), `rfc9106` (64 MiB, 3 passes, 4 lanes), "
        "or `cheap`, for tests only and refused in production.",
    )
    password_min_length: int = Field(default=8, ge=8, le=64, description="The fewest characters of a password.")
    password_max_length: int = Field(default=128, ge=64, le=128, description="The most characters of a password.")
    password_require_digit: bool = Field(default=False, description="Whether a password needs a digit.")
    password_require_lowercase: bool = Field(
        default=False, description="Whether a password needs a lower-case letter."
    )
    password_require_uppercase: bool = Field(
        default=False, description="Whether a password needs an upper-case letter."
    )
    password_require_non_alphanumeric: bool = Field(
        default=False, description="Whether a password needs a character that is neither letter nor digit."
    )
    password_min_unique_characters: int = Field(
        default=1, ge=1, le=32, description="How many different characters a password needs."
    )
    code_seconds: int = Field(
        default=600, ge=60, le=86_400, description="How long a security code is good for (10 minutes)."
    )
    code_interval_seconds: int = Field(
        default=60, ge=1, le=3_600, description="How long to wait before another code may be asked for."
    )
    code_tries: int = Field(default=5, ge=1, le=20, description="How often a security code may be tried.")
    lockout_failures: int = Field(
        default=5, ge=1, le=100, description="After how many failed log-ins a trader is locked out."
    )
    lockout_seconds: int = Field(
        default=1_800, ge=1, le=86_400, description="How long a lockout lasts (30 minutes)."
    )
    even_answer_milliseconds: int = Field(
        default=250,
        ge=0,
        le=5_000,
        description="Answers that could tell by their time whether an address is known take a multiple of this: "
        "registrations, code requests, resets and failed log-ins. Not 0 in production.",
    )
    max_body_bytes: int = Field(
        default=262_144, ge=1_024, le=16_777_216, description="The largest request body that is read (256 KiB)."
    )
    max_batch: int = Field(
        default=0,
        ge=0,
        le=1_000,
        description="How many operations a request may hold as a JSON list; 0 to take one at a time only.",
    )
    max_head_bytes: int = Field(
        default=16_384,
        ge=1_024,
        le=1_048_576,
        description="How many bytes the first line and the headers of a request may have (16 KiB).",
    )
    request_seconds: float = Field(
        default=10, gt=0, le=600, description="How long a request may take to come in whole."
    )
    unread_seconds: float = Field(
        default=30,
        gt=0,
        le=3_600,
        description="How long a client may read nothing of what is sent to it before the connection is ended "
        "(on Linux).",
    )
    execution_seconds: float = Field(
        default=30, gt=0, le=3_600, description="How long an operation may take; subscriptions go on."
    )
    shutdown_seconds: int = Field(
        default=10,
        ge=1,
        le=3_600,
        description="How long what is under way may take to be answered once the server is asked to end.",
    )
    max_document_characters: int = Field(
        default=15_000, ge=100, le=1_000_000, description="How long a document may be, in characters."
    )
    max_document_tokens: int = Field(
        default=1_000, ge=10, le=100_000, description="How many tokens a document may have."
    )
    max_document_operations: int = Field(
        default=5, ge=1, le=1_000, description="How many operations a document may have."
    )
    max_depth: int = Field(default=10, ge=1, le=100, description="How deeply fields may be nested.")
    max_fields: int = Field(
        default=300,
        ge=1,
        le=100_000,
        description="How many fields an operation may have, each fragment counted wherever it is spread.",
    )
    max_root_fields: int = Field(
        default=20, ge=1, le=1_000, description="How many fields of the root type an operation may have."
    )
    max_aliases: int = Field(default=15, ge=0, le=10_000, description="How many aliases an operation may have.")
    max_directives: int = Field(
        default=20, ge=0, le=10_000, description="How many directives an operation may have."
    )
    max_cost: int = Field(
        default=50_000,
        ge=1,
        le=1_000_000_000,
        description="What an operation may cost by the `@cost` and `@listSize` that the schema prints.",
    )
    introspection: Introspection | None = Field(
        default=None,
        description="Who may ask for the schema and is told of similar names in errors: `open` to anyone, "
        "`authenticated` callers, or `closed`. Open in development and authenticated in production, if not set.",
    )
    requests_per_minute: int = Field(
        default=6_000,
        ge=0,
        le=10_000_000,
        description="How many requests, and operations over sockets, an address may send in a minute, and a "
        "trader; 0 for any number. Each process counts; with Redis they tell each other every second.",
    )
    log_ins_per_minute: int = Field(
        default=20,
        ge=0,
        le=1_000_000,
        description="How often passwords may be tried in a minute from an address, and by a trader; 0 for any "
        "number.",
    )
    codes_per_minute: int = Field(
        default=20,
        ge=0,
        le=1_000_000,
        description="How many codes may be sent and tried in a minute from an address, and by a trader; 0 for any "
        "number.",
    )
    trusted_proxies: str = Field(
        default="",
        description="The networks of proxies in front of the server, such as `10.0.0.0/8, 2001:db8::1`: only what "
        "they say of the client's address and scheme is believed. Without them it is the connection's.",
    )
    forwarded_header: Literal["x-forwarded-for", "forwarded"] = Field(
        default="x-forwarded-for",
        description="The header in which those proxies note the client's address; the other one is not believed.",
    )
    allowed_origins: str = Field(
        default="",
        description="The origins of web pages, besides the server's own, that may read answers (CORS) and open "
        "sockets, such as `https://shares.example.com`, separated by commas; `*` stands for all.",
    )
    socket_init_seconds: float = Field(
        default=5, gt=0, le=60, description="How long a new socket may take to send `connection_init`."
    )
    socket_message_bytes: int = Field(
        default=65_536,
        ge=1_024,
        le=1_048_576,
        description="The largest message of a socket that is read (64 KiB).",
    )
    socket_messages_per_second: int = Field(
        default=50,
        ge=1,
        le=10_000,
        description="How many messages a socket may send in the long run; pings, pongs and parts of messages "
        "count as well.",
    )
    socket_message_burst: int = Field(
        default=200, ge=1, le=100_000, description="How many messages a socket may send at once."
    )
    socket_ping_seconds: float = Field(
        default=20,
        gt=0,
        le=3_600,
        description="How often a socket's client is asked whether it is still there, and how long it may take to "
        "answer.",
    )
    socket_subscriptions: int = Field(
        default=20, ge=1, le=1_000, description="How many operations a socket may have at the same time."
    )
    sockets_per_address: int = Field(
        default=100, ge=1, le=100_000, description="How many sockets an address may have open with one process."
    )
    uninitialised_sockets: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="How many sockets of a process may be open, of all addresses, that have said nothing yet.",
    )
    streams_per_address: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="How many streams of events an address may have open with one process.",
    )

    request_log: bool = Field(
        default=True,
        description="Write a line to the standard output for each request and each operation over a socket.",
    )
    log_format: LogFormat | None = Field(
        default=None,
        description="How lines and other records of the log are written: `json` or `text`. JSON in production and "
        "text in development, if not set.",
    )
    server_timing: bool | None = Field(
        default=None,
        description="Tell on each answer how long it took, room by room (`Server-Timing`). Only in development, "
        "if not set: who can measure an answer can guess at what it was made of.",
    )
    metrics_networks: str | None = Field(
        default=None,
        description="The networks of who may read `/metrics`, such as `10.0.0.0/8`; for all others there is "
        "nothing at that address. Nobody in production and the machine itself in development, if not set.",
    )
    metrics_dir: Path | None = Field(
        default=None,
        description="The folder in which several workers leave their counts for each other; nobody else may write "
        "there. A new temporary one, if not set.",
    )
    response_cache_bytes: int = Field(
        default=33_554_432,
        ge=0,
        le=2**40,
        description="How much memory a process may take for answers that are given again as long as nothing is "
        "written that they were read from (32 MiB); 0 to read anew each time. On SQLite only.",
    )
    trusted_documents: Path | None = Field(
        default=None,
        description="A JSON file of documents by their hashes (SHA-256 or SHA-1), such as GraphQL Code "
        "Generator's `persisted-documents.json`; requests may name them by hash.",
    )
    trusted_only: bool = Field(
        default=False, description="Refuse every document that is not in `SHARES_TRUSTED_DOCUMENTS`."
    )
    persisted_queries: bool = Field(
        default=True,
        description="Keep valid documents that clients send with their hash, to be named by it later (automatic "
        "persisted queries).",
    )
    repeatability_seconds: int = Field(
        default=86_400,
        ge=300,
        le=604_800,
        description="How long a mutation that is sent again under its id gets the answer that it had (24 hours).",
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read the settings from environment variables; an empty one counts as absent.

        Those of the test suite, which begin with `SHARES_TEST_`, are none of ours.

        Raises:
            InvalidSettings: A variable with our prefix is unknown, or a value breaks its rule. Values are
                not repeated in the text: some are secrets.
        """
        given = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in environment.items()
            if name.startswith(PREFIX) and not name.startswith(f"{PREFIX}TEST_") and value
        }
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_input=False)
            raise InvalidSettings("; ".join(map(_said, problems))) from None

    @field_validator("database_url")
    @classmethod
    def _is_a_database_of_ours(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and not _is_usable(given.get_secret_value()):
            raise ValueError("needs to be postgresql://user:password@host/name or sqlite:///path")
        return given

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, given: str) -> str:
        normalize_allowed_origins(_listed(given))
        return given

    @field_validator("trusted_proxies", "metrics_networks")
    @classmethod
    def _are_networks(cls, given: str | None) -> str | None:
        read_networks(given or "")
        return given

    @field_validator("token_encryption_key")
    @classmethod
    def _is_a_key(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", given.get_secret_value()):
            raise ValueError("needs 64 hexadecimal digits")
        return given

    @field_validator("smtp_url")
    @classmethod
    def _is_a_mail_server(cls, given: SecretStr | None) -> SecretStr | None:
        if given is not None:
            SmtpTransport.from_url(given.get_secret_value())
        return given

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, given: str) -> str:
        if len(given.splitlines()) != 1 or "@" not in parseaddr(given)[1]:
            raise ValueError("needs to be an e-mail address, with a name before it or not")
        return given

    @field_validator("trusted_documents")
    @classmethod
    def _is_a_manifest(cls, given: Path | None) -> Path | None:
        if given is not None:
            read_manifest(given)
        return given

    @model_validator(mode="after")
    def _trust_something(self) -> Self:
        if self.trusted_only and self.trusted_documents is None:
            raise ValueError(f"{PREFIX}TRUSTED_ONLY needs {PREFIX}TRUSTED_DOCUMENTS")
        return self

    @model_validator(mode="after")
    def _keep_production_safe(self) -> Self:
        if self.mode == "production":
            if self.secret is None and self.signing_key_file is None:
                raise ValueError(f"{PREFIX}SECRET or {PREFIX}SIGNING_KEY_FILE is required in production")
            if self.pepper is None:
                raise ValueError(f"{PREFIX}PEPPER is required in production")
            if self.password_hashing == "cheap":  # noqa: S105 - the name of a cost
                raise ValueError(f"{PREFIX}PASSWORD_HASHING cannot be cheap in production")
            if not self.even_answer_milliseconds:
                raise ValueError(f"{PREFIX}EVEN_ANSWER_MILLISECONDS cannot be 0 in production")
        if self.workers > 1 and self.redis_url is None and not self.accept_revocation_delay:
            raise ValueError(
                f"{PREFIX}WORKERS above 1 need {PREFIX}REDIS_URL, or {PREFIX}ACCEPT_REVOCATION_DELAY=true"
            )
        for name, secret in (("SECRET", self.secret), ("PEPPER", self.pepper)):
            if secret is not None and len(secret.get_secret_value().encode()) < 32:
                raise ValueError(f"{PREFIX}{name} needs at least 32 characters")
        if any(len(secret) < 32 for secret in self.earlier_secrets):
            raise ValueError(f"{PREFIX}PREVIOUS_SECRETS need at least 32 characters each")
        return self

    @property
    def is_development(self) -> bool:
        """Whether this is a developer's own server."""
        return self.mode == "development"

    @property
    def earlier_secrets(self) -> tuple[bytes, ...]:
        """The secrets that tokens were signed with before."""
        text = self.previous_secrets.get_secret_value() if self.previous_secrets else ""
        return tuple(secret.strip().encode() for secret in text.split(",") if secret.strip())

    @property
    def earlier_key_files(self) -> tuple[Path, ...]:
        """The files of keys that tokens were signed with before."""
        return tuple(Path(name.strip()) for name in self.verifying_key_files.split(",") if name.strip())

    @property
    def effective_database_url(self) -> str:
        """The database's URL; holds a password, so it must not be logged."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return sqlite_url(self.data_dir / "shares.sqlite")

    @property
    def effective_synchronous(self) -> str:
        """SQLite's `PRAGMA synchronous` for this mode."""
        return self.sqlite_synchronous or ("NORMAL" if self.is_development else "FULL")

    @property
    def effective_log_format(self) -> LogFormat:
        """How the log is written in this mode."""
        return self.log_format or ("text" if self.is_development else "json")

    @property
    def shows_timing(self) -> bool:
        """Whether answers tell how long they took, in this mode."""
        return self.is_development if self.server_timing is None else self.server_timing

    @property
    def effective_metrics_networks(self) -> tuple[Network, ...]:
        """Who may read the metrics in this mode."""
        if self.metrics_networks is not None:
            return read_networks(self.metrics_networks)
        return read_networks("127.0.0.1, ::1") if self.is_development else ()

    @property
    def access_lifetime(self) -> timedelta:
        """How long an access token lives."""
        return timedelta(seconds=self.access_token_seconds)

    @property
    def refresh_lifetime(self) -> timedelta:
        """How long a refresh token lives."""
        return timedelta(seconds=self.refresh_token_seconds)

    @property
    def not_before_delay(self) -> timedelta:
        """How long after it is given a token begins to be valid."""
        return timedelta(seconds=self.token_not_before_seconds)

    @property
    def clock_skew(self) -> timedelta:
        """How far the clocks of hosts may differ."""
        return timedelta(seconds=self.token_clock_skew_seconds)

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins of pages that may read answers and open sockets, as browsers write them."""
        return tuple(sorted(normalize_allowed_origins(_listed(self.allowed_origins))))

    @property
    def connection_limits(self) -> ConnectionLimits:
        """How many sockets and streams may be open, and how much they may say."""
        return ConnectionLimits(
            init_wait=timedelta(seconds=self.socket_init_seconds),
            subscriptions=self.socket_subscriptions,
            sockets_per_address=self.sockets_per_address,
            uninitialised_sockets=self.uninitialised_sockets,
            streams_per_address=self.streams_per_address,
        )

    @property
    def document_limits(self) -> DocumentLimits:
        """How large an operation may be, and what it may cost."""
        return DocumentLimits(
            characters=self.max_document_characters,
            tokens=self.max_document_tokens,
            operations=self.max_document_operations,
            depth=self.max_depth,
            fields=self.max_fields,
            root_fields=self.max_root_fields,
            aliases=self.max_aliases,
            directives=self.max_directives,
            cost=self.max_cost,
        )

    @property
    def effective_introspection(self) -> Introspection:
        """Who may ask for the schema in this mode."""
        return self.introspection or ("open" if self.is_development else "authenticated")

    @property
    def time_limits(self) -> TimeLimits:
        """How long a request may take."""
        return TimeLimits(request_seconds=self.request_seconds, execution_seconds=self.execution_seconds)

    @property
    def rate_limits(self) -> RateLimits:
        """How often a minute clients may do something."""
        return RateLimits(
            requests=self.requests_per_minute, log_ins=self.log_ins_per_minute, codes=self.codes_per_minute
        )

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of the proxies that are believed."""
        return read_networks(self.trusted_proxies)

    @property
    def repeatability_window(self) -> timedelta:
        """How long a mutation that is sent again gets the answer that it had."""
        return timedelta(seconds=self.repeatability_seconds)

    @property
    def limits(self) -> Limits:
        """How often and how long codes and log-ins may be tried."""
        return Limits(
            code_lifetime=timedelta(seconds=self.code_seconds),
            code_interval=timedelta(seconds=self.code_interval_seconds),
            code_tries=self.code_tries,
            failures=self.lockout_failures,
            lockout=timedelta(seconds=self.lockout_seconds),
            answer_step=timedelta(milliseconds=self.even_answer_milliseconds),
        )


def _listed(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _said(problem: ErrorDetails) -> str:
    name = "_".join(map(str, problem["loc"])).upper()
    text = problem["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{name}: {text}" if name else text


def _is_usable(url: str) -> bool:
    try:
        parsed = with_driver(url)
    except (ArgumentError, ValueError):  # A port that is no number is a ValueError that repeats it.
        return False
    if parsed.drivername == "sqlite+aiosqlite":
        # In memory every connection would have a database of its own.
        return parsed.database not in (None, "", ":memory:")
    return parsed.drivername == "postgresql+asyncpg"
