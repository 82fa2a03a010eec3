from __future__ import annotations

from pathlib import Path

import pytest

from core.cli import main
from core.errors import ConfigError
from core.paths import absolute_path

NOBODY = "~nobody-of-this-name/data"


def test_a_relative_path_is_one_of_the_working_folder(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    assert absolute_path("data/train") == tmp_path / "data" / "train"


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert absolute_path("~/data") == tmp_path / "data"


def test_the_home_of_nobody_is_a_sentence() -> None:
    with pytest.raises(ConfigError, match="no user of that name"):
        absolute_path(NOBODY)


def test_a_tilde_without_a_home_is_not_taken_for_a_user(monkeypatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("pwd.getpwuid", nobody)
    for text in ("~", "~/data"):
        with pytest.raises(ConfigError, match="there is no home folder here"):
            absolute_path(text)
    with pytest.raises(ConfigError, match="no user of that name"):
        absolute_path(NOBODY)


@pytest.mark.parametrize(
    "arguments",
    [
        ["inspect", NOBODY],
        ["value", "--train", NOBODY, "--val", "sample:val", "--out", "new"],
        ["evaluate", "--run", NOBODY, "--truth", "sample", "--out", "new.json"],
        ["compare", "--train", "sample:train", "--val", "sample:val", "--truth", NOBODY],
        ["project", "--config", NOBODY],
    ],
)
def test_no_command_crashes_on_it(arguments, capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    assert main(arguments) in (1, 2)
    assert "no user of that name" in capsys.readouterr().err
