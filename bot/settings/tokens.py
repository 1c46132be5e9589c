"""The setting that says who may ask `acknet serve` from another machine: named tokens, kept as digests."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from typing import Annotated, Literal, NamedTuple, Self, get_args

from pydantic import BeforeValidator, PlainSerializer, SerializationInfo, WithJsonSchema

__all__ = ["LOCAL", "TOKEN_SCOPES", "ApiToken", "ApiTokens", "TokenScope", "digest_of"]

TokenScope = Literal["ask", "diagnose", "alerts", "admin"]
"""What a token is good for: ``ask`` questions and look into what they paste; ``diagnose``: that, and look into the live
cluster; ``alerts``: deliver alerts; ``admin``: read what others asked and could not be answered."""

TOKEN_SCOPES: tuple[TokenScope, ...] = get_args(TokenScope)

LOCAL = "local"
"""Stands for whoever asks from this machine without a token; no token has this name."""

_PREFIX = "acknet_"
_WRITTEN = re.compile(r"(?P<name>[a-z0-9][a-z0-9._-]{0,63}):(?P<scopes>[a-z]+(\+[a-z]+)*):(?P<digest>[0-9a-f]{64})")
_EXAMPLE = "such as ci:ask+diagnose:DIGEST, as acknet token new prints it"


def digest_of(token: str) -> str:
    """Return what is kept of ``token``: its SHA-256. It is 256 random bits, which nobody finds by trying."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class ApiToken(NamedTuple):
    """A token as the settings hold it: its name, what it is good for, and the digest by which it is known again."""

    name: str
    scopes: frozenset[TokenScope]
    digest: str

    @classmethod
    def new(cls, name: str, scopes: Iterable[TokenScope]) -> tuple[Self, str]:
        """Return a new token as the settings hold it, and the token itself, which is kept nowhere.

        Raises ValueError when the name or the scopes cannot be used.
        """
        token = _PREFIX + secrets.token_urlsafe(32)
        return cls.parse(f"{name}:{'+'.join(scopes)}:{digest_of(token)}"), token

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``NAME:SCOPE+SCOPE:DIGEST``; raises ValueError, without the text."""
        written = _WRITTEN.fullmatch(text.strip())
        if written is None or written["name"] == LOCAL:
            raise ValueError(_EXAMPLE)
        scopes = frozenset(scope for scope in TOKEN_SCOPES if scope in written["scopes"].split("+"))
        if len(scopes) != len(written["scopes"].split("+")):
            raise ValueError(f"scopes are {', '.join(TOKEN_SCOPES)}")
        return cls(written["name"], scopes, written["digest"])

    @property
    def line(self) -> str:
        """The token as it is written into the settings."""
        return f"{self}:{self.digest}"

    def __str__(self) -> str:
        return f"{self.name}:{'+'.join(scope for scope in TOKEN_SCOPES if scope in self.scopes)}"


def _listed(value: object) -> object:
    if isinstance(value, str):
        value = [part for part in value.replace("\n", ",").split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        raise ValueError(_EXAMPLE)  # noqa: TRY004 (pydantic passes only ValueError on)
    tokens = tuple(one if isinstance(one, ApiToken) else ApiToken.parse(str(one)) for one in value)
    names = [token.name for token in tokens]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"two tokens have the name {min(repeated)}")
    return tokens


def _shown(tokens: tuple[ApiToken, ...], info: SerializationInfo) -> object:
    return tokens if info.mode == "python" else list(map(str, tokens))


ApiTokens = Annotated[
    tuple[ApiToken, ...],
    BeforeValidator(_listed),
    PlainSerializer(_shown),
    WithJsonSchema({"type": "array", "items": {"type": "string"}}),
]
"""Tokens: a list in TOML, with commas between them in the environment; shown without their digests."""
