"""Where a bench runs: the repository, the machine, and a process environment that reaches out to nobody."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from pathlib import Path

__all__ = ["REPOSITORY", "BenchError", "ensure_index", "go_offline", "machine"]

REPOSITORY = Path(__file__).resolve().parent.parent

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
}


class BenchError(RuntimeError):
    """Raised when a figure cannot be measured as it should be; one line that says why."""


def go_offline() -> None:
    """Keep this process and those it starts from hubs and telemetry; to be called before a library is imported."""
    os.environ.update(_OFFLINE)


def ensure_index() -> None:
    """Build acknet's index where the settings put it, unless it is there and up to date; raises BenchError."""
    done = subprocess.run([sys.executable, "-m", "bot", "index", "build"], cwd=REPOSITORY, check=False)
    if done.returncode:
        raise BenchError("acknet index build failed")


def machine() -> dict[str, object]:
    """Return what a figure has to be read with; memory in GiB, the load average before the run."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
