"""The log: in order, once each, and whole, whatever happens to who writes it or keeps it."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from core.curation import DecisionStore, NewStroke, RunDecisions, TakeBack, open_store
from core.errors import ConfigError, StoreError
from core.runs import Run
from tests.postgres import PostgresServer

REPO = Path(__file__).resolve().parents[3]


def test_one_process_opens_one_store_for_a_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ASSAY_DATABASE", raising=False)
    assert open_store(tmp_path) is open_store(tmp_path)
    assert (tmp_path / "assay.db").is_file()


def test_the_environment_may_name_another_database(
    tmp_path: Path, url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ASSAY_DATABASE", url)
    store = open_store(tmp_path / "home")
    RunDecisions(store, run).record([NewStroke(event_id="e", rows=[1], verdict="keep")])
    assert not (tmp_path / "home").exists()
    assert RunDecisions(DecisionStore(url), run).counts()["keep"] == 1


@pytest.mark.parametrize("text", ["no url", "mysql://me:secret@host/assay", "postgresql://h:x:y/d"])
def test_what_is_no_database_is_refused_without_showing_a_password(text: str) -> None:
    with pytest.raises(ConfigError, match="postgresql://name:password@host:5432/assay") as refused:
        DecisionStore(text)
    assert "secret" not in str(refused.value)


def test_a_server_that_cannot_be_reached_is_named_without_the_password(tmp_path: Path) -> None:
    nowhere = f"postgresql://me:secret@/assay?host={tmp_path}"
    with pytest.raises(StoreError) as refused:
        DecisionStore(nowhere)
    said = str(refused.value)
    assert "me:***@" in said and "ASSAY_DATABASE" in said and "secret" not in said
    assert "\n" not in said


def test_a_file_that_is_no_database_is_said_to_be_unreadable(tmp_path: Path) -> None:
    (tmp_path / "assay.db").write_bytes(b"not a database" * 100)
    with pytest.raises(StoreError, match=r"assay\.db cannot be read or written"):
        DecisionStore(f"sqlite:///{tmp_path / 'assay.db'}")


def test_the_log_in_memory_grows_to_what_reading_it_anew_gives(url: str, run: Run) -> None:
    old, writer = DecisionStore(url), RunDecisions(DecisionStore(url), run)
    for number in range(4):
        made = NewStroke(
            event_id=f"e{number}", rows=[number, 5], verdict="keep", note="n" * number or None
        )
        writer.record(
            [made, TakeBack(event_id=f"u{number}", undoes=f"e{number - 1}")][: number + 1]
        )
        grown, fresh = old.log(), DecisionStore(url).log()
        for name in ("seq", "event", "content", "says", "note", "value", "at", "undoes"):
            assert getattr(grown, name).tolist() == getattr(fresh, name).tolist()
        for name in ("image", "verdict", "reviewer", "stroke", "given", "run", "was_verdict"):
            left, right = getattr(grown, name), getattr(fresh, name)
            assert grown.words.texts(left) == fresh.words.texts(right)
    assert len(old.log()) == 14


def test_a_backup_that_was_put_back_is_noticed(tmp_path: Path, run: Run) -> None:
    path = tmp_path / "assay.db"
    decisions = RunDecisions(DecisionStore(f"sqlite:///{path}"), run)
    decisions.record([NewStroke(event_id="kept", rows=[1], verdict="keep")])
    with sqlite3.connect(path) as connection, sqlite3.connect(tmp_path / "backup.db") as backup:
        connection.backup(backup)
    decisions.record([NewStroke(event_id="lost", rows=[2], verdict="keep")])
    assert decisions.counts()["keep"] == 2
    with sqlite3.connect(path) as connection, sqlite3.connect(tmp_path / "backup.db") as backup:
        backup.backup(connection)
    assert decisions.current()["row"].tolist() == [1]
    decisions.record([NewStroke(event_id="lost", rows=[3], verdict="keep")])
    assert decisions.current()["row"].tolist() == [1, 3]


def test_what_could_not_be_committed_is_not_remembered(url: str, run: Run) -> None:
    store = DecisionStore(url)
    decisions = RunDecisions(store, run)
    made = [NewStroke(event_id="e", rows=[1, 2], verdict="keep")]
    row = {"dataset": "d", "image_id": "i", "verdict": "remove", "reviewer": "Ada"}
    with pytest.raises(ZeroDivisionError), store.writing() as log:
        log.append([{**row, "event_id": "e"}, {**row, "event_id": "f"}])
        assert log.view.find("e") == 0
        raise ZeroDivisionError
    with pytest.raises(StoreError), store.writing() as log:
        log.append([{**row, "event_id": "e"}, {**row, "event_id": "e"}])
    assert len(store.log()) == 0
    assert store.log().find("e") == -1
    assert decisions.record(made).saved == 1
    assert decisions.counts()["keep"] == 2


def test_threads_share_one_store(url: str, run: Run) -> None:
    store = DecisionStore(url)

    def write(thread: int) -> None:
        decisions = RunDecisions(store, run)
        for number in range(10):
            made = NewStroke(
                event_id=f"{thread}-{number}", rows=[10 * thread + number], verdict="keep"
            )
            assert decisions.record([made]).saved == 1
            assert 10 * thread + number in decisions.current()["row"].tolist()

    threads = [threading.Thread(target=write, args=(thread,)) for thread in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert RunDecisions(store, run).counts()["keep"] == 60


# -- killed --------------------------------------------------------------------------------------

# Decides rows 0, 1, 2, ... in turn and prints the number of each decision once it is confirmed;
# what could not be saved is recorded again, as a browser would.
WRITER = """
import sys, time
from pathlib import Path
from core.curation import DecisionStore, NewStroke, RunDecisions
from core.errors import StoreError
from core.runs import open_run
url, run, name, count = sys.argv[1:5]
decisions = RunDecisions(DecisionStore(url), open_run(Path(run)))
for number in range(int(count)):
    made = NewStroke(event_id=f"{name}-{number}", rows=[number % 60], reviewer=name,
                     verdict=["keep", "remove"][number % 2])
    while True:
        try:
            assert decisions.record([made]).saved == 1
            break
        except StoreError:
            time.sleep(0.05)
    print(number, flush=True)
