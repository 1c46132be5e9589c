"""The Helm chart, rendered by Helm's own engine."""

from __future__ import annotations

import ipaddress
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from bot.diagnosis.rbac import watch_roles
from bot.settings import Settings, SettingsError, load_settings
from tests.deploy.conftest import Render, Run
from tests.deploy.helm import CHART, ROOT, Refused, linted
from tests.deploy.objects import assert_valid, breaches, one

POSTGRESQL: dict[str, Any] = {
    "replicas": 3,
    "existingSecret": "acknet",
    "store": {"kind": "postgresql"},
    "networkPolicy": {"store": {"to": [{"ipBlock": {"cidr": "192.168.10.0/24"}}]}},
}
EVERYTHING: dict[str, Any] = {
    "existingSecret": "acknet",
    "imagePullSecrets": [{"name": "registry"}],
    "settings": {"log_level": "debug", "diagnosis_bytes": 67108864, "watch_namespaces": ["shop"]},
    "store": {"persistence": {"enabled": True, "storageClassName": "alicloud-disk-essd"}},
    "slack": {"enabled": True},
    "rbac": {"namespaces": ["kube-system", "kube-flannel"]},
    "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
    "ingress": {"enabled": True, "className": "nginx", "host": "acknet.example.com", "tlsSecret": "acknet-tls"},
    "serviceAccount": {"annotations": {"a": "b"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"team": "network"},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"nodeAffinity": {}},
    "priorityClassName": "system-cluster-critical",
    "networkPolicy": {"from": [{"namespaceSelector": {}}], "extraEgress": [{"ports": [{"port": 8443}]}]},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True},
    "faqAlerts": {"enabled": True, "baseUrl": "https://ask.example.org/"},
    "dashboard": {"enabled": True},
}
VALUES = {"nothing but an image": {}, "replicas behind PostgreSQL": POSTGRESQL, "everything": EVERYTHING}


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_what_is_rendered_is_what_kubernetes_takes(render: Render, values: dict[str, Any]) -> None:
    objects = render(values)
    assert_valid(objects)
    identities = [(each["kind"], each["metadata"].get("namespace"), each["metadata"]["name"]) for each in objects]
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_helm_lint_has_nothing_to_say(helm: Run, values: dict[str, Any]) -> None:
    assert helm(linted, {"image": {"repository": "acknet"}} | values) == []


@pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)
def test_the_pod_keeps_to_the_restricted_standard_on_a_read_only_root(render: Render, values: dict[str, Any]) -> None:
    pod = one(render(values), "Deployment")["spec"]["template"]["spec"]
    assert breaches(pod) == []
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert {mount["mountPath"] for mount in container["volumeMounts"]} == {
        "/etc/acknet",
        "/var/lib/acknet",
        "/tmp",
    }


def test_the_roles_are_those_made_from_the_collectors(render: Render) -> None:
    roles = list(yaml.safe_load_all((ROOT / "deploy" / "rbac" / "roles.yaml").read_text()))
    objects = render({"rbac": {"namespaces": ["kube-system", "kube-flannel"]}})
    rendered = [each for each in objects if each["kind"] in {"Role", "ClusterRole"}]
    assert {_place(each): each["rules"] for each in rendered} == {_place(each): each["rules"] for each in roles}
    for role in rendered:
        binding = next(
            each for each in objects if each["kind"] == f"{role['kind']}Binding" and _place(each) == _place(role)
        )
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "acknet", "namespace": "acknet"}]


def test_namespaces_that_are_watched_may_be_watched_and_no_others(render: Render) -> None:
    objects = render({"settings": {"watch_namespaces": ["shop", "default"]}})
    watchers = [each for each in objects if each["metadata"]["name"] == "acknet-watcher"]
    assert {(each["kind"], _place(each)) for each in watchers} == {
        (kind, namespace) for kind in ("Role", "RoleBinding") for namespace in ("shop", "default")
    }
    wanted = {role["metadata"]["namespace"]: role["rules"] for role in watch_roles(["shop", "default"])}
    assert {_place(each): each["rules"] for each in watchers if each["kind"] == "Role"} == wanted
    assert not [each for each in render({}) if "watch" in str(each.get("rules"))]


def test_no_role_is_put_into_a_namespace_that_may_not_exist(render: Render) -> None:
    places = {_place(each) for each in render({}) if each["kind"].endswith("Binding")}
    assert places == {None, "kube-system"}


