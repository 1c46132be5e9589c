"""Two processes that want the same index at once: one builds it, the other waits and uses it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# A builder that takes as long as the test wants: it says so and goes on when its standard input ends.
BUILD = """
import sys
from pathlib import Path

import index.build
from index import layout


class QuickBuilder:
    def __init__(self, corpus, model, digest, progress):
        self.digest = digest

    def write(self, directory):
        print("building", flush=True)
        sys.stdin.read()
        for name in layout.FILES:
            (directory / name).write_text(name)
        return {"digest": self.digest, "model": "m", "dimension": 1, "entries": 1, "texts": 1, "built_at": "now"}


class Loaded:
    def self_test(self):
        pass


index.build._Builder = QuickBuilder
index.build.Retriever.load = classmethod(lambda cls, directory, digest: Loaded())
print("asking", flush=True)
print(index.build.build_index(Path(sys.argv[1]), force=sys.argv[2] == "force"), flush=True)
"""


def build(cache: Path, *, force: bool = False) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, str(cache), "force" if force else "once"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> list[str]:
    """Let it build, and return what it says from now on."""
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (0, "")
    return out.split()


def lines(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().strip() for _ in range(count)]


def test_the_second_waits_for_the_first_and_uses_its_work(tmp_path):
    first = build(tmp_path)
    assert lines(first, 2) == ["asking", "building"]
    second = build(tmp_path)
    assert lines(second, 1) == ["asking"]
    (path,) = finish(first)
    assert finish(second) == [path]
    assert sorted(entry.name for entry in Path(path).parent.iterdir() if entry.is_dir()) == [Path(path).name]


def test_a_forced_build_waits_too_and_then_builds_again(tmp_path):
    first = build(tmp_path)
    assert lines(first, 2) == ["asking", "building"]
    second = build(tmp_path, force=True)
    assert lines(second, 1) == ["asking"]
    (path,) = finish(first)
    assert finish(second) == ["building", path]


@pytest.mark.parametrize("signal", ["kill", "terminate"])
def test_after_a_build_that_was_killed_the_next_one_builds_and_tidies_up(tmp_path, signal):
    first = build(tmp_path)
    assert lines(first, 2) == ["asking", "building"]
    getattr(first, signal)()
    first.communicate(timeout=120)
    assert not any((tmp_path / "index").glob("[!.]*"))
    asking, building, path = finish(build(tmp_path))
    assert (asking, building) == ("asking", "building")
    assert [entry.name for entry in (tmp_path / "index").iterdir() if entry.is_dir()] == [Path(path).name]


def test_a_damaged_index_is_built_again(tmp_path):
    *_, path = finish(build(tmp_path))
    (Path(path) / "bm25.npz").write_text("damaged")
    assert finish(build(tmp_path)) == ["asking", "building", path]
    assert (Path(path) / "bm25.npz").read_text() == "bm25.npz"


def test_a_sound_index_is_not_built_again(tmp_path):
    *_, path = finish(build(tmp_path))
    assert finish(build(tmp_path)) == ["asking", path]


def test_indexes_of_other_versions_are_removed(tmp_path):
    (tmp_path / "index" / "0123456789abcdef").mkdir(parents=True)
    *_, path = finish(build(tmp_path))
    assert [entry.name for entry in (tmp_path / "index").iterdir() if entry.is_dir()] == [Path(path).name]
