"""What people see in Slack: messages, forms and the Home tab, made from data without network or state.

Everything that comes from elsewhere is shown as rich or plain text, which Slack takes literally: it can neither
mention, nor link, nor break out of code.
"""

from bot.slack.blocks.answer import answer_message
from bot.slack.blocks.home import Asked, HealthLine, home_view
from bot.slack.blocks.looked import evidence_message
from bot.slack.blocks.message import Message
from bot.slack.blocks.progress import FactState, Looking
from bot.slack.blocks.reply import reply_messages
from bot.slack.blocks.values import ButtonValue, FormPlace, InvalidValue
from bot.slack.blocks.views import (
    ChecksAsked,
    FormErrors,
    checks_form,
    read_checks_form,
    read_reason_form,
    reason_form,
)

__all__ = [
    "Asked",
    "ButtonValue",
    "ChecksAsked",
    "FactState",
    "FormErrors",
    "FormPlace",
    "HealthLine",
    "InvalidValue",
    "Looking",
    "Message",
    "answer_message",
    "checks_form",
    "evidence_message",
    "home_view",
    "read_checks_form",
    "read_reason_form",
    "reason_form",
    "reply_messages",
]
