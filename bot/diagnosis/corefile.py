"""CoreDNS's Corefile: server blocks, their plugins, and which names CoreDNS answers from the cluster alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

__all__ = ["ClusterZone", "Plugin", "ServerBlock", "cluster_zones", "read_corefile"]

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_MAX_DEPTH = 20
_CIDR = re.compile(r"[0-9a-fA-F.:]+/\d{1,3}\Z")
_REVERSE = ("in-addr.arpa", "ip6.arpa")


@dataclass(frozen=True, slots=True)
class Plugin:
    """A line of a server block: its name, its arguments and the lines in its own braces."""

    name: str
    args: tuple[str, ...]
    options: tuple[Plugin, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerBlock:
    """A server block, or a snippet in parentheses; ``keys`` as written (``.:53``), ``zones`` without port or scheme."""

    keys: tuple[str, ...]
    plugins: tuple[Plugin, ...]

    @property
    def is_snippet(self) -> bool:
        """Whether it only takes effect where it is imported."""
        return len(self.keys) == 1 and self.keys[0].startswith("(")

    @property
    def zones(self) -> tuple[str, ...]:
        """The zones it is responsible for, lower case without the final dot; the root is empty."""
        return tuple(_zone(re.sub(r"(?<=.):\d+\Z", "", key.rpartition("://")[2])) for key in self.keys)

    def named(self, plugin: str) -> tuple[Plugin, ...]:
        """Return its plugins of that name."""
        return tuple(one for one in self.plugins if one.name == plugin)


@dataclass(frozen=True, slots=True)
class ClusterZone:
    """A domain that CoreDNS answers from the cluster's Services.

    ``passes_on``: names of it that the cluster does not know are asked elsewhere (``fallthrough``).
    """

    domain: str
    passes_on: bool


def read_corefile(text: str) -> tuple[ServerBlock, ...] | None:
    """Read a Corefile; None where its braces do not match, so that CoreDNS would not read it either."""
    lines = [tokens for line in text.splitlines() if (tokens := _tokens(line))]
    at, blocks = 0, []
    while at < len(lines):
        head = lines[at]
        # The keys of a block may stand on several lines, with commas.
        while head[-1] != "{" and at + 1 < len(lines) and head[-1].endswith(","):
            at += 1
            head = [*head, *lines[at]]
        if head[-1] != "{":
            # An import beside the blocks, or a file of one block without braces.
            if head[0] != "import":
                return None
            blocks.append(ServerBlock((), (Plugin("import", tuple(head[1:])),)))
            at += 1
            continue
        body = _body(lines, at + 1, 0)
        if body is None:
            return None
        plugins, at = body
        keys = tuple(part for key in head[:-1] for part in key.split(",") if part)
        blocks.append(ServerBlock(keys, plugins))
    return tuple(blocks)


def _tokens(line: str) -> list[str]:
    found = []
    for token in _TOKEN.findall(line.lstrip("\ufeff")):
        if token.startswith("#"):
            break
        found.append(token.strip('"') if token.startswith('"') else token)
    return found


def _body(lines: Sequence[Sequence[str]], at: int, depth: int) -> tuple[tuple[Plugin, ...], int] | None:
    """Read lines up to the closing brace; None where it is missing."""
    found: list[Plugin] = []
    while at < len(lines) and depth < _MAX_DEPTH:
        line = lines[at]
        at += 1
        if line[0] == "}":
            return tuple(found), at
        if line[-1] == "{":
            inner = _body(lines, at, depth + 1)
            if inner is None:
                return None
            options, at = inner
            found.append(Plugin(line[0], tuple(line[1:-1]), options))
        else:
            found.append(Plugin(line[0], tuple(line[1:])))
    return None


def _zone(name: str) -> str:
    return name.lower().rstrip(".")


def _is_domain(zone: str) -> bool:
    return bool(zone) and not zone.endswith(_REVERSE) and not _CIDR.match(zone)


def _covers(zone: str, domain: str) -> bool:
    return not zone or domain == zone or domain.endswith(f".{zone}")


def cluster_zones(blocks: Sequence[ServerBlock]) -> Iterator[ClusterZone]:
    """Yield the cluster domains: the zones of the plugin ``kubernetes``, or of its server block where it names none."""
    for block in blocks:
        for plugin in block.named("kubernetes"):
            zones = [_zone(argument) for argument in plugin.args] or list(block.zones)
            through = [option for option in plugin.options if option.name == "fallthrough"]
            for domain in dict.fromkeys(filter(_is_domain, zones)):
                passes = any(not one.args or any(_covers(_zone(zone), domain) for zone in one.args) for one in through)
                yield ClusterZone(domain, passes)
