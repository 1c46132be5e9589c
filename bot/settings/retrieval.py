"""What questions are answered from, and how they are read."""

from __future__ import annotations

from pathlib import Path

from platformdirs import user_cache_path
from pydantic import BaseModel, Field, SecretStr

from bot.settings.kinds import Decimal, ServerUrl, SettingPath, Text, Whole
from index.model import DEFAULT_MODEL

__all__ = ["RetrievalSettings"]


def _usual_cache() -> Path:
    try:
        return user_cache_path("acknet", appauthor=False)
    except RuntimeError:
        return Path("~/.cache/acknet")  # no home is known; the field then refuses its ~


class RetrievalSettings(BaseModel):
    """What questions are answered from, and how they are read."""

    cache_dir: SettingPath = Field(
        default_factory=_usual_cache,
        description="Directory that holds the built index. The default shown is that of Linux; other systems have "
        "their own place for caches, and XDG_CACHE_HOME moves it.",
        json_schema_extra={"default": "~/.cache/acknet", "accepts": "a path"},
    )
    model: Text = Field(
        default=DEFAULT_MODEL,
        description="Encoder that turns text into vectors: the name of the default one, or the directory of another "
        "sentence-transformers model. Another model needs another index, which is then built.",
        json_schema_extra={"accepts": "a model's name or directory"},
    )
    corpus_dir: SettingPath | None = Field(
        default=None,
        description="Directory of a corpus to answer from in place of the one that acknet brings.",
        json_schema_extra={"accepts": "a path"},
    )
    encoder_threads: Whole = Field(
        default=1,
        ge=0,
        le=64,
        description="Threads that encode one question; 0 takes as many as there are cores. More make a single question "
        "a little faster and many at once slower.",
    )
    vector_store_url: ServerUrl | None = Field(
        default=None,
        description="Milvus server that replicas search the index' vectors in, such as http://milvus:19530; needs "
        "acknet[milvus]. Without it each replica searches them itself, with FAISS, which is faster for any FAQ.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    vector_store_token: SecretStr | None = Field(
        default=None,
        description="What the Milvus server wants to let acknet in: user:password, or a key.",
        json_schema_extra={"accepts": "a token"},
    )
    vector_store_timeout: Decimal = Field(
        default=5.0,
        gt=0,
        le=120,
        description="Seconds that one call to the Milvus server may take; a question whose search takes longer is not "
        "answered. Making and loading a collection has a minute.",
    )
