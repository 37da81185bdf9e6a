"""Documents that requests name by their hash: those that the operator trusts, and those that clients have sent.

What clients send is kept in the memory of each process. A process that does not know it says so, and the
client sends it again: that takes one round trip at times, and spares a look-up in Redis each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.graph.errors import BadRequest, DocumentUnknown
from app.kit.bounded import Bounded
from app.web.manifest import hash_in, hash_of, is_strong

MOST_PERSISTED = 1_000
"""How many documents clients may have us keep by their hashes; they are kept as text."""

MOST_PERSISTED_CHARACTERS = 1_000_000
"""How long those may be together."""


@dataclass(frozen=True, slots=True)
class Named:
    """The document that a request asks for.

    Attributes:
        text: The document; None if the request has none.
        offered: The hash under which it may be kept once it is found valid; None if it is not to be kept.
    """

    text: str | None
    offered: str | None = None


class NamedDocuments:
    """Finds the documents that requests ask for."""

    def __init__(self, trusted: Mapping[str, str], *, trusted_only: bool, persists: bool) -> None:
        """Make a finder.

        Args:
            trusted: The operator's documents by their hashes.
            trusted_only: Whether any other document is refused.
            persists: Whether documents that clients send with their hash are kept, to be named by it later.
        """
        self._trusted = trusted
        self._trusted_texts = frozenset(trusted.values()) if trusted_only else None
        self._sent: Bounded[str, str] | None = None
        if persists and not trusted_only:
            self._sent = Bounded(most=MOST_PERSISTED, most_weight=MOST_PERSISTED_CHARACTERS)

    def find(self, text: str | None, identifier: str | None, extensions: Mapping[str, Any] | None) -> Named:
        """Give the document that a request asks for by its parameters `query`, `documentId` and `extensions`.

        It stands in `query`, or is named by `documentId` (GraphQL over HTTP, appendix "Persisted Documents"), or
        by `extensions.persistedQuery.sha256Hash` (Apollo's automatic persisted queries). If it both stands
        there and is named, the hash has to be its own.

        Raises:
            BadRequest: A parameter has the wrong form, the document and its hash are not of each other, or the
                document is not one of the only ones that are taken.
            DocumentUnknown: No document of that hash is known.
        """
        known = _hash(identifier, extensions)
        if known is not None and not text:
            return Named(self._look_up(known, by_apollo=not identifier))
        if known is not None and text and hash_of(text, known) != known:
            raise BadRequest(phrase="request-other-document")
        if self._trusted_texts is not None and text and text not in self._trusted_texts:
            raise BadRequest(phrase="request-untrusted-document")
        return Named(text, offered=known)

    def takes(self, text: str | None) -> bool:
        """Say whether a document may stand in the request itself."""
        return self._trusted_texts is None or text in self._trusted_texts

    def keep(self, named: Named) -> None:
        """Keep a document that was found valid, if it was sent with its hash."""
        if self._sent is not None and named.offered is not None and named.text and is_strong(named.offered):
            self._sent.put(named.offered, named.text, weight=len(named.text))

    def _look_up(self, known: str, *, by_apollo: bool) -> str:
        found = self._trusted.get(known)
        if found is None and self._sent is not None:
            found = self._sent.get(known)
        if found is not None:
            return found
        if not by_apollo:
            raise DocumentUnknown
        # Some clients know Apollo's protocol by these words alone, such as urql; they end in no person's sight.
        # A client that is told that nothing is ever found stops asking.
        is_hopeless = self._sent is None and not self._trusted
        raise DocumentUnknown(word="PersistedQueryNotSupported" if is_hopeless else "PersistedQueryNotFound")


def _hash(identifier: str | None, extensions: Mapping[str, Any] | None) -> str | None:
    persisted = None if extensions is None else extensions.get("persistedQuery")
    if persisted is not None:
        known = persisted.get("sha256Hash") if isinstance(persisted, dict) else None
        if not isinstance(known, str) or persisted.get("version", 1) != 1:
            raise BadRequest(phrase="request-wrong-parameter", parameter="extensions.persistedQuery")
        if identifier and hash_in(identifier) != known:
            raise BadRequest(phrase="request-other-document")
        return known
    return hash_in(identifier) if identifier else None
