"""What was freed goes back to the system, also from between things that stay."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.observe.memory import give_back

STATUS = Path("/proc/self/status")


def resident_mb() -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", STATUS.read_text(encoding="utf-8"))
    assert found
    return int(found[1]) / 1024


@pytest.mark.skipif(not STATUS.is_file(), reason="there is no /proc that tells what a process takes")
def test_what_was_freed_between_things_that_stay_goes_back() -> None:
    taken = [bytes([1]) * 20_000 for _ in range(8_000)]
    staying = taken[::100]
    del taken

    before = resident_mb()
    if not give_back():
        pytest.skip("the C library knows no way")

    assert before - resident_mb() > 80
    assert len(staying) == 80
