"""Prints how scenarios come out: ``python -m tests.scenarios.scoreboard [-v] [DIRECTORY|NAME]…``."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from corpus import load_corpus
from tests.scenarios.loading import load_scenario, run, scenario_directories, wrong_verdicts

HERE = Path(__file__).parent


def main(arguments: list[str]) -> int:
    """Run the scenarios below the directories named (else these here), or those whose names start so."""
    verbose = "-v" in arguments
    words = [word for word in arguments if not word.startswith("-")]
    roots = [Path(word) for word in words if Path(word).is_dir()]
    names = tuple(word for word in words if not Path(word).is_dir())
    corpus = load_corpus()
    counts: Counter[str] = Counter()
    for directory in scenario_directories(*(roots or [HERE])):
        if names and not directory.name.startswith(names):
            continue
        scenario = load_scenario(directory)
        diagnosis = run(scenario, corpus)
        wrong = wrong_verdicts(scenario, diagnosis)
        sure = any(text.startswith("confirmed") for text in wrong.values())
        counts["confident-wrong" if sure else "wrong" if wrong else "exact"] += 1
        if wrong:
            print(f"{scenario.name}: " + "; ".join(f"{entry} {text}" for entry, text in wrong.items()))
        if verbose:
            shown = set(scenario.expect) | set(wrong)
            for finding in diagnosis.findings:
                if finding.entry in shown:
                    seen = "; ".join(f"{one.object} {one.field}={one.value[:90]}" for one in finding.evidence[:3])
                    print(f"    {finding.entry}/{finding.case}: {finding.verdict} {seen} {'; '.join(finding.missing)}")
            for check in diagnosis.checks:
                if check.failed is not False:
                    print(f"    check {check.check}: failed={check.failed} {check.missing}")
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "no scenario")
    return 1 if counts["wrong"] or counts["confident-wrong"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
