"""The store's tables as the code of this version uses them; ``migrations/`` makes them."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, MetaData, Table, Text, text

from bot.store.columns import BigNumber, Json, Moment

__all__ = ["REVISION", "answers", "audit_log", "feedback", "incidents", "metadata", "questions", "work"]

REVISION = "0003"
"""The migration that the tables below are the result of."""

metadata = MetaData()

work = Table(
    "work",
    metadata,
    Column("id", BigNumber, primary_key=True),
    Column("queue", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("lane", Text),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    # When a waiting item may be taken, and when the lease of a leased one ends.
    Column("due_at", Moment, nullable=False),
    Column("token", Text),
    Column("payload", Json),
    Column("result", Text),
    Column("error", Text),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index("work_key", "queue", "key", unique=True),
    Index("work_due", "queue", "state", "due_at"),
    Index("work_lane", "queue", "lane", "id"),
    Index("work_updated", "updated_at"),
    sqlite_autoincrement=True,
)

feedback = Table(
    "feedback",
    metadata,
    Column("id", BigNumber, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("helpful", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("feedback_answer_who", "answer", "who", unique=True),
    Index("feedback_at", "at"),
    sqlite_autoincrement=True,
)

questions = Table(
    "questions",
    metadata,
    Column("id", BigNumber, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("ranked", Json, nullable=False),
    Column("count", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
    Index("questions_cause_digest", "cause", "digest", unique=True),
    Index("questions_last_at", "last_at"),
    sqlite_autoincrement=True,
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", BigNumber, primary_key=True),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("scope", Json, nullable=False),
    Column("fingerprints", Json, nullable=False),
    Column("thread", Json),
    Column("verdicts", Json, nullable=False),
    Column("diagnosed_at", Moment),
    Column("quiet_until", Moment),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("resolved_at", Moment),
    Column("details", Json),
    # However many replicas see the same alert: one open incident.
    Index(
        "incidents_open",
        "key",
        unique=True,
        sqlite_where=text("state = 'open'"),
        postgresql_where=text("state = 'open'"),
    ),
    Index("incidents_key", "key", "id"),
    Index("incidents_updated", "updated_at"),
    sqlite_autoincrement=True,
)

answers = Table(
    "answers",
    metadata,
    Column("id", BigNumber, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("turns", Json, nullable=False),
    Column("surface", Text, nullable=False),
    Column("who", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("entry", Text),
    Column("ranked", Json, nullable=False),
    Column("scope", Json, nullable=False),
    Column("at", Moment, nullable=False),
    Index("answers_answer", "answer", unique=True),
    Index("answers_place", "place", "at"),
    Index("answers_at", "at"),
    sqlite_autoincrement=True,
)

audit_log = Table(
    "audit_log",
    metadata,
    # Counted by the code: a gap would be a sign that a record was taken out.
    Column("number", BigNumber, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("place", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("question", Text),
    Column("read", Json, nullable=False),
    Column("outcome", Json),
    Column("previous", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Index("audit_log_at", "at"),
)
