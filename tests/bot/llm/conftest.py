from __future__ import annotations

from pathlib import Path

import pytest

from bot.engine import Engine
from corpus import CORPUS_DIR
from index.build import open_index
from index.model import DEFAULT_MODEL
from index.retriever import Retriever


@pytest.fixture(scope="module")
def retriever(built_cache: Path) -> Retriever:
    return open_index(built_cache, corpus_dir=CORPUS_DIR, model=DEFAULT_MODEL, threads=1)


@pytest.fixture(scope="module")
def alone(retriever: Retriever) -> Engine:
    """An engine that no model helps."""
    return Engine(retriever)
