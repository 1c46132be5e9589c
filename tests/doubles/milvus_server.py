"""A real Milvus server (standalone: its etcd, its queue and all its parts in one process) with ports of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.milvus.server import MilvusServer, VectorStoreUnavailable
from tests.doubles.free_port import free_port

__all__ = ["UNSET", "RunningMilvus", "milvus_program", "running_milvus"]

UNSET = "MILVUS_SERVER names no milvus-server, the program of PyPI's package milvus"

ROOT_TOKEN = "root:Milvus"
"""What lets one in where the server asks who is there: its administrator, as it is after the installation."""

_START_SECONDS = 180.0
_ASK_SECONDS = 10.0
_PORTS = ("proxy", "proxy-internal", "root-coord", "query-coord", "query-node", "index-coord", "index-node")
_MORE_PORTS = ("data-coord", "data-node", "etcd")
_PARTS = ("ROOTCOORD", "PROXY", "QUERYCOORD", "QUERYNODE", "INDEXCOORD", "INDEXNODE", "DATACOORD", "DATANODE")


def milvus_program() -> Path | None:
    """Return the program that MILVUS_SERVER names; None where it names none."""
    named = os.environ.get("MILVUS_SERVER", "")
    return Path(named).absolute() if named and os.access(named, os.X_OK) else None


class RunningMilvus:
    """The server at ``url``; what it holds lies in ``directory`` and is there again after ``stop`` and ``start``."""

    def __init__(self, program: Path, directory: Path, *, authorization: bool) -> None:
        self._program, self._directory, self._authorization = program, directory, authorization
        self._ports = {name: free_port() for name in (*_PORTS, *_MORE_PORTS)}
        self._process: subprocess.Popen[bytes] | None = None
        self.token = ROOT_TOKEN if authorization else ""
        directory.mkdir(exist_ok=True)
        self.url = f"http://127.0.0.1:{self._ports['proxy']}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        etcd = self._directory / "etcd.yaml"
        etcd.write_text(self._etcd_settings())
        command = [str(self._program), "--data", str(self._directory / "data")]
        command += [word for name, port in self._ports.items() for word in (f"--{name}-port", str(port))]
        command += ["--authorization-enabled", "true"] if self._authorization else []
        log = self._directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command,
                stdout=output,
                stderr=output,
                env=os.environ | {f"{part}_IP": "127.0.0.1" for part in _PARTS} | {"ETCD_CONFIG_PATH": str(etcd)},
                start_new_session=True,
            )
        give_up_at = time.monotonic() + _START_SECONDS
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > give_up_at:
                raise AssertionError(f"Milvus did not start:\n{log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)

    def stop(self) -> None:
        """Kill it with all its processes, at once."""
        if self._process:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            server = MilvusServer(self.url, token=self.token, timeout=_ASK_SECONDS)
        except VectorStoreUnavailable:
            return False
        try:
            server.call("list_collections")
        except VectorStoreUnavailable:
            return False
        finally:
            server.close()
        written = (self._directory / "data" / "configs" / "milvus.yaml").read_text()
        assert re.search(rf"^  port: {self._ports['proxy']}\b", written, re.MULTILINE), "another took Milvus' port"
        return True

    def _etcd_settings(self) -> str:
        client, peer = (f"http://127.0.0.1:{port}" for port in (self._ports["etcd"], free_port()))
        return f"listen-client-urls: {client}\nadvertise-client-urls: {client}\nlisten-peer-urls: {peer}\n"


@contextmanager
def running_milvus(program: Path, directory: Path, *, authorization: bool = False) -> Iterator[RunningMilvus]:
    """Run it for as long as the block lasts, with all that it writes below ``directory``."""
    server = RunningMilvus(program, directory, authorization=authorization)
    try:
        server.start()
        yield server
    finally:
        server.stop()
