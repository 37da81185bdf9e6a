"""The server with subscriptions, and writes that fail and quote what they get: `python -m tests.failing`."""

import sys
from typing import Any, NoReturn

from app import main
from app.__main__ import main as command_line
from app.domain import shares
from tests.streaming import make_schema


async def _fail(_: Any, *given: Any, **named: Any) -> NoReturn:
    try:
        raise ValueError(f"nobody can store {given}")
    except ValueError as error:
        raise RuntimeError(f"the write failed: {given!r} {named!r}") from error


if __name__ == "__main__":
    main.make_schema = make_schema  # type: ignore[assignment]
    shares.update = _fail  # type: ignore[assignment]
    sys.exit(command_line())
