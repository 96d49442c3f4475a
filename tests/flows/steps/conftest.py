"""Files loaded by the command `load`, in process, into a data folder with the bundled snapshots."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests_shared import CATALOGUE, bundled_rows, to_csv

from flows.cli.main import app
from flows.steps import fetch
from flows.steps.ingest import LOADED, InputFile, PublicationDates, ingest
from flows.steps.settings import Paths
from flows.steps.staging_cache import StagingCache
from sources.archive import Archive


@pytest.fixture(scope="session")
def month() -> list[dict[str, Any]]:
    """The uniformed personnel of July 2025 as printed."""
    rows = bundled_rows("uniformed_personnel_2015-01_2025-07.csv.gz")
    return [row for row in rows if row["month_end"] == "2025-07-31"]


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with the bundled snapshots; never changed."""
    where = Paths(tmp_path_factory.mktemp("shared") / "data")
    fetch.ensure_bundled(Archive(where.raw), CATALOGUE)
    return where.data


@pytest.fixture
def load(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `peacekeeping load SOURCE` with a file: a dry run on the shared folder, or a load into the folder `data`."""

    def run(source: str, content: Any, *options: str, data: Path = shared) -> Result:
        file = tmp_path / "file"
        file.write_bytes(content if isinstance(content, bytes) else to_csv(content))
        monkeypatch.setenv("PEACEKEEPING_DATA", str(data))
        dry = ["--dry-run"] if data == shared else []
        result = CliRunner().invoke(app, ["load", source, str(file), *options, *dry])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


class Folder:
    """An archive and a staging cache below a folder, and ingesting rows into them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.archive, self.cache = Archive(root / "raw"), StagingCache(root / "staged")

    def ingest(self, source: str, rows: list[dict[str, Any]], vintage: str | None, origin: str = LOADED) -> Any:
        file = self.root / "file.csv"
        file.write_bytes(to_csv(rows))
        dates = PublicationDates(by_hand=vintage)
        return ingest(self.archive, self.cache, InputFile(CATALOGUE[source], file, origin, "file", dates))


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def june(folder: Folder, month: list[dict[str, Any]]) -> Folder:
    """A folder with the month before `month`, which has the same figures."""
    before = [{**row, "month_end": "2025-06-30"} for row in month]
    folder.ingest("uniformed_personnel", before, "2025-06-30")
    return folder
