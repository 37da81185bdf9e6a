"""Phrases are said in the language asked for, refuse what is our own mistake, and never read a parameter."""

from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from hypothesis import given
from hypothesis import strategies as st

from app.kit.phrases import LONGEST_PARAM, CatalogueError, Phrases, QuickParser, UnknownPhrase

LOCALES = Path(__file__).parents[2] / "locales"

ENGLISH = """
HELLO = Hello
greeting = Hello, { $name }!
braces = Say {"{"}hello{"}"}
only = { $name }
items = { $count ->
        [one] { $count } item
       *[other] { $count } items
    } for { $name }
english-only = In English alone
"""
SINHALA = """
HELLO = ආයුබෝවන්
greeting = { $name }, ආයුබෝවන්!
braces = {"{"}ආයුබෝවන්{"}"} කියන්න
only = { $name }
items = { $name } සඳහා { $count ->
        [1] එක් අයිතමයක්
       *[other] අයිතම { $count }ක්
    }
"""


def written(folder: Path, **sources: str) -> Path:
    for tag, source in sources.items():
        (folder / tag).mkdir()
        (folder / tag / "server.ftl").write_text(source, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def phrases(tmp_path_factory: pytest.TempPathFactory) -> Phrases:
    return Phrases.load(written(tmp_path_factory.mktemp("locales"), si=SINHALA, en=ENGLISH))


def test_locales_start_with_english(tmp_path: Path) -> None:
    folder = written(tmp_path, si=SINHALA, de=ENGLISH, en=ENGLISH)
    (folder / ".hidden").mkdir()
    (folder / "README.md").touch()

    assert Phrases.load(folder).locales == ("en", "de", "si")


def test_another_catalogue_is_read_by_its_name(tmp_path: Path) -> None:
    folder = written(tmp_path, en=ENGLISH)
    (folder / "en" / "viewer.ftl").write_text("title = Shares", encoding="utf-8")

    viewer = Phrases.load(folder, catalogue="viewer")

    assert viewer.say("en", "title") == "Shares"
    assert viewer.keys("en") == {"title"}


@pytest.mark.parametrize(
    ("locale", "key", "params", "text"),
    [
        ("en", "HELLO", {}, "Hello"),
        ("si", "HELLO", {}, "ආයුබෝවන්"),
        ("en", "greeting", {"name": "Ann"}, "Hello, Ann!"),
        ("si", "greeting", {"name": "Ann"}, "Ann, ආයුබෝවන්!"),
        ("en", "braces", {}, "Say {hello}"),
        ("en", "only", {"name": "Ann"}, "Ann"),
        ("en", "items", {"count": 0, "name": "Ann"}, "0 items for Ann"),
        ("en", "items", {"count": 1, "name": "Ann"}, "1 item for Ann"),
        ("en", "items", {"count": 3, "name": "Ann"}, "3 items for Ann"),
        ("si", "items", {"count": 0, "name": "Ann"}, "Ann සඳහා අයිතම 0ක්"),
        ("si", "items", {"count": 1, "name": "Ann"}, "Ann සඳහා එක් අයිතමයක්"),
        ("si", "items", {"count": 3, "name": "Ann"}, "Ann සඳහා අයිතම 3ක්"),
    ],
)
def test_say(phrases: Phrases, locale: str, key: str, params: dict[str, str | int], text: str) -> None:
    assert phrases.say(locale, key, **params) == text


def test_say_falls_back_to_english(phrases: Phrases) -> None:
    assert phrases.say("xx", "HELLO") == "Hello"
    assert phrases.say("si", "english-only") == "In English alone"
    assert phrases.raw("xx", "greeting") == "Hello, {name}!"


def test_say_takes_parameters_of_any_name_and_leaves_out_those_without_a_place(phrases: Phrases) -> None:
    assert phrases.say("en", "greeting", name="Ann", self="1", locale="si", key="HELLO") == "Hello, Ann!"


def test_say_refuses_an_unknown_phrase(phrases: Phrases) -> None:
    with pytest.raises(UnknownPhrase, match=r"^There is no phrase goodbye$"):
        phrases.say("en", "goodbye")
    with pytest.raises(UnknownPhrase, match=r"^There is no phrase goodbye$"):
        phrases.raw("si", "goodbye")


def test_say_refuses_to_leave_a_parameter_out(phrases: Phrases) -> None:
    with pytest.raises(UnknownPhrase, match=r"^items needs count, name$"):
        phrases.say("en", "items")
    with pytest.raises(KeyError):
        phrases.say("si", "items", name="Ann")


def test_say_refuses_a_number_that_cannot_be_written(phrases: Phrases) -> None:
    with pytest.raises(UnknownPhrase, match=r"^items cannot be said"):
        phrases.say("en", "items", count=10**5000, name="Ann")


@given(text=st.text() | st.sampled_from(["{ $name }", "{name}", "{HELLO}", "%s", "\x00", "one", "[one]"]))
def test_say_puts_any_text_in_as_it_is(phrases: Phrases, text: str) -> None:
    said = {locale: phrases.say(locale, "greeting", name=text) for locale in phrases.locales}

    assert said == {"en": f"Hello, {text}!", "si": f"{text}, ආයුබෝවන්!"}


def test_say_cuts_long_texts(phrases: Phrases) -> None:
    fits, too_long = "x" * LONGEST_PARAM, "x" * 100_000

    assert phrases.say("en", "greeting", name=fits) == f"Hello, {fits}!"
    assert phrases.say("en", "greeting", name=too_long) == f"Hello, {fits[1:]}…!"
    assert phrases.say("en", "items", count=too_long, name=too_long) == f"{fits[1:]}… items for {fits[1:]}…"


@pytest.mark.parametrize(
    ("key", "raw", "placeables"),
    [
        ("HELLO", "Hello", set()),
        ("greeting", "Hello, {name}!", {"name"}),
        ("braces", "Say {hello}", set()),
        ("items", "{count} items for {name}", {"count", "name"}),
    ],
)
def test_raw_leaves_parameters_open(phrases: Phrases, key: str, raw: str, placeables: set[str]) -> None:
    assert phrases.raw("en", key) == raw
    assert phrases.placeables("en", key) == placeables


def test_keys_and_placeables_are_those_of_the_language_itself(phrases: Phrases) -> None:
    assert phrases.keys("en") == {"HELLO", "greeting", "braces", "only", "items", "english-only"}
    assert phrases.keys("si") == phrases.keys("en") - {"english-only"}
    with pytest.raises(UnknownPhrase, match=r"^si has no phrase english-only$"):
        phrases.placeables("si", "english-only")
    with pytest.raises(UnknownPhrase, match=r"^There is no catalogue for xx$"):
        phrases.keys("xx")


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        ("HELLO = Hello\ngreeting = { $name\n", r"server\.ftl:3: greeting is not Fluent: Expected token"),
        ("HELLO = Hello\n\nno equals sign\n", r"server\.ftl:3: no equals sign is not Fluent: "),
        ("n = { $n ->\n  [one] 1\n }\n", r"server\.ftl:3: n is not Fluent: Expected one of the variants"),
        ("HELLO = Hello\nHELLO = Hi\n", r"server\.ftl: HELLO is there twice$"),
        ("HELLO =\n    .title = Hi\n", r"server\.ftl: HELLO has to be one text without attributes$"),
        ("HELLO = Hello\n    .title = Hi\n", r"server\.ftl: HELLO has to be one text without attributes$"),
        ("-brand = Shares\n", r"server\.ftl: -brand is a term"),
        ("HELLO = { GOODBYE }\n", r"server\.ftl: HELLO uses a MessageReference"),
        ("HELLO = { -brand }\n", r"server\.ftl: HELLO uses a TermReference"),
        ("HELLO = { NUMBER($n) }\n", r"server\.ftl: HELLO uses a FunctionReference"),
        ("n = { NUMBER($n) ->\n  *[other] { $n }\n }\n", r"server\.ftl: n uses a FunctionReference"),
    ],
)
def test_load_names_the_file_and_the_fault(tmp_path: Path, source: str, fault: str) -> None:
    folder = written(tmp_path, en=ENGLISH, si=source)

    with pytest.raises(CatalogueError, match=f"si/{fault}"):
        Phrases.load(folder)


