"""The client's end of a connection to a real server, byte by byte: for what no client library would send."""

import base64
import json
import os
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, BinaryIO

from tests.processes import Server

PATIENCE_SECONDS = 20.0

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
"""What a frame of a socket is (RFC 6455, section 5.2)."""
ABNORMAL = 1006
"""How a client tells that a socket ended without a close frame (RFC 6455, section 7.1.5)."""


@dataclass
class Answer:
    """An answer as it came."""

    status: int
    headers: dict[str, str]
    body: Any

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.body["errors"]]


class Wire:
    """The client's end of a connection."""

    def __init__(self, connection: socket.socket, coming: BinaryIO) -> None:
        self._connection = connection
        self._coming = coming

    def send(self, data: bytes) -> None:
        self._connection.sendall(data)

    def send_until_cut(self, data: bytes) -> None:
        """Send what may be refused before its end."""
        with suppress(OSError):
            self._connection.sendall(data)

    def status(self) -> int:
        """Give the status of the next answer that has neither headers nor a body."""
        status = int(self._coming.readline().split()[1])
        assert self._coming.readline() == b"\r\n"
        return status

    def status_or_end(self) -> int | None:
        """Give the status of the next answer; None if the connection ends without one."""
        line = self._coming.readline()
        return int(line.split()[1]) if line else None

    def answer(self) -> Answer:
        """Give the next answer."""
        status = int(self._coming.readline().split()[1])
        headers = {}
        while line := self._coming.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        return Answer(status, headers, json.loads(self._coming.read(int(headers["content-length"]))))

    def answer_to_dripping(self) -> Answer:
        """Send a byte now and then until there is an answer, and give it."""
        self._connection.settimeout(0.02)
        gives_up = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < gives_up:
            self._connection.send(b" ")
            with suppress(TimeoutError):
                self._connection.recv(1, socket.MSG_PEEK)
                break
        self._connection.settimeout(PATIENCE_SECONDS)
        return self.answer()

    def is_closed(self) -> bool:
        """Wait until the server hangs up, and say whether it has said nothing more."""
        try:
            return self._coming.read() == b""
        except ConnectionResetError:
            return True


@contextmanager
def wire(server: Server) -> Iterator[Wire]:
    """Connect to a server."""
    with _connected(server) as connection, connection.makefile("rb") as coming:
        yield Wire(connection, coming)


def frame(kind: int, payload: bytes = b"", *, is_last: bool = True) -> bytes:
    """A frame as a client sends it, masked with zeros."""
    size = len(payload)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = struct.pack("!BH", 0x80 | 126, size)
    else:
        length = struct.pack("!BQ", 0x80 | 127, size)
    return bytes([is_last << 7 | kind]) + length + bytes(4) + payload


def message(**parts: Any) -> bytes:
    """A message of `graphql-transport-ws` as a frame."""
    return frame(TEXT, json.dumps(parts).encode())


class SocketWire:
    """The client's end of a socket: frames as they are."""

    def __init__(self, connection: socket.socket, coming: BinaryIO) -> None:
        self._connection = connection
        self._coming = coming

    def shake_hands(self, headers: Mapping[str, str]) -> int:
        """Send the head of a handshake, and give the status of the answer."""
        key = base64.b64encode(os.urandom(16)).decode()
        given = {
            "Host": "{}:{}".format(*self._connection.getpeername()),
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": key,
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Protocol": "graphql-transport-ws",
            **headers,
        }
        lines = [f"{name}: {value}\r\n" for name, value in given.items()]
        self._connection.sendall(f"GET /graphql HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        status = int(self._coming.readline().split()[1])
        while self._coming.readline().strip():
            pass
        return status

    def send(self, data: bytes) -> None:
        """Send bytes as they are; what is cut off is no failure."""
        with suppress(OSError):
            self._connection.sendall(data)

    def begin(self) -> None:
        """Send `connection_init`, and wait for the acknowledgement."""
        self.send(message(type="connection_init"))
        assert self.hear() == {"type": "connection_ack"}

    def hear(self) -> Any:
        """Give the next message as JSON, or the code that the socket was closed with."""
        while True:
            kind, payload = self.receive()
            if kind == TEXT:
                return json.loads(payload)
            if kind == CLOSE:
                # As a client does that has heard it.
                self.send(frame(CLOSE, payload[:2]))
                return struct.unpack("!H", payload[:2])[0]

    def receive(self) -> tuple[int, bytes]:
        """Give the next frame; one that closes it where there is none any more."""
        try:
            head = self._coming.read(2)
            size = head[1] & 127
            if size == 126:
                (size,) = struct.unpack("!H", self._coming.read(2))
            return head[0] & 15, self._coming.read(size)
        except (OSError, IndexError):
            return CLOSE, struct.pack("!H", ABNORMAL)

    def closed_with(self) -> int:
        """Read on until the socket is closed, and give the code."""
        while not isinstance(heard := self.hear(), int):
            pass
        return heard


@contextmanager
def unopened_socket(server: Server) -> Iterator[SocketWire]:
    """Connect to a server that is still to be asked for a socket."""
    with _connected(server) as connection, connection.makefile("rb") as coming:
        yield SocketWire(connection, coming)


@contextmanager
def socket_wire(server: Server) -> Iterator[SocketWire]:
    """Open a socket."""
    with unopened_socket(server) as opened:
        assert opened.shake_hands({}) == 101
        yield opened


def _connected(server: Server) -> socket.socket:
    host, _, port = server.base_url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), PATIENCE_SECONDS)
