"""A real Kubernetes API server and its etcd, on loopback ports of their own; no kubelet and no controller."""

from __future__ import annotations

import base64
import json
import os
import secrets
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.doubles.free_port import free_port

__all__ = ["SERVICE_CIDRS", "UNSET", "ControlPlane", "assets", "running_control_plane"]

UNSET = "KUBEBUILDER_ASSETS names no directory with etcd and kube-apiserver"

SERVICE_CIDRS = "10.96.0.0/16,fd00:10:96::/112"
"""Where the addresses of Services have to lie: those that scenarios use."""

_START_SECONDS = 180.0
_TRIES = 3
_AUDIT = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: [root, "system:apiserver"]}
- {level: Metadata}
"""
_SINCE_DUAL_STACK = (1, 23)


def assets() -> Path | None:
    """Return the directory of the binaries that KUBEBUILDER_ASSETS names; None where it names none."""
    named = os.environ.get("KUBEBUILDER_ASSETS", "")
    directory = Path(named)
    found = named and all(os.access(directory / program, os.X_OK) for program in ("etcd", "kube-apiserver"))
    return directory.absolute() if found else None


class ControlPlane:
    """The running server. Who has ``token`` may do everything; ``version`` is what it says at ``/version``."""

    def __init__(self, binaries: Path, directory: Path) -> None:
        self._binaries, self._directory = binaries, directory
        self._processes: list[subprocess.Popen[bytes]] = []
        self._etcd_url = f"http://127.0.0.1:{free_port()}"
        self.url = f"https://127.0.0.1:{free_port()}"
        self._certificate("authority", "/CN=authority", "basicConstraints=critical,CA:TRUE")
        self._certificate("server", "/CN=server", "subjectAltName=IP:127.0.0.1", signed=True)
        self._certificate("accounts", "/CN=accounts", "basicConstraints=critical,CA:FALSE")
        self.authority = directory / "authority.crt"
        self.token = secrets.token_hex(16)
        trust, headers = (
            ssl.create_default_context(cafile=str(self.authority)),
            {"Authorization": f"Bearer {self.token}"},
        )
        self.admin = httpx.Client(base_url=self.url, verify=trust, headers=headers, timeout=90, trust_env=False)
        self._etcd = httpx.Client(base_url=self._etcd_url, timeout=90, trust_env=False)

    def start(self) -> None:
        """Start both and wait until the API server is ready."""
        self._start("etcd", **self._etcd_options())
        self._await(self._etcd, "/health", "etcd")
        self._start("kube-apiserver", **self._server_options())
        self._await(self.admin, "/readyz", "kube-apiserver")
        self.version = str(self.admin.get("/version").json()["gitVersion"])

    def stop(self) -> None:
        """Stop both; what they held goes with their directory."""
        self.admin.close()
        self._etcd.close()
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def client_certificate(self, user: str) -> tuple[Path, Path]:
        """Return the files of a certificate that lets ``user`` in, and of its key."""
        return self._certificate(f"user-{user}", f"/CN={user}", "extendedKeyUsage=clientAuth", signed=True)

    def recorded(self) -> list[dict[str, Any]]:
        """Return what the server's audit log tells of each request of all but ``token``'s, oldest first."""
        log = self._directory / "audit.log"
        lines = map(json.loads, log.read_text().splitlines()) if log.exists() else ()
        # One that may take long (a log, a watch) is told of when it begins and when it ends.
        return list({line["auditID"]: line for line in lines}.values())

    # What lies in etcd, as JSON

    def stored(self) -> dict[str, dict[str, Any]]:
        """Return all objects by their key."""
        everything = {"key": _packed("/registry/"), "range_end": _packed("/registry0")}
        found = self._ask_etcd("range", everything).get("kvs", [])
        values = {_unpacked(each["key"]): _unpacked(each["value"]) for each in found}
        return {key: json.loads(value) for key, value in values.items() if value.startswith("{")}

    def store(self, changed: Mapping[str, Mapping[str, Any]]) -> None:
        """Put objects in the place of those that lie at their keys."""
        for key, item in changed.items():
            value = _packed(json.dumps(item, ensure_ascii=False, separators=(",", ":")))
            self._ask_etcd("put", {"key": _packed(key), "value": value, "ignore_lease": True})

    def forget_history(self) -> None:
        """Have etcd forget all revisions but the newest, as it does every five minutes in a cluster."""
        revision = self._ask_etcd("range", {"key": _packed("/")})["header"]["revision"]
        self._ask_etcd("compaction", {"revision": revision, "physical": True})

    def _ask_etcd(self, what: str, body: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/v3/kv/{what}"
        reply = self._etcd.post(path, json=body)
        assert reply.status_code == 200, f"etcd {path}: {reply.text}"
        return dict(reply.json())

    # Starting

    def _etcd_options(self) -> dict[str, str]:
        return {
            "data-dir": str(self._directory / "etcd"),
            "listen-client-urls": self._etcd_url,
            "advertise-client-urls": self._etcd_url,
            "listen-peer-urls": f"http://127.0.0.1:{free_port()}",
        }

    def _server_options(self) -> dict[str, str]:
        policy = self._directory / "audit.yaml"
        policy.write_text(_AUDIT)
        tokens = self._directory / "tokens.csv"
        tokens.write_text(f'{self.token},root,root,"system:masters"\n')
        options = {
            "etcd-servers": self._etcd_url,
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "secure-port": self.url.rpartition(":")[2],
            "cert-dir": str(self._directory),
            "tls-cert-file": str(self._directory / "server.crt"),
            "tls-private-key-file": str(self._directory / "server.key"),
            "client-ca-file": str(self.authority),
            "token-auth-file": str(tokens),
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(self._directory / "accounts.crt"),
            "service-account-signing-key-file": str(self._directory / "accounts.key"),
            "authorization-mode": "RBAC",
            # Nothing here makes the accounts of pods, or marks nodes as ready.
            "disable-admission-plugins": "ServiceAccount,TaintNodesByCondition",
            "allow-privileged": "true",
            "service-cluster-ip-range": SERVICE_CIDRS,
            "endpoint-reconciler-type": "none",
            # Nodes have no address of this type: the server asks no kubelet, wherever it may be.
            "kubelet-preferred-address-types": "ExternalDNS",
            "storage-media-type": "application/json",
            "audit-policy-file": str(policy),
            "audit-log-path": str(self._directory / "audit.log"),
        }
        if self._binary_version() < _SINCE_DUAL_STACK:
            options["feature-gates"] = "IPv6DualStack=true"
        return options

    def _binary_version(self) -> tuple[int, int]:
        said = subprocess.run(
            [self._binaries / "kube-apiserver", "--version"], capture_output=True, text=True, check=True
        )
        major, minor = said.stdout.strip().rpartition("v")[2].split(".")[:2]
        return int(major), int(minor)

    def _start(self, program: str, **options: str) -> None:
        with self._log(program).open("wb") as log:
            arguments = [f"--{name}={value}" for name, value in options.items()]
            self._processes.append(
                subprocess.Popen([self._binaries / program, *arguments], stdout=log, stderr=log, cwd=self._directory)
            )

    def _log(self, program: str) -> Path:
        return self._directory / f"{program}.log"

    def _await(self, client: httpx.Client, path: str, program: str) -> None:
        give_up_at = time.monotonic() + _START_SECONDS
        while True:
            try:
                if client.get(path).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            if self._processes[-1].poll() is not None or time.monotonic() > give_up_at:
                end = self._log(program).read_text(errors="replace")[-3000:]
                raise AssertionError(f"{program} did not start:\n{end}")
            time.sleep(0.1)

    def _certificate(self, name: str, subject: str, extension: str, *, signed: bool = False) -> tuple[Path, Path]:
        made, key = self._directory / f"{name}.crt", self._directory / f"{name}.key"
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "2", "-subj", subject, "-addext", extension, "-keyout", str(key), "-out", str(made)]
        if signed:
            files = (self._directory / f"authority.{kind}" for kind in ("crt", "key"))
            command += [word for pair in zip(("-CA", "-CAkey"), map(str, files), strict=True) for word in pair]
        subprocess.run(command, check=True, capture_output=True)
        return made, key


@contextmanager
def running_control_plane(binaries: Path, directory: Path) -> Iterator[ControlPlane]:
    """Run both for as long as the block lasts, with all they write below ``directory``."""
    for attempt in range(_TRIES):
        place = directory / f"control-plane-{attempt}"
        place.mkdir()
        plane = ControlPlane(binaries, place)
        try:
            try:
                plane.start()
            except AssertionError as error:
                # Somebody else may have been given the port in the meantime.
                if "address already in use" not in str(error) or attempt + 1 == _TRIES:
                    raise
                continue
            yield plane
            return
        finally:
            plane.stop()


def _packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _unpacked(text: str) -> str:
    return base64.b64decode(text).decode(errors="replace")
