"""LlamaIndex: its FAISS vector store over its sentence-transformers embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import faiss
from llama_index.core import StorageContext, VectorStoreIndex, load_index_from_storage
from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.vector_stores.faiss import FaissVectorStore

from bench.systems import NEIGHBOURS

__all__ = ["LlamaIndex"]


class LlamaIndex:
    """See `bench.systems.System`."""

    def __init__(self, retriever: BaseRetriever) -> None:
        self._retriever = retriever

    @classmethod
    def build(cls, texts: Sequence[str], model: Path, directory: Path) -> None:
        """Embed and save."""
        embedding = _embedding(model)
        dimension = len(embedding.get_text_embedding(texts[0]))
        store = FaissVectorStore(faiss_index=faiss.IndexFlatIP(dimension))
        index = VectorStoreIndex(
            [TextNode(text=text) for text in texts],
            storage_context=StorageContext.from_defaults(vector_store=store),
            embed_model=embedding,
        )
        index.storage_context.persist(persist_dir=str(directory))

    @classmethod
    def open(cls, model: Path, directory: Path) -> Self:
        """Read what was saved."""
        store = FaissVectorStore.from_persist_dir(str(directory))
        context = StorageContext.from_defaults(vector_store=store, persist_dir=str(directory))
        index = load_index_from_storage(context, embed_model=_embedding(model))
        return cls(index.as_retriever(similarity_top_k=NEIGHBOURS))

    def search(self, question: str) -> list[str]:
        """Return the nearest texts."""
        return [found.node.get_content() for found in self._retriever.retrieve(question)]


def _embedding(model: Path) -> HuggingFaceEmbedding:
    return HuggingFaceEmbedding(model_name=str(model))
