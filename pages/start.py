"""Start: value a data set, or open a run."""

from __future__ import annotations

import streamlit as st

st.title("Start", anchor=False)
