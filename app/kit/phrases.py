"""What is said to people, by key and language, from Fluent catalogues read and checked once at start-up.

Never decides which language to speak, and never reads a parameter as anything but plain text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from babel.core import Locale, UnknownLocaleError
from fluent.syntax import FluentParser, ast
from fluent.syntax.errors import ParseError
from fluent.syntax.parser import with_span
from fluent.syntax.stream import FluentParserStream

if TYPE_CHECKING:
    from fluent.runtime import FluentBundle

DEFAULT_LOCALE = "en"
"""The language that every text exists in, and that is spoken where the wanted one is missing."""

# The runtime gives up on any part beyond 2,500 characters, and a chosen variant counts as one part,
# parameters included: two of this length and the words around them stay below that.
LONGEST_PARAM = 1000


# As far as a text, and a name, go on (Fluent's grammar: text_char, Identifier). A file that was read as text has
# but one kind of line ends.
_TEXT = re.compile(r"[^{}\n]*")
_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_-]*")


class UnknownPhrase(KeyError):
    """A phrase was asked for that no catalogue has, or without a parameter that it needs."""

    def __str__(self) -> str:
        return " ".join(map(str, self.args))  # KeyError's own gives the quoted repr


class CatalogueError(ValueError):
    """A catalogue is missing or cannot be used; the text names the file and the line or message at fault."""


class _Language:
    """What says the phrases of one language that have parameters."""

    def __init__(self, tag: str, resource: ast.Resource) -> None:
        self._tag = tag
        self._resource = resource
        self._bundle: FluentBundle | None = None

    def bundle(self) -> "FluentBundle":
        """Give it; the first time it is made, for which the rules of plurals and numbers are loaded."""
        if self._bundle is None:
            from fluent.runtime import FluentBundle

            bundle = FluentBundle([self._tag], use_isolating=False)
            bundle.add_resource(self._resource)
            self._bundle = bundle
        return self._bundle


@dataclass(frozen=True, slots=True)
class _Phrase:
    """One message of one language, with what can be worked out before anyone asks for it."""

    language: _Language
    raw: str
    placeables: frozenset[str]

    def said(self, key: str, params: dict[str, str | int]) -> str:
        bundle = self.language.bundle()
        # A message that has no value is refused when the catalogue is read.
        pattern = bundle.get_message(key).value
        assert pattern is not None  # noqa: S101 - for the type checker
        text, errors = bundle.format_pattern(pattern, params)
        if errors:
            raise UnknownPhrase(f"{key} cannot be said: {errors[0]}")
        return str(text)


class Phrases:
    """The catalogues of every language, read and checked as a whole.

    What only those with parameters need is loaded with the first of them, or by `prepare`. Safe to share between
    threads and tasks: nothing else in it changes, and it is the same whoever loads it.

    Attributes:
        locales: The languages as BCP 47 tags, English first and the others in alphabetical order.
    """

    locales: tuple[str, ...]

    def __init__(self, languages: dict[str, dict[str, _Phrase]]) -> None:
        self._languages = languages
        self.locales = tuple(sorted(languages, key=lambda tag: (tag != DEFAULT_LOCALE, tag)))

    @classmethod
    def load(cls, folder: Path, *, catalogue: str = "server") -> Self:
        """Read `folder/<language>/<catalogue>.ftl` for every language; a folder's name is its BCP 47 tag.

        A phrase is a whole text: Fluent's terms, attributes, functions and references to other messages are
        refused, so that whatever has been read can also be said, whatever its parameters hold.

        Args:
            folder: Holds one folder for each language; English, `en`, has to be among them.
            catalogue: The file's name without `.ftl`.

        Raises:
            CatalogueError: A file is missing, is not UTF-8 or not Fluent, has a message twice or uses what is
                refused; or a folder's name is not the tag of a known language.
        """
        tags = sorted(path.name for path in folder.glob("[!._]*") if path.is_dir())
        if DEFAULT_LOCALE not in tags:
            raise CatalogueError(f"{folder}: has no folder {DEFAULT_LOCALE}")
        return cls({tag: _read(folder / tag / f"{catalogue}.ftl", tag) for tag in tags})

    def prepare(self) -> None:
        """Load what phrases with parameters need to be said, which takes about a tenth of a second."""
        for language in {phrase.language for phrases in self._languages.values() for phrase in phrases.values()}:
            language.bundle()

    def say(self, locale: str, key: str, /, **params: str | int) -> str:
        """Say a phrase in a language, or in English if the language does not have it.

        Numbers are written and choose plurals by the language's rules; texts are put in as they are, cut with
        an ellipsis at 1,000 characters. Parameters that the phrase has no place for are left out.

        Raises:
            UnknownPhrase: English does not have the phrase either, or one of its parameters was not given
                or is a number of thousands of digits.
        """
        phrase = self._find(locale, key)
        if not phrase.placeables:
            return phrase.raw
        if missing := phrase.placeables - params.keys():
            raise UnknownPhrase(f"{key} needs {', '.join(sorted(missing))}")
        return phrase.said(key, {name: _clipped(params[name]) for name in phrase.placeables})

    def raw(self, locale: str, key: str) -> str:
        """Give a phrase's text with its parameters left open as `{name}`; of plural forms, the default one.

        Raises:
            UnknownPhrase: English does not have the phrase either.
        """
        return self._find(locale, key).raw

    def keys(self, locale: str) -> frozenset[str]:
        """Give the keys of the phrases that the language itself has, without those it borrows from English.

        Raises:
            UnknownPhrase: There is no catalogue for the language.
        """
        return frozenset(self._own(locale))

    def placeables(self, locale: str, key: str) -> frozenset[str]:
        """Give the names of the parameters of a phrase that the language itself has.

        Raises:
            UnknownPhrase: The language does not have the phrase, or there is no catalogue for it.
        """
        try:
            return self._own(locale)[key].placeables
        except KeyError:
            raise UnknownPhrase(f"{locale} has no phrase {key}") from None

    def _find(self, locale: str, key: str) -> _Phrase:
        phrase = self._languages.get(locale, {}).get(key) or self._languages[DEFAULT_LOCALE].get(key)
        if phrase is None:
            raise UnknownPhrase(f"There is no phrase {key}")
        return phrase

    def _own(self, locale: str) -> dict[str, _Phrase]:
        try:
            return self._languages[locale]
        except KeyError:
            raise UnknownPhrase(f"There is no catalogue for {locale}") from None


def _clipped(value: str | int) -> str | int:
    if isinstance(value, str) and len(value) > LONGEST_PARAM:
        return value[: LONGEST_PARAM - 1] + "…"
    return value


class QuickParser(FluentParser):
    """Reads what the library's own parser reads, but texts and names in one step and not letter by letter.

    Each start of the server waits for the catalogues, and most of that time went by letter by letter.
    """

    @with_span
    def get_text_element(self, ps: FluentParserStream) -> ast.TextElement:
        """Take a text up to a placeable or the end of the line."""
        return ast.TextElement(_taken(_TEXT, ps))

    @with_span
    def get_identifier(self, ps: FluentParserStream) -> ast.Identifier:
        """Take a name.

        Raises:
            ParseError: There is none.
        """
        name = _taken(_NAME, ps)
        if not name:
            raise ParseError("E0004", "a-zA-Z")
        return ast.Identifier(name)


def _taken(kind: re.Pattern[str], ps: FluentParserStream) -> str:
    found = kind.match(ps.string, ps.index)
    if found is None:
        return ""
    ps.index, ps.peek_offset = found.end(), 0
    return found[0]


def _read(file: Path, tag: str) -> dict[str, _Phrase]:
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{file}: cannot be read: {error}") from error

    _hold_to_known(file, tag)
    resource = QuickParser().parse(source)
    language = _Language(tag, resource)
    phrases: dict[str, _Phrase] = {}
    for message in _messages(file, source, resource):
        key = message.id.name
        if key in phrases:
            raise CatalogueError(f"{file}: {key} is there twice")
        if message.value is None or message.attributes:
            raise CatalogueError(f"{file}: {key} has to be one text without attributes")
        names: set[str] = set()
        try:
            raw = _outline(message.value, names)
        except CatalogueError as error:
            raise CatalogueError(f"{file}: {key} {error}") from None
        phrases[key] = _Phrase(language, raw, frozenset(names))
    return phrases


def _hold_to_known(file: Path, tag: str) -> None:
    # Of tags that it does not know Fluent's runtime says nothing and takes the machine's own language.
    try:
        Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise CatalogueError(f"{file}: {tag} is not the tag of a known language") from error


def _messages(file: Path, source: str, resource: ast.Resource) -> Iterator[ast.Message]:
    for entry in resource.body:
        if isinstance(entry, ast.Message):
            yield entry
        elif isinstance(entry, ast.Term):
            raise CatalogueError(f"{file}: -{entry.id.name} is a term; write its text out in each message")
        elif isinstance(entry, ast.Junk):
            raise CatalogueError(f"{file}:{_fault(source, entry)}")


def _fault(source: str, junk: ast.Junk) -> str:
    fault = junk.annotations[0]
    where = fault.span or junk.span
    line = source.count("\n", 0, where.start) + 1 if where else 1
    name = (junk.content or "").split("=", 1)[0].strip().split("\n", 1)[0]
    return f"{line}: {name} is not Fluent: {fault.message}"


def _outline(pattern: ast.Pattern, names: set[str]) -> str:
    """Write a pattern with its parameters as `{name}`, and add the name of every parameter to `names`."""
    return "".join(
        element.value if isinstance(element, ast.TextElement) else _open(element.expression, names)
        for element in pattern.elements
    )


def _open(expression: ast.Expression | ast.Placeable, names: set[str]) -> str:
    match expression:
        case ast.VariableReference():
            names.add(expression.id.name)
            return f"{{{expression.id.name}}}"
        case ast.StringLiteral():
            return expression.parse()["value"]
        case ast.Placeable():
            return _open(expression.expression, names)
        case ast.SelectExpression():
            _open(expression.selector, names)
            texts = {variant.default: _outline(variant.value, names) for variant in expression.variants}
            return texts[True]  # the parser insists on exactly one default
    raise CatalogueError(f"uses a {type(expression).__name__}, which phrases do without")
