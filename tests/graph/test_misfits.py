"""What does not fit the schema is said in the words of the catalogues, whichever of GraphQL's rules finds it.

`python -m tests.graph.test_misfits` writes the answers in `misfits.txt` anew; read the difference before it is
committed, the Sinhala too.
"""

import asyncio
import json
import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    parse,
    specified_rules,
    validate,
)
from hypothesis import HealthCheck, given
from hypothesis import settings as examples_of
from hypothesis import strategies as st
from pydantic import SecretStr

from app import main
from app.graph.validation_texts import GENERAL, Text, texts_of
from app.graph.variables import MAX_REPORTED, wrong_variables
from app.kit.phrases import Phrases
from app.settings import Settings
from tests import streaming
from tests.callers import Api, Callers
from tests.conftest import SqliteTemplate
from tests.factories import ROOMY, UNLIMITED, ManualClock
from tests.graph.conftest import quiet_app
from tests.latin import latin_sentences

RECORD = Path(__file__).parent / "misfits.txt"
LOCALES = ("en", "si")
EXAMPLES = 5_000 if os.environ.get("TESTS_LONG") else 200


# The record: headings, and below each the operations, each with what is answered to it.


@dataclass(frozen=True)
class Misfit:
    """An operation that is refused.

    Attributes:
        heading: The rule that it breaks, or what else is wrong with it.
        document: On one line.
        variables: As JSON; None for none.
        answers: The lines of the record, each with the language before it.
    """

    heading: str
    document: str
    variables: str | None
    answers: tuple[str, ...]

    def __str__(self) -> str:
        variables = [] if self.variables is None else [f"with {self.variables}"]
        return "\n".join((self.document, *variables, *self.answers))

    @property
    def has_subscriptions(self) -> bool:
        """Whether it is asked where there are subscriptions."""
        return self.heading in ("SingleFieldSubscriptionsRule", "DeferStreamDirectiveOnValidOperationsRule")


def blocks() -> Iterator[str | Misfit]:
    """Read the record; what is not an operation is a heading, or says something of the record."""
    heading = ""
    for block in RECORD.read_text().strip().split("\n\n"):
        first, *rest = block.split("\n")
        if first.startswith("#"):
            heading = first.removeprefix("## ")
            yield block
        else:
            variables = rest.pop(0).removeprefix("with ") if rest and rest[0].startswith("with ") else None
            yield Misfit(heading, first, variables, tuple(rest))


MISFITS = tuple(block for block in blocks() if isinstance(block, Misfit))
OF_RULES = tuple(misfit for misfit in MISFITS if misfit.heading[0].isupper())


class Desk:
    """Asks the same of a schema as it is, and of one that has subscriptions."""

    def __init__(self, plain: Api, with_subscriptions: Api, token: str) -> None:
        self._plain = plain
        self._with_subscriptions = with_subscriptions
        self._token = token

    async def answers(self, misfit: Misfit) -> tuple[str, ...]:
        """Give the answers as the record has them."""
        api = self._with_subscriptions if misfit.has_subscriptions else self._plain
        variables = None if misfit.variables is None else json.loads(misfit.variables)
        given = [(locale, await self.ask(misfit.document, variables, locale, api)) for locale in LOCALES]
        return tuple(f"{locale} {line}" for locale, answer in given for line in lines_of(answer))

    async def ask(self, document: str, variables: Any, locale: str, api: Api | None = None) -> dict[str, Any]:
        """Ask, and give the whole answer."""
        headers = {"Accept-Language": locale, "Authorization": f"Bearer {self._token}"}
        if document.startswith("subscription"):
            headers["Accept"] = "text/event-stream"
        named = re.match(r"query (\w+)", document)
        body = {"query": document, "variables": variables, "operationName": named and named[1]}
        response = await (api or self._plain).http.post("/graphql", json=body, headers=headers)
        assert response.status_code == 200
        (text,) = (line.removeprefix("data: ") for line in response.text.splitlines() if line.endswith("}"))
        answer: dict[str, Any] = json.loads(text)
        return answer


def lines_of(answer: dict[str, Any]) -> Iterator[str]:
    """Write an answer on one line for each error: where, which code, which path, and what is said."""
    assert set(answer) <= {"errors", "data"}
    for error in answer["errors"]:
        extensions = error["extensions"]
        assert set(error) <= {"message", "locations", "path", "extensions"}
        assert set(extensions) <= {"code", "path"}
        places = ",".join(f"{place['line']}:{place['column']}" for place in error.get("locations", ()))
        paths = ("/".join(map(str, path)) for path in (error.get("path"), extensions.get("path")) if path)
        yield " ".join(filter(None, (extensions["code"], places, *paths, "|", error["message"])))
    if "data" in answer:
        yield json.dumps({"data": answer["data"]})


