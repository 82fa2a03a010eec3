"""Names of every kind, from start to export: no script runs, texts are texts, exports are right."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from urllib.parse import parse_qs, quote, urlparse

import numpy as np
import pandas as pd
import pytest

from core.embedding import Layout, LayoutConfig
from core.runs import find_run, map_at_home
from tests.e2e.downloads import download
from tests.e2e.review import (
    becomes,
    expect,
    expect_chosen,
    known,
    open_review,
    settled,
    stood,
    wait_ready,
    wait_saved,
)

SCRIPT = '<img src=x onerror="window.__owned=1">'
MARKDOWN = "**bold** [link](javascript:window.__owned=1) `code` $x^2$ :red[r] :material/home:"
FORMULA = '=HYPERLINK("http://x.example/"&A1,"click")'
CLASSES = (SCRIPT, MARKDOWN, FORMULA, "../../class")
IDS = (
    f"{SCRIPT}.png",
    "<script>window.__owned=1</script>",
    "</style><svg onload=window.__owned=1>",
    MARKDOWN,
    'it\'s "quoted".png',
    "line\nbreak.png",
    "tab\tbed.png",
    "../../../etc/passwd",
    "/etc/passwd",
    "back\\slash\\..\\x",
    "\u202egnp.exe",
    "\u05e9\u05dc\u05d5\u05dd \u0639\u0627\u0644\u0645.png",
    "\U0001f98a e\u0301 \u00e9.png",
    "x" * 300,
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1:A9)",
    "%2e%2e%2fx",
    "?run=x&image=y#z",
    "${window.__owned=1}{{7*7}}",
    "'; DROP TABLE decisions; --",
)
N, M = 40, 16
VALUED_WITHIN_MS = 240_000
# Everything that a text must not have become, in the page and within its components.
CAME_ALIVE = """() => {
  const found = []
  const look = root => {
    found.push(...root.querySelectorAll(
      "img[src='x'], svg[onload], [onerror], a[href^='javascript:'], a[href='http://x.example/']"))
    for (const strong of root.querySelectorAll("strong, b")) {
      if (strong.textContent === "bold") found.push(strong)
    }
    for (const inner of root.querySelectorAll("*")) if (inner.shadowRoot) look(inner.shadowRoot)
  }
  look(document)
  return [window.__owned ?? null, ...found.map(element => element.outerHTML)]
}"""


def write(path, n, ids, seed):
    """Write a set of pictures, embeddings, and names as hostile as they come."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % len(CLASSES)
    given = labels.copy()
    given[::9] = (given[::9] + 1) % len(CLASSES)  # some are wrong
    np.savez(
        path,
        images=rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8),
        embeddings=4 * np.eye(4, 8)[labels] + 0.2 * rng.standard_normal((n, 8)),
        labels=given,
        ids=np.array([*ids, *(f"plain-{seed}-{i}" for i in range(n - len(ids)))]),
        class_names=np.array(CLASSES),
    )


def harmless(page):
    assert page.evaluate(CAME_ALIVE) == [None]


def visit(page, app, name, run_id, mark):
    page.goto(f"{app.url}/{name}?run={run_id}")
    page.get_by_text(mark).first.wait_for()
    settled(page)
    expect(page.locator("[data-testid=stException]")).to_have_count(0)
    harmless(page)


@pytest.mark.slow
def test_names_of_any_kind_go_from_start_to_export_and_stay_texts(
    new_page, app, tmp_path, monkeypatch
):
    folder = tmp_path / f"{MARKDOWN.replace('/', '')} <b onclick=x> {FORMULA[:9]}"
    folder.mkdir()
    write(folder / "train.npz", N, IDS, 1)
    write(folder / "validation.npz", M, [f"{SCRIPT}{i}" for i in range(3)], 2)
    page = new_page(f"{SCRIPT} **Eve**")

    run = value(page, app, folder)
    assert run.values["id"].tolist()[: len(IDS)] == list(IDS)
    assert run.class_names == CLASSES
    decide(page, app, run)
    labels = np.arange(N + M)
    spread = np.stack([np.cos(labels), np.sin(labels)], axis=1).astype(np.float32)
    layout = Layout(spread[:N], spread[N:], N + M)
    monkeypatch.setattr("core.runs.maps.lay_out", lambda *_: layout)
    map_at_home(run, app.home, LayoutConfig())
    look_around(page, app, run, tmp_path)
    take_out(page, app, run, tmp_path)


def value(page, app, folder):
    """Value the set from the first page on; return the run."""
    page.goto(app.url)
    for name in ("train", "validation"):
        field = page.locator(f".st-key-start__{name} input")
        field.fill(str(folder / f"{name}.npz"))
        field.press("Enter")
    page.locator(".st-key-start__check button").click()
    start = page.locator(".st-key-start__value button")
    start.wait_for()
    harmless(page)
    start.click()
    page.wait_for_url(re.compile(r"[?&]run=[0-9a-f]{16}"), timeout=VALUED_WITHIN_MS)
    page.get_by_text("Which classes are hurt most?").wait_for()
    harmless(page)
    return find_run(app.home, parse_qs(urlparse(page.url).query)["run"][0])


