"""Answers that are kept to be given again, for as long as what they were read from stays as it is.

Nothing tells this store of a write, and nothing has to: the database counts what is committed to each table, by
whatever process and past whatever code, and is asked before an answer is given again. So an answer is never older
than the last write that anybody was told of before its request came.

What an answer depends on is the API version, the bytes of the request's body (which are the document, the
operation and the variables) and the tables; so these are what it is kept by. It does not depend on who asks: an
operation whose answer would is not compiled, and only compiled answers get here. Nor does it depend on the
language, for they have no words. Who may have it is asked anew for each request, by the policies kept with it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from app.domain.policies import Policy
from app.graph.documents import OperationName
from app.kit.bounded import Bounded
from app.web.exchange import Way

LARGEST_SHARE = 8
"""What would take more than such a part of the room is not kept: a few of these would drive out all others."""

MOST_SEEN = 8_192
"""How many requests are remembered that came once. Only what comes again is kept, so that a flood of different
requests drives nothing out."""

# What an entry takes besides its two texts: objects, and its place in the store (measured).
_OVERHEAD_BYTES = 600

Key = tuple[str, bytes]
"""The API version, and the body of the request."""

Generations = Mapping[str, int]
"""How often each table was written."""


@dataclass(slots=True)
class KeptAnswer:
    """An answer, and what it holds under.

    Attributes:
        body: The whole body of the answer.
        policies: All that whoever gets it has to satisfy.
        tables: What it was read from.
        generations: Of when it was last known to hold.
        operation: What it is the answer to.
    """

    body: bytes
    policies: Collection[Policy]
    tables: Collection[str]
    generations: Generations
    operation: OperationName
    way: ClassVar[Way] = "kept"


class KeptAnswers:
    """A store of answers, bounded by what they take.

    Attributes:
        hits: How many requests it had the answer to.
        misses: How many were read, for it had no answer to them or one that no longer held.
    """

    def __init__(self, generations: Callable[[], Generations | None], *, most_bytes: int) -> None:
        """Make an empty store.

        Args:
            generations: Says how often each table was written, up to the last commit of any process, always by
                the same object as long as nothing is; None if nobody knows. What is read after it was called is
                at least as new.
            most_bytes: How much the answers may take together with the requests.
        """
        self.hits = 0
        self.misses = 0
        self._generations = generations
        self._most_weight = most_bytes // LARGEST_SHARE
        self._kept: Bounded[Key, KeptAnswer] = Bounded(most=most_bytes // _OVERHEAD_BYTES, most_weight=most_bytes)
        self._seen: set[int] = set()

    @property
    def weight(self) -> int:
        """What all that is kept takes, in bytes."""
        return self._kept.weight

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: Key) -> KeptAnswer | None:
        """Give the answer to a request if it still holds."""
        kept = self._kept.get(key)
        if kept is None or not self._holds(kept):
            return None
        self.hits += 1
        return kept

    def before_reading(self, key: Key) -> Generations | None:
        """Say what an answer that is read from now on may be kept under; None if it is not to be kept.

        To ask after the reading would be too late: what was written in between would be taken for read.
        """
        self.misses += 1
        seen = hash(key)
        if seen in self._seen:
            return self._generations()
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add(seen)
        return None

    def keep(self, key: Key, answer: KeptAnswer) -> None:
        """Keep an answer, unless it is too large or was read from what nobody counts."""
        weight = len(key[1]) + len(answer.body) + _OVERHEAD_BYTES
        if weight <= self._most_weight and all(table in answer.generations for table in answer.tables):
            self._kept.put(key, answer, weight=weight)

    def _holds(self, kept: KeptAnswer) -> bool:
        now = self._generations()
        if now is kept.generations:
            return True
        if now is None or any(now.get(table) != kept.generations[table] for table in kept.tables):
            return False
        kept.generations = now
        return True
