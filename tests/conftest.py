"""Fixtures of all tests: the bundled snapshots staged once, a built data folder, and the published vintages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock
from hypothesis import settings as property_tests
from tests_shared import stage_bytes

from flows.server import OwnServer
from sources import bundle
from transforms.staging import Staged

# A test that fails on a busy machine says nothing about the code: pytest-timeout catches what hangs.
property_tests.register_profile("no deadline", deadline=None)
property_tests.load_profile("no deadline")


FIRST = ("docs", "transforms")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker begins with the printed commands, which build the shared folders; the next with the transforms, which
    need none of them."""
    items.sort(key=lambda item: FIRST.index(item.path.parent.name) if item.path.parent.name in FIRST else len(FIRST))


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


def make_once(tmp_path_factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that `make` fills once per session, shared by the workers of pytest-xdist."""
    root = tmp_path_factory.getbasetemp()
    folder = (root.parent if "PYTEST_XDIST_WORKER" in os.environ else root) / name
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            part = folder.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PREFECT_HOME with an empty, migrated database, to be copied: migrating takes ten seconds."""

    def migrate(folder: Path) -> None:
        environment = os.environ | {"PREFECT_HOME": str(folder)}
        prefect = Path(sys.executable).with_name("prefect")
        subprocess.run([prefect, "server", "database", "upgrade", "--yes"], env=environment, check=True)

    return make_once(tmp_path_factory, "prefect_home", migrate)


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory, prefect_home: Path) -> Iterator[str]:
    """The API's address of this worker's Prefect server, which runs until the tests end."""
    home = tmp_path_factory.mktemp("prefect")
    shutil.copytree(prefect_home, home, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PREFECT_HOME", str(home))
        server = OwnServer()
        server.start()
    assert server.wait(120), "the Prefect server did not start"
    yield server.api_url
    server.stop()


@pytest.fixture(scope="session")
def built_folder(tmp_path_factory: pytest.TempPathFactory, prefect_home: Path) -> Path:
    """A folder with `data`, built by `peacekeeping refresh --offline`, and `prefect`, its PREFECT_HOME.

    Tests only read it; those that write take a copy of `data`.
    """

    def build(folder: Path) -> None:
        shutil.copytree(prefect_home, folder / "prefect")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PEACEKEEPING_"))}
        own = {"PREFECT_HOME": str(folder / "prefect"), "PEACEKEEPING_DATA": str(folder / "data")}
        command = [Path(sys.executable).with_name("peacekeeping"), "refresh", "--offline"]
        # Nobody listens on this port, so that the run starts a server of its own.
        subprocess.run(command, cwd=folder, env=kept | own | {"PREFECT_SERVER_API_PORT": "4999"}, check=True)

    return make_once(tmp_path_factory, "built", build)


@pytest.fixture(scope="session")
def published_vintages() -> Path:
    """The folder of verbatim published files; tests that need it are skipped where it is not given."""
    folder = os.environ.get("PEACEKEEPING_TEST_DATA", "")
    if not folder or not (Path(folder) / "raw").is_dir():
        pytest.skip("PEACEKEEPING_TEST_DATA names no folder with raw/: the verbatim published files are not here")
    return Path(folder) / "raw"
