"""A stand-in for the Kubernetes API server: a real HTTP server on a loopback port, in a thread."""

from __future__ import annotations

import asyncio
import base64
import binascii
import datetime as dt
import gzip
import json
import re
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import format_datetime
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from bot.diagnosis.reader import Object
from bot.diagnosis.resources import Resource
from tests.doubles.kubeconfig import write_kubeconfig
from tests.doubles.kubernetes_answers import (
    TEXT,
    USER,
    Failure,
    Reply,
    absent,
    as_json,
    expired,
    forbidden,
    not_allowed,
    status_of,
    too_small,
    unmatched,
    unreadable_version,
)
from tests.doubles.kubernetes_logs import container_of, no_log, window
from tests.doubles.kubernetes_objects import BUILT_IN, InMemoryObjects, ObjectSource
from tests.doubles.kubernetes_rbac import Permissions, Wish
from tests.doubles.kubernetes_selectors import InvalidSelector, Selector, field_selector, label_selector
from tests.doubles.kubernetes_watches import FIRST_REVISION, Watch, Watches

__all__ = ["Fault", "KubernetesApi", "Request", "kubernetes_api"]

_PATH = re.compile(
    r"/(?:api|apis/(?P<group>[^/]+))/(?P<version>v[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+)(?:/(?P<subresource>.+))?)?"
)
_PACKED_FROM = 128 * 1024
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


