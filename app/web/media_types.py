"""Which media types a request brings and takes. Looks at two headers and decides nothing else."""

import re
from functools import lru_cache

JSON = "application/json"
GRAPHQL_RESPONSE = "application/graphql-response+json"
EVENT_STREAM = "text/event-stream"

# A limit on what a stranger can make us read; browsers send some 150 characters.
MOST_CHARACTERS = 1_000

# RFC 9110, sections 12.4.2 (weight) and 12.5.1 (media range); parameters before the weight say nothing to us.
_WEIGHTED_RANGE = re.compile(
    r"(?P<range>[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+)"
    r"(?:[ \t]*;[ \t]*(?!q=)[^;]*)*?"
    r"(?:[ \t]*;[ \t]*q=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)(?:[ \t]*;.*)?)?"
)
_JSON_BODY = re.compile(r'application/json[ \t]*(?:;[ \t]*charset="?(?:utf-?8|us-ascii)"?[ \t]*)?;?')


# Callers are many and their headers few.
@lru_cache(maxsize=256)
def negotiate(accept: str | None) -> str | None:
    """Choose the media type of an answer by the header Accept; None if nothing that we write is acceptable.

    The highest weight wins. `application/graphql-response+json` is given to clients that name it, for others
    may not know it; at equal weights it is preferred, because its statuses tell more. A stream of events
    needs to be named as well, and to weigh more than JSON of either kind: clients that merely list it, as
    some do by default, cannot all read one.

    Args:
        accept: The header's value, several joined by commas; None without the header.

    Source: RFC 9110, section 12.5.1; GraphQL over HTTP, sections 4 and 6.3.
    """
    ranges = _weights((accept or "")[:MOST_CHARACTERS])
    if not ranges:
        return JSON
    json, response = _weight(JSON, ranges), _weight(GRAPHQL_RESPONSE, ranges)
    if ranges.get(EVENT_STREAM, 0) > max(json, response):
        return EVENT_STREAM
    if response and response >= json and (GRAPHQL_RESPONSE in ranges or not json):
        return GRAPHQL_RESPONSE
    return JSON if json else None


@lru_cache(maxsize=256)
def is_json(content_type: str | None) -> bool:
    """Say whether a body is JSON in UTF-8 by its header Content-Type; without one it is not.

    Source: GraphQL over HTTP, section 5.4; RFC 8259, section 8.1.
    """
    return content_type is not None and _JSON_BODY.fullmatch(content_type.strip().lower()) is not None


def _weights(header: str) -> dict[str, float]:
    """Read a header as the weight of each range; what is malformed is passed over."""
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        if match := _WEIGHTED_RANGE.fullmatch(part.strip(" \t")):
            weights[match["range"]] = float(match["weight"] or 1)
    return weights


def _weight(media_type: str, ranges: dict[str, float]) -> float:
    # The most specific range decides (RFC 9110, section 12.5.1).
    kind = media_type.partition("/")[0]
    return next((ranges[each] for each in (media_type, f"{kind}/*", "*/*") if each in ranges), 0.0)
