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
from tests.doubles.kubernetes_logs import window
from tests.doubles.kubernetes_objects import BUILT_IN, InMemoryObjects, ObjectSource
from tests.doubles.kubernetes_rbac import Permissions, Wish
from tests.doubles.kubernetes_selectors import InvalidSelector, field_selector, label_selector
from tests.doubles.kubernetes_watches import FIRST_REVISION, Watch, Watches

__all__ = ["Fault", "KubernetesApi", "Request", "kubernetes_api"]

_USER = "acknet"
_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    410: "Expired",
    422: "Invalid",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}
_EXPIRED = (
    "The provided continue parameter is too old to display a consistent list result. "
    "You can start a new list without the continue parameter."
)
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


@dataclass
class _Reply:
    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] | None = None
    watch: Watch | None = None


class _Failure(Exception):
    def __init__(self, status: int, message: str, **details: Any) -> None:
        super().__init__(message)
        self.reply = _status(status, message, details)


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
        reply = self._fail(fault) if fault.status or fault.redirect else self._answer(received)
        if fault.body is not None:
            reply.body = fault.body
        elif _is_packed(received, reply):
            reply.body = gzip.compress(reply.body, compresslevel=1)
            reply.headers = {**(reply.headers or {}), "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return await self._send(request, reply, fault)

    # Answers

    def _fail(self, fault: Fault) -> _Reply:
        if fault.redirect:
            return _Reply(fault.status or 302, b"", "text/plain", {"Location": fault.redirect})
        status = fault.status or 500
        reply = _status(status, _EXPIRED if status == 410 else f"the server says {status}", {})
        reply.headers = {"Retry-After": fault.retry_after} if fault.retry_after else None
        return reply

    def _answer(self, request: Request) -> _Reply:
        try:
            self._authenticate(request)
            return self._discover(request) or self._serve(request)
        except _Failure as failure:
            return failure.reply

    def _authenticate(self, request: Request) -> None:
        if self._token is not None and request.headers.get("Authorization") != f"Bearer {self._token}":
            raise _Failure(401, "Unauthorized")

    def _kinds(self) -> list[Resource]:
        known = dict.fromkeys((*BUILT_IN, *self.source.custom))
        return [kind for kind in known if kind.qualified not in self._unserved]

    def _discover(self, request: Request) -> _Reply | None:
        if request.path in ("/healthz", "/livez", "/readyz"):
            return _Reply(200, b"ok", "text/plain")
        found = self._discovery(request.path)
        if found is None:
            return None
        if not self._permissions.grant(Wish("get", path=request.path)):
            raise _Failure(403, f'forbidden: User "{_USER}" cannot get path "{request.path}"')
        if request.method != "GET":
            raise _Failure(405, "the server does not allow this method on the requested resource")
        return _json(found)

    def _discovery(self, path: str) -> dict[str, Any] | None:
        if path == "/version":
            major, minor = re.findall(r"\d+", self._version)[:2]
            return {"major": major, "minor": minor, "gitVersion": self._version, "platform": "linux/amd64"}
        if path == "/api":
            return {"kind": "APIVersions", "versions": ["v1"]}
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
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": served, "resources": resources}

    def _serve(self, request: Request) -> _Reply:
        match = _PATH.fullmatch(request.path)
        if match is None:
            return _not_served()
        parts = {name: unquote(value or "") for name, value in match.groupdict().items()}
        if parts["plural"] == "namespaces" and parts["namespace"]:
            return _not_served()
        wish = self._wish(request, parts)
        # Permissions come before routing: who may not, does not learn what there is.
        if not self._permissions.grant(wish):
            raise _forbidden(wish)
        kind = next(
            (
                kind
                for kind in self._kinds()
                if (kind.group, kind.version, kind.plural) == (parts["group"], parts["version"], parts["plural"])
            ),
            None,
        )
        if kind is None or (parts["namespace"] and not kind.namespaced) or _misplaced(kind, parts):
            return _not_served()
        if request.method != "GET":
            raise _Failure(405, "the server does not allow this method on the requested resource")
        if parts["subresource"] == "log" and kind.plural == "pods":
            return self._log(request, parts["namespace"], parts["name"])
        if parts["subresource"] not in ("", "status"):
            return _not_served()
        if not parts["name"]:
            watching = request.query.get("watch") in ("1", "true")
            return (self._watch if watching else self._list)(request, kind, parts["namespace"] or None)
        found = self.source.get(kind, parts["namespace"] or None, parts["name"])
        if found is None:
            raise _absent(kind, parts["name"])
        return _json({"apiVersion": kind.api_version, "kind": kind.kind, **found})

    def _wish(self, request: Request, parts: Mapping[str, str]) -> Wish:
        resource = parts["plural"] + (f"/{parts['subresource']}" if parts["subresource"] else "")
        name = parts["name"]
        if request.method in _VERBS:
            verb = "deletecollection" if request.method == "DELETE" and not name else _VERBS[request.method]
        elif name:
            verb = "get"
        else:
            verb = "watch" if request.query.get("watch") in ("1", "true") else "list"
            # The server takes a list of one name as a wish for that name.
            selected = re.search(r"metadata\.name=+([^,]+)", request.query.get("fieldSelector", ""))
            name = selected[1] if selected else ""
        # A namespace lies within itself.
        namespace = parts["name"] if resource == "namespaces" else parts["namespace"]
        return Wish(verb, parts["group"], resource, namespace, name)

    def _list(self, request: Request, kind: Resource, namespace: str | None) -> _Reply:
        query = request.query
        try:
            labels = label_selector(query.get("labelSelector", ""))
            fields = field_selector(query.get("fieldSelector", ""), kind)
        except InvalidSelector as error:
            raise _Failure(400, str(error)) from error
        limit, start = _whole(query, "limit") or 0, 0
        if query.get("resourceVersion") == "0":
            limit = 0  # answered from the watch cache, which knows no limit
        if token := query.get("continue"):
            if "resourceVersion" in query:
                raise _Failure(400, "specifying resource version is not allowed when using continue")
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
        return _json({"kind": f"{kind.kind}List", "apiVersion": kind.api_version, "metadata": metadata, "items": items})

    def _watch(self, request: Request, kind: Resource, namespace: str | None) -> _Reply:
        query = request.query
        try:
            fields = field_selector(query.get("fieldSelector", ""), kind)
        except InvalidSelector as error:
            raise _Failure(400, str(error)) from error
        since = int(query.get("resourceVersion") or self.watches.revision)
        watch = Watch(kind, namespace, fields, since, _whole(query, "timeoutSeconds") or 1800)
        return _Reply(200, b"", watch=watch)

    def _start(self, token: str) -> int:
        try:
            start = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))["start"]
        except (ValueError, KeyError, TypeError, binascii.Error) as error:
            raise _Failure(400, "continue key is not valid") from error
        return int(start)

    def _log(self, request: Request, namespace: str, name: str) -> _Reply:
        kind = next(kind for kind in BUILT_IN if (kind.group, kind.plural) == ("", "pods"))
        pod = self.source.get(kind, namespace, name)
        if pod is None:
            raise _absent(kind, name)
        query = request.query
        container = _container(pod, name, query.get("container", ""))
        tail, since, limit = (_whole(query, name) for name in ("tailLines", "sinceSeconds", "limitBytes"))
        for field, value in (("sinceSeconds", since), ("limitBytes", limit)):
            if value is not None and value < 1:
                raise _Failure(422, f'PodLogOptions "{name}" is invalid: {field}: must be greater than 0')
        if not pod["spec"].get("nodeName"):
            return _Reply(200, b"", "text/plain")
        previous = query.get("previous") in ("1", "true")
        text = (self._previous_logs if previous else self._logs).get((namespace, name, container))
        if text is None:
            text = _without_log(pod, name, container, previous)
        return _Reply(200, window(text, self._now or dt.datetime.now(dt.UTC), tail, since, limit), "text/plain")

    # Sending

    async def _send(self, request: web.BaseRequest, reply: _Reply, fault: Fault) -> web.StreamResponse:
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


