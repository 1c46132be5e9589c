"""Files: what is uploaded, kept and fetched with a token."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from tests.doubles.slack.errors import SlackError

__all__ = ["File", "Files"]

_PREVIEW = 250


@dataclass(slots=True)
class File:
    """A file; ``content`` is None until it was uploaded."""

    id: str
    name: str
    title: str
    owner: str
    length: int
    snippet: bool = False
    content: bytes | None = None
    channels: list[str] = field(default_factory=list)


class Files:
    """All files; ``root`` is the address that their URLs start with."""

    def __init__(self) -> None:
        self.root = ""
        self._files: dict[str, File] = {}

    def get(self, file_id: str) -> File:
        if file_id not in self._files:
            raise SlackError("file_not_found")
        return self._files[file_id]

    def all(self) -> list[File]:
        return [file for file in self._files.values() if file.content is not None]

    def expect(self, name: str, length: int, owner: str, *, snippet: bool = False) -> tuple[File, str]:
        """Return a file that is to be uploaded, and the address to upload it to."""
        file = File(f"F{len(self._files) + 1:010d}", name, name, owner, length, snippet)
        self._files[file.id] = file
        return file, f"{self.root}/upload/v1/{file.id}"

    def add(self, name: str, content: bytes, owner: str, *, snippet: bool = False) -> File:
        """Keep a file that a person has uploaded."""
        file, _ = self.expect(name, len(content), owner, snippet=snippet)
        file.content = content
        return file

    def remove(self, file: File) -> None:
        del self._files[file.id]

    def as_json(self, file: File, *, stub: bool = False) -> dict[str, Any]:
        """Return what is told of a file; of a ``stub``, as events from Slack Connect hold, only its id."""
        if stub:
            return {"id": file.id, "mode": "file_access", "file_access": "check_file_info"}
        address = f"{self.root}/files-pri/{file.id}/{quote(file.name)}"
        kind = "text/plain" if file.snippet else mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        said: dict[str, Any] = {
            "id": file.id,
            "name": file.name,
            "title": file.title,
            "mimetype": kind,
            "filetype": "text" if kind == "text/plain" else kind.rpartition("/")[2],
            "user": file.owner,
            "mode": "snippet" if file.snippet else "hosted",
            "size": file.length,
            "is_external": False,
            "url_private": address,
            "url_private_download": f"{self.root}/files-pri/{file.id}/download/{quote(file.name)}",
            "permalink": address,
        }
        if file.snippet and file.content is not None:
            said["preview"] = file.content[:_PREVIEW].decode(errors="replace")
        return said
