"""Opens the engine in the background, so that whoever answers is there at once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from bot.answer import Answer
    from bot.diagnosis.models import Diagnosis
    from corpus import Corpus, Entry
    from index.encoder import Vectors

__all__ = ["AskEngine", "EngineOpening", "NotReady"]

_logger = logging.getLogger("acknet.engine")
_RETRY_SECONDS = 5


class NotReady(Exception):
    """No question can be answered yet, or at all; ``retry_after`` in seconds where trying again may help."""

    def __init__(self, message: str, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class AskEngine(Protocol):
    """What a service needs of an engine; its methods are called from several threads at once."""

    @property
    def corpus(self) -> Corpus:
        """What the engine answers from."""

    @property
    def index_digest(self) -> str:
        """The name of the index it searches."""

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text: float32, shape (len(texts), dimension)."""

    def suspects(self, turns: Sequence[str]) -> Sequence[Entry]:
        """Return the entries that a look into the cluster should tell apart for this question."""

    def ask(self, turns: Sequence[str], diagnosis: Diagnosis | None = None) -> Answer:
        """Answer the last of ``turns`` in the light of those before it (oldest first) and of a look into a cluster."""

    def explain(self, entry_id: str, turns: Sequence[str] = (), diagnosis: Diagnosis | None = None) -> Answer:
        """Return what one entry says, whatever was ranked first."""


class EngineOpening:
    """An engine that is being opened, open, or could not be opened."""

    def __init__(self, open_engine: Callable[[], AskEngine]) -> None:
        self._open_engine = open_engine
        self._engine: AskEngine | None = None
        self._failure: str | None = None
        # A build cannot be interrupted; a daemon thread does not keep the process from ending.
        self._thread = threading.Thread(target=self._open, name="open-index", daemon=True)

    def start(self) -> None:
        """Begin to open the engine."""
        self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the engine is open or could not be opened; tell whether that is so after ``seconds``."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def engine(self) -> AskEngine:
        """The open engine; raises NotReady with the reason when it is not open."""
        if self._engine is not None:
            return self._engine
        if self._failure is not None:
            raise NotReady(self._failure)
        raise NotReady("The index is being opened or built, which can take a minute; try again.", _RETRY_SECONDS)

    def _open(self) -> None:
        from bot.engine import EngineError

        try:
            self._engine = self._open_engine()
        except EngineError as error:
            self._failure = f"The index cannot be opened: {' '.join(str(error).split())}"
            _logger.error("%s", self._failure)  # noqa: TRY400 (the line says what to do; where it was raised does not)
        except Exception:
            self._failure = "The index cannot be opened; the log tells why."
            _logger.exception("the index cannot be opened")
        else:
            _logger.info("index %s is open", self._engine.index_digest)
