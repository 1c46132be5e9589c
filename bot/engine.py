"""The one way from a question to an answer; every surface goes through it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answer import Answer
from bot.compose import Composer
from bot.diagnosis.models import Diagnosis
from bot.diagnosis.report import report
from bot.opening import NotReady
from bot.reconsider import reconsider
from bot.settings import Settings
from corpus import CORPUS_DIR, Corpus, CorpusError, Entry
from index.retriever import Ranking, Retriever
from index.vectors import VectorStoreError

if TYPE_CHECKING:
    from bot.llm.help import ModelHelp
    from index.build import Progress
    from index.encoder import Vectors
    from index.milvus.server import MilvusServer

__all__ = ["Engine", "EngineError", "SearchFailed", "build", "open_engine"]


_SUSPECTS = 5
_RETRY_SECONDS = 5


class EngineError(RuntimeError):
    """Raised when no engine can be opened; one line that says why and what to do."""


class SearchFailed(NotReady, EngineError):
    """Raised when the index cannot be searched now: its vectors lie in a server, which is down, slow or damaged."""


class Engine:
    """Answers questions from one index, where wanted with the help of a model. Safe to use from several threads.

    Every method that searches raises SearchFailed when the index' vectors lie in a server and cannot be searched.
    """

    def __init__(self, retriever: Retriever, model: ModelHelp | None = None) -> None:
        self._retriever = retriever
        self._composer = Composer(retriever.corpus)
        self._model = model

    @property
    def corpus(self) -> Corpus:
        """What the engine answers from."""
        return self._retriever.corpus

    @property
    def index_digest(self) -> str:
        """The name of the index it searches."""
        return self._retriever.manifest.digest

    def rank(self, turns: Sequence[str]) -> Ranking:
        """Rank all entries for the last of ``turns``, as :meth:`ask` does before it composes the answer."""
        ranking = self._rank(turns)
        if self._model is None:
            return ranking
        return self._model.read(turns, ranking, self._rank, self.corpus, self._model.begin())

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text, as the index compares them: float32, shape (len(texts), dimension)."""
        return self._retriever.encode(texts)

    def _rank(self, turns: Sequence[str]) -> Ranking:
        try:
            return self._retriever.rank(turns)
        except VectorStoreError as error:
            raise SearchFailed(f"The index cannot be searched: {error}.", _RETRY_SECONDS) from error

    def suspects(self, turns: Sequence[str]) -> tuple[Entry, ...]:
        """Return the entries that a look into the cluster should tell apart for this question, the best first."""
        ranking = self._rank(turns)
        wanted = dict.fromkeys([*ranking.choices, *(ranked.entry for ranked in ranking.entries)])
        return tuple(self.corpus[entry_id] for entry_id in list(wanted)[:_SUSPECTS])

    def ask(self, turns: Sequence[str], diagnosis: Diagnosis | None = None) -> Answer:
        """Answer the last of ``turns`` in the light of those before it (oldest first) and of a look into a cluster."""
        start = time.perf_counter()
        ranking = self._rank(turns)
        helped = self._model.begin() if self._model else None
        if diagnosis:
            ranking = reconsider(ranking, diagnosis, self.corpus)
        elif self._model and helped:
            ranking = self._model.read(turns, ranking, self._rank, self.corpus, helped)
        answer = self._composer.compose(turns, ranking, diagnosis)
        if self._model and helped:
            answer = self._model.reword(turns, answer, helped)
        return answer.model_copy(update={"elapsed_ms": (time.perf_counter() - start) * 1000})

    def explain(self, entry_id: str, turns: Sequence[str] = (), diagnosis: Diagnosis | None = None) -> Answer:
        """Return what one entry says, whatever is ranked first for ``turns``."""
        start = time.perf_counter()
        answer = self._composer.explain(entry_id, diagnosis, turns)
        if turns:
            answer = answer.model_copy(update={"candidates": self._composer.candidates(self._rank(turns))})
        found = report(diagnosis, self.corpus) if diagnosis else None
        elapsed = (time.perf_counter() - start) * 1000
        return answer.model_copy(update={"diagnosis": found, "elapsed_ms": elapsed})


