"""The one way from a question to an answer; every surface goes through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bot.answer import Answer
from bot.compose import Composer
from bot.settings import Settings
from corpus import CORPUS_DIR, Corpus, CorpusError
from index.retriever import Retriever

__all__ = ["Engine", "EngineError", "open_engine"]


class EngineError(RuntimeError):
    """Raised when no engine can be opened; one line that says why and what to do."""


class Engine:
    """Answers questions from one index. Safe to use from several threads."""

    def __init__(self, retriever: Retriever) -> None:
        self._retriever = retriever
        self._composer = Composer(retriever.corpus)

    @property
    def corpus(self) -> Corpus:
        """What the engine answers from."""
        return self._retriever.corpus

    @property
    def index_digest(self) -> str:
        """The name of the index it searches."""
        return self._retriever.manifest.digest

    def ask(self, turns: Sequence[str]) -> Answer:
        """Answer the last of ``turns`` in the light of those before it (oldest first)."""
        start = time.perf_counter()
        answer = self._composer.compose(turns, self._retriever.rank(turns))
        return answer.model_copy(update={"elapsed_ms": (time.perf_counter() - start) * 1000})


def open_engine(settings: Settings, progress: Callable[[str, float], None] | None = None) -> Engine:
    """Open the index that ``settings`` name, building it first when it is missing, stale or damaged.

    ``progress`` is told what is being done and which share of it is done. Raises EngineError.
    """
    from index.build import open_index
    from index.layout import IndexDamaged
    from index.model import ModelError

    try:
        return Engine(
            open_index(
                settings.cache_dir,
                corpus_dir=settings.corpus_dir or CORPUS_DIR,
                model=settings.model,
                threads=settings.encoder_threads,
                progress=progress,
            )
        )
    except CorpusError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        raise EngineError(f"the corpus has mistakes: {error.problems[0]}{more}; see: acknet corpus check") from error
    except ModelError as error:
        raise EngineError(str(error)) from error
    except ImportError as error:
        raise EngineError(
            f"building the index needs {error.name}, which is not installed; run: pip install 'acknet[build]'"
        ) from error
    except IndexDamaged as error:
        raise EngineError(f"the index does not pass its own test: {error}") from error
    except OSError as error:
        raise EngineError(
            f"cannot write the index below {settings.cache_dir}: {error.strerror or error}; "
            "set ACKNET_CACHE_DIR to a directory that can be written to"
        ) from error
