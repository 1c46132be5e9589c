"""How the Slack double sends over HTTP: what it makes of answers, and over how many connections."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.doubles.slack import Timings, slack_platform
from tests.doubles.slack.http_sender import HttpSender

SENT = b'{"type":"event_callback"}'


class Raw:
    """A server that answers every request with the same bytes."""

    def __init__(self, answer: bytes, *, closes: bool) -> None:
        self.answer, self.closes = answer, closes
        self.connections = 0
        self.got: list[bytes] = []
        self.together: asyncio.Barrier | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
                self.got.append(await reader.readexactly(int(length.split(b":")[1])))
                if self.together is not None:
                    await self.together.wait()
                writer.write(self.answer)
                await writer.drain()
                if self.closes:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def raw(answer: bytes, *, closes: bool = False) -> AsyncIterator[tuple[Raw, str]]:
    served = Raw(answer, closes=closes)
    server = await asyncio.start_server(served.serve, "127.0.0.1", 0)
    try:
        yield served, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/slack/events"
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "failure", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "", "ok"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", "", "ok"),
        (b"HTTP/1.1 200 OK\r\n\r\nok", "", "ok"),
        (b"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", "", None),
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "http_error", None),
        (
            b"HTTP/1.1 308 Over there\r\nLocation: /slack/events\r\nContent-Length: 0\r\n\r\n",
            "too_many_redirects",
            None,
        ),
        (b"SSH-2.0-OpenSSH_9.6\r\n\r\n", "unknown_error", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", "connection_failed", None),
        (b"", "connection_failed", None),
    ],
)
def test_what_comes_back_is_read_or_named_as_slack_names_it(answer: bytes, failure: str, said: str | None) -> None:
    async def go() -> None:
        async with raw(answer, closes=b"Location" not in answer) as (_, url):
            with slack_platform(timings=Timings(ack=60, event_retries=()), events={"app_mention"}) as slack:
                slack.user("U1")
                slack.channel("C1", members=["U1"])
                slack.request_url = url
                slack.mention("C1", "U1", "nginx answers 504")
                delivery = await slack.events("app_mention")[0]
        assert delivery.failures == ([failure] if failure else [])
        assert delivery.answer == said

    asyncio.run(go())


def test_a_connection_is_used_again_and_another_opened_where_all_are_in_use() -> None:
    async def go() -> None:
        sender = HttpSender()
        async with raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (served, url):
            for _ in range(3):
                await sender.post(url, SENT, {})
            assert served.connections == 1
            served.together = asyncio.Barrier(4)
            await asyncio.gather(*(sender.post(url, SENT, {}) for _ in range(4)))
            assert served.connections == 4
            assert served.got == [SENT] * 7
            await sender.close()

    asyncio.run(go())


def test_one_that_was_closed_meanwhile_is_not_used() -> None:
    async def go() -> None:
        sender = HttpSender()
        async with raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", closes=True) as (served, url):
            for number in range(1, 4):
                await sender.post(url, SENT, {})
                while not all(one.closed for several in sender._idle.values() for one in several):  # noqa: ASYNC110
                    await asyncio.sleep(0)
                assert served.connections == number
            await sender.close()

    asyncio.run(go())
