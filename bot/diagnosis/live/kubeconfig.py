"""How to reach the cluster: a kubeconfig file and its context, or the service account of the pod acknet runs in."""

# mypy: disable-error-code="no-untyped-call"
# (the official client's configuration code has no types)

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from kubernetes.aio.client import Configuration
from kubernetes.aio.config import ConfigException, load_incluster_config
from kubernetes.aio.config.incluster_config import SERVICE_HOST_ENV_NAME
from kubernetes.aio.config.kube_config import ConfigNode, FileOrData, KubeConfigLoader

from bot.diagnosis.live.credential_plugin import CredentialPlugin, PluginFailed
from bot.diagnosis.live.proxy import proxy_for

__all__ = ["Access", "NoCluster", "find_access"]

_SECTIONS = ("clusters", "contexts", "users")
_TEXTS = ("token", "tokenFile", "username", "password", "client-certificate-data", "client-key-data")
_IMPERSONATION = ("as", "as-uid", "as-groups", "as-user-extra")


class NoCluster(Exception):
    """No cluster can be asked with what is configured; the text is one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is and how to log in; ``source`` names it for a person (``context prod``)."""

    configuration: Configuration
    source: str


async def find_access(kubeconfig: Path | None, context: str | None, *, login_timeout: float) -> Access:
    """Read ``kubeconfig`` as kubectl does: without one what KUBECONFIG names, then ~/.kube/config, then the pod's own.

    A credential plugin that the context names is run and may take ``login_timeout`` seconds. Raises NoCluster.
    """
    looked_at, found = _files(kubeconfig)
    if found:
        access = await _from_kubeconfig(found, context, login_timeout)
    elif kubeconfig:
        raise NoCluster(f"there is no kubeconfig file {kubeconfig}; name one that exists")
    else:
        access = _from_pod(looked_at, context)
    _complete(access.configuration)
    return access


def _files(kubeconfig: Path | None) -> tuple[list[Path], list[Path]]:
    """Return where to look, and what of it is there."""
    named = [Path(each) for each in os.environ.get("KUBECONFIG", "").split(os.pathsep) if each]
    paths = [kubeconfig] if kubeconfig else named or [Path("~/.kube/config")]
    looked_at = [path.expanduser() for path in paths]
    return looked_at, [path for path in looked_at if path.exists()]


def _from_pod(looked_at: Iterable[Path], context: str | None) -> Access:
    where = ", ".join(map(str, looked_at))
    if context is not None:
        raise NoCluster(f"there is no kubeconfig ({where}) to take the context {context!r} from; name one")
    if SERVICE_HOST_ENV_NAME not in os.environ:
        raise NoCluster(f"there is no kubeconfig ({where}) and this is not a pod; name a kubeconfig")
    configuration = Configuration()
    try:
        load_incluster_config(client_configuration=configuration)
    except (ConfigException, OSError) as error:
        raise NoCluster(f"the pod's service account cannot be used: {error}; is its token mounted?") from error
    return Access(configuration, "in-cluster service account")


async def _from_kubeconfig(paths: Sequence[Path], context: str | None, login_timeout: float) -> Access:
    name, merged = _chosen(paths, context)
    configuration = Configuration(host="")
    try:
        loader = _Loader(merged, name, login_timeout)
        await loader.load_and_set(configuration)
    except (ConfigException, OSError, ValueError, TypeError, KeyError, AttributeError):
        # What the loader says may quote the file, credentials and all.
        raise NoCluster(_malformed(name, paths)) from None
    return Access(configuration, f"context {name}")


def _malformed(context: str, paths: Sequence[Path]) -> str:
    return (
        f"the cluster or user of context {context!r} is not written as it should be in {', '.join(map(str, paths))}; "
        "does kubectl work with it?"
    )


def _complete(configuration: Configuration) -> None:
    host = configuration.host
    if urlsplit(host).scheme not in {"http", "https"} or "@" in host:
        raise NoCluster("the kubeconfig's server is not an address like https://HOST:6443; correct it there")
    # As kubectl does; newer Pythons ask more of a certificate than clusters' own authorities put into it.
    configuration.disable_strict_ssl_verification = True
    configuration.proxy = configuration.proxy or proxy_for(host)
    if configuration.proxy and urlsplit(configuration.proxy).scheme not in {"http", "https"}:
        raise NoCluster("the proxy on the way to the cluster is not an HTTP proxy; acknet can use no other")


# Kubeconfig files


