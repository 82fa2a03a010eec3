"""Classes of a run."""

from __future__ import annotations

from pages.ui import shell

run = shell.require_run("Classes")
