"""The catalogues that we ship: complete, alike in every language, and sayable as they stand."""

import re
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from graphql import EnumTypeDefinitionNode, parse

from app.domain.mails import MailKind
from app.domain.policies import Supposed, standings
from app.entities import Trader
from app.graph.measuring import DocumentLimits
from app.kit.phrases import Phrases
from tests.latin import latin_sentences

ROOT = Path(__file__).parents[1]
PHRASES = Phrases.load(ROOT / "locales")
LOCALES = PHRASES.locales
EVERY_PHRASE = sorted((locale, key) for locale in LOCALES for key in PHRASES.keys(locale))


def values_of(enum: str) -> set[str]:
    schema = ROOT / "schema.graphql"
    if not schema.exists():
        pytest.skip("schema.graphql is not there yet: export it first")
    (definition,) = (
        node
        for node in parse(schema.read_text(encoding="utf-8")).definitions
        if isinstance(node, EnumTypeDefinitionNode) and node.name.value == enum
    )
    return {value.name.value for value in definition.values or ()}


def test_english_and_sinhala_are_there() -> None:
    assert LOCALES[0] == "en"
    assert "si" in LOCALES


def test_every_language_has_the_same_phrases_with_the_same_parameters() -> None:
    shapes = {locale: {key: PHRASES.placeables(locale, key) for key in PHRASES.keys(locale)} for locale in LOCALES}

    assert shapes == dict.fromkeys(LOCALES, shapes["en"])


@pytest.mark.parametrize("locale", LOCALES)
def test_every_error_code_has_words_and_no_other_capitals_do(locale: str) -> None:
    codes = {key for key in PHRASES.keys(locale) if key.isupper()}

    assert codes == values_of("ErrorCode")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_policy_has_words(locale: str) -> None:
    prefix = "policy-"
    policies = {key.removeprefix(prefix) for key in PHRASES.keys(locale) if key.startswith(prefix)}

    assert policies == values_of("Policy")


@pytest.mark.parametrize("locale", LOCALES)
def test_every_email_has_a_subject_and_a_text_and_no_other_does(locale: str) -> None:
    words = {key for key in PHRASES.keys(locale) if key.startswith("mail-")}

    kinds = set(MailKind) - {MailKind.NOTHING}
    assert words == {f"mail-{kind}-{part}" for kind in kinds for part in ("subject", "text")} | {"mail-signature"}


@pytest.mark.parametrize("locale", LOCALES)
def test_no_subject_shows_what_is_in_its_email(locale: str) -> None:
    subjects = [key for key in PHRASES.keys(locale) if key.startswith("mail-") and key.endswith("-subject")]

    assert all(PHRASES.placeables(locale, key) == set() for key in subjects)
    assert all("\n" not in PHRASES.say(locale, key) for key in subjects)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", [MailKind.CONFIRM_EMAIL, MailKind.CHANGE_PASSWORD])
def test_a_code_is_a_paragraph_of_its_own(locale: str, kind: MailKind) -> None:
    paragraphs = PHRASES.raw(locale, f"mail-{kind}-text").split("\n\n")

    assert paragraphs.count("{code}") == 1


@pytest.mark.parametrize(("locale", "key"), EVERY_PHRASE)
def test_every_phrase_can_be_said(locale: str, key: str) -> None:
    names = PHRASES.placeables(locale, key)

    texts = [PHRASES.say(locale, key, **dict.fromkeys(names, value)) for value in (0, 1, 2, 30, 10_000, "x")]

    assert all(texts)
    assert all(text == text.strip() and "{" not in text for text in texts)


@pytest.mark.parametrize(("locale", "key"), EVERY_PHRASE)
def test_every_parameter_shows_in_the_open_text(locale: str, key: str) -> None:
    shown = set(re.findall(r"\{(.*?)\}", PHRASES.raw(locale, key)))

    assert shown == PHRASES.placeables(locale, key)


def test_every_phrase_is_translated() -> None:
    untranslated = {
        (locale, key)
        for locale, key in EVERY_PHRASE
        if locale != "en" and PHRASES.raw(locale, key) == PHRASES.raw("en", key)
    }

    assert untranslated == set()


def test_sinhala_is_written_in_its_own_script() -> None:
    foreign = {key for key in PHRASES.keys("si") if not re.search("[\u0d80-\u0dff]", PHRASES.raw("si", key))}

    assert foreign == set()


def test_sinhala_holds_no_sentence_of_another_language() -> None:
    # The service has a name of its own.
    texts = {key: PHRASES.raw("si", key).replace("Share Price Viewer", "") for key in PHRASES.keys("si")}

    assert {key: found for key, text in texts.items() if (found := latin_sentences(text))} == {}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_reason_of_a_standing_has_words_and_no_other_does(locale: str) -> None:
    today = date(2026, 6, 15)
    bearers = [*map(Supposed, (None, today, date(2015, 1, 1))), Supposed(None, frozenset({Trader.ADMINISTRATOR}))]

    reasons = {
        standing.reason
        for bearer in bearers
        for confirmed in (True, False)
        for standing in standings(bearer, today, confirmed=confirmed)
    }

    assert {key for key in PHRASES.keys(locale) if key.startswith("reason-")} == reasons


@pytest.mark.parametrize("locale", LOCALES)
def test_every_limit_of_a_document_has_words_and_no_other_does(locale: str) -> None:
    # To go beyond the cost has a code of its own, and how far introspection goes is no setting.
    limits = {field.name for field in fields(DocumentLimits)} - {"cost"} | {"introspection"}

    assert {key for key in PHRASES.keys(locale) if key.startswith("limit-")} == {
        f"limit-{limit.replace('_', '-')}" for limit in limits
    }


def test_sinhala_conjuncts_are_joined() -> None:
    # Without a zero-width joiner after the virama, ya and ra show as a mark and a full letter beside it.
    split = {key for key in PHRASES.keys("si") if re.search("\u0dca[\u0dba\u0dbb]", PHRASES.raw("si", key))}

    assert split == set()


def test_unsupported_version_is_said_in_the_words_that_clients_know() -> None:
    text = PHRASES.say("en", "UNSUPPORTED_API_VERSION", version="0.9", supported="1.0, 2.0")

    assert text == "Unsupported api-version '0.9'. The supported api-versions are '1.0, 2.0'."


@pytest.mark.parametrize(("seconds", "unit"), [(0, "0 seconds"), (1, "1 second"), (30, "30 seconds")])
def test_seconds_are_counted(seconds: int, unit: str) -> None:
    text = PHRASES.say("en", "RATE_LIMITED", seconds=seconds)

    assert text == f"Too many requests. Please try again in {unit}."
