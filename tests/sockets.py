"""A client of a socket that speaks to the application itself, without a network."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

PROTOCOL = "graphql-transport-ws"
PATIENCE_SECONDS = 10


@dataclass(frozen=True)
class Closed:
    """How a socket was closed."""

    code: int
    reason: str = ""


@dataclass(frozen=True)
class Denied:
    """How a handshake was answered instead of with a socket."""

    status: int
    body: Any
    headers: dict[str, str]


class Socket:
    """The client's end."""

    def __init__(self) -> None:
        self.to_server: asyncio.Queue[Message] = asyncio.Queue()
        self.from_server: asyncio.Queue[Message] = asyncio.Queue()

    async def say(self, *messages: object) -> None:
        """Send messages as JSON; a text is sent as it is, bytes are sent as bytes."""
        for message in messages:
            if isinstance(message, bytes):
                await self.to_server.put({"type": "websocket.receive", "bytes": message})
            else:
                text = message if isinstance(message, str) else json.dumps(message)
                await self.to_server.put({"type": "websocket.receive", "text": text})

    async def hear(self) -> Any:
        """Give the next message, or how the socket was closed."""
        message = await asyncio.wait_for(self.from_server.get(), PATIENCE_SECONDS)
        if message["type"] == "websocket.close":
            return Closed(message["code"], message.get("reason", ""))
        return json.loads(message["text"])

    async def hear_all(self) -> list[Any]:
        """Give all messages up to the one that ends an operation or the socket."""
        heard = [await self.hear()]
        while not isinstance(heard[-1], Closed) and heard[-1]["type"] not in ("complete", "error"):
            heard.append(await self.hear())
        return heard

    async def begin(self, payload: object = None) -> Any:
        """Send `connection_init` and give the answer."""
        await self.say({"type": "connection_init", "payload": payload})
        return await self.hear()

    async def ask(self, query: str, id: str = "1", **others: Any) -> None:  # noqa: A002 - the protocol's word
        """Start an operation."""
        await self.say({"id": id, "type": "subscribe", "payload": {"query": query, **others}})


@asynccontextmanager
async def connected(
    app: ASGIApp,
    *,
    headers: dict[str, str] | None = None,
    protocols: Sequence[str] = (PROTOCOL,),
    address: str = "192.0.2.1",
    path: str = "/graphql",
) -> AsyncIterator[Socket]:
    """Open a socket; one that is refused raises `Refused`."""
    socket = Socket()
    raw = [
        (name.lower().encode(), value.encode())
        for name, value in {"Host": "shares.test", **(headers or {})}.items()
    ]
    scope = {
        "type": "websocket",
        "path": path.partition("?")[0],
        "scheme": "ws",
        "query_string": path.partition("?")[2].encode(),
        "headers": raw,
        "client": (address, 50_000),
        "subprotocols": list(protocols),
        "extensions": {"websocket.http.response": {}},
    }

    async def send(message: Message) -> None:
        await socket.from_server.put(
            {"reason": "", **message} if message["type"] == "websocket.close" else message
        )
        if message["type"] == "websocket.close":
            await socket.to_server.put({"type": "websocket.disconnect", "code": message["code"]})

    await socket.to_server.put({"type": "websocket.connect"})
    served = asyncio.ensure_future(app(scope, socket.to_server.get, send))
    try:
        first = await asyncio.wait_for(socket.from_server.get(), PATIENCE_SECONDS)
        if first["type"] != "websocket.accept":
            body = (await asyncio.wait_for(socket.from_server.get(), PATIENCE_SECONDS))["body"]
            names = {name.decode(): value.decode() for name, value in first["headers"]}
            raise Refused(Denied(first["status"], json.loads(body), names))
        yield socket
    finally:
        await socket.to_server.put({"type": "websocket.disconnect", "code": 1006})
        await asyncio.wait_for(served, PATIENCE_SECONDS)


class Refused(Exception):
    """The handshake was refused."""

    def __init__(self, denied: Denied) -> None:
        super().__init__(denied)
        self.denied = denied
