"""What is said of a request that acknet itself failed at: to the log where, to whoever asked an id to quote."""

from __future__ import annotations

import logging
import traceback
from http import HTTPStatus

from bot.web.problems import ProblemError

__all__ = ["crash"]

_logger = logging.getLogger("acknet.http")


def crash(identifier: str, error: BaseException) -> ProblemError:
    """Log where ``error`` happened, without its message, which may quote the request; return the problem to answer."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        lines += [f"{type(seen).__module__}.{type(seen).__qualname__} at\n", *traceback.format_tb(seen.__traceback__)]
        seen = seen.__cause__ or seen.__context__
    _logger.error("request %s failed: %s", identifier, "".join(lines).rstrip())
    return ProblemError(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        f"acknet could not serve this request; its log tells more under request {identifier}.",
        kind="internal-error",
    )
