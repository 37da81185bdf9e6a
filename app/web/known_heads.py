"""The heads of requests that one connection has sent before: the same bytes mean the same again.

A client sends one head with each of its requests. To read it takes longer than many an answer; so what came of
reading it is kept by its bytes, as long as the connection lasts.
"""

from app.web.exchange import WholeAnswer

MOST_HEADS = 8
"""How many heads of a connection are kept: they differ by the lengths of bodies, if by anything."""

LONGEST_HEAD = 4_096
"""How long a head may be that is kept, in bytes. Most are a few hundred, with a token."""

_END = b"\r\n\r\n"


class KnownHeads:
    """The heads of one connection, each with the length of the body that it announces."""

    __slots__ = ("_held", "_latest")

    def __init__(self) -> None:
        self._held: dict[bytes, tuple[int, WholeAnswer]] = {}
        self._latest: tuple[bytes, int, WholeAnswer] | None = None

    def learn(self, packet: bytes, length: int, answer: WholeAnswer) -> None:
        """Keep a head, if a packet was one whole request and nothing else.

        Args:
            packet: What came, beginning with the head.
            length: How long the body was that was read from it.
            answer: How requests of such a head are answered.
        """
        end = packet.find(_END) + len(_END)
        # A body that came in chunks is shorter than what it came in.
        if len(packet) != end + length or end > LONGEST_HEAD:
            return
        if len(self._held) >= MOST_HEADS:
            del self._held[next(iter(self._held))]
        self._held[packet[:end]] = (length, answer)

    def find(self, packet: bytes) -> tuple[WholeAnswer, bytes] | None:
        """Give how a packet is answered, and the body in it; None if it is no whole request of a known head."""
        latest = self._latest
        # To search for the end of a head takes several times as long as to see that it is the same again.
        if latest is None or not packet.startswith(latest[0]):
            head = packet[: packet.find(_END) + len(_END)]
            known = self._held.get(head)
            if known is None:
                return None
            latest = self._latest = (head, *known)
        head, length, answer = latest
        end = len(head)
        return (answer, packet[end:]) if len(packet) == end + length else None
