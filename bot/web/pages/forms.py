"""Reads the forms of the page. That another site did not send them is known by then (`bot.web.access`)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request

from bot.web.problems import ProblemError

__all__ = ["Form", "read_form"]

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 500
_LARGE = 64 * 1024


class Form:
    """The fields of a form, in order; a name may occur several times."""

    def __init__(self, pairs: Sequence[tuple[str, str]]) -> None:
        self._pairs = pairs

    def all(self, name: str) -> list[str]:
        """Return every value of ``name``, with the line ends of the shell and not of the web."""
        return [value.replace("\r\n", "\n") for key, value in self._pairs if key == name]

    def one(self, name: str) -> str:
        """Return the first value of ``name`` without blanks around it; empty when there is none."""
        return next(iter(self.all(name)), "").strip()


async def read_form(request: Request) -> Form:
    """Return the form of a request; raises ProblemError where it is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _MEDIA_TYPE:
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Send the form of the page.")
    body = await request.body()
    try:
        # A large paste takes a quarter of a second, for which others must not wait.
        pairs = _pairs(body) if len(body) < _LARGE else await asyncio.to_thread(_pairs, body)
    except ValueError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from error
    return Form(pairs)


def _pairs(body: bytes) -> list[tuple[str, str]]:
    return parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
