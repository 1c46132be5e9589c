"""LangChain: its FAISS vector store over its sentence-transformers embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from langchain_community.vectorstores import FAISS
from langchain_huggingface import HuggingFaceEmbeddings

from bench.systems import NEIGHBOURS

__all__ = ["LangChain"]


class LangChain:
    """See `bench.systems.System`."""

    def __init__(self, store: FAISS) -> None:
        self._store = store

    @classmethod
    def build(cls, texts: Sequence[str], model: Path, directory: Path) -> None:
        """Embed and save."""
        FAISS.from_texts(list(texts), _embeddings(model)).save_local(str(directory))

    @classmethod
    def open(cls, model: Path, directory: Path) -> Self:
        """Read what was saved."""
        # The documents are a pickle, which LangChain reads only when told that the file is trusted: it is our own.
        store = FAISS.load_local(str(directory), _embeddings(model), allow_dangerous_deserialization=True)
        return cls(store)

    def search(self, question: str) -> list[str]:
        """Return the nearest texts."""
        return [document.page_content for document in self._store.similarity_search(question, k=NEIGHBOURS)]


def _embeddings(model: Path) -> HuggingFaceEmbeddings:
    return HuggingFaceEmbeddings(model_name=str(model), encode_kwargs={"normalize_embeddings": True})
