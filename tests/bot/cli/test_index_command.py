"""``acknet index`` as a process: what it tells of the index that is there, and when it builds one."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from index.build import index_digest
from tests.doubles.shell import shell_in

BUILD_IT = "acknet index build"


def only_index(cache: Path) -> Path:
    [directory] = (cache / "index").glob("[!.]*/")
    return directory


@pytest.fixture
def cache(built_cache, tmp_path):
    """A cache of its own with the built index; its files are links, to be replaced and not to be written to."""
    [manifest] = (path for path in built_cache.glob("index/*/manifest.json") if index_digest() in path.read_text())
    copy = tmp_path / "cache" / "index" / manifest.parent.name
    shutil.copytree(manifest.parent, copy, copy_function=os.link)
    return tmp_path / "cache"


@pytest.fixture
def shell(tmp_path):
    return shell_in(tmp_path, ACKNET_CACHE_DIR=str(tmp_path / "cache"))


def replace(path: Path, content: bytes) -> None:
    path.unlink()
    path.write_bytes(content)


def test_info_tells_where_the_index_is_and_what_it_was_made_from(shell, cache):
    done = shell.run("index", "info", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    directory = only_index(cache)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", shown.pop("built_at"))
    assert shown.pop("texts") > 1000
    assert shown == {
        "directory": str(directory),
        "digest": index_digest(),
        "model": "all-MiniLM-L6-v2",
        "dimension": 384,
        "entries": 42,
        "size_bytes": sum(file.stat().st_size for file in directory.iterdir()),
        "current": True,
    }


def test_info_is_a_line_for_each_fact(shell, cache):
    done = shell.run("index", "info")
    assert (done.returncode, done.stderr) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert list(rows) == ["directory", "digest", "model", "entries", "texts", "size", "built", "fits"]
    assert (rows["directory"], rows["digest"], rows["fits"]) == (str(only_index(cache)), index_digest(), "yes")
    assert re.fullmatch(r"\d+\.\d MB", rows["size"])


def test_info_on_an_index_of_another_corpus_says_that_it_does_not_fit(tmp_path, cache):
    corpus = Path(__file__).parents[3] / "corpus"
    shutil.copytree(corpus, tmp_path / "corpus", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    (tmp_path / "corpus" / "glossary.yaml").write_text("容器: container\n", encoding="utf-8")
    shell = shell_in(tmp_path, ACKNET_CACHE_DIR=str(cache), ACKNET_CORPUS_DIR=str(tmp_path / "corpus"))
    assert f"no: corpus, model or acknet changed; {BUILD_IT} makes a new one" in shell.run("index", "info").stdout
    shown = json.loads(shell.run("index", "info", "--json").stdout)
    assert (shown["current"], shown["digest"]) == (False, index_digest())


def test_info_tells_of_the_index_that_fits_where_there_are_several(shell, cache):
    directory = only_index(cache)
    newer = directory.with_name("other")
    shutil.copytree(directory, newer, copy_function=os.link)
    manifest = json.loads((newer / "manifest.json").read_text())
    later = {**manifest, "digest": "0" * 64, "built_at": "2999-01-01T00:00:00+00:00"}
    replace(newer / "manifest.json", json.dumps(later).encode())
    assert json.loads(shell.run("index", "info", "--json").stdout)["directory"] == str(directory)
    shutil.rmtree(directory)
    assert json.loads(shell.run("index", "info", "--json").stdout)["current"] is False


@pytest.mark.parametrize("left", ["nothing", "a build that was cut off"])
def test_info_without_an_index_is_one_line(shell, tmp_path, left):
    if left != "nothing":
        (tmp_path / "cache" / "index" / ".0123456789abcdef.x1y2z3").mkdir(parents=True)
    done = shell.run("index", "info")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"acknet: there is no index below {tmp_path}/cache/index; build it: {BUILD_IT}\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("vectors.faiss", b"other", "vectors.faiss: damaged (its checksum differs)"),
        ("fusion.json", None, "fusion.json: No such file or directory"),
        ("manifest.json", b"{}", "manifest.json: not a manifest"),
        ("manifest.json", None, "manifest.json: No such file or directory"),
    ],
)
def test_info_on_a_damaged_index_is_one_line(shell, cache, name, content, said):
    if content is None:
        (only_index(cache) / name).unlink()
    else:
        replace(only_index(cache) / name, content)
    done = shell.run("index", "info")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"acknet: {only_index(cache)}/{said}; build the index again: {BUILD_IT}\n"


def test_build_leaves_an_index_that_fits_alone(shell, cache):
    directory = only_index(cache)
    before = {file.name: file.stat().st_mtime_ns for file in directory.iterdir()}
    done = shell.run("index", "build")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{directory} is there and up to date; --force builds it again\n"
    assert {file.name: file.stat().st_mtime_ns for file in directory.iterdir()} == before


def test_build_describes_the_index_as_info_does(shell, cache):
    assert cache.is_dir()
    built, told = (shell.run("index", command, "--json") for command in ("build", "info"))
    assert (built.returncode, built.stderr) == (0, "")
    assert json.loads(built.stdout) == json.loads(told.stdout)


def test_a_cache_that_cannot_be_written_to_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    done = shell_in(tmp_path, ACKNET_CACHE_DIR=str(tmp_path / "file")).run("index", "build")
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"acknet: cannot write the index below .*/file: .*; set ACKNET_CACHE_DIR to .*\n", done.stderr)


@pytest.mark.parametrize("command", ["build", "info"])
def test_a_model_that_is_not_there_is_one_line(tmp_path, command):
    shell = shell_in(tmp_path, ACKNET_CACHE_DIR=str(tmp_path), ACKNET_MODEL=str(tmp_path / "model"))
    done = shell.run("index", command)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "model" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_corpus_with_a_mistake_is_one_line_with_its_place(tmp_path):
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / "sources.yaml").write_text("editions: {\n")
    shell = shell_in(tmp_path, ACKNET_CACHE_DIR=str(tmp_path / "cache"), ACKNET_CORPUS_DIR=str(tmp_path / "corpus"))
    done = shell.run("index", "build")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("acknet: the corpus has mistakes: sources.yaml:2: ")
    assert not list((tmp_path / "cache" / "index").glob("*/")), "nothing half-built is left"
