from __future__ import annotations

from pathlib import Path

import pytest

from index.build import index_digest, open_index
from index.retriever import Retriever


@pytest.fixture(scope="session")
def built_index(built_cache: Path) -> Path:
    """The directory of the shipped corpus' index; not to be changed."""
    return built_cache / "index" / index_digest()[:16]


@pytest.fixture(scope="session")
def retriever(built_cache: Path) -> Retriever:
    """The index of the shipped corpus, loaded."""
    return open_index(built_cache)
