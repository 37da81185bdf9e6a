"""The file of the documents that an operator trusts, as code generators of clients write it."""

from collections.abc import Callable, Mapping
from hashlib import sha1, sha256
from pathlib import Path
from typing import Any

import orjson

# By the length of the hash in hexadecimal digits. GraphQL Code Generator takes SHA-1 unless told otherwise; no
# harm comes of it, for who writes the manifest could write any document into it.
_HASHES: dict[int, Callable[[bytes], Any]] = {64: sha256, 40: sha1}


def hash_of(text: str, like: str) -> str | None:
    """Give the hash of a document, of the same kind as another; None if that is of no kind.

    Args:
        text: The document.
        like: A hash in hexadecimal digits: of SHA-256 or SHA-1.
    """
    algorithm = _HASHES.get(len(like))
    return None if algorithm is None else algorithm(text.encode()).hexdigest()


def is_strong(known: str) -> bool:
    """Say whether nobody can make two documents of a hash: true of SHA-256, no longer of SHA-1."""
    return len(known) == sha256().digest_size * 2


def hash_in(identifier: str) -> str:
    """Give the hash that an identifier of a document holds, or else the identifier.

    Source: GraphQL over HTTP, appendix "Persisted Documents" (draft): `sha256:` and 64 hexadecimal digits.
    """
    return identifier.removeprefix("sha256:")


def read_manifest(file: Path) -> Mapping[str, str]:
    """Read the documents of a manifest, by their hashes.

    Args:
        file: A JSON object of documents by their hashes, such as the `persisted-documents.json` of GraphQL Code
            Generator's client preset. Hashes are of SHA-256, with or without `sha256:` before, or of SHA-1.

    Raises:
        ValueError: The file cannot be read, is not of that form, or a hash is not its document's.
    """
    try:
        content = orjson.loads(file.read_bytes())
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise ValueError(f"{file} is not JSON") from error
    if not isinstance(content, dict) or not all(isinstance(text, str) for text in content.values()):
        raise ValueError(f"{file} has to be a JSON object of documents by their hashes")
    documents = {hash_in(identifier): text for identifier, text in content.items()}
    for known, text in documents.items():
        if hash_of(text, known) != known:
            raise ValueError(f"{file}: {known} is not the hash of its document")
    return documents
