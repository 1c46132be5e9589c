"""A real OpenAI-compatible server, ``transformers serve``, with a model that knows nothing.

The model is a Llama of 27,000 random numbers, its tokens are single bytes; both are made here. What it says is noise.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["NoiseServer", "noise_server"]

_WIDTH, _INNER, _HEADS = 32, 64, 2
_END = "<end>"
_TEMPLATE = "{% for message in messages %}{{ message.role }}: {{ message.content }}\n{% endfor %}assistant: "
_UP_AND_RUNNING = re.compile(r"Uvicorn running on (http://127\.0\.0\.1:\d+)")


@dataclass(frozen=True)
class NoiseServer:
    """The server at ``url``, and the name of its ``model``."""

    url: str
    model: str
    log: Path

    def answered(self) -> int:
        """Count the completions that it gave."""
        return self.log.read_text(encoding="utf-8").count('"POST /v1/chat/completions HTTP/1.1" 200')


@contextmanager
def noise_server(directory: Path) -> Iterator[NoiseServer]:
    """Make the model in ``directory`` and serve it on a loopback port until the block is left."""
    model, log = directory / "model", directory / "log"
    _write_model(model)
    surroundings = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(directory / "hub"), "OMP_NUM_THREADS": "1"}
    command = ["-m", "transformers.cli.transformers", "serve", str(model), "--host", "127.0.0.1", "--port", "0"]
    with (
        log.open("w", encoding="utf-8") as written,
        subprocess.Popen(
            [sys.executable, *command, "--device", "cpu"],
            env=os.environ | surroundings,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            yield NoiseServer(f"{_address(process, log)}/v1", str(model), log)
        finally:
            process.kill()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    pause = threading.Event()
    for _ in range(3000):
        if found := _UP_AND_RUNNING.search(log.read_text(encoding="utf-8")):
            return found[1]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        pause.wait(0.1)
    raise AssertionError("transformers serve did not start")


def _write_model(directory: Path) -> None:
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    directory.mkdir()
    vocabulary = {token: number for number, token in enumerate([_END, *sorted(pre_tokenizers.ByteLevel.alphabet())])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.save(str(directory / "tokenizer.json"))
    _write(
        directory / "tokenizer_config.json",
        {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": _END, "chat_template": _TEMPLATE},
    )
    _write(
        directory / "config.json",
        {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": len(vocabulary),
            "hidden_size": _WIDTH,
            "intermediate_size": _INNER,
            "num_attention_heads": _HEADS,
            "num_hidden_layers": 1,
            "max_position_embeddings": 16384,
            "bos_token_id": None,
            "eos_token_id": 0,
        },
    )
    # After thirty tokens the end becomes ever more likely, so that nobody waits for noise.
    _write(directory / "generation_config.json", {"eos_token_id": 0, "exponential_decay_length_penalty": [30, 2.0]})
    save_file(_weights(len(vocabulary)), directory / "model.safetensors", metadata={"format": "pt"})


def _weights(tokens: int) -> dict[str, np.ndarray[Any, Any]]:
    random = np.random.default_rng(1)
    layer = "model.layers.0"
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens": (tokens, _WIDTH),
        "lm_head": (tokens, _WIDTH),
        **{f"{layer}.self_attn.{part}_proj": (_WIDTH, _WIDTH) for part in "qkvo"},
        f"{layer}.mlp.gate_proj": (_INNER, _WIDTH),
        f"{layer}.mlp.up_proj": (_INNER, _WIDTH),
        f"{layer}.mlp.down_proj": (_WIDTH, _INNER),
        f"{layer}.input_layernorm": (_WIDTH,),
        f"{layer}.post_attention_layernorm": (_WIDTH,),
        "model.norm": (_WIDTH,),
    }
    return {f"{name}.weight": random.standard_normal(shape, dtype=np.float32) for name, shape in shapes.items()}


def _write(path: Path, content: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")
