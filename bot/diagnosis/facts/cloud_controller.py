"""The cloud controller manager, where it runs in the cluster itself, and the route tables it is told to serve."""

from __future__ import annotations

import re
from typing import Any, Literal

from bot.diagnosis.documents import DocumentError, yaml_document
from bot.diagnosis.facts.kube_proxy_config import data_changed
from bot.diagnosis.facts.plugin import daemon_sets, observed_daemon_set, plugin
from bot.diagnosis.facts.pods import seconds_since
from bot.diagnosis.facts.registry import Facts, Needs, fact
from bot.diagnosis.objects import at, text, time
from bot.diagnosis.observation import Fact, Observation

__all__ = ["CloudConfig", "CloudController", "cloud_config", "cloud_controller", "route_table_ids"]

NAME = "cloud-controller-manager"
_CONFIG = "cloud-config"
_KEY = "cloud-config.conf"
_MAX_PODS = 20
_TABLE = re.compile(r"vtb-[0-9a-z]+\Z", re.ASCII)


class CloudController(Fact):
    """The DaemonSet of the cloud controller manager; ``visible`` is False on managed clusters, which hide theirs.

    ``makes_routes``: its flag --configure-cloud-routes; ``unknown`` where it is not visible.
    """

    visible: bool
    makes_routes: Literal["yes", "no", "unknown"]
    evidence: tuple[Observation, ...]


class CloudConfig(Fact):
    """ConfigMap cloud-config, of which nothing but the route tables is kept: it holds credentials.

    ``tables``: the ids of the tables to serve; ``readable`` is False where the text cannot be made out. ``applied``:
    all pods of the cloud controller manager are younger than the last change.
    """

    present: bool
    readable: bool
    tables: tuple[str, ...]
    applied: Literal["yes", "no", "unknown"]
    evidence: tuple[Observation, ...]


def route_table_ids(conf: str) -> tuple[str, ...] | None:
    """Return the ids of the route tables that a cloud-config.conf names; None where it cannot be read.

    The cloud controller manager reads it as YAML, and so it is read here.
    """
    try:
        parsed: Any = yaml_document(conf)
    except DocumentError:
        return None
    if not isinstance(at(parsed, "Global"), dict):
        return None
    named = text(parsed, "Global", "routeTableIDs")
    return tuple(one for part in named.split(",") if _TABLE.match(one := part.strip()))


@fact("cloud_controller", CloudController, kubectl=f"kubectl -n kube-system get ds {NAME} -o yaml")
async def cloud_controller(facts: Facts) -> CloudController:
    """Whether the cloud controller manager is visible, and whether it is told to write routes."""
    found = (await facts(daemon_sets)).named(NAME)
    if not found:
        return CloudController(visible=False, makes_routes="unknown", evidence=())
    flags = [one for one in found[0].args if one.lstrip("-").startswith("configure-cloud-routes")]
    says = flags[0].partition("=")[2].strip().lower() if flags else ""
    makes: Literal["yes", "no", "unknown"] = "no" if says == "false" else "yes" if flags else "unknown"
    seen = observed_daemon_set(found[0])
    if flags:
        seen = seen.model_copy(
            update={"field": "args --configure-cloud-routes", "value": "false" if makes == "no" else "true"}
        )
    return CloudController(visible=True, makes_routes=makes, evidence=(seen,))


@fact(
    "cloud_config",
    CloudConfig,
    needs=[Needs("configmaps", "get", "kube-system", (_CONFIG,)), Needs("pods", "list", "kube-system")],
    kubectl=f"kubectl -n kube-system get cm {_CONFIG} -o yaml | grep -i routeTableIDs",
)
async def cloud_config(facts: Facts) -> CloudConfig:
    """Which route tables a dedicated cluster's cloud controller manager is configured for."""
    now = await facts.reads.now()
    # Managed clusters hide their cloud controller manager and its configuration alike.
    own = (await facts(plugin)).dedicated
    found = await facts.reads.get("configmaps", _CONFIG, "kube-system") if own else None
    if found is None:
        return CloudConfig(present=False, readable=False, tables=(), applied="unknown", evidence=())
    tables = route_table_ids(text(found, "data", _KEY))
    changed = data_changed(found)
    changed_s = seconds_since(changed, now)
    applied: Literal["yes", "no", "unknown"] = "unknown"
    if tables and changed_s is not None:
        pods = await facts.reads.list("pods", namespace="kube-system", labels={"app": NAME}, limit=_MAX_PODS)
        ages = [seconds_since(time(one, "status", "startTime"), now) for one in pods.items]
        if pods.complete and ages and all(age is not None for age in ages):
            applied = "yes" if all(age is not None and age < changed_s for age in ages) else "no"
    shown = Observation(
        object=f"ConfigMap kube-system/{_CONFIG}",
        field=f"data[{_KEY}] Global.routeTableIDs",
        value="not readable" if tables is None else ", ".join(tables) or "(empty: tables are looked up)",
        seen_at=changed,
        kubectl=f"kubectl -n kube-system get cm {_CONFIG} -o yaml | grep -i routeTableIDs",
    )
    return CloudConfig(
        present=True, readable=tables is not None, tables=tables or (), applied=applied, evidence=(shown,)
    )
