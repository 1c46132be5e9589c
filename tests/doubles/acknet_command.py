"""The real ``acknet`` command with the stand-in engine behind it: ``python -m tests.doubles.acknet_command serve …``.

``STAND_IN`` in the environment changes more: with ``builds-for-ever`` the engine is never open, with ``elsewhere`` the
socket claims an address that other machines reach (it does not, so that no test opens a port to them).
"""

from __future__ import annotations

import os
import socket
import threading

import bot.engine
import bot.web.server
from bot.cli.app import main
from tests.doubles.engine import StandInEngine


def _open_stand_in(*_: object, **__: object) -> StandInEngine:
    if os.environ.get("STAND_IN") == "builds-for-ever":
        threading.Event().wait()
    return StandInEngine()


class _Elsewhere(socket.socket):
    def getsockname(self) -> tuple[str, int]:
        return "192.0.2.1", super().getsockname()[1]


def _listen_elsewhere(_: str, port: int) -> socket.socket:
    listener = _Elsewhere(socket.AF_INET)
    listener.bind(("127.0.0.1", port))
    listener.listen()
    return listener


if __name__ == "__main__":
    bot.engine.open_engine = _open_stand_in  # type: ignore[assignment]
    if os.environ.get("STAND_IN") == "elsewhere":
        bot.web.server.listen = _listen_elsewhere
    main()
