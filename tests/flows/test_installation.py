"""A process outlives its working directory, and notices that its code is gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flows import installation


def test_relative_settings_keep_their_meaning_when_the_working_directory_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = "sqlite+aiosqlite:///runs/prefect.db?timeout=3"
    given = {
        "PREFECT_HOME": "home", "PREFECT_LOCAL_STORAGE_PATH": "$PREFECT_HOME/x", "PREFECT_PROFILES_PATH": "/etc/p.toml",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": relative,
        "PREFECT_API_DATABASE_CONNECTION_URL": "postgresql+asyncpg://me@db.example/prefect",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    installation.make_paths_absolute()
    installation.leave_working_directory()
    assert Path.cwd() == Path("/")
    assert {name: os.environ[name] for name in given} == given | {
        "PREFECT_HOME": f"{tmp_path}/home",
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": f"sqlite+aiosqlite:///{tmp_path}/runs/prefect.db?timeout=3",
    }


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////var/p.db", "sqlite+aiosqlite:///:memory:",
                                 "sqlite+aiosqlite:///file::memory:?cache=shared&uri=true"])  # fmt: skip
def test_absolute_files_and_databases_in_memory_are_left_alone(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_DATABASE_CONNECTION_URL", url)
    installation.make_paths_absolute()
    assert os.environ["PREFECT_API_DATABASE_CONNECTION_URL"] == url


def test_code_that_is_missing_for_a_moment_does_not_count_as_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code.py"
    present = [True, False, False, True, False, False, False]
    checked: list[bool] = []
    monkeypatch.setattr(Path, "exists", lambda _: present[len(checked) - 1])
    monkeypatch.setattr(installation.time, "sleep", lambda _: checked.append(True))
    gone: list[Path] = []
    installation.watch([code], gone.append)
    assert gone == [code] and len(checked) == len(present)


def test_what_each_run_needs_is_watched() -> None:
    assert [path.name for path in installation.code()][1:] == ["__init__.py", "__init__.py"]
    assert [path.parent.name for path in installation.code()][1:] == ["flows", "prefect"]
    assert all(path.exists() for path in installation.code())
