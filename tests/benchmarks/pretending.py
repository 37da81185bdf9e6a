"""A server that answers whatever a test wants it to."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from benchmarks.compare.load import Target

OK = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s"


def ok(content: bytes) -> list[bytes]:
    return [OK % (len(content), content)]


@asynccontextmanager
async def server(answer: Callable[[Any], list[bytes]]) -> AsyncIterator[Target]:
    """Answer each request by the parts that are made of its body, each sent by itself."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await reader.readuntil(b"\r\n\r\n"):
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            for part in answer(json.loads(await reader.readexactly(length))):
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0)

    async def until_it_hangs_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except asyncio.IncompleteReadError:
            writer.close()

    listening = await asyncio.start_server(until_it_hangs_up, "127.0.0.1", 0)
    async with listening:
        yield Target(listening.sockets[0].getsockname()[1], os.getpid(), "a token")
