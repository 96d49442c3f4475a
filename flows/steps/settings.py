"""The data folder, and Prefect's default settings.

Environment variables of this project:

    PEACEKEEPING_DATA         the data folder (default ./data): peacekeeping.duckdb, raw/
    PEACEKEEPING_PSDATA_URL   base address of the Peace & Security Data Hub
    PEACEKEEPING_CEB_URL      base address of CEB's files
    PEACEKEEPING_CONTRIBUTIONS_URL  base address of the Committee on Contributions' files
    PEACEKEEPING_TASK_RUNNER, PEACEKEEPING_DASK_ADDRESS  where mapped tasks run (flows.task_runners)
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]


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


class SettingError(Exception):
    """An environment variable of this project has a wrong value."""


def paths() -> Paths:
    """The paths below PEACEKEEPING_DATA. Raises SettingError when it names an unknown user's home."""
    text = os.environ.get("PEACEKEEPING_DATA", "").strip() or "data"
    try:
        return Paths(Path(text).expanduser().absolute())
    except RuntimeError:
        raise SettingError(f"PEACEKEEPING_DATA is {text!r}, which names an unknown user's home.") from None


def project_version() -> str:
    """The version of this project."""
    return version("peacekeeping")


def _flat(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in table.items():
        name = f"{prefix}_{key.upper()}"
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, str(value).lower() if isinstance(value, bool) else str(value)


def prefect_defaults() -> dict[str, str]:
    """The settings of prefect.toml as environment variables; in a wheel the file is in the package `flows`."""
    file = next(path for path in (HERE / "prefect.toml", HERE.parent / "prefect.toml") if path.exists())
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")), "PREFECT"))


def apply_prefect_defaults() -> None:
    """Set Prefect's defaults where the environment has none, and switch telemetry off; before Prefect is imported."""
    for name, value in prefect_defaults().items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DO_NOT_TRACK", "1")
