"""Proves the corpus against itself and, given saved pages, against the published editions."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from corpus.by_hand import place_error
from corpus.corpus import Corpus
from corpus.editions import PageSection, heading_key
from corpus.entry import Case, Entry
from corpus.errors import Problem
from corpus.expression import expression_error
from corpus.overlap import WordIndex
from corpus.signature import Signature, SignatureError
from corpus.statement import Statement

__all__ = ["check_corpus", "check_editions"]

MIN_CHINESE = 3
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_CHANGING_COMMAND = re.compile(
    r"\b(kubectl\b.*\s(annotate|apply|cordon|create|delete|drain|edit|label|patch|replace|rollout (restart|undo)|scale"
    r"|set|taint|uncordon)"
    r"|rm\s+-|modprobe|sysctl\s+-w|ipvsadm\s+--set|(sudo )?reboot|yum\s+install|systemctl\s+(re)?start)\b"
)
_CHANGING_STEP = re.compile(
    r"^(restart|delete|drain|detach|reboot|cordon|recreate|remove|rotate|upgrade|unload|roll back)\b", re.IGNORECASE
)
_LITERAL = re.compile(r"`[^`]*\s[^`]*`")
_MASK = re.compile(r"<[a-z]+>")
_Message = tuple[int, str]
"""A line of the entry's file (0 when not known) and what is wrong there."""


def check_corpus(corpus: Corpus) -> list[Problem]:
    """Return everything wrong inside the corpus: dangling references, missing risks, doubled or missing questions."""
    problems: list[Problem] = []
    for entry_id, count in Counter(entry.id for entry in corpus.entries).items():
        if count > 1:
            problems.append(Problem(f"entries/*/{entry_id}.md", 0, f"the id {entry_id!r} is used {count} times"))
    asked: dict[str, str] = {}
    for entry in corpus.entries:
        messages = [*_cite_messages(corpus, entry), *_id_messages(corpus, entry)]
        messages += [*_question_messages(entry, asked), *_signature_messages(entry), *_expression_messages(entry)]
        for statement in entry.section("Steps"):
            messages += _risk_messages(statement, covered=False)
        problems += [Problem(path_of(entry), line, message) for line, message in messages]
    return problems + list(_question_list_problems(corpus, asked))


def path_of(entry: Entry) -> str:
    """Return where the entry's file lies, relative to the corpus directory."""
    return f"entries/{entry.area}/{entry.id}.md"


def _expression_messages(entry: Entry) -> Iterator[_Message]:
    holders: list[tuple[Entry | Case, tuple[str | int, ...]]] = [(entry, ())]
    holders += [(case, ("cases", number)) for number, case in enumerate(entry.cases)]
    for holder, at in holders:
        given: dict[str, Sequence[str]] = {
            "applies_if": [holder.applies_if] if holder.applies_if else [],
            "ruled_out_by": holder.ruled_out_by,
        }
        given |= {"confirmed_by": holder.confirmed_by} if isinstance(holder, Case) else {}
        for field, sources in given.items():
            for source in sources:
                if wrong := expression_error(source):
                    yield entry.line(*at, field), f"{field} is no CEL expression: {wrong}"
        if isinstance(holder, Case) and (wrong := place_error(holder.by_hand or "")):
            yield entry.line(*at, "by_hand"), f"by_hand: {wrong}"


def _cite_messages(corpus: Corpus, entry: Entry) -> Iterator[_Message]:
    ids = [cite.id for cite in entry.cites]
    for number, cite in enumerate(entry.cites):
        if cite.edition not in corpus.editions:
            yield entry.line("cites", number, "edition"), f"cites an unknown edition {cite.edition!r}"
        if cite.id in ids[:number]:
            yield entry.line("cites", number), f"two cites have the id {cite.id!r}; give the second an id of its own"
    used: set[str] = set()
    for statement in entry.statements():
        used.update(statement.marker.cites)
        for unknown in set(statement.marker.cites) - set(ids):
            yield statement.line, f"statement rests on {unknown!r}, which is not in cites: {statement.text[:60]!r}"
        for unknown in set(statement.marker.notes) - set(corpus.notes):
            yield statement.line, f"statement rests on note {unknown!r}, which is not in sources.yaml"
    for number, cite in enumerate(entry.cites):
        if cite.id not in used:
            yield entry.line("cites", number), f"cites {cite.id!r}, but no statement rests on it"


def _id_messages(corpus: Corpus, entry: Entry) -> Iterator[_Message]:
    for number, other in enumerate(entry.see_also):
        if other not in corpus or other == entry.id:
            yield entry.line("see_also", number), f"see_also names {other!r}, which is not another entry"
    cases = [case.id for case in entry.cases]
    for number, case in enumerate(cases):
        if case in cases[:number]:
            yield entry.line("cases", number), f"two cases have the id {case!r}"


