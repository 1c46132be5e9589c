"""What an API server answers: objects as JSON, and failures in its own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.diagnosis.resources import Resource
from tests.doubles.kubernetes_rbac import Wish
from tests.doubles.kubernetes_watches import Watch

__all__ = [
    "TEXT",
    "USER",
    "Failure",
    "Reply",
    "absent",
    "as_json",
    "expired",
    "forbidden",
    "not_allowed",
    "status_of",
    "too_small",
    "unmatched",
    "unreadable_version",
]

USER = "acknet"
"""Who everybody is."""
TEXT = "text/plain; charset=utf-8"
_INCONSISTENT = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter, or use the continue token in this response to retrieve the remainder of the results. "
    "Continuing with the provided token results in an inconsistent list - objects that were created, modified, or "
    "deleted between the time the first chunk was returned and now may show up in the list."
)
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


@dataclass
class Reply:
    """What goes back; the events of a ``watch`` follow it."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] | None = None
    watch: Watch | None = None


class Failure(Exception):
    """A failure, with the Status that says so; without ``details`` it has none, which is not the same as empty ones."""

    def __init__(self, status: int, message: str, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.reply = status_of(status, message, details)


def as_json(value: Mapping[str, Any], status: int = 200) -> Reply:
    """Return an object as the server writes it."""
    return Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def status_of(status: int, message: str, details: Mapping[str, Any] | None) -> Reply:
    """Return the Status of a failure."""
    said: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    said |= {"message": message, "reason": _REASONS.get(status, "Unknown")}
    if details is not None:
        said["details"] = details
    return as_json(said | {"code": status}, status)


def expired(rest: str | None) -> Reply:
    """A list of a time that is forgotten; ``rest`` is a token for what is left of it now, where pages were read."""
    if rest is None:
        return status_of(410, "The resourceVersion for the provided list is too old.", None)
    reply = status_of(410, _INCONSISTENT, None)
    return as_json({**json.loads(reply.body), "metadata": {"continue": rest}}, 410)


def not_allowed() -> Failure:
    """No such method here."""
    return Failure(405, "the server does not allow this method on the requested resource", {})


def too_small(pod: str, field: str, value: int, wanted: str) -> Failure:
    """A number of a log's options is less than it can be."""
    what = f"Invalid value: {value}: must be {wanted}"
    causes = [{"reason": "FieldValueInvalid", "message": what, "field": field}]
    details = {"name": pod, "kind": "PodLogOptions", "causes": causes}
    return Failure(422, f'PodLogOptions "{pod}" is invalid: {field}: {what}', details)


def unmatched() -> Failure:
    """A match of no version."""
    field, why = "resourceVersionMatch", "resourceVersionMatch is forbidden unless resourceVersion is provided"
    causes = [{"reason": "FieldValueForbidden", "message": f"Forbidden: {why}", "field": field}]
    details = {"group": "meta.k8s.io", "kind": "ListOptions", "causes": causes}
    return Failure(422, f'ListOptions.meta.k8s.io "" is invalid: {field}: Forbidden: {why}', details)


def unreadable_version(text: str) -> str:
    """Return what is said of a version that is no number."""
    return f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'


def absent(kind: Resource, name: str) -> Failure:
    """No object of this name."""
    group = {"group": kind.group} if kind.group else {}
    details = {"name": name, **group, "kind": kind.plural}
    return Failure(404, f'{_told_apart(kind.plural, kind.group)} "{name}" not found', details)


def forbidden(wish: Wish) -> Failure:
    """No role grants it."""
    plural = wish.resource.partition("/")[0]
    thing = _told_apart(plural, wish.group)
    named = f'{thing} "{wish.name}"' if wish.name else thing
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    details = {"name": wish.name} if wish.name else {}
    details |= {"group": wish.group} if wish.group else {}
    return Failure(
        403,
        f'{named} is forbidden: User "{USER}" cannot {wish.verb} resource "{wish.resource}" '
        f'in API group "{wish.group}" {where}',
        {**details, "kind": plural},
    )


def _told_apart(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural
