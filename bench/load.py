"""The load on a server: so many clients, each with one connection, each asking again as soon as it has its answer.

``python -m bench.load HOST PORT CLIENTS SECONDS`` prints one JSON object; `bench.throughput` starts it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import cycle, islice

from bench.questions import questions

__all__: list[str] = []

_QUESTIONS = 100
_MOST_REQUESTS = 50_000
_REPLY_SECONDS = 35.0


@dataclass(slots=True)
class _Tally:
    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def requests(self) -> int:
        return len(self.seconds) + self.errors.total()


async def _client(number: int, address: tuple[str, int], bodies: list[bytes], until: float, tally: _Tally) -> None:
    """Ask until the time is over, each client from its own place in the list; connect anew after an error."""
    mine = islice(cycle(bodies), number * 7 % len(bodies), None)
    while time.perf_counter() < until and tally.requests < _MOST_REQUESTS:
        try:
            reader, writer = await asyncio.open_connection(*address)
        except OSError as error:
            tally.errors[type(error).__name__] += 1
            await asyncio.sleep(0.01)
            continue
        try:
            for body in mine:
                if time.perf_counter() >= until or tally.requests >= _MOST_REQUESTS:
                    return
                start = time.perf_counter()
                async with asyncio.timeout(_REPLY_SECONDS):
                    status = await _exchange(reader, writer, body)
                if status == 200:
                    tally.seconds.append(time.perf_counter() - start)
                else:
                    tally.errors[f"HTTP {status}"] += 1
        except (OSError, EOFError, ValueError) as error:
            tally.errors[type(error).__name__] += 1
        finally:
            writer.close()


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes) -> int:
    """Send one request and read its reply whole; return the status."""
    writer.write(
        b"POST /v1/ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    await writer.drain()
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    fields = dict(line.split(": ", 1) for line in head[1:] if ": " in line)
    await reader.readexactly(int(fields["content-length"]))
    return int(head[0].split()[1])


async def _run(address: tuple[str, int], clients: int, seconds: float) -> dict[str, object]:
    bodies = [json.dumps({"question": question}).encode() for question in questions(_QUESTIONS)]
    bodies = [bodies[at * 37 % len(bodies)] for at in range(len(bodies))]  # not from short to long
    tally = _Tally()
    start = time.perf_counter()
    await asyncio.gather(*(_client(at, address, bodies, start + seconds, tally) for at in range(clients)))
    return {"wall": time.perf_counter() - start, "seconds": tally.seconds, "errors": dict(tally.errors)}


def main() -> None:
    """Read the command line and print what was seen: wall time, seconds of each answer, errors by kind."""
    host, port, clients, seconds = sys.argv[1:]
    print(json.dumps(asyncio.run(_run((host, int(port)), int(clients), float(seconds)))))


if __name__ == "__main__":
    main()
