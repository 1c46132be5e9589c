"""Finds entries by words that stand in them."""

from __future__ import annotations

from corpus import Corpus, Entry

__all__ = ["search"]


def search(corpus: Corpus, words: str, area: str = "") -> list[Entry]:
    """Return the entries that hold every one of ``words``, those first that hold them where it matters most."""
    terms = words.casefold().split()
    scored = [(_score(entry, terms), entry) for entry in corpus.entries if area in {"", entry.area}]
    found = [(score, entry) for score, entry in scored if score]
    return [entry for _, entry in sorted(found, key=lambda pair: -pair[0])]


def _score(entry: Entry, terms: list[str]) -> int:
    """Return 0 when a term is nowhere, else the sum of what the best place of each is worth."""
    places = (
        (8, f"{entry.id} {entry.title}"),
        (6, " ".join(entry.signatures)),
        (3, " ".join(statement.text for statement in entry.section("Summary"))),
        (2, " ".join(case.claim for case in entry.cases)),
        (1, " ".join(_texts(entry))),
    )
    folded = [(worth, text.casefold()) for worth, text in places]
    best = [max((worth for worth, text in folded if term in text), default=0) for term in terms]
    return sum(best) if all(best) else 0


def _texts(entry: Entry) -> list[str]:
    statements = list(entry.statements())
    code = [code.text for statement in statements for code in statement.code]
    return [*(statement.text for statement in statements), *code, *entry.asked_as]
