"""Stable stand-ins for cloud ids and addresses, for those who may not show theirs."""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import string
from collections.abc import Mapping
from functools import partial
from typing import Any

__all__ = ["Pseudonyms"]

_IDS = re.compile(
    r"(?<![A-Za-z0-9-])(?P<kind>i|eni|vsw|vpc|sg|ngw|rtb|vtb|eip|lb|nlb|alb|acl|ipv6gw|ipv6|snat|cen|np|d)"
    r"-(?=[a-z]*\d)(?P<id>[a-z0-9]{8,40})(?![A-Za-z0-9-])"
)
_ACCOUNT = re.compile(
    r"(?P<before>(?:\b(?:ali)?uid|account|account[_-]?id|owner|owner[_-]?id|user[_-]?id|parentuid)[\"'\\:=\s]{1,6}"
    r"|\bacs:\w{1,20}:[\w-]{0,20}:)(?P<id>\d{16})(?!\d)",
    re.IGNORECASE,
)
# Not in versions (v0.15.1.4, flannel:1.15.1.4-e02c8f12): those have letters around.
_IPV4 = re.compile(
    r"(?<![A-Za-z0-9_-])(?<!\d\.)(?P<ip>\d{1,3}(?:\.\d{1,3}){3})(?P<length>/\d{1,2})?(?![\w+]|\.\d|-[a-z0-9]*[a-z])"
)
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f:]*\d)(?P<ip>(?:[0-9A-Fa-f]{1,4}:|::?){1,7}(?:[0-9A-Fa-f]{1,4}|:)?)(?P<length>/\d{1,3})?(?![\w:])"
)
_MAX_DEPTH = 150

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# How many leading bits stay in each of these ranges, so that an address remains of its sort (private, public, …).
_KEPT_BITS = tuple(
    (ipaddress.ip_network(network), bits)
    for network, bits in (
        ("10.0.0.0/8", 8),
        ("172.16.0.0/12", 12),
        ("192.168.0.0/16", 16),
        ("100.64.0.0/10", 10),
        ("fc00::/7", 8),
        ("2000::/3", 16),
    )
)
_SPECIAL_FIRST_OCTETS = frozenset({100, 169, 172, 192, 198, 203})


class Pseudonyms:
    """Replaces cloud ids, account uids and addresses, each one always by the same, as long as this object lives.

    Pseudonyms look like what they stand for. Two addresses that share their first n bits share as many afterwards, so
    that "in the same subnet" stays true. Loopback, link-local, multicast and unspecified addresses stay.
    """

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key if key is not None else secrets.token_bytes(32)
        self._known: dict[str, str] = {}
        self._taken: set[str] = set()
        self._bits: dict[tuple[int, int, int], int] = {}

    def text(self, text: str) -> str:
        """Return ``text`` with pseudonyms."""
        text = _IDS.sub(lambda found: f"{found['kind']}-{self._name(found['id'])}", text)
        text = _ACCOUNT.sub(lambda found: found["before"] + self._name(found["id"]), text)
        text = _IPV6.sub(partial(self._replaced, version=6), text)
        return _IPV4.sub(partial(self._replaced, version=4), text)

    def object(self, obj: Any) -> Any:
        """Return a copy of a JSON value with pseudonyms in all its texts, keys too."""
        return self._value(obj, 0)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if depth >= _MAX_DEPTH:
            return None
        if isinstance(value, Mapping):
            return {self.text(key): self._value(child, depth + 1) for key, child in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(child, depth + 1) for child in value]
        return value

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=self._key[:64], digest_size=64).digest()

    def _name(self, name: str) -> str:
        """Return a word of the same length with digits for digits and letters for letters."""
        attempt = 0
        while name not in self._known:
            digest = self._digest(f"{name}/{attempt}")
            other = "".join(
                string.digits[byte % 10] if char.isdigit() else string.ascii_lowercase[byte % 26]
                for char, byte in zip(name, digest, strict=False)
            )
            if other not in self._taken:
                self._known[name] = other
                self._taken.add(other)
            attempt += 1
        return self._known[name]

    def _replaced(self, found: re.Match[str], *, version: int) -> str:
        try:
            address = ipaddress.IPv4Address(found["ip"]) if version == 4 else ipaddress.IPv6Address(found["ip"])
        except ValueError:
            return found[0]
        suffix = found["length"] or ""
        width = address.max_prefixlen
        length = int(suffix[1:]) if suffix else width
        if length > width:
            return found[0]
        is_network = int(address) & ((1 << (width - length)) - 1) == 0
        return f"{self._address(address, length if is_network else width)}{suffix}"

    def _address(self, address: _Address, length: int) -> _Address:
        """Return the address with each of its first ``length`` bits flipped or not, as the bits before it decide."""
        if address.is_loopback or address.is_link_local or address.is_multicast or address.is_unspecified:
            return address
        if address.version == 4 and (int(address) >> 24 == 0 or int(address) >> 24 >= 240):  # masks, broadcast
            return address
        value, width = int(address), address.max_prefixlen
        mapped = value
        for position in range(_kept_bits(address), length):
            bit = width - position - 1
            mapped ^= self._flip(address.version, position, value >> (bit + 1)) << bit
        return type(address)(mapped)

    def _flip(self, version: int, position: int, prefix: int) -> int:
        key = (version, position, prefix)
        if key not in self._bits:
            self._bits[key] = self._digest(f"{version}/{position}/{prefix}")[0] & 1
        return self._bits[key]


def _kept_bits(address: _Address) -> int:
    for network, bits in _KEPT_BITS:
        if address.version == network.version and address in network:
            return bits
    if address.version == 6:
        return 16
    return 16 if int(address) >> 24 in _SPECIAL_FIRST_OCTETS else 8
