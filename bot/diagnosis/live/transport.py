"""The official client's connection to an API server, with the gate where requests leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject, RESTResponse
from yarl import URL

from bot.diagnosis.live.gate import Gate, Refused

__all__ = ["ReadOnlyRESTClient", "Refused"]

_READ_BUFFER_BYTES = 64 * 1024
_DEFAULT_SECONDS = 60.0


class ReadOnlyRESTClient(RESTClientObject):
    """Sends what :class:`~bot.diagnosis.live.gate.Gate` lets pass; anything else raises Refused before a byte leaves.

    A request is checked twice: as it was asked for, and as it is about to be sent, with all headers, whoever made it
    of this client's session. Redirects are not followed, cookies not kept, packed answers left packed, and neither
    proxies nor passwords taken from the environment. ``on_request`` is called for every request that leaves, and may
    raise to hold it back. An ApiClient that has it as its ``rest_client`` can do no more than that, whatever is called.

    Events and pods of the namespaces ``watched`` may also be watched. ValueError says that the configuration names no
    server's address.
    """

    def __init__(
        self,
        configuration: Configuration,
        on_request: Callable[[], None] = lambda: None,
        watched: Iterable[str] = (),
    ) -> None:
        super().__init__(configuration)
        self._gate = Gate(configuration.host, watched=watched)
        self._on_request = on_request

    def _create_connector(self) -> aiohttp.TCPConnector:
        return _GatedConnector(
            self._gate, self._on_request, proxy=self.proxy, limit=self.maxsize, ssl_context=self.ssl_context
        )

    def _create_pool_manager(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=self._create_connector(),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            trust_env=False,
            read_bufsize=_READ_BUFFER_BYTES,
        )

    async def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        post_params: Any = None,
        _request_timeout: float | None = None,
    ) -> RESTResponse:
        """Send a GET and return the answer as soon as its headers are there; ``_request_timeout`` is in seconds."""
        headers = {"Accept-Encoding": "identity", **(headers or {})}
        self._gate.check(method, url, headers, body=bool(body or post_params))
        if self.pool_manager is None:
            self.pool_manager = self._create_pool_manager()
        response = await self.pool_manager.get(
            # Encoded already: nothing in it is to be written another way than it was checked.
            URL(url, encoded=True),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=_request_timeout or _DEFAULT_SECONDS),
            proxy=self.proxy,
            proxy_headers=self.proxy_headers,
            server_hostname=self.configuration.tls_server_name,
        )
        return RESTResponse(response)


class _GatedConnector(aiohttp.TCPConnector):
    """Gives a connection only to requests that may leave; every one of a session comes here, at last."""

    def __init__(
        self,
        gate: Gate,
        on_request: Callable[[], None],
        *,
        proxy: str | None,
        limit: int,
        ssl_context: Any,
    ) -> None:
        super().__init__(limit=limit, ssl=ssl_context)
        self._gate, self._on_request = gate, on_request
        self._proxy = URL(proxy).origin() if proxy else None

    async def connect(self, req: aiohttp.ClientRequest, traces: list[Any], timeout: Any) -> Any:  # noqa: ASYNC109 (aiohttp's)
        self._gate.check(req.method, str(req.url), req.headers, body=req.body != b"")
        if (req.proxy.origin() if req.proxy else None) != self._proxy:
            raise Refused("a request through another proxy than the configured one")
        self._on_request()
        return await super().connect(req, traces, timeout)
