"""Exports a sentence-transformers model to an ONNX graph that needs no torch."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.encoder import OUTPUT_NAME

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["export_encoder", "load_sentence_transformer"]

_OPSET = 18


def load_sentence_transformer(directory: Path) -> SentenceTransformer:
    """Load the model in ``directory`` without asking a hub."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    return SentenceTransformer(str(directory), device="cpu", local_files_only=True).eval()


def export_encoder(directory: Path, graph: Path) -> None:
    """Write the model in ``directory``, with mean pooling and unit length, as ONNX to ``graph``."""
    import torch

    transformer: Any = load_sentence_transformer(directory)[0].auto_model

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
            str(graph),
            dynamo=False,
            opset_version=_OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=[OUTPUT_NAME],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, OUTPUT_NAME: {0: "texts"}},
        )
