"""Prefect's database: which file it is, and each reason for which the installed Prefect can't use it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from flows.steps import prefect_database
from flows.steps.prefect_database import DatabaseFault, database_file, known_versions, require_usable


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("PREFECT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


@pytest.fixture
def file(home: Path) -> Path:
    """A database with the schema version of the installed Prefect, and one table with rows."""
    made = home / "prefect.db"
    with closing(sqlite3.connect(made)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num VARCHAR(32))")
        connection.execute("INSERT INTO alembic_version VALUES (?)", [newest()])
        connection.execute("CREATE TABLE run (name TEXT)")
        connection.executemany("INSERT INTO run VALUES (?)", [["x" * 200]] * 500)
    return made


def newest() -> str:
    """The version of the newest migration of the installed Prefect, by the date in its file's name."""
    import prefect.server.database as package

    folder = Path(str(package.__file__)).parent / "_migrations" / "versions" / "sqlite"
    return sorted(path.name for path in folder.glob("2*.py"))[-1].split("_")[4]


def set_version(file: Path, version: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", [version])


def test_the_file_is_the_one_that_prefects_settings_name(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def by_prefect() -> str:
        from prefect.settings.models.root import Settings

        return str(Settings().server.database.connection_url.get_secret_value())  # type: ignore[union-attr]

    def is_sqlite(path: str | Path) -> None:
        assert database_file() == Path(path) and by_prefect().endswith(f":///{path}")

    is_sqlite(home / "prefect.db")
    (home / "profiles.toml").write_text(
        f'active = "a"\n[profiles.a]\nPREFECT_API_DATABASE_CONNECTION_URL = "sqlite+aiosqlite:///{home}/of_profile.db"\n'
    )
    is_sqlite(home / "of_profile.db")
    Path("prefect.toml").write_text(f'[server.database]\nconnection_url = "sqlite+aiosqlite:///{home}/of_folder.db"\n')
    is_sqlite(home / "of_folder.db")
    monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", f"sqlite+aiosqlite:///{home}/of_shell.db?timeout=3")
    assert database_file() == home / "of_shell.db"
    for url in ("postgresql+asyncpg://me:secret@db.example/prefect", "sqlite+aiosqlite:///:memory:"):
        monkeypatch.setenv("PREFECT_SERVER_DATABASE_CONNECTION_URL", url)
        assert database_file() is None


def test_a_good_database_and_a_missing_or_older_one_can_be_used_and_nothing_is_written(file: Path) -> None:
    require_usable(file)
    prefect_database.require_undamaged(file)
    assert prefect_database.schema_version(file) == newest()
    set_version(file, sorted(known_versions() - {newest()})[0])
    require_usable(file)
    assert [path.name for path in file.parent.iterdir()] == ["prefect.db"]
    require_usable(file.with_name("missing.db"))
    require_usable(file.parent / "missing" / "folder" / "prefect.db")
    file.with_name("empty.db").write_bytes(b"")
    require_usable(file.with_name("empty.db"))
    require_usable(None)


def newer(file: Path) -> None:
    set_version(file, "0123456789ab")


def no_database(file: Path) -> None:
    file.write_bytes(os.urandom(10_000))


def cut_off(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.truncate(8192)


def of_another_program(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DROP TABLE alembic_version")


def a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (newer, "has the schema version 0123456789ab, which the installed Prefect 3.* does not know"),
        (no_database, "is damaged .file is not a database"),
        (cut_off, "is damaged"),
        (of_another_program, "is another program's"),
        (a_folder, "can't be a file there"),
    ],
)
def test_a_database_that_prefect_can_not_use_is_named(
    break_it: Callable[[Path], None], reason: str, file: Path
) -> None:
    break_it(file)
    with pytest.raises(DatabaseFault, match=reason) as raised:
        require_usable(file)
        prefect_database.require_undamaged(file)
    assert str(file) in str(raised.value)


def test_a_damaged_page_is_found_by_reading_the_whole_file(file: Path) -> None:
    with file.open("r+b") as opened:
        opened.seek(4096 * 10)
        opened.write(b"\xff" * 4096)
    require_usable(file)
    with pytest.raises(DatabaseFault, match="is damaged"):
        prefect_database.require_undamaged(file)


def test_a_full_disk_and_a_read_only_folder_are_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(prefect_database.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1_000_000}))
        with pytest.raises(DatabaseFault, match=r"its disk has 1\.0 MB left"):
            require_usable(file)
    monkeypatch.setattr(prefect_database.os, "access", lambda place, _: place != file.parent)
    with pytest.raises(DatabaseFault, match=f"this user may not write to {file.parent}"):
        require_usable(file)
