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
_BENCHES = ("warm", "cold", "throughput", "soak", "mixed", "scale", "diagnosis", "slack")
_MEASURED = re.compile(r"(?<=<!-- measured: python -m bench\.table -->\n).*?(?=<!-- end -->)", re.DOTALL)
_SECTION = re.compile(r"(?m)^(?=### )")


def as_markdown(result: dict[str, Any]) -> str:
    """Return the section of one result: title, machine, table, meaning."""
    columns = result["columns"]
    rows = [columns, ["---", *["---:"] * (len(columns) - 1)], *result["rows"]]
    where = "{processor}, {cores} cores, {memory_gib} GiB, Python {python}, load {load_average}".format(
        **result["machine"]
    )
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
    """Put the figures of the benches that were run in place of their earlier ones; quick runs are refused."""
    text = _README.read_text(encoding="utf-8")
    measured = _MEASURED.search(text)
    if measured is None:
        sys.exit(f"bench.table: {_README.name} has lost the marks that the figures stand between")
    sections = {one.partition("\n")[0]: one for one in _SECTION.split(measured[0]) if one.startswith("### ")}
    for name in _BENCHES:
        path = RESULTS / f"{name}.json"
        if not path.is_file():
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["quick"]:
            sys.exit(f"bench.table: the result of {name} is of a quick run; run: python -m bench.{name} --output")
        sections[f"### {result['title']}"] = as_markdown(result)
    _README.write_text(
        _MEASURED.sub(lambda _: "\n\n".join(map(str.rstrip, sections.values())) + "\n", text), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
