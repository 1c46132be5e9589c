"""Answers that were given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "answers",
        sa.Column("id", _NUMBER, primary_key=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("turns", sa.Text, nullable=False),
        sa.Column("surface", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("entry", sa.Text),
        sa.Column("ranked", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("answers_answer", "answers", ["answer"], unique=True)
    op.create_index("answers_place", "answers", ["place", "at"])
    op.create_index("answers_at", "answers", ["at"])
