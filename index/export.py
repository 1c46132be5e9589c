"""Exports a sentence-transformers model to an ONNX graph that needs no torch.

As a program, ``python -m index.export MODEL GRAPH WEIGHTS``: so a process that builds an index and then serves it never
holds torch, and prepares texts on another core meanwhile.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.encoder import OUTPUT_NAME, onnx_runtime
from index.model import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["export_encoder", "exporting", "load_sentence_transformer"]

_OPSET = 18

_CANNOT_WRITE = 74
"""The exit status when the files cannot be written (``EX_IOERR`` of ``sysexits.h``)."""

_NO_SPACE = 1 << 20
"""With less free space left, in bytes, a failure is the disk's, whatever ONNX Runtime says."""


@contextmanager
def exporting(directory: Path, graph: Path, weights: Path) -> Iterator[None]:
    """Do what :func:`export_encoder` does in a process of its own, beside the block; at its end the files are there.

    Raises ModelError when the export fails, OSError when its files cannot be written.
    """
    command = [sys.executable, "-m", __name__, str(directory), str(graph), str(weights)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603 (our own module)
        try:
            yield
            _, errors = process.communicate()
        finally:
            process.kill()
    if process.returncode == _CANNOT_WRITE:
        raise OSError(errno.EIO, errors.strip())
    if process.returncode:
        raise ModelError(f"exporting the encoder failed: {errors.strip().rpartition(chr(10))[2]}")


def load_sentence_transformer(directory: Path) -> SentenceTransformer:
    """Load the model in ``directory`` without asking a hub."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(str(directory), device="cpu", local_files_only=True).eval()


def export_encoder(directory: Path, graph: Path, weights: Path) -> None:
    """Write the model in ``directory``, with mean pooling and unit length, as ONNX.

    The operators go to ``graph``, the weights to ``weights`` beside it.
    """
    import torch

    transformer: Any = load_sentence_transformer(directory)[0].auto_model

    class HalfPrecision(torch.nn.Module):
        """An embedding table in half precision: half of the weights are such a table, which vectors hardly feel."""

        def __init__(self, table: torch.Tensor) -> None:
            super().__init__()
            self.table = torch.nn.Parameter(table.half(), requires_grad=False)

        def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
            return torch.nn.functional.embedding(input_ids, self.table).float()

    transformer.set_input_embeddings(HalfPrecision(transformer.get_input_embeddings().weight.detach()))

    class Pooled(torch.nn.Module):
        """Token vectors, averaged over the tokens that are text and scaled to unit length."""

        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            tokens = self.transformer(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            weights = attention_mask.unsqueeze(-1).to(tokens.dtype)
            pooled = (tokens * weights).sum(1) / weights.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(pooled, dim=1)

    plain = graph.with_suffix(".plain")
    tokens = torch.ones((2, 7), dtype=torch.int64)
    axes = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        # Tracing warns of the model's shape checks, and of the newer exporter. That one takes 8 s longer and needs
        # onnxscript; the graphs agree to a cosine of 0.999999 and this one runs a little faster.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled().eval(),
            # Two tensors, not one twice: the same object would become one input.
            (tokens, tokens.clone()),
            str(plain),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=[OUTPUT_NAME],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, OUTPUT_NAME: {0: "texts"}},
        )
    _optimise(plain, graph, weights)
    plain.unlink()


def _optimise(plain: Path, graph: Path, weights: Path) -> None:
    """Write ``plain`` with its operators fused and its weights in a file of their own.

    That file is mapped, not read: loading takes a third of the time and half of the memory.
    """
    onnxruntime = onnx_runtime()
    options = onnxruntime.SessionOptions()
    # Further optimisations would hold for this processor only.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(graph)
    options.add_session_config_entry("session.optimized_model_external_initializers_file_name", weights.name)
    options.add_session_config_entry("session.optimized_model_external_initializers_min_size_in_bytes", "1024")
    onnxruntime.InferenceSession(str(plain), options, providers=["CPUExecutionProvider"])


def _export(directory: Path, graph: Path, weights: Path) -> None:
    try:
        export_encoder(directory, graph, weights)
    except ModuleNotFoundError as error:
        sys.exit(f"{error.name} is not installed; run: pip install 'acknet[build]'")
    except Exception as error:
        reason = error.strerror if isinstance(error, OSError) else None
        if shutil.disk_usage(graph.parent).free < _NO_SPACE:
            reason = os.strerror(errno.ENOSPC)
        if reason is None:
            raise
        sys.stderr.write(reason)
        sys.exit(_CANNOT_WRITE)


if __name__ == "__main__":
    _export(*map(Path, sys.argv[1:]))
