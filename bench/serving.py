"""A real ``acknet serve`` on loopback with a store of its own, and the load on it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.environment import REPOSITORY, BenchError

__all__ = ["Serving", "load", "served"]

_START_SECONDS = 60.0
_LOAD_GRACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Serving:
    """A server that takes questions."""

    host: str
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def peak_mb(self) -> float | None:
        """The server's peak of resident memory, where /proc tells it."""
        return self._megabytes("VmHWM")

    @property
    def resident_mb(self) -> float | None:
        """The server's resident memory now, where /proc tells it."""
        return self._megabytes("VmRSS")

    @property
    def cpu_seconds(self) -> float | None:
        """The processor time that the server has taken, where /proc tells it."""
        stat = Path(f"/proc/{self.pid}/stat")
        if not stat.is_file():
            return None
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _megabytes(self, name: str) -> float | None:
        status = Path(f"/proc/{self.pid}/status")
        found = re.search(rf"{name}:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.is_file() else None
        return int(found[1]) * 1024 / 1e6 if found else None


@contextmanager
def served(**settings: str) -> Iterator[Serving]:
    """Run a server with further ``ACKNET_`` settings until the block is left; raises BenchError."""
    with tempfile.TemporaryDirectory() as directory:
        environment = {"ACKNET_STORE_URL": f"sqlite:///{directory}/acknet.db", **settings}
        process = subprocess.Popen(
            [sys.executable, "-m", "bot", "serve", "--host", "127.0.0.1", "--port", "0"],
            cwd=REPOSITORY,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://([\d.]+):(\d+)", line)
            if found is None:
                raise BenchError(f"acknet serve did not tell its address: {line.strip()!r}")
            _wait_until_ready(found[0])
            yield Serving(found[1], int(found[2]), process.pid)
        finally:
            process.terminate()
            process.wait(60)


def load(server: Serving, clients: int, seconds: float) -> dict[str, Any]:
    """Have so many clients ask for so long; see `bench.load`. Raises BenchError."""
    program = [sys.executable, "-m", "bench.load", server.host, str(server.port), str(clients), str(seconds)]
    try:
        done = subprocess.run(
            program, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=seconds + _LOAD_GRACE_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BenchError(f"the load of {clients} clients did not end") from error
    if done.returncode:
        raise BenchError(f"the load generator failed: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    seen: dict[str, Any] = json.loads(done.stdout)
    if not seen["seconds"]:
        raise BenchError(f"no question was answered with {clients} clients: {seen['errors']}")
    return seen


def _wait_until_ready(url: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            opener.open(f"{url}/readyz", timeout=5).close()
        except (urllib.error.URLError, TimeoutError) as error:
            if time.monotonic() > deadline:
                raise BenchError(f"acknet serve was not ready after {_START_SECONDS:g} s: {error}") from error
            time.sleep(0.1)
        else:
            return
