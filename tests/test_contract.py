"""What we promise of the schema: it is a part of the contract, and every part of it is described.

The contract is not in this repository; without it the comparison is skipped.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    ConstDirectiveNode,
    DirectiveDefinitionNode,
    FloatValueNode,
    InputValueDefinitionNode,
    IntValueNode,
    Node,
    parse,
    print_ast,
    specified_directives,
)

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "schema.graphql"
CONTRACT = ROOT.parent / "shared" / "contract.graphql"

_TWO_FACTOR = "Log-in with an authenticator app, which the contract has no words for."
_UNLOCK = "A manager lifts the lock after failed attempts, which the contract leaves to time and to a reset."
_DELETE = "A trader can be deleted for good, which data protection asks of a service."

ADDITIONS: Mapping[str, str] = {
    "AuditAction.ADMINISTRATOR_MADE": "What the command line does to a trader is recorded too.",
    "AuditAction.RECOVERY_CODE_USED": _TWO_FACTOR,
    "AuditAction.TRADER_DELETED": _DELETE,
    "AuditAction.TWO_FACTOR_DISABLED": _TWO_FACTOR,
    "AuditAction.TWO_FACTOR_ENABLED": _TWO_FACTOR,
    "AuditAction.UNLOCKED": _UNLOCK,
    "ErrorCode.INCORRECT_SECOND_FACTOR": _TWO_FACTOR,
    "ErrorCode.SECOND_FACTOR_REQUIRED": _TWO_FACTOR,
    "Mutation.traderDelete": _DELETE,
    "Mutation.traderUnlock": _UNLOCK,
    "Mutation.twoFactorBegin": _TWO_FACTOR,
    "Mutation.twoFactorDisable": _TWO_FACTOR,
    "Mutation.twoFactorEnable": _TWO_FACTOR,
    "Mutation.twoFactorRenewRecoveryCodes": _TWO_FACTOR,
    "PermitLogInInput.twoFactorCode": _TWO_FACTOR,
    "PermitResetPasswordInput.twoFactorCode": _TWO_FACTOR,
    "Trader.twoFactorEnabled": _TWO_FACTOR,
    "TraderDeleteInput": _DELETE,
    "TraderUnlockInput": _UNLOCK,
    "TwoFactorBeginInput": _TWO_FACTOR,
    "TwoFactorEnableInput": _TWO_FACTOR,
    "TwoFactorPayload": _TWO_FACTOR,
    "TwoFactorProofInput": _TWO_FACTOR,
    "TwoFactorSetupPayload": _TWO_FACTOR,
}
"""What the schema has beyond the contract, as `Type`, `Type.field`, `Type.field(argument)` or `@directive`, each
with the reason. With a part goes all that it has."""

Place = tuple[str, ...]
"""The way to a part of a schema by names: a definition; its field, value or argument; the field's argument."""


def test_the_schema_is_a_part_of_the_contract() -> None:
    if not CONTRACT.is_file():
        pytest.skip("no ../shared/contract.graphql beside the repository")
    schema = SCHEMA.read_text()
    promised = parts_of(schema)
    # A directive that the schema does not have yet, such as @cost, is not missed until it has.
    agreed = parts_of(CONTRACT.read_text(), directives_of(schema))

    differing = [
        f"{name_of(place)}: {difference(part, agreed.get(place))}"
        for place, part in promised.items()
        # Of a part that is not there at all, what it has is not told as well.
        if agreed.get(place) != part and not is_added(place) and (len(place) == 1 or place[:-1] in agreed)
    ]

    assert not differing, "\n".join(differing)


def test_every_addition_is_still_one() -> None:
    if not CONTRACT.is_file():
        pytest.skip("no ../shared/contract.graphql beside the repository")
    promised = {name_of(place) for place in parts_of(SCHEMA.read_text())}
    agreed = {name_of(place) for place in parts_of(CONTRACT.read_text())}

    assert {name for name in ADDITIONS if name in agreed or name not in promised} == set()


def test_every_part_of_the_schema_is_described() -> None:
    parts = parts_of(SCHEMA.read_text())

    undescribed = {
        name_of(place)
        for place, part in parts.items()
        if not (part["description"] or "").strip() and not is_argument(parts, place)
    }

    assert undescribed == set()


