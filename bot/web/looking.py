"""Looks into the cluster on behalf of requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from http import HTTPStatus

from bot.diagnosis.diagnose import diagnose
from bot.diagnosis.facts.registry import Progress
from bot.diagnosis.facts.registry import Scope as Where
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.sources import SourceError, Sources, open_reader, pasted_scope
from bot.settings import Settings
from bot.web.models import FieldError, Scope
from bot.web.problems import ProblemError
from corpus import Corpus, Entry

__all__ = ["ClusterLook"]


class ClusterLook:
    """Diagnoses in the cluster that settings name, or in what a question pasted; called from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __call__(
        self,
        corpus: Corpus,
        entries: Sequence[Entry] | None,
        scope: Scope | None,
        *,
        text: str = "",
        asked_by: str = "diagnose",
        progress: Progress | None = None,
    ) -> Diagnosis:
        """Return the diagnosis of ``entries`` (None: all).

        Raises ProblemError (422) where there is nothing to look into; ``asked_by`` is the field that wanted it.
        """
        given = Where(**scope.model_dump()) if scope else Where()

        async def run() -> Diagnosis:
            async with open_reader(self._settings, Sources(text=text)) as reader:
                return await diagnose(
                    reader,
                    corpus,
                    entries=entries,
                    scope=pasted_scope(text, given) if text else given,
                    seconds=self._settings.diagnosis_timeout,
                    progress=progress,
                )

        try:
            return asyncio.run(run())
        except SourceError as error:
            raise ProblemError(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"This server has no cluster access configured ({error}); ask without diagnose.",
                kind="no-cluster-access",
                errors=[FieldError(detail="needs cluster access", pointer=f"#/{asked_by}")],
            ) from error
