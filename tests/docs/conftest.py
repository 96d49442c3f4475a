"""A data folder with published builds, and input files, for the printed commands."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests_shared import CATALOGUE, read_csv, to_csv

from flows.steps.as_of import choose_snapshots
from flows.steps.build import build_from_snapshots
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from sources import bundle
from sources.archive import Archive
from warehouse.publish import previous_of

AS_OF = date(2022, 1, 31)


@pytest.fixture(scope="session")
def data_folder(built_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the newest build, one as of 2022-01-31, and the same as the previous build. Read only."""
    paths = Paths(tmp_path_factory.mktemp("docs") / "data")
    shutil.copytree(built_folder / "data", paths.data)
    archive = Archive(paths.raw)
    snapshots = choose_snapshots(archive, CATALOGUE, AS_OF)
    built, _ = build_from_snapshots(archive, StagingCache(paths.staged), CATALOGUE, snapshots, paths.work)
    paths.target(AS_OF).parent.mkdir()
    shutil.copy(built.file, paths.target(AS_OF))
    shutil.copy(built.file, previous_of(paths.warehouse))
    shutil.rmtree(paths.work)
    return paths.data


@pytest.fixture(scope="session")
def input_files() -> dict[str, bytes]:
    """Files that a reader of the docs has downloaded, by name; the month is July 2025's figures as August's."""
    july = [
        row
        for row in read_csv(bundle.BUNDLED / "uniformed_personnel_2015-01_2025-07.csv.gz")
        if row["month_end"] == "2025-07-31"
    ]

    def august(share: float, misprint: dict[str, str]) -> bytes:
        rows = []
        for place, row in enumerate(july):
            male = round(int(row["male"]) * share) + (place % 3 == 0)
            female = round(int(row["female"]) * share)
            name = misprint.get(row["contributor_as_printed"], row["contributor_as_printed"])
            rows.append(
                {**row, "month_end": "2025-08-31", "male": male, "female": female, "total": male + female,
                 "contributor_as_printed": name}
            )  # fmt: skip
        return to_csv(rows)

    return {
        "2025-08.csv": august(1, {}),
        "2025-08-misprint.csv": august(1, {"Nepal": "Nepall"}),
        "2025-08-halved.csv": august(0.5, {}),
        "fatalities.csv": to_csv([dict(row) for row in read_csv(bundle.BUNDLED / "fatalities_2025-04.csv.gz")]),
    }


@pytest.fixture
def reader(
    data_folder: Path, input_files: dict[str, bytes], tmp_path: Path
) -> Callable[[int], tuple[Path, dict[str, str]]]:
    """Make a folder as a reader of the docs has it; returns the folder and the environment of its commands."""

    def make(number: int) -> tuple[Path, dict[str, str]]:
        folder = tmp_path / str(number)
        shutil.copytree(data_folder, folder / "data")
        for name, content in input_files.items():
            (folder / name).write_bytes(content)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PEACEKEEPING_"))}
        unreachable = "http://127.0.0.1:9"
        return folder, kept | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PREFECT_HOME": str(tmp_path / "prefect"),
            "PREFECT_SERVER_API_PORT": "4999",
            "PEACEKEEPING_PSDATA_URL": unreachable,
            "PEACEKEEPING_CEB_URL": unreachable,
            "PEACEKEEPING_CONTRIBUTIONS_URL": unreachable,
            "PEACEKEEPING_REPORTS_URL": unreachable,
        }

    return make
