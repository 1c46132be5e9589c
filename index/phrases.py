"""Known error messages of several words, compared word by word with a text."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from index.slips import is_slip

__all__ = ["FUNCTION_WORDS", "MIN_COMMON", "Phrase", "resembling", "vocabulary"]

MIN_COMMON = 2
"""How many telling words a text has to have in common with a message."""

SURE = 4
"""With that many, a text need not stand alone."""

TOLD = 3
"""With that many it need not either, if a foreign word stands in it in which nobody tells of the known errors."""

MIN_WORDS = 4
MIN_CODE_PARTS = 3
MAX_PLACES = 200
MAX_PHRASE = 60
"""More words than any message has, what stands for its masks included."""

MAX_ANNOUNCED = 24
"""In how many characters before it a message is announced."""

MAX_MASK_WORDS = 4
"""How many words may stand where a message has a mask."""

FUNCTION_WORDS = frozenset(
    re.findall(
        r"\w+",
        "a all an and any are as at be because been but by can could did do does for from had has have if in into is "
        "it its more no not now of on or so still than that the then there these they this to was were when which will "
        "with would yet",
    )
)

_MASK = re.compile(r"<[a-z]+>")
_RUN = re.compile(r"[^\s\"`()\[\]{}<>,;:=|/]+")
_WORD = re.compile(r"[^\W\d_]+(?:'[a-z]+)?")
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_BEFORE = re.compile(r"(?:^|[\n:;=,\"'`(\[{|>\]]|[ \t]{2}|\t|[\dZ]|\b[A-Z]{4,})[ \t]*$")
_ANNOUNCED = re.compile(
    r"(?:\b(?:logs?|logged|logging|sa(?:y|ys|id|ying)|prints?|printed|printing|reports?|reported|reporting|errors?|"
    r"messages?|warns?|warnings?|complains?|throws?|shows?|showed)\b|[报示说志])[^\w.?!]*(?:that |a |the )?$",
    re.IGNORECASE,
)
_BEHIND = re.compile(
    r"(?:[ \t]*[^\w\s]*[\w.:*/-]*\d[\w.:*/-]*)?(?:[\"'`]|[)\]}]*[ \t]*(?:$|[\n.,;:!?|({\[=])|[ \t]{2})"
)


@dataclass(frozen=True, slots=True)
class _Word:
    """A word of a text, lower-case, and where it stands."""

    text: str
    start: int
    end: int


class Phrase:
    """A signature as its ``words``, of which ``telling`` say something; ``masked`` are those before a mask.

    ``framed`` are codes among the words: what stands around them is the frame of many messages.
    """

    def __init__(self, signature: str) -> None:
        self.signature = signature
        words: list[str] = []
        masked: list[int] = []
        for piece in _MASK.split(signature):
            words += (word.text for word in _words(piece))
            masked.append(len(words) - 1)
        self.words = tuple(words)
        self.masked = frozenset(masked if signature.endswith(">") else masked[:-1])
        self.telling = frozenset(words) - FUNCTION_WORDS
        names = re.findall(r"[A-Za-z]+", signature)
        self.framed = frozenset(name.lower() for name in names if len(_PART.findall(name)) >= MIN_CODE_PARTS)

    @property
    def comparable(self) -> bool:
        """Whether enough is left of it to be recognised when one word is replaced."""
        set_apart = _MASK.sub(" ", self.signature).replace("_", " ").split()
        return len(set_apart) >= MIN_WORDS and len(self.telling) > MIN_COMMON


def resembling(text: str, phrases: Sequence[Phrase], known: Callable[[str], frozenset[str]]) -> Iterator[str]:
    """Yield the signatures that stand in ``text`` with a telling word replaced by another, or with one word more.

    One more makes another error unless it is among the words in which people tell of the known one, as ``known`` says.
    """
    words = list(_words(text))
    wanted = frozenset().union(*(phrase.telling for phrase in phrases))
    places: dict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        if word.text in wanted:
            places[word.text].append(place)
    for phrase in phrases:
        starts = _starts(phrase, places)
        # What stands behind one word more stands a place further on.
        if any(_replaced(text, words, start, phrase, known) for start in starts) or any(
            _inserted(text, words, start, phrase, known) for start in starts | {start - 1 for start in starts if start}
        ):
            yield phrase.signature


def vocabulary(texts: Iterable[str]) -> frozenset[str]:
    """Return the words of ``texts``."""
    return frozenset(word.text for text in texts for word in _words(text))


def _starts(phrase: Phrase, places: Mapping[str, Sequence[int]]) -> set[int]:
    """Return where in a text the phrase may start."""
    # One of two words is there whichever was replaced, and the rarest leave the fewest places to look at.
    there = [at for at, word in enumerate(phrase.words) if word in phrase.telling and word in places]
    starts: set[int] = set()
    for at in sorted(there, key=lambda at: len(places[phrase.words[at]]))[:2]:
        masks = sum(mask < at for mask in phrase.masked)
        for place in places[phrase.words[at]][:MAX_PLACES]:
            starts.update(range(max(0, place - at - MAX_MASK_WORDS * masks), place - at + 1))
    return starts


def _replaced(
    text: str, words: Sequence[_Word], start: int, phrase: Phrase, known: Callable[[str], frozenset[str]]
) -> bool:
    """Whether the phrase, with one of its telling words replaced, begins with the word ``start``."""
    window = [words[place] for place in _aligned(words, start, phrase)]
    different = [at for at, word in enumerate(window) if word.text != phrase.words[at]]
    if len(window) < len(phrase.words) or len(different) != 1:
        return False
    at = different[0]
    left, right = phrase.words[at], window[at].text
    common = len(phrase.telling - {left})
    return (
        common >= MIN_COMMON
        and left not in phrase.framed
        and not {left, right} & FUNCTION_WORDS
        and not is_slip(left, right)
        and _coherent(text, window, at, phrase)
        and (
            common >= SURE
            or _alone(text, window, phrase)
            or (_told(text, window, at) and right not in known(phrase.signature))
        )
    )


def _inserted(
    text: str, words: Sequence[_Word], start: int, phrase: Phrase, known: Callable[[str], frozenset[str]]
) -> bool:
    """Whether the phrase, with a foreign word between two of its own, begins with the word ``start``."""
    aligned = _aligned(words, start, phrase)
    # The alignment ends at the second word that differs, so the first that does is the last but one or the last.
    wrong = next((place for at, place in enumerate(aligned) if words[place].text != phrase.words[at]), None)
    if wrong is None or wrong == start:
        return False
    without = [*words[max(0, wrong - MAX_PHRASE) : wrong], *words[wrong + 1 : wrong + MAX_PHRASE]]
    window = [without[place] for place in _aligned(without, start - max(0, wrong - MAX_PHRASE), phrase)]
    same = len(window) == len(phrase.words) and all(
        word.text == own for word, own in zip(window, phrase.words, strict=True)
    )
    foreign = words[wrong].text not in FUNCTION_WORDS
    return (
        same
        and foreign
        and (len(phrase.telling) >= TOLD or _alone(text, window, phrase))
        and words[wrong].text not in known(phrase.signature)
    )


def _aligned(words: Sequence[_Word], start: int, phrase: Phrase) -> list[int]:
    """Return where the phrase's words would stand in a text; what stands for a mask is skipped.

    Fewer than all when they cannot: as soon as a second one differs.
    """
    places: list[int] = []
    place, wrong = start, 0
    for at, word in enumerate(phrase.words):
        if at - 1 in phrase.masked:
            following = phrase.words[min(at + 1, len(phrase.words) - 1)]
            skipped = range(place, min(place + MAX_MASK_WORDS + 1, len(words)))
            same = (there for there in skipped if words[there].text == word)
            next_same = (there for there in skipped[:-1] if words[there + 1].text == following)
            place = next(same, next(next_same, place))
        if place >= len(words):
            break
        wrong += words[place].text != word
        if wrong > 1:
            break
        places.append(place)
        place += 1
    return places


def _coherent(text: str, window: Sequence[_Word], at: int, phrase: Phrase) -> bool:
    """Whether a word replaced at an end is next to its neighbour: what is left out between them is no message."""
    if 0 < at < len(window) - 1:
        return True
    left = 0 if at == 0 else at - 1
    between = text[window[left].end : window[left + 1].start]
    return left in phrase.masked or len("".join(between.split())) <= 1


def _alone(text: str, window: Sequence[_Word], phrase: Phrase) -> bool:
    """Whether the words of ``window`` stand alone like a message, not within a sentence."""
    start, end = window[0].start, window[-1].end
    opened = -1 in phrase.masked or _BEFORE.search(text[max(0, start - 12) : start])
    return bool(opened and (len(phrase.words) - 1 in phrase.masked or _BEHIND.match(text, end)))


def _told(text: str, window: Sequence[_Word], at: int) -> bool:
    """Whether a sentence tells of a message: what is left of one is in two parts, or the sentence says that it comes.

    Without its end a short message may be a name like any other (``exclusive eni mode``).
    """
    start = window[0].start
    return 0 < at < len(window) - 1 or bool(_ANNOUNCED.search(text[max(0, start - MAX_ANNOUNCED) : start]))


def _words(text: str) -> Iterator[_Word]:
    """Yield the words of ``text``; what has a digit in it varies from case to case and is left out."""
    for run in _RUN.finditer(text.lower()):
        if (name := run[0].strip("'.!?")) in ("ipv4", "ipv6"):
            yield _Word(name, run.start(), run.start() + len(name))
        elif not any(map(str.isdigit, run[0])):
            for match in _WORD.finditer(run[0]):
                start, end = run.start() + match.start(), run.start() + match.end()
                if match[0].endswith("n't"):
                    yield _Word("can" if match[0] == "can't" else match[0][:-3], start, end)
                    yield _Word("not", start, end)
                else:
                    yield _Word("found" if match[0] == "find" else match[0], start, end)
