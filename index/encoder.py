"""The sentence encoder as it serves: ONNX Runtime and ``tokenizers``, without torch."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

__all__ = ["MAX_TOKENS", "Encoder", "OnnxEncoder", "Vectors"]

Vectors = npt.NDArray[np.float32]

MAX_TOKENS = 256
"""What of a text the encoder reads, in word pieces (the model's own limit)."""

OUTPUT_NAME = "sentence_vector"


class Encoder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def dimension(self) -> int:
        """The length of a vector."""
        ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text: float32, shape (len(texts), dimension)."""
        ...


class OnnxEncoder:
    """An encoder exported by :mod:`index.export`, read from its ONNX graph and tokenizer file.

    ``threads`` bounds ONNX Runtime's threads within one call; latency is steadiest with as many as there are cores.
    """

    def __init__(self, graph: Path | bytes, tokenizer: Path, *, threads: int = 0) -> None:
        # Without this ONNX Runtime leaves a device id and a telemetry database in the user's home directory.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        import onnxruntime
        from tokenizers import Tokenizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
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

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return one unit vector a text: float32, shape (len(texts), dimension)."""
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        encodings = self._tokenizer.encode_batch(list(texts))
        tokens = np.array([encoding.ids for encoding in encodings], dtype=np.int64)
        mask = np.array([encoding.attention_mask for encoding in encodings], dtype=np.int64)
        (vectors,) = self._session.run([OUTPUT_NAME], {"input_ids": tokens, "attention_mask": mask})
        return np.ascontiguousarray(vectors, dtype=np.float32)