@pytest.mark.parametrize(
    ("before", "after", "differing"),
    [
        ("policy: P, orOwner: true", "orOwner: true, policy: P", []),
        ("min: 0", "min: 0.0", []),
        ("implements I", "", ["A"]),
        (", orOwner: true", "", ["A"]),
        ("@authorize(policy: P, orOwner: true)", "", ["A"]),
        ("min: 0", "min: 1", ["A.b(c)"]),
        ("= 1", "= 2", ["A.b(c)"]),
        ("Int! =", "Int =", ["A.b(c)"]),
        ("(c: Int! = 1 @constraint(min: 0))", "", ["A.b"]),
        ("A b.", "Another b.", ["A.b"]),
        (": Int }", ": Int! }", ["A.b"]),
        (": Int }", ": Int d: Int }", ["A.d"]),
        ("on OBJECT", "on OBJECT | ENUM", ["@authorize"]),
        ("orOwner: Boolean", "orOwner: Boolean!", ["@authorize(orOwner)"]),
    ],
)
def test_the_comparison_sees_every_difference(before: str, after: str, differing: list[str]) -> None:
    agreed = """
        directive @authorize(policy: Policy!, orOwner: Boolean) on OBJECT
        directive @constraint(min: Float) on ARGUMENT_DEFINITION
        type A implements I @authorize(policy: P, orOwner: true) { "A b." b(c: Int! = 1 @constraint(min: 0)): Int }
    """

    parts = parts_of(agreed)
    seen = [
        name_of(place)
        for place, part in parts_of(agreed.replace(before, after)).items()
        if parts.get(place) != part
    ]

    assert seen == differing


def parts_of(sdl: str, directives: Collection[str] | None = None) -> dict[Place, dict[str, Any]]:
    """Take a schema apart: what there is to say of each of its definitions, fields, values and arguments.

    Args:
        sdl: The schema.
        directives: The names of those to look at; None for those that GraphQL or the schema defines.
    """
    document = parse(sdl, no_location=True)
    known = directives_of(sdl) if directives is None else directives
    return {place: part for node in document.definitions for place, part in _with_all_below((), node, known)}


def directives_of(sdl: str) -> set[str]:
    """The names of the directives that a schema may use."""
    definitions = parse(sdl, no_location=True).definitions
    own = {node.name.value for node in definitions if isinstance(node, DirectiveDefinitionNode)}
    return own | {directive.name for directive in specified_directives}


def difference(ours: dict[str, Any], agreed: dict[str, Any] | None) -> str:
    """Say in what a part differs from the contract's."""
    if agreed is None:
        return "not in the contract, nor in ADDITIONS"
    return "; ".join(
        f"{what} {said!r}, in the contract {agreed[what]!r}" for what, said in ours.items() if agreed[what] != said
    )


def is_argument(parts: Mapping[Place, dict[str, Any]], place: Place) -> bool:
    """Whether a part is the argument of a field or of a directive; their names say what they are."""
    return len(place) > 1 and place[-1] in parts[place[:-1]]["arguments"]


def name_of(place: Place) -> str:
    """A place as people write it: `Type.field(argument)`."""
    definition, *below = place
    if definition.startswith("@"):
        return definition + "".join(f"({argument})" for argument in below)
    return definition + "".join(f".{name}" if depth == 0 else f"({name})" for depth, name in enumerate(below))


def is_added(place: Place) -> bool:
    """Whether a part, or what it belongs to, is beyond the contract on purpose."""
    return any(name_of(place[:length]) in ADDITIONS for length in range(1, len(place) + 1))


def _with_all_below(above: Place, node: Any, known: Collection[str]) -> Iterator[tuple[Place, dict[str, Any]]]:
    is_directive = isinstance(node, DirectiveDefinitionNode)
    place = (*above, f"@{node.name.value}" if is_directive else node.name.value)
    arguments = getattr(node, "arguments", None) or ()
    description = getattr(node, "description", None)
    yield (
        place,
        {
            "kind": node.kind,
            "description": description.value if description else None,
            "type": _printed(getattr(node, "type", None)),
            "default": _printed(getattr(node, "default_value", None)),
            "arguments": sorted(
                argument.name.value for argument in arguments if not _is_added_argument(place, argument)
            ),
            "interfaces": sorted(map(print_ast, getattr(node, "interfaces", None) or ())),
            "members": sorted(map(print_ast, getattr(node, "types", None) or ())),
            "locations": sorted(each.value for each in getattr(node, "locations", None) or ()),
            "directives": sorted(
                _directive(each) for each in getattr(node, "directives", None) or () if each.name.value in known
            ),
        },
    )
    for each in (*(getattr(node, "fields", None) or ()), *(getattr(node, "values", None) or ()), *arguments):
        yield from _with_all_below(place, each, known)


def _is_added_argument(field: Place, argument: InputValueDefinitionNode) -> bool:
    return name_of((*field, argument.name.value)) in ADDITIONS


def _directive(node: ConstDirectiveNode) -> str:
    # In one order, and numbers in one form: 0 and 0.0 set the same limit.
    arguments = sorted(f"{argument.name.value}: {_value(argument.value)}" for argument in node.arguments or ())
    return f"@{node.name.value}({', '.join(arguments)})"


def _value(node: Node) -> str:
    return str(float(node.value)) if isinstance(node, IntValueNode | FloatValueNode) else print_ast(node)


def _printed(node: Node | None) -> str | None:
    return None if node is None else print_ast(node)
