"""Keys that are unique over all types: opaque, so that clients never make one or take it apart."""

import base64
import binascii
from functools import lru_cache
from typing import Any

import strawberry
from strawberry import Parent

from app.graph.variables import writable

_LONGEST = 200


def global_id(record: Parent[Any]) -> strawberry.ID:
    """Make the key of a record."""
    return opaque(f"{type(record).__name__}:{record.id}")


def opaque(name: str) -> strawberry.ID:
    """Encode a type's name and a key, so that nobody is tempted to make one."""
    return strawberry.ID(base64.urlsafe_b64encode(name.encode()).decode())


def taken_apart(given: str) -> tuple[str, str]:
    """Give the name of the type and the key that a global id is made of; two empty texts if it is none."""
    return ("", "") if len(given) > _LONGEST else _taken_apart(given)


# A compiled operation asks once for each type that it may be.
@lru_cache(maxsize=256)
def _taken_apart(given: str) -> tuple[str, str]:
    try:
        name = base64.b64decode(given, b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return "", ""
    # One record has one global id: caches go by it.
    if opaque(name) != given or not writable(name):
        return "", ""
    type_name, _, key = name.partition(":")
    return type_name, key
