"""What a look into a cluster found: verdicts first, then what was seen."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from bot.diagnosis.models import Evidence, Finding
from bot.diagnosis.report import EntryFindings, Report
from bot.render.diagnosis import first_evidence, looked_at, when
from bot.slack.blocks.inline import Run, plain
from bot.slack.blocks.pieces import Piece, code, item, line, weigh
from bot.slack.blocks.statements import Told
from bot.slack.blocks.text import clip, one_line

__all__ = ["cost", "details", "everything", "evidence_of", "headline", "proofs", "stand_in", "verdicts"]

CONFIRMED, RULED_OUT, UNDECIDED, STATE, TROUBLE = "🔴", "🟢", "⚪", "🔵", "⚠️"
_WHY = {
    "open": "what was read does not decide it",
    "unreadable": "what decides it could not be read",
    "by_hand": "the API server does not show it",
}
_ROOM = 3500
_SHOWN_EVIDENCE = 3
_LONGEST_VALUE = 300
_LONGEST_COMMAND = 600
_LONGEST_MISSING = 400
_WHOLE_VALUE = 8000


@dataclass(frozen=True)
class _Line:
    """A verdict in a line, and the findings that prove it."""

    runs: tuple[Run, ...]
    proof: tuple[Evidence, ...] = ()


def verdicts(report: Report, answered: str | None, *, room: int = _ROOM) -> list[Piece]:
    """Return the verdict on every entry that was looked at, the most telling first.

    ``answered`` is the entry that the answer is about. Evidence is left out where ``room`` ends; of verdicts only the
    words get fewer.
    """
    for longest, each_finding in ((400, True), (200, True), (100, True), (100, False), (40, False)):
        lines = list(_lines(report, answered, longest=longest, each_finding=each_finding))
        if weigh(line(*one.runs) for one in lines) <= room:
            break
    room -= weigh(line(*one.runs) for one in lines)
    pieces: list[Piece] = []
    for one in lines:
        pieces.append(line(*one.runs))
        if (seen := evidence_of(one.proof)) and seen.weight <= room:
            room -= seen.weight
            pieces.append(seen)
    return pieces


def headline(report: Report, answered: str | None) -> str:
    """Return the verdict that matters most, in words."""
    first = next(_lines(report, answered, longest=300, each_finding=True), None)
    return plain(first.runs) if first else ""


def cost(report: Report) -> str:
    """Return in one line what was looked at."""
    return f"Looked at, read-only: {one_line(looked_at(report.diagnosis))}."


def details(report: Report, answered: str | None) -> list[Told]:
    """Return what verdicts rest on and what is left to look at, besides the evidence that :func:`verdicts` shows."""
    told = [
        Told((item([Run(f"{TROUBLE} Could not be checked: ", bold=True), Run(one_line(check.says))]),))
        for check in report.diagnosis.checks
        if check.failed is None
    ]
    for entry in report.ruled_out:
        proof = first_evidence(entry.findings) if entry.id != answered else None
        if proof:
            told.append(Told((item(_entry(entry, RULED_OUT, "Ruled out: ")), code(_seen(proof)))))
    for entry in report.undecided:
        reasons = {finding.missing for finding in entry.findings}
        shared = next(iter(reasons)) if len(reasons) == 1 else ()
        below = tuple(Told((item(_left(finding, told=shared), indent=1),)) for finding in entry.findings)
        runs = _entry(entry, UNDECIDED, "Not decided: ", f": {_WHY[entry.verdict]}{_missing(shared)}")
        told.append(Told((item(runs),), below))
    for entry in report.states:
        if entry.id != answered:
            told += [
                Told((item([Run(f"{STATE} So here: ", bold=True), Run(one_line(finding.claim))]), *_proof(finding)))
                for finding in entry.findings
            ]
    return told


def everything(report: Report) -> Iterator[Piece]:
    """Yield all that was seen, with what it says of each entry, and what is left to look at."""
    for check in report.diagnosis.checks:
        if check.evidence or check.failed is None:
            yield line(Run(one_line(check.says), bold=True), Run(_missing(check.missing)))
            yield from map(_whole, check.evidence)
    for sign, label, entries in (
        (CONFIRMED, "Confirmed in this cluster: ", report.confirmed),
        (STATE, "So here: ", report.states),
        (RULED_OUT, "Ruled out: ", report.ruled_out),
        (UNDECIDED, "Not decided: ", report.undecided),
    ):
        for entry in entries:
            yield line(*_entry(entry, sign, label))
            for finding in entry.findings:
                yield item(_left(finding) if sign == UNDECIDED else [Run(one_line(finding.claim))])
                yield from map(_whole, finding.evidence)


def proofs(report: Report, answered: str | None) -> Iterator[Piece]:
    """Yield what proves the verdicts that :func:`verdicts` shows, all of it."""
    for one in _lines(report, answered, longest=0, each_finding=True):
        yield from map(_whole, one.proof)


def stand_in(seen: Iterable[Piece], shown: Iterable[Piece]) -> bool:
    """Tell whether all that was ``seen`` stands in what is ``shown``."""
    said = "\n\n".join(plain(piece.runs) for piece in shown)
    return all(plain(piece.runs) in said for piece in seen if piece.kind == "code")


def evidence_of(seen: Sequence[Evidence], most: int = _SHOWN_EVIDENCE) -> Piece | None:
    """Return what was seen as code, with the commands that show the same; None where nothing was."""
    if not seen:
        return None
    shown = "\n\n".join(map(_seen, seen[:most]))
    return code(shown + (f"\n\nand {len(seen) - most} more" if len(seen) > most else ""))


def _lines(report: Report, answered: str | None, *, longest: int, each_finding: bool) -> Iterator[_Line]:
    def words(text: str) -> Run:
        return Run(clip(one_line(text), longest))

    for check in report.diagnosis.checks:
        if check.failed:
            yield _Line(
                (Run(f"{TROUBLE} Before anything else, not so here: ", bold=True), words(check.says)), check.evidence
            )
    for entry in report.confirmed:
        about = [] if entry.id == answered else [Run(" — "), Run(clip(one_line(entry.title), longest), italic=True)]
        for finding in entry.findings if each_finding else entry.findings[:1]:
            yield _Line(
                (Run(f"{CONFIRMED} Confirmed in this cluster: ", bold=True), words(finding.claim), *about),
                finding.evidence,
            )
    own = [entry for entry in (*report.states, *report.ruled_out, *report.undecided) if entry.id == answered]
    for entry in own:
        yield from _own_lines(entry, words, each_finding=each_finding)
    others: tuple[tuple[str, Iterable[EntryFindings]], ...] = (
        (f"{RULED_OUT} Ruled out: ", report.ruled_out),
        (f"{UNDECIDED} Not decided: ", report.undecided),
    )
    for label, entries in others:
        titles = [clip(one_line(entry.title), longest) for entry in entries if entry.id != answered]
        if titles:
            yield _Line((Run(label, bold=True), Run("; ".join(titles))))
    unread = [check for check in report.diagnosis.checks if check.failed is None]
    if unread:
        missing = _missing(one for check in unread for one in check.missing)
        said = f"{len(unread)} of {len(report.diagnosis.checks)} things that come before all others{missing}"
        yield _Line((Run(f"{TROUBLE} Could not be checked: ", bold=True), Run(said)))


def _own_lines(entry: EntryFindings, words: Callable[[str], Run], *, each_finding: bool) -> Iterator[_Line]:
    """Yield the verdict on the entry that the answer is about, where it is not a confirmed fault."""
    if entry.verdict == "confirmed":
        for finding in entry.findings if each_finding else entry.findings[:1]:
            yield _Line((Run(f"{STATE} So here: ", bold=True), words(finding.claim)), finding.evidence)
    elif entry.verdict == "ruled_out":
        proof = first_evidence(entry.findings)
        yield _Line(
            (Run(f"{RULED_OUT} Ruled out in this cluster, so it is something else: ", bold=True), words(entry.title)),
            (proof,) if proof else (),
        )
    else:
        missing = _missing(one for finding in entry.findings for one in finding.missing)
        yield _Line(
            (Run(f"{UNDECIDED} Not decided in this cluster: ", bold=True), Run(f"{_WHY[entry.verdict]}{missing}"))
        )


def _missing(reasons: Iterable[str]) -> str:
    """Return what could not be read, in brackets; empty where nothing is known to be missing."""
    said = "; ".join(dict.fromkeys(map(one_line, reasons)))
    return f" ({clip(said, _LONGEST_MISSING)})" if said else ""


def _entry(entry: EntryFindings, sign: str, label: str, after: str = "") -> list[Run]:
    return [Run(f"{sign} {label}", bold=True), Run(f"{one_line(entry.title)}{after}")]


def _left(finding: Finding, *, told: Sequence[str] = ()) -> list[Run]:
    """Return what is left to look at for a case; what is missing need not be said where it is ``told`` already."""
    claim = one_line(finding.claim)
    if finding.missing and finding.missing != told:
        missing = clip(one_line("; ".join(finding.missing)), _LONGEST_MISSING)
        return [Run(f"{claim} "), Run("Could not be read: ", italic=True), Run(missing)]
    if finding.by_hand and not finding.missing:
        return [Run(f"{claim} "), Run("Look by hand: ", italic=True), Run(one_line(finding.by_hand))]
    return [Run("Open: ", italic=True), Run(claim)]  # the claim alone would read like something that was found


def _proof(finding: Finding) -> list[Piece]:
    return [code(_seen(finding.evidence[0]))] if finding.evidence else []


def _whole(evidence: Evidence) -> Piece:
    return code(_seen(evidence, longest=_WHOLE_VALUE, longest_command=_WHOLE_VALUE))


def _seen(evidence: Evidence, *, longest: int = _LONGEST_VALUE, longest_command: int = _LONGEST_COMMAND) -> str:
    """Return one thing that was seen, on lines that nothing seen can add to."""
    value = clip(one_line(evidence.value), longest) or "(empty)"
    at = f"  ({when(evidence)})" if when(evidence) else ""
    lines = [clip(one_line(evidence.object), longest), f"  {clip(one_line(evidence.field), longest)}: {value}{at}"]
    command = one_line(evidence.kubectl)
    # Half a command is worse than none.
    return "\n".join([*lines, command] if len(command) <= longest_command else lines)
