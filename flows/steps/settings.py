"""The environment variables of this project, the data folder, and Prefect's default settings.

Every command imports this module, so it is light: pydantic-settings alone would take longer than a whole `status`.
"""

from __future__ import annotations

import os
import re
import tomllib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zlib import crc32

from schemas.errors import UsageError

HERE = Path(__file__).parents[1]
PREFIX = "PEACEKEEPING_"
# In a path, DuckDB takes the first four for patterns or parameters, and no file name in a sentence may break its line.
UNUSABLE = re.compile(r"[?*\[\\\x00-\x1f\x7f]")
MEMORY = re.compile(r"\d{1,6}(\.\d+)? ?[KMGT]i?B|(100|\d\d?)%", re.IGNORECASE)


@dataclass(frozen=True)
class Paths:
    """The data folder and the paths in it."""

    data: Path

    @property
    def warehouse(self) -> Path:
        return self.data / "peacekeeping.duckdb"

    @property
    def raw(self) -> Path:
        return self.data / "raw"

    def target(self, as_of: date | None) -> Path:
        """The published warehouse, or the warehouse as of a day."""
        return self.warehouse if as_of is None else self.data / "as_of" / f"{as_of}.duckdb"

    @property
    def staged(self) -> Path:
        """The cache of staged snapshots; may be removed at any time."""
        return self.data / "staged"

    @property
    def work(self) -> Path:
        """Scratch space of runs; the next run removes what a killed one left."""
        return self.data / "work"

    def scratch_of(self, day: date) -> Path:
        """Scratch space of the build as of a day, on the file system of its target; a refresh does not touch it."""
        return self.data / "as_of" / f".{day}.work"

    def lock_of(self, day: date) -> Path:
        """The lock of a build as of a day."""
        return self.data / "as_of" / f".{day}.lock"

    @property
    def lock(self) -> Path:
        return self.data / ".writer.lock"


class SettingError(UsageError):
    """An environment variable of this project has a wrong value."""


@dataclass(frozen=True)
class Settings:
    """The environment variables of this project, each named PEACEKEEPING_ and the field; a blank one counts as unset.

    Values are validated where they are used: a wrong one then only affects what needs it.

    data           the data folder
    *_url          base addresses of the publishers: Peace & Security Data Hub, CEB, Committee on Contributions, monthly
                   reports; the declarations in sources/publishers.yaml name these variables and have their defaults
    task_runner    where mapped tasks run, threads or dask (flows.task_runners)
    dask_address   a Dask scheduler; without one a local cluster
    notify_url     the webhook that receives how a run ended (flows.hooks); a secret
    notify_on      failures, warnings (and failures) or always
    minute         the minute of the hour at which scheduled runs begin; by default one of this machine's own
    retention_days  how long the Prefect server keeps this project's runs (flows.retention); 0 keeps all
    query_memory   how much memory `peacekeeping query` may use
    """

    data: str = "data"
    psdata_url: str = ""
    ceb_url: str = ""
    contributions_url: str = ""
    reports_url: str = ""
    task_runner: str = "threads"
    dask_address: str = ""
    notify_url: str = field(default="", repr=False)
    notify_on: str = "failures"
    minute: str = ""
    retention_days: str = "180"
    query_memory: str = "25%"

    @classmethod
    def read(cls) -> Settings:
        """The settings in force now."""
        values = {one.name: os.environ.get(f"{PREFIX}{one.name.upper()}", "").strip() for one in fields(cls)}
        return cls(**{name: value for name, value in values.items() if value})


def paths() -> Paths:
    """The paths below PEACEKEEPING_DATA. Raises SettingError when no data folder can be there."""
    text = Settings.read().data
    try:
        data = Path(text).expanduser().absolute()
        str(data).encode()
    except RuntimeError:
        raise SettingError(f"{PREFIX}DATA is {text!r}, which names an unknown user's home.") from None
    except UnicodeEncodeError:
        raise SettingError(f"{PREFIX}DATA is {os.fsencode(data)!r}, which is no UTF-8 text.") from None
    unusable = UNUSABLE.search(str(data))
    if unusable:
        raise SettingError(
            f"{PREFIX}DATA is {str(data)!r}, which contains {unusable[0]!r}. DuckDB opens no path with ?, *, [ or a "
            "backslash, and control characters are not allowed. Name another folder."
        )
    for folder in (data, *data.parents):
        if folder.is_symlink() and not folder.exists():
            raise SettingError(
                f"{PREFIX}DATA is {data}, and {folder} is a link to {folder.readlink()}, which is not there. Mount or "
                "make that folder, or name another one."
            )
    if data.exists() and not data.is_dir():
        raise SettingError(f"{PREFIX}DATA is {data}, which is a file. Name a folder.")
    return Paths(data)


def query_memory(option: str | None) -> str:
    """How much memory a query may use, in DuckDB's terms: `option`, the command line's --memory, or else the setting.

    Raises SettingError when it is no size.
    """
    name, text = (f"{PREFIX}QUERY_MEMORY", Settings.read().query_memory) if option is None else ("--memory", option)
    if not MEMORY.fullmatch(text.strip()):
        raise SettingError(f"{name} is {text!r}; expected a size such as 500MB or 2GB, or a percentage such as 25%.")
    return text.strip()


def minute() -> int:
    """The minute of the hour at which scheduled runs begin: PEACEKEEPING_MINUTE, else one of this machine's own.

    A minute of its own spreads the requests of all users over the hour. Raises SettingError.
    """
    text = Settings.read().minute
    return _number("MINUTE", text, 59) if text else crc32(str(uuid.getnode()).encode()) % 60


def retention_days() -> int:
    """How many days the Prefect server keeps this project's runs; 0 keeps all. Raises SettingError."""
    return _number("RETENTION_DAYS", Settings.read().retention_days, 36_500)


def _number(name: str, text: str, most: int) -> int:
    if text.isascii() and text.isdecimal() and int(text) <= most:
        return int(text)
    raise SettingError(f"{PREFIX}{name} is {text!r}; it takes a number from 0 to {most:,}.")


def project_version() -> str:
    """The version of this project."""
    return version("peacekeeping")


def flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    """A TOML table of Prefect's settings as environment variables."""
    for key, value in table.items():
        name = f"{prefix}_{key.upper()}"
        if isinstance(value, Mapping):
            yield from flat(value, name)
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def prefect_defaults() -> dict[str, str]:
    """The settings of prefect.toml as environment variables; in a wheel the file is in the package `flows`."""
    file = next(path for path in (HERE / "prefect.toml", HERE.parent / "prefect.toml") if path.exists())
    return dict(flat(tomllib.loads(file.read_text(encoding="utf-8")), "PREFECT"))


def apply_prefect_defaults() -> None:
    """Set Prefect's defaults where the environment has none, and switch telemetry off; before Prefect is imported."""
    for name, value in prefect_defaults().items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DO_NOT_TRACK", "1")