def _is_packed(request: Request, reply: _Reply) -> bool:
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


def _json(value: Mapping[str, Any], status: int = 200) -> _Reply:
    return _Reply(status, json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _status(status: int, message: str, details: Mapping[str, Any]) -> _Reply:
    said: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
    said |= {"message": message, "reason": _REASONS.get(status, "Unknown")}
    if details:
        said["details"] = details
    return _json(said | {"code": status}, status)


def _not_served() -> _Reply:
    return _Reply(404, b"404 page not found\n", "text/plain; charset=utf-8")


def _absent(kind: Resource, name: str) -> _Failure:
    group = {"group": kind.group} if kind.group else {}
    return _Failure(
        404, f'{_told_apart(kind.plural, kind.group)} "{name}" not found', name=name, **group, kind=kind.plural
    )


def _forbidden(wish: Wish) -> _Failure:
    plural = wish.resource.partition("/")[0]
    thing = _told_apart(plural, wish.group)
    named = f'{thing} "{wish.name}"' if wish.name else thing
    where = f'in the namespace "{wish.namespace}"' if wish.namespace else "at the cluster scope"
    details = {"name": wish.name} if wish.name else {}
    details |= {"group": wish.group} if wish.group else {}
    return _Failure(
        403,
        f'{named} is forbidden: User "{_USER}" cannot {wish.verb} resource "{wish.resource}" '
        f'in API group "{wish.group}" {where}',
        **details,
        kind=plural,
    )


def _told_apart(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


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
        raise _Failure(400, f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return int(text)


def _container(pod: Object, name: str, asked: str) -> str:
    spec = pod["spec"]
    lists = ("containers", "initContainers", "ephemeralContainers")
    plain, init, ephemeral = ([each["name"] for each in spec.get(part) or ()] for part in lists)
    if asked:
        if asked not in (*plain, *init, *ephemeral):
            raise _Failure(400, f"container {asked} is not valid for pod {name}")
        return asked
    if len(plain) == 1:
        return str(plain[0])
    message = f"a container name must be specified for pod {name}, choose one of: [{' '.join(plain)}]"
    raise _Failure(400, message + (f" or one of the init containers: [{' '.join(init)}]" if init else ""))


def _without_log(pod: Object, name: str, container: str, previous: bool) -> str:
    """Return what the kubelet says of a container that no log is given of: an empty one, or why there is none."""
    if previous:
        raise _Failure(400, f'previous terminated container "{container}" in pod "{name}" not found')
    status = pod.get("status", {})
    states = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    state = next((each.get("state", {}) for each in states if each["name"] == container), {})
    if waiting := state.get("waiting"):
        reason = waiting.get("reason", "")
        raise _Failure(400, f'container "{container}" in pod "{name}" is waiting to start: {reason}')
    return ""


def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()
