"""A snapshot is read as a cluster is: the same contract, over a directory and over an archive."""

import contextlib
import io
import json
import tarfile

from bot.diagnosis.resources import of_object
from bot.diagnosis.snapshot.reader import SnapshotReader
from tests.contracts.reader import ReaderContract


def files(cluster):
    """The cluster as ``kubectl get -o json`` and ``kubectl logs`` would have written it, and what else is known."""
    lists = {}
    for obj in cluster.objects:
        qualified = of_object(obj["apiVersion"], obj["kind"]).qualified
        lists.setdefault(qualified, []).append(obj)
    meta = {
        "capturedAt": cluster.now.isoformat(),
        "version": cluster.version,
        "served": list(cluster.empty),
        "forbidden": list(cluster.forbidden),
    }
    written = {"acknet-snapshot.json": json.dumps(meta)}
    for qualified, objects in lists.items():
        written[f"{qualified}.json"] = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    for suffix, logs in (("", cluster.logs), (".previous", cluster.previous_logs)):
        written |= {f"logs/{namespace}/{pod}/{name}{suffix}.log": log for (namespace, pod, name), log in logs.items()}
    return written


class TestDirectory(ReaderContract):
    @contextlib.asynccontextmanager
    async def reader(self, cluster, directory):
        for name, text in files(cluster).items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            (directory / name).write_text(text)
        yield SnapshotReader.open(directory)


class TestArchive(ReaderContract):
    @contextlib.asynccontextmanager
    async def reader(self, cluster, directory):
        with tarfile.open(directory / "snapshot.tar.xz", "w:xz") as archive:
            for name, text in files(cluster).items():
                info = tarfile.TarInfo(f"snapshot/{name}")
                info.size = len(text.encode())
                archive.addfile(info, io.BytesIO(text.encode()))
        yield SnapshotReader.open(directory / "snapshot.tar.xz")
