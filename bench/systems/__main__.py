"""One compared system as a whole process: ``python -m bench.systems build|ask NAME --model DIR --index DIR``."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from bench.environment import BenchError, go_offline
from bench.systems import SYSTEMS, system


def main() -> None:
    """Build from a JSON list of texts on stdin, or print the texts nearest to a question."""
    parser = argparse.ArgumentParser(prog="python -m bench.systems")
    parser.add_argument("action", choices=("build", "ask"))
    parser.add_argument("name", choices=tuple(SYSTEMS))
    parser.add_argument("question", nargs="?", default="")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--index", type=Path, required=True)
    arguments = parser.parse_args()
    go_offline()
    try:
        chosen = system(arguments.name)
    except BenchError as error:
        sys.exit(str(error))
    if arguments.action == "build":
        chosen.build(json.load(sys.stdin), arguments.model, arguments.index)
    else:
        print("\n".join(chosen.open(arguments.model, arguments.index).search(arguments.question)))


if __name__ == "__main__":
    main()
