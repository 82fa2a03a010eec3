"""Where the app is served."""

from __future__ import annotations

import streamlit as st


def base_path() -> str:
    """Return what comes before every path of the app: "" unless it is served under a prefix."""
    path = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""
