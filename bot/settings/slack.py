"""acknet in Slack: tokens, and who may have a cluster looked into from there."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from bot.settings.kinds import Names, ServerUrl

__all__ = ["SLACK_API", "SlackSettings", "has_slack"]

SLACK_API = "https://slack.com/api"


class SlackSettings(BaseModel):
    """acknet in Slack: tokens, and who may have a cluster looked into from there."""

    slack_bot_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="Token of the Slack app's bot (xoxb-…); with it and one of the next two acknet is in Slack.",
        json_schema_extra={"accepts": "a token that begins with xoxb-"},
    )
    slack_app_token: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="App-level token with the scope connections:write. Where it is set, events come through Socket "
        "Mode, which needs no address that Slack can reach.",
        json_schema_extra={"accepts": "a token that begins with xapp-"},
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None,
        min_length=1,
        description="Signing secret of the Slack app. Where it is set, acknet serve takes events at POST "
        "/slack/events, and nothing that is not signed with it.",
        json_schema_extra={"accepts": "a signing secret"},
    )
    slack_base_url: ServerUrl = Field(
        default=SLACK_API,
        description="Address of Slack's Web API; another one is for tests and for GovSlack.",
        json_schema_extra={"accepts": "an http or https URL"},
    )
    slack_probe: bool = Field(
        default=False,
        description="Whether people may have a cluster looked into, read-only, from Slack. The settings below say "
        "who and where; guests and people of other organizations only where slack_probe_users names them.",
    )
    slack_probe_channels: Names = Field(
        default=(),
        description="Channels from which a cluster may be looked into, by their ids; direct stands for direct "
        "messages. Without any: all that acknet is in.",
        json_schema_extra={"accepts": "ids of channels, or direct"},
    )
    slack_probe_users: Names = Field(
        default=(),
        description="People who may have a cluster looked into, by their ids. Without any and without groups: all "
        "full members of the workspace.",
        json_schema_extra={"accepts": "ids of users"},
    )
    slack_probe_groups: Names = Field(
        default=(),
        description="User groups whose members may have a cluster looked into, by their ids.",
        json_schema_extra={"accepts": "ids of user groups"},
    )
    slack_probe_namespaces: Names = Field(
        default=(),
        description="Namespaces that may be asked about, as NAMESPACE or CLUSTER/NAMESPACE. With any, whoever asks has "
        "to name one of them; how the cluster itself is set up is read for all. Without any: every namespace.",
        json_schema_extra={"accepts": "names of namespaces"},
    )
    slack_probe_clusters: Names = Field(
        default=(),
        description="Clusters that may be looked into from Slack, by their contexts; default stands for the one that "
        "is looked into unless another is chosen. Without any: the default one and all of clusters.",
        json_schema_extra={"accepts": "names of contexts, or default"},
    )


def has_slack(settings: SlackSettings) -> bool:
    """Tell whether there are tokens for one of the two ways in which events come."""
    return settings.slack_bot_token is not None and (
        settings.slack_app_token is not None or settings.slack_signing_secret is not None
    )
