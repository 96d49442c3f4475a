"""Building, checking and publishing the warehouse from staged tables."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd

from flows.settings import Paths, project_version
from flows.stage import StageReport
from schemas.columns import Table
from schemas.tables import (
    BUILDS,
    COUNTRIES,
    META,
    MISSION_ALIASES,
    MISSIONS,
    SNAPSHOTS,
    TABLES,
)
from schemas.validate import conform
from sources.archive import Archive
from transforms import countries, missions
from warehouse import checks, load, publish

log = logging.getLogger("peacekeeping.build")

ROOMS = ("sources", "schemas", "transforms", "warehouse", "flows")
CODE_SUFFIXES = {".py", ".yaml", ".csv", ".sql", ".json", ".toml"}


@dataclass(frozen=True)
class Build:
    """A built file that is not published yet."""

    build_id: str
    file: Path
    rows: dict[str, int]


@cache
def code_sha256() -> str:
    """Hash of the code, declarations and code lists that a build depends on (the bundled data apart)."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    files = [path for room in ROOMS for path in (root / room).rglob("*") if path.suffix in CODE_SUFFIXES]
    for path in sorted(files):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def build_id(reports: Sequence[StageReport]) -> str:
    """Names a build by what it is made of: the same snapshots and the same code give the same id."""
    parts = sorted(
        f"{account['source']}:{account['sha256']}:{account['vintage']}"
        for report in reports
        for account in report.accounts
    )
    return hashlib.sha256("\n".join([code_sha256(), *parts]).encode()).hexdigest()[:12]


def _together(reports: Sequence[StageReport], table: Table) -> pd.DataFrame:
    """What staging wrote for a table of `meta`, of all sources, held against its declaration."""
    files = [report.folder / f"{table.full_name}.parquet" for report in reports]
    frames = [pd.read_parquet(file) for file in files if file.exists()]
    if table is SNAPSHOTS:
        frames.append(_register_account())
    return conform(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(), table)


def _register_account() -> pd.DataFrame:
    """The register of missions among the snapshots: it is where rows come from, too."""
    rows = len(missions.register())
    counts = {"rows_read": rows, "rows_in": rows, "rows_staged": rows, "rows_out_of_scope": 0, "rows_rejected": 0}
    return pd.DataFrame(
        [
            {
                "source": "mission_register",
                "sha256": missions.register_sha256(),
                "vintage": pd.Timestamp(missions.REGISTER_NOTED),
                "vintage_basis": "day it was compiled",
                "origin": "register",
                "url": "transforms/data/mission_register.csv",
                "retrieved_at": missions.REGISTER_NOTED.isoformat(),
                "dialect": "register",
                "bytes": missions.REGISTER.stat().st_size,
                **counts,
                "rows_merged": 0,
                "citation": "Register of missions, compiled by this project; each row names its sources.",
            }
        ]
    )


def build(reports: Sequence[StageReport], folder: Path) -> Build:
    """Complete the tables and load them into a new file in `folder`.

    Raises warehouse.load.BuildError, or schemas.validate.TableError when a table breaks its declaration.
    """
    staged = {report.source: report for report in reports}
    facts = {
        "main.fatalities": staged["fatalities"].folder / "rows.parquet",
        "main.uniformed_personnel": staged["uniformed_personnel"].folder / "rows.parquet",
        "main.assessed_contributions": staged["assessed_contributions"].folder / "rows.parquet",
    }
    named = [
        pd.read_parquet(facts[name], columns=["mission"])["mission"].unique()
        for name in ("main.fatalities", "main.uniformed_personnel")
    ]
    listed = pd.read_parquet(staged["missions"].folder / "rows.parquet")
    identity = build_id(reports)
    frames: dict[Table, pd.DataFrame] = {
        COUNTRIES: conform(countries.countries_table(), COUNTRIES),
        MISSIONS: missions.missions_table(listed, (name for names in named for name in names)),
        MISSION_ALIASES: conform(missions.aliases_table(), MISSION_ALIASES),
        **{table: _together(reports, table) for table in META if table.name not in ("builds", "checks", "columns")},
        BUILDS: conform(
            pd.DataFrame(
                [
                    {
                        "build_id": identity,
                        "code_version": project_version(),
                        "code_sha256": code_sha256(),
                        "duckdb_version": duckdb.__version__,
                        "snapshots": sum(len(report.accounts) for report in reports),
                    }
                ]
            ),
            BUILDS,
        ),
    }
    folder.mkdir(parents=True, exist_ok=True)
    parquet = dict(facts)
    for table, frame in frames.items():
        parquet[table.full_name] = folder / f"{table.full_name}.parquet"
        frame.to_parquet(parquet[table.full_name], index=False)
    file = folder / f"{identity}.duckdb"
    file.unlink(missing_ok=True)
    rows = load.build(file, {name: parquet[name] for name in TABLES if name in parquet})
    return Build(identity, file, rows)


def check(built: Build) -> list[checks.Outcome]:
    """Hold a build against its checks; gives what came of each. Raises warehouse.checks.ChecksFailed."""
    outcomes = checks.run(built.file)
    checks.require(outcomes)
    return outcomes


def publish_build(built: Build, reports: Sequence[StageReport], paths: Paths, archive: Archive, at: str) -> None:
    """Record in the archive what a checked build was made of, and swap it in."""
    archive.note_build(
        built.build_id,
        {
            "build_id": built.build_id,
            "published_at": at,
            "code_version": project_version(),
            "snapshots": [
                {"source": account["source"], "sha256": account["sha256"]}
                for report in reports
                for account in report.accounts
            ],
        },
    )
    publish.publish(built.file, paths.warehouse)


def clear_work(paths: Paths) -> None:
    """Remove what killed runs left in the scratch folder. Call while holding the writer's lock."""
    for left in paths.work.iterdir():
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
