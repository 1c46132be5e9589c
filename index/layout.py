"""The index on disk: one directory a digest, complete and checksummed or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

__all__ = ["FILES", "IndexDamaged", "Manifest", "install", "read_manifest", "verify", "verify_file"]

CORPUS, GRAPH, WEIGHTS, TOKENIZER, VECTORS, RECORDS, JOINT, FUSION, BM25, VOCABULARY = FILES = (
    "corpus.json",
    "encoder.onnx",
    "encoder.weights",
    "tokenizer.json",
    "vectors.faiss",
    "records.npz",
    "joint.npz",
    "fusion.json",
    "bm25.npz",
    "vocabulary.json",
)
MANIFEST: Final = "manifest.json"


class IndexDamaged(ValueError):
    """Raised when an index directory is not what its manifest says; the index has to be built again."""


class Manifest(BaseModel):
    """What an index was made from and the sha256 of each of its files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    digest: str
    model: str
    dimension: int
    entries: int
    texts: int
    built_at: str
    files: dict[str, str]


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest; raise IndexDamaged when there is none that can be used."""
    try:
        return Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    except OSError as error:
        raise IndexDamaged(f"{directory / MANIFEST}: {error.strerror}") from error
    except ValidationError as error:
        raise IndexDamaged(f"{directory / MANIFEST}: not a manifest") from error


def verify(directory: Path, digest: str, *, but: Collection[str] = ()) -> Manifest:
    """Check that ``directory`` holds the index ``digest``, whole and unchanged; raise IndexDamaged when not.

    The files ``but`` are left out; :func:`verify_file` checks one.
    """
    manifest = read_manifest(directory)
    if manifest.digest != digest:
        raise IndexDamaged(f"{directory}: made from something else (digest {manifest.digest[:12]})")
    if set(manifest.files) != set(FILES):
        raise IndexDamaged(f"{directory}: its manifest lists other files than an index has")
    for name in manifest.files.keys() - but:
        verify_file(directory, manifest, name)
    return manifest


def verify_file(directory: Path, manifest: Manifest, name: str) -> None:
    """Check one file against the manifest; raise IndexDamaged when it differs."""
    try:
        actual = _sha256(directory / name)
    except OSError as error:
        raise IndexDamaged(f"{directory / name}: {error.strerror}") from error
    if actual != manifest.files[name]:
        raise IndexDamaged(f"{directory / name}: damaged (its checksum differs)")


def install(target: Path, write: Callable[[Path], dict[str, object]], check: Callable[[Path], None]) -> Manifest:
    """Build an index beside ``target`` and put it in place in one step.

    ``write`` fills an empty directory and returns the manifest's fields but ``files``; ``check`` reads the result back
    and raises when it does not work. Until the last rename ``target`` is what it was before; what goes wrong leaves
    nothing behind. Raises OSError when the place cannot be written to.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workshop = _beside(target)
    workshop.mkdir()
    try:
        fields = write(workshop)
        manifest = Manifest.model_validate({**fields, "files": {name: _sha256(workshop / name) for name in FILES}})
        (workshop / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=1), encoding="utf-8")
        for path in workshop.iterdir():
            _sync(path)
        check(workshop)
        _sync(workshop)
        _swap(workshop, target)
        _sync(target.parent)
        return manifest
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _swap(new: Path, target: Path) -> None:
    if not target.exists():
        new.rename(target)
        return
    retired = _beside(target)
    target.rename(retired)
    try:
        new.rename(target)
    except OSError:
        retired.rename(target)
        raise
    shutil.rmtree(retired, ignore_errors=True)


def _beside(target: Path) -> Path:
    """Return a path that is not taken; what is made there has the permissions that the user gives to new files."""
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