def _chosen(paths: Sequence[Path], context: str | None) -> tuple[str, ConfigNode]:
    """Return the context's name and the merged files, in which it, its cluster and its user are there."""
    merged = _merged(paths)
    where = ", ".join(map(str, paths))
    names = [each["name"] for each in merged["contexts"]]
    name = context or merged["current-context"]
    if not name:
        raise NoCluster(f"{where} sets no current-context; name one of: {', '.join(names) or 'none there'}")
    chosen = next((each.value.get("context") for each in merged["contexts"] if each["name"] == name), None)
    if chosen is None:
        raise NoCluster(f"there is no context {name!r} in {where}; name one of: {', '.join(names) or 'none there'}")
    if not isinstance(chosen, Mapping):
        raise NoCluster(f"the context {name!r} in {where} is not a mapping; correct it there")
    for section, part in (("clusters", "cluster"), ("users", "user")):
        wanted = chosen.get(part)
        if (wanted or part == "cluster") and wanted not in [each["name"] for each in merged[section]]:
            raise NoCluster(f"the context {name!r} names the {part} {wanted!r}, which {where} does not have")
    user = next((each.value.get("user") for each in merged["users"] if each["name"] == chosen.get("user")), None) or {}
    if not isinstance(user, Mapping) or any(not isinstance(user.get(field, ""), str) for field in _TEXTS):
        raise NoCluster(_malformed(name, paths))
    if any(user.get(field) for field in _IMPERSONATION):
        raise NoCluster(f"the user of context {name!r} impersonates another (as:), which acknet never does; choose one")
    return str(name), ConfigNode(where, merged, str(paths[0]))


def _merged(paths: Sequence[Path]) -> dict[str, Any]:
    """Merge as kubectl does: the first file that sets something wins; every part knows which file it is from."""
    merged: dict[str, Any] = {section: [] for section in _SECTIONS} | {"current-context": ""}
    for path in paths:
        content = _content(path)
        merged["current-context"] = merged["current-context"] or content.get("current-context") or ""
        for section in _SECTIONS:
            known = {each["name"] for each in merged[section]}
            parts = content.get(section) or []
            if not isinstance(parts, list) or not all(
                isinstance(each, dict) and isinstance(each.get("name"), str) for each in parts
            ):
                raise NoCluster(f"{section} in {path} is not a list of named parts; is it a kubeconfig?")
            merged[section] += [
                ConfigNode(f"{section} in {path}", each, str(path)) for each in parts if each["name"] not in known
            ]
    return merged


def _content(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except yaml.MarkedYAMLError as error:
        at = f" (line {error.problem_mark.line + 1})" if error.problem_mark else ""
        raise NoCluster(f"the kubeconfig {path} is not valid YAML{at}; correct it") from None
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        raise NoCluster(f"the kubeconfig {path} is not YAML text; name another") from None
    except OSError as error:
        raise NoCluster(f"the kubeconfig {path} cannot be read: {error.strerror}; name another") from None
    if not isinstance(content, Mapping):
        raise NoCluster(f"{path} is not a kubeconfig: it is no mapping; name another")
    return content


class _Loader(KubeConfigLoader):
    """The client's loader, which asks nobody but the credential plugin, and says when that fails."""

    def __init__(self, merged: ConfigNode, context: str, login_timeout: float) -> None:
        super().__init__(config_dict=merged, active_context=context, config_base_path=None)
        self._login_timeout = login_timeout
        # The loader looks for certificates in the user even where the context has none.
        self._user = self._user or ConfigNode("no user", {})

    async def load_gcp_token(self) -> None:
        raise NoCluster("the context's user has the auth-provider gcp, which is gone; use gke-gcloud-auth-plugin")

    async def _refresh_oidc(self, provider: ConfigNode) -> None:  # noqa: ARG002 (the loader's)
        raise NoCluster("the OIDC token of the context's user has expired; run any kubectl command to renew it")

    async def load_from_exec_plugin(self) -> bool:
        user: Any = self._user
        plugin = CredentialPlugin(user["exec"], Path(user.path).parent)
        try:
            status = await plugin.run_within(self._login_timeout)
        except PluginFailed as error:
            raise NoCluster(str(error)) from None
        if status.get("token"):
            self.token = f"Bearer {status['token']}"
        if status.get("clientCertificateData") and status.get("clientKeyData"):
            self.cert_file, self.key_file = (
                FileOrData(status, None, data_key_name=part, base64_file_content=False).as_file()
                for part in ("clientCertificateData", "clientKeyData")
            )
        elif not status.get("token"):
            raise NoCluster(f"the credential plugin {plugin.command} gave neither a token nor a certificate")
        return True
