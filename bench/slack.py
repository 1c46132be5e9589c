"""What a burst of questions in Slack costs: how soon events are acknowledged, what is answered, what memory it takes.

``python -m bench.slack``. Slack is the double of the tests, in a process beside that of `acknet serve`; they share the
machine's cores. The engine is the tests' stand-in, so that what is measured is Slack's side alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import re
import tempfile
import time
from pathlib import Path

from bench.environment import BenchError
from bench.report import Report, milliseconds, parser, percentile, run
from bench.slack_bot import serve
from bot.settings.store_url import StoreUrl
from bot.store import Store
from tests.doubles.slack import Delivery, RateLimits, Received, SlackPlatform, Timings, slack_platform
from tests.doubles.slack_bot import Transport, slack_settings
from tests.doubles.slack_process import BotProcess

__all__ = ["measure"]

_CHANNELS = 50
_SECONDS = 1.0
_PATIENCE_SECONDS = 300.0


def measure(arguments: argparse.Namespace) -> Report:
    """Send a burst over each transport."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        os.environ.pop(name, None)
    events = 50 if arguments.quick else arguments.events
    rows, figures = [], {}
    transports: tuple[Transport, ...] = ("socket", "http")
    for transport in transports:
        with tempfile.TemporaryDirectory() as directory:
            found = _burst(transport, events, Path(directory))
        acks = found["acks"]
        p50, p99, worst = percentile(acks, 50), percentile(acks, 99), max(acks)
        rows.append(
            (
                transport,
                f"{len(acks):,}",
                f"{found['sent']:.2f}",
                *map(milliseconds, (p50, p99, worst)),
                str(found["answered"]),
                str(found["busy"]),
                f"{found['seconds']:.1f}",
                f"{found['before_mb']:.0f}",
                f"{found['peak_mb']:.0f}",
            )
        )
        figures[transport] = {**found, "ack_seconds": {"p50": p50, "p99": p99, "max": worst}}
    return Report(
        f"Slack: {events} mentions in one second",
        (
            "over",
            "events",
            "within s",
            "ack p50 ms",
            "p99 ms",
            "max ms",
            "answered",
            "told busy",
            "all s",
            "MB before",
            "MB peak",
        ),
        tuple(rows),
        (
            "Each mention comes as two events, because the app also has the messages of its channels: the times of "
            "both are counted, from sending to the acknowledgement, as Slack sees them.",
            "A question is marked in the store (SQLite, on the disk) before its event is acknowledged.",
            "Of what comes at once, as many questions as fit into the queue are answered, the others told that acknet "
            "is busy.",
        ),
        figures,
    )


def _burst(transport: Transport, events: int, directory: Path) -> dict[str, object]:
    store = StoreUrl(f"sqlite:///{directory}/acknet.db")
    with slack_platform(limits=RateLimits(enabled=False), timings=Timings(ack=60)) as slack:
        slack.user("U1")
        for number in range(_CHANNELS):
            slack.channel(f"C{number}", members=["U1"])
        settings = slack_settings(slack, directory, transport)
        values = {name: getattr(settings, name) for name in settings.model_fields_set} | {"store_url": store}
        bot = BotProcess(values, BotProcess.new_clock(), run=serve).start()
        try:
            if bot.url:
                slack.request_url = bot.url
            else:
                slack.wait_until(lambda: slack.connections, timeout=60)
            _warm_up(slack)
            before = _memory(bot.pid, "VmRSS")
            # To look for garbage in all that was imported would stop the double for up to a second.
            gc.collect()
            gc.freeze()
            begun = time.monotonic()
            for number in range(events):
                time.sleep(max(0.0, begun + number * _SECONDS / events - time.monotonic()))
                slack.mention(f"C{number % _CHANNELS}", "U1", "terway-vswitch-ip-exhausted?")
            sent = time.monotonic() - begun
            _wait_for_answers(slack, events + 1)
            seconds = time.monotonic() - begun
            asyncio.run(_drained(store))
            peak = _memory(bot.pid, "VmHWM")
        finally:
            bot.stop()
        told = [each for kind in ("app_mention", "message") for each in slack.events(kind)[1:] if _asks(each)]
        acks = [each.attempts[0].took for each in told if each.acked and len(each.attempts) == 1]
        busy = sum("Too many" in each.text for number in range(_CHANNELS) for each in slack.posted(f"C{number}"))
    if len(acks) != 2 * events:
        raise BenchError(f"{2 * events} events were sent and {len(acks)} acknowledged at once")
    return {
        "acks": acks,
        "answered": events - busy,
        "busy": busy,
        "sent": sent,
        "seconds": seconds,
        "before_mb": before,
        "peak_mb": peak,
    }


def _asks(delivery: Delivery) -> bool:
    return delivery.event.get("user") == "U1"


def _warm_up(slack: SlackPlatform) -> None:
    slack.mention("C0", "U1", "flannel-hairpin?")
    _wait_for_answers(slack, 1)


def _wait_for_answers(slack: SlackPlatform, number: int) -> None:
    """Wait until so many questions are answered; rarely looks, because the double works for each look."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while sum(_is_answer(call) for call in slack.calls_of("chat.postMessage")) < number:
        if time.monotonic() > deadline:
            raise BenchError("not all questions were answered")
        time.sleep(0.2)


def _is_answer(call: Received) -> bool:
    metadata = call.arguments.get("metadata") or {}
    key = metadata.get("event_payload", {}).get("key", "") if isinstance(metadata, dict) else str(metadata)
    return "answer " in key and " rest " not in key and call.ok


async def _drained(store: StoreUrl) -> None:
    async with Store(store, seconds=30) as opened:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            outbox = await opened.outbox.depth()
            if not outbox.waiting and not outbox.leased:
                return
            await asyncio.sleep(0.2)
    raise BenchError("what acknet has to say was not said")


def _memory(pid: int, name: str) -> float:
    """Return the resident memory of a process in MB, where /proc tells it."""
    status = Path(f"/proc/{pid}/status")
    found = re.search(rf"{name}:\s+(\d+) kB", status.read_text(encoding="utf-8")) if status.is_file() else None
    return int(found[1]) * 1024 / 1e6 if found else float("nan")


if __name__ == "__main__":
    command = parser("slack", "Measure a burst of questions in Slack.")
    command.add_argument("--events", type=int, default=500, help="how many mentions come in one second (default: 500)")
    run("slack", command.parse_args(), measure)
