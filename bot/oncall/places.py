"""The places that alerts point at, and which of them are looked into: each once, and not without end."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bot.look import Scope
from bot.oncall.delivery import Alert
from bot.oncall.mapping import cluster_of, scope_of
from bot.settings import Settings

__all__ = ["Place", "new_places"]

_ROOM_FOR_WIDER = 4


@dataclass(frozen=True, slots=True)
class Place:
    """A scope in a cluster (None: the default one) that ``alerts`` point at; ``known``: it may be looked into."""

    scope: Scope
    cluster: str | None
    known: bool
    alerts: tuple[Alert, ...]

    @property
    def key(self) -> str:
        """Tells the place from all others."""
        scope = self.scope
        parts = [self.cluster or "", scope.namespace or "", scope.pod or "", scope.node or "", scope.service or ""]
        return "/".join([*parts, "" if self.known else "elsewhere"])

    @property
    def name(self) -> str:
        """How a person reads it."""
        scope = self.scope
        where = (
            f"{scope.namespace}/{scope.pod}" if scope.pod else f"namespace {scope.namespace}" if scope.namespace else ""
        )
        on = f"node {scope.node}" if scope.node else ""
        service = f"Service {scope.namespace}/{scope.service}" if scope.service else ""
        here = service if service and not scope.pod else where
        said = ", ".join(part for part in (here, on) if part) or "the cluster"
        return f"{said} ({self.cluster})" if self.cluster else said


def new_places(alerts: Iterable[Alert], settings: Settings, seen: Collection[str]) -> list[Place]:
    """Return the places of ``alerts`` that are not among the keys ``seen``, those with the most alerts first.

    Where there would be more than the settings allow, with those seen before, the places of one namespace (or node)
    become one, for which there is a little more room; what is left then becomes one place, the whole cluster.
    """
    room = settings.incident_looks - len(seen)
    found = _grouped(((_place(alert, settings), alert) for alert in alerts), seen)
    if len(found) <= room:
        return found
    room += _ROOM_FOR_WIDER
    found = _grouped(((_wider(place), alert) for place in found for alert in place.alerts), seen)
    if len(found) <= room:
        return found
    kept = max(room - 1, 0)
    rest = Place(Scope(), None, known=True, alerts=())
    return found[:kept] + _grouped(((rest, alert) for place in found[kept:] for alert in place.alerts), seen)


def _place(alert: Alert, settings: Settings) -> Place:
    cluster, known = cluster_of(alert, settings)
    return Place(scope_of(alert, settings), cluster, known, ())


def _wider(place: Place) -> Place:
    scope = place.scope
    wider = Scope(namespace=scope.namespace) if scope.namespace else Scope(node=scope.node)
    return Place(wider, place.cluster, place.known, ())


def _grouped(placed: Iterable[tuple[Place, Alert]], seen: Collection[str]) -> list[Place]:
    groups: dict[str, tuple[Place, list[Alert]]] = {}
    for place, alert in placed:
        groups.setdefault(place.key, (place, []))[1].append(alert)
    found = [
        Place(place.scope, place.cluster, place.known, tuple(alerts))
        for key, (place, alerts) in groups.items()
        if key not in seen
    ]
    return sorted(found, key=lambda place: (-len(place.alerts), place.key))
