"""The files of a snapshot, out of a directory or an archive that may be damaged or hostile; nothing is written."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import stat
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any, cast

__all__ = ["DEFAULT_LIMITS", "File", "Limits", "SnapshotError", "read_files", "shown"]

_MIB = 1024 * 1024
_OBJECTS = (".json", ".yaml", ".yml")
_ARCHIVE_ERRORS = (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, OSError, ValueError, RecursionError)


class SnapshotError(RuntimeError):
    """A snapshot cannot be read or written; one line that says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a snapshot is read, in bytes after decompression and in files."""

    total_bytes: int = 512 * _MIB
    file_bytes: int = 64 * _MIB
    files: int = 100_000


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class File:
    """A file with its path below the snapshot's top."""

    path: PurePosixPath
    data: bytes


def read_files(path: Path, limits: Limits, skipped: Callable[[str], None]) -> Iterator[File]:
    """Yield the files that may hold objects or logs, and tell ``skipped`` in a line each what was left out, and why.

    ``path`` is a directory, a tar (plain, gzip, bzip2, xz) or one file of objects. Raises SnapshotError.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise SnapshotError(f"cannot read the snapshot {shown(path)}: {_reason(error)}") from None
    if stat.S_ISDIR(mode):
        yield from _Quota(limits, skipped).of(_in_directory(path, limits, skipped))
    elif not stat.S_ISREG(mode):
        raise SnapshotError(f"the snapshot {shown(path)} is neither a directory nor a file")
    elif path.name.lower().endswith(_OBJECTS):
        yield from _Quota(limits, skipped).of(_one_file(path, limits, skipped))
    else:
        yield from _Quota(limits, skipped).of(_in_tar(path, limits, skipped))


def shown(name: object) -> str:
    """Return a name fit for one line of a message."""
    text = str(name).encode(errors="replace").decode()
    text = "".join(char if char.isprintable() else "?" for char in text)
    return text if len(text) <= 200 else f"{text[:199]}…"


class _Quota:
    """Ends the reading where there are too many files or bytes, whatever they come out of."""

    def __init__(self, limits: Limits, skipped: Callable[[str], None]) -> None:
        self._limits, self._skipped = limits, skipped

    def of(self, files: Iterator[File | None]) -> Iterator[File]:
        """Yield the files (None: one that is not read, but counts) up to the limits."""
        total = 0
        for count, file in enumerate(files, start=1):
            if count > self._limits.files:
                self._skipped(f"more than {self._limits.files} files: the rest was not read")
                return
            if file is None:
                continue
            total += len(file.data)
            if total > self._limits.total_bytes:
                self._skipped(f"more than {self._limits.total_bytes} bytes: the rest was not read")
                return
            yield file


def _wanted(path: PurePosixPath) -> bool:
    name = path.name.lower()
    return not name.startswith(".") and name.endswith((*_OBJECTS, ".log", ".txt"))


def _one_file(path: Path, limits: Limits, skipped: Callable[[str], None]) -> Iterator[File | None]:
    yield _read(path, PurePosixPath(path.name), limits, skipped)


def _in_directory(root: Path, limits: Limits, skipped: Callable[[str], None]) -> Iterator[File | None]:
    def unreadable(error: OSError) -> None:
        skipped(f"{shown(Path(error.filename or root).name)}: {_reason(error)}")

    top = root.resolve()
    for directory, folders, names in os.walk(top, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        here = Path(directory)
        for name in folders:
            if (here / name).is_symlink():
                skipped(f"{shown(_below(here / name, top))}: links to directories are not followed")
        for name in sorted(names):
            path = here / name
            below = _below(path, top)
            if not _wanted(below):
                yield None
            elif _is_outside(path, top):
                skipped(f"{shown(below)}: it is a link out of the snapshot")
                yield None
            else:
                yield _read(path, below, limits, skipped)


def _below(path: Path, top: Path) -> PurePosixPath:
    return PurePosixPath(*path.relative_to(top).parts)


def _is_outside(path: Path, top: Path) -> bool:
    if not path.is_symlink():
        return False
    try:
        return not path.resolve(strict=True).is_relative_to(top)
    except (OSError, RuntimeError):  # a link to nothing, or to itself
        return True


def _read(path: Path, below: PurePosixPath, limits: Limits, skipped: Callable[[str], None]) -> File | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            skipped(f"{shown(below)}: it is no regular file")
            return None
        with path.open("rb") as file:
            data = file.read(limits.file_bytes + 1)
    except OSError as error:
        skipped(f"{shown(below)}: {_reason(error)}")
        return None
    if len(data) > limits.file_bytes:
        skipped(f"{shown(below)}: it is larger than {limits.file_bytes} bytes")
        return None
    return File(below, data)


def _in_tar(path: Path, limits: Limits, skipped: Callable[[str], None]) -> Iterator[File | None]:
    readable = False
    try:
        with path.open("rb") as packed, _decompressed(packed) as plain:
            bounded = cast("IO[bytes]", _Bounded(plain, limits.total_bytes))
            # As a stream: nothing is sought for, so that a bomb is read no further than the limit.
            with tarfile.open(fileobj=bounded, mode="r|", errorlevel=1) as tar:
                for member in tar:
                    readable = True
                    yield _read_member(tar, member, limits, skipped)
    except _TooLarge:
        skipped(f"{shown(path.name)}: more than {limits.total_bytes} bytes: the rest was not read")
    except _ARCHIVE_ERRORS as error:
        if not readable:
            raise SnapshotError(
                f"the snapshot {shown(path)} is no directory, tar, JSON or YAML file; pasted text is read by "
                "acknet diagnose -"
            ) from None
        skipped(f"{shown(path.name)}: the archive is damaged, the rest was not read ({type(error).__name__})")


def _read_member(
    tar: tarfile.TarFile, member: tarfile.TarInfo, limits: Limits, skipped: Callable[[str], None]
) -> File | None:
    path = PurePosixPath(member.name)
    if member.isdir() or not _wanted(path):
        return None
    if path.is_absolute() or ".." in path.parts:
        skipped(f"{shown(member.name)}: its path leads out of the snapshot")
    elif not member.isreg():
        skipped(f"{shown(member.name)}: it is no regular file")
    elif member.size > limits.file_bytes:
        skipped(f"{shown(member.name)}: it is larger than {limits.file_bytes} bytes")
    else:
        file = tar.extractfile(member)
        assert file is not None
        return File(path, file.read())
    return None


def _decompressed(packed: IO[bytes]) -> IO[bytes]:
    magic = packed.read(6)
    packed.seek(0)
    if magic.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=packed))
    if magic.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if magic == b"\xfd7zXZ\x00":
        return lzma.LZMAFile(packed)
    return packed


class _TooLarge(Exception):
    """More bytes came out of an archive than may."""


class _Bounded(io.RawIOBase):
    """Counts what is read and ends at a limit."""

    def __init__(self, file: IO[bytes], limit: int) -> None:
        self._file, self._left = file, limit

    def read(self, size: int | None = -1) -> Any:
        """Return the next bytes; raises _TooLarge beyond the limit."""
        wanted = self._left + 1 if size is None or size < 0 else min(size, self._left + 1)
        data = self._file.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise _TooLarge
        return data


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()
