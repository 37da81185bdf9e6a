"""What caches on the way are told of an answer, and the answer that a cache has already."""

import re
from collections.abc import Iterable
from hashlib import blake2b

from starlette.datastructures import MutableHeaders
from starlette.responses import Response

from app.graph.keeping import Keeping

NO_STORE = "no-store"

VARY = ("Accept", "Authorization", "x-api-version")
"""The request headers that every answer by GET depends on, besides its address; those with words depend on
Accept-Language too."""

# RFC 9110, sections 8.8.3 and 5.6.1: entity tags parted by commas, where empty elements do no harm. A comma may
# stand within a tag as well.
_ENTITY_TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
_ENTITY_TAGS = re.compile(rf"[ \t,]*(?:{_ENTITY_TAG}[ \t]*(?:,[ \t,]*|\Z))+")
_OPAQUE_TAG = re.compile(r'"[^"]*"')


def cache_control(keeping: Keeping | None) -> str:
    """Say in a header how an answer by GET may be kept (RFC 9111, section 5.2.2).

    What may be kept for no time at all may still be kept to be asked about: its entity tag saves the sending.

    Args:
        keeping: How the answer may be kept; None for what must not be, such as errors.
    """
    if keeping is None:
        return NO_STORE
    if keeping.seconds == 0:
        return "private, no-cache"
    return f"{'public' if keeping.by_all else 'private'}, max-age={keeping.seconds}"


def vary_by(headers: MutableHeaders, names: Iterable[str]) -> None:
    """Add request headers to those that an answer depends on, each once (RFC 9110, section 12.5.5)."""
    said = [name.strip() for value in headers.getlist("vary") for name in value.split(",") if name.strip()]
    known = {name.lower() for name in said}
    if "*" not in known:
        headers["Vary"] = ", ".join([*said, *(name for name in names if name.lower() not in known)])


def entity_tag(content: bytes) -> str:
    """Make the entity tag of a content.

    It is weak (RFC 9110, section 8.8.1), for a proxy may compress the content, and the same bytes may be of
    either of our media types. For If-None-Match that is as good; parts of an answer are not given anyway.
    """
    return f'W/"{blake2b(content, digest_size=16).hexdigest()}"'


def is_held(if_none_match: str, tag: str) -> bool:
    """Say whether a request has the content of an entity tag already, by weak comparison.

    A header that is malformed says nothing.

    Source: RFC 9110, sections 13.1.2 and 8.8.3.2.
    """
    if if_none_match.strip(" \t") == "*":
        return True
    if _ENTITY_TAGS.fullmatch(if_none_match) is None:
        return False
    return tag.removeprefix("W/") in _OPAQUE_TAG.findall(if_none_match)


def for_caches(response: Response, method: str, if_none_match: str | None, keeping: Keeping | None) -> Response:
    """Tell caches how to keep an answer; give 304 to one that has it already.

    An answer by POST is not to be kept, whatever it is: no cache could give it to another POST (RFC 9110, section
    9.3.3), nor ask whether it has changed.

    Args:
        response: The answer, whole.
        method: The request's method.
        if_none_match: The request's header, several joined by commas; None without.
        keeping: As for `cache_control`.
    """
    headers = response.headers
    if method != "GET":
        headers["Cache-Control"] = NO_STORE
        return response
    headers["Cache-Control"] = cache_control(keeping)
    vary_by(headers, (*VARY, "Accept-Language") if "content-language" in headers else VARY)
    if keeping is None or response.status_code != 200:
        return response
    headers["ETag"] = tag = entity_tag(bytes(response.body))
    if if_none_match is None or not is_held(if_none_match, tag):
        return response
    # RFC 9110, section 15.4.5: what would have told of the content itself is left out.
    del headers["content-type"], headers["content-length"]
    held = Response(status_code=304)
    held.raw_headers = response.raw_headers
    return held
