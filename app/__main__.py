"""The command line: `python -m app`, or `shares` where the package is installed."""

import gc
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit status: 0 done, 1 refused, 2 not understood."""
    # What modules make as they are imported is there to stay: to look through it for garbage, over and over
    # while it grows, takes a quarter of the time.
    gc.disable()
    from app.commands import run

    gc.enable()
    return run(arguments)


def make_application() -> "Starlette":
    """Make the application of a worker process, which looks for garbage once it serves."""
    gc.disable()
    from app.main import from_environment

    return from_environment()


if __name__ == "__main__":
    sys.exit(main())
