"""Proves the corpus against itself and, given saved pages, against the published editions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from corpus.body import Statement
from corpus.corpus import Corpus
from corpus.editions import PageSection
from corpus.entry import Entry
from corpus.errors import Problem
from corpus.overlap import WordIndex
from corpus.signature import Signature, SignatureError

__all__ = ["check_corpus", "check_editions"]

MIN_CHINESE = 3
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CHANGING_COMMAND = re.compile(
    r"\b(kubectl\b.*\s(edit|delete|apply|create|patch|scale|drain|cordon|uncordon|label|taint|rollout restart|replace)"
    r"|rm\s+-|modprobe|sysctl\s+-w|ipvsadm\s+--set|(sudo )?reboot|yum\s+install|systemctl\s+(re)?start)\b"
)
_CHANGING_STEP = re.compile(
    r"^(restart|delete|drain|detach|reboot|cordon|recreate|remove|rotate|upgrade|unload|roll back)\b", re.I
)
_INLINE_CODE = re.compile(r"`[^`]*`")


def check_corpus(corpus: Corpus) -> list[Problem]:
    """Return everything wrong inside the corpus: dangling references, missing risks, doubled or missing questions."""
    problems: list[Problem] = []
    for entry_id, count in Counter(entry.id for entry in corpus.entries).items():
        if count > 1:
            problems.append(Problem(f"entries/*/{entry_id}.md", 0, f"the id {entry_id!r} is used {count} times"))
    asked: dict[str, str] = {}
    for entry in corpus.entries:
        problems += [Problem(path_of(entry), 0, message) for message in _entry_messages(corpus, entry)]
        for question in entry.asked_as:
            first = asked.setdefault(" ".join(question.casefold().split()), entry.id)
            if first != entry.id:
                problems.append(Problem(path_of(entry), 0, f"asked_as also stands in {first}: {question[:60]!r}"))
    problems += _question_list_problems(corpus, asked)
    return problems


def path_of(entry: Entry) -> str:
    """Return where the entry's file lies, relative to the corpus directory."""
    return f"entries/{entry.area}/{entry.id}.md"


def _entry_messages(corpus: Corpus, entry: Entry) -> Iterator[str]:
    cites = [cite.id for cite in entry.cites]
    for cite in entry.cites:
        if cite.edition not in corpus.editions:
            yield f"cites an unknown edition {cite.edition!r}"
    for doubled in {cite for cite in cites if cites.count(cite) > 1}:
        yield f"two cites have the id {doubled!r}; give the second an id of its own"
    used: set[str] = set()
    for statement in entry.statements():
        used.update(statement.marker.cites)
        for unknown in set(statement.marker.cites) - set(cites):
            yield f"statement rests on {unknown!r}, which is not in cites: {statement.text[:60]!r}"
        for unknown in set(statement.marker.notes) - set(corpus.notes):
            yield f"statement rests on note {unknown!r}, which is not in sources.yaml: {statement.text[:60]!r}"
    for unused in set(cites) - used:
        yield f"cites {unused!r}, but no statement rests on it"
    for other in entry.see_also:
        if other not in corpus or other == entry.id:
            yield f"see_also names {other!r}, which is not another entry"
    for doubled in {case.id for case in entry.cases if sum(c.id == case.id for c in entry.cases) > 1}:
        yield f"two cases have the id {doubled!r}"
    if sum(bool(_CHINESE.search(question)) for question in entry.asked_as) < MIN_CHINESE:
        yield f"fewer than {MIN_CHINESE} ways of asking are Chinese"
    for signature in entry.signatures:
        try:
            Signature.compile(signature)
        except SignatureError as error:
            yield str(error)
    for statement in entry.section("Steps"):
        yield from _risk_messages(statement, covered=False)


def _risk_messages(statement: Statement, *, covered: bool) -> Iterator[str]:
    covered = covered or bool(statement.risks)
    commands = [line for code in statement.code for line in code.text.splitlines() if not line.lstrip().startswith("#")]
    changing = next((line.strip() for line in commands if _CHANGING_COMMAND.search(line)), None)
    if changing is None and _CHANGING_STEP.match(statement.text):
        changing = statement.text
    below = any(other.risks for other in statement.walk())
    if changing is not None and not covered and not below:
        yield f"a step that changes something carries no risk: {changing[:70]!r}"
    for child in statement.children:
        yield from _risk_messages(child, covered=covered)


def _question_list_problems(corpus: Corpus, asked: Mapping[str, str]) -> Iterator[Problem]:
    for question in corpus.out_of_scope:
        if " ".join(question.casefold().split()) in asked:
            yield Problem("out_of_scope.yaml", 0, f"is also a way of asking of an entry: {question[:60]!r}")
    for ambiguous in corpus.ambiguous:
        for unknown in [other for other in ambiguous.entries if other not in corpus]:
            yield Problem("ambiguous.yaml", 0, f"names {unknown!r}, which is not an entry: {ambiguous.question[:60]!r}")


def check_editions(corpus: Corpus, editions: Mapping[str, Sequence[PageSection]]) -> list[Problem]:
    """Return where the corpus and the saved editions do not fit.

    Every cited heading exists, every heading is cited, and no statement shares twelve or more words in a row with an
    edition. Commands in code, literal errors (signatures) and headings quoted as citations are left aside.
    """
    problems: list[Problem] = []
    for edition, sections in editions.items():
        headings = {section.heading for section in sections}
        cited = {cite.heading for _, cite in corpus.cites() if cite.edition == edition}
        for entry, cite in corpus.cites():
            if cite.edition == edition and cite.heading not in headings:
                problems.append(Problem(path_of(entry), 0, f"edition {edition} has no heading {cite.heading!r}"))
        problems += [Problem(f"edition {edition}", 0, f"no entry cites {h!r}") for h in sorted(headings - cited)]
        words = WordIndex(section.text for section in sections)
        for entry in corpus.entries:
            for text in _own_words(entry):
                problems += [Problem(path_of(entry), 0, str(run)) for run in words.shared(text)]
    return problems


def _own_words(entry: Entry) -> Iterator[str]:
    yield entry.title
    for statement in entry.statements():
        yield _INLINE_CODE.sub(" | ", statement.text)
        yield from (line for code in statement.code for line in code.text.splitlines() if line.lstrip().startswith("#"))
    for difference in entry.differs:
        yield from (_INLINE_CODE.sub(" | ", text) for text in (difference.topic, difference.intl, difference.cn))
    for case in entry.cases:
        yield from (case.claim, case.by_hand or "")


def _main() -> int:
    import sys

    from corpus.editions import read_page
    from corpus.loader import load_corpus
    from corpus.errors import CorpusError

    args = sys.argv[1:]
    editions = {}
    for value in args:
        if "=" in value:
            name, _, path = value.partition("=")
            editions[name] = read_page(Path(path))
    try:
        corpus = load_corpus()
    except CorpusError as error:
        print(error)
        return 2
    problems = check_corpus(corpus) + check_editions(corpus, editions)
    print(*sorted(problems), sep="\n")
    print(len(corpus.entries), "entries", len(problems), "problems")
    return bool(problems)


if __name__ == "__main__":
    raise SystemExit(_main())
