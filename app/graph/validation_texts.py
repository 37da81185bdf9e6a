"""From what GraphQL's own rules find wrong to phrases of the catalogues, with the names that stand in it.

The executor's library tells a fault as an English sentence and keeps nothing else of it, so its sentences are read
here. None of them is ever handed on: one that no row knows is said in general.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from graphql import GraphQLError, Node

GENERAL = "request-invalid-document"
"""What is said of a fault of which nothing is known."""

_SENTENCES: Mapping[str, tuple[str, ...]] = {
    # What the document says.
    "document-not-executable": (
        "The '{name}' definition is not executable.",
        "The {name} definition is not executable.",
    ),
    "document-no-such-operation": ("The {kind} operation is not supported by the schema.",),
    "document-operation-twice": ("There can be only one operation named '{name}'.",),
    "document-nameless-operation": ("This anonymous operation must be the only defined operation.",),
    "document-subscription-root": ("Anonymous Subscription must {*}", "Subscription '{*}' must {*}"),
    "document-unknown-type": ("Unknown type '{type}'.{similar}",),
    "document-fragment-type": (
        "Fragment cannot condition on non composite type '{type}'.",
        "Fragment '{*}' cannot condition on non composite type '{type}'.",
    ),
    "document-variable-type": ("Variable '${name}' cannot be non-input type '{type}'.",),
    "document-no-subfields": ("Field '{field}' must not have a selection since type '{type}' has no subfields.",),
    "document-needs-subfields": (
        "Field '{field}' of type '{type}' must have a selection of subfields.{*}",
        "Field '{field}' of type '{type}' must have at least one field selected.",
    ),
    "document-unknown-field": (
        "Cannot query field '{field}' on type '{type}'.{similar}",
        "Expected value of type '{type}' not to include unknown field '{field*}', found: {*}.",
        "Expected value of type '{type}' not to include unknown field '{field}'.{similar} Found: {*}.",
    ),
    "document-fragment-twice": ("There can be only one fragment named '{name}'.",),
    "document-unknown-fragment": ("Unknown fragment '{name}'.",),
    "document-unused-fragment": ("Fragment '{name}' is never used.",),
    "document-impossible-fragment": (
        "Fragment cannot be spread here as objects of type '{parent}' can never be of type '{type}'.",
        "Fragment '{*}' cannot be spread here as objects of type '{parent}' can never be of type '{type}'.",
    ),
    "document-fragment-cycle": ("Cannot spread fragment '{name}' within itself{*}.",),
    "document-variable-twice": ("There can be only one variable named '${name}'.",),
    "document-undeclared-variable": ("Variable '${name}' is not defined{*}.",),
    "document-unused-variable": ("Variable '${name}' is never used{*}.",),
    "document-unknown-directive": ("Unknown directive '@{name}'.",),
    "document-directive-place": ("Directive '@{name}' may not be used on {place}.",),
    "document-directive-twice": ("The directive '@{name}' can only be used once at this location.",),
    "document-incremental": (
        "Defer directive {*}",
        "Stream directive {*}",
        "Defer/Stream directive {*}",
    ),
    "document-unknown-argument": (
        "Unknown argument '{argument}' on field '{on}'.{similar}",
        "Unknown argument '{argument}' on directive '{on}'.{similar}",
        "Unknown argument '{argument}' on fragment '{on}'.{similar}",
    ),
    "document-argument-twice": ("There can be only one argument named '{argument}'.",),
    "document-missing-argument": (
        "Argument '{on}({argument}:)' of type '{type}' is required, but it was not provided.",
        "Fragment '{on}' argument '{argument}' of type '{type}' is required, but it was not provided.",
    ),
    "document-variable-position": (
        "Variable '${name}' of type '{type}' used in position expecting type '{wanted}'.",
    ),
    "document-variable-one-of": (
        "Variable '${name}' is of type '{type}' but must be non-nullable to be used for OneOf Input Object"
        " '{wanted}'.",
    ),
    # A conflict of fields tells those of their subfields: the last of them is the one that can be mended.
    "document-different-fields": (
        "Fields '{field}' conflict because '{one}' and '{other}' are different fields{*}",
        "Fields {*}subfields '{field}' conflict because '{one}' and '{other}' are different fields{*}",
    ),
    "document-different-arguments": (
        "Fields '{field}' conflict because they have differing arguments{*}",
        "Fields {*}subfields '{field}' conflict because they have differing arguments{*}",
    ),
    "document-different-types": (
        "Fields '{field}' conflict because they return conflicting types '{one}' and '{other}'{*}",
        "Fields {*}subfields '{field}' conflict because they return conflicting types '{one}' and '{other}'{*}",
    ),
    "document-conflict": ("Fields '{field}' conflict because {*}", "Spreads '{field}' conflict because {*}"),
    "document-field-twice": ("There can be only one input field named '{field}'.",),
    "document-deep-introspection": ("Maximum introspection depth exceeded",),
    "document-entangled": ("Validation aborted.",),
    # What a value is, in the document or in a variable.
    "rule-wrong-type": (
        "{type} cannot represent {*}",
        "Enum '{type}' cannot represent {*}.{similar}",
        "Value '{*}' does not exist in '{type}' enum.{similar}",
        "Expected value of type '{type}', {*}",
        "Expected value of type '{type}' to be an object, {*}",
    ),
    "rule-null": ("Expected value of non-null type '{type}' not to be None.",),
    "rule-missing-field": ("Expected value of type '{type}' to include required field '{field}', {*}",),
    "rule-variable-null": ("Expected variable '${name}' provided to {*} not to be None.",),
    "rule-variable-missing": ("Expected variable '${name}' provided to {*} to provide a runtime value.",),
    "rule-one-of": (
        "Within OneOf Input Object type {*}",
        "OneOf Input Object '{*}' must specify exactly one key.",
        "Value for member field '{*}' must be non-null",
    ),
    "rule-nested-too-deep": ("Variable values are nested too deeply.",),
}
"""The sentences of graphql-core 3.3 and Strawberry, by the phrase that is said in their place.

