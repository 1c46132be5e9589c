"""txtai: its embeddings index on FAISS in its quickest form, without the database of texts beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from txtai import Embeddings

from bench.systems import NEIGHBOURS

__all__ = ["Txtai"]

_TEXTS = "texts.json"


class Txtai:
    """See `bench.systems.System`."""

    def __init__(self, embeddings: Any, texts: Sequence[str]) -> None:
        self._embeddings, self._texts = embeddings, texts

    @classmethod
    def build(cls, texts: Sequence[str], model: Path, directory: Path) -> None:
        """Embed and save."""
        embeddings = Embeddings(path=str(model), backend="faiss", faiss={"components": "IDMap,Flat"})
        embeddings.index(list(texts))
        embeddings.save(str(directory))
        (directory / _TEXTS).write_text(json.dumps(list(texts)), encoding="utf-8")

    @classmethod
    def open(cls, _model: Path, directory: Path) -> Self:
        """Read what was saved, the model's path included."""
        embeddings = Embeddings()
        embeddings.load(str(directory))
        return cls(embeddings, json.loads((directory / _TEXTS).read_text(encoding="utf-8")))

    def search(self, question: str) -> list[str]:
        """Return the nearest texts."""
        return [self._texts[number] for number, _ in self._embeddings.search(question, NEIGHBOURS)]
