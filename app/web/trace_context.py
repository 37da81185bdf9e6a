"""The trace that a request belongs to, as its caller's headers say (W3C Trace Context, level 1).

What has not its form is as if it were not there: a wrong guess would join what does not belong together.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Section 3.2: version 00, trace-id, parent-id and flags, all in lower case; neither id is all zeros.
_TRACEPARENT = re.compile(rb"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")

# Section 3.3.1: a key, with the system that it is of or without, and a value that does not end in a space.
_KEY = r"[a-z][_0-9a-z\-*/]{0,255}|[0-9a-z][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13}"
_MEMBER = re.compile(rf"({_KEY})=([\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e])")
_MOST_MEMBERS = 32


@dataclass(frozen=True, slots=True)
class Caller:
    """Where in a trace a request was sent from.

    Attributes:
        trace_id: The trace, 32 hexadecimal digits in lower case.
        span_id: The span of the caller that sent the request, 16 of them.
        flags: Eight bits, of which the lowest says that the caller may have kept its span.
    """

    trace_id: str
    span_id: str
    flags: int


def read_traceparent(value: bytes) -> Caller | None:
    """Read the header `traceparent`; None if it has not the form of one."""
    match = _TRACEPARENT.fullmatch(value)
    return None if match is None else Caller(match[1].decode(), match[2].decode(), int(match[3], 16))


def read_tracestate(values: Iterable[bytes]) -> Sequence[tuple[str, str]]:
    """Read the headers `tracestate`, which are one list: what each system keys to its value, in their order.

    Returns:
        Nothing if any of it has not the form of one, or there is too much of it.
    """
    members = [each.strip(" \t") for each in b",".join(values).decode("latin-1").split(",")]
    matches = [_MEMBER.fullmatch(member) for member in members if member]
    read = [(match[1], match[2]) for match in matches if match is not None]
    is_whole = len(read) == len(matches) == len(dict(read)) and len(read) <= _MOST_MEMBERS
    return read if is_whole else ()
