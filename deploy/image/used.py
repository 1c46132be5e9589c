"""Imports whatever acknet imports anywhere, within functions too, so that Python keeps it compiled: ``used.py``.

Nothing can be written where acknet runs, so what is not compiled beforehand is compiled at each start; compiling
everything would take a hundred megabytes for modules that nobody ever loads. Docstrings of other packages, which nobody
reads there, are left out: some megabytes on disk and in the memory of each replica.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import marshal
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

PACKAGES = ("corpus", "index", "bot")
SHOWN = ("typer",)
HEAD = 16
"""Bytes of a compiled file before its code: version and source, by which Python knows whether it is still right."""


def imported(source: str) -> Iterator[tuple[str, str | None]]:
    """Yield what ``source`` imports: modules, and names of modules that may be modules themselves."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


def without_docstrings(source: bytes, path: str) -> CodeType:
    """Compile ``source`` as Python does, but for docstrings; lines keep their numbers."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if ast.get_docstring(node, clean=False) is not None:
            # Nothing may stand before imports from __future__, and something has to stand in a class or function.
            node.body[:1] = [] if len(node.body) > 1 else [ast.copy_location(ast.Pass(), node.body[0])]
    return compile(tree, path, "exec", dont_inherit=True)


def shorten(packages: Path) -> None:
    """Compile again, without docstrings, what of ``packages`` is compiled and does not show its own to people."""
    for compiled in packages.rglob("__pycache__/*.pyc"):
        source = Path(importlib.util.source_from_cache(str(compiled)))
        if compiled.relative_to(packages).parts[0] in (*PACKAGES, *SHOWN) or not source.is_file():
            continue
        head = compiled.read_bytes()[:HEAD]
        code = without_docstrings(source.read_bytes(), str(source))
        compiled.write_bytes(head + marshal.dumps(code))


def main() -> None:
    """Import it all; what is not installed, such as what only building an index takes, is left out."""
    sys.dont_write_bytecode = False  # whatever the environment says
    for package in PACKAGES:
        spec = importlib.util.find_spec(package)
        for directory in (spec.submodule_search_locations if spec else None) or ():
            for path in sorted(Path(directory).rglob("*.py")):
                for module, name in imported(path.read_text(encoding="utf-8")):
                    with contextlib.suppress(ImportError, AttributeError):
                        found = importlib.import_module(module)
                        if name:
                            getattr(found, name)
    shorten(Path(sysconfig.get_path("purelib")))


if __name__ == "__main__":
    main()
