"""Alerts: how they are read, and who is told about incidents."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field, SecretStr

from bot.settings.kinds import Decimal, Names, ServerUrl, Text, Whole

__all__ = ["OnCallSettings"]


def _listed_secrets(value: object) -> object:
    if isinstance(value, str):
        return tuple(secret for secret in (part.strip() for part in value.split(",")) if secret)
    return tuple(value) if isinstance(value, list) else value


Secrets = Annotated[tuple[Annotated[SecretStr, Field(min_length=1)], ...], BeforeValidator(_listed_secrets)]
"""Secrets: a list in TOML, with commas between them in the environment. Anybody could sign with an empty one."""


class OnCallSettings(BaseModel):
    """Alerts: how they are read, and who is told about incidents."""

    pagerduty_secrets: Secrets = Field(
        default=(),
        description="Secrets of PagerDuty's webhook subscriptions, with commas between them; several while one is "
        "replaced. Without one PagerDuty's webhooks are refused.",
        json_schema_extra={"accepts": "secrets"},
    )
    alert_namespace_labels: Names = Field(
        default=("exported_namespace", "namespace", "kubernetes_namespace", "namespace_name"),
        description="Labels of an alert that name the namespace in question; the first one that is there counts.",
        json_schema_extra={"accepts": "names of labels"},
    )
    alert_pod_labels: Names = Field(
        default=("exported_pod", "pod", "pod_name", "kubernetes_pod_name"),
        description="Labels of an alert that name the pod in question.",
        json_schema_extra={"accepts": "names of labels"},
    )
    alert_node_labels: Names = Field(
        default=("exported_node", "node", "node_name", "nodename", "kubernetes_node"),
        description="Labels of an alert that name the node in question.",
        json_schema_extra={"accepts": "names of labels"},
    )
    alert_service_labels: Names = Field(
        default=("exported_service",),
        description="Labels of an alert that name the Service in question. The label service is not among them: it "
        "mostly names what Prometheus scraped.",
        json_schema_extra={"accepts": "names of labels"},
    )
    alert_question_from: Names = Field(
        default=("alertname", "reason", "summary", "message", "description"),
        description="Labels and annotations of an alert that are put together as the question, in this order. An "
        "annotation acknet_question stands for all of them.",
        json_schema_extra={"accepts": "names of labels and annotations"},
    )
    alert_cluster_label: Text = Field(
        default="cluster",
        description="Label of an alert that names the context of the kubeconfig to look into, where clusters are "
        "named; an alert of another cluster is answered without a look.",
        json_schema_extra={"accepts": "a label's name"},
    )
    watch_namespaces: Names = Field(
        default=(),
        description="Namespaces whose Warning events and hanging pods acknet serve and acknet watch follow, with "
        "commas between them; default holds the events of nodes. It takes the verb watch (docs/oncall.md).",
        json_schema_extra={"accepts": "names of namespaces"},
    )
    watch_stuck_minutes: Decimal = Field(
        default=5.0,
        gt=0,
        le=1440,
        description="Minutes after which a pod that is on a node and has no running container counts as hanging.",
    )
    watch_clear_minutes: Decimal = Field(
        default=20.0,
        gt=0,
        le=1440,
        description="Minutes without a further sign after which an incident that acknet saw by itself counts as over; "
        "it is closed once the cluster no longer shows what was confirmed.",
    )
    incident_looks: Whole = Field(
        default=8,
        ge=1,
        le=64,
        description="The most places (namespace, pod, node) that are looked into for one incident, each once; beyond "
        "that, what lies in one namespace is looked into together.",
    )
    incident_quiet_minutes: Decimal = Field(
        default=30.0,
        ge=0,
        le=10_080,
        description="Minutes for which nothing is said of an incident that only goes on, and within which one that "
        "comes back is the same incident.",
    )
    incident_channel: Text | None = Field(
        default=None,
        description="Slack channel, by its id, in which each incident gets a thread.",
        json_schema_extra={"accepts": "a channel's id such as C0123456789"},
    )
    incident_webhook_url: ServerUrl | None = Field(
        default=None,
        description="URL to which what is said about incidents is posted as JSON. Without it and without a Slack "
        "channel it goes to stdout.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    incident_webhook_secret: SecretStr | None = Field(
        default=None,
        description="Secret that signs what is posted there: X-Acknet-Signature is v1= and the HMAC-SHA256 of the "
        "body, in hex.",
        json_schema_extra={"accepts": "a secret"},
    )
