"""The export of the encoder in a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from index.export import exporting
from index.model import DEFAULT_MODEL, locate_model

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_to_be_one(tmp_path):
    (tmp_path / "encoder.plain").symlink_to(FULL)
    with (
        pytest.raises(OSError, match="No space left on device"),
        exporting(locate_model(DEFAULT_MODEL), tmp_path / "encoder.onnx", tmp_path / "encoder.weights"),
    ):
        pass
