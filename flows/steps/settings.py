"""Where things lie, and Prefect's settings: read once, before Prefect is imported.

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
    """The data folder and what lies in it."""

    data: Path

    @property
    def warehouse(self) -> Path:
        return self.data / "peacekeeping.duckdb"

    @property
    def raw(self) -> Path:
        return self.data / "raw"

    def target(self, as_of: date | None) -> Path:
        """The published warehouse, or that of what had been published by a day."""
        return self.warehouse if as_of is None else self.data / "as_of" / f"{as_of}.duckdb"

    @property
    def staged(self) -> Path:
        """Staged snapshots, kept so that each is staged once; may be removed at any time."""
        return self.data / "staged"

    @property
    def work(self) -> Path:
        """Scratch space of a run; whatever a killed run left there is removed by the next."""
        return self.data / "work"

    def scratch_of(self, day: date) -> Path:
        """Scratch space of the build as of a day, on the file system it is published to; a refresh leaves it alone."""
        return self.data / "as_of" / f".{day}.work"

    def lock_of(self, day: date) -> Path:
        """The lock of whoever builds as of a day."""
        return self.data / "as_of" / f".{day}.lock"

    @property
    def lock(self) -> Path:
        return self.data / ".writer.lock"


class SettingError(Exception):
    """An environment variable of this project is set to what can't be."""


def paths() -> Paths:
    """The paths in force. Raises SettingError when PEACEKEEPING_DATA names the home of nobody."""
    text = os.environ.get("PEACEKEEPING_DATA", "").strip() or "data"
    try:
        return Paths(Path(text).expanduser().absolute())
    except RuntimeError:
        raise SettingError(f"PEACEKEEPING_DATA is {text!r}, and there is no such user's home.") from None


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
    """The settings of prefect.toml as environment variables (installed beside this module, else in the project)."""
    file = next(path for path in (HERE / "prefect.toml", HERE.parent / "prefect.toml") if path.exists())
    return dict(_flat(tomllib.loads(file.read_text(encoding="utf-8")), "PREFECT"))


def apply_prefect_defaults() -> None:
    """Set what the environment leaves open, and switch the client's telemetry off. Call before importing Prefect."""
    for name, value in prefect_defaults().items():
        os.environ.setdefault(name, value)
    os.environ.setdefault("DO_NOT_TRACK", "1")
