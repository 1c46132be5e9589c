"""Reads the forms of the page. That another site did not send them is known by then (`bot.web.access`)."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Request

from bot.web.problems import ProblemError

__all__ = ["Form", "read_form"]

_MEDIA_TYPE = "application/x-www-form-urlencoded"
_MOST_FIELDS = 500


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
    try:
        body = (await request.body()).decode("ascii")
        pairs = parse_qsl(body, keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise ProblemError(HTTPStatus.BAD_REQUEST, "The form cannot be read.") from error
    return Form(pairs)
