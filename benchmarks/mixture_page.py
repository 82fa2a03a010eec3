"""How quick the page of mixtures is, in a headless Chromium: docs/mixture-page.md.

Two projections are made of pilots of 1,000 images against 2,000 validation images: of 3 sources,
and of 10. The figures and their bars:

* a slider moved: until what it changes is redrawn and handed over (median 150 ms)
* the server's part: an answer about one mix, asked for without a browser (median 60 ms)

The images are CIFAR-10 embeddings from `$ASSAY_SHARED/data/cifar10`, and made-up classes where
those are absent. Few models are trained on them: speed depends on the sizes alone.

    python benchmarks/mixture_page.py [--moves 60] [--requests 50] [--out docs/mixture-page.md]
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from browsing import chromium
from common import CIFAR, timed, write_report

from core.acquisition import Offer, Projection, ProjectionSpec, run_projection
from core.projection import space_filling
from tests.e2e.conftest import Server

OUT = REPO / "docs/mixture-page.md"
SOURCES = (3, 10)
PILOT, VALIDATION, TEST = 1_000, 2_000, 2_000
SCALES, SIZES = (100, 300, 900), (1_000, 3_000, 10_000)
CLASSES, WIDTH = 10, 64
MOVED_BAR_MS, ANSWER_BAR_MS = 150, 60
PAUSE_MS = 150  # between moves, so that each is answered on its own
ABOUT = (
    "A slider's figure is measured inside the page, in a headless Chromium of 1440 x 900 on the "
    "machine that serves it, without a GPU: from the move to the second frame after the new mix "
    f"stands in the page (bar: median {MOVED_BAR_MS} ms). The server's is that of a request about "
    f"one mix, without a browser (bar: median {ANSWER_BAR_MS} ms)."
)
# The ms from each of some moves of a slider to the second frame after the new mix is in the page.
MOVE = """async (slider, { from, step, moves, pause }) => {
  const root = slider.closest(".mixture")
  const frame = () => new Promise(requestAnimationFrame)
  const changed = before => new Promise((done, failed) => {
    const seen = new MutationObserver(() => root.dataset.shown !== before && end(done))
    const nothing = () => failed(new Error("nothing changed within 20 s"))
    const late = setTimeout(() => end(nothing), 20000)
    const end = how => { seen.disconnect(); clearTimeout(late); how() }
    seen.observe(root, { attributeFilter: ["data-shown"] })
  })
  const took = []
  for (let move = 0; move < moves; move += 1) {
    const redrawn = changed(root.dataset.shown)
    const start = performance.now()
    slider.value = String(from + move * step)
    slider.dispatchEvent(new Event("input", { bubbles: true }))
    await redrawn
    await frame()
    await frame()
    took.push(performance.now() - start)
    await new Promise(done => setTimeout(done, pause))
  }
  return took
}"""


def embeddings() -> tuple[np.ndarray, np.ndarray, str]:
    """Return vectors, shape (k, 64), their classes, and what they are in words."""
    if CIFAR.is_dir():
        with np.load(CIFAR / "embeddings_train.npz") as train:
            return train["embeddings"], train["labels"].astype(np.int64), "CIFAR-10 embeddings"
    rng = np.random.default_rng(0)
    labels = rng.integers(0, CLASSES, 20_000)
    centers = rng.standard_normal((CLASSES, WIDTH))
    noise = rng.standard_normal((len(labels), WIDTH))
    return (centers[labels] + noise).astype(np.float32), labels, "made-up classes"


def write_set(path: Path, x: np.ndarray, labels: np.ndarray) -> str:
    """Write a set of embeddings, and return its path."""
    np.savez(
        path,
        embeddings=x,
        labels=labels,
        ids=np.array([f"{i:05d}" for i in range(len(x))]),
        class_names=np.array([f"class {u}" for u in range(CLASSES)]),
    )
    return str(path)


def spec(folder: Path, m: int) -> ProjectionSpec:
    """Write m pilots, each with more wrong labels than the one before, and the sets to compare."""
    x, labels, _ = embeddings()
    rng = np.random.default_rng(m)
    parts = np.split(rng.permutation(len(x)), np.cumsum([PILOT] * m + [VALIDATION, TEST]))
    offers = []
    for source, rows in enumerate(parts[:m]):
        wrong = rng.random(PILOT) < 0.5 * source / m
        said = (labels[rows] + wrong * rng.integers(1, CLASSES, PILOT)) % CLASSES
        pilot = write_set(folder / f"{m}-{source}.npz", x[rows], said)
        price = 0.1 / (source + 1)
        offers.append(Offer(name=f"Source {source}", pilot=pilot, capacity=20_000, price=price))
    validation, test = parts[m : m + 2]
    return ProjectionSpec(
        sources=tuple(offers),
        validation=write_set(folder / f"{m}-validation.npz", x[validation], labels[validation]),
        test=write_set(folder / f"{m}-test.npz", x[test], labels[test]),
        scales=SCALES,
        sizes=SIZES,
        points=10 if m <= 3 else 5 * m,
        repeats=1,
    )


def moved(page: Any, slider: Any, moves: int, *, first: float, last: float) -> list[float]:
    """Return the ms that each of some moves of a slider took, from one place to another."""
    step = (last - first) / moves
    settings = {"from": first, "step": step, "moves": moves, "pause": PAUSE_MS}
    took: list[float] = slider.evaluate(MOVE, settings)
    page.wait_for_timeout(1000)
    return took


def answers(url: str, projection: Projection, requests: int) -> list[float]:
    """Return the ms that answers about some mixes took, one after another."""
    ratios = space_filling(len(projection.record.offers), requests + 3, seed=1)
    took = []
    for p in ratios:
        ratio = ",".join(f"{share:.8f}" for share in p)
        start = time.perf_counter()
        with urllib.request.urlopen(f"{url}/mix?p={ratio}&n=5000") as answer:  # noqa: S310
            json.load(answer)
        took.append(1000 * (time.perf_counter() - start))
    return took[3:]  # the first read the files


def said(what: str, sample: list[float], bar: float) -> str:
    """Return a line with median, 95th percentile and worst, beside the bar."""
    middle = statistics.median(sample)
    verdict = "" if middle <= bar else f" - **above the bar of {bar} ms**"
    return (
        f"{what}: median **{middle:.0f} ms**, 95th percentile {np.percentile(sample, 95):.0f} ms, "
        f"worst {max(sample):.0f} ms{verdict}"
    )


def measure(server: Server, projection: Projection, moves: int, requests: int) -> list[str]:
    """Measure the page of a projection; return lines of Markdown."""
    took = answers(f"{server.url}/assay/projections/{projection.id}", projection, requests)
    lines = [said(f"answer about a mix, {len(took)} requests", took, ANSWER_BAR_MS)]
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{server.url}/mixture?projection={projection.id}&images=5000")
        page.locator(".mixture[data-state=ready][data-shown]").wait_for()
        page.wait_for_timeout(3000)
        share = page.locator(".source input[type=range]").first
        took = moved(page, share, moves, first=11.3, last=88.7)
        lines.append(said(f"a share moved, {moves} moves", took, MOVED_BAR_MS))
        took = moved(page, page.locator(".size-slider"), moves, first=210, last=890)
        lines.append(said(f"the size moved, {moves} moves", took, MOVED_BAR_MS))
    return lines


def main() -> None:
    """Make the projections, measure, print, and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=60)
    parser.add_argument("--requests", type=int, default=50)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    parts = [f"{ABOUT} The images: {embeddings()[2]}."]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        made = [make(server.home, spec(Path(folder), m)) for m in SOURCES]
        server.start()
        try:
            for projection in made:
                lines = measure(server, projection, options.moves, options.requests)
                parts.append(f"{heading(projection)}\n\n" + "\n".join(f"- {one}" for one in lines))
                print(parts[-1], flush=True)
        finally:
            server.stop()
    write_report(options.out, "The page of mixtures in a browser", __file__, parts)


def make(home: Path, wanted: ProjectionSpec) -> Projection:
    """Run a projection in `home`, and say how long it took."""
    (made, _), seconds = timed(lambda: run_projection(wanted, home))
    print(f"{len(wanted.sources)} sources projected in {seconds:.0f} s", flush=True)
    return made


def heading(projection: Projection) -> str:
    """Return a heading, and what the projection was made of."""
    record = projection.record
    return (
        f"## {len(record.offers)} sources\n\nPilots of {PILOT:,} against "
        f"{record.validation.images:,} images; {len(projection.predictors)} predictors fitted to "
        f"{record.models} models."
    )


if __name__ == "__main__":
    main()
