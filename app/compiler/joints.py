"""How the rows of a relation belong to the row that has it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Self

from sqlalchemy import Select, inspect
from sqlalchemy.orm import RelationshipProperty

from app.compiler.plan import ReadPlan, Relation, Shelf

Narrow = Callable[[Select[Any], Any], Select[Any]]
"""Narrows a select of some rows, which are its second argument, to those that belong to something."""


@dataclass(frozen=True, slots=True)
class Joint:
    """The attributes that a relation joins by, and whether it gives a list.

    Attributes:
        local: The owner's.
        remote: That of the rows that belong to it.
    """

    local: str
    remote: str
    is_list: bool

    @classmethod
    def of(cls, relation: Relation, shelf: Shelf) -> Self:
        """Give the joint of a relation of what is on a shelf."""
        property_: RelationshipProperty[Any] = inspect(shelf.entity).relationships[relation.relationship]
        ((local, remote),) = property_.local_remote_pairs or ()
        return cls(str(local.key), str(remote.key), bool(property_.uselist))

    def to(self, owner: Any) -> Narrow:
        """Narrow to the rows that belong to one of a statement around.

        Args:
            owner: That row: an alias, or the columns of a subquery.
        """
        return partial(self._belonging, owner=owner)

    def _belonging(self, chosen: Select[Any], rows: Any, *, owner: Any) -> Select[Any]:
        return chosen.where(getattr(rows, self.remote) == getattr(owner, self.local)).correlate(_source(owner))


def attributes_of(plan: ReadPlan) -> list[str]:
    """Name the attributes that an object's fields and relations are made of."""
    shown = [plan.shelf.columns[name] for _, name in plan.fields if name in plan.shelf.columns]
    return [*shown, *(Joint.of(relation, plan.shelf).local for relation in plan.relations)]


def all_rows(chosen: Select[Any], _rows: Any) -> Select[Any]:
    """Narrow to nothing in particular."""
    return chosen


def _source(owner: Any) -> Any:
    """Give what rows come from: an alias is that itself, a subquery's columns know it."""
    return next(iter(owner)).table if hasattr(owner, "keys") else owner