"""


def start_writer(url: str, run: Run, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, url, str(run.path), name, str(count)],
        cwd=REPO,
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(writer: subprocess.Popen[str], number: int) -> None:
    assert writer.stdout is not None
    for line in writer.stdout:
        if int(line) == number:
            return
    raise AssertionError("the writer ended early")


def test_sigkill_of_a_writer_loses_nothing_that_it_confirmed(url: str, run: Run) -> None:
    writer = start_writer(url, run, "w", 10**6)
    wait_for(writer, 50)
    os.kill(writer.pid, signal.SIGKILL)
    assert writer.stdout is not None
    confirmed = max([50, *(int(line) for line in writer.stdout.read().split())])
    writer.wait()
    written = DecisionStore(url).log().event.tolist()
    assert written[: confirmed + 1] == [f"w-{number}" for number in range(confirmed + 1)]
    assert len(written) <= confirmed + 2  # at most one was written and not yet confirmed


@pytest.mark.parametrize("end", ["stop_at_once", "kill"])
def test_the_end_of_the_server_loses_nothing_that_was_confirmed(
    postgres: PostgresServer, run: Run, end: str
) -> None:
    url = postgres.new_database()
    reader = DecisionStore(url)
    writer = start_writer(url, run, "w", 120)
    for number in (20, 60):
        wait_for(writer, number)
        getattr(postgres, end)()
        with pytest.raises(StoreError, match="Check that the server runs"):
            reader.log()
        postgres.start()
        # There before the writer can have gone on much: nothing confirmed is missing.
        assert f"w-{number}" in reader.log().event.tolist()
    writer.communicate(timeout=60)
    assert writer.returncode == 0
    assert reader.log().event.tolist() == [f"w-{number}" for number in range(120)]


def test_two_reviewers_decide_on_the_same_images_at_once_and_nothing_is_lost(
    url: str, run: Run
) -> None:
    DecisionStore(url).close()
    writers = [start_writer(url, run, name, 70) for name in ("Ada", "Ben")]
    for writer in writers:
        writer.communicate(timeout=120)
        assert writer.returncode == 0
    store = DecisionStore(url)
    view = store.log()
    for name in ("Ada", "Ben"):
        own = [event for event in view.event.tolist() if event.startswith(name)]
        assert own == [f"{name}-{number}" for number in range(70)], "all, in order, once"
    # Each row knows the one before it, across processes: nobody wrote on a stale view.
    decisions = RunDecisions(store, run)
    current = decisions.current().set_index("row")
    for row in range(60):
        history = decisions.history(row)
        assert history["before_verdict"].tolist() == ["clear", *history["verdict"][:-1]]
        assert current.loc[row, "verdict"] == history["verdict"].iloc[-1], "log and state agree"
    assert current["reviewers"].map(set).tolist() == [{"Ada", "Ben"}] * 60
