"""How quick the review is at 50,000 images, in a headless Chromium.

Two figures, each with its bar:

* usable: from asking for the page to the first image shown, with the run valued before (2 s)
* next image: from a key press that decides to the next image shown and decoded (150 ms, median)

The images are CIFAR-10 as Parquet, from `$ASSAY_SHARED/data/cifar10`. Speed does not depend on the
values, so they are drawn at random unless a run of the engine is given with --run.

    python benchmarks/review_latency.py [--run RUN] [--presses 50]
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from core.datasets import align_classes, open_source
from core.runs import (
    Run,
    SourceRecord,
    link_run,
    open_run,
    validation_frame,
    values_frame,
    write_run,
)
from tests.e2e.conftest import CHROMIUM_ARGS, Server
from tests.factories import make_run, make_valuation

SHARED = Path(os.environ.get("ASSAY_SHARED", REPO.parent / "shared"))

# Runs in the page, so that neither Playwright nor its connection is measured.
MEASURE = """async ({ presses, pause }) => {
  const host = [...document.querySelectorAll("*")].find(e => e.shadowRoot?.querySelector(".review"))
  const root = host.shadowRoot
  const frame = () => new Promise(requestAnimationFrame)
  const took = []
  for (let i = 0; i < presses; i += 1) {
    const before = root.querySelector(".tile.chosen").dataset.row
    const start = performance.now()
    const key = i % 2 ? "k" : "r"
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }))
    for (;;) {
      await frame()
      const row = root.querySelector(".tile.chosen").dataset.row
      if (row !== before && root.querySelector(".picture").dataset.ready === row) break
      if (performance.now() - start > 5000) throw new Error("no next image within 5 s")
    }
    await frame() // shown: the frame that holds it has been handed over
    took.push(performance.now() - start)
    await new Promise(done => setTimeout(done, pause))
  }
  return took
}"""


def random_run(folder: Path) -> Run:
    """Write a run of all of CIFAR-10 with random values to `folder`/run."""
    paths = [SHARED / "data/cifar10" / name for name in ("train.parquet", "test.parquet")]
    train, validation = align_classes(*(open_source(str(path)) for path in paths))
    valuation = make_valuation(len(train), len(validation), len(train.class_names), seed=0)
    rng = np.random.default_rng(0)
    pattern = make_run(folder / "runs" / "pattern", pictures=False).record
    record = replace(
        pattern,
        class_names=train.class_names,
        train=SourceRecord.of(train, source=train.source, fingerprint="a" * 64),
        validation=SourceRecord.of(validation, source=validation.source, fingerprint="b" * 64),
    )
    return write_run(
        folder / "run",
        record,
        values_frame(train, valuation),
        validation_frame(validation, valuation),
        valuation,
        rng.standard_normal((len(train), 64)).astype(np.float32),
        rng.standard_normal((len(validation), 64)).astype(np.float32),
    )


def times_to_usable(browser: Any, url: str, visits: int) -> list[tuple[float, float]]:
    """Return for each visit the ms from asking for the page to its first image.

    With it the share of the review itself, from its first request on; what comes before is
    Streamlit starting. The first visit is that of a new browser profile, the others find the
    scripts in its cache.
    """
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    took = []
    for _ in range(visits):
        page = context.new_page()
        page.goto(url, wait_until="commit")
        page.locator(".review[data-state=ready] .picture[data-ready]").wait_for()
        now, started = page.evaluate(
            """() => [performance.now(), performance.getEntriesByType("resource")
                .find(entry => entry.name.endsWith("/ranking")).startTime]"""
        )
        took.append((now, now - started))
        page.close()
    context.close()
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, help="folder of a run to use instead")
    parser.add_argument("--presses", type=int, default=50)
    parser.add_argument("--pause", type=int, default=150, help="ms between presses")
    options = parser.parse_args()
    if options.run is None and not (SHARED / "data/cifar10/train.parquet").is_file():
        sys.exit(f"CIFAR-10 is not in {SHARED}/data/cifar10; set ASSAY_SHARED or give --run.")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        run = open_run(options.run) if options.run else random_run(Path(folder))
        link_run(server.home, run.path)
        server.start()
        url = f"{server.url}/review?run={run.id}"
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS
                )
                ever, *_ = times_to_usable(browser, url, 1)
                new, *again = times_to_usable(browser, url, 6)
                page = browser.new_page(viewport={"width": 1440, "height": 900})
                page.goto(url)
                page.locator(".review[data-state=ready] .picture[data-ready]").wait_for()
                page.wait_for_timeout(1000)
                took = page.evaluate(MEASURE, {"presses": options.presses, "pause": options.pause})
                rushed = page.evaluate(MEASURE, {"presses": options.presses, "pause": 0})
                tiles = page.locator(".tile").count()
                browser.close()
        finally:
            server.stop()
    print(f"images {run.record.train.images:,}, tiles in the document {tiles}")
    usable, own = (statistics.median(column) for column in zip(*again, strict=True))
    print(
        f"usable: {usable:.0f} ms median of 5 visits, {own:.0f} ms of them the review's own; "
        f"{new[0]:.0f} ms ({new[1]:.0f}) with an empty browser cache, {ever[0]:.0f} ms "
        f"({ever[1]:.0f}) for the first visit after the start of the server"
    )
    for name, sample in ((f"every {options.pause} ms", took), ("without a pause", rushed)):
        print(
            f"next image, keys {name}: median {statistics.median(sample):.0f} ms, "
            f"95th percentile {np.percentile(sample, 95):.0f} ms, worst {max(sample):.0f} ms"
        )


if __name__ == "__main__":
    main()
