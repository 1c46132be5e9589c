"""Milvus Lite as a server on loopback: the protocol of Milvus over a real socket, ended with all its threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MilvusLite", "milvus_lite"]


@dataclass
class MilvusLite:
    """A running server; ``stop`` may be called before the block ends."""

    url: str
    server: Any
    database: Any
    running: bool = True

    def stop(self) -> None:
        if self.running:
            self.running = False
            self.server.stop(grace=None).wait(30)
            self.database.close()


@contextmanager
def milvus_lite(directory: Path) -> Iterator[MilvusLite]:
    """Run Milvus Lite over ``directory`` on a free port of 127.0.0.1."""
    from milvus_lite.adapter.grpc.server import start_server_in_thread

    server, database, port = start_server_in_thread(str(directory), host="127.0.0.1", port=0)
    lite = MilvusLite(f"http://127.0.0.1:{port}", server, database)
    try:
        yield lite
    finally:
        lite.stop()
