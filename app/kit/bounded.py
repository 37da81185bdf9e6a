"""A store that stays within its bounds whatever is put into it: what was asked for longest ago goes first."""

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Values by key, at most so many and at most so heavy together.

    To look a value up makes it the last to go. Both to look up and to put take constant time, save for the
    values that have to go. Not for several threads at once.
    """

    def __init__(self, *, most: int, most_weight: int) -> None:
        """Make an empty store.

        Args:
            most: How many values it holds at most.
            most_weight: How much they may weigh together, in the unit of the weights that they are put with.
        """
        self._most = most
        self._most_weight = most_weight
        # A dict keeps the order in which keys were put: the first is the one to go.
        self._held: dict[K, tuple[V, int]] = {}
        self._weight = 0

    @property
    def weight(self) -> int:
        """What all that is held weighs together."""
        return self._weight

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[K]:
        """Go through the keys, those that go first first."""
        return iter(self._held)

    def __contains__(self, key: object) -> bool:
        """Say whether a value is held, without a mark on when it goes."""
        return key in self._held

    def get(self, key: K) -> V | None:
        """Give a value and make it the last to go; None if it is not held."""
        entry = self._held.pop(key, None)
        if entry is None:
            return None
        self._held[key] = entry
        return entry[0]

    def put(self, key: K, value: V, *, weight: int = 1) -> None:
        """Hold a value as the last to go, in the place of one with the same key.

        One that is heavier than all together may be is not held: it would drive out all others for nothing.
        """
        self._drop(key)
        if weight > self._most_weight:
            return
        self._held[key] = (value, weight)
        self._weight += weight
        while len(self._held) > self._most or self._weight > self._most_weight:
            self._drop(next(iter(self._held)))

    def _drop(self, key: K) -> None:
        entry = self._held.pop(key, None)
        if entry is not None:
            self._weight -= entry[1]
