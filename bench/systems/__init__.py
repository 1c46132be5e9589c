"""Other ways to search the same texts with the same weights: common frameworks in front of FAISS, as documented."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, Self

from bench.environment import BenchError

__all__ = ["NEIGHBOURS", "SYSTEMS", "System", "system"]

NEIGHBOURS = 10
"""How many texts a search returns."""

SYSTEMS = {
    "LangChain + FAISS": ("bench.systems.langchain", "LangChain"),
    "LlamaIndex + FAISS": ("bench.systems.llama_index", "LlamaIndex"),
    "txtai": ("bench.systems.txtai", "Txtai"),
}


class System(Protocol):
    """A saved index of texts, opened."""

    @classmethod
    def build(cls, texts: Sequence[str], model: Path, directory: Path, /) -> None:
        """Embed ``texts`` with the sentence-transformers model in ``model`` and save the index to ``directory``."""
        ...

    @classmethod
    def open(cls, model: Path, directory: Path, /) -> Self:
        """Return the index that was saved to ``directory``."""
        ...

    def search(self, question: str) -> list[str]:
        """Return the nearest texts of ``question``, best first."""
        ...


def system(name: str) -> type[System]:
    """Return the system with a name of SYSTEMS; raises BenchError when its packages are not installed."""
    module, attribute = SYSTEMS[name]
    try:
        found: type[System] = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise BenchError(f"{name} needs {error.name}, which is not installed; pip install -e '.[bench]'") from error
    return found
