"""Staging, building and checking a warehouse from chosen snapshots."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from flows.steps import staging
from flows.steps.as_of import recorded_snapshots
from flows.steps.identity import build_id, code_sha256
from flows.steps.registry import LISTED_MISSIONS
from flows.steps.settings import Paths, project_version
from flows.steps.staging import StageReport
from flows.steps.staging_cache import StagingCache
from schemas.columns import Table
from schemas.source import Source
from schemas.tables import FACTS, HISTORY, META, WRITTEN_IN_BUILD
from schemas.tables.builds import BUILDS, SNAPSHOTS
from schemas.tables.countries import COUNTRIES
from schemas.tables.missions import MISSION_ALIASES, MISSIONS
from schemas.validate import conform
from sources.archive import Archive, Snapshot
from sources.catalogue import load_catalogue
from sources.errors import ArchiveError
from transforms import countries, missions
from warehouse import checks, defects, load, reconcile
from warehouse.claims import judge

log = logging.getLogger("peacekeeping.build")


@dataclass(frozen=True)
class Build:
    """A built file that is not published yet, and its rows by table."""

    build_id: str
    file: Path
    rows: dict[str, int]


def build_from_snapshots(
    archive: Archive,
    cache: StagingCache,
    catalogue: Mapping[str, Source],
    snapshots: Mapping[str, Sequence[Snapshot]],
    folder: Path,
) -> tuple[Build, list[checks.Outcome]]:
    """Stage every source, build the warehouse in `folder` and check it; returns the build and each check's outcome.

    snapshots  of each source, in publication order

    Raises ArchiveError when a snapshot can't be used, and what `build_file` and `check` raise.
    """
    reports = [
        staging.stage_source(archive, cache, catalogue[name], chosen, folder / name)
        for name, chosen in snapshots.items()
    ]
    problems = [problem for report in reports for problem in report.problems]
    if problems:
        raise ArchiveError(" ".join(problems))
    identity = build_id(snapshots)
    built = build_file(identity, reports, folder / "build")
    return built, check(built)


def rebuild(name: str, archive: Archive, paths: Paths, folder: Path) -> Path:
    """Build a recorded build again in `folder`, with the installed code. Call while holding the writer's lock.

    Raises UnknownBuild for an unknown name, and what `build_from_snapshots` raises.
    """
    snapshots = recorded_snapshots(name, archive)
    log.warning("The file of build %s is gone; it is rebuilt from its snapshots.", name)
    return build_from_snapshots(archive, StagingCache(paths.staged), load_catalogue(), snapshots, folder)[0].file


def build_file(identity: str, reports: Sequence[StageReport], folder: Path) -> Build:
    """Complete the staged tables and load them into a new DuckDB file in `folder`, as the build `identity`.

    Raises warehouse.load.BuildError, or schemas.validate.TableError when a table breaks its declaration.
    """
    staged = {file.stem: file for report in reports for file in report.folder.glob("main.*.parquet")}
    frames = {
        **_dimensions(reports, staged),
        **{table: _of_all_sources(reports, table) for table in META if table not in (BUILDS, *WRITTEN_IN_BUILD)},
        BUILDS: _build_row(identity, reports),
    }
    folder.mkdir(parents=True, exist_ok=True)
    # A table without a file has no rows, such as those of a source without a snapshot yet (as of an early date).
    files = {table.full_name: staged.get(table.full_name) for table in (*FACTS, *HISTORY)}
    for table, frame in frames.items():
        files[table.full_name] = staging.write_rows(frame, folder / f"{table.full_name}.parquet")
    file = folder / f"{identity}.duckdb"
    file.unlink(missing_ok=True)
    rows = load.build(file, files)
    return Build(identity, file, rows)


def _dimensions(reports: Sequence[StageReport], staged: Mapping[str, Path]) -> dict[Table, pd.DataFrame]:
    """The countries, and every mission that the publisher lists or a staged table names, with their aliases."""
    named = [
        pd.read_parquet(staged[table.full_name], columns=["mission"])["mission"].dropna().unique()
        for table in (*FACTS, *HISTORY)
        if table.full_name in staged and "mission" in table.columns
    ]
    listed = [file for report in reports for file in report.folder.glob(f"{LISTED_MISSIONS}.parquet")]
    return {
        COUNTRIES: conform(countries.countries_table(), COUNTRIES),
        MISSIONS: missions.missions_table(
            pd.read_parquet(listed[0]) if listed else None, (name for names in named for name in names)
        ),
        MISSION_ALIASES: conform(missions.aliases_table(), MISSION_ALIASES),
    }


def _of_all_sources(reports: Sequence[StageReport], table: Table) -> pd.DataFrame:
    """The rows that staging wrote for a table of `meta`, of all sources."""
    rows = staging.of_all_sources(reports, table)
    if table is SNAPSHOTS:
        rows = pd.concat([rows, _register_row()], ignore_index=True)
    return conform(rows, table) if len(rows) else rows


def _build_row(identity: str, reports: Sequence[StageReport]) -> pd.DataFrame:
    row = {
        "build_id": identity,
        "code_version": project_version(),
        "code_sha256": code_sha256(),
        "duckdb_version": duckdb.__version__,
        "snapshots": sum(len(report.accounts) for report in reports),
    }
    return conform(pd.DataFrame([row]), BUILDS)


def _register_row() -> pd.DataFrame:
    """The register of missions as a row of `meta.snapshots`: rows of `missions` come from it."""
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


def check(built: Build) -> list[checks.Outcome]:
    """Reconcile a build's ledgers, look for the known defects, run the checks and judge the claims.

    Returns the outcome of each check. Raises warehouse.checks.ChecksFailed, or warehouse.claims.files.ClaimError naming
    the file of a claim that fails.
    """
    reconcile.run(built.file)
    defects.run(built.file)
    outcomes = checks.run(built.file)
    checks.require(outcomes)
    # Claims last: their figures are those of a build that passed its checks.
    verdicts = Counter(judged.verdict for judged in judge.run(built.file))
    log.info("Claims: %s.", ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    return outcomes
