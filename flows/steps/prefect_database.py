"""Prefect's database file: where it is, and why the installed Prefect can't use it; Prefect is not imported.

Prefect's own server finds most of this out after half a minute or more, and says it in its log only. The database is a
SQLite file below PREFECT_HOME, unless a setting names another one, or PostgreSQL, of which nothing is checked here.
"""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flows.steps.settings import flat
from schemas.errors import ProjectError

MINIMUM_BYTES = 20_000_000  # a new database takes 1.5 MB
ELSEWHERE = "name another folder with PREFECT_HOME"
_REVISION = re.compile(r"^revision\s*=\s*['\"](\w+)['\"]", re.MULTILINE)


class DatabaseFault(ProjectError):
    """Prefect's database can't be used."""


def database_file() -> Path | None:
    """The SQLite file of a server on this machine; None for PostgreSQL and for a database in memory."""
    settings = _prefect_settings()

    def database(name: str) -> str:
        return settings.get(f"PREFECT_SERVER_DATABASE_{name}") or settings.get(f"PREFECT_API_DATABASE_{name}") or ""

    url = database("CONNECTION_URL")
    if url:
        path = url.partition(":///")[2].partition("?")[0]
        return Path(path).absolute() if url.startswith("sqlite") and path and ":memory:" not in path else None
    if database("DRIVER").startswith("postgresql"):
        return None
    named = database("NAME") if database("DRIVER") else ""
    return Path(named).absolute() if named else home(settings) / "prefect.db"


def _prefect_settings() -> dict[str, str]:
    """Prefect's settings of the environment, of prefect.toml in the working directory, and of the active profile."""
    project = dict(flat(_toml(Path("prefect.toml")), "PREFECT"))
    given = project | dict(os.environ)
    profiles = _toml(Path(given.get("PREFECT_PROFILES_PATH") or home(given) / "profiles.toml").expanduser())
    active = given.get("PREFECT_PROFILE") or profiles.get("active")
    profile = profiles.get("profiles", {}).get(active, {})
    return {name: str(value) for name, value in profile.items()} | given


def home(settings: Mapping[str, str]) -> Path:
    """Prefect's home folder by these variables."""
    return Path(settings.get("PREFECT_HOME") or "~/.prefect").expanduser().absolute()


def _toml(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return tomllib.loads(file.read_text(encoding="utf-8"))
    return {}


def require_usable(file: Path | None) -> None:
    """Raise DatabaseFault for a database with which the installed Prefect's server can't work; takes milliseconds."""
    if file is None:
        return
    folder = file.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or file.is_dir():
        raise DatabaseFault(f"{_named(file)} can't be a file there. Move away what is in the way, or {ELSEWHERE}.")
    for place in (folder, file):
        if place.exists() and not os.access(place, os.W_OK):
            raise DatabaseFault(
                f"{_named(file)}: this user may not write to {place}. Make it writable, or {ELSEWHERE}."
            )
    free = shutil.disk_usage(folder).free
    if free < MINIMUM_BYTES:
        raise DatabaseFault(
            f"{_named(file)} can't be written: its disk has {free / 1e6:.1f} MB left, and {MINIMUM_BYTES / 1e6:.0f} MB "
            f"are needed. Free some space, or {ELSEWHERE}."
        )
    if not file.exists():
        return
    found, known = schema_version(file), known_versions()
    if found and known and found not in known:
        raise DatabaseFault(
            f"{_named(file)} has the schema version {found}, which the installed Prefect {version('prefect')} does not "
            f"know: a newer Prefect wrote it. Install that one, or {ELSEWHERE}."
        )


def schema_version(file: Path) -> str | None:
    """The version of the schema of a database; None for an empty one. Raises DatabaseFault where it can't be read."""
    with _opened(file) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        if "alembic_version" in tables:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            return str(row[0]) if row else None
    if tables:
        raise DatabaseFault(f"{_named(file)} is another program's: it has no table alembic_version. Move it away.")
    return None


def require_undamaged(file: Path) -> None:
    """Read the whole database. Raises DatabaseFault where it is damaged."""
    with _opened(file) as connection:
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise _damaged(file, found)


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection, which leaves no file behind. Raises DatabaseFault."""
    # Without a write-ahead log nobody has the database open; a connection that is not immutable would make one.
    immutable = "" if file.with_name(f"{file.name}-wal").exists() else "&immutable=1"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro{immutable}", uri=True)) as connection:
            yield connection
    except sqlite3.OperationalError as error:
        advice = "End the program that locks it" if "locked" in str(error) else "Make it readable"
        raise DatabaseFault(f"{_named(file)} can't be read ({error}). {advice}, or {ELSEWHERE}.") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(file, str(error)) from error


def _damaged(file: Path, reason: str) -> DatabaseFault:
    return DatabaseFault(
        f"{_named(file)} is damaged ({' '.join(reason.split())[:200]}). Move it away: Prefect makes a new one, and "
        "only the history of the runs is lost."
    )


def _named(file: Path) -> str:
    return f"Prefect's database {file}"


def known_versions() -> frozenset[str]:
    """The schema versions of the installed Prefect's migrations for SQLite."""
    spec = find_spec("prefect")
    folders = [Path(place) for place in (spec and spec.submodule_search_locations) or ()]
    files = [file for folder in folders for file in folder.glob("server/database/_migrations/versions/sqlite/*.py")]
    return frozenset(found for file in files for found in _REVISION.findall(file.read_text(encoding="utf-8")))
