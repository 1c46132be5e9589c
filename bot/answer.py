"""The one answer that every surface renders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict

from bot.diagnosis.report import Report
from corpus import Code, Corpus, Entry, Gate, Statement, Version, version_name

__all__ = [
    "Answer",
    "AnswerSection",
    "AnswerStatement",
    "Candidate",
    "Choice",
    "Citation",
    "EntryName",
    "NoteSource",
    "Outcome",
    "References",
    "SeenDifference",
    "component_name",
]

Outcome = Literal["answer", "choices", "no_answer"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class EntryName(_Frozen):
    """What an entry is called."""

    id: str
    title: str
    area: str


class Candidate(EntryName):
    """An entry that may apply, and how sure acknet is of it (0 to 1)."""

    confidence: float


class Citation(_Frozen):
    """A place in an edition; ``label`` is its number in the text."""

    label: str
    edition: str
    document: str
    heading: str
    part: str | None
    url: str
    entry: str


class NoteSource(_Frozen):
    """The public source of acknet's own notes; ``label`` is its letter in the text."""

    label: str
    title: str
    url: str


class AnswerStatement(_Frozen):
    """A statement with its references resolved; ``text`` is inline Markdown.

    ``labels`` name citations and note sources, ``own_note`` tells that it is acknet's own and not the FAQ's. ``when``
    says for which versions it holds (None: for all) and ``holds`` that it does for the known ones (None: not known).
    """

    text: str
    form: Literal["paragraph", "bullet", "step"]
    labels: tuple[str, ...]
    own_note: bool
    when: str | None
    holds: bool | None
    code: tuple[Code, ...]
    risks: tuple[AnswerStatement, ...]
    children: tuple[AnswerStatement, ...]


class AnswerSection(_Frozen):
    """A named part of the answer."""

    name: str
    statements: tuple[AnswerStatement, ...]


class SeenDifference(_Frozen):
    """Where the editions differ and what to do."""

    topic: str
    intl: str
    cn: str
    advice: AnswerStatement
    entry: str


class Choice(_Frozen):
    """An entry of several that explain a question, and the line that tells it apart."""

    candidate: EntryName
    tells_apart: AnswerStatement


class Answer(_Frozen):
    """What acknet says to a question; renderers turn it into Markdown, JSON, HTML or Slack's blocks.

    ``candidates`` are the best entries, at least five, whatever the outcome. ``sections`` is filled for an ``answer``,
    ``choices`` for ``choices``; ``see_also`` names neighbours of the entry, or what comes closest when there is no
    answer. ``versions`` (component → version, as a person writes them) are those known that the entry depends on.
    ``summary`` is short enough for a notification; its only markup are the ticks of code. ``diagnosis`` is what a look
    into a cluster found, where there was one. ``model_sent`` is what a language model was sent for
    the answer, without credentials.
    """

    outcome: Outcome
    candidates: tuple[Candidate, ...]
    entry: str | None
    title: str
    summary: str
    sections: tuple[AnswerSection, ...] = ()
    choices: tuple[Choice, ...] = ()
    citations: tuple[Citation, ...] = ()
    note_sources: tuple[NoteSource, ...] = ()
    differs: tuple[SeenDifference, ...] = ()
    versions: Mapping[str, str] = {}
    see_also: tuple[EntryName, ...] = ()
    look_alike: str | None = None
    diagnosis: Report | None = None
    model_sent: tuple[str, ...] = ()
    elapsed_ms: float = 0.0


class References:
    """Numbers the citations and letters the note sources of one answer, in the order in which they are met."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._citations: dict[tuple[str, str, str | None], Citation] = {}
        self._notes: dict[str, NoteSource] = {}

    @property
    def citations(self) -> tuple[Citation, ...]:
        """The citations used so far."""
        return tuple(self._citations.values())

    @property
    def note_sources(self) -> tuple[NoteSource, ...]:
        """The note sources used so far."""
        return tuple(self._notes.values())

    def cite(self, entry: Entry, cite_id: str) -> str:
        """Return the number of an entry's citation."""
        cite = {cite.id: cite for cite in entry.cites}[cite_id]
        key = (cite.edition, cite.heading, cite.part)
        if key not in self._citations:
            edition = self._corpus.editions[cite.edition]
            self._citations[key] = Citation(
                label=str(len(self._citations) + 1),
                edition=cite.edition,
                document=edition.document,
                heading=cite.heading,
                part=cite.part,
                url=edition.url,
                entry=entry.id,
            )
        return self._citations[key].label

    def note(self, note_id: str) -> str:
        """Return the letter of a note source."""
        if note_id not in self._notes:
            source = self._corpus.notes[note_id]
            self._notes[note_id] = NoteSource(label=_letter(len(self._notes)), title=source.title, url=source.url)
        return self._notes[note_id].label

    def resolve(self, entry: Entry, statement: Statement, versions: Mapping[str, Version]) -> AnswerStatement:
        """Return ``statement`` with its labels and what its gates say for ``versions``, without children that fail."""
        marker = statement.marker
        labels = [self.cite(entry, cite) for cite in marker.cites] + [self.note(note) for note in marker.notes]
        return AnswerStatement(
            text=statement.text,
            form=statement.form,
            labels=tuple(dict.fromkeys(labels)),
            own_note=not marker.cites,
            when=_describe(marker.when, versions),
            holds=_hold(marker.when, versions) if marker.when else None,
            code=statement.code,
            risks=self.resolve_all(entry, statement.risks, versions),
            children=self.resolve_all(entry, statement.children, versions),
        )

    def resolve_all(
        self, entry: Entry, statements: Iterable[Statement], versions: Mapping[str, Version]
    ) -> tuple[AnswerStatement, ...]:
        """Resolve each statement whose gates are not known to fail."""
        return tuple(
            self.resolve(entry, statement, versions)
            for statement in statements
            if _hold(statement.marker.when, versions) is not False
        )


def component_name(component: str) -> str:
    """Return how a person writes the name of ``component``."""
    return component if component.startswith("kube") and component != "kubernetes" else component.capitalize()


def _hold(gates: Sequence[Gate], versions: Mapping[str, Version]) -> bool | None:
    """Tell whether all gates hold: False when one is known to fail, None when one is not known."""
    results = [gate.holds(versions) for gate in gates]
    if False in results:
        return False
    return None if None in results else True


_BOUNDS = {">=": "{} and later", ">": "after {}", "<": "before {}", "<=": "up to {}", "==": "{} exactly"}


def _describe(gates: Sequence[Gate], versions: Mapping[str, Version]) -> str | None:
    """Say for which versions a statement holds and, where it holds for a known version, for which."""
    said = []
    for component in dict.fromkeys(gate.component for gate in gates):
        own = [gate for gate in gates if gate.component == component]
        bounds = ", ".join(_BOUNDS[gate.op].format(version_name(gate.version)) for gate in own)
        yours = f" (yours: {version_name(versions[component])})" if _hold(own, versions) else ""
        said.append(f"{component_name(component)} {bounds}{yours}")
    return " and ".join(said) or None


def _letter(position: int) -> str:
    letters = ""
    position += 1
    while position:
        position, rest = divmod(position - 1, 26)
        letters = chr(ord("a") + rest) + letters
    return letters
