"""Finds the FAQ's literal error texts in a question or a paste, however wrapped, cut or escaped.

A text that differs from a signature by one word is another error. It is reported as a *look-alike*, so that it is not
answered as if it were the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from corpus import Corpus
from index.frames import Frames
from index.look_alikes import LookAlikes
from index.signature_text import REACH, SignatureText
from index.squeezed import SqueezedText, places

__all__ = ["SignatureHit", "SignatureMatcher"]

MIN_CUT_LETTERS = 9
MIN_CUT_WORDS = 3
"""With fewer whole words, and not broken within one, what is left of a cut signature may stand in any sentence."""


@dataclass(frozen=True, slots=True)
class SignatureHit:
    """A signature found in a text.

    ``entries`` are the ids it points to. ``share`` is how much of it stood there: 1.0 all of it, less when the text
    was cut, 0.0 for a look-alike.
    """

    signature: str
    entries: tuple[str, ...]
    share: float


@dataclass(frozen=True, slots=True)
class _Found:
    """How many ``letters`` of a signature stand from ``start`` to ``end``."""

    signature: SignatureText
    letters: int
    start: int
    end: int

    @property
    def share(self) -> float:
        return self.letters / self.signature.letters

    def within(self, other: _Found) -> bool:
        return other.start <= self.start and self.end <= other.end


class SignatureMatcher:
    """Looks for all signatures of a corpus at once.

    ``signatures`` maps each signature, as written, to the ids of the entries it points to. Of those that differ in case
    or quotes only, the first gives the name. ``texts`` tell of these errors in many words: with one of those words more
    a signature is the same error still.
    """

    def __init__(
        self, signatures: Mapping[str, Sequence[str]], texts: Callable[[], Iterable[tuple[str, str]]] = tuple
    ) -> None:
        merged: dict[tuple[str, ...], SignatureText] = {}
        owners: dict[str, dict[str, None]] = {}
        for text, entries in signatures.items():
            signature = SignatureText(text)
            first = merged.setdefault(signature.parts, signature)
            owners.setdefault(first.text, {}).update(dict.fromkeys(entries))
        self._signatures = [(each.lead, each.tail or each.lead, each) for each in merged.values()]
        self._entries = {text: tuple(entries) for text, entries in owners.items()}
        self._look_alikes = LookAlikes(self._entries, texts)
        self._frames = Frames(list(self._entries))

    @classmethod
    def of(cls, corpus: Corpus) -> Self:
        """Return a matcher for the signatures of all entries."""
        owners: dict[str, list[str]] = {}
        for entry in corpus.entries:
            for signature in entry.signatures:
                owners.setdefault(signature, []).append(entry.id)
        return cls(owners, lambda: _texts(corpus))

    def find(self, text: str) -> list[SignatureHit]:
        """Return the signatures in ``text`` (normalised), the one of which most stands there first.

        One that stands within a longer one is left out. Look-alikes come only where there is no signature.
        """
        read = SqueezedText(text)
        letters = read.letters
        found: list[_Found] = []
        for lead, tail, signature in self._signatures:
            if (lead in letters or tail in letters) and (hit := _whole(signature, read) or _cut(signature, read)):
                found.append(hit)
        found.sort(key=lambda hit: (-hit.letters, -hit.share))
        kept: list[_Found] = []
        for hit in found:
            if not any(hit.within(longer) for longer in kept):
                kept.append(hit)
        if kept:
            return [self._hit(hit.signature.text, hit.share) for hit in kept]
        foreign = dict.fromkeys([*self._look_alikes.find(text), *self._frames.find(letters)])
        return [self._hit(signature, 0.0) for signature in foreign]

    def _hit(self, signature: str, share: float) -> SignatureHit:
        return SignatureHit(signature, self._entries[signature], share)


def _texts(corpus: Corpus) -> Iterator[tuple[str, str]]:
    """Yield the texts of each entry with its id; what several entries explain belongs to each."""
    for entry in corpus.entries:
        for text in (entry.title, *entry.asked_as, *(turn for turns in entry.threads for turn in turns)):
            yield entry.id, text
        for statement in entry.statements():
            yield entry.id, statement.text
    for ambiguous in corpus.ambiguous:
        for entry_id in ambiguous.entries:
            yield entry_id, ambiguous.question


def _whole(signature: SignatureText, read: SqueezedText) -> _Found | None:
    for at in places(read.letters, signature.anchor):
        if span := signature.whole_around(read.letters, at):
            found = _Found(signature, signature.letters, *span)
            if not _touched(found, read):
                return found
    return None


def _cut(signature: SignatureText, read: SqueezedText) -> _Found | None:
    """Return the most of a signature that stands where the text breaks off, or sets in, within it."""
    candidates = [*_cut_at_its_end(signature, read), *_cut_at_its_start(signature, read)]
    return max((found for found in candidates if not _touched(found, read)), key=lambda it: it.letters, default=None)


def _cut_at_its_end(signature: SignatureText, read: SqueezedText) -> Iterator[_Found]:
    for place in places(read.letters, signature.lead):
        at = read.letters.rfind(signature.head, max(0, place - REACH), place + len(signature.head))
        for held, end in signature.beginnings(read, at) if at >= 0 else ():
            found = _Found(signature, held, at, end)
            # A message that quotes something itself goes on behind a quotation.
            quoted = not signature.quotes and read.ends_a_quote(at, end)
            if (quoted or read.cut_off_at(end)) and _telling(found, read):
                yield found


def _telling(found: _Found, read: SqueezedText) -> bool:
    """Whether what is left of a signature would hardly stand there otherwise: in a sentence, or as a name."""
    signature, letters, start, end = found.signature, found.letters, found.start, found.end
    if signature.breaks_a_word(letters):
        return letters >= MIN_CUT_LETTERS or read.is_all(start, end) or read.is_quoted(start)
    if signature.code:
        return read.is_all(start, end) or read.is_torn(start, end)
    if read.is_all(start, end) or read.is_quoted(start):
        return read.blanks(start, end) > 0 or read.is_torn(start, end)
    return letters >= MIN_CUT_LETTERS and signature.words_in(letters) >= MIN_CUT_WORDS


def _cut_at_its_start(signature: SignatureText, read: SqueezedText) -> Iterator[_Found]:
    for place in places(read.letters, signature.tail) if signature.tail else ():
        end = place + signature.least
        for held in signature.endings(read.letters, end):
            at = end - held
            if not read.sets_in_at(at):
                continue
            broken = signature.breaks_a_word(signature.letters - held)
            # A question may well begin, and a line of one go on, with the words that a signature ends with.
            telling = read.blanks(at, end) >= MIN_CUT_WORDS - 1 and (read.is_torn_off_at(at) or read.stops_at(end))
            if held >= MIN_CUT_LETTERS and (broken or telling or read.is_all(at, end)):
                yield _Found(signature, held, at, end)


def _touched(found: _Found, read: SqueezedText) -> bool:
    """Whether the text goes on where the signature ends, so that it says something else: ``IpNotEnoughX``."""
    signature = found.signature
    if signature.code and found.share < 1.0 and read.blanks(found.start, found.end):
        return True
    start, end = read.touched(found.start, found.end, dots=signature.code)
    return (start and signature.closed_start) or (end and signature.closed_end)
