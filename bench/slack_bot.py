"""`acknet serve` with Slack and the tests' stand-in engine, in a process of its own."""

from __future__ import annotations

import gc
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.cli.serve import serve_app
from bot.settings import Settings
from bot.slack.part import EVENTS_PATH
from bot.web.app import create_app
from bot.web.server import listen, url_of
from tests.doubles.engine import StandInEngine

__all__ = ["serve"]


def serve(settings: dict[str, Any], _clock: object, _last: int, ready: Connection) -> None:
    """Serve as the command does until SIGTERM; ``ready`` gets where events are posted, "" with Socket Mode."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    gc.set_threshold(100_000, 20, 20)  # as bot.cli does
    found = Settings(**settings)
    listener = listen("127.0.0.1", 0)
    ready.send("" if found.slack_app_token is not None else f"{url_of(listener)}{EVENTS_PATH}")
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        sys.stdout = nowhere
        serve_app(create_app(found, lambda _: StandInEngine()), found, listener, "acknet is ready at {url}")
