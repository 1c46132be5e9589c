"""``acknet serve`` is told to stop: nothing new is taken, what is under way ends, what was said is kept."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from bot.settings.store_url import StoreUrl
from bot.store import GivenAnswer, Store
from tests.bot.web.test_serve_command import serving, without_store


@dataclass
class Asked:
    """A question that is being asked in a thread."""

    thread: threading.Thread
    replies: list[httpx.Response] = field(default_factory=list)

    def reply(self) -> httpx.Response:
        self.thread.join(60)
        (reply,) = self.replies
        return reply


def ask(url: str, accept: str) -> Asked:
    """Begin to ask once questions are answered."""
    end = time.monotonic() + 60
    while httpx.get(f"{url}/readyz", timeout=60, trust_env=False).status_code != 200:
        assert time.monotonic() < end, "the index was not opened"
        time.sleep(0.02)

    def run() -> None:
        headers = {"Accept": accept}
        with contextlib.suppress(httpx.TransportError):  # the server gave it up
            reply = httpx.post(f"{url}/v1/ask", json={"question": "why?"}, headers=headers, timeout=60, trust_env=False)
            asked.replies.append(reply)

    asked = Asked(threading.Thread(target=run))
    asked.thread.start()
    return asked


@contextmanager
def gate() -> Iterator[tuple[int, socket.socket]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        yield listener.getsockname()[1], listener


def wait_until_refused(url: str) -> None:
    """Wait until nobody can connect any more."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection((host, int(port)), timeout=60).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < end, "connections are still taken"
        time.sleep(0.02)


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_a_question_under_way_is_answered_and_kept_before_the_process_ends(tmp_path: Path, accept: str) -> None:
    url_of_store = f"sqlite:///{tmp_path / 'acknet.db'}"
    with (
        gate() as (port, listener),
        serving(tmp_path, "--port", "0", STAND_IN=f"waits:{port}", ACKNET_STORE_URL=url_of_store) as (process, line),
    ):
        url = line.split()[-1]
        asked = ask(url, accept)
        waiting, _ = listener.accept()
        with waiting:
            process.send_signal(signal.SIGTERM)
            wait_until_refused(url)
            assert process.poll() is None
            waiting.sendall(b"!")
        reply = asked.reply()
        _, errors = process.communicate(timeout=60)

    assert (process.returncode, without_store(errors)) == (0, "")
    body = reply.text if accept.endswith("json") else reply.text.strip().rpartition("data: ")[2]
    answer = json.loads(body)
    assert reply.status_code == 200

    async def kept() -> GivenAnswer | None:
        async with Store(StoreUrl(url_of_store)) as store:
            return await store.answers.get(answer["id"])

    found = asyncio.run(kept())
    assert found is not None
    assert found.turns == ("why?",)


def test_what_does_not_end_in_time_is_given_up(tmp_path: Path) -> None:
    with (
        gate() as (port, listener),
        serving(tmp_path, "--port", "0", STAND_IN=f"waits:{port}", ACKNET_SHUTDOWN_TIMEOUT="0.2") as (process, line),
    ):
        asked = ask(line.split()[-1], "application/json")
        waiting, _ = listener.accept()
        with waiting:
            process.send_signal(signal.SIGTERM)
            asked.thread.join(60)
            waiting.sendall(b"!")
        process.communicate(timeout=60)

    assert process.returncode == 0


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    with (
        gate() as (port, listener),
        serving(tmp_path, "--port", "0", STAND_IN=f"waits:{port}", ACKNET_SHUTDOWN_TIMEOUT="600") as (process, line),
    ):
        url = line.split()[-1]
        asked = ask(url, "application/json")
        waiting, _ = listener.accept()
        with waiting:
            process.send_signal(signal.SIGINT)
            wait_until_refused(url)
            process.send_signal(signal.SIGINT)
            asked.thread.join(60)
            waiting.sendall(b"!")
        process.communicate(timeout=60)

    assert process.returncode == 0