@asynccontextmanager
async def desk_at(template: SqliteTemplate, folder: Path) -> AsyncIterator[Desk]:
    settings = Settings(
        data_dir=folder,
        database_url=SecretStr(template.copy_for_a_test(folder)),
        secret=SecretStr("a secret of the tests that is long enough"),
        password_hashing="cheap",
        **UNLIMITED,
    ).model_copy(update=ROOMY)
    clock = ManualClock()
    make_schema = main.make_schema
    async with quiet_app(settings, clock) as plain:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(main, "make_schema", streaming.make_schema)
            async with quiet_app(settings, clock) as other:
                patched.setattr(main, "make_schema", make_schema)
                token = Callers(plain.state.services, clock).administrator
                yield Desk(Api(plain), Api(other), token)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> SqliteTemplate:
    """An embedded database: what does not fit the schema never gets to one."""
    return SqliteTemplate(tmp_path_factory.mktemp("embedded"))


@pytest.fixture
async def desk(embedded: SqliteTemplate, tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(embedded, tmp_path) as desk:
        yield desk


@pytest.mark.anyio
async def test_each_misfit_is_answered_as_on_record_in_every_language(desk: Desk) -> None:
    answered = [replace(misfit, answers=await desk.answers(misfit)) for misfit in MISFITS]

    assert list(map(str, answered)) == list(map(str, MISFITS))


@pytest.mark.anyio
async def test_variables_nested_deeper_than_can_be_read_are_a_misfit(desk: Desk) -> None:
    deep: dict[str, Any] = {"tag": {"eq": "A"}}
    for _ in range(400):
        deep = {"not": deep}
    document = "query ($f: ShareFilter) { shares(filter: $f) { id } }"

    said = [(await desk.ask(document, {"f": deep}, locale))["errors"][0]["message"] for locale in LOCALES]

    assert said == [
        "The request could not be understood: The values of the variables are nested too deep.",
        "ඉල්ලීම තේරුම් ගත නොහැකි විය: විචල්‍යවල අගයන් එකක් තුළ එකක් ලෙස ඕනෑවට වඩා ගැඹුරට යයි.",
    ]


def test_every_rule_of_the_library_has_an_example() -> None:
    rules = {rule.__name__ for rule in specified_rules}

    assert rules - {misfit.heading for misfit in MISFITS} == set()


@pytest.mark.parametrize("misfit", OF_RULES, ids=lambda misfit: f"{misfit.heading}: {misfit.document}")
def test_an_example_breaks_the_rule_that_it_stands_under(misfit: Misfit) -> None:
    (rule,) = (each for each in specified_rules if each.__name__ == misfit.heading)
    schema = streaming.SCHEMA.graphql if misfit.has_subscriptions else main.make_schema().graphql

    assert validate(schema, parse(misfit.document), [rule]) != []


def test_no_more_wrong_values_are_looked_for_than_are_told() -> None:
    schema = main.make_schema().graphql
    (operation,) = parse("query ($f: ShareFilter) { shares(filter: $f) { id } }").definitions
    assert isinstance(operation, OperationDefinitionNode)

    problems = list(wrong_variables(schema, operation, {"f": {f"unknown{n}": 1 for n in range(1_000)}}))

    assert [problem.path for problem in problems] == [("f", f"unknown{n}") for n in range(MAX_REPORTED)]


# What the library can say, and our schema and limits give it no cause for.

OTHER = build_schema(
    """
    type Query { one(of: OneOf): String two(of: OneOf): String }
    input OneOf @oneOf { a: Int b: Int }
    """
)
NEVER_CAUSED: list[tuple[str, list[Text]]] = [
    ("{ one(of: {a: 1, b: 2}) }", [Text("rule-one-of")]),
    ("{ one(of: {a: null}) }", [Text("rule-one-of")]),
    (
        "query ($a: Int) { one(of: {a: $a}) }",
        [Text("document-variable-one-of", {"name": "a", "type": "Int", "wanted": "OneOf"})],
    ),
    (
        "{ ...F(b: 1) } fragment F($a: Int!) on Query { one(of: {a: $a}) }",
        [
            Text("document-unknown-argument", {"argument": "b", "on": "F"}),
            Text("document-similar", {"names": '"a"'}),
            Text("document-missing-argument", {"on": "F", "argument": "a", "type": "Int!"}),
        ],
    ),
    (
        "{ ...F(a: 1) ...F(a: 2) } fragment F($a: Int!) on Query { one(of: {a: $a}) }",
        [Text("document-conflict", {"field": "F"})],
    ),
    (
        "{ ...F0 } "
        + " ".join(f"fragment F{n} on Query {{ ...F{n + 1} }}" for n in range(1_000))
        + "fragment F1000 on Query { one }",
        [Text("document-entangled")],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("document", "texts"), NEVER_CAUSED, ids=lambda value: str(value)[:60])
def test_what_the_library_says_of_other_schemas_has_words_too(document: str, texts: list[Text]) -> None:
    node = parse(document, experimental_fragment_arguments=True)

    assert [text for error in validate(OTHER, node) for text in texts_of(error)] == texts


def test_a_sentence_that_nobody_knows_is_told_in_general() -> None:
    assert texts_of(GraphQLError("Something went wrong in SELECT 1")) == (Text(GENERAL),)


def test_every_phrase_about_documents_is_said_by_an_example() -> None:
    schemas = {True: streaming.SCHEMA.graphql, False: main.make_schema().graphql}
    said = {
        text.phrase
        for schema, document in (
            *((schemas[misfit.has_subscriptions], misfit.document) for misfit in OF_RULES),
            *((OTHER, document) for document, _ in NEVER_CAUSED),
        )
        for text in _texts(schema, document)
    }

    keys = Phrases.load(Path(__file__).parents[2] / "locales").keys("en")
    assert {phrase for phrase in said if phrase.startswith("document-")} == {
        key for key in keys if key.startswith("document-")
    }


def _texts(schema: GraphQLSchema, document: str) -> Iterator[Text]:
    for error in validate(schema, parse(document, experimental_fragment_arguments=True)):
        yield from texts_of(error)


# Anything at all, in Sinhala.

TOKENS = re.compile(r'"[^"]*"|\$?\w+|\.\.\.|[^\s\w]')
PARTS = sorted({token for misfit in MISFITS for token in TOKENS.findall(misfit.document)})


@st.composite
def documents(draw: st.DrawFn) -> str:
    """One of the record, with some of its parts replaced by others, left out or doubled."""
    parts: list[str] = TOKENS.findall(draw(st.sampled_from(MISFITS)).document)
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, len(parts) - 1))
        parts[place : place + 1] = draw(
            st.just([]) | st.sampled_from(PARTS).map(lambda part: [part]) | st.just([parts[place]] * 2)
        ) or [""]
    return " ".join(parts)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**40) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["What is said here is English.", "1e400", "2026-02-30", "ID", "\0", "it's"]),
    lambda below: st.lists(below, max_size=3)
    | st.dictionaries(
        st.sampled_from(["id", "in", "eq", "tag", "price", "not", "and", "field", "updatedAt", "no such field"]),
        below,
        max_size=3,
    ),
    max_leaves=6,
)  # fmt: skip
VARIABLES = st.dictionaries(st.sampled_from(["a", "f", "i", "o", "x"]), VALUES, max_size=4)


