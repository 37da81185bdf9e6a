"""How long an answer may be kept: every rule of `@cacheControl`, and what comes of it in our own schema."""

from typing import Annotated, Union

import pytest
import strawberry
from graphql import GraphQLSchema, OperationDefinitionNode, parse, validate

from app.domain.policies import ANYONE, SKILLED_TRADERS
from app.graph.directives import CacheControl
from app.graph.enums import CacheControlScope
from app.graph.keeping import ASK_EACH_TIME, Keeping, keeping_of
from app.graph.permissions import authorize
from app.main import make_schema

PUBLIC, PRIVATE = CacheControlScope.PUBLIC, CacheControlScope.PRIVATE


def kept(
    seconds: int | None = None, scope: CacheControlScope | None = None, *, inherit: bool | None = None
) -> object:
    return CacheControl(max_age=seconds, scope=scope, inherit_max_age=inherit)


@strawberry.type
class Plain:
    """Says nothing of itself."""

    text: str = ""
    short: str = strawberry.field(default="", directives=[kept(10)])
    own: str = strawberry.field(default="", directives=[kept(scope=PRIVATE)])
    guarded: str = strawberry.field(default="", directives=[authorize(SKILLED_TRADERS)])
    open: str = strawberry.field(default="", directives=[authorize(ANYONE)])

    other: "Plain" = strawberry.field(default=None, directives=[kept(20)])
    unsaid: "Plain" = strawberry.field(default=None)
    inherited: "Plain" = strawberry.field(default=None, directives=[kept(inherit=True)])
    lasting: "Lasting" = strawberry.field(default=None, directives=[kept(inherit=True)])
    heirs: list["Heir"] = strawberry.field(default=None)


@strawberry.interface(directives=[kept(30, PUBLIC)])
class Named:
    """Says how long all that are named last."""

    name: str = ""


@strawberry.type(directives=[kept(40, PUBLIC)])
class Lasting(Named):
    """Says how long it lasts."""

    text: str = ""


@strawberry.type(directives=[kept(inherit=True)])
class Heir:
    """Inherits wherever it stands."""

    text: str = ""


@strawberry.type(directives=[authorize(SKILLED_TRADERS)])
class Guarded(Named):
    """Has a policy."""

    text: str = ""


Some = Annotated[Union[Lasting, Guarded], strawberry.union("Some", directives=[kept(50, PUBLIC)])]  # noqa: UP007 - Strawberry names it


@strawberry.type
class Query:
    """One root field for each way to say it."""

    text: str = ""
    hello: str = strawberry.field(default="", directives=[kept(70, PUBLIC)])
    plain: Plain = strawberry.field(default_factory=Plain, directives=[kept(60, PUBLIC)])
    mine: Plain = strawberry.field(default_factory=Plain, directives=[kept(60)])
    unsaid: Plain = strawberry.field(default_factory=Plain)
    inherited: Plain = strawberry.field(default_factory=Plain, directives=[kept(inherit=True)])
    lasting: Lasting = strawberry.field(default_factory=Lasting)
    shorter: Lasting = strawberry.field(default_factory=Lasting, directives=[kept(15)])
    longer: list[Lasting] = strawberry.field(default_factory=list, directives=[kept(95)])
    named: Named = strawberry.field(default_factory=Lasting)
    some: Some = strawberry.field(default_factory=Lasting)


@strawberry.type
class Mutation:
    """Says that it may be kept, in vain."""

    plain: Plain = strawberry.field(default_factory=Plain, directives=[kept(60, PUBLIC)])


TOY = strawberry.Schema(query=Query, mutation=Mutation)._schema  # noqa: SLF001 - as SecuredSchema shows its own


def keeping(schema: GraphQLSchema, text: str) -> Keeping:
    document = parse(text)
    assert validate(schema, document) == []
    operation = next(node for node in document.definitions if isinstance(node, OperationDefinitionNode))
    return keeping_of(schema, document, operation)


