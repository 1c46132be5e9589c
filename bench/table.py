"""Puts what the benches wrote with ``--output`` into the README beside this file: ``python -m bench.table``."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

from bench.report import RESULTS

__all__ = ["as_markdown"]

_README = Path(__file__).with_name("README.md")
_BENCHES = ("warm", "cold", "throughput", "scale", "diagnosis")
_MEASURED = re.compile(r"(?<=<!-- measured: python -m bench\.table -->\n).*?(?=<!-- end -->)", re.DOTALL)


def as_markdown(result: dict[str, Any]) -> str:
    """Return the section of one result: title, machine, table, meaning."""
    columns = result["columns"]
    rows = [columns, ["---", *["---:"] * (len(columns) - 1)], *result["rows"]]
    where = "{processor}, {cores} cores, {memory_gib} GiB, Python {python}".format(**result["machine"])
    return "\n".join(
        [
            f"### {result['title']}",
            "",
            f"{result['measured_at'][:10]}, {where}.",
            "",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            *(f"* {sentence}" for sentence in result["meaning"]),
            "",
        ]
    )


def main() -> None:
    """Replace the README's figures by those of all benches; quick runs and missing ones are refused."""
    sections = []
    for name in _BENCHES:
        path = RESULTS / f"{name}.json"
        if not path.is_file():
            sys.exit(f"bench.table: there is no result of {name}; run: python -m bench.{name} --output")
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["quick"]:
            sys.exit(f"bench.table: the result of {name} is of a quick run; run: python -m bench.{name} --output")
        sections.append(as_markdown(result))
    text, replaced = _MEASURED.subn(lambda _: "\n".join(sections), _README.read_text(encoding="utf-8"))
    if not replaced:
        sys.exit(f"bench.table: {_README.name} has lost the marks that the figures stand between")
    _README.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
