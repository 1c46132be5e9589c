"""What acknet remembers: events, outbox, alerts, incidents, answers, feedback, open questions, audit log.

Begin at `Store`. `docs/store.md` describes the tables and what is guaranteed.
"""

from bot.store.answers import AskedOften, GivenAnswer, GivenAnswers
from bot.store.audit import AuditCheck, AuditLog, AuditRecord
from bot.store.clock import Clock, utc_now
from bot.store.events import EventMarks
from bot.store.failures import Reason, StoreUnavailable
from bot.store.feedback import Feedback, FeedbackCount, FeedbackLog
from bot.store.incidents import Incident, Incidents, IncidentState, Opened
from bot.store.outbox import Outbox
from bot.store.questions import Cause, OpenQuestion, OpenQuestions
from bot.store.store import Pruned, Store
from bot.store.work import Item, ItemState, Lease, QueueDepth, RetryPolicy, WorkQueue

__all__ = [
    "AskedOften",
    "AuditCheck",
    "AuditLog",
    "AuditRecord",
    "Cause",
    "Clock",
    "EventMarks",
    "Feedback",
    "FeedbackCount",
    "FeedbackLog",
    "GivenAnswer",
    "GivenAnswers",
    "Incident",
    "IncidentState",
    "Incidents",
    "Item",
    "ItemState",
    "Lease",
    "OpenQuestion",
    "OpenQuestions",
    "Opened",
    "Outbox",
    "Pruned",
    "QueueDepth",
    "Reason",
    "RetryPolicy",
    "Store",
    "StoreUnavailable",
    "WorkQueue",
    "utc_now",
]
