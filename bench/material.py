"""What every system is given alike: the texts that acknet indexes and the directory of its encoder's weights."""

from __future__ import annotations

import json
from pathlib import Path

from corpus import load_corpus
from index.model import locate_model
from index.records import records

__all__ = ["indexed_texts", "model_directory"]

_QUICK_STEP = 10


def indexed_texts(*, quick: bool = False) -> list[str]:
    """Return the texts of the shipped corpus, every tenth of them when ``quick``."""
    return [record.text for record in records(load_corpus())][:: _QUICK_STEP if quick else 1]


def model_directory() -> Path:
    """Return where the weights lie."""
    return locate_model()


if __name__ == "__main__":
    print(json.dumps({"model": str(model_directory()), "texts": indexed_texts()}))
