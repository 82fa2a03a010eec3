"""The schema of the decisions' database, and how an older one becomes the present one.

One file in `versions` a change. A new one is written by hand, in the manner of those that are
there; a test holds the outcome to `core.curation.schema`.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from core.curation.schema import LOG
from core.errors import DataError

VERSION_TABLE = "assay_schema"
# What Assay 1 wrote: the log, and as SQLite's user_version a 1, but no table of versions.
_FIRST = "1"
_NEWER = (
    "The decisions were written by a newer Assay (schema {found}, this one knows {known}). "
    "Update Assay to open them; nothing was changed."
)


def upgrade(connection: Connection) -> None:
    """Bring the database up to date, within the transaction of `connection`.

    Who calls holds a lock against others who might do the same.

    Raises
    ------
    DataError
        The database was written by a newer Assay.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    head = script.get_current_head()
    known = [revision.revision for revision in script.walk_revisions()]
    found = _found(connection)
    if found == head:
        return
    if found is not None and found not in known:
        raise DataError(_NEWER.format(found=found, known=head))
    if found == _FIRST and _stamped(connection) is None:
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


def _found(connection: Connection) -> str | None:
    """Return the version of the schema that is there, None where there is none yet."""
    stamped = _stamped(connection)
    if stamped is not None:
        return stamped
    if connection.dialect.name == "sqlite":
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        return str(version) if version else None
    return _FIRST if inspect(connection).has_table(LOG.name) else None


def _stamped(connection: Connection) -> str | None:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return context.get_current_revision()
