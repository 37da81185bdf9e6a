"""Settings are read from the environment, refused by name when they are wrong, and never repeat a secret."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from app.settings import PREFIX, InvalidSettings, Settings

SECRET = "a secret of the tests that is long enough"
PEPPER = "a pepper of the tests that is long enough"
LEAK = "mustneverbeshown"
PRODUCTION = {"SHARES_MODE": "production", "SHARES_SECRET": SECRET, "SHARES_PEPPER": PEPPER}

SECRETS = sorted(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def read(**environment: str) -> Settings:
    return Settings.from_environment(environment)


def refusal(environment: dict[str, str]) -> str:
    """What is said of settings that are refused."""
    with pytest.raises(InvalidSettings) as refused:
        Settings.from_environment(environment)
    return str(refused.value)


def test_nothing_has_to_be_set_for_development() -> None:
    settings = read()

    assert settings == Settings()
    assert (settings.mode, settings.host, settings.port) == ("development", "127.0.0.1", 8000)
    assert settings.effective_database_url == f"sqlite+aiosqlite:///{Path('data/shares.sqlite').absolute()}"
    assert settings.effective_synchronous == "NORMAL"
    assert (settings.access_lifetime, settings.refresh_lifetime) == (timedelta(minutes=15), timedelta(days=30))
    assert (settings.not_before_delay, settings.clock_skew) == (timedelta(0), timedelta(0))
    assert (settings.secret, settings.token_encryption_key, settings.password_hashing) == (None, None, "owasp")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("host", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - an address to be read, not to listen on
        ("port", "9000", 9000),
        ("port", "0", 0),
        ("data_dir", "/var/lib/shares", Path("/var/lib/shares")),
        ("database_url", "postgresql://ada:pw@host/shares", SecretStr("postgresql://ada:pw@host/shares")),
        ("database_url", "sqlite:///shares.sqlite", SecretStr("sqlite:///shares.sqlite")),
        ("sqlite_synchronous", "FULL", "FULL"),
        ("secret", SECRET, SecretStr(SECRET)),
        ("token_encryption_key", "0aF9" * 16, SecretStr("0aF9" * 16)),
        ("token_issuer", "https://shares.example.com", "https://shares.example.com"),
        ("token_audience", "shares", "shares"),
        ("access_token_seconds", "60", 60),
        ("refresh_token_seconds", "3600", 3600),
        ("token_not_before_seconds", "5", 5),
        ("token_clock_skew_seconds", "30", 30),
        ("password_hashing", "rfc9106", "rfc9106"),
        ("password_min_length", "12", 12),
        ("password_max_length", "64", 64),
        ("password_require_digit", "true", True),
        ("password_require_lowercase", "true", True),
        ("password_require_uppercase", "true", True),
        ("password_require_non_alphanumeric", "true", True),
        ("max_body_bytes", "1024", 1024),
    ],
)
def test_a_setting_is_read_from_its_variable_and_touches_no_other(name: str, text: str, value: Any) -> None:
    settings = read(**{PREFIX + name.upper(): text})

    changed = {
        each: getattr(settings, each)
        for each in Settings.model_fields
        if getattr(settings, each) != getattr(Settings(), each)
    }
    assert changed == {name: value}


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_an_empty_variable_counts_as_absent(name: str) -> None:
    assert read(**{PREFIX + name.upper(): ""}) == Settings()


def test_variables_of_others_and_of_the_test_suite_are_passed_over() -> None:
    assert read(PATH="/bin", SHARED="1", TESTS_REQUIRED="postgresql") == Settings()


def test_an_unknown_variable_is_refused_by_name() -> None:
    assert refusal({"SHARES_DATABSE_URL": LEAK}) == "SHARES_DATABSE_URL: Extra inputs are not permitted"


def test_everything_that_is_wrong_is_told_at_once() -> None:
    text = refusal({"SHARES_PORT": "eighty", "SHARES_ACCESS_TOKEN_SECONDS": "0", "SHARES_SECRETS": LEAK})

    assert [each.partition(":")[0] for each in text.split("; ")] == [
        "SHARES_PORT",
        "SHARES_ACCESS_TOKEN_SECONDS",
        "SHARES_SECRETS",
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("mode", "prod"),
        ("port", "65536"),
        ("port", "-1"),
        ("port", "8000.5"),
        ("sqlite_synchronous", "OFF"),
        ("access_token_seconds", "0"),
        ("access_token_seconds", "86401"),
        ("refresh_token_seconds", "59"),
        ("token_not_before_seconds", "-1"),
        ("token_clock_skew_seconds", "301"),
        ("password_hashing", "md5"),
        ("password_min_length", "7"),
        ("password_max_length", "129"),
        ("password_require_digit", "perhaps"),
        ("max_body_bytes", "1023"),
        ("token_encryption_key", "0" * 63),
        ("token_encryption_key", "0" * 65),
        ("token_encryption_key", "0" * 64 + "\n"),
        ("token_encryption_key", "g" * 64),
        ("database_url", "shares.sqlite"),
        ("database_url", "mysql://ada@host/shares"),
        ("database_url", "postgresql+psycopg2://ada@host/shares"),
        ("database_url", "postgresql://ada@host:port/shares"),
        ("smtp_url", "http://mail.example.com"),
        ("smtp_url", "smtp://mail.example.com:port"),
        ("mail_from", "nobody"),
        ("mail_from", "a@example.com\nBcc: b@example.com"),
        ("even_answer_milliseconds", "-1"),
        ("even_answer_milliseconds", "5001"),
        ("database_url", "sqlite://"),
        ("database_url", "sqlite:///:memory:"),
    ],
)
def test_a_value_that_breaks_its_rule_is_refused_by_name(name: str, text: str) -> None:
    variable = PREFIX + name.upper()

    said = refusal({variable: text})

    assert said.startswith(f"{variable}: ")
    assert "\n" not in said


@pytest.mark.parametrize("secret", ["x" * 31, "short"])
def test_a_short_secret_is_refused_in_every_mode(secret: str) -> None:
    said = [refusal({"SHARES_SECRET": secret}), refusal(PRODUCTION | {"SHARES_SECRET": secret})]

    assert said == ["SHARES_SECRET needs at least 32 characters"] * 2


def test_production_starts_with_all_it_needs() -> None:
    settings = Settings.from_environment(PRODUCTION)

    assert (settings.is_development, settings.effective_synchronous) == (False, "FULL")


@pytest.mark.parametrize("missing", ["SHARES_SECRET", "SHARES_PEPPER"])
def test_production_refuses_to_start_without_its_secrets(missing: str) -> None:
    said = refusal({name: value for name, value in PRODUCTION.items() if name != missing})

    assert said.startswith(missing)
    assert said.endswith("is required in production")


def test_production_refuses_cheap_hashing() -> None:
    said = refusal(PRODUCTION | {"SHARES_PASSWORD_HASHING": "cheap"})

    assert said == "SHARES_PASSWORD_HASHING cannot be cheap in production"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_not_repeated_when_settings_are_refused(name: str) -> None:
    variable = PREFIX + name.upper()

    said = [
        refusal({variable: LEAK, "SHARES_PORT": "eighty"}),
        # So long that it may be a good one, beside something else that is wrong.
        refusal({variable: LEAK * 4, "SHARES_UNKNOWN": LEAK}),
        refusal({variable: f"postgresql://ada:{LEAK}@host:port/{LEAK}", "SHARES_MODE": LEAK}),
    ]

    assert LEAK not in "\n".join(said)


def test_secrets_do_not_show_in_the_settings_themselves() -> None:
    settings = read(
        SHARES_SECRET=LEAK * 4,
        SHARES_DATABASE_URL=f"postgresql://ada:{LEAK}@host/shares",
        SHARES_TOKEN_ENCRYPTION_KEY="0aF9" * 16,
    )

    shown = f"{settings} {settings!r} {settings.model_dump_json()}"
    assert LEAK not in shown
    assert "0aF9" not in shown


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        Settings().port = 1
