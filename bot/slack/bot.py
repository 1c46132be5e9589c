"""acknet in Slack, put together: what comes in, what is worked on, what goes out."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp, AsyncBoltRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.service import Service
from bot.slack.access import Access
from bot.slack.answering import Answering
from bot.slack.calls import SlackCalls, Trouble
from bot.slack.checking import Checking
from bot.slack.directory import Directory
from bot.slack.guard import SlackGuard
from bot.slack.home import Home
from bot.slack.intake import Intake, Job
from bot.slack.listeners import Listeners
from bot.slack.mailbox import Mailbox
from bot.slack.sessions import Sessions
from bot.slack.snippets import Snippets
from bot.slack.socket_mode import SocketMode
from bot.slack.tasks import Ask, Check, Edit, Explain, Remove, Stop

__all__ = ["SlackBot", "Tempo"]

_logger = logging.getLogger("acknet.slack")

_CALL_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Tempo:
    """How patient acknet is, in seconds, and how much it takes on; tests that cannot wait want less."""

    lease: float = 120.0
    """A task is done within, or taken over by somebody."""
    idle: float = 1.0
    """Between two looks for what others left."""
    ping: float = 10.0
    patience: float = 20.0
    drain: float = 6.0
    waiting: int = 256
    """How many questions wait for a worker before the next is told that acknet is busy."""


class SlackBot:
    """acknet in one workspace. Events come through Socket Mode where there is an app token, else to ``endpoint``.

    It belongs to the event loop of ``service``, which it leaves open.
    """

    def __init__(self, service: Service, *, tempo: Tempo | None = None) -> None:
        self._service, self._settings = service, service.settings
        self._tempo = tempo or Tempo()
        self._running = contextlib.AsyncExitStack()
        self._tasks: list[asyncio.Task[None]] = []
        self._app: AsyncApp | None = None
        self._socket: SocketMode | None = None
        secret = self._settings.slack_signing_secret
        self.endpoint = None if secret is None else SlackGuard(secret.get_secret_value(), self._handle)
        """Takes events over HTTP, as an ASGI application; None without a signing secret."""

    async def start(self) -> None:
        """Begin to take events; returns before there is a connection."""
        token = self._settings.slack_bot_token
        assert token is not None, "no bot token is configured"
        timeout = aiohttp.ClientTimeout(_CALL_SECONDS)
        session = await self._running.enter_async_context(aiohttp.ClientSession(timeout=timeout))
        client = AsyncWebClient(
            token.get_secret_value(),
            base_url=f"{self._settings.slack_base_url}/",
            session=session,
            logger=_logger,
            # The SDK's own would post once more what Slack took without saying so; the mailbox looks first.
            retry_handlers=[],
        )
        self._build(client)
        self._intake.start()
        self._begin(self._mailbox.work(), "outbox")
        self._begin(self._intake.take_over(), "take-over")
        if self._socket is not None:
            self._begin(self._socket.work(), "socket")

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, give the rest back to the store."""
        if self._app is None:
            return
        self._app = None
        if self._socket is not None:
            await self._socket.stop()
            await self._end("socket")
        await self._end("take-over")
        await self._intake.stop(self._tempo.drain)
        await self._home.stop()
        await self._end("outbox")
        await self._mailbox.drain()
        self._answering.close()
        self._service.metrics.slack_connected.set(0)
        await self._running.aclose()

    async def trouble(self) -> str | None:
        """Say in a few words what keeps acknet from Slack; None: nothing, "": it is just being connected."""
        if self._app is None:
            return "it is not started"
        if self._socket is None or await self._socket.is_connected():
            return None
        return self._socket.trouble

    def _build(self, client: AsyncWebClient) -> None:
        calls = SlackCalls(client)
        self._mailbox = Mailbox(self._service, calls, idle_seconds=self._tempo.idle)
        directory = Directory(calls)
        access = Access(self._settings, directory)
        self._answering = Answering(self._service, calls, self._mailbox, access, Snippets(calls))
        self._sessions = Sessions(self._service, calls)
        self._checking = Checking(
            self._service, calls, self._mailbox, access=access, answering=self._answering, sessions=self._sessions
        )
        self._home = Home(self._service, calls, access)
        self._intake = Intake(
            self._service,
            self._work,
            self._busy,
            lease=dt.timedelta(seconds=self._tempo.lease),
            idle_seconds=self._tempo.idle,
            waiting=self._tempo.waiting,
        )
        # Bolt awaits each listener and acknowledges then: what is acknowledged is marked in the store.
        self._app = AsyncApp(
            client=client,
            logger=_logger,
            name="acknet",  # else Bolt reads the source of all that is running, to find one
            process_before_response=True,
            request_verification_enabled=False,
        )
        self._listeners = Listeners(
            self._service,
            calls,
            intake=self._intake,
            answering=self._answering,
            access=access,
            home=self._home,
        )
        self._listeners.install(self._app)
        token = self._settings.slack_app_token
        if token is not None:
            self._socket = SocketMode(
                client,
                token.get_secret_value(),
                self._dispatch,
                ping_seconds=self._tempo.ping,
                patience=self._tempo.patience,
                connected=self._service.metrics.slack_connected.set,
            )

    def _begin(self, work: Any, name: str) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"slack-{name}"))

    async def _end(self, name: str) -> None:
        for task in self._tasks:
            if task.get_name() == f"slack-{name}":
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    async def _work(self, job: Job) -> None:
        match job.task:
            case Ask():
                await self._answering.ask(job.task, again=job.again)
            case Edit():
                await self._answering.edit(job.task)
            case Remove():
                await self._answering.remove(job.task)
            case Explain():
                await self._answering.explain(job.task)
            case Check():
                await self._checking.check(job.task)
            case Stop():
                await self._sessions.stop(job.task)

    async def _busy(self, job: Job) -> None:
        match job.task:
            case Ask():
                await self._answering.busy(job.task)
            case Check():
                await self._checking.busy(job.task)

    async def _handle(self, headers: Mapping[str, list[str]], body: str) -> tuple[int, Mapping[str, str], str]:
        """Take a request that Slack signed."""
        if self._app is None:
            return 503, {"retry-after": "5"}, ""
        try:
            # What is no JSON is a form, which Bolt reads.
            payload = json.loads(body) if body.startswith("{") else {}
            if not isinstance(payload.get("event", {}), dict):
                raise TypeError("the event is no object")  # noqa: TRY301
            response = await self._dispatch(payload, lambda: AsyncBoltRequest(body=body, headers=dict(headers)))
        except (Trouble, OSError, aiohttp.ClientError, TimeoutError):
            _logger.exception("slack: an event could not be taken; Slack sends it again")
            return 503, {}, ""
        except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
            _logger.warning("slack: a signed request is none that Slack documents", exc_info=True)
            return 400, {}, "The body is no request of Slack.\n"
        return response.status, response.first_headers_without_set_cookie(), response.body

    async def _dispatch(self, payload: Mapping[str, Any], request: Callable[[], AsyncBoltRequest]) -> BoltResponse:
        """Take ``payload``: messages at once, all else by the listener that Bolt finds for the ``request`` it makes.

        What has no listener is acknowledged, or Slack would send it again.
        """
        if self._app is None:  # it is being stopped; Slack sends it again, to whoever is there then
            return BoltResponse(status=503)
        if await self._listeners.take_message(payload):
            return BoltResponse(status=200)
        response = await self._app.async_dispatch(request())
        return BoltResponse(status=200) if response.status == 404 else response