def _question_messages(entry: Entry, asked: dict[str, str]) -> Iterator[_Message]:
    """Check the ways of asking and note them in ``asked`` (question → the entry that has it)."""
    for number, question in enumerate(entry.asked_as):
        key = _same(question)
        if key in asked:
            other = "this entry" if asked[key] == entry.id else asked[key]
            yield entry.line("asked_as", number), f"asked_as also stands in {other}: {question[:60]!r}"
        asked.setdefault(key, entry.id)
    if sum(bool(_CHINESE.search(question)) for question in entry.asked_as) < MIN_CHINESE:
        yield entry.line("asked_as"), f"fewer than {MIN_CHINESE} ways of asking are Chinese"


def _signature_messages(entry: Entry) -> Iterator[_Message]:
    for number, signature in enumerate(entry.signatures):
        try:
            Signature.compile(signature)
        except SignatureError as error:
            yield entry.line("signatures", number), str(error)
        if signature in entry.signatures[:number]:
            yield entry.line("signatures", number), f"signature {signature!r} is doubled"


def _risk_messages(statement: Statement, *, covered: bool) -> Iterator[_Message]:
    covered = covered or bool(statement.risks)
    commands = [line for code in statement.code for line in code.text.splitlines() if not line.lstrip().startswith("#")]
    changing = next((line.strip() for line in commands if _CHANGING_COMMAND.search(line)), None)
    if changing is None and _CHANGING_STEP.match(statement.text):
        changing = statement.text
    below = any(other.risks for other in statement.walk())
    if changing is not None and not covered and not below:
        yield statement.line, f"a step that changes something carries no risk: {changing[:70]!r}"
    for child in statement.children:
        yield from _risk_messages(child, covered=covered)


def _question_list_problems(corpus: Corpus, asked: Mapping[str, str]) -> Iterator[Problem]:
    for number, question in enumerate(corpus.out_of_scope):
        if _same(question) in asked:
            line = corpus.line("out_of_scope.yaml", number)
            yield Problem("out_of_scope.yaml", line, f"is also a way of asking of an entry: {question[:60]!r}")
    for number, ambiguous in enumerate(corpus.ambiguous):
        for place, other in enumerate(ambiguous.entries):
            if other not in corpus:
                line = corpus.line("ambiguous.yaml", number, "entries", place)
                yield Problem("ambiguous.yaml", line, f"names {other!r}, which is not an entry")


def _same(question: str) -> str:
    return " ".join(question.casefold().split())


def check_editions(corpus: Corpus, editions: Mapping[str, Sequence[PageSection]]) -> list[Problem]:
    """Return where the corpus and the saved editions do not fit.

    Every cited heading exists, every heading is cited, and no text of an entry shares twelve or more words in a row
    with an edition. Single commands, literal errors (signatures) and the headings that are cited are left aside.
    """
    problems: list[Problem] = []
    literals = [part for entry in corpus.entries for text in entry.signatures for part in _MASK.split(text)]
    for edition, sections in editions.items():
        headings = {section.key: section for section in sections}
        cited = {heading_key(cite.heading) for _, cite in corpus.cites() if cite.edition == edition}
        for entry in corpus.entries:
            for number, cite in enumerate(entry.cites):
                if cite.edition == edition and heading_key(cite.heading) not in headings:
                    line = entry.line("cites", number, "heading")
                    problems.append(Problem(path_of(entry), line, f"edition {edition} has no heading {cite.heading!r}"))
        problems += [
            Problem(f"edition {edition}", section.first_line, f"no entry cites {section.heading!r}")
            for heading, section in headings.items()
            if heading not in cited
        ]
        words = WordIndex((f"{section.heading}\n{section.text}" for section in sections), literals)
        for entry in corpus.entries:
            for line, text in _own_words(entry):
                problems += [Problem(path_of(entry), line, str(run)) for run in words.shared(text)]
            for line, script in _scripts(entry):
                alone = {run for command in script.splitlines() for run in words.shared(command)}
                problems += [Problem(path_of(entry), line, str(r)) for r in words.shared(script) if r not in alone]
    return problems


def _own_words(entry: Entry) -> Iterator[_Message]:
    """Yield every text of the entry that must be its own, with its line; commands and messages in it are cut out."""
    yield entry.line("title"), entry.title
    texts = [(statement.line, statement.text) for statement in entry.statements()]
    for number, difference in enumerate(entry.differs):
        texts += [
            (entry.line("differs", number, key), text)
            for key, text in (("topic", difference.topic), ("intl", difference.intl), ("cn", difference.cn))
        ]
    for number, case in enumerate(entry.cases):
        texts += [(entry.line("cases", number), text) for text in (case.claim, case.look() or "")]
    texts += [(entry.line("asked_as", number), text) for number, text in enumerate(entry.asked_as)]
    texts += [(entry.line("threads", number), text) for number, turns in enumerate(entry.threads) for text in turns]
    yield from ((line, piece) for line, text in texts for piece in _LITERAL.split(text))


def _scripts(entry: Entry) -> Iterator[_Message]:
    for statement in entry.statements():
        for code in statement.code:
            yield statement.line, code.text
