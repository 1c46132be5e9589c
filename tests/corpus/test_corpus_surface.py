"""What ``corpus`` offers is what it says, and packages import only downwards."""

import ast
from pathlib import Path
from types import ModuleType

import pytest

import bot
import corpus
import index

PACKAGES = {"corpus": corpus, "index": index, "bot": bot}
ABOVE = {"corpus": {"index", "bot", "tests"}, "index": {"bot", "tests"}, "bot": {"tests"}}


def test_the_public_names_are_those_that_can_be_imported():
    offered = {
        name for name, value in vars(corpus).items() if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert offered == set(corpus.__all__)
    assert len(corpus.__all__) == len(offered)


def imported(tree: ast.AST) -> set[str]:
    """Return the top-level names of everything a module imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add((node.module or "").split(".")[0])
    return names


def modules(package: str) -> list[Path]:
    [folder] = PACKAGES[package].__path__
    return sorted(Path(folder).rglob("*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_import_only_downwards(package):
    files = modules(package)
    assert files
    for file in files:
        above = imported(ast.parse(file.read_text(encoding="utf-8"))) & ABOVE[package]
        assert not above, f"{file.name} imports {above}"


def test_an_import_upwards_would_be_seen():
    source = "def f():\n    from bot.answer import Answer\n    import index.build\n"
    assert imported(ast.parse(source)) == {"bot", "index"}
