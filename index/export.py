"""Exports a sentence-transformers model to an ONNX graph that needs no torch."""

from __future__ import annotations

import logging
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from index.encoder import OUTPUT_NAME

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

__all__ = ["export_encoder", "load_sentence_transformer"]

_OPSET = 18


def load_sentence_transformer(directory: Path) -> SentenceTransformer:
    """Load the model in ``directory`` without asking a hub."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(directory), device="cpu", local_files_only=True).eval()


def export_encoder(directory: Path, graph: Path) -> SentenceTransformer:
    """Write the encoder with mean pooling and unit length as ONNX to ``graph``; return the model it was made from."""
    import torch

    model = load_sentence_transformer(directory)
    transformer: Any = model[0].auto_model

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
    batch, length = torch.export.Dim("batch"), torch.export.Dim("length", max=256)
    for name in ("torch.onnx", "onnxscript", "onnx_ir"):
        logging.getLogger(name).setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            Pooled().eval(),
            (tokens, tokens.clone()),
            dynamo=True,
            verbose=False,
            opset_version=_OPSET,
            input_names=["input_ids", "attention_mask"],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=({0: batch, 1: length}, {0: batch, 1: length}),
        )
    assert program is not None
    program.save(str(graph), external_data=False)
    return model
