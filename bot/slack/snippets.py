"""Reads the text files that come with a message, as much of them as a question needs."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp

from bot.slack.calls import Limited, Refused, SlackCalls, Trouble
from bot.slack.events import snippets_of
from bot.slack.tasks import Snippet

__all__ = ["Snippets"]

_logger = logging.getLogger("acknet.slack")

_MOST_FILES = 3
_MOST_BYTES = 256 * 1024
_SECONDS = 10
_TEXT = ("text/", "application/json", "application/x-yaml", "application/yaml", "application/xml")
_SLACK = ".slack.com"


class Snippets:
    """Downloads files with the bot's token, from Slack (or where its API is said to be) and from nowhere else."""

    def __init__(self, calls: SlackCalls) -> None:
        self._calls = calls

    async def read(self, files: Sequence[Snippet]) -> list[str]:
        """Return the text of the first few text files; one that cannot be read is left out."""
        found = []
        for file in files[:_MOST_FILES]:
            text = await self._read(file)
            if text:
                found.append(text)
        return found

    async def _read(self, file: Snippet) -> str:
        try:
            if file.url is None and file.id:
                answer = await self._calls.call(self._calls.client.files_info, file=file.id)
                (file,) = snippets_of([answer.get("file") or {}])
            if file.url is None or not file.kind.startswith(_TEXT) or not self._is_slacks(file.url):
                return ""
            return await self._download(file.url)
        except (Trouble, Limited, Refused, aiohttp.ClientError, TimeoutError, OSError) as error:
            _logger.warning("slack: the file %s cannot be read: %s", file.id, error)
            return ""

    async def _download(self, url: str) -> str:
        headers = {"Authorization": f"Bearer {self._calls.client.token}"}
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(_SECONDS), trust_env=True) as session,
            session.get(url, headers=headers, allow_redirects=False) as response,
        ):
            # Without the scope files:read Slack sends its page to sign in, with status 200.
            if response.status != 200 or response.content_type == "text/html":
                _logger.warning("slack: a file cannot be read (HTTP %d); has the app files:read?", response.status)
                return ""
            content = await response.content.read(_MOST_BYTES)
            while len(content) < _MOST_BYTES and (more := await response.content.read(_MOST_BYTES - len(content))):
                content += more
        return content.decode("utf-8", "replace").replace("\0", "")

    def _is_slacks(self, url: str) -> bool:
        """Tell whether the bot's token may be sent there."""
        try:
            asked, api = urlsplit(url), urlsplit(self._calls.client.base_url)
            host = asked.hostname or ""
            if (asked.scheme, asked.hostname, asked.port) == (api.scheme, api.hostname, api.port):
                return True
        except ValueError:
            return False
        return asked.scheme == "https" and asked.port in (None, 443) and host.endswith(_SLACK)
