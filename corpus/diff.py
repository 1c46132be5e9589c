"""Tells what a newer saved page changed against an older one, section by section."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, unified_diff
from itertools import product

from corpus.editions import PageSection

__all__ = [
    "PageChange",
    "SectionAdded",
    "SectionChanged",
    "SectionRemoved",
    "SectionRenamed",
    "compare_pages",
]

SIMILAR = 0.6
"""Share of words that two texts must have in common, in order, to be one text under two headings."""

MAX_PAIRS = 10_000
"""Comparing every text with every other takes long for pages that have nothing in common."""

_MAX_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class SectionAdded:
    """A section that only the newer page has."""

    new: PageSection


@dataclass(frozen=True, slots=True)
class SectionRemoved:
    """A section that only the older page has."""

    old: PageSection


@dataclass(frozen=True, slots=True)
class SectionRenamed:
    """A text that stands under another heading now; ``lines`` is its unified diff, empty when it stayed as it was."""

    old: PageSection
    new: PageSection
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SectionChanged:
    """A section whose text changed; ``lines`` is the unified diff, its line numbers count the text's filled lines."""

    old: PageSection
    new: PageSection
    lines: tuple[str, ...]


PageChange = SectionAdded | SectionRemoved | SectionRenamed | SectionChanged


def compare_pages(old: Sequence[PageSection], new: Sequence[PageSection]) -> list[PageChange]:
    """Return what ``new`` changed: first what it holds, in its order, then what is gone, in the order of ``old``.

    Blank lines, trailing space, the kind of quotes in headings and the order of sections do not count.
    """
    partners = dict(_same_headings(old, new))
    matched = set(partners.values())
    gone = [position for position in range(len(old)) if position not in matched]
    come = [position for position in range(len(new)) if position not in partners]
    renamed = dict(_same_texts([(at, old[at]) for at in gone], [(at, new[at]) for at in come]))
    changes: list[PageChange] = []
    for position, section in enumerate(new):
        if position in partners:
            before = old[partners[position]]
            if lines := _unified(before, section):
                changes.append(SectionChanged(before, section, lines))
        elif position in renamed:
            before = old[renamed[position]]
            changes.append(SectionRenamed(before, section, _unified(before, section)))
        else:
            changes.append(SectionAdded(section))
    kept = set(renamed.values())
    return changes + [SectionRemoved(old[position]) for position in gone if position not in kept]


def _same_headings(old: Sequence[PageSection], new: Sequence[PageSection]) -> Iterator[tuple[int, int]]:
    """Yield (position in new, position in old) of sections with the same heading, the first with the first."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for position in reversed(range(len(old))):
        places[old[position].key].append(position)
    for position, section in enumerate(new):
        if places[section.key]:
            yield position, places[section.key].pop()


def _same_texts(
    gone: Sequence[tuple[int, PageSection]], come: Sequence[tuple[int, PageSection]]
) -> Iterator[tuple[int, int]]:
    """Yield (position in new, position in old) of similar texts, the most similar first, each at most once."""
    if len(gone) * len(come) > MAX_PAIRS:
        return
    before = {position: section.text.split()[:_MAX_WORDS] for position, section in gone}
    after = {position: section.text.split()[:_MAX_WORDS] for position, section in come}
    scored = sorted((-_likeness(before[o], after[n]), n, o) for n, o in product(after, before))
    for score, n, o in scored:
        if -score >= SIMILAR and n in after and o in before:
            del after[n], before[o]
            yield n, o


def _likeness(old: list[str], new: list[str]) -> float:
    if not old or not new:
        return 0.0
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    bound = min(matcher.real_quick_ratio(), matcher.quick_ratio())
    return matcher.ratio() if bound >= SIMILAR else bound


def _unified(old: PageSection, new: PageSection) -> tuple[str, ...]:
    lines = unified_diff(_filled(old.text), _filled(new.text), n=2, lineterm="")
    return tuple(lines)[2:]  # without the names of the two files


def _filled(text: str) -> list[str]:
    return [line.rstrip() for line in text.split("\n") if line.strip()]
