"""Component versions as ACK writes them, and gates such as ``terway >= 1.8.0``.

ACK tags are not semantic versions: ``v0.15.1.11-7e95fe23-aliyun`` has four numbers, and the suffix of
``v1.13.2-1718bc8`` is a commit, not a pre-release. Only the leading dotted integers have an order.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Literal, Self, get_args

from pydantic import BaseModel, ConfigDict

__all__ = ["Component", "Gate", "Version", "components", "parse_version", "version_name"]

Component = Literal["terway", "flannel", "kubernetes", "kubelet", "kube-proxy"]
Version = tuple[int, ...]

_LEADING = re.compile(r"v?(\d{1,9}(?:\.\d{1,9})*)(?!\d)", re.ASCII)
_GATE = re.compile(r"(?P<component>[a-z-]+)\s*(?P<op>>=|<=|==|>|<)\s*v?(?P<version>\d{1,9}(?:\.\d{1,9})*)$", re.ASCII)
_OPERATORS: dict[str, Callable[[Version, Version], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    ">": operator.gt,
    "<": operator.lt,
}


def components() -> tuple[str, ...]:
    """Return the names that a gate may test."""
    return get_args(Component)


def parse_version(text: str) -> Version | None:
    """Return the leading dotted integers of ``text``, or None when it does not begin with a version."""
    match = _LEADING.match(text.strip())
    return tuple(int(part) for part in match[1].split(".")) if match else None


def version_name(version: Version) -> str:
    """Return ``version`` as its tag begins: ``v1.8.0``."""
    return "v" + ".".join(map(str, version))


def _padded(left: Version, right: Version) -> tuple[Version, Version]:
    width = max(len(left), len(right))
    return left + (0,) * (width - len(left)), right + (0,) * (width - len(right))


class Gate(BaseModel):
    """One comparison of a component's version; a statement with gates holds when all of them do."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    component: Component
    op: Literal[">=", "<=", "==", ">", "<"]
    version: Version

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``terway >= 1.8.0``; raise ValueError when it is not a gate."""
        match = _GATE.match(text.strip())
        if not match:
            raise ValueError(f"not a version gate: {text.strip()!r} (write it like 'terway >= 1.8.0')")
        if match["component"] not in components():
            raise ValueError(f"a gate cannot test {match['component']!r}; it can: {', '.join(components())}")
        version = parse_version(match["version"])
        return cls.model_validate({"component": match["component"], "op": match["op"], "version": version})

    def holds(self, known: Mapping[str, Version]) -> bool | None:
        """Tell whether the gate holds for the ``known`` versions, or None when its component's is not known.

        A version known only to fewer places than the gate needs decides what it can: a bare ``1`` says nothing
        about ``>= 1.8.0``, and ``1.8`` is enough for ``>= 1.8.0`` but not for ``> 1.8.0``.
        """
        have = known.get(self.component)
        if have is None:
            return None
        rest = self.version[len(have) :]
        if rest and have == self.version[: len(have)] and (any(rest) or self.op not in {">=", "<"}):
            return None
        return _OPERATORS[self.op](*_padded(have, self.version))

    def __str__(self) -> str:
        return f"{self.component} {self.op} {'.'.join(map(str, self.version))}"
