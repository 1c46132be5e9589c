"""Asking an API server, within a budget: one GET at a time, tried again where that helps, never read without end."""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import random
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import quote, urlencode

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException

from bot import __version__
from bot.diagnosis.live.gate import WATCHED
from bot.diagnosis.live.transport import ReadOnlyRESTClient, Refused
from bot.diagnosis.reader import Unreadable

__all__ = ["Answer", "Budget", "Exchange", "Rejected"]

_CONNECTIONS = 8
_RETRIES = 2
_PIECE = 64 * 1024
"""Bytes that are unpacked at a time."""
_LONGEST_WAIT = 5.0
"""Seconds to wait at most before another try, whatever Retry-After says."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What a look into a cluster may cost: requests and bytes of answers in all, seconds for each request.

    The bytes hold for what comes over the wire, and for what it is unpacked; the seconds for a request with its
    further tries.
    """

    requests: int = 200
    bytes: int = 64 * 1024 * 1024
    seconds: float = 15.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    body: bytes


class Exchange:
    """A connection to an API server that only reads; it has to be closed.

    ``watched`` are the namespaces in which events and pods may be watched, each watch on a connection of its own.
    ValueError says that ``configuration`` names no server's address, OSError that its certificates cannot be read.
    """

    def __init__(self, configuration: Configuration, budget: Budget, *, watched: Collection[str] = ()) -> None:
        configuration.connection_pool_maxsize = _CONNECTIONS + len(WATCHED) * len(watched)
        self.requests = 0
        self.bytes = 0
        self._unpacked = 0
        self._budget = budget
        self._configuration = configuration
        self._client = ReadOnlyRESTClient(configuration, self._count_request, watched)
        self._clock: tuple[dt.datetime, float] | None = None

    @property
    def clock(self) -> dt.datetime | None:
        """What time it is by the server's last answer; None before one."""
        if self._clock is None:
            return None
        then, read_at = self._clock
        return then + dt.timedelta(seconds=time.monotonic() - read_at)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def get(
        self,
        what: str,
        path: str,
        query: Iterable[tuple[str, str]] = (),
        *,
        accept: str = "application/json",
        largest: int | None = None,
    ) -> Answer:
        """Return the answer to a GET of ``path``, whatever its status.

        Raises Unreadable for ``what`` when there is no whole answer within the budget, or one of more than ``largest``
        bytes.
        """
        try:
            async with asyncio.timeout(self._budget.seconds) as limit:
                for attempt in range(_RETRIES + 1):
                    answer, headers = await self._once(path, list(query), accept, largest)
                    wait = _wait(answer.status, headers, attempt)
                    if wait is None or asyncio.get_running_loop().time() + wait >= (limit.when() or 0.0):
                        break
                    await asyncio.sleep(wait)
                return answer
        except TimeoutError as error:
            raise Unreadable(what, "timeout", f"no answer within {self._budget.seconds:g} s") from error
        except _BudgetSpent as error:
            raise Unreadable(what, "budget", str(error)) from error
        except Refused as error:
            raise Unreadable(what, "failed", f"not sent: {error}") from error
        except _Unusable as error:
            raise Unreadable(what, "failed", str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            # Not chained: what the client says may hold the whole request.
            raise Unreadable(what, "failed", _fault(error)) from None
        except ConfigException:
            raise Unreadable(what, "failed", "the service account's token cannot be read any more") from None

    async def lines(
        self, what: str, path: str, query: Iterable[tuple[str, str]], *, seconds: float, longest: int
    ) -> AsyncIterator[bytes]:
        """Yield the lines of an answer as they come, for ``seconds`` at most, none longer than ``longest`` bytes.

        Raises Rejected where the status is not 200, and Unreadable for ``what`` where the connection breaks.
        """
        try:
            url, headers = await self._addressed(path, list(query), "application/json")
            reply = await self._client.request("GET", url, headers, _request_timeout=seconds)
            try:
                if reply.status != HTTPStatus.OK:
                    raise Rejected(Answer(reply.status, await self._body(reply.response, longest)))
                rest = bytearray()
                async for chunk in reply.response.content.iter_any():
                    self.bytes += len(chunk)
                    rest += chunk
                    *whole, left = rest.split(b"\n")
                    for line in whole:
                        yield bytes(line)
                    rest = left
                    if len(rest) > longest:
                        raise _Unusable("the server sent a longer line than an object can be")
            finally:
                reply.response.close()
        except TimeoutError:
            raise Unreadable(what, "timeout", f"the server let it go on for more than {seconds:g} s") from None
        except Refused as error:
            raise Unreadable(what, "failed", f"not sent: {error}") from error
        except (_Unusable, _BudgetSpent) as error:
            raise Unreadable(what, "failed", str(error)) from error
        except (aiohttp.ClientError, OSError) as error:
            raise Unreadable(what, "failed", _fault(error)) from None
        except ConfigException:
            raise Unreadable(what, "failed", "the service account's token cannot be read any more") from None

    async def _addressed(self, path: str, query: list[tuple[str, str]], accept: str) -> tuple[str, dict[str, str]]:
        """Return a request's URL, and its headers with the login."""
        url = f"{self._configuration.host}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        headers = {"Accept": accept, "User-Agent": f"acknet/{__version__}"}
        if login := (await self._configuration.auth_settings()).get("BearerToken"):
            # Token files often end in a newline.
            headers[login["key"]] = str(login["value"]).strip()
        return url, headers

    async def _once(
        self, path: str, query: list[tuple[str, str]], accept: str, largest: int | None
    ) -> tuple[Answer, Mapping[str, str]]:
        url, headers = await self._addressed(path, query, accept)
        # The API server packs what is longer than 128 KiB.
        headers["Accept-Encoding"] = "gzip"
        reply = await self._client.request("GET", url, headers, _request_timeout=self._budget.seconds)
        try:
            self._set_clock(reply.headers.get("Date"))
            return Answer(reply.status, await self._body(reply.response, largest)), reply.headers
        finally:
            # One that was read to its end has given its connection back already.
            reply.response.close()

    async def _body(self, response: aiohttp.ClientResponse, largest: int | None) -> bytes:
        unpack = _unpacking(response.headers.get("Content-Encoding", "identity"))
        if response.content_length and self.bytes + response.content_length > self._budget.bytes:
            raise _BudgetSpent(f"more than {self._budget.bytes} bytes in all")
        body = bytearray()
        async for chunk in response.content.iter_any():
            self.bytes += len(chunk)
            if self.bytes > self._budget.bytes:
                raise _BudgetSpent(f"more than {self._budget.bytes} bytes in all")
            # A few packed bytes can become any number: what comes of them is counted piece by piece.
            for piece in unpack.pieces(chunk):
                self._unpacked += len(piece)
                if self._unpacked > self._budget.bytes:
                    raise _BudgetSpent(f"more than {self._budget.bytes} unpacked bytes in all")
                body += piece
                if largest is not None and len(body) > largest:
                    raise _Unusable("the server sent more than was asked for")
        unpack.finish()
        return bytes(body)

    def _count_request(self) -> None:
        if self.requests >= self._budget.requests:
            raise _BudgetSpent(f"more than {self._budget.requests} requests")
        self.requests += 1

    def _set_clock(self, date: str | None) -> None:
        now = _date(date or "")
        if now is not None:
            self._clock = now, time.monotonic()


class Rejected(Exception):
    """What was to be read line by line was answered with a failure."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"status {answer.status}")
        self.answer = answer


class _BudgetSpent(Exception):
    """The next request or byte would be one too many."""


class _Unusable(Exception):
    """An answer came that nothing can be done with."""


class _Plain:
    """What comes as it is."""

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the chunk holds."""
        yield chunk

    def finish(self) -> None:
        """Raise _Unusable where the end is missing."""


class _Gzip(_Plain):
    """What comes packed, unpacked in pieces of a bounded size."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        if self._stream.eof:
            raise _Unusable("the server's packed answer goes on after its end")
        try:
            piece = self._stream.decompress(chunk, _PIECE)
            # A full piece may have more behind it, even where no input is left.
            while piece:
                yield piece
                piece = self._stream.decompress(self._stream.unconsumed_tail, _PIECE)
        except zlib.error:
            raise _Unusable("the server's packed answer cannot be unpacked") from None
        if self._stream.unused_data:
            raise _Unusable("the server's packed answer goes on after its end")

    def finish(self) -> None:
        if not self._stream.eof:
            raise _Unusable("the server's packed answer is cut off")


def _unpacking(encoding: str) -> _Plain:
    if encoding in ("identity", ""):
        return _Plain()
    if encoding in ("gzip", "x-gzip"):
        return _Gzip()
    raise _Unusable("the server packed its answer in a way that was not asked for")


def _wait(status: int, headers: Mapping[str, str], attempt: int) -> float | None:
    """Return how many seconds to wait before trying again; None where it is not to be tried again."""
    if attempt == _RETRIES or (status != 429 and status < 500):
        return None
    spread = random.uniform(0.5, 1.5)  # noqa: S311 (keeps clients apart, protects nothing)
    asked = _retry_after(headers.get("Retry-After", ""))
    return min(asked + 0.1 * spread if asked is not None else 0.2 * 2**attempt * spread, _LONGEST_WAIT)


def _retry_after(text: str) -> float | None:
    if text.isascii() and text.isdigit():
        return float(text[:9])
    date = _date(text)
    return None if date is None else max((date - dt.datetime.now(dt.UTC)).total_seconds(), 0.0)


def _date(text: str) -> dt.datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=dt.UTC)) if 2000 <= date.year < 3000 else None


def _fault(error: Exception) -> str:  # noqa: PLR0911 (one line a fault)
    """Say in a few words why there was no answer."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        why = error.certificate_error
        said = why.verify_message if isinstance(why, ssl.SSLCertVerificationError) else "it does not verify"
        return f"the server's certificate is not trusted: {said}"
    if isinstance(error, aiohttp.ClientSSLError):
        return "no TLS with the server; is its address right?"
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return "the proxy on the way to the server does not let through"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the server's name {error.host} is not found"
    if isinstance(error, aiohttp.ClientConnectorError):
        refused = error.os_error.errno == errno.ECONNREFUSED
        return f"{error.host}:{error.port} {'refuses the connection' if refused else 'cannot be reached'}"
    if isinstance(error, aiohttp.ClientResponseError):
        return "the server's answer is not HTTP"
    return "the connection broke off"
