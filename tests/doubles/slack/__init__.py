"""A stand-in for Slack's platform, on real sockets: Web API, Socket Mode, signed HTTP events, interactivity.

with slack_platform(scopes={"chat:write", "app_mentions:read"}) as slack:
    slack.user("U1")
    slack.channel("C1", members=["U1"])
    client = AsyncWebClient(slack.bot_token, base_url=slack.base_url)
    …                                         # an app that listens with slack.app_token, or at slack.request_url
    question = slack.mention("C1", "U1", "nginx answers 504")
    answer = slack.wait_until(lambda: slack.posted("C1", question.ts))[0]
    slack.click(answer, "helpful", user="U1").wait()
"""

from __future__ import annotations

from tests.doubles.slack.clock import Timings, slowed
from tests.doubles.slack.delivery import Attempt, Delivery
from tests.doubles.slack.faults import Fault
from tests.doubles.slack.files import File
from tests.doubles.slack.messages import Message
from tests.doubles.slack.people import App, Channel, Team, User, Usergroup
from tests.doubles.slack.platform import SlackPlatform, slack_platform
from tests.doubles.slack.rate_limits import RateLimits
from tests.doubles.slack.requests import Received
from tests.doubles.slack.subscriptions import EventLimits
from tests.doubles.slack.views import View

__all__ = [
    "App",
    "Attempt",
    "Channel",
    "Delivery",
    "EventLimits",
    "Fault",
    "File",
    "Message",
    "RateLimits",
    "Received",
    "SlackPlatform",
    "Team",
    "Timings",
    "User",
    "Usergroup",
    "View",
    "slack_platform",
    "slowed",
]
