"""The process's log: what stands in a record, and that nothing of what a client said is quoted in one."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.web.exchange import Exchange, current
from app.web.records import BLANK, FIELDS, JsonRecords, TextRecords

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@contextmanager
def served(*said: object) -> Iterator[Exchange]:
    """An exchange that is served now, by a client that has said something."""
    exchange = Exchange({"headers": [(b"traceparent", f"00-{TRACE}-00f067aa0ba902b7-01".encode())]})
    exchange.said = said
    token = current.set(exchange)
    try:
        yield exchange
    finally:
        current.reset(token)


def record(message: str, *values: object, error: BaseException | None = None, **extra: Any) -> logging.LogRecord:
    made = logging.getLogger("app.test").makeRecord(
        "app.test",
        logging.ERROR,
        __file__,
        1,
        message,
        values,
        None if error is None else (type(error), error, error.__traceback__),
        extra=extra,
    )
    made.created = 1_781_524_800.123
    return made


def read(made: logging.LogRecord) -> dict[str, Any]:
    written = JsonRecords().format(made)
    assert "\n" not in written
    found: dict[str, Any] = json.loads(written)
    assert tuple(found) == FIELDS
    return found


def fail(message: str, *, cause: Exception | None = None) -> Exception:
    """An exception with that message that was really raised."""
    try:
        raise RuntimeError(message) from cause
    except RuntimeError as error:
        return error


def test_a_record_names_its_request_and_its_trace() -> None:
    with served() as exchange:
        found = read(record("request %s failed\nthere", 7))

    assert found == {
        "time": "2026-06-15T12:00:00.123Z",
        "level": "ERROR",
        "logger": "app.test",
        "message": "request 7 failed\nthere",
        "requestId": exchange.request_id,
        "traceId": TRACE,
        "exception": None,
    }


def test_a_record_of_no_request_names_none() -> None:
    found = read(record("a \ud800 and a \u0dc3"))

    assert (found["message"], found["requestId"], found["traceId"]) == ("a \ud800 and a \u0dc3", None, None)


def test_an_exception_is_one_field_with_its_traceback() -> None:
    found = read(record("failed", error=fail("the reason", cause=ValueError("the cause"))))

    lines = found["exception"].splitlines()
    assert lines[0] == "ValueError: the cause"
    assert "The above exception was the direct cause of the following exception:" in lines
    assert "Traceback (most recent call last):" in lines
    assert "    raise RuntimeError(message) from cause" in lines
    assert lines[-1] == "RuntimeError: the reason"


def test_a_text_for_people_names_the_trace() -> None:
    with served():
        said = TextRecords("%(levelname)s %(message)s").format(record("failed", error=fail("the reason")))

    assert said.splitlines()[0] == f"ERROR failed (trace {TRACE})"
    assert said.splitlines()[-1] == "RuntimeError: the reason"


SAID: dict[str, tuple[object, str, str]] = {
    "a variable": ({"price": "secret-value"}, "store secret-value", "secret"),
    "a variable deep inside": ({"input": {"many": [{"tag": "secret-value"}]}}, "store secret-value", "secret"),
    "another case": ({"tag": "Secret-Value"}, "store SECRET-VALUE", "secret"),
    "a number": ({"price": 98.7654}, "store 98.7654", "98"),
    "a whole number": ({"price": 987654}, "store 987654", "98"),
    "quotes and lines": ({"tag": "secret\"\n'value"}, repr("secret\"\n'value"), "secret"),
    "a value that was cut": ({"tag": "secret-value-" * 20}, "store 'secret-value-secret-val...'", "secret"),
    "a text in the document": (('{ a(b: "secret-value") }', None), "store secret-value", "secret"),
    "a body": (b'{"variables": {"tag": "secret-value"}}', "store secret-value", "secret"),
    "a body that is no JSON": (b"secret-value", "read secret-value", "secret"),
    "another script": ({"tag": "\u0dc3\u0dd2\u0d82\u0dc4\u0dbd"}, "'\u0dc3\u0dd2\u0d82\u0dc4\u0dbd'", "\u0dc3"),
}


@pytest.mark.parametrize("form", [JsonRecords(), TextRecords()], ids=["json", "text"])
@pytest.mark.parametrize(("said", "message", "hidden"), SAID.values(), ids=SAID)
def test_what_the_client_said_is_quoted_by_no_exception(
    form: logging.Formatter, said: object, message: str, hidden: str
) -> None:
    several = ExceptionGroup("a group", [ValueError(f"in a group: {message}")])
    error = fail(f"outside: {message}", cause=ValueError(f"inside: {message}"))
    error.add_note(f"a note: {message}")

    with served(said):
        written = [form.format(record("failed", error=each)) for each in (error, several)]

    told = [json.loads(each)["exception"] if isinstance(form, JsonRecords) else each for each in written]
    assert [hidden in each.lower() for each in told] == [False, False]
    assert [each.count(BLANK) for each in told] == [3, 1]
    assert [word in told[0] for word in ("outside: ", "inside: ", "a note: ")] == [True] * 3


def test_what_the_client_did_not_say_stays() -> None:
    with served({"id": "1", "flag": True, "nothing": None, "tag": "BUD"}):
        found = read(record("failed", error=fail("no row 1 in share: True, None")))

    assert found["exception"].splitlines()[-1] == "RuntimeError: no row 1 in share: True, None"


def test_an_exception_that_causes_itself_is_told_once() -> None:
    error = fail("the reason")
    error.__cause__ = error

    assert read(record("failed", error=error))["exception"].count("RuntimeError: the reason") == 1