@pytest.mark.parametrize(
    ("text", "seconds", "by_all"),
    [
        # A root field that says nothing is asked for each time, whatever it gives.
        ("{ text }", 0, False),
        ("{ unsaid { short } }", 0, False),
        ("{ inherited { text } }", 0, False),
        ("{ hello }", 70, True),
        # The shortest time wins; texts inherit, objects do not unless they say so.
        ("{ plain { text } }", 60, True),
        ("{ plain { text short } }", 10, True),
        ("{ plain { other { text } } }", 20, True),
        ("{ plain { unsaid { text } } }", 0, True),
        ("{ plain { inherited { text } } }", 60, True),
        ("{ plain { inherited { short } } }", 10, True),
        ("{ plain { heirs { text } } }", 60, True),
        ("{ plain { lasting { text } } }", 40, True),
        ("{ hello plain { text } }", 60, True),
        ("{ plain { text } text }", 0, False),
        # A field's own directive goes before its type's, for each of the two by itself.
        ("{ lasting { text } }", 40, True),
        ("{ shorter { text } }", 15, True),
        ("{ longer { text } }", 95, True),
        ("{ named { name } }", 30, False),
        ("{ named { ... on Lasting { text } } }", 30, False),
        # Private wins, and so does a policy, on a field, on a type, and on a type that may come out.
        ("{ mine { text } }", 60, False),
        ("{ mine { text } plain { text } }", 60, False),
        ("{ plain { own } }", 60, False),
        ("{ plain { guarded } }", 60, False),
        ("{ plain { open } }", 60, True),
        ("{ some { ... on Lasting { text } } }", 50, False),
        # Names of types say nothing, and what says nothing at all is not kept.
        ("{ __typename }", 0, False),
        ("{ __typename plain { __typename text } }", 60, True),
        ("{ __schema { queryType { name } } hello }", 0, False),
        # Wherever a field stands, it counts: in fragments, of many levels, and where a variable may skip it.
        ("{ plain { ... { short } } }", 10, True),
        (
            "{ ...A } fragment A on Query { plain { ...B } } fragment B on Plain { other { ...C } } "
            "fragment C on Plain { own }",
            20,
            False,
        ),
        ("query ($no: Boolean!) { plain { text short @skip(if: $no) } }", 10, True),
        ("{ plain { ...A } other: plain { ...A } } fragment A on Plain { short }", 10, True),
        # Nothing but a query is kept.
        ("mutation { plain { text } }", 0, False),
    ],
)
def test_the_rules(text: str, seconds: int, by_all: bool) -> None:  # noqa: FBT001 - a column of the table
    assert keeping(TOY, text) == Keeping(seconds, by_all)


def test_only_the_operation_that_is_asked_for_counts() -> None:
    document = parse("query A { hello } query B { mine { text } }")
    first, second = (node for node in document.definitions if isinstance(node, OperationDefinitionNode))

    assert keeping_of(TOY, document, first) == Keeping(70, by_all=True)
    assert keeping_of(TOY, document, second) == Keeping(60, by_all=False)


def test_doubled_fragments_are_gone_through_once() -> None:
    levels = 60
    fragments = " ".join(f"fragment F{n} on Plain {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels))
    document = parse(f"{{ plain {{ ...F0 }} }} {fragments} fragment F{levels} on Plain {{ short }}")
    (operation, *_) = document.definitions
    assert isinstance(operation, OperationDefinitionNode)

    # Gone through each time, this would not end.
    assert keeping_of(TOY, document, operation) == Keeping(10, by_all=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ service { version time } }", Keeping(300, by_all=True)),
        ("{ service { version passwordRules { minLength } } }", Keeping(0, by_all=True)),
        ('{ errorMessages(locale: "si") { code text } }', Keeping(3600, by_all=True)),
        ("{ service { version } errorMessages { code } }", Keeping(300, by_all=True)),
        ('{ industry(id: "1") { name } }', Keeping(60, by_all=False)),
        ("{ industries { tag } service { version } }", Keeping(60, by_all=False)),
        ('{ industry(id: "1") { name shares { price } } }', ASK_EACH_TIME),
        ('{ share(id: "1") { price } }', ASK_EACH_TIME),
        ("{ me { id } }", ASK_EACH_TIME),
    ],
)
def test_our_own_schema(text: str, expected: Keeping) -> None:
    assert keeping(make_schema().graphql, text) == expected


def test_only_what_is_open_to_anyone_says_that_anybody_may_keep_it() -> None:
    schema = make_schema().graphql
    assert schema.query_type is not None
    said = {
        name
        for name, field in schema.query_type.fields.items()
        if "scope: PUBLIC" in _line(make_schema().sdl, name)
    }

    assert said == {"service", "errorMessages"}
    assert all("policy: ANYONE" in _line(make_schema().sdl, name) for name in said)


def _line(sdl: str, name: str) -> str:
    _, _, query = sdl.partition("\ntype Query {")
    return next(line for line in query.splitlines() if line.strip().startswith((f"{name}:", f"{name}(")))
