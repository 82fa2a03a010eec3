"""What a prune plan takes from each class."""

from __future__ import annotations

import streamlit as st

from core.curation import PrunePlan, thin_classes
from pages.ui.charts import NO_ZOOM
from pages.ui.plan_charts import CLASSES_SHOWN, class_histogram
from pages.ui.state import Keys
from pages.ui.words import escape, percent


def show_classes(plan: PrunePlan) -> None:
    """Draw what each class loses, with a warning where one gets thin."""
    st.subheader("What does each class lose?", anchor=False)
    thin = thin_classes(plan)
    if thin:
        shown = " ".join(escape(item.sentence) for item in thin[:4])
        more = f" So do {len(thin) - 4} more." if len(thin) > 4 else ""
        st.warning(f"{shown}{more}", icon=":material/warning:")
    held = int(((plan.before > 0) | (plan.after > 0)).sum())
    st.plotly_chart(
        class_histogram(plan),
        config=NO_ZOOM,
        key=Keys.EXPORT_CLASSES,
        alt="Images of each class that stay, go, or are gained by relabelling",
    )
    rest = f" The {CLASSES_SHOWN} that change most of {held} are drawn." * (held > CLASSES_SHOWN)
    st.caption(f"{_widest(plan)}{rest}")


def _widest(plan: PrunePlan) -> str:
    """Return a sentence on the class that loses most, and on what all lose."""
    share = float(plan.removed.mean())
    if not plan.removed.any():
        return "No image goes, so each class keeps all of its own."
    losses = {
        name: 1 - after / before
        for name, before, after in zip(plan.class_names, plan.before, plan.after, strict=True)
        if before
    }
    most = max(losses, key=losses.__getitem__)
    return (
        f"{escape(most)} loses most: {percent(max(losses[most], 0))} of its images; of all images "
        f"{percent(share)} go."
    )
