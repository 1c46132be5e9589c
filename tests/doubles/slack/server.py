"""The double's HTTP side: takes requests, lets faults befall them, answers."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web

from tests.doubles.slack.connections import SocketMode
from tests.doubles.slack.errors import SlackError
from tests.doubles.slack.faults import Fault
from tests.doubles.slack.files import Files
from tests.doubles.slack.methods import METHODS, Call, Method
from tests.doubles.slack.rate_limits import RateLimits
from tests.doubles.slack.requests import Received, Reply, parse_arguments
from tests.doubles.slack.response_urls import ResponseUrls
from tests.doubles.slack.workspace import Workspace

__all__ = ["Server"]

_LOGIN = "<!DOCTYPE html><html><head><title>Sign in | Slack</title></head><body>Sign in</body></html>"


class Server:
    """Answers what is sent to the double; ``received`` keeps it all."""

    def __init__(
        self,
        workspace: Workspace,
        files: Files,
        sockets: SocketMode,
        response_urls: ResponseUrls,
        limits: RateLimits,
        faults: list[Fault],
    ) -> None:
        self._workspace, self._files, self._sockets = workspace, files, sockets
        self._response_urls, self._limits, self._faults = response_urls, limits, faults
        self.received: list[Received] = []

    def application(self) -> web.Application:
        application = web.Application(client_max_size=64 * 1024**2)
        application.router.add_route("*", "/{path:.*}", self._handle)
        return application

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        received = Received(
            _name(request.path),
            request.method,
            request.path,
            request.query_string,
            request.headers,
            body,
            self._workspace.clock.now(),
        )
        self.received.append(received)
        fault = next((fault for fault in self._faults if fault.take(received)), None) or Fault()
        received.faulty = fault != Fault()
        reply = self._answer(received) if fault.applied else None
        await asyncio.sleep(fault.delay)
        if not (fault.applied or fault.answers_itself or fault.reset):
            if received.method == "socket":
                return await self._sockets.handle(request)
            reply = self._answer(received)
        if fault.hang:
            await asyncio.Event().wait()
        if fault.reset:
            return _abort(request)
        if reply is None or fault.answers_itself:
            reply = _faulty(fault)
        return await _send(request, received, reply, fault.cut)

    def _answer(self, received: Received) -> Reply:
        match received.method:
            case "response_url":
                return self._response_urls.post(received.path, received.body)
            case "upload":
                return self._upload(received)
            case "download":
                return self._download(received)
            case "":
                return Reply.text("not found", 404)
        return self._call(received)

    def _call(self, received: Received) -> Reply:
        headers = {"x-oauth-scopes": "", "x-accepted-oauth-scopes": ""}
        try:
            content_type = received.headers.get("Content-Type", "")
            received.arguments = parse_arguments(received.query, content_type, received.body)
            method = _method(received.method)
            scopes = self._authenticate(method, received)
            headers = {
                "x-oauth-scopes": ",".join(sorted(scopes)),
                "x-accepted-oauth-scopes": ",".join(method.scopes),
            }
            self._limit(method, received)
            call = Call(method, received.arguments, self._workspace, self._files, self._sockets, self._limits)
            if method.token == "bot":
                call.need(*method.scopes)
            return Reply.json({"ok": True} | method.run(call), headers=headers)
        except SlackError as error:
            return Reply.json(error.body, error.status, headers | error.headers)

    def _authenticate(self, method: Method, received: Received) -> set[str]:
        """Return the scopes of the token that a call comes with; raise what Slack answers where it is of no use."""
        app, token = self._workspace.app, received.token
        if method.token == "none":
            return set()
        if token is None:
            raise SlackError("not_authed")
        if token not in (app.bot_token, app.app_token):
            raise SlackError("invalid_auth")
        if app.revoked:
            raise SlackError("token_revoked")
        if (token == app.app_token) != (method.token == "app"):
            raise SlackError("not_allowed_token_type")
        if method.token == "app":
            if not app.app_scopes.intersection(method.scopes):
                raise SlackError(
                    "missing_scope", needed=",".join(method.scopes), provided=",".join(sorted(app.app_scopes))
                )
            return app.app_scopes
        return app.scopes

    def _limit(self, method: Method, received: Received) -> None:
        channel = received.arguments.get("channel")
        wait = self._limits.wait(
            method.name, method.tier, channel if isinstance(channel, str) else None, self._workspace.clock.now()
        )
        if wait is not None:
            raise SlackError("ratelimited", status=429, headers={"Retry-After": str(wait)})

    def _upload(self, received: Received) -> Reply:
        try:
            file = self._files.get(received.path.rpartition("/")[2])
        except SlackError:
            return Reply.text("File upload not found", 404)
        if received.verb != "POST" or file.content is not None:
            return Reply.text("File upload not allowed", 400)
        if len(received.body) != file.length:
            return Reply.text(f"File size mismatch: expected {file.length}, got {len(received.body)}", 400)
        file.content = received.body
        return Reply.text(f"OK - {file.length}")

    def _download(self, received: Received) -> Reply:
        """Send a file; without a token that may read files, the page to sign in, as Slack does, with status 200."""
        app = self._workspace.app
        try:
            file = self._files.get(received.path.split("/")[2])
        except SlackError:
            return Reply.text("not found", 404)
        if received.token != app.bot_token or "files:read" not in app.scopes or file.content is None:
            return Reply(200, _LOGIN.encode(), "text/html; charset=utf-8")
        kind = self._files.as_json(file)["mimetype"]
        return Reply(200, file.content, f"{kind}; charset=utf-8" if kind.startswith("text/") else kind)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise SlackError("unknown_method", req_method=name)
    return METHODS[name]


def _name(path: str) -> str:
    parts = path.split("/")
    match parts[1:]:
        case ["api", method]:
            return method
        case ["actions", *_]:
            return "response_url"
        case ["upload", "v1", _]:
            return "upload"
        case ["files-pri", _, *_]:
            return "download"
        case ["link", *_]:
            return "socket"
    return ""


def _faulty(fault: Fault) -> Reply:
    headers = {"Retry-After": str(fault.retry_after)} if fault.retry_after is not None else {}
    if fault.body is not None:
        return Reply(fault.status or 200, fault.body, "text/html; charset=utf-8", headers)
    if fault.error is not None:
        return Reply.json({"ok": False, "error": fault.error}, fault.status or 200, headers)
    body = b"<html><body><h1>Server Error</h1></body></html>"
    return Reply(fault.status or 500, body, "text/html; charset=utf-8", headers)


async def _send(request: web.Request, received: Received, reply: Reply, cut: int | None) -> web.StreamResponse:
    received.status, received.answer = reply.status, _object(reply)
    headers = {"Content-Type": reply.content_type, "X-Slack-Req-Id": f"{id(received):032x}", **reply.headers}
    if cut is None:
        return web.Response(status=reply.status, body=reply.body, headers=headers)
    response = web.StreamResponse(status=reply.status, headers=headers)
    response.content_length = len(reply.body)
    await response.prepare(request)
    await response.write(reply.body[:cut])
    _abort(request)
    return response


def _object(reply: Reply) -> dict[str, Any] | None:
    if not reply.content_type.startswith("application/json"):
        return None
    found = json.loads(reply.body)
    return found if isinstance(found, dict) else None


def _abort(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=499)
