"""The one way from a reader to a diagnosis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from bot.diagnosis.facts.registry import Facts, Progress, Scope
from bot.diagnosis.judge import Judge, entry_verdict
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.reader import Reader
from bot.diagnosis.reads import Reads
from bot.diagnosis.redaction.redact import redact
from bot.diagnosis.summary import summarize
from bot.diagnosis.versions import read_versions
from corpus import Corpus, Entry, version_name

__all__ = ["diagnose"]


async def diagnose(
    reader: Reader,
    corpus: Corpus,
    *,
    entries: Sequence[Entry] | None = None,
    scope: Scope | None = None,
    seconds: float = 15.0,
    progress: Progress | None = None,
) -> Diagnosis:
    """Find out which cases of ``entries`` (None: of all) hold in what ``reader`` reads.

    Facts are read side by side, all within ``seconds``. What cannot be read makes verdicts unreadable, never an error.
    """
    start = time.perf_counter()
    facts = Facts(Reads(reader), scope or Scope(), seconds=seconds, progress=progress)
    judge = Judge(facts)
    wanted = corpus.entries if entries is None else entries
    areas = {entry.area for entry in wanted}
    rules = [check for check in corpus.checks if not check.areas or areas.intersection(check.areas)]
    checks, findings = await asyncio.gather(judge.checks(rules), judge.entries(wanted))
    verdicts = {
        entry.id: entry_verdict(finding.verdict for finding in findings if finding.entry == entry.id)
        for entry in wanted
    }
    cluster = await summarize(judge, reader.source)
    found = Diagnosis(
        cluster=cluster,
        versions={component: version_name(version) for component, version in read_versions(judge).items()},
        checks=tuple(checks),
        verdicts=verdicts,
        findings=tuple(findings),
        requests=reader.requests,
        bytes=reader.bytes,
        elapsed_ms=(time.perf_counter() - start) * 1000,
    )
    return Diagnosis.model_validate_json(redact(found.model_dump_json()))
