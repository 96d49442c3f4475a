"""What all tests share: the bundled snapshots staged once, and the published vintages."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from tests_shared import stage_bytes

from sources import bundle
from transforms.staging import Staged


@pytest.fixture(scope="session")
def bundled() -> Callable[[str], Staged]:
    """Stage a bundled file by its name, once a session."""
    entries = {entry["file"]: entry for entry in bundle.manifest()}
    done: dict[str, Staged] = {}

    def staged(file: str) -> Staged:
        if file not in done:
            entry = entries[file]
            done[file] = stage_bytes(entry["source"], (bundle.BUNDLED / file).read_bytes(), entry["vintage"])
        return done[file]

    return staged


@pytest.fixture(scope="session")
def fatalities_2025(bundled: Callable[[str], Staged]) -> Staged:
    return bundled("fatalities_2025-04.csv.gz")


@pytest.fixture(scope="session")
def fatalities_2021(bundled: Callable[[str], Staged]) -> Staged:
    return bundled("fatalities_2021-06.csv.gz")


@pytest.fixture(scope="session")
def personnel(bundled: Callable[[str], Staged]) -> Staged:
    return bundled("uniformed_personnel_2015-01_2025-07.csv.gz")


@pytest.fixture(scope="session")
def contributions(bundled: Callable[[str], Staged]) -> Staged:
    return bundled("assessed_contributions_2013-2024.csv.gz")


@pytest.fixture(scope="session")
def listed(bundled: Callable[[str], Staged]) -> pd.DataFrame:
    """The bundled mission list, staged, indexed by mission."""
    return bundled("missions_2024-02.csv.gz").rows.set_index("mission")


@pytest.fixture(scope="session")
def published_vintages() -> Path:
    """The folder of verbatim published files; tests that need it are skipped where it is not given."""
    folder = os.environ.get("PEACEKEEPING_TEST_DATA", "")
    if not folder or not (Path(folder) / "raw").is_dir():
        pytest.skip("PEACEKEEPING_TEST_DATA names no folder with raw/: the verbatim published files are not here")
    return Path(folder) / "raw"
