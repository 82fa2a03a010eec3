"""Exports: one format a module, a registry, and one way to write them, whole or not at all."""

from core.curation.exports.content import (
    LINKS,
    Content,
    decision_table,
    neutralize_formula,
)
from core.curation.exports.registry import FORMATS, ExportFormat
from core.curation.exports.write import export, export_archive

__all__ = [
    "FORMATS",
    "LINKS",
    "Content",
    "ExportFormat",
    "decision_table",
    "export",
    "export_archive",
    "neutralize_formula",
]
