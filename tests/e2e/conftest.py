"""A real server and a real browser."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zlib
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from core.curation import DecisionStore, RunDecisions
from core.runs import Run
from tests.postgres import PostgresServer

REPO = Path(__file__).resolve().parents[2]
STARTS_WITHIN_S = 180
# A wait ends when what is waited for is there. What bounds it is for what never comes, and far
# above what any machine takes that has other work to do: no test measures time.
WAITS_MS = 90_000
PAGES = pytest.StashKey[list[Any]]()  # the tabs that a test has opened
PORTS = range(20_000, 32_000)  # below those that a system gives to outgoing connections
CHROMIUM_ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# The review asks for a name once in a browser; in most tests that has been done.
NAMED = """
try {
  localStorage.getItem("assay.reviewer") ?? localStorage.setItem("assay.reviewer", '"reviewer"')
} catch {} // about:blank has no storage
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder drives a browser."""
    for item in items:
        if Path(item.path).is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.e2e)


def free_port() -> int:
    """Return a port that is free now, and that nobody is given who asks for any."""
    while True:
        port = PORTS[secrets.randbelow(len(PORTS))]
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Server:
    """The app with a port and a state folder of its own; it can be killed and started again.

    database : URL of the decisions, where they are not in the state folder
    """

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.home = folder / "assay-home"
        self.home.mkdir(parents=True, exist_ok=True)
        self.database = database or f"sqlite:///{self.home / 'assay.db'}"
        self.log = folder / "server.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, where it does not run already, and wait until it answers."""
        if self._process is not None and self._process.poll() is None:
            return
        command = [
            *(sys.executable, "-m", "streamlit", "run", str(REPO / "app.py")),
            *("--server.port", str(self.port), "--server.headless", "true"),
            *("--server.fileWatcherType", "none", "--browser.gatherUsageStats", "false"),
        ]
        with self.log.open("ab") as log:  # a pipe that nobody reads would block the server
            self._process = subprocess.Popen(
                command,
                cwd=REPO,
                env={
                    **os.environ,
                    "ASSAY_HOME": str(self.home),
                    "ASSAY_DATABASE": self.database,
                },
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + STARTS_WITHIN_S
        while not self._healthy():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The server did not start:\n{self.log.read_text()}")
            time.sleep(0.1)

    def _healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=10) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def store(self) -> DecisionStore:
        """Open the log of decisions beside the server."""
        return DecisionStore(self.database)

    def decisions(self, run: Run) -> RunDecisions:
        """Return what is decided about `run`, read anew from the database."""
        return RunDecisions(self.store(), run)

    def peak_bytes(self) -> int:
        """Return the largest resident size that the server's process has had."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def kill(self) -> None:
        """Send SIGKILL: the server has no chance to save anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.wait(timeout=WAITS_MS / 1000)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    yield from _running(Server(tmp_path))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """A number that no other test has: of the run that is its own on a server shared by all."""
    return zlib.crc32(request.node.nodeid.encode()) % 1_000_000


@pytest.fixture(scope="session")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for tests that each make a run of their own, of their own `seed`."""
    yield from _running(Server(tmp_path_factory.mktemp("app")))


@pytest.fixture(scope="session")
def app_on_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer
) -> Iterator[Server]:
    """The same, with the decisions on a PostgreSQL server."""
    yield from _running(Server(tmp_path_factory.mktemp("app"), postgres.new_database()))


def _running(started: Server) -> Iterator[Server]:
    started.start()
    yield started
    started.stop()
    assert "Traceback" not in started.log.read_text()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        pytest.skip("chromium is not installed (Debian: apt install chromium)")
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=path, args=CHROMIUM_ARGS)
        yield opened
        opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say beside a failure what its pages showed: on a busy machine it may not come again."""
    report = yield
    if report.when == "call" and report.failed:
        for number, page in enumerate(item.stash.get(PAGES, [])):
            report.sections.append((f"Page {number}", _shown(page)))
    return report


def _shown(page: Any) -> str:
    """Return the address of a page and the beginning of its text."""
    try:
        text = page.evaluate("document.body.innerText")
        state = page.locator("[data-testid=stApp]").get_attribute(
            "data-test-script-state", timeout=1000
        )
    except Exception as error:  # closed, or leaving: whatever it is, the test's own error counts
        return f"{page.url}\n{error}"
    return f"{page.url} ({state})\n{text[:2000]}"


@pytest.fixture
def new_page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Callable[..., Any]]:
    """Open tabs of 1440 x 900 pixels, each in a profile of its own, worked by `reviewer`.

    None is somebody whom the page does not know yet. A script error in any of them fails the test.
    """
    contexts: list[Any] = []
    errors: list[str] = []

    def opened(reviewer: str | None = "reviewer") -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
        if reviewer is not None:
            name = json.dumps(json.dumps(reviewer))
            context.add_init_script(NAMED.replace("'\"reviewer\"'", name))
        context.set_default_timeout(WAITS_MS)
        context.on("weberror", lambda problem: errors.append(str(problem.error)))
        contexts.append(context)
        page = context.new_page()
        request.node.stash.setdefault(PAGES, []).append(page)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    """A tab of the reviewer called "reviewer"."""
    return new_page()
