"""Which addresses are public. The standard library's `is_global` is not enough.

On 3.11.7 it calls 192.0.0.192 (the metadata service of one cloud) global, and 168.63.129.16 (the host of another)
is public everywhere by its number; and an IPv4 address can hide in several IPv6 forms.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from scheduler_service.errors import Invalid

Address = IPv4Address | IPv6Address

NEVER_PUBLIC = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "168.63.129.16/32",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "198.18.0.0/15",
        "224.0.0.0/3",
        "::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fec0::/10",
        "ff00::/8",
    )
)
NAT64 = IPv6Network("64:ff9b::/96")


def parsed(text: str) -> Address:
    """An address as the resolver gives it, perhaps with a zone; one mapped or translated from IPv4 as that IPv4."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(text: str) -> bool:
    """Whether this is an address of the open internet; 6to4, Teredo and other odd forms are not."""
    address = parsed(text)
    return address.is_global and not any(address in network for network in NEVER_PUBLIC)


@dataclass(frozen=True)
class AllowList:
    """Places that may be reached although they are not public: a host and port as written in a URL, or a CIDR."""

    places: frozenset[tuple[str, int]]
    networks: tuple[IPv4Network | IPv6Network, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "AllowList":
        """From texts such as `localhost:8000`, `[::1]:8000`, `10.0.0.0/8`, `10.1.2.3`; raises Invalid."""
        places, networks = set(), []
        for entry in entries:
            try:
                networks.append(ip_network(entry))
                continue
            except ValueError:
                host, _, port = entry.rpartition(":")
            if not host or "/" in host or not port.isdigit():
                raise Invalid.field("outbound_allow", f"{entry!r} is neither host:port nor CIDR", "10.0.0.0/8")
            places.add((_plain(host), int(port)))
        return cls(frozenset(places), tuple(networks))

    def holds(self, host: str, port: int, address: str) -> bool:
        found = parsed(address)
        return (_plain(host), port) in self.places or any(found in network for network in self.networks)


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").casefold()
