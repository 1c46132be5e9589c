"""Chooses what is looked into: a snapshot, a named cluster, what the question pasted, else kubectl's cluster."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.diagnosis.facts.registry import Scope
from bot.diagnosis.paste.reader import PasteReader
from bot.diagnosis.reader import Reader
from bot.diagnosis.snapshot.files import SnapshotError
from bot.diagnosis.snapshot.reader import SnapshotReader
from bot.settings import Settings

__all__ = ["SourceError", "Sources", "check_scope", "open_reader"]


_NO_ACCESS = "no cluster access is configured here, or it does not work; the log tells more"


LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
SUBDOMAIN = r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"


class SourceError(Exception):
    """Nothing can be looked into; one line that says why and what to do.

    ``public`` says so to people on other machines, who are not shown this one's paths.
    """

    def __init__(self, message: str, public: str | None = None) -> None:
        super().__init__(message)
        self.public = public or message


@dataclass(frozen=True, slots=True)
class Sources:
    """What a person pointed at: a ``snapshot`` and its time (``now``), and the ``text`` of the question.

    Without ``live`` no cluster is looked into.
    """

    snapshot: Path | None = None
    now: dt.datetime | None = None
    text: str = ""
    live: bool = True


def check_scope(scope: Scope) -> None:
    """Raise SourceError for a name that no object in Kubernetes can have; it would only be looked for in vain."""
    patterns = {"namespace": LABEL, "pod": SUBDOMAIN, "node": SUBDOMAIN, "service": LABEL}
    for field, pattern in patterns.items():
        name = getattr(scope, field)
        if name is not None and not re.fullmatch(pattern, name):
            shown = ascii(name) if len(name) <= 80 else f"{name[:80]!a}…"
            raise SourceError(f"{shown} is no name that a {field} can have: lower-case letters, digits, - and . only")


@asynccontextmanager
async def open_reader(settings: Settings, sources: Sources) -> AsyncIterator[Reader]:
    """Open the first of: the snapshot, the cluster that settings name, pasted objects in the text, kubectl's cluster.

    Raises SourceError.
    """
    if sources.snapshot is not None:
        try:
            yield SnapshotReader.open(sources.snapshot, sources.now)
        except SnapshotError as error:
            raise SourceError(str(error)) from error
        return
    named = sources.live and (settings.kubeconfig is not None or settings.context is not None)
    pasted = None if named else PasteReader(sources.text, sources.now)
    if pasted is not None and pasted.found:
        yield pasted
        return
    if not sources.live:
        raise SourceError("the cluster may not be looked into from here, and nothing of it is pasted into the question")
    # The client of the Kubernetes API takes half a second to import.
    from bot.diagnosis.live.reader import Budget, LiveReader, NoCluster

    budget = Budget(
        requests=settings.diagnosis_requests, bytes=settings.diagnosis_bytes, seconds=settings.diagnosis_timeout
    )
    try:
        async with LiveReader.open(settings.kubeconfig, settings.context, budget=budget) as reader:
            yield reader
    except NoCluster as error:
        raise SourceError(str(error), _NO_ACCESS) from error


def pasted_scope(text: str, given: Scope) -> Scope:
    """Return ``given``, or what the pasted text is about where nothing was given."""
    return given if given != Scope() else PasteReader(text).scope