def test_egress_leads_to_dns_and_the_api_server_only(render: Render) -> None:
    rules = one(render({}), "NetworkPolicy")["spec"]["egress"]
    assert [{port["port"] for port in rule["ports"]} for rule in rules] == [{53}, {443, 6443}]
    blocks = [peer["ipBlock"]["cidr"] for rule in rules for peer in rule["to"] if "ipBlock" in peer]
    assert all(ipaddress.ip_network(block).is_private for block in blocks)
    assert all(rule["to"] for rule in rules)


def test_slack_and_the_store_are_let_through_where_they_are_used(render: Render) -> None:
    rules = one(render(POSTGRESQL | {"slack": {"enabled": True}}), "NetworkPolicy")["spec"]["egress"]
    assert [{port["port"] for port in rule["ports"]} for rule in rules] == [{53}, {443, 6443}, {5432}, {443}]
    (slack,) = rules[3]["to"]
    left_out = [ipaddress.ip_network(cidr) for cidr in slack["ipBlock"]["except"]]
    for address in ("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.100.100.200", "169.254.169.254"):
        assert any(ipaddress.ip_address(address) in network for network in left_out), address


MODEL = {"podSelector": {"matchLabels": {"app": "model"}}}


@pytest.mark.parametrize(
    ("setting", "name"), [("llm_url", "llm"), ("vector_store_url", "vectorStore")], ids=["a model", "Milvus"]
)
@pytest.mark.parametrize(
    ("url", "port", "opened"),
    [
        ("http://model.ml.svc:8000/v1", 0, 8000),
        ("http://model.ml.svc/v1", 0, 80),
        ("https://model.example.com/v1", 0, 443),
        ("https://[2001:db8::1]:8443/v1", 0, 8443),
        ("https://[2001:db8::1]/v1", 0, 443),
        ("http://model.ml.svc/v1", 8000, 8000),
        ("", 8000, 8000),
    ],
)
def test_a_service_that_is_set_is_let_through_on_the_port_of_its_url(
    render: Render, setting: str, name: str, url: str, port: int, opened: int
) -> None:
    settings = {setting: url} if url else {}
    objects = render({"settings": settings, "networkPolicy": {name: {"to": [MODEL], "port": port}}})
    assert_valid(objects)
    rules = one(objects, "NetworkPolicy")["spec"]["egress"]
    assert rules[2:] == [{"ports": [{"port": opened}], "to": [MODEL]}]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"settings": {"llm_url": "http://model/v1"}}, "networkPolicy.llm.to"),
        ({"settings": {"vector_store_url": "http://milvus:19530"}}, "networkPolicy.vectorStore.to"),
        ({"networkPolicy": {"llm": {"to": [MODEL]}}}, "networkPolicy.llm.port"),
    ],
)
def test_a_service_that_would_not_be_reached_is_refused(render: Render, values: dict[str, Any], message: str) -> None:
    with pytest.raises(Refused, match=message):
        render(values)
    render(values | {"networkPolicy": {"enabled": False}})


