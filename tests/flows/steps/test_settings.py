"""The settings of this project: defaults, blank values, secrets, wrong values."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests_shared import CATALOGUE

from flows.cli.main import app
from flows.steps.settings import PREFIX, Settings


def test_a_blank_variable_counts_as_unset_and_a_secret_is_not_in_the_text(monkeypatch: pytest.MonkeyPatch) -> None:
    for one in fields(Settings):
        monkeypatch.setenv(f"{PREFIX}{one.name.upper()}", " ")
    assert Settings.read() == Settings()
    monkeypatch.setenv("PEACEKEEPING_NOTIFY_URL", " https://hooks.example/hunter2 ")
    assert Settings.read().notify_url == "https://hooks.example/hunter2" and "hunter2" not in repr(Settings.read())


def test_the_publishers_variables_are_settings() -> None:
    variables = {source.publisher.environment for source in CATALOGUE.values() if source.live}
    variables |= {source.reports.publisher.environment for source in CATALOGUE.values() if source.reports}
    assert variables == {f"{PREFIX}{one.name.upper()}" for one in fields(Settings) if one.name.endswith("_url")} - {
        "PEACEKEEPING_NOTIFY_URL"
    }


def test_a_wrong_data_folder_is_2_and_says_what_is_wrong(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("gone")
    unusable = "DuckDB opens no path with ?, *, [ or a backslash, and control characters are not allowed."
    for folder, message in {
        "~no-such-user/data": "PEACEKEEPING_DATA is '~no-such-user/data', which names an unknown user's home.",
        "/a?b": f"PEACEKEEPING_DATA is '/a?b', which contains '?'. {unusable} Name another folder.",
        "/a\nb": f"PEACEKEEPING_DATA is '/a\\nb', which contains '\\n'. {unusable} Name another folder.",
        **{f"/{sign}": unusable for sign in ("*", "[a]", "\\", "a\x1bb")},
        "/\udcff": "PEACEKEEPING_DATA is b'/\\xff', which is no UTF-8 text.",
        f"{tmp_path}/file": f"PEACEKEEPING_DATA is {tmp_path}/file, which is a file. Name a folder.",
        f"{tmp_path}/link/data": f"{tmp_path}/link is a link to gone, which is not there. Mount or make that folder",
    }.items():
        monkeypatch.setenv("PEACEKEEPING_DATA", folder)
        done = CliRunner().invoke(app, ["status"])
        assert done.exit_code == 2, folder
        assert done.stderr.startswith("error: ") and message in done.stderr and done.stderr.count("\n") == 1
