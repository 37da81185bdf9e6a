"""Makes GraphQL types of entities by allow-list: what is not put on the shelf cannot be seen."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import strawberry
from sqlalchemy import inspect
from sqlmodel import SQLModel
from strawberry.utils.str_converters import to_camel_case

from app.compiler.plan import Shelf

T = TypeVar("T", bound=type)


def stands_for(
    entity: type[SQLModel],
    *columns: str,
    relations: Mapping[str, str] | None = None,
    orders: Mapping[str, str] | None = None,
    amount: str | None = None,
    directives: tuple[object, ...] = (),
) -> Callable[[T], T]:
    """Fill a class with the named columns of an entity and make it a Strawberry type.

    Resolvers return the entity itself; its columns are read from it by name. Types and descriptions are
    the entity's own; keys become IDs.

    Args:
        entity: What the type stands for; both have the same name.
        columns: The attributes to show.
        relations: The relationship for each field of the class that gives it, whole or page by page.
        orders: The attribute for each value of the type's order enum.
        amount: The attribute that a connection's figures are about, if it has any.
        directives: What to print on the type, such as its policy.

    Raises:
        ValueError: The class has another name than the entity.
    """

    def fill(shown: T) -> T:
        if shown.__name__ != entity.__name__:
            raise ValueError(f"{shown.__name__} cannot stand for {entity.__name__}")
        own = dict(shown.__annotations__)
        shown.__annotations__ = {name: _type_of(entity, name) for name in columns} | own
        for name in columns:
            setattr(shown, name, strawberry.field(description=entity.model_fields[name].description))
        shown.is_type_of = staticmethod(lambda found, _: isinstance(found, entity))  # type: ignore[attr-defined]
        description = " ".join((entity.__doc__ or "").split())
        typed: Any = strawberry.type(shown, description=description, directives=directives)
        typed.shelf = Shelf(
            entity=entity,
            columns={to_camel_case(name): name for name in columns},
            relations={to_camel_case(name): relationship for name, relationship in (relations or {}).items()},
            orders=orders or {},
            amount=amount,
        )
        return typed  # type: ignore[no-any-return]

    return fill


def shelf_of(shown: Any) -> Shelf:
    """Give what a type stands for."""
    shelf: Shelf = shown.shelf
    return shelf


def _type_of(entity: type[SQLModel], name: str) -> Any:
    mapper = inspect(entity)
    column = mapper.columns[name]
    if column.primary_key or column.foreign_keys:
        return strawberry.ID
    return entity.model_fields[name].annotation