def test_secrets_are_named_and_never_made(render: Render) -> None:
    objects = render(EVERYTHING)
    assert not [each for each in objects if each["kind"] == "Secret"]
    (container,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert {"secretRef": {"name": "acknet"}} in container["envFrom"]
    assert [variable["name"] for variable in container["env"]] == ["ACKNET_CONFIG"]


def test_no_secret_can_be_put_among_the_settings(render: Render) -> None:
    secret = [name for name, field in Settings.model_fields.items() if SecretStr in _types(field.annotation)]
    for name in {*secret, "store_url", "api_tokens", "slack_bot_token", "slack_app_token", "slack_signing_secret"}:
        with pytest.raises(Refused, match=name):
            render({"settings": {name: "x"}})


def given(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """The settings that the chart hands over."""
    return tomllib.loads(one(objects, "ConfigMap")["data"]["acknet.toml"])


def test_settings_reach_acknet_as_they_were_meant(
    render: Render, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = {"log_level": "debug", "diagnosis_bytes": 123456789, "clusters": ["east", '<\u732b> & "west"']}
    objects = render({"settings": settings})
    (container,) = one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    where = {mount["name"]: Path(mount["mountPath"]) for mount in container["volumeMounts"]}["settings"]
    assert container["env"] == [{"name": "ACKNET_CONFIG", "value": str(where / "acknet.toml")}]
    file = tmp_path / "acknet.toml"
    file.write_text(one(objects, "ConfigMap")["data"]["acknet.toml"])
    monkeypatch.setenv("ACKNET_CONFIG", str(file))
    for name in settings:
        monkeypatch.delenv(f"ACKNET_{name.upper()}", raising=False)
    loaded = load_settings()
    assert {name: getattr(loaded, name) for name in settings} == settings | {"clusters": tuple(settings["clusters"])}


def test_a_setting_that_does_not_exist_stops_acknet(render: Render, tmp_path: Path) -> None:
    file = tmp_path / "acknet.toml"
    file.write_text(one(render({"settings": {"log_levle": "debug"}}), "ConfigMap")["data"]["acknet.toml"])
    with pytest.raises(SettingsError, match="log_levle"):
        load_settings(config=file)


def test_the_settings_that_the_chart_brings_exist(render: Render) -> None:
    assert given(render({"serviceMonitor": {"enabled": True}})).keys() <= Settings.model_fields.keys()


def test_prometheus_needs_no_token_where_it_is_told_to_come(render: Render) -> None:
    def opened(values: dict[str, Any]) -> bool | None:
        return given(render(values)).get("open_metrics")

    assert opened({}) is None
    assert opened({"serviceMonitor": {"enabled": True}}) is True
    assert opened({"serviceMonitor": {"enabled": True}, "settings": {"open_metrics": False}}) is False


def test_a_sidecar_in_the_pod_lets_nobody_in_without_a_token(render: Render) -> None:
    assert given(render({"settings": {"log_level": "debug"}}))["open_locally"] is False


def test_other_settings_are_other_pods(render: Render) -> None:
    def digest(settings: dict[str, Any]) -> str:
        template = one(render({"settings": settings}), "Deployment")["spec"]["template"]
        return template["metadata"]["annotations"]["acknet/settings"]

    assert digest({"log_level": "info"}) == digest({"log_level": "info"}) != digest({"log_level": "debug"})


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"replica": 2}, "replica"),
        ({"replicas": 2}, "SQLite file serves one replica"),
        ({"store": {"kind": "postgresql"}}, "existingSecret"),
        (POSTGRESQL | {"networkPolicy": {}}, "networkPolicy.store.to"),
        ({"image": {"repository": ""}}, "image.repository"),
        ({"image": {"repository": "acknet", "tag": "latest"}}, "tag"),
        ({"ingress": {"enabled": True}}, "ingress.host"),
        ({"serviceAccount": {"create": False}}, "serviceAccount.name"),
        ({"rbac": {"namespaces": ["default"]}}, "namespaces"),
        ({"networkPolicy": {"apiServer": {"cidrs": []}}}, "cidrs"),
    ],
)
def test_values_that_cannot_work_are_refused_with_their_name(
    render: Render, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(Refused, match=message):
        render(values)


def test_replicas_are_spread_and_kept_during_drains(render: Render) -> None:
    objects = render(POSTGRESQL)
    deployment = one(objects, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    spread = deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert {each["topologyKey"] for each in spread} == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
    selectors = [each["labelSelector"]["matchLabels"] for each in spread]
    selectors += [
        one(objects, kind)["spec"]["selector"]["matchLabels"] for kind in ("PodDisruptionBudget", "Deployment")
    ]
    selectors += [
        one(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        one(objects, "Service")["spec"]["selector"],
    ]
    assert all(selector.items() <= labels.items() for selector in selectors)
    assert deployment["spec"]["strategy"]["type"] == "RollingUpdate"


def test_a_file_as_store_is_never_open_twice(render: Render) -> None:
    objects = render({"store": {"persistence": {"enabled": True}}})
    deployment, claim = one(objects, "Deployment"), one(objects, "PersistentVolumeClaim")
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert {"name": "state", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}} in volumes


def test_runbook_links_lead_to_the_page_that_was_set(render: Render) -> None:
    groups = one(render(EVERYTHING), "PrometheusRule", "acknet-faq")["spec"]["groups"]
    links = [rule["annotations"]["runbook_url"] for group in groups for rule in group["rules"]]
    assert links
    assert all(link.startswith("https://ask.example.org/entries/") for link in links)


def test_the_chart_has_the_version_of_the_package() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    package = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert chart["appVersion"] == package["version"]


def _place(each: dict[str, Any]) -> str | None:
    return each["metadata"].get("namespace")


def _types(annotation: Any) -> set[Any]:
    return {annotation, *(found for part in getattr(annotation, "__args__", ()) for found in _types(part))}