def open_engine(settings: Settings, progress: Progress | None = None) -> Engine:
    """Open the index that ``settings`` name, building it first when it is missing, stale or damaged.

    Raises EngineError.
    """
    with _explained(settings):
        retriever = _open_retriever(settings, progress)
    if settings.llm_url is None:
        return Engine(retriever)
    from bot.llm.help import open_help

    return Engine(retriever, open_help(settings))


def build(settings: Settings, *, force: bool = False, progress: Progress | None = None) -> Path:
    """Build the index that ``settings`` name, unless it is there and not ``force``; return its directory.

    Where the vectors are searched in a server, they are put there too, with ``force`` again. Raises EngineError.
    """
    with _explained(settings):
        directory = _build(settings, force=force, progress=progress)
        if settings.vector_store_url is not None:
            from index.milvus.shared import shared_vectors

            with closing(_connected(settings)) as server:
                shared_vectors(server, directory, _digest(settings), again=force)
        return directory


def _open_retriever(settings: Settings, progress: Progress | None) -> Retriever:
    if settings.vector_store_url is None:
        from index.build import open_index

        return open_index(
            settings.cache_dir,
            corpus_dir=settings.corpus_dir or CORPUS_DIR,
            model=settings.model,
            threads=settings.encoder_threads,
            progress=progress,
        )
    from index.milvus.shared import open_shared

    directory = _build(settings, progress=progress)
    with ExitStack() as unless_opened:
        server = unless_opened.enter_context(closing(_connected(settings)))
        retriever = open_shared(server, directory, _digest(settings), threads=settings.encoder_threads)
        unless_opened.pop_all()
    return retriever


def _build(settings: Settings, *, force: bool = False, progress: Progress | None = None) -> Path:
    from index.build import build_index

    return build_index(
        settings.cache_dir,
        corpus_dir=settings.corpus_dir or CORPUS_DIR,
        model=settings.model,
        force=force,
        progress=progress,
    )


def _digest(settings: Settings) -> str:
    from index.build import index_digest

    return index_digest(settings.corpus_dir or CORPUS_DIR, settings.model)


def _connected(settings: Settings) -> MilvusServer:
    from index.milvus.server import MilvusServer

    token = settings.vector_store_token.get_secret_value() if settings.vector_store_token else ""
    try:
        return MilvusServer(str(settings.vector_store_url), token=token, timeout=settings.vector_store_timeout)
    except ImportError as error:
        raise EngineError(
            f"ACKNET_VECTOR_STORE_URL needs {error.name}, which is not installed; run: pip install 'acknet[milvus]'"
        ) from error


@contextmanager
def _explained(settings: Settings) -> Iterator[None]:
    """Turn what goes wrong with an index into an EngineError."""
    from index.layout import IndexDamaged
    from index.model import ModelError

    try:
        yield
    except CorpusError as error:
        more = f" (and {len(error.problems) - 1} more)" if len(error.problems) > 1 else ""
        raise EngineError(f"the corpus has mistakes: {error.problems[0]}{more}; see: acknet corpus check") from error
    except ModelError as error:
        raise EngineError(str(error)) from error
    except ImportError as error:
        raise EngineError(
            f"building the index needs {error.name}, which is not installed; run: pip install 'acknet[build]'"
        ) from error
    except VectorStoreError as error:
        raise EngineError(str(error)) from error
    except IndexDamaged as error:
        raise EngineError(f"the index does not pass its own test: {error}") from error
    except OSError as error:
        raise EngineError(
            f"cannot write the index below {settings.cache_dir}: {error.strerror or error}; "
            "set ACKNET_CACHE_DIR to a directory that can be written to and has 300 MB of room"
        ) from error
