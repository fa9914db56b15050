"""Addresses: which of the network's may be asked for a file on a stranger's word."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

# Not all of them are private to every version of Python: IETF protocol assignments, where Oracle's cloud has its
# metadata (192.0.0.192), the relays of 6to4, the site-local addresses of old (RFC 3879), documentation (RFC 9637) and
# segment routing (RFC 9602).
_ALSO_INSIDE = (
    IPv4Network("192.0.0.0/24"),
    IPv4Network("192.88.99.0/24"),
    IPv6Network("fec0::/10"),
    IPv6Network("3fff::/20"),
    IPv6Network("5f00::/16"),
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = IPv6Network("::/96")


def is_public(text: str) -> bool:
    """Whether *text* is an address of the public network: no loopback, private, link-local, shared or reserved one.

    An IPv6 address that leads to one of IPv4 (mapped, 6to4, Teredo, NAT64) is judged by that one too; cloud metadata
    services (169.254.169.254, 100.100.100.200, fd00:ec2::254) stand in ranges that are not public.

    >>> is_public("93.184.216.34"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False)
    """
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return all(_is_outside(one) for one in _meant(address))


def _is_outside(address: IPv4Address | IPv6Address) -> bool:
    if any(address in one for one in _ALSO_INSIDE):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _meant(address: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    if isinstance(address, IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    embedded: list[IPv4Address | IPv6Address] = []
    if address.sixtofour is not None:
        embedded.append(address.sixtofour)
    if address.teredo is not None:
        embedded += address.teredo
    if address in _COMPATIBLE:
        embedded.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if any(address in one for one in _NAT64):
        # A translator hands it on to an address of IPv4; the prefix itself counts as neither private nor global.
        return [IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address, *embedded]
