"""The architecture: import contracts, light commands, and tracked files without addresses of machines."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("sources", "schemas", "transforms", "warehouse", "flows")
HEAVY = ("prefect", "pandera", "pandas", "jsonschema", "pyarrow")


def test_the_import_contracts_hold() -> None:
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "module",
    [
        "flows.cli.main", "flows.cli.query", "flows.cli.sources", "flows.cli.doctor", "flows.cli.claims",
        "flows.cli.status", "warehouse.query", "sources.catalogue",
    ],
)  # fmt: skip
def test_quick_commands_import_no_heavy_library(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_modules_and_functions_are_short() -> None:
    """Modules have at most 400 lines, and functions of the product at most 50."""
    for package in (*PACKAGES, "tests", "benchmarks"):
        for file in (ROOT / package).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            assert len(text.splitlines()) <= 400, file
            for node in ast.walk(ast.parse(text)) if package in PACKAGES else ():
                if isinstance(node, ast.FunctionDef):
                    lines = (node.end_lineno or 0) - node.lineno + 1
                    assert lines <= 50, f"{file}: {node.name} has {lines} lines"


def test_tracked_files_name_no_registry_and_no_machine() -> None:
    # Split, so that this file does not match.
    words = [
        "py" + "pi.org",
        "python" + "hosted",
        "deb" + "ian.org",
        "/wo" + "rk/",
        "/ro" + "ot/",
        "registry.np" + "mjs",
    ]
    pattern = "|".join(word.replace(".", r"\.") for word in words)
    done = subprocess.run(["git", "grep", "--cached", "-lIE", pattern], cwd=ROOT, capture_output=True, text=True)
    if done.returncode > 1:
        pytest.skip("not a git checkout")
    assert done.stdout == ""


def test_telemetry_is_off_and_the_server_is_local_by_default() -> None:
    code = (
        "from flows.steps.settings import apply_prefect_defaults; apply_prefect_defaults(); import os;"
        "from prefect.settings import get_current_settings as s;"
        "print(s().server.analytics_enabled, os.environ['DO_NOT_TRACK'], s().server.api.host)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "1", "127.0.0.1"]
