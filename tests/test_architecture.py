"""The house keeps its shape: arrows between rooms point down, and the quick commands stay light."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("prefect", "pandera", "pandas", "jsonschema", "pyarrow")


def test_rooms_import_only_what_lies_below_them() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("transforms", ("prefect", "duckdb", "requests")),
        ("warehouse", ("prefect", "requests")),
        ("sources", ("prefect", "pandas", "duckdb")),
        ("schemas", ("prefect", "duckdb", "requests")),
    ],
)
def test_rooms_know_only_their_own_libraries(room: str, forbidden: tuple[str, ...]) -> None:
    for file in (ROOT / room).rglob("*.py"):
        words = {
            line.split()[1].split(".")[0]
            for line in file.read_text().splitlines()
            if line.lstrip().startswith(("import ", "from "))
        }
        assert words.isdisjoint(forbidden), f"{file.name} imports {words & set(forbidden)}"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("flows.cli.main", HEAVY),
        ("flows.cli.query", HEAVY),
        ("flows.cli.sources", HEAVY),
        ("flows.cli.doctor", HEAVY),
        ("flows.cli.claims", HEAVY),
        ("warehouse.query", HEAVY),
        ("flows.cli.status", HEAVY),
        ("flows.cli.console", HEAVY),
        ("sources.catalogue", HEAVY),
    ],
)
def test_quick_commands_import_nothing_heavy(module: str, heavy: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_tracked_files_name_no_registry_and_no_machine() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    words = [
        "py" + "pi.org",
        "python" + "hosted",
        "deb" + "ian.org",
        "/wo" + "rk/",
        "/ro" + "ot/",
        "registry.np" + "mjs",
    ]
    for name in listed.stdout.split():
        if name.endswith((".gz", ".png", ".parquet")) or not (ROOT / name).is_file():
            continue
        content = (ROOT / name).read_text(encoding="utf-8")
        assert not [word for word in words if word in content], name


def test_no_telemetry_by_default() -> None:
    code = (
        "from flows.steps.settings import apply_prefect_defaults; apply_prefect_defaults(); import os;"
        "from prefect.settings import get_current_settings as s;"
        "print(s().server.analytics_enabled, os.environ['DO_NOT_TRACK'], s().server.api.host)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1", "127.0.0.1"]
