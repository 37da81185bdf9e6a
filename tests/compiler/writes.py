"""Random mutations of shares and industries, valid under the schema, whose values are often refused."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.compiler.operations import Operation


def _mostly(usual: Any, *strange: Any) -> Any:
    """What may be written and, now and then, what may not: a refusal is left to the executor."""
    return st.integers(0, 15).flatmap(lambda number: usual if number else st.sampled_from(strange))


KEYS = _mostly(st.sampled_from(["1", "2", "3", 1, 2]), "404", "x", "", "01")
NEW_TAGS = st.integers(0, 999).map(lambda number: f"t{number}")
TAGS = _mostly(NEW_TAGS, "BUD", "LWP", " t a g ", "é\u2003x", "", "X" * 65, "\x00")
PRICES = _mostly(st.sampled_from(["10.28", "11", 12.5, "0", "1e3"]), "-1", "1.23456", "10000000000", "ten")
VERSIONS = _mostly(st.none(), 1, 2, 3)
NAMES = _mostly(st.sampled_from(["Technology", "Tea", "\u0d85"]), "", "N" * 256)

INPUTS: dict[str, dict[str, tuple[Any, bool]]] = {
    "shareCreate": {"industryId": (KEYS, True), "tag": (TAGS, True), "price": (PRICES, True)},
    "shareUpdate": {
        "id": (KEYS, True),
        "industryId": (KEYS, False),
        "tag": (TAGS, False),
        "price": (PRICES, False),
        "expectedVersion": (VERSIONS, False),
    },
    "shareUpsert": {
        "id": (KEYS, False),
        "industryId": (KEYS, True),
        "tag": (TAGS, True),
        "price": (PRICES, True),
        "expectedVersion": (VERSIONS, False),
    },
    "shareDelete": {"id": (KEYS, True), "expectedVersion": (VERSIONS, False)},
    "industryUpsert": {
        "id": (KEYS, False),
        "tag": (TAGS, True),
        "name": (NAMES, True),
        "expectedVersion": (VERSIONS, False),
    },
    "industryDelete": {"id": (KEYS, True), "expectedVersion": (VERSIONS, False)},
}
"""The mutations, with the fields of their inputs: what their values are, and whether they are required."""

WRITES = ("shareCreate", "shareUpdate", "shareUpdate", "shareUpsert", "industryUpsert")

COLUMNS = {
    "share": ("id", "globalId", "tag", "price", "industryId", "version", "createdAt", "updatedAt", "__typename"),
    "industry": ("id", "globalId", "tag", "name", "version", "createdAt", "updatedAt", "__typename"),
}

ERRORS = "errors { __typename code message path ... on ShareConflict { current { price version } } }"


@dataclass
class Values:
    """Draws the values of an input, some of them wrong."""

    draw: Any

    def of(self, field: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name, (strategy, is_required) in INPUTS[field].items():
            if is_required or self.draw(st.booleans()):
                values[name] = self.draw(strategy)
        if self.draw(st.integers(0, 19)) == 0:
            values["unknown"] = 1
        if self.draw(st.integers(0, 19)) == 0:
            values.pop(next(iter(values)))
        return values


def _record(draw: Any, record: str) -> str:
    shown = draw(st.lists(st.sampled_from(COLUMNS[record]), min_size=1, max_size=5))
    parts = [f"k{number}: {name}" if draw(st.booleans()) else name for number, name in enumerate(shown)]
    if draw(st.integers(0, 7)) == 0:
        parts.append("industry { name }" if record == "share" else "shares { tag }")
    if draw(st.integers(0, 7)) == 0:
        parts.append("... on Node { globalId }")
    return f"{record} {{ {' '.join(parts)} }}"


@st.composite
def writes(draw: Any) -> Operation:
    """A mutation, as a rule of one record."""
    declared: list[str] = []
    variables: dict[str, Any] = {}
    fields = []
    for number in range(draw(st.sampled_from([1, 1, 1, 1, 1, 2]))):
        field = draw(_mostly(st.sampled_from(WRITES), "shareDelete", "industryDelete"))
        record = "share" if field.startswith("share") else "industry"
        payload = [_record(draw, record), "outcome", ERRORS, "__typename"]
        chosen = draw(st.lists(st.sampled_from(payload), min_size=1, max_size=4, unique=True))
        if draw(st.integers(0, 9)) == 0:
            chosen.append("outcome @include(if: true)")
        input_type = f"{field[0].upper()}{field[1:]}Input"
        declared.append(f"$i{number}: {input_type}!")
        variables[f"i{number}"] = Values(draw).of(field)
        key = f"w{number}: " if number or draw(st.booleans()) else ""
        fields.append(f"{key}{field}(input: $i{number}) {{ {' '.join(chosen)} }}")
    return Operation(f"mutation W({', '.join(declared)}) {{ {' '.join(fields)} }}", variables)
