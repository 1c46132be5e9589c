"""What a look into the cluster changes about which entry answers."""

from __future__ import annotations

from dataclasses import replace

from bot.diagnosis.models import Diagnosis
from corpus import Corpus
from index.retriever import Ranking

__all__ = ["reconsider"]


def reconsider(ranking: Ranking, diagnosis: Diagnosis, corpus: Corpus) -> Ranking:
    """Return the ranking in the light of the verdicts: what is confirmed answers, what is ruled out is no choice.

    Only entries about a fault count: that a cluster is set up in a certain way is no answer by itself. A question that
    the FAQ does not answer stays one, and an entry that alone fits a question keeps answering it even where it is
    ruled out: that this is so is then part of the answer.
    """
    if ranking.outcome == "no_answer":
        return ranking
    faults = {entry.id for entry in corpus.entries if entry.kind == "symptom"}
    verdicts = {entry: verdict for entry, verdict in diagnosis.verdicts.items() if entry in faults}
    confirmed = [ranked.entry for ranked in ranking.entries if verdicts.get(ranked.entry) == "confirmed"]
    if confirmed:
        order = {entry: place for place, entry in enumerate(confirmed)}
        entries = sorted(ranking.entries, key=lambda ranked: order.get(ranked.entry, len(order)))
        return replace(ranking, outcome="answer", entries=tuple(entries), choices=())
    if ranking.outcome != "choices":
        return ranking
    left = tuple(entry for entry in ranking.choices if verdicts.get(entry) != "ruled_out")
    if len(left) > 1 or not left:
        return replace(ranking, choices=left or ranking.choices)
    first = [ranked for ranked in ranking.entries if ranked.entry in left]
    others = [ranked for ranked in ranking.entries if ranked.entry not in left]
    return replace(ranking, outcome="answer", entries=(*first, *others), choices=())
