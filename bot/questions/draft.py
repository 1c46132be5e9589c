"""A draft of an entry that would answer questions, with blanks where only a person knows."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from bot.questions.clusters import QuestionCluster
from corpus import Corpus

__all__ = ["draft_entry", "draft_id"]

_LONGEST_ASKED = 1200
_MOST_ASKED = 30
_LONGEST_ID = 48
_FALLBACK = "new-entry"

_DRAFT = """\
---
# A draft made of {count} open questions. Fill in what is empty, then run: acknet corpus check
# docs/corpus.md says what belongs where. Every statement has to rest on an edition or a public source.
id: {id}
title: ""            # a statement of the case or the question, at most 100 characters
area: {area:<14} # terway | flannel | general | kube-proxy | ipv6
kind: symptom        # symptom | howto | info
cites:               # every place of either edition that it rests on, headings as they stand there
  - {{edition: intl, heading: ""}}
  - {{edition: cn, heading: ""}}
tells_apart: ""      # one line that sets it apart from {nearest}
asked_as:            # as it was asked; add other ways, Chinese among them, until there are a dozen or more
{asked}
cases:
  - id: {id}
    claim: ""        # what can be the case in a cluster
    by_hand: ""      # where a person sees that
see_also: [{see_also}]
---

## Summary

"""


def draft_id(cluster: QuestionCluster) -> str:
    """Return an id made of the words of the most typical question."""
    words = re.findall(r"[a-z0-9]+", cluster.questions[0].text.lower())
    found = ""
    for word in words:
        longer = f"{found}-{word}" if found else word
        if len(longer) > _LONGEST_ID:
            break
        found = longer
    return found or _FALLBACK


def draft_entry(cluster: QuestionCluster, corpus: Corpus, entry_id: str) -> str:
    """Return the file of an entry that ``acknet corpus check`` takes once it is filled in."""
    nearest = [entry for entry, _ in cluster.nearest if entry in corpus]
    return _DRAFT.format(
        count=cluster.count,
        id=entry_id,
        area=corpus[nearest[0]].area if nearest else "general",
        nearest=", ".join(nearest) or "its neighbours",
        asked="\n".join(f"  - {json.dumps(text, ensure_ascii=False)}" for text in _asked(cluster, corpus)),
        see_also=", ".join(nearest),
    )


def _asked(cluster: QuestionCluster, corpus: Corpus) -> Sequence[str]:
    """Return the ways of asking, each once, without those that entries have already."""
    known = {_same(text) for entry in corpus.entries for text in entry.asked_as}
    found: dict[str, str] = {}
    for question in cluster.questions:
        # A string of YAML takes what one of JSON does, but for what cannot be seen.
        text = "".join(char if char.isprintable() or char == "\n" else " " for char in question.text).strip()
        text = text[:_LONGEST_ASKED].strip()
        if text and _same(text) not in known:
            found.setdefault(_same(text), text)
    return list(found.values())[:_MOST_ASKED]


def _same(text: str) -> str:
    return " ".join(text.casefold().split())
