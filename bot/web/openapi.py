"""The API's description at ``/openapi.json``: what each route answers with, problems included."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from bot.web.examples import EXAMPLES
from bot.web.models import Problem

__all__ = ["describe", "problems", "problems_with_body"]

_WHEN = {
    HTTPStatus.BAD_REQUEST: "The body is not UTF-8 JSON.",
    HTTPStatus.UNAUTHORIZED: "No token was sent, or an unknown one, and the request does not come from this machine.",
    HTTPStatus.FORBIDDEN: "The token is not good for this, or a page of another site sent the request.",
    HTTPStatus.NOT_FOUND: "There is nothing of this id; `closest` lists ids of entries that come near.",
    HTTPStatus.REQUEST_TIMEOUT: "The body came too slowly.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The body is too large.",
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: "The body is not declared as JSON.",
    HTTPStatus.TOO_MANY_REQUESTS: "The token was used too often; `Retry-After` says when it can be used again.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "The request has not the right form; `errors` lists what is wrong and where.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "acknet failed; its log tells more under the `request_id`.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The index is not open, or too many questions wait; `Retry-After` says when to try "
    "again where that helps.",
}


_EVERY = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
)
_SECURITY = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token that `acknet token new` made. From the machine that acknet runs on none is needed.",
    }
}


def problems(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that may answer with these problems, and with those that every route may."""
    every = sorted({*statuses, *_EVERY})
    return {int(status): {"model": Problem, "description": _WHEN[status]} for status in every}


def problems_with_body(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route that takes JSON and keeps, or asks, something, and what :func:`problems` has.

    The statuses are further ones.
    """
    return problems(
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        HTTPStatus.UNPROCESSABLE_ENTITY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        *statuses,
    )


def describe(app: FastAPI) -> None:
    """Make ``app`` describe its problems under their own media type, and give examples."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            for operations in schema["paths"].values():
                for operation in operations.values():
                    for status, response in operation["responses"].items():
                        if int(status) >= HTTPStatus.BAD_REQUEST:
                            content = response["content"]
                            content["application/problem+json"] = content.pop("application/json")
            schema["components"]["securitySchemes"] = _SECURITY
            schema["security"] = [{"token": []}, {}]
            for name, examples in EXAMPLES.items():
                # Here and not with the models: the framework drops every null of theirs.
                schema["components"]["schemas"][name]["examples"] = examples
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the framework's own way to change the description
