"""Entry point: the dashboard and the HTTP routes beside it; `streamlit run app.py` starts both."""

from __future__ import annotations

import streamlit as st

from pages.ui.routes import ROUTES

# The script that calls st.navigation lives in pages/ui, a folder without a pages/ beside it: next
# to one, Streamlit would run pages/*.py on a cold deep link without the navigation around them.
app = st.App("pages/ui/router.py", routes=ROUTES)
