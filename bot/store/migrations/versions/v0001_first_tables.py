"""The first tables: work, feedback, questions, incidents, audit log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "work",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("queue", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("lane", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due_at", _MOMENT, nullable=False),
        sa.Column("token", sa.Text),
        sa.Column("payload", sa.Text),
        sa.Column("result", sa.Text),
        sa.Column("error", sa.Text),
        sa.Column("created_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("work_key", "work", ["queue", "key"], unique=True)
    op.create_index("work_due", "work", ["queue", "state", "due_at"])
    op.create_index("work_lane", "work", ["queue", "lane", "id"])
    op.create_index("work_updated", "work", ["updated_at"])

    op.create_table(
        "feedback",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("helpful", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("feedback_answer_who", "feedback", ["answer", "who"], unique=True)
    op.create_index("feedback_at", "feedback", ["at"])

    op.create_table(
        "questions",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("cause", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("ranked", sa.Text, nullable=False),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("first_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("questions_cause_digest", "questions", ["cause", "digest"], unique=True)
    op.create_index("questions_last_at", "questions", ["last_at"])

    op.create_table(
        "incidents",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("fingerprints", sa.Text, nullable=False),
        sa.Column("thread", sa.Text),
        sa.Column("verdicts", sa.Text, nullable=False),
        sa.Column("diagnosed_at", _MOMENT),
        sa.Column("quiet_until", _MOMENT),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("resolved_at", _MOMENT),
        sqlite_autoincrement=True,
    )
    is_open = sa.text("state = 'open'")
    op.create_index("incidents_open", "incidents", ["key"], unique=True, sqlite_where=is_open, postgresql_where=is_open)
    op.create_index("incidents_key", "incidents", ["key", "id"])
    op.create_index("incidents_updated", "incidents", ["updated_at"])

    op.create_table(
        "audit_log",
        sa.Column("number", _NUMBER, primary_key=True, autoincrement=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("question", sa.Text),
        sa.Column("read", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
    )
    op.create_index("audit_log_at", "audit_log", ["at"])
