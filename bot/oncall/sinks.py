"""Where notices go: a URL that takes JSON, or stdout."""

from __future__ import annotations

import hashlib
import hmac
import json
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from bot import __version__
from bot.oncall.notice import Notice
from bot.render import json_answer

if TYPE_CHECKING:
    import httpx

__all__ = ["Sink", "SinkError", "StdoutSink", "WebhookSink", "notice_object"]

_SECONDS = 10.0


class SinkError(Exception):
    """A notice did not get through; it is tried again. The text holds nothing that is secret."""


class Sink(Protocol):
    """A place where notices go. ``name`` stays the same as long as it is the same place."""

    name: str

    async def send(self, notice: Notice) -> None:
        """Say it; the same notice may come again after a crash and has to be said once. Raises SinkError."""
        ...

    async def close(self) -> None:
        """Let go of connections."""
        ...


def notice_object(notice: Notice) -> dict[str, Any]:
    """Return a notice as plain data, as other programs get it."""
    head = notice.headline
    return {
        "key": _digest(notice.key),
        "kind": notice.kind,
        "text": notice.text,
        "incident": {
            "id": head.incident,
            "state": head.state,
            "source": head.source,
            "title": head.title,
            "firing": head.firing,
            "left_out": head.left_out,
            "url": head.url,
            "places": [
                {"place": one.place, "scope": dict(one.scope), "entry": one.entry, "confirmed": list(one.confirmed)}
                for one in head.looked
            ],
        },
        "answer_id": notice.answer_id,
        "answer": json_answer(notice.answer) if notice.answer else None,
    }


class StdoutSink:
    """Prints each notice as a line of JSON. A notice that a crash cut off between printing and noting comes again."""

    name = "stdout"

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout

    async def send(self, notice: Notice) -> None:
        """Print it."""
        print(json.dumps(notice_object(notice)), file=self._stream, flush=True)

    async def close(self) -> None:
        """Leave stdout as it is."""


class WebhookSink:
    """Posts each notice to ``url``; ``Idempotency-Key`` tells a receiver which it has already."""

    name = "webhook"

    def __init__(self, url: str, secret: str | None = None) -> None:
        self._url, self._secret = url, secret
        self._client: httpx.AsyncClient | None = None

    async def send(self, notice: Notice) -> None:
        """Post it; anything but a 2xx is a failure, and redirects are not followed."""
        import httpx

        if self._client is None:
            self._client = httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False)
        body = json.dumps(notice_object(notice)).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"acknet/{__version__}",
            "Idempotency-Key": _digest(notice.key),
        }
        if self._secret is not None:
            headers["X-Acknet-Signature"] = f"v1={hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()}"
        try:
            # Not read: what comes back may be of any size, and only its status counts.
            async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
                status = response.status_code
        except httpx.HTTPError as error:
            raise SinkError(f"the webhook cannot be reached ({type(error).__name__})") from None
        if not 200 <= status < 300:
            raise SinkError(f"the webhook answers {status}")

    async def close(self) -> None:
        """Close its connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
