"""Addresses of hosts: which network one counts for, and who asks when proxies stand between."""

import re
from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

# RFC 6177: a household is given a network of at least that size, and may use each address of it.
_HOUSEHOLD = 64

# RFC 7239, section 4: a node is quoted if it has a colon. Whatever is not of this form hides who asks.
_FOR = re.compile(r'(?:^|;)[ \t]*for=(?:"(?P<quoted>[^"\\]*)"|(?P<token>[^";,\s]*))', re.IGNORECASE)
_WITH_PORT = re.compile(r"\[(?P<six>[^\]]*)\](?::\d{1,5})?|(?P<four>[\d.]+)(?::\d{1,5})?")


def read_networks(text: str) -> tuple[Network, ...]:
    """Read networks in CIDR notation, or single addresses, parted by commas.

    Raises:
        ValueError: One of them is none.
    """
    return tuple(ip_network(each.strip()) for each in text.split(",") if each.strip())


@lru_cache(maxsize=65_536)
def counted_as(address: str) -> str:
    """Give what stands for an address where clients are counted: itself, or the network of an IPv6 household."""
    try:
        read = _read(address)
    except ValueError:
        return address
    if isinstance(read, IPv4Address):
        return str(read)
    return str(IPv6Network((read, _HOUSEHOLD), strict=False))


def client_behind(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """Give the address of who asks.

    Each proxy adds the address that it was asked from at the end, so that the list is believed from there, and
    only as long as those who have written it are trusted.

    Args:
        peer: The address that the connection comes from.
        forwarded: The addresses that proxies have noted, in the order in which the header has them.
        trusted: The networks of the proxies.
    """
    address = peer
    for noted in reversed(forwarded):
        if not is_in(address, trusted):
            break
        try:
            address = str(_read(_without_port(noted.strip())))
        except ValueError:
            # Of who asks there is nothing but the proxy that does not say.
            break
    return address


def is_in(address: str, networks: Sequence[Network]) -> bool:
    """Say whether an address is in one of some networks; what is no address is in none."""
    try:
        read = _read(address)
    except ValueError:
        return False
    return any(read in network for network in networks)


def noted_in_x_forwarded_for(value: str) -> list[str]:
    """Give the addresses in the header X-Forwarded-For; several headers are joined by commas before."""
    return value.split(",")


def noted_in_forwarded(value: str) -> list[str]:
    """Give the addresses in the header Forwarded (RFC 7239); an empty text for a proxy that names none."""
    found = [_FOR.search(element) for element in value.split(",")]
    return ["" if match is None else match["quoted"] or match["token"] or "" for match in found]


def _read(address: str) -> IPv4Address | IPv6Address:
    read = ip_address(address)
    # A socket that takes both kinds shows IPv4 addresses in this form (RFC 4291, section 2.5.5.2).
    return (read.ipv4_mapped or read) if isinstance(read, IPv6Address) else read


def _without_port(address: str) -> str:
    match = _WITH_PORT.fullmatch(address)
    return address if match is None else match["six"] or match["four"] or ""
