"""What benchmarks of the dashboard share: a run to look at, a browser, scripts inside the page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import CIFAR

from core.datasets import align_classes, open_source
from core.runs import Run, SourceRecord, validation_frame, values_frame, write_run
from tests.e2e.conftest import CHROMIUM_ARGS
from tests.factories import make_run, make_valuation

REVIEWER = "Ada"
# The scripts run in the page, so that neither Playwright nor its connection is measured. Each finds
# the review's own document first.
_REVIEW = """
  const host = [...document.querySelectorAll("*")].find(e => e.shadowRoot?.querySelector(".review"))
  const root = host.shadowRoot
  const frame = () => new Promise(requestAnimationFrame)
  const wait = ms => new Promise(done => setTimeout(done, ms))
  const press = (key, shiftKey = false) => document.body.dispatchEvent(
    new KeyboardEvent("keydown", { key, shiftKey, bubbles: true }))
  const saved = () => root.querySelector(".saved").dataset.kind === "saved"
"""
# Becomes the ms from asking for the page to the frame with its first image.
USABLE = """
globalThis.__usable = new Promise(done => {
  const look = () => {
    const all = [...document.querySelectorAll("*")]
    const root = all.find(e => e.shadowRoot?.querySelector(".review"))?.shadowRoot
    const there = root?.querySelector(".review[data-state=ready] .picture[data-ready]")
    requestAnimationFrame(there ? () => done(performance.now()) : look)
  }
  requestAnimationFrame(look)
})
"""
DECIDE = f"""async ({{ presses, pause }}) => {{
  {_REVIEW}
  const took = []
  const rows = []
  for (let i = 0; i < presses; i += 1) {{
    const before = root.querySelector(".tile.chosen").dataset.row
    const start = performance.now()
    rows.push(Number(before))
    press(i % 2 ? "k" : "r")
    for (;;) {{
      await frame()
      const row = root.querySelector(".tile.chosen").dataset.row
      if (row !== before && root.querySelector(".picture").dataset.ready === row) break
      if (performance.now() - start > 5000) throw new Error("no next image within 5 s")
    }}
    await frame() // shown: the frame that holds it has been handed over
    const ms = performance.now() - start
    took.push(ms)
    await wait(Math.max(0, pause - ms))
  }}
  while (!saved()) await wait(20)
  return {{ took, rows }}
}}"""
# From the press to the moment when the server has confirmed all of it.
STROKE = f"""async keys => {{
  {_REVIEW}
  const start = performance.now()
  for (const key of keys) press(key)
  await wait(0)
  const shown = performance.now() - start
  while (!saved()) await wait(5)
  return {{ shown, saved: performance.now() - start }}
}}"""
# Becomes the ms from the last input of the person to a grid of other images, all shown.
CHANGES = f"""() => {{
  {_REVIEW}
  const first = () => root.querySelector(".tally").textContent +
    [...root.querySelectorAll(".tile")].map(tile => tile.dataset.row).join()
  const before = first()
  let input = performance.now()
  const note = () => {{ input = performance.now() }}
  for (const kind of ["click", "keydown"]) addEventListener(kind, note, {{ capture: true }})
  const done = () => first() !== before && [...root.querySelectorAll(".tile img")].every(
    image => image.complete && image.naturalWidth)
  globalThis.__changed = (async () => {{
    for (;;) {{
      await frame()
      if (done()) return performance.now() - input
      if (performance.now() - input > 20000) throw new Error("nothing changed within 20 s")
    }}
  }})()
}}"""
# Becomes the ms from now to the first tile of what was drawn around, and to all their pictures.
PICKED = """() => {
  const host = [...document.querySelectorAll("*")].find(e => e.shadowRoot?.querySelector(".map"))
  const root = host.shadowRoot
  const before = root.querySelector(".picked")?.textContent
  const start = performance.now()
  const tiles = () => [...root.querySelectorAll(".picked .tile")]
  const other = () => root.querySelector(".picked").textContent !== before && tiles().length > 0
  const until = async fits => {
    while (!fits()) {
      if (performance.now() - start > 10000) throw new Error("nothing was picked within 10 s")
      await new Promise(requestAnimationFrame)
    }
    return performance.now() - start
  }
  globalThis.__picked = (async () => [await until(other), await until(() => tiles().every(tile => {
    const image = tile.querySelector("img")
    return image?.complete && image.naturalWidth
  }))])()
}"""
# Page by page to the end; a picture that is not there within 5 s was dropped.
SCROLL = f"""async ({{ pages }}) => {{
  {_REVIEW}
  const grid = root.querySelector(".grid")
  const waits = []
  let dropped = 0, seen = 0, last = -1
  const step = Math.max(grid.clientHeight * 0.9, (grid.scrollHeight - grid.clientHeight) / pages)
  for (let top = 0; last < grid.scrollTop || top === 0; top += step) {{
    last = grid.scrollTop
    grid.scrollTop = top
    const start = performance.now()
    let open = []
    do {{
      await frame()
      const box = grid.getBoundingClientRect()
      const inView = [...root.querySelectorAll(".tile")].filter(tile => {{
        const {{ top, bottom }} = tile.getBoundingClientRect()
        return bottom > box.top && top < box.bottom
      }})
      open = inView.filter(tile => {{
        const image = tile.querySelector("img")
        return !image || !image.complete || !image.naturalWidth
      }})
      if (!open.length) seen += inView.length
    }} while (open.length && performance.now() - start < 5000)
    dropped += open.length
    waits.push(performance.now() - start)
    if (top === 0) last = -1
  }}
  const end = grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 2
  return {{ waits, dropped, seen, end }}
}}"""


@contextmanager
def chromium() -> Iterator[Any]:
    """Start a headless browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS
        )
        yield browser
        browser.close()


def reviewer(browser: Any) -> Any:
    """Return a browser profile in which somebody has said who reviews."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_init_script(f"localStorage.setItem('assay.reviewer', '\"{REVIEWER}\"')")
    context.add_init_script(USABLE)
    return context


def wait_for_review(page: Any) -> None:
    """Wait until the first image is shown."""
    page.locator(".review[data-state=ready] .picture[data-ready]").wait_for()


def cifar_run(folder: Path) -> Run:
    """Write a run of CIFAR-10 with random values to `folder`/run."""
    names = ("train.parquet", "test.parquet")
    train, validation = align_classes(*(open_source(str(CIFAR / name)) for name in names))
    valuation = make_valuation(len(train), len(validation), len(train.class_names), seed=0)
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
        *(np.load(CIFAR / f"embeddings_{part}.npz")["embeddings"] for part in ("train", "test")),
    )
