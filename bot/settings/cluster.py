"""What is looked into, and what a look may cost."""

from __future__ import annotations

from pydantic import BaseModel, Field

from bot.settings.kinds import Decimal, Names, SettingPath, Text, Whole

__all__ = ["ClusterSettings"]


class ClusterSettings(BaseModel):
    """What is looked into, and what a look may cost."""

    kubeconfig: SettingPath | None = Field(
        default=None,
        description="File that says how to reach the cluster that acknet looks into, read-only. Without it, that of "
        "kubectl is used ($KUBECONFIG, ~/.kube/config), and within a cluster its service account.",
        json_schema_extra={"accepts": "a path"},
    )
    context: Text | None = Field(
        default=None,
        description="Context of the kubeconfig, in place of its current one.",
        json_schema_extra={"accepts": "a context's name"},
    )
    clusters: Names = Field(
        default=(),
        description="Further contexts of the kubeconfig that whoever asks acknet serve or acknet slack may choose to "
        "look into, with commas between them; the default one is always there.",
        json_schema_extra={"accepts": "names of contexts"},
    )
    diagnosis_timeout: Decimal = Field(
        default=15.0,
        gt=0,
        le=600,
        description="Seconds that a look into the cluster may take; what was not read by then is reported as such.",
    )
    diagnosis_requests: Whole = Field(
        default=200, ge=1, le=10_000, description="The most requests that one look into the cluster makes."
    )
    diagnosis_bytes: Whole = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        le=1024**3,
        description="The most bytes that one look into the cluster reads.",
    )
