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
from schemas.tables.assessments import PEACEKEEPING_LEVELS
from schemas.tables.builds import BUILDS, SNAPSHOTS
from schemas.tables.countries import COUNTRIES, COUNTRY_ALIASES
from schemas.tables.development import COUNTRY_YEARS, DEVELOPMENT_LADDERS, INCOME_GROUPS
from schemas.tables.missions import MISSION_ALIASES, MISSION_HOSTS, MISSIONS
from schemas.tables.state_codes import STATE_CODE_GAPS, STATE_CODES
from schemas.validate import conform
from sources.archive import Archive, Snapshot
from sources.catalogue import load_catalogue
from sources.errors import ArchiveError
from transforms import countries, income_groups, missions, reference_lists, state_codes
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
    """The states, also by year, and the missions that the publisher lists or a staged table names, with aliases."""
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
        MISSION_HOSTS: missions.hosts_table(),
        COUNTRY_ALIASES: conform(countries.aliases_table(), COUNTRY_ALIASES),
        COUNTRY_YEARS: income_groups.country_years_table(
            *(_rows(staged, table) for table in (INCOME_GROUPS, PEACEKEEPING_LEVELS))
        ),
        DEVELOPMENT_LADDERS: income_groups.development_ladders(),
        STATE_CODES: state_codes.state_codes_table(),
        STATE_CODE_GAPS: state_codes.state_code_gaps_table(),
    }


def _rows(staged: Mapping[str, Path], table: Table) -> pd.DataFrame | None:
    """The staged rows of a table; None where no snapshot of its source is held."""
    return pd.read_parquet(staged[table.full_name]) if table.full_name in staged else None


def _of_all_sources(reports: Sequence[StageReport], table: Table) -> pd.DataFrame:
    """The rows that staging wrote for a table of `meta`, of all sources."""
    rows = staging.of_all_sources(reports, table)
    if table is SNAPSHOTS:
        rows = pd.concat([rows, _reference_lists()], ignore_index=True)
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


def _reference_lists() -> pd.DataFrame:
    """The reference lists, such as the register of missions, as rows of `meta.snapshots`."""
    lists = reference_lists.reference_lists()
    day = pd.to_datetime(lists["noted"])
    rows = dict.fromkeys(("rows_read", "rows_in", "rows_staged"), lists["rows"])
    nothing = dict.fromkeys(("rows_out_of_scope", "rows_rejected", "rows_merged"), 0)
    return lists.assign(
        vintage=day,
        vintage_basis="day it was compiled",
        origin="register",
        url="transforms/data/" + lists["file"],
        retrieved_at=lists["noted"],
        dialect="register",
        **rows,
        **nothing,
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
