"""Milvus on loopback: Milvus Lite as a server, ended with all its threads, or a real one where there is its program."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.milvus_server import UNSET, RunningMilvus, milvus_program, running_milvus

__all__ = ["KINDS", "AnyMilvus", "MilvusLite", "milvus", "milvus_lite"]

KINDS = ("lite", "server")


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


AnyMilvus = MilvusLite | RunningMilvus


def milvus(kind: str, directory: Path) -> AbstractContextManager[AnyMilvus]:
    """Run one of ``KINDS`` over ``directory``; the test is skipped where there is no program of a real server."""
    if kind == "lite":
        return milvus_lite(directory)
    program = milvus_program()
    if program is None:
        pytest.skip(UNSET)
    return running_milvus(program, directory)


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
