"""How quick the review is, in a headless Chromium: docs/workbench.md.

Each figure has its bar:

* usable: from asking for the page to the first image shown, with the run valued before (1.5 s)
* next image: from a key press that decides to the next image shown and decoded, over 300 decisions
  at 5 per second (median 100 ms, 95th percentile 250 ms), all stored, in order
* scrolling from the first page to the last without a dropped thumbnail
* 5,000 images removed in one stroke, and that taken back (1 s each, until the server confirms it)
* a million images, generated: first page (3 s), filter and order (1 s), the app's process (1.5 GB)
* the map of 50,000 + 10,000 points, once computed: drawn (3 s), from the end of a lasso to the
  gallery of what is inside, its pictures decoded (700 ms)

The images are CIFAR-10 as Parquet, from `$ASSAY_SHARED/data/cifar10`, with its embeddings. Speed
does not depend on the values, so they are drawn at random.

    python benchmarks/workbench.py [--only review|million|map]

With --only, it prints and writes no page.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from browsing import (
    CHANGES,
    DECIDE,
    PICKED,
    REVIEWER,
    SCROLL,
    STROKE,
    chromium,
    cifar_run,
    reviewer,
    wait_for_review,
)
from common import CIFAR, timed, write_report

from core.curation import RunDecisions, open_store
from core.embedding import LayoutConfig
from core.runs import Run, link_run, map_at_home
from tests.e2e.conftest import Server
from tests.factories import make_large_run

OUT = REPO / "docs/workbench.md"
ABOUT = (
    "Measured inside the page, in a headless Chromium of 1440 x 900 on the machine that serves it, "
    "without a GPU: the map is drawn by a software renderer. An image counts as shown once the "
    "frame that holds it, decoded, has been handed over. Values and decisions are made up; speed "
    "depends on neither."
)
PAUSE_MS = 200  # five decisions a second
LASSOS = ((0.33, 0.25), (0.6, 0.6), (0.4, 0.4), (0.5, 0.3))  # parts of the map


def times_to_usable(browser: Any, url: str, visits: int) -> list[tuple[float, float]]:
    """Return for each visit the ms from asking for the page to its first image.

    With it the share of the review itself, from its first request on; what comes before is
    Streamlit starting. The first visit is that of a new browser profile, the others find the
    scripts in its cache.
    """
    context = reviewer(browser)
    took = []
    for _ in range(visits):
        page = context.new_page()
        page.goto(url, wait_until="commit")
        now, started = page.evaluate(
            """async () => [await __usable, performance.getEntriesByType("resource")
                .find(entry => entry.name.endsWith("/ranking")).startTime]"""
        )
        took.append((now, now - started))
        page.close()
    context.close()
    return took


def stored_rows(home: Path, run: Run, count: int) -> list[int]:
    """Return the rows of the images of the last `count` decisions, in the order of the log."""
    strokes = RunDecisions(open_store(home), run).strokes(REVIEWER, count)
    return [int(row) for stroke in strokes for row in stroke.rows]


def milliseconds(sample: list[float]) -> str:
    """Return median, 95th percentile and worst, in words."""
    return (
        f"median {statistics.median(sample):.0f} ms, 95th percentile "
        f"{np.percentile(sample, 95):.0f} ms, worst {max(sample):.0f} ms"
    )


def review(server: Server, run: Run, visits: int, presses: int) -> list[str]:
    """Measure the review of `run`; return lines of Markdown."""
    url = f"{server.url}/review?run={run.id}"
    lines = []
    with chromium() as browser:
        ever, *_ = times_to_usable(browser, url, 1)
        new, *again = times_to_usable(browser, url, visits)
        usable, own = (statistics.median(column) for column in zip(*again, strict=True))
        lines.append(
            f"usable: **{usable:.0f} ms**, median of {len(again)} visits, {own:.0f} ms of them the "
            f"review's own; {new[0]:.0f} ms with an empty browser cache, {ever[0]:.0f} ms at the "
            "first visit after the start of the server"
        )
        page = reviewer(browser).new_page()
        page.goto(url)
        wait_for_review(page)
        page.wait_for_timeout(1000)
        answer = page.evaluate(DECIDE, {"presses": presses, "pause": PAUSE_MS})
        stored = stored_rows(server.home, run, presses)
        order = "all stored, in order" if stored == answer["rows"] else "**not all in order**"
        paced = milliseconds(answer["took"])
        lines.append(f"next image, {presses} decisions at 5 a second: {paced}; {order}")
        answer = page.evaluate(DECIDE, {"presses": 50, "pause": 0})
        lines.append(f"next image, keys without a pause: {milliseconds(answer['took'])}")
        lines += strokes(page, f"{url}&class={run.class_names[0]}")
        page.goto(url)
        wait_for_review(page)
        lines.append(scrolled(page, 10**6))
    return lines


def strokes(page: Any, url: str) -> list[str]:
    """Remove all images that `url` shows in one stroke, and take it back."""
    page.goto(url)
    wait_for_review(page)
    page.wait_for_timeout(500)
    count = page.locator(".tally").inner_text().split()[0]
    lines = []
    for words, keys in (("removed in one stroke", ["a", "r"]), ("taken back", ["z"])):
        took = page.evaluate(STROKE, keys)
        lines.append(
            f"{count} images {words}: shown after {took['shown']:.0f} ms, confirmed by the server "
            f"after **{took['saved']:.0f} ms**"
        )
    return lines


def million(server: Server, run: Run) -> list[str]:
    """Measure the review of a run of a million images; return lines of Markdown."""
    url = f"{server.url}/review?run={run.id}"
    lines = []
    with chromium() as browser:
        ever, *again = [took for took, _ in times_to_usable(browser, url, 4)]
        lines.append(
            f"first page: **{statistics.median(again) / 1000:.1f} s**, median of {len(again)} "
            f"visits; {ever / 1000:.1f} s at the first visit after the start of the server"
        )
        page = reviewer(browser).new_page()
        page.goto(url)
        wait_for_review(page)
        page.wait_for_timeout(1500)
        label = page.get_by_role("combobox", name="Labelled")
        order = page.get_by_role("combobox", name="Order")
        find = page.get_by_role("textbox", name="Find")
        steps: list[tuple[str, Callable[[], None]]] = [
            ("filter by class", lambda: choose(page, label, run.class_names[3])),
            ("best first", lambda: choose(page, order, "Best first")),
            ("by class, worst first", lambda: choose(page, order, "By class, worst first")),
            ("find by a part of the id", lambda: (find.fill("0012"), find.press("Enter"))),
        ]
        for words, act in steps:
            lines.append(f"{words}: **{changed_after(page, act):.0f} ms**")
        lines += strokes(page, f"{url}&find=train-0000")
    lines.append(f"the app's process: at most **{server.peak_bytes() / 2**30:.2f} GiB**")
    return lines


def map_page(server: Server, run: Run) -> list[str]:
    """Measure the map of `run`; return lines of Markdown."""
    (layout, _), took = timed(lambda: map_at_home(run, server.home, LayoutConfig()))
    points = len(layout.train) + len(layout.validation)
    lines = [f"computed by UMAP: {took:.0f} s for {points:,} points"]
    with chromium() as browser:
        page = reviewer(browser).new_page()
        drawn = []
        for _ in range(6):
            page.goto(f"{server.url}/map?run={run.id}", wait_until="commit")
            page.locator(".map[data-state=ready][data-drawn]").wait_for()
            drawn.append(float(page.evaluate("() => performance.now()")))
        lines.append(
            f"drawn: **{statistics.median(drawn[1:]) / 1000:.1f} s** after asking for the page, "
            f"median of {len(drawn) - 1} visits; {drawn[0] / 1000:.1f} s at the first visit after "
            "the start of the server"
        )
        page.wait_for_timeout(1000)
        found = [lasso(page, *center) for center in LASSOS]
    shown, decoded = (statistics.median(column) for column in zip(*found, strict=True))
    worst = max(decoded for _, decoded in found)
    lines.append(
        f"lasso to gallery: tiles after {shown:.0f} ms, their pictures after **{decoded:.0f} ms** "
        f"(worst {worst:.0f} ms), median of {len(found)}"
    )
    return lines


def lasso(page: Any, across: float, down: float) -> tuple[float, float]:
    """Draw a lasso; return the ms from its end to the tiles, and to their pictures."""
    box = page.locator(".over").bounding_box()
    x, y = box["x"] + box["width"] * across, box["y"] + box["height"] * down
    page.mouse.move(x + 60, y)
    page.mouse.down()
    for angle in np.linspace(0, 2 * np.pi, 30):
        page.mouse.move(x + 60 * np.cos(angle), y + 50 * np.sin(angle))
    page.evaluate(PICKED)
    page.mouse.up()
    shown, decoded = page.evaluate("() => globalThis.__picked")
    page.wait_for_timeout(500)
    return shown, decoded


def choose(page: Any, field: Any, option: str) -> None:
    """Open a list and pick; the wait for the list is not what is measured."""
    field.click()
    page.get_by_role("option", name=option, exact=True).click()


def changed_after(page: Any, act: Callable[[], None]) -> float:
    """Return the ms from the last input of `act` to other images, with their pictures."""
    page.evaluate(CHANGES)
    act()
    return float(page.evaluate("() => globalThis.__changed"))


def scrolled(page: Any, pages: int) -> str:
    """Scroll from the first page to the last in at most `pages` steps; return what was seen."""
    found = page.evaluate(SCROLL, {"pages": pages})
    end = "to the end" if found["end"] else "**not to the end**"
    return (
        f"scrolled {end}: {found['seen']:,} thumbnails in {len(found['waits']):,} steps, "
        f"**{found['dropped']} dropped**; a page is complete after {milliseconds(found['waits'])}"
    )


def main() -> None:
    """Measure, print, and write the page of docs/."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--visits", type=int, default=6)
    parser.add_argument("--presses", type=int, default=300)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("review", "million", "map"))
    options = parser.parse_args()
    if not (CIFAR / "train.parquet").is_file():
        sys.exit(f"CIFAR-10 is not in {CIFAR}; set ASSAY_SHARED.")
    cases: dict[str, Case] = {
        "review": Case(
            "Review of 50,000 images",
            cifar_run,
            lambda server, run: review(server, run, options.visits, options.presses),
        ),
        "million": Case(
            f"Review of {options.images:,} images",
            lambda folder: make_large_run(folder, options.images),
            million,
        ),
        "map": Case("Map of 50,000 + 10,000 images", cifar_run, map_page),
    }
    parts = []
    for name, case in cases.items():
        if options.only not in (None, name):
            continue
        with served(case.make) as (server, run):
            lines = case.measure(server, run)
        parts.append(f"## {case.title}\n\n" + "\n".join(f"- {line}" for line in lines))
        print(parts[-1], flush=True)
    if options.only is None:
        write_report(OUT, "The workbench in a browser", __file__, [ABOUT, *parts])


@dataclass(frozen=True)
class Case:
    """A run to be made, and what is measured of it in the browser."""

    title: str
    make: Callable[[Path], Run]
    measure: Callable[[Server, Run], list[str]]


@contextmanager
def served(make: Callable[[Path], Run]) -> Iterator[tuple[Server, Run]]:
    """Start the app with one run in it."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        run = make(Path(folder))
        link_run(server.home, run.path)
        server.start()
        try:
            yield server, run
        finally:
            server.stop()


if __name__ == "__main__":
    main()
