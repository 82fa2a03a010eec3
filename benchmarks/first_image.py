"""How long a newcomer waits: from "the app is up" to the first ranked image of the sample.

Measured in a headless Chromium with an empty state folder, so the embedding is learned and the
sample is valued on the way (bar: 45 s on two cores); then again, with the run finished before
(bar: 3 s).

    python benchmarks/first_image.py
"""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(REPO))

from tests.e2e.conftest import CHROMIUM_ARGS, Server

WAIT_MS = 600_000


def seconds_to_first_image(browser: Any, url: str) -> float:
    """Click "Try the sample" as a new visitor and wait for the worst image to be on the screen."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    started = time.perf_counter()
    page.goto(url)
    page.locator(".st-key-start__sample button").click()
    page.wait_for_url(re.compile(r"[?&]run=[0-9a-f]{16}"), timeout=WAIT_MS)
    # The overview shows the worst images; it is where a finished run leads.
    page.wait_for_function(
        "() => [...document.images].some(i => i.src.includes('/images/train/') && i.naturalWidth)",
        timeout=WAIT_MS,
    )
    seconds = time.perf_counter() - started
    context.close()
    return seconds


def main() -> None:
    """Measure and print."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=CHROMIUM_ARGS
        )
        server = Server(Path(folder))
        server.start()
        try:
            print(f"valued on the way: {seconds_to_first_image(browser, server.url):.1f} s")
            print(f"run finished before: {seconds_to_first_image(browser, server.url):.1f} s")
        finally:
            server.stop()
            browser.close()


if __name__ == "__main__":
    main()
