"""Whether the process lives, and whether it can serve: for whoever starts, watches or balances servers."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from app.web.caching import NO_STORE

Check = Callable[[], Awaitable[bool]]
"""Says whether something that serving needs is there."""

LONGEST_SECONDS = 3.0
"""How long a check may take before it counts as failed."""

FRESH_SECONDS = 1.0
"""How long a finding holds: who asks more often, a stranger perhaps, costs nothing more."""

_RETRY_SECONDS = "5"

logger = logging.getLogger("app")


class Health:
    """The addresses that are asked by machines, without a token."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        """Prepare.

        Args:
            checks: What serving needs, by its name; all are made each time.
        """
        self._checks = checks
        self._found: dict[str, bool] = {}
        self._found_at = float("-inf")
        self._turn = asyncio.Lock()

    @property
    def routes(self) -> list[BaseRoute]:
        """Give `/healthz` and `/readyz`."""
        return [Route("/healthz", self._lives, methods=["GET"]), Route("/readyz", self._serves, methods=["GET"])]

    async def _lives(self, _: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers={"Cache-Control": NO_STORE})

    async def _serves(self, _: Request) -> Response:
        found = await self._findings()
        checks = {name: "ok" if is_there else "failed" for name, is_there in found.items()}
        if all(found.values()):
            return JSONResponse({"status": "ready", "checks": checks}, headers={"Cache-Control": NO_STORE})
        headers = {"Cache-Control": NO_STORE, "Retry-After": _RETRY_SECONDS}
        return JSONResponse({"status": "not ready", "checks": checks}, status_code=503, headers=headers)

    async def _findings(self) -> Mapping[str, bool]:
        loop = asyncio.get_running_loop()
        async with self._turn:
            if loop.time() - self._found_at >= FRESH_SECONDS:
                results = await asyncio.gather(*(_is_there(name, check) for name, check in self._checks.items()))
                self._found = dict(zip(self._checks, results, strict=True))
                self._found_at = loop.time()
            return self._found


async def _is_there(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            return await check()
    except Exception as error:  # noqa: BLE001 - whatever keeps a check from succeeding is its finding
        logger.warning("not ready: %s (%s)", name, type(error).__name__)
        return False
