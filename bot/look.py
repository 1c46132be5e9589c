"""The one look into a cluster behind every surface: where it goes, and what it may look at."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Progress, Scope
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.sources import SourceError, Sources, check_scope, open_reader, pasted_scope
from bot.settings import Settings
from corpus import Corpus, Entry

__all__ = ["Look", "Progress", "Scope", "SourceError", "look_into"]


@dataclass(frozen=True, slots=True)
class Look:
    """Where to look: in a ``cluster`` (a context that the settings name; None: the default one) or a ``snapshot``.

    ``now`` is the present of a snapshot. Without ``live`` only what was pasted into the question is looked into.
    """

    scope: Scope = field(default_factory=Scope)
    cluster: str | None = None
    snapshot: Path | None = None
    now: dt.datetime | None = None
    live: bool = True


async def look_into(
    settings: Settings,
    corpus: Corpus,
    look: Look,
    *,
    entries: Sequence[Entry] | None = None,
    text: str = "",
    progress: Progress | None = None,
) -> Diagnosis:
    """Diagnose ``entries`` (None: all) where ``look`` says; ``text`` is the question with what was pasted into it.

    Raises SourceError when there is nothing to look into, or when it may not be looked into.
    """
    check_scope(look.scope)
    if look.cluster is not None:
        if look.cluster not in (settings.context, *settings.clusters):
            raise SourceError("there is no cluster of this name among those that may be looked into")
        settings = settings.model_copy(update={"context": look.cluster})
    sources = Sources(look.snapshot, look.now, text, live=look.live)
    async with open_reader(settings, sources) as reader:
        return await diagnose(
            reader,
            corpus,
            entries=entries,
            scope=pasted_scope(text, look.scope) if text and look.snapshot is None else look.scope,
            seconds=settings.diagnosis_timeout,
            progress=progress,
        )
