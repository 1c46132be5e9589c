"""The index directory is complete and unchanged, or it is not used."""

from __future__ import annotations

from pathlib import Path

import pytest

from index import layout


def fields(digest: str = "d" * 64) -> dict[str, object]:
    return {
        "digest": digest,
        "model": "m",
        "dimension": 3,
        "entries": 1,
        "texts": 2,
        "built_at": "2026-01-01T00:00:00Z",
    }


def fill(directory: Path, content: bytes = b"data") -> None:
    for name in layout.FILES:
        (directory / name).write_bytes(content + name.encode())


def write(directory: Path) -> dict[str, object]:
    fill(directory)
    return fields()


def good(_directory: Path) -> None:
    return None


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_an_installed_index_verifies(tmp_path):
    layout.install(tmp_path / "index", write, good)
    assert layout.verify(tmp_path / "index", "d" * 64).entries == 1
    assert names(tmp_path) == ["index"]


@pytest.mark.parametrize("name", layout.FILES)
def test_a_flipped_byte_in_any_file_is_found(tmp_path, name):
    layout.install(tmp_path / "index", write, good)
    path = tmp_path / "index" / name
    content = bytearray(path.read_bytes())
    content[1] ^= 1
    path.write_bytes(content)
    with pytest.raises(layout.IndexDamaged, match=name):
        layout.verify(tmp_path / "index", "d" * 64)


def test_a_missing_file_a_foreign_digest_and_a_broken_manifest_are_found(tmp_path):
    layout.install(tmp_path / "index", write, good)
    with pytest.raises(layout.IndexDamaged):
        layout.verify(tmp_path / "index", "e" * 64)
    (tmp_path / "index" / layout.VECTORS).unlink()
    with pytest.raises(layout.IndexDamaged):
        layout.verify(tmp_path / "index", "d" * 64)
    (tmp_path / "index" / layout.MANIFEST).write_text("{")
    with pytest.raises(layout.IndexDamaged):
        layout.verify(tmp_path / "index", "d" * 64)
    with pytest.raises(layout.IndexDamaged):
        layout.verify(tmp_path / "nothing", "d" * 64)


@pytest.mark.parametrize("stage", ["write", "check"])
def test_a_build_that_fails_leaves_the_old_index_and_nothing_else(tmp_path, stage):
    layout.install(tmp_path / "index", write, good)

    def failing_write(directory: Path) -> dict[str, object]:
        fill(directory, b"new")
        if stage == "write":
            raise OSError("disk full")
        return fields("e" * 64)

    def failing_check(_directory: Path) -> None:
        raise layout.IndexDamaged("does not pass its test")

    with pytest.raises((OSError, layout.IndexDamaged)):
        layout.install(tmp_path / "index", failing_write, failing_check)
    layout.verify(tmp_path / "index", "d" * 64)
    assert names(tmp_path) == ["index"]


def test_a_new_index_takes_the_place_of_a_damaged_one(tmp_path):
    layout.install(tmp_path / "index", write, good)
    (tmp_path / "index" / layout.GRAPH).write_bytes(b"")
    layout.install(tmp_path / "index", write, good)
    layout.verify(tmp_path / "index", "d" * 64)
    assert names(tmp_path) == ["index"]
