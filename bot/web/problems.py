"""Every error as problem details (RFC 9457), none with anything of the inside in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from bot.look import SourceError
from bot.opening import NotReady
from bot.pool import Overloaded
from bot.store import StoreUnavailable
from bot.web.models import FieldError, PartState, Problem
from bot.web.pages.errors import error_page, wants_page

if TYPE_CHECKING:
    from starlette.types import Scope

__all__ = ["PROBLEMS", "ProblemError", "as_problem", "install_problem_handlers", "problem_response", "request_id"]

_MEDIA_TYPE = "application/problem+json"
_MOST_ERRORS = 20
_LONGEST_ECHO = 100


class ProblemError(HTTPException):
    """Raised to answer with problem details.

    ``kind`` names the problem's type, None for one that its status says in full; ``errors``, ``closest`` and
    ``parts`` go out with it.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        kind: str | None = None,
        headers: Mapping[str, str] | None = None,
        errors: Iterable[FieldError] = (),
        closest: Iterable[str] = (),
        parts: Mapping[str, PartState] | None = None,
    ) -> None:
        super().__init__(status_code=status, detail=detail, headers=dict(headers or {}))
        self.kind = kind
        self.errors = tuple(errors)
        self.closest = tuple(closest)
        self.parts = parts


_TITLES = {
    "bad-signature": "The signature is wrong",
    "body-too-large": "The body is too large",
    "cross-site": "Sent by a page of another site",
    "internal-error": "acknet failed",
    "invalid-request": "The request does not have the right form",
    "missing-scope": "The token is not good for this",
    "no-cluster-access": "No cluster access",
    "not-kept": "Nothing can be kept now",
    "not-json": "The body is not JSON",
    "not-ready": "The index is not open",
    "not-remembered": "What acknet remembers cannot be reached",
    "overloaded": "Too many questions at once",
    "rate-limited": "Too many requests",
    "slow-body": "The body came too slowly",
    "unauthorized": "A token is needed",
    "unknown-answer": "No such answer",
    "unknown-entry": "No such entry",
}


PROBLEMS = (ProblemError, NotReady, Overloaded, SourceError, StoreUnavailable)
"""What a service raises that is not its own failure; `as_problem` says it over HTTP."""


def as_problem(error: Exception) -> ProblemError:
    """Say one of `PROBLEMS` as problem details."""
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, SourceError):
        return ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            f"There is nothing to look into: {error.public}. Ask without diagnose.",
            kind="no-cluster-access",
        )
    if isinstance(error, StoreUnavailable):
        return ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            f"What acknet remembers cannot be reached ({error.reason}); answers go on without. Try again.",
            kind="not-remembered",
            headers={"Retry-After": "5"},
        )
    retry_after = error.retry_after if isinstance(error, NotReady) else 1
    return ProblemError(
        HTTPStatus.SERVICE_UNAVAILABLE,
        str(error),
        kind="not-ready" if isinstance(error, NotReady) else "overloaded",
        headers={"Retry-After": str(retry_after)} if retry_after else {},
    )


def request_id(scope: Scope) -> str | None:
    """Return the id that the outermost layer gave the request."""
    found: str | None = scope.get("state", {}).get("request_id")
    return found


def problem_response(error: ProblemError, scope: Scope | None = None) -> Response:
    """Render ``error`` for the request of ``scope`` (None where there was no request that could be read).

    A browser gets a page that says the same.
    """
    status = HTTPStatus(error.status_code)
    problem = Problem(
        type=f"urn:acknet:problem:{error.kind}" if error.kind else "about:blank",
        title=_TITLES[error.kind] if error.kind else status.phrase,
        status=status,
        detail=error.detail,
        request_id=request_id(scope) if scope else None,
        errors=error.errors or None,
        closest=error.closest or None,
        parts=dict(error.parts) if error.parts else None,
    )
    if scope is not None and wants_page(scope):
        return error_page(problem, error.headers or {}, scope)
    body = problem.model_dump_json(exclude_none=True)
    return Response(body, status_code=status, headers=error.headers, media_type=_MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Make ``app`` answer with problem details whatever is wrong with a request."""

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return problem_response(_explained(error, request), request.scope)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return problem_response(_invalid(error), request.scope)

    async def not_done(request: Request, error: Exception) -> Response:
        return problem_response(as_problem(error), request.scope)

    app.add_exception_handler(HTTPException, http_error)
    for kind in (NotReady, Overloaded, SourceError, StoreUnavailable):
        app.add_exception_handler(kind, not_done)
    app.add_exception_handler(RequestValidationError, invalid)


def _explained(error: HTTPException, request: Request) -> ProblemError:
    """Give the framework's own errors, which say no more than their status, a sentence that helps."""
    if isinstance(error, ProblemError):
        return error
    status = HTTPStatus(error.status_code)
    headers = dict(error.headers or {})
    path = request.scope["raw_path"].decode("ascii", "replace")[:_LONGEST_ECHO]
    if status is HTTPStatus.NOT_FOUND:
        return ProblemError(status, f"There is nothing at {path}; /openapi.json lists what there is.")
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        methods = {method.strip() for method in headers.get("Allow", headers.get("allow", "")).split(",")}
        allowed = ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
        return ProblemError(status, f"{path} takes {allowed}.", headers={"Allow": allowed})
    return ProblemError(status, str(error.detail), headers=headers)


def _invalid(error: RequestValidationError) -> ProblemError:
    found = error.errors()
    errors = [FieldError(detail=_detail(item), pointer=_pointer(item["loc"])) for item in found[:_MOST_ERRORS]]
    wrong = f"{len(found)} things are wrong" if len(found) > 1 else "One thing is wrong"
    listed = "; the first ones are listed" if len(found) > len(errors) else ""
    return ProblemError(
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"{wrong} with the request{listed}.",
        kind="invalid-request",
        errors=errors,
    )


_SAID = {"extra_forbidden": "unknown field", "missing": "is required"}


def _detail(item: Mapping[str, Any]) -> str:
    message: str = _SAID.get(item["type"], item["msg"])
    return message


def _pointer(location: Iterable[int | str]) -> str:
    # The first step says whether it is the body, the path or the query; only the body's have pointers of more steps.
    steps = [str(step)[:_LONGEST_ECHO] for step in location][1:]
    return "#" + "".join("/" + quote(step.replace("~", "~0").replace("/", "~1"), safe="~") for step in steps)
