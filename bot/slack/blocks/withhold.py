"""An answer without what was seen in a cluster, for places where not everybody may see that."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from bot.answer import Answer, AnswerStatement
from bot.diagnosis.models import ClusterSummary, Finding
from bot.diagnosis.report import EntryFindings, Report

__all__ = ["report_without_evidence", "without_evidence"]

_YOURS = re.compile(r" \(yours: [^()]*\)")
_CLUSTER = ClusterSummary(version=None, plugin=None, mode=None, datapath=None, source="the cluster")


def without_evidence(answer: Answer) -> Answer:
    """Return ``answer`` with its verdicts, but without evidence, the versions that were read and what was looked at."""
    return answer.model_copy(
        update={
            "versions": {},
            "sections": tuple(
                section.model_copy(update={"statements": _all_without_versions(section.statements)})
                for section in answer.sections
            ),
            "choices": tuple(
                choice.model_copy(update={"tells_apart": _without_versions(choice.tells_apart)})
                for choice in answer.choices
            ),
            "differs": tuple(
                difference.model_copy(update={"advice": _without_versions(difference.advice)})
                for difference in answer.differs
            ),
            "summary": _YOURS.sub("", answer.summary),
            "diagnosis": report_without_evidence(answer.diagnosis) if answer.diagnosis else None,
        }
    )


def report_without_evidence(report: Report) -> Report:
    """Return ``report`` with its verdicts alone."""
    bare = {"evidence": (), "missing": ()}
    found = report.diagnosis
    diagnosis = found.model_copy(
        update={
            "cluster": _CLUSTER,
            "versions": {},
            "checks": tuple(check.model_copy(update=bare) for check in found.checks),
            "findings": _bare(found.findings, {}),
        }
    )
    return Report(
        diagnosis=diagnosis,
        **{name: _entries(getattr(report, name)) for name in ("confirmed", "states", "ruled_out", "undecided")},
    )


def _entries(entries: Iterable[EntryFindings]) -> tuple[EntryFindings, ...]:
    return tuple(entry.model_copy(update={"findings": _bare(entry.findings, entry.by_hand)}) for entry in entries)


def _bare(findings: Iterable[Finding], by_hand: Mapping[str, str]) -> tuple[Finding, ...]:
    """Return findings without what was read: where to look ``by_hand`` names things of the cluster, too."""
    return tuple(
        finding.model_copy(
            update={"evidence": (), "missing": (), "by_hand": finding.by_hand and by_hand.get(finding.case)}
        )
        for finding in findings
    )


def _all_without_versions(statements: Iterable[AnswerStatement]) -> tuple[AnswerStatement, ...]:
    return tuple(map(_without_versions, statements))


def _without_versions(statement: AnswerStatement) -> AnswerStatement:
    return statement.model_copy(
        update={
            "when": statement.when and _YOURS.sub("", statement.when),
            "risks": _all_without_versions(statement.risks),
            "children": _all_without_versions(statement.children),
        }
    )
