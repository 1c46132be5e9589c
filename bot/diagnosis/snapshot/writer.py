"""Writes a snapshot that SnapshotReader reads: redacted, into a new directory or a new ``.tar.gz``."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from bot.diagnosis.reader import Object
from bot.diagnosis.redaction.redact import Pseudonyms, redact, redact_object
from bot.diagnosis.resources import Resource
from bot.diagnosis.snapshot.files import SnapshotError, shown
from bot.diagnosis.snapshot.meta import META_NAME, SnapshotMeta

__all__ = ["Log", "write_snapshot"]

Log = tuple[str, str, str, bool]
"""Namespace, pod, container, and whether the log is of the previous run."""

_ARCHIVES = (".tar.gz", ".tgz")
_OTHER_ARCHIVES = (".tar", ".gz", ".bz2", ".xz", ".zst", ".zip", ".7z")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?\Z")


def write_snapshot(
    objects_by_resource: Mapping[Resource, Sequence[Object]],
    logs: Mapping[Log, str],
    meta: SnapshotMeta,
    out: Path,
    *,
    pseudonyms: Pseudonyms | None = None,
) -> None:
    """Write everything, without credentials, to ``out``, which must not exist; nothing is left there on failure.

    ``out`` becomes an archive where its name ends with ``.tar.gz`` or ``.tgz``, else a directory; only its owner may
    read it. A kind without objects is written as an empty list, which says that there are none; kinds that were read
    in part only belong into ``meta.incomplete``. ``pseudonyms`` replace cloud ids and addresses too. Raises
    SnapshotError.
    """
    name = out.name.lower()
    if name.endswith(_OTHER_ARCHIVES) and not name.endswith(_ARCHIVES):
        raise SnapshotError(f"{shown(out)} is neither a directory's name nor that of a .tar.gz")
    write = _write_archive if name.endswith(_ARCHIVES) else _write_directory
    try:
        write(out, _files(objects_by_resource, logs, meta, pseudonyms))
    except FileExistsError:
        raise SnapshotError(f"{shown(out)} exists already; it is not overwritten") from None
    except OSError as error:
        raise SnapshotError(
            f"cannot write the snapshot {shown(out)}: {error.strerror or type(error).__name__}"
        ) from None


def _files(
    objects_by_resource: Mapping[Resource, Sequence[Object]],
    logs: Mapping[Log, str],
    meta: SnapshotMeta,
    pseudonyms: Pseudonyms | None,
) -> Iterator[tuple[PurePosixPath, bytes]]:
    def shareable(value: Any) -> Any:
        redacted = redact_object(value)
        return pseudonyms.object(redacted) if pseudonyms else redacted

    yield PurePosixPath(META_NAME), _json(shareable(meta.model_dump(mode="json", by_alias=True, exclude_none=True)))
    for resource, objects in objects_by_resource.items():
        items = shareable(list(objects))
        listed = {"apiVersion": resource.api_version, "kind": f"{resource.kind}List", "metadata": {}, "items": items}
        yield PurePosixPath(f"{resource.qualified}.json"), _json(listed)
    for (namespace, pod, container, previous), log in logs.items():
        names = [_name(pseudonyms.text(name) if pseudonyms else name) for name in (namespace, pod, container)]
        text = redact(log)
        text = pseudonyms.text(text) if pseudonyms else text
        suffix = ".previous.log" if previous else ".log"
        yield PurePosixPath("logs", *names[:2], names[2] + suffix), text.encode(errors="replace")


def _name(name: str) -> str:
    if not _NAME.match(name):
        raise SnapshotError(f"{shown(name)} is no name of a namespace, pod or container")
    return name


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode(errors="replace") + b"\n"


def _write_directory(out: Path, files: Iterator[tuple[PurePosixPath, bytes]]) -> None:
    out.mkdir(mode=0o700)
    try:
        for path, data in files:
            target = out.joinpath(*path.parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    except BaseException:
        shutil.rmtree(out, ignore_errors=True)
        raise


def _write_archive(out: Path, files: Iterator[tuple[PurePosixPath, bytes]]) -> None:
    descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:  # noqa: PTH123 (a descriptor)
            for path, data in files:
                info = tarfile.TarInfo(str(path))
                info.size, info.mode = len(data), 0o600
                archive.addfile(info, io.BytesIO(data))
    except BaseException:
        with contextlib.suppress(OSError):
            out.unlink()
        raise
