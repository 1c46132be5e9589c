"""Writes what in deploy/ is made from something else: ``python deploy/generate.py``.

The chart gets copies of the roles, rules and the dashboard, because a chart can read nothing outside of itself. The
plain manifests are the chart, rendered by Helm's own engine without Helm's labels, so that the two cannot drift apart.
A test compares what lies here with what this would write.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import helm_python
import yaml

DEPLOY = Path(__file__).parent
HEADER = "# Written by python deploy/generate.py; do not edit.\n"
CHART = "chart/acknet"
COPIES = {
    "rbac/roles.yaml": "chart/acknet/files/roles.yaml",
    "alerts/acknet.rules.yaml": "chart/acknet/files/acknet.rules.yaml",
    "alerts/faq.rules.yaml": "chart/acknet/files/faq.rules.yaml",
    "dashboards/acknet.json": "chart/acknet/files/dashboard.json",
}
BASE = {
    "Deployment": "deployment.yaml",
    "NetworkPolicy": "networkpolicy.yaml",
    "PodDisruptionBudget": "poddisruptionbudget.yaml",
    "Service": "service.yaml",
    "ServiceAccount": "rbac.yaml",
    "ClusterRole": "rbac.yaml",
    "ClusterRoleBinding": "rbac.yaml",
    "Role": "rbac.yaml",
    "RoleBinding": "rbac.yaml",
}
VALUES: Mapping[str, Any] = {
    "image": {"repository": "acknet"},
    "existingSecret": "acknet",
    "rbac": {"namespaces": ["kube-system", "kube-flannel"]},
    "serviceMonitor": {"enabled": True},
    "prometheusRule": {"enabled": True},
    "faqAlerts": {"enabled": True},
}
Object = dict[str, Any]


def render(chart: Path, values: Mapping[str, Any], namespace: str = "acknet") -> list[Object]:
    """Return the objects that the chart makes of ``values`` for a release named acknet."""
    with helm_python.Chart.load(chart) as loaded:
        files = loaded.render(dict(values), name="acknet", namespace=namespace)
    documents = (one for name, text in files.items() if name.endswith(".yaml") for one in yaml.safe_load_all(text))
    return [document for document in documents if document]


def plain(one: Object) -> Object:
    """Return ``one`` without what is there for Helm, in the namespace it would be installed into."""
    metadata = dict(one["metadata"])
    labels = {name: value for name, value in metadata["labels"].items() if not _of_helm(name)}
    metadata |= {"labels": labels}
    if not one["kind"].startswith("Cluster"):
        metadata.setdefault("namespace", "acknet")
    kept = one | {"metadata": metadata}
    if one["kind"] == "Deployment":
        # The ConfigMap's name changes with its content here, so pods need no digest of it.
        kept["spec"]["template"]["metadata"].pop("annotations")
    return kept


def generated() -> dict[str, str]:
    """Return every file that is made from something else, by its path below deploy/; writes none of them."""
    copies = {target: (DEPLOY / source).read_text(encoding="utf-8") for source, target in COPIES.items()}
    with tempfile.TemporaryDirectory() as directory:
        chart = Path(directory) / CHART
        shutil.copytree(DEPLOY / CHART, chart)
        for target, text in copies.items():
            (Path(directory) / target).write_text(text, encoding="utf-8")
        objects = render(chart, VALUES)
    return copies | _manifests(map(plain, objects))


def _manifests(objects: Iterable[Object]) -> dict[str, str]:
    found: dict[str, list[Object]] = {}
    for one in objects:
        if (path := _path(one)) is not None:
            found.setdefault(f"manifests/{path}", []).append(one)
    return {path: HEADER + yaml.safe_dump_all(group, sort_keys=False, width=160) for path, group in found.items()}


def _path(one: Object) -> str | None:
    kind, metadata = one["kind"], one["metadata"]
    if metadata.get("namespace") == "kube-flannel":
        return "components/kube-flannel/rbac.yaml"
    if kind == "ServiceMonitor":
        return "components/monitoring/servicemonitor.yaml"
    if kind == "PrometheusRule":
        faq = metadata["name"].endswith("-faq")
        return f"components/{'faq-alerts' if faq else 'monitoring'}/prometheusrule.yaml"
    return f"base/{BASE[kind]}" if kind in BASE else None


def _of_helm(label: str) -> bool:
    return label in {"helm.sh/chart", "app.kubernetes.io/managed-by"}


if __name__ == "__main__":
    for path, text in generated().items():
        (DEPLOY / path).write_text(text, encoding="utf-8")
