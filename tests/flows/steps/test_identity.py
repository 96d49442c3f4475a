"""The code's hashes: the same from a clone and from a wheel; only code that can change a table changes them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.steps import identity
from flows.steps.identity import code_sha256, staging_code


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the packages, in which the hashes are computed."""
    for package in ("sources", "schemas", "transforms", "warehouse", "flows"):
        ignored = shutil.ignore_patterns("__pycache__", "*.gz")
        shutil.copytree(identity.ROOT / package, tmp_path / package, ignore=ignored)
    monkeypatch.setattr(identity, "ROOT", tmp_path)
    yield tmp_path
    identity._sha256.cache_clear()


def hashes() -> dict[str, str]:
    identity._sha256.cache_clear()
    return {"build": code_sha256(), **{name: staging_code(name) for name in ("fatalities", "missions")}}


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        ("flows/cli/main.py", set()),
        ("flows/refresh.py", set()),
        ("warehouse/reports/page.py", set()),
        ("warehouse/marts/mission_toll.sql", {"build"}),
        ("flows/steps/build.py", {"build"}),
        ("sources/fatalities.yaml", {"build", "fatalities"}),
        ("transforms/personnel.py", {"build", "fatalities", "missions"}),
    ],
)
def test_a_hash_changes_with_the_code_it_depends_on(clone: Path, file: str, changed: set[str]) -> None:
    before = hashes()
    with (clone / file).open("a", encoding="utf-8") as text:
        text.write("# a comment\n")
    after = hashes()
    assert {name for name in before if before[name] != after[name]} == changed


@pytest.mark.slow
def test_a_wheel_has_the_hashes_of_its_clone(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "-q"]
    subprocess.run(
        [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, "."], cwd=identity.ROOT, check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", tmp_path / "installed", wheel], check=True)
    code = "from flows.steps.identity import *; print(ROOT, code_sha256(), staging_code('missions'))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == [str(tmp_path / "installed"), code_sha256(), staging_code("missions")]
