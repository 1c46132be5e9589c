"""A small corpus on disk that tests break in one place at a time."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from corpus import Corpus, CorpusError, Problem, check_corpus, load_corpus

SOURCES = """\
editions:
  intl: {document: First edition, url: 'https://example.com/intl', dated: "2026-02-25"}
  cn: {document: Second edition, url: 'https://example.com/cn', dated: null}
notes:
  source-code: {title: The source code, url: 'https://example.com/source'}
"""

ENTRY = """\
---
id: no-address
title: Pods get no address
area: terway
kind: symptom
cites:
  - {edition: intl, heading: Why do Pods get no address?}
  - {edition: cn, heading: Pods without an address}
tells_apart: 'The range is used up, not merely slow. {intl}'
differs:
  - topic: the limit
    intl: ten
    cn: not stated
    advice: 'Take ten. {intl}'
asked_as:
  - why do pods get no address
  - no ip for my pod
  - pod without ip
  - address missing
  - pods hang, no ip
  - where is the address of my pod
  - pod ip empty
  - no addresses left?
  - get pods shows no ip
  - Pod 没有 IP
  - 为什么 Pod 拿不到地址
  - 地址用完了
signatures:
  - no addresses left in <name>
cases:
  - id: range-empty
    claim: The range is empty.
    by_hand: Count the free addresses.
see_also: [slow-address]
---

## Summary

The range has no free address. {intl, cn}

## Steps

1. Look at the pods. {intl}

   ```bash
   kubectl get pod -o wide
   ```

2. Delete the pod. {cn; when terway >= 1.8.0}

   ```bash
   kubectl delete pod POD
   ```

   > risk: What the pod was doing is cut off. {note:source-code}
"""


def _slowly(entry: str) -> str:
    """Give the second entry ways of asking of its own."""
    front, _, rest = entry.partition("asked_as:\n")
    asked, _, after = rest.partition("signatures:\n")
    lines = [f"  - slow {line.strip().removeprefix('- ')}" for line in asked.splitlines()]
    return f"{front}asked_as:\n" + "\n".join(lines) + f"\nsignatures:\n{after}"


@dataclass
class CorpusDirectory:
    """A corpus directory with two entries; ``entry`` is the file that most tests break."""

    root: Path

    @property
    def entry(self) -> Path:
        return self.root / "entries" / "terway" / "no-address.md"

    def replace(self, old: str, new: str, file: str = "entries/terway/no-address.md") -> None:
        text = (self.root / file).read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file}"
        (self.root / file).write_text(text.replace(old, new), encoding="utf-8")

    def write(self, file: str, text: str) -> None:
        path = self.root / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def line_of(self, text: str, file: str = "entries/terway/no-address.md") -> int:
        lines = (self.root / file).read_text(encoding="utf-8").split("\n")
        return next(number for number, line in enumerate(lines, 1) if text in line)

    def load(self) -> Corpus:
        return load_corpus(self.root)

    def loading_problems(self) -> list[Problem]:
        with pytest.raises(CorpusError) as caught:
            self.load()
        return caught.value.problems

    def check(self) -> list[Problem]:
        return check_corpus(self.load())


@pytest.fixture
def directory(tmp_path: Path) -> CorpusDirectory:
    made = CorpusDirectory(tmp_path)
    made.write("sources.yaml", SOURCES)
    made.write("entries/terway/no-address.md", ENTRY)
    other = _slowly(ENTRY.replace("id: no-address", "id: slow-address").replace("[slow-address]", "[no-address]"))
    made.write("entries/terway/slow-address.md", other)
    return made
