"""Alembic's environment: the connection comes from `core.curation.migrations.upgrade`."""

from __future__ import annotations

from alembic import context

from core.curation.migrations import VERSION_TABLE
from core.curation.schema import METADATA


def run() -> None:
    """Run what is asked for, on the connection given and in its transaction."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=METADATA,
        version_table=VERSION_TABLE,
    )
    context.run_migrations()


# Alembic runs this file under a name of its own.
if __name__ == "env_py":
    run()