@pytest.mark.anyio
async def test_no_sentence_of_another_language_is_in_a_sinhala_answer(desk: Desk) -> None:
    loop = asyncio.get_running_loop()
    codes: set[str] = set()

    @examples_of(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(documents(), VARIABLES)
    def ask(document: str, variables: dict[str, Any]) -> None:
        answer = asyncio.run_coroutine_threadsafe(desk.ask(document, variables, "si"), loop).result()

        for error in answer.get("errors", ()):
            assert latin_sentences(error["message"]) == []
            assert re.search("[\u0d80-\u0dff]", error["message"])
            codes.add(error["extensions"]["code"])

    await asyncio.to_thread(ask)

    # Without these the examples would not get far.
    assert {"BAD_REQUEST", "INVALID_INPUT"} <= codes


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ('"Share" වර්ගයේ "not a field" නමින් ක්ෂේත්‍රයක් නැත.', []),
        ("WebSocket එකක් භාවිත කරන්න, නැතහොත් text/event-stream පිළිගන්න.", []),
        ("තේරුම් ගත නොහැකි විය: Cannot query field 'a' on type.", ["Cannot query field", "a' on type."]),
        ("Int cannot represent non-integer value: 3", ["Int cannot represent non-integer value"]),
    ],
)
def test_a_sentence_in_latin_letters_is_known_by_words_that_follow_each_other(
    text: str, sentences: Sequence[str]
) -> None:
    assert latin_sentences(text) == sentences


async def _rewrite() -> None:
    with tempfile.TemporaryDirectory() as folder:
        template = await asyncio.to_thread(SqliteTemplate, Path(folder))
        async with desk_at(template, Path(folder)) as desk:
            record = [
                block if isinstance(block, str) else replace(block, answers=await desk.answers(block))
                for block in blocks()
            ]
    RECORD.write_text("\n\n".join(map(str, record)) + "\n")


if __name__ == "__main__":
    asyncio.run(_rewrite())
