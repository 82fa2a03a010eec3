"""Who is reviewing, where a login or a proxy in front says so; elsewhere people type their name."""

from __future__ import annotations

from collections.abc import Mapping

import streamlit as st

# What a login, or a header of a proxy, may call a person; the first that is set counts.
_FIELDS = ("name", "preferred_username", "email", "user")
_LONGEST = 60


def of_session() -> str | None:
    """Return the name of who is logged in to this session, None where nobody has to log in."""
    return _first({field: st.user.get(field) for field in _FIELDS})


def of_headers(headers: Mapping[str, str]) -> str | None:
    """Return the name that a request carries in a header of `server.trustedUserHeaders`.

    A proxy that authenticates sets it, and takes it from whoever else sends it; so it goes before
    what the browser says.
    """
    trusted: dict[str, str] = st.get_option("server.trustedUserHeaders") or {}
    return _first({field: headers.get(header) for header, field in trusted.items()})


def _first(fields: Mapping[str, object]) -> str | None:
    for field in _FIELDS:
        name = " ".join(str(fields.get(field) or "").split())
        if name:
            return name[:_LONGEST]
    return None
