"""Who asks over HTTP, and what that caller may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request

from bot.settings.tokens import LOCAL, TOKEN_SCOPES, TokenScope
from bot.web.problems import ProblemError

__all__ = ["LOCAL_CALLER", "Caller", "caller_of", "needs"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request: the ``name`` of a token, or `LOCAL` for whoever asks from this machine without one."""

    name: str
    scopes: frozenset[TokenScope]

    def may(self, scope: TokenScope) -> bool:
        """Tell whether the caller may do what ``scope`` stands for; who may look into the cluster may also ask."""
        return scope in self.scopes or (scope == "ask" and "diagnose" in self.scopes)


LOCAL_CALLER = Caller(LOCAL, frozenset(TOKEN_SCOPES))


def caller_of(request: Request) -> Caller:
    """Return who sent ``request``; only on a part's own open paths is there nobody."""
    found: Caller = request.scope["state"]["caller"]
    return found


def needs(scope: TokenScope) -> Callable[[Request], Awaitable[None]]:
    """Return a dependency of routes that refuses, with 403, whoever may not do what ``scope`` stands for."""

    async def check(request: Request) -> None:
        caller = caller_of(request)
        if not caller.may(scope):
            raise ProblemError(
                HTTPStatus.FORBIDDEN,
                f"The token {caller.name!r} does not have the scope {scope!r}, which this takes.",
                kind="missing-scope",
            )

    return check
