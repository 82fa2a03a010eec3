"""Assay's engine: what each training image is worth, by optimal transport.

Nothing in this package imports Streamlit; `pages/` and the command line are its two callers.
"""

__version__ = "0.1.0"
