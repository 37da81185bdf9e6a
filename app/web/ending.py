"""How a process ends that is asked to: those who would hold it up are told, and the end is certain."""

import asyncio
import logging
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

LAST_SECONDS = 3.0
"""How long the application may take to put things away, once the server waits for no answer any more."""

logger = logging.getLogger("app")


def tell_of_end(ending: asyncio.Event, *, answer_seconds: float) -> Callable[[], None]:
    """Set the event as soon as the process is asked to end, and give what puts things back.

    A server asked to end waits for its answers before it tells the application; a stream would wait with it. And
    something may never end by itself, such as a thread that waits for a lock: then the process ends all the same.
    One of several is asked to end too when that which started them is gone, however that came.

    Args:
        ending: What others wait for.
        answer_seconds: How long the server waits for its answers.
    """
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    # Only a process's first thread can have signals; another's server is ended in another way.
    if threading.current_thread() is not threading.main_thread():
        return restore
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):

            def tell(caught: int, frame: FrameType | None, server: Callable[..., Any] = handler) -> None:
                loop.call_soon_threadsafe(ending.set)
                _end_anyway_in(answer_seconds + LAST_SECONDS)
                server(caught, frame)

            before[number] = signal.signal(number, tell)
    _end_with_parent()
    return restore


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_wait_for_end_of, args=(parent.sentinel,), daemon=True).start()


def _wait_for_end_of(parent: int) -> None:
    multiprocessing.connection.wait([parent])
    # Left alone it would serve on, and keep the address from whoever is started next.
    os.kill(os.getpid(), signal.SIGTERM)


def _end_anyway_in(seconds: float) -> None:
    last = threading.Timer(seconds, _end_anyway)
    last.daemon = True
    last.start()


def _end_anyway() -> None:
    logger.error("what would not end is ended")
    # Who asked for the end gets it: it is no failure. What was acknowledged is on the disk.
    os._exit(0)