@dataclass(frozen=True)
class Request:
    """A request as it came; ``target`` is the path with its query, not decoded."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(self.target.partition("?")[2], keep_blank_values=True))


@dataclass
class Fault:
    """What goes wrong with the first ``times`` requests (all of them without) whose target holds ``target``.

    ``delay`` (seconds) alone makes an answer slow; ``hang`` never answers; ``status`` answers with that failure, with
    ``retry_after`` in its header; ``body`` stands in for the right one; ``cut`` closes the connection after so many
    bytes of it; ``endless`` sends it again and again; ``redirect`` sends elsewhere; ``headers`` come on top.
    """

    target: str = ""
    times: int | None = None
    delay: float = 0.0
    hang: bool = False
    status: int | None = None
    retry_after: str | None = None
    body: bytes | None = None
    cut: int | None = None
    endless: bool = False
    redirect: str | None = None
    headers: Mapping[str, str] | None = None

    def take(self, target: str) -> bool:
        """Tell whether it befalls this request, which counts as one of its times."""
        if self.target not in target or self.times == 0:
            return False
        self.times = None if self.times is None else self.times - 1
        return True


class KubernetesApi:
    """The running server: where it is, what came, and what it serves; made by :func:`kubernetes_api`."""

    def __init__(
        self,
        source: ObjectSource,
        *,
        logs: Mapping[tuple[str, str, str], str],
        previous_logs: Mapping[tuple[str, str, str], str],
        version: str,
        token: str | None,
        permissions: Permissions,
        faults: list[Fault],
        latency: float,
        now: dt.datetime | None,
        certificate: tuple[Path, Path] | None,
        unserved: frozenset[str],
    ) -> None:
        self.source = source
        self.requests: list[Request] = []
        self.faults = faults
        self.watches = Watches(source)
        self.url = ""
        self._logs, self._previous_logs = logs, previous_logs
        self._version, self._token, self._permissions = version, token, permissions
        self._latency, self._now, self._certificate = latency, now, certificate
        self._unserved = unserved
        self._minor = (1, 0)
        if match := re.match(r"v(\d+)\.(\d+)", version):
            self._minor = int(match[1]), int(match[2])

    @property
    def targets(self) -> list[str]:
        """Method and target of every request, decoded: ``GET /api/v1/pods?limit=5``."""
        return [f"{request.method} {unquote(request.target)}" for request in self.requests]

    def kubeconfig(
        self, directory: Path, *, context: str = "double", user: Mapping[str, Any] | None = None, name: str = "config"
    ) -> Path:
        """Write a kubeconfig file for this server, with its token or as ``user``, and return its path."""
        user = dict(user) if user is not None else {"token": self._token} if self._token else {}
        authority = self._certificate[0] if self._certificate else None
        return write_kubeconfig(directory / name, self.url, user=user, authority=authority, context=context)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        received = Request(request.method, request.raw_path, dict(request.headers), body)
        self.requests.append(received)
        if self._latency:
            await asyncio.sleep(self._latency)
        fault = next((fault for fault in self.faults if fault.take(received.target)), None) or Fault()
        await asyncio.sleep(fault.delay)
        if fault.hang:
            await asyncio.Event().wait()
        reply = self._fail(fault, received) if fault.status or fault.redirect else self._answer(received)
        if fault.body is not None:
            reply.body = fault.body
        elif _is_packed(received, reply):
            reply.body = gzip.compress(reply.body, compresslevel=1)
            reply.headers = {**(reply.headers or {}), "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return await self._send(request, reply, fault)

    # Answers

    def _fail(self, fault: Fault, request: Request) -> Reply:
        if fault.redirect:
            return Reply(fault.status or 302, b"", "text/plain", {"Location": fault.redirect})
        status = fault.status or 500
        if status == 410:
            return expired(_token(0) if "continue" in request.query else None)
        reply = status_of(status, f"the server says {status}", None)
        reply.headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
        return reply

    def _answer(self, request: Request) -> Reply:
        try:
            self._authenticate(request)
            return self._discover(request) or self._serve(request)
        except Failure as failure:
            return failure.reply

    def _authenticate(self, request: Request) -> None:
        if self._token is not None and request.headers.get("Authorization") != f"Bearer {self._token}":
            raise Failure(401, "Unauthorized")

    def _kinds(self) -> list[Resource]:
        known = dict.fromkeys((*BUILT_IN, *self.source.custom))
        return [kind for kind in known if kind.qualified not in self._unserved]

    def _discover(self, request: Request) -> Reply | None:
        if _PATH.fullmatch(path := _decoded(request)):
            return None
        verb = "get" if request.method in ("GET", "HEAD") else request.method.lower()
        if not self._permissions.grant(Wish(verb, path=path)):
            raise Failure(403, f'forbidden: User "{USER}" cannot {verb} path "{path}"', {})
        if path in ("/healthz", "/livez", "/readyz"):
            return Reply(200, b"ok", TEXT)
        found = self._discovery(path)
        if found is None:
            return self._not_served(_group_of(path))
        if request.method != "GET":
            raise not_allowed()
        return as_json(found)

    def _discovery(self, path: str) -> dict[str, Any] | None:
        if path == "/version":
            major, minor = re.findall(r"\d+", self._version)[:2]
            return {"major": major, "minor": minor, "gitVersion": self._version, "platform": "linux/amd64"}
        if path == "/api":
            here = {"clientCIDR": "0.0.0.0/0", "serverAddress": self.url.rpartition("/")[2]}
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [here]}
        groups: dict[str, list[str]] = {}
        for kind in self._kinds():
            if kind.group and kind.version not in groups.setdefault(kind.group, []):
                groups[kind.group].append(kind.version)
        if path == "/apis":
            listed = [_group(name, versions) for name, versions in groups.items()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        if (name := path.removeprefix("/apis/")) in groups:
            return {"apiVersion": "v1", **_group(name, groups[name]), "kind": "APIGroup"}
        served = path.removeprefix("/apis/" if path.startswith("/apis/") else "/api/")
        resources = [_resource(kind) for kind in self._kinds() if kind.api_version == served]
        if not resources:
            return None
        typed = {"kind": "APIResourceList"} | ({"apiVersion": "v1"} if "/" in served else {})
        return {**typed, "groupVersion": served, "resources": resources}

    def _serve(self, request: Request) -> Reply:
        match = _PATH.fullmatch(_decoded(request))
        assert match is not None  # whatever else there is, is discovery
        parts = {name: value or "" for name, value in match.groupdict().items()}
        wish = self._wish(request, parts)
        # Permissions come before routing: who may not, does not learn what there is.
        if not self._permissions.grant(wish):
            raise forbidden(wish)
        kind = next(
            (
                kind
                for kind in self._kinds()
                if (kind.group, kind.version, kind.plural) == (parts["group"], parts["version"], parts["plural"])
            ),
            None,
        )
        if kind is None or (parts["namespace"] and not kind.namespaced) or _misplaced(kind, parts):
            return self._not_served(parts["group"])
        if request.method != "GET":
            raise not_allowed()
        if parts["subresource"] == "log" and kind.plural == "pods":
            return self._log(request, parts["namespace"], parts["name"])
        if parts["subresource"] not in ("", "status"):
            if kind not in BUILT_IN:
                raise absent(kind, parts["name"])
            return self._not_served(kind.group)
        if not parts["name"]:
            return (self._watch if _watching(request) else self._list)(request, kind, parts["namespace"] or None)
        found = self.source.get(kind, parts["namespace"] or None, parts["name"])
        if found is None:
            raise absent(kind, parts["name"])
        return as_json({"apiVersion": kind.api_version, "kind": kind.kind, **found})

    def _not_served(self, group: str) -> Reply:
        """Say that something is not there; of its own groups the server says it in JSON."""
        if group in {kind.group for kind in BUILT_IN}:
            raise Failure(404, "the server could not find the requested resource", {})
        return Reply(404, b"404 page not found\n", TEXT)

    def _wish(self, request: Request, parts: Mapping[str, str]) -> Wish:
        resource = parts["plural"] + (f"/{parts['subresource']}" if parts["subresource"] else "")
        name = parts["name"]
        if request.method in _VERBS:
            verb = "deletecollection" if request.method == "DELETE" and not name else _VERBS[request.method]
        elif request.method not in ("GET", "HEAD"):
            verb = ""
        elif name:
            verb = "get"
        else:
            verb = "watch" if _watching(request) else "list"
            # The server takes a list of one name as a wish for that name.
            selected = re.search(r"metadata\.name=+([^,]+)", request.query.get("fieldSelector", ""))
            name = selected[1] if selected else ""
        # A namespace lies within itself.
        namespace = parts["name"] if resource == "namespaces" else parts["namespace"]
        return Wish(verb, parts["group"], resource, namespace, name)

    def _selectors(self, query: Mapping[str, str], kind: Resource) -> tuple[Selector, Selector]:
        try:
            labels = label_selector(query.get("labelSelector", ""))
            return labels, field_selector(query.get("fieldSelector", ""), kind, self._minor)
        except InvalidSelector as error:
            raise Failure(400, str(error)) from error

    def _list(self, request: Request, kind: Resource, namespace: str | None) -> Reply:
        query = request.query
        labels, fields = self._selectors(query, kind)
        _whole(query, "timeoutSeconds")
        limit, start = max(_whole(query, "limit") or 0, 0), 0
        if (version := query.get("resourceVersion", "")) and not version.isdecimal():
            # Without a limit it is the watch cache that stumbles.
            why = unreadable_version(version)
            raise Failure(400, f"invalid resource version: {why}") if limit else Failure(500, why)
        if "resourceVersionMatch" in query and not version:
            raise unmatched()
        if version == "0":
            limit = 0  # answered from the watch cache, which knows no limit
        if token := query.get("continue"):
            if version:
                raise Failure(400, "specifying resource version is not allowed when using continue")
            start = self._start(token)
        held = self.source.list(kind, namespace, labels.equal, fields.equal)
        selected = (each for each in held if labels(each) and fields(each))
        page = list(islice(selected, start, start + limit if limit else None))
        metadata: dict[str, Any] = {"resourceVersion": str(self.watches.revision)}
        if limit and len(page) == limit and next(selected, None) is not None:
            metadata["continue"] = _token(start + limit)
            if isinstance(held, Sized) and not labels.text and not fields.text:
                metadata["remainingItemCount"] = len(held) - start - limit
        # Objects of built-in kinds lie in their list without saying what they are.
        left_out = {"apiVersion", "kind"} if kind in BUILT_IN else set()
        items = [{name: value for name, value in each.items() if name not in left_out} for each in page]
        return as_json(
            {"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": items}
        )

    def _watch(self, request: Request, kind: Resource, namespace: str | None) -> Reply:
        query = request.query
        labels, fields = self._selectors(query, kind)
        if (version := query.get("resourceVersion", "")) and not version.isdecimal():
            raise Failure(500, unreadable_version(version))
        since = int(version or 0) or self.watches.revision
        watch = Watch(
            kind,
            namespace,
            lambda item: labels(item) and fields(item),
            since,
            _whole(query, "timeoutSeconds") or 1800,
            # Who does not say from where on is told of all that is there first.
            whole=not int(version or 0),
        )
        return Reply(200, b"", watch=watch)

    def _start(self, token: str) -> int:
        try:
            return int(json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["start"])
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise Failure(400, f"invalid continue token: continue key is not valid: {error}") from error

    def _log(self, request: Request, namespace: str, name: str) -> Reply:
        kind = next(kind for kind in BUILT_IN if (kind.group, kind.plural) == ("", "pods"))
        pod = self.source.get(kind, namespace, name)
        if pod is None:
            raise absent(kind, name)
        query = request.query
        container = container_of(pod, name, query.get("container", ""))
        tail, since, limit = (_whole(query, name) for name in ("tailLines", "sinceSeconds", "limitBytes"))
        for field, value, least in (("tailLines", tail, 0), ("sinceSeconds", since, 1), ("limitBytes", limit, 1)):
            if value is not None and value < least:
                raise too_small(name, field, value, "greater than 0" if least else "greater than or equal to 0")
        if not pod["spec"].get("nodeName"):
            return Reply(200, b"", "text/plain")
        previous = query.get("previous") in ("1", "true")
        text = (self._previous_logs if previous else self._logs).get((namespace, name, container))
        if text is None:
            text = no_log(pod, name, container, previous)
        return Reply(200, window(text, self._now or dt.datetime.now(dt.UTC), tail, since, limit), "text/plain")

    # Sending

    async def _send(self, request: web.BaseRequest, reply: Reply, fault: Fault) -> web.StreamResponse:
        now = self._now or dt.datetime.now(dt.UTC)
        headers = {
            "Content-Type": reply.content_type,
            "Date": format_datetime(now.astimezone(dt.UTC), usegmt=True),
            **(reply.headers or {}),
            **(fault.headers or {}),
        }
        response = web.StreamResponse(status=reply.status, headers=headers)
        if reply.watch is not None:
            await self.watches.stream(reply.watch, request, response)
            return response
        if not fault.endless and "Transfer-Encoding" not in headers:
            response.content_length = len(reply.body)
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        if fault.cut is not None:
            await response.write(reply.body[: fault.cut])
            _close(request)
            return response
        try:
            await response.write(reply.body)
            while fault.endless:
                await response.write(reply.body)
                await asyncio.sleep(0)
            await response.write_eof()
        except ConnectionError:  # the client has had enough
            pass
        return response


def _is_packed(request: Request, reply: Reply) -> bool:
    """Tell whether the API server packs this answer: long ones, where the client can unpack them."""
    wanted = [one.strip() for one in request.headers.get("Accept-Encoding", "").split(",")]
    return "gzip" in wanted and len(reply.body) > _PACKED_FROM and reply.content_type == "application/json"


@contextmanager
def kubernetes_api(
    objects: Iterable[Object] | ObjectSource = (),
    *,
    logs: Mapping[tuple[str, str, str], str] | None = None,
    previous_logs: Mapping[tuple[str, str, str], str] | None = None,
    crds: Iterable[Resource] = (),
    version: str = "v1.32.1-aliyun.1",
    token: str | None = None,
    rbac: Iterable[Mapping[str, Any]] | None = None,
    forbidden: Iterable[str] = (),
    faults: Iterable[Fault] = (),
    latency: float = 0.0,
    now: dt.datetime | None = None,
    certificate: tuple[Path, Path] | None = None,
    unserved: Iterable[str] = (),
) -> Iterator[KubernetesApi]:
    """Serve objects (or an ObjectSource) as the Kubernetes API does, until the block is left.

    ``logs`` and ``previous_logs`` hold text by (namespace, pod, container). The groups of ``crds`` and of the objects
    are served besides the built-in ones. ``rbac`` are manifests (ClusterRole, Role) that grant; ``forbidden`` takes
    away (:class:`Permissions`). ``latency`` seconds pass before every answer. ``now`` is the server's clock.
    ``certificate`` (PEM files of a certificate that is its own authority, and its key) makes it speak TLS.
    ``unserved`` are kinds that it does not have, as servers older than EndpointSlices lack ``endpointslices``.
    """
    source: ObjectSource = objects if _is_source(objects) else InMemoryObjects(objects, crds)  # type: ignore[assignment, arg-type]
    api = KubernetesApi(
        source,
        logs=logs or {},
        previous_logs=previous_logs or {},
        version=version,
        token=token,
        permissions=Permissions(rbac, forbidden),
        faults=list(faults),
        latency=latency,
        now=now,
        certificate=certificate,
        unserved=frozenset(unserved),
    )
    ready, failed = threading.Event(), []
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    api.watches.loop = loop

    async def run() -> None:
        server = web.Server(api.handle, access_log=None)
        # Hung requests are cut off when the block is left; a time of 0 would wait for them.
        runner = web.ServerRunner(server, handler_cancellation=True, shutdown_timeout=0.01)
        await runner.setup()
        context = None
        if certificate:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(*certificate)
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await site.start()
            scheme = "https" if certificate else "http"
            api.url = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
            ready.set()
            await stop.wait()
            await site.stop()
            await _accepted()
        finally:
            await runner.cleanup()
            await asyncio.sleep(0)

    def serve() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(run())
            except BaseException as error:
                failed.append(error)
                ready.set()
                raise

    thread = threading.Thread(target=serve, name="kubernetes-api-double")
    thread.start()
    try:
        assert ready.wait(20), "the API double did not start"
        assert not failed, failed
        yield api
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
    assert not thread.is_alive(), "the API double did not stop"


async def _accepted() -> None:
    """Wait until the runner knows of every connection that was accepted: it closes those that it knows of."""
    for _ in range(3):
        await asyncio.sleep(0.01)
        making = [
            one for one in asyncio.all_tasks() if "_accept_connection" in getattr(one.get_coro(), "__qualname__", "")
        ]
        if making:
            await asyncio.wait(making, timeout=90)


def _is_source(objects: object) -> bool:
    return all(hasattr(objects, name) for name in ("custom", "get", "list"))


def _decoded(request: Request) -> str:
    """Return the path as the server splits it: decoded first, and without the slash at its end."""
    path = unquote(request.path)
    return path.rstrip("/") or "/"


def _group_of(path: str) -> str:
    """Return the group whose version is asked for at a path; the path itself, which is none, where it is another."""
    match = re.match(r"/(?:api/|apis/(?P<group>[^/]+))", path)
    return (match["group"] or "") if match else path


def _watching(request: Request) -> bool:
    """Tell whether it asks to watch: with anything that does not say no."""
    return request.query.get("watch", "0").lower() not in ("0", "false")


def _misplaced(kind: Resource, parts: Mapping[str, str]) -> bool:
    """Tell whether one object of a namespaced kind is asked for without its namespace."""
    return kind.namespaced and bool(parts["name"]) and not parts["namespace"]


def _group(name: str, versions: Sequence[str]) -> dict[str, Any]:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def _resource(kind: Resource) -> dict[str, Any]:
    return {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    }


def _token(start: int) -> str:
    text = json.dumps({"v": "meta.k8s.io/v1", "rv": FIRST_REVISION, "start": start})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _whole(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    if not re.fullmatch(r"-?\d+", text):
        raise Failure(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
