"""Imports whatever acknet imports anywhere, within functions too, so that Python keeps it compiled: ``used.py``.

Nothing can be written where acknet runs, so what is not compiled beforehand is compiled at each start; compiling
everything would take a hundred megabytes for modules that nobody ever loads.
"""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("corpus", "index", "bot")


def imported(source: str) -> Iterator[tuple[str, str | None]]:
    """Yield what ``source`` imports: modules, and names of modules that may be modules themselves."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)


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


if __name__ == "__main__":
    main()
