"""The log of decisions, as Assay 1 made it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "1"
down_revision = None


def upgrade() -> None:
    """Make the log."""
    op.create_table(
        "decision_log",
        sa.Column("seq", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("event_id", sa.String(), nullable=False, unique=True),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("image_id", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("new_label", sa.String()),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("reviewer", sa.String(), nullable=False),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("run_id", sa.String()),
        sa.Column("value", sa.Float()),
        sa.Column("batch_id", sa.String()),
        sa.Column("previous_verdict", sa.String()),
        sa.Column("previous_label", sa.String()),
        sa.Column("undoes", sa.String()),
        sqlite_autoincrement=True,
    )
    op.create_index("decision_log_image", "decision_log", ["dataset", "image_id", "seq"])
    op.create_index("decision_log_undoes", "decision_log", ["dataset", "undoes"])
    op.create_index("decision_log_batch", "decision_log", ["batch_id"])
