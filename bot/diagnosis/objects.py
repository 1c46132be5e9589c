"""Reading fields of Kubernetes objects, which come from strangers and may lack or mistype anything."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from bot.diagnosis.reader import Object

__all__ = [
    "at",
    "controller",
    "first_text",
    "is_partial",
    "items",
    "labels",
    "name",
    "namespace",
    "number",
    "reference",
    "text",
    "texts",
    "time",
    "times_changed",
]

PARTIAL = "acknet.io/partial"
"""Annotation of objects that were put together from `kubectl describe` or a table: what they lack may well be there."""


def at(value: object, *path: str | int) -> Any:
    """Return what lies at ``path`` of keys and positions, or None where the path ends early."""
    for key in path:
        if isinstance(value, Mapping) and isinstance(key, str):
            value = value.get(key)
        elif isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
            value = value[key]
        else:
            return None
    return value


def text(value: object, *path: str | int) -> str:
    """Return the string at ``path``; empty when there is none. Numbers and booleans are written as JSON does."""
    found = at(value, *path)
    if isinstance(found, bool):
        return "true" if found else "false"
    return str(found) if isinstance(found, str | int | float) else ""


def number(value: object, *path: str | int) -> int | None:
    """Return the whole number at ``path``, also where it is written as a string; None when there is none."""
    found = at(value, *path)
    if isinstance(found, bool):
        return None
    if isinstance(found, int):
        return found
    return int(found) if isinstance(found, str) and found.strip().lstrip("-").isdecimal() else None


def items(value: object, *path: str | int) -> Iterator[Mapping[str, Any]]:
    """Yield the objects of the list at ``path``; nothing when there is none."""
    found = at(value, *path)
    if isinstance(found, list):
        yield from (item for item in found if isinstance(item, Mapping))


def texts(value: object, *path: str | int) -> list[str]:
    """Return the strings of the list at ``path``; nothing when there is none."""
    found = at(value, *path)
    return [item for item in found if isinstance(item, str)] if isinstance(found, list) else []


def first_text(value: object, *paths: tuple[str | int, ...]) -> str:
    """Return the first non-empty string among several paths."""
    return next((found for path in paths if (found := text(value, *path))), "")


def name(value: Object) -> str:
    """Return ``metadata.name``."""
    return text(value, "metadata", "name")


def namespace(value: Object) -> str:
    """Return ``metadata.namespace``; empty for objects of the cluster."""
    return text(value, "metadata", "namespace")


def labels(value: object, *path: str | int) -> dict[str, str]:
    """Return the map of strings at ``path`` (``metadata.labels`` without one)."""
    found = at(value, *(path or ("metadata", "labels")))
    return {key: item for key, item in found.items() if isinstance(item, str)} if isinstance(found, Mapping) else {}


def reference(kind: str, value: Object) -> str:
    """Name an object as people do: ``Pod shop/web-0``, ``Node cn-hangzhou.10.0.0.11``."""
    where = namespace(value)
    return f"{kind} {where}/{name(value)}" if where else f"{kind} {name(value)}"


def time(value: object, *path: str | int) -> dt.datetime | None:
    """Return the time at ``path`` with its zone; None when there is none or it is none."""
    found = at(value, *path)
    if isinstance(found, dt.datetime):
        return found if found.tzinfo else found.replace(tzinfo=dt.UTC)
    if not isinstance(found, str):
        return None
    try:
        parsed = dt.datetime.fromisoformat(found)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=dt.UTC)


def times_changed(value: Object) -> dt.datetime | None:
    """Return when an object was last changed, by its ``managedFields``; None where they are missing.

    Changes of the status alone do not count.
    """
    changes = [
        when
        for entry in items(value, "metadata", "managedFields")
        if text(entry, "subresource") != "status" and (when := time(entry, "time"))
    ]
    return max(changes, default=None)


def controller(value: Object) -> tuple[str, str]:
    """Return kind and name of the controlling owner; two empty strings when there is none."""
    for owner in items(value, "metadata", "ownerReferences"):
        if at(owner, "controller") is True:
            return text(owner, "kind"), text(owner, "name")
    return "", ""


def is_partial(value: Object) -> bool:
    """Tell whether fields that the object lacks may be there all the same."""
    return PARTIAL in labels(value, "metadata", "annotations")