def test_load_refuses_a_folder_without_english(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"has no folder en$"):
        Phrases.load(written(tmp_path, si=SINHALA))


def test_load_refuses_a_language_without_the_catalogue(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"en/viewer\.ftl: cannot be read: "):
        Phrases.load(written(tmp_path, en=ENGLISH), catalogue="viewer")


def test_load_refuses_what_is_not_utf_8(tmp_path: Path) -> None:
    folder = written(tmp_path, en=ENGLISH)
    (folder / "en" / "server.ftl").write_bytes(b"HELLO = caf\xe9\n")

    with pytest.raises(CatalogueError, match=r"en/server\.ftl: cannot be read: "):
        Phrases.load(folder)


@pytest.mark.parametrize("tag", ["xx", "english"])
def test_load_refuses_a_folder_that_is_no_language(tmp_path: Path, tag: str) -> None:
    with pytest.raises(CatalogueError, match=rf"{tag} is not the tag of a known language$"):
        Phrases.load(written(tmp_path, en=ENGLISH, **{tag: ENGLISH}))


_ENTRIES = st.lists(
    st.sampled_from(
        (
            *("a", "key-1", "-term", "= ", "text", "é\u0dc3", " ", "\n", "\n    ", "\n\n", "#", "## ", ".attr = "),
            *("{", "}", "{ $name }", '{"\\u00e9"}', '{"', '"}', "{ 1.5 }", "{ -term }", "{ key-1 }", "*[other] x"),
            *("{ $n ->", "[one] y", "[1] z", "{ NUMBER($n) }", "\\", "\t", "\r", "[", "*", "$", "1"),
        )
    ),
    max_size=25,
).map("".join)


@given(_ENTRIES | st.builds("key = {}\nother = x{}\n".format, _ENTRIES, _ENTRIES))
def test_a_catalogue_is_read_as_the_library_reads_it(source: str) -> None:
    # A file that is read as text has line feeds only.
    source = source.replace("\r\n", "\n").replace("\r", "\n")

    assert QuickParser().parse(source).to_json() == FluentParser().parse(source).to_json()


@pytest.mark.parametrize(
    "file", sorted(LOCALES.rglob("*.ftl")), ids=lambda file: f"{file.parent.name}-{file.stem}"
)
def test_our_catalogues_are_read_as_the_library_reads_them(file: Path) -> None:
    source = file.read_text(encoding="utf-8")

    assert QuickParser().parse(source).to_json() == FluentParser().parse(source).to_json()


def test_what_is_prepared_speaks_as_what_is_not(tmp_path: Path, phrases: Phrases) -> None:
    prepared = Phrases.load(written(tmp_path, si=SINHALA, en=ENGLISH))

    prepared.prepare()

    said = [each.say("si", "items", count=1, name="x") for each in (prepared, phrases)]
    assert said == ["x සඳහා එක් අයිතමයක්"] * 2
