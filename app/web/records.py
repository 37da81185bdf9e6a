"""The process's log: every record that is no line of the request log, as JSON or as text, on the standard error.

A record names the request that it belongs to and its trace. What an exception says is written without anything
that the client has said: some drivers quote values in their messages.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from app.web.exchange import Exchange, current

LogFormat = Literal["json", "text"]
"""An object of JSON in each line, or text for people."""

FIELDS = ("time", "level", "logger", "message", "requestId", "traceId", "exception")
"""The fields of a record of JSON; each is always there, and null where there is nothing to say."""

BLANK = "[...]"
"""What stands in the place of what the client has said."""

_TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"

_SHORTEST_BLANKED = 3  # What is shorter could be anything, and to leave it out would make any text unreadable.
_BEGINNING = 8  # Messages that are cut quote the beginning of a long value.
_IN_QUOTES = re.compile(r'"((?:[^"\\]|\\.)+)"')

_CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
_MEANWHILE = "\nDuring handling of the above exception, another exception occurred:\n\n"


def keep_records(form: LogFormat) -> None:
    """Have all records of the process written in a form; ours from INFO on, others' from WARNING on."""
    handler = _WholeLines()
    handler.setFormatter(JsonRecords() if form == "json" else TextRecords(_TEXT))
    root = logging.getLogger()
    # Those of others stay, such as one that exports records.
    root.handlers = [each for each in root.handlers if not isinstance(each, _WholeLines)] + [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("app").setLevel(logging.INFO)
    logging.captureWarnings(form == "json")


class _WholeLines(logging.Handler):
    """Writes each record in one piece, so that those of several processes do not get into each other."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(sys.stderr.fileno(), (self.format(record) + "\n").encode(errors="backslashreplace"))
        except Exception:  # noqa: BLE001 - to log must never be what fails
            self.handleError(record)


class TextRecords(logging.Formatter):
    """Writes records for people."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Write the first line, with the trace that it belongs to."""
        exchange = _exchange_of(record)
        trace = "" if exchange is None or exchange.trace_id is None else f" (trace {exchange.trace_id})"
        return super().formatMessage(record) + trace

    def format(self, record: logging.LogRecord) -> str:
        """Write a record, its exception in the name of the exchange that it belongs to."""
        if record.exc_info and record.exc_info[1] is not None:
            # Others may have written it before, with all that it says.
            record.exc_text = _told(record.exc_info[1], _exchange_of(record))
        return super().format(record)


class JsonRecords(logging.Formatter):
    """Writes records as objects of JSON that have all of `FIELDS`, each in one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Write a record."""
        exchange = _exchange_of(record)
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        error = record.exc_info[1] if record.exc_info else None
        values = (
            moment.replace("+00:00", "Z"),
            record.levelname,
            record.name,
            record.getMessage(),
            None if exchange is None else exchange.request_id,
            None if exchange is None else exchange.trace_id,
            None if error is None else _told(error, exchange),
        )
        return json.dumps(dict(zip(FIELDS, values, strict=True)), separators=(",", ":"))


def _exchange_of(record: logging.LogRecord) -> Exchange | None:
    noted: Exchange | None = getattr(record, "exchange", None)
    return noted or current.get()


def _told(error: BaseException | None, exchange: Exchange | None) -> str:
    """Tell an exception with its traceback, and without what the client has said."""
    said = () if exchange is None else exchange.said
    hidden = sorted({text for each in said for text in _texts(each)}, key=len, reverse=True)
    return "".join(_lines(error, _pattern(hidden), set())).rstrip("\n")


def _lines(error: BaseException | None, hidden: re.Pattern[str] | None, seen: set[int]) -> Iterator[str]:
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    if error.__cause__ is not None:
        yield from _lines(error.__cause__, hidden, seen)
        yield _CAUSED
    elif error.__context__ is not None and not error.__suppress_context__:
        yield from _lines(error.__context__, hidden, seen)
        yield _MEANWHILE
    if error.__traceback__ is not None:
        yield "Traceback (most recent call last):\n"
        # The source's own lines, which nobody but us has said.
        yield from traceback.format_tb(error.__traceback__)
    for line in traceback.format_exception_only(error):
        yield line if hidden is None else hidden.sub(BLANK, line)
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _lines(each, hidden, seen)


def _pattern(hidden: Sequence[str]) -> re.Pattern[str] | None:
    forms = [form for text in hidden for form in (re.escape(text), re.escape(repr(text)[1:-1]))]
    forms += [re.escape(text[:_BEGINNING]) + r"\S*" for text in hidden if len(text) > _BEGINNING]
    return re.compile("|".join(forms), re.IGNORECASE) if forms else None


def _texts(said: Any) -> Iterator[str]:
    """Give all that somebody may not want to be quoted: every value, and every text within a document."""
    if isinstance(said, bytes):
        try:
            said = json.loads(said)
        except ValueError:
            said = said.decode(errors="replace")
    if isinstance(said, str):
        yield from (text for text in (said, *_IN_QUOTES.findall(said)) if len(text) >= _SHORTEST_BLANKED)
    elif isinstance(said, Mapping):
        for each in said.values():
            yield from _texts(each)
    elif isinstance(said, list | tuple):
        for each in said:
            yield from _texts(each)
    elif said is not None and not isinstance(said, bool) and len(str(said)) >= _SHORTEST_BLANKED:
        yield str(said)