`{name}` is a name or a type as the schema writes it, and the phrase's parameter; `{name*}` may be any text, and so
may `{*}`, which nothing is made of. `{similar}` is what the library would have been asked for instead, if it says so.
"""

_SLOTS: Mapping[str, str] = {
    "*": ".*",
    "similar": (
        "(?: Did you mean (?P<is_of_types>to use an inline fragment on )?(?:the enum value )?"
        r"(?P<similar>'\w+'(?:,? (?:or )?'\w+')*)\?)?"
    ),
}
_WHERE = re.compile(r"\A(?:Argument|Variable) '[^']*' has invalid (?:default )?value(?: at [\w.\[\]]+)?: ")


@dataclass(frozen=True, slots=True)
class Text:
    """A phrase to be said.

    Attributes:
        phrase: Its key in the catalogues.
        params: What its placeables stand for.
    """

    phrase: str
    params: Mapping[str, str | int] = field(default_factory=dict)


class Unreadable(GraphQLError):
    """A value that a scalar of ours cannot be read from.

    Attributes:
        text: What is said of it.
    """

    def __init__(self, phrase: str, *, node: Node | None = None, **params: str | int) -> None:
        super().__init__(phrase, node)
        self.text = Text(phrase, params)

    def at(self, node: Node) -> "Unreadable":
        """Give the same fault with its place in the document."""
        return Unreadable(self.text.phrase, node=node, **self.text.params)


def texts_of(error: GraphQLError) -> tuple[Text, ...]:
    """Give what is to be said of a fault: what is wrong, and then what may be meant instead, if the error says it."""
    if isinstance(error.original_error, GraphQLError):
        return texts_of(error.original_error)
    if isinstance(error, Unreadable):
        return (error.text,)
    sentence = _WHERE.sub("", error.message, count=1)
    for phrase, pattern in _rows():
        found = pattern.fullmatch(sentence)
        if found is not None:
            params = found.groupdict()
            similar, of_types = params.pop("similar", None), params.pop("is_of_types", None)
            return (
                Text(phrase, params),
                *_meant("document-of-types" if of_types else "document-similar", similar),
            )
    return (Text(GENERAL),)


def _meant(phrase: str, quoted: str | None) -> tuple[Text, ...]:
    if quoted is None:
        return ()
    return (Text(phrase, {"names": ", ".join(f'"{name}"' for name in re.findall(r"'(\w+)'", quoted))}),)


def _pattern(sentence: str) -> re.Pattern[str]:
    # What lies between the slots is at the even places.
    parts = re.split(r"\{(\w*\*?)\}", sentence)
    return re.compile(
        "".join(_slot(part) if place % 2 else re.escape(part) for place, part in enumerate(parts)), re.DOTALL
    )


def _slot(name: str) -> str:
    if name.endswith("*") and name != "*":
        return f"(?P<{name[:-1]}>.*?)"
    return _SLOTS.get(name, f"(?P<{name}>[^']*)")


@cache
def _rows() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (phrase, _pattern(sentence)) for phrase, sentences in _SENTENCES.items() for sentence in sentences
    )
