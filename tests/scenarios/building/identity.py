"""Names, ids and times that are the same on every run."""

from __future__ import annotations

import hashlib
import re
import uuid

__all__ = [
    "ago",
    "cloud_id",
    "container_id",
    "image_digest",
    "mac_address",
    "pod_suffix",
    "request_id",
    "shorter",
    "template_hash",
    "uid",
]

_ROOT = uuid.UUID("5b1c1f0e-6c43-4d0a-9d0e-0f7a8a2b6d11")
_SPAN = re.compile(r"\+?\d+[smhd]")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_CLOUD_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"


def ago(span: str) -> str:
    """Return the placeholder of a time: ``5m`` is five minutes ago, ``+11h`` in eleven hours, ``0s`` now."""
    if not _SPAN.fullmatch(span):
        raise ValueError(f"no time span: {span!r}")
    if span == "0s":
        return "{{now}}"
    return f"{{{{now{span}}}}}" if span.startswith("+") else f"{{{{now-{span}}}}}"


def shorter(one: str, other: str) -> str:
    """The shorter of two time spans."""
    return min(one, other, key=lambda span: int(span[:-1]) * _SECONDS[span[-1]])


def uid(*parts: str) -> str:
    return str(uuid.uuid5(_ROOT, "/".join(parts)))


def request_id(*parts: str) -> str:
    """As Alibaba Cloud's OpenAPI gives them."""
    return uid("request", *parts).upper()


def cloud_id(prefix: str, *parts: str) -> str:
    """An id such as ``vsw-bp1…``, ``eni-bp1…``."""
    return f"{prefix}-bp1{_letters(_CLOUD_LETTERS, 17, prefix, *parts)}"


def pod_suffix(*parts: str) -> str:
    return _letters(_SUFFIX_LETTERS, 5, *parts)


def template_hash(*parts: str) -> str:
    return _letters(_SUFFIX_LETTERS, 9, "template", *parts)


def mac_address(*parts: str) -> str:
    tail = _hex("mac", *parts)
    return f"00:16:3e:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"


def container_id(*parts: str) -> str:
    return _hex("container", *parts)


def image_digest(image: str) -> str:
    return _hex("image", image)


def _hex(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _letters(alphabet: str, length: int, *parts: str) -> str:
    number = int(_hex(*parts), 16)
    drawn = []
    for _ in range(length):
        number, index = divmod(number, len(alphabet))
        drawn.append(alphabet[index])
    return "".join(drawn)