def decide(page, app, run):
    """Look at the hostile ids in Review: remove, relabel, note; each is found by its address."""
    ids = run.values["id"].tolist()
    open_review(page, app, run.id, image=quote(IDS[0]))
    page.locator(".inspector .name", has_text=IDS[0]).wait_for()
    page.locator(".inspector .why p").first.wait_for()
    page.keyboard.press("n")
    page.keyboard.insert_text(f"{FORMULA}{SCRIPT}{MARKDOWN}")
    page.keyboard.press("Enter")
    page.keyboard.press("l")
    page.keyboard.insert_text("<IMG")
    page.keyboard.press("Enter")
    page.locator(f'.tile[data-row="0"] .badge.relabel:has-text({json.dumps(SCRIPT)})').wait_for()
    wait_saved(page)
    page.keyboard.press("?")
    page.keyboard.press("Escape")
    page.keyboard.press("p")
    harmless(page)
    page.keyboard.press("p")
    found = page.evaluate(
        """async ([run, ids]) => {
          const store = globalThis.__assayReview.stores.get(run)
          return Promise.all(ids.map(id => store.rowOfId(id)))
        }""",
        [run.id, list(IDS)],
    )
    assert found == list(range(len(IDS)))
    for row in (5, 7, 13):
        open_review(page, app, run.id, image=quote(IDS[row], safe=""))
        expect_chosen(page, row)
        becomes(page.locator(".inspector .name").text_content, ids[row])
        page.keyboard.press("r")
    wait_saved(page)
    page.keyboard.press("Space")
    page.locator("dialog.zoom[open] img").wait_for()
    harmless(page)
    page.keyboard.press("Escape")
    filtered = {"class": SCRIPT, "like": MARKDOWN, "find": SCRIPT, "by": f"{SCRIPT} **Eve**"}
    for name, text in filtered.items():
        page.goto(f"{app.url}/review?run={run.id}&{name}={quote(text, safe='')}")
        page.locator(".review[data-state=ready]").wait_for()
        harmless(page)
    page.locator(".tally", has_text=f"4 of {N} images, decided by {SCRIPT} **Eve**").wait_for()
    page.goto(f"{app.url}/review?run={run.id}")
    wait_ready(page)
    becomes(lambda: known(page, run.id), stood(app.decisions(run)))
    assert stood(app.decisions(run))[0] == ("relabel", SCRIPT, False)


def look_around(page, app, run, folder):
    """Open the other pages, and give Detection a truth file as hostile."""
    visit(page, app, "overview", run.id, "How far is the review?")
    visit(page, app, "classes", run.id, "Which classes look like which?")
    for name in CLASSES:  # a chart would take some of them for markup, and drop it
        page.locator(".st-key-classes__heatmap .ytick").get_by_text(name, exact=True).wait_for()
    page.goto(f"{app.url}/map?run={run.id}")
    page.locator(".map[data-state=ready][data-drawn]").wait_for()
    page.locator(".mode").select_option("label")
    page.locator(".entry", has_text=SCRIPT).click()
    page.locator(".picked .tile").first.wait_for()
    harmless(page)
    truth = folder / f"truth {SCRIPT.replace('/', '')}.csv"
    pd.DataFrame({"id": run.values["id"][::9], "fault": [SCRIPT, MARKDOWN] * 2 + [FORMULA]}).to_csv(
        truth, index=False
    )
    visit(page, app, "detection", run.id, "Known faults")
    path = page.locator(".st-key-detection__path input")
    path.fill(str(truth))
    path.press("Enter")
    page.get_by_text("How many faults are found, and how soon?").wait_for()
    harmless(page)
    visit(page, app, "detection", quote(SCRIPT), "Open another run")


def take_out(page, app, run, folder):
    """Export in the browser and read back."""
    visit(page, app, "export", run.id, "Write to a folder")
    ids = run.values["id"].tolist()
    files = download(page, "csv")
    rows = list(csv.DictReader(io.StringIO(files["decisions.csv"].decode(), newline="")))
    assert not [cell for row in rows for cell in row.values() if cell[:1] in set("=+@\t\r")]
    assert [row["id"].removeprefix("'") for row in rows] == [i.removeprefix("'") for i in ids]
    exact = json.loads(download(page, "json")["decisions.json"])
    assert [row["id"] for row in exact] == ids
    assert exact[0]["new_label"] == SCRIPT
    assert exact[0]["note"] == f"{FORMULA}{SCRIPT}{MARKDOWN}"
    assert exact[0]["reviewer"] == f"{SCRIPT} **Eve**"
    assert {row["id"] for row in exact if not row["kept"]} == {IDS[5], IDS[7], IDS[13]}
    nul = download(page, "lists-nul")
    assert {i.decode() for i in nul["remove.nul"].split(b"\0") if i} == {IDS[5], IDS[7], IDS[13]}

    target = folder / f"out {SCRIPT.replace('/', '')}"
    page.locator(".st-key-export__folder input").fill(str(target))
    page.locator(".st-key-export__write button").click()
    page.get_by_text("Written to").wait_for()
    harmless(page)
    placed = [path for path in target.rglob("*") if path.is_file()]
    assert all(path.resolve().is_relative_to(target.resolve()) for path in placed)
    assert len([path for path in placed if path.suffix == ".png"]) == N - 3
    assert not Path(folder.parent / "class").exists()
    manifest = pd.read_parquet(target / "manifest.parquet")
    assert set(manifest["id"]) == set(ids) - {IDS[5], IDS[7], IDS[13]}
    assert set(manifest["label"]) == set(CLASSES)
