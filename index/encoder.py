"""The sentence encoder as it serves: ONNX Runtime and ``tokenizers``, without torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_TOKENS", "Encoder", "OnnxEncoder", "Vectors", "onnx_runtime"]

Vectors = npt.NDArray[np.float32]

MAX_TOKENS = 256
"""What of a text the encoder reads, in word pieces (the model's own limit)."""

OUTPUT_NAME = "sentence_vector"
_BATCH_TOKENS = 128


def onnx_runtime() -> Any:
    """Return ONNX Runtime without its telemetry, which leaves a device id and a database in the home directory."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime


class Encoder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str], meanwhile: Callable[[], None] = ...) -> Vectors:
        """Return one unit vector a text: float32, shape (len(texts), dimension).

        ``meanwhile`` is called at most once, where the interpreter will be free for other threads for most of the time.
        """
        ...


def _nothing() -> None:
    return None


class OnnxEncoder:
    """An encoder exported by :mod:`index.export`, read from its ONNX graph and tokenizer file.

    ``threads`` bounds ONNX Runtime's threads within one call; latency is steadiest with as many as there are cores.
    """

    def __init__(self, graph: Path | bytes, tokenizer: Path, *, threads: int = 0) -> None:
        from tokenizers import Tokenizer

        onnxruntime = onnx_runtime()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        source = graph if isinstance(graph, bytes) else str(graph)
        self._session = onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.enable_padding()
        self._dimension = int(self._session.get_outputs()[0].shape[-1])

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        return self._dimension

    def encode(self, texts: Sequence[str], meanwhile: Callable[[], None] = _nothing) -> Vectors:
        """Return one unit vector a text; see :class:`Encoder`."""
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        meanwhile()  # not before: a thread that computes keeps the interpreter from this one for milliseconds
        (vectors,) = self._session.run([OUTPUT_NAME], {"input_ids": tokens, "attention_mask": mask})
        return np.ascontiguousarray(vectors, dtype=np.float32)

    def encode_many(self, texts: Sequence[str], told: Callable[[float], None]) -> Vectors:
        """Return what :meth:`encode` does, several batches side by side; ``told`` hears which share is done (0 to 1).

        Batches are small and hold texts of one length: what they need then fits a core's cache, and padding costs
        nothing. A thread a batch keeps cores busier than threads within one, which wait for each other.
        """
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        lengths = [sum(encoding.attention_mask) for encoding in self._tokenizer.encode_batch(list(texts))]
        batches = _batches(lengths)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            encoded = pool.map(lambda batch: self.encode([texts[at] for at in batch]), batches)
            for done, (batch, found) in enumerate(zip(batches, encoded, strict=True), 1):
                vectors[batch] = found
                told(done / len(batches))
        return vectors


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    batches: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if not batches or lengths[at] * (len(batches[-1]) + 1) > _BATCH_TOKENS:
            batches.append([])
        batches[-1].append(at)
    return batches
