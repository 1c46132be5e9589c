"""The API server's version, and versions as image tags give them."""

from __future__ import annotations

import re

from bot.diagnosis.facts.registry import Facts, fact
from bot.diagnosis.observation import Fact, Observation
from corpus import Version, parse_version

__all__ = ["Server", "at_least", "image_tag", "image_version", "server"]

_DIGEST = re.compile(r"@sha256:[0-9a-f]*$")


def image_tag(image: str) -> str:
    """Return the tag of an image reference; empty when it has none (a registry's port is none, nor is a digest)."""
    plain = _DIGEST.sub("", image)
    last = plain.rpartition("/")[2]
    return last.rpartition(":")[2] if ":" in last else ""


def image_version(image: str) -> Version | None:
    """Return the leading dotted numbers of an image's tag; None for none: then the version is unknown, not old.

    Suffixes such as ``-e02c8f12-aliyun`` say nothing about order.
    """
    return parse_version(image_tag(image))


def at_least(version: Version | None, *least: int) -> bool | None:
    """Compare element by element, missing ones counting as 0; None when the version is not known."""
    if version is None:
        return None
    width = max(len(version), len(least))
    return (*version, *[0] * (width - len(version))) >= (*least, *[0] * (width - len(least)))


class Server(Fact):
    """The API server: ``version`` as it says it, ``numbers`` its leading numbers (empty when unknown)."""

    version: str
    numbers: tuple[int, ...]
    evidence: tuple[Observation, ...]


@fact("server", Server, kubectl="kubectl version")
async def server(facts: Facts) -> Server:
    """The API server's version. Nodes may lag behind it; gates on kubelet and kube-proxy use theirs."""
    version = await facts.reads.version()
    seen = Observation(object="API server", field="gitVersion", value=version, kubectl="kubectl version")
    return Server(version=version, numbers=parse_version(version.removeprefix("v")) or (), evidence=(seen,))
