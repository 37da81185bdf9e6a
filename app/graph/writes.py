"""Mutations that write one record: what each does, told once for resolvers and for whatever does without them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.audit import AuditedWork
from app.domain.policies import TRADER_MANAGERS
from app.domain.writing import WriteOutcome as Outcome
from app.entities import Industry, Share
from app.graph.answers import mutation
from app.graph.context import Info
from app.graph.directives import COSTS_A_WRITE
from app.graph.enums import WriteOutcome
from app.graph.permissions import authorize
from app.graph.rules import checked

Written = tuple[Industry | Share | None, Outcome]
"""The record as it is now, or None if it is gone; and what was done."""

Act = Callable[[AuditedWork, Mapping[str, Any], datetime], Awaitable[Written]]
"""Does a write: where units of work are opened, the values of its input by their Python names, and the moment."""


@dataclass(frozen=True, slots=True)
class Write:
    """What a mutation of one record does.

    Attributes:
        input: The class of its only argument, `input`.
        act: Does it; it raises problems.
    """

    input: type[Any]
    act: Act


Writes = Mapping[str, Write]
"""Mutations by the names of their fields."""


def write(what: Write, payload: Callable[..., Any], record: str, *, description: str) -> Any:
    """Make the field of a mutation for trader managers.

    Args:
        what: What it does.
        payload: What it answers.
        record: The payload's field that has the record.
        description: What it does, for people.
    """

    async def resolve(info: Info, input: Any) -> Any:  # noqa: A002 - the contract's word
        context = info.context
        found, outcome = await what.act(context.work, checked(input), context.now)
        return payload(**{record: found}, outcome=WriteOutcome[outcome])

    resolve.__annotations__["input"] = what.input
    return mutation(resolve, payload, authorize(TRADER_MANAGERS), COSTS_A_WRITE, description=description)


def identified(values: Mapping[str, Any]) -> tuple[Any, int | None, dict[str, Any]]:
    """Part the values of an input into the key (None without one), the version that is expected, and the rest."""
    rest = {name: value for name, value in values.items() if name not in ("id", "expected_version")}
    return values.get("id"), values.get("expected_version"), rest
