"""Building, checking and publishing the warehouse from staged tables."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from flows.steps.identity import code_sha256
from flows.steps.registry import LISTED_MISSIONS
from flows.steps.settings import Paths, project_version
from flows.steps.staging import StageReport
from schemas.columns import Table
from schemas.source import Source
from schemas.tables import (
    BUILDS,
    COUNTRIES,
    FACTS,
    HISTORY,
    META,
    MISSION_ALIASES,
    MISSIONS,
    SNAPSHOTS,
    TABLES,
    WRITTEN_IN_BUILD,
)
from schemas.validate import conform
from sources.archive import Archive, Snapshot
from sources.errors import ArchiveError
from transforms import countries, missions
from warehouse import checks, defects, diff, load, reconcile
from warehouse.claims import judge
from warehouse.publish import publish
from warehouse.query import Answer, QueryError, connect

log = logging.getLogger("peacekeeping.build")


@dataclass(frozen=True)
class Build:
    """A built file that is not published yet."""

    build_id: str
    file: Path
    rows: dict[str, int]


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


def build(identity: str, reports: Sequence[StageReport], folder: Path) -> Build:
    """Complete the tables and load them into a new file in `folder`, as the build `identity`.

    Raises warehouse.load.BuildError, or schemas.validate.TableError when a table breaks its declaration.
    """
    parquet = {file.stem: file for report in reports for file in report.folder.glob("main.*.parquet")}
    named = [
        pd.read_parquet(parquet[table.full_name], columns=["mission"])["mission"].dropna().unique()
        for table in (*FACTS, *HISTORY)
        if table.full_name in parquet and "mission" in table.columns
    ]
    listed = [file for report in reports for file in report.folder.glob(f"{LISTED_MISSIONS}.parquet")]
    frames: dict[Table, pd.DataFrame] = {
        COUNTRIES: conform(countries.countries_table(), COUNTRIES),
        MISSIONS: missions.missions_table(
            pd.read_parquet(listed[0]) if listed else None, (name for names in named for name in names)
        ),
        MISSION_ALIASES: conform(missions.aliases_table(), MISSION_ALIASES),
        **{table: _together(reports, table) for table in META if table not in (BUILDS, *WRITTEN_IN_BUILD)},
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
        # A source without a snapshot yet (as of an early date) has empty tables, which say so by having no snapshot.
        **{table: conform(pd.DataFrame(), table) for table in (*FACTS, *HISTORY) if table.full_name not in parquet},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for table, frame in frames.items():
        parquet[table.full_name] = folder / f"{table.full_name}.parquet"
        frame.to_parquet(parquet[table.full_name], index=False)
    file = folder / f"{identity}.duckdb"
    file.unlink(missing_ok=True)
    rows = load.build(file, {name: parquet[name] for name in TABLES if name in parquet})
    return Build(identity, file, rows)


def snapshots_by(
    archive: Archive, catalogue: Mapping[str, Source], as_of: date | None = None
) -> dict[str, list[Snapshot]]:
    """The snapshots of each source in publication order, without those whose vintage lies in the future; with `as_of`,
    those published by that day.

    An optional source may have none. Raises ArchiveError when the archive has none of another, or none of that day.
    """
    every = {name: [s for s in archive.snapshots(name) if not s.in_future()] for name in catalogue}
    if as_of is None:
        missing = [name for name, some in every.items() if not some and not catalogue[name].optional]
        if missing:
            raise ArchiveError(f"The archive has no snapshot of {', '.join(missing)}.")
        return every
    chosen = {name: [s for s in some if s.vintage <= as_of.isoformat()] for name, some in every.items()}
    if not any(chosen.values()):
        first = min((snapshot.vintage for some in every.values() for snapshot in some), default="none")
        raise ArchiveError(f"No snapshot held here had been published by {as_of}; the first is of {first}.")
    return chosen


def in_future(archive: Archive, catalogue: Mapping[str, Source]) -> list[str]:
    """What to tell of the snapshots whose vintage lies in the future."""
    return [
        f"{name}: the snapshot {snapshot.sha256[:12]}… has the vintage {snapshot.vintage}, which lies in the future; "
        "it is left out. Load it again with --vintage DATE, or set this machine's clock right."
        for name in catalogue
        for snapshot in archive.snapshots(name)
        if snapshot.in_future()
    ]


def standing(file: Path) -> str | None:
    """The id of the build that a warehouse file is; None when there is no file, or none of ours that can be opened."""
    try:
        with connect(file) as connection:
            return str(Answer(connection, "SELECT build_id FROM meta.builds").rows()[0][0])
    except (QueryError, IndexError):
        return None


def check(built: Build) -> list[checks.Outcome]:
    """Reconcile a build's ledgers, see which known defects still stand, hold it against its checks, and the claims
    against it; gives what came of each check.

    Raises warehouse.checks.ChecksFailed, or warehouse.claims.files.ClaimError naming the file of a claim that fails.
    """
    reconcile.run(built.file)
    defects.run(built.file)
    outcomes = checks.run(built.file)
    checks.require(outcomes)
    # Last: a claim is judged by figures that hold.
    verdicts = Counter(judged.verdict for judged in judge.run(built.file))
    log.info("Claims: %s.", ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items())))
    return outcomes


def reconciled(built: Build) -> list[dict[str, object]]:
    """How a checked build's ledgers agree: the rows of marts.reconciliation_summary."""
    with connect(built.file) as connection:
        answer = Answer(connection, "FROM marts.reconciliation_summary")
        return [dict(zip(answer.columns, row, strict=True)) for row in answer.rows()]


def changes(standing_file: Path, built: Build) -> list[dict[str, object]] | None:
    """Rows added, gone and changed by table of main, from the warehouse that stands to a build; most changed first.

    None where no warehouse stands that can be compared.
    """
    try:
        found = diff.compare(standing_file, built.file, 0)
    except diff.DiffError:
        return None
    return [
        {"table": table.table, "added": table.added, "gone": table.gone, "changed": table.changed}
        for table in found.differing
        if table.size
    ]


def publish_build(built: Build, snapshots: Sequence[Snapshot], paths: Paths, archive: Archive, at: str) -> None:
    """Record in the archive what a checked build was made of, and swap it in."""
    archive.note_build(
        built.build_id,
        {
            "build_id": built.build_id,
            "published_at": at,
            "code_version": project_version(),
            "code_sha256": code_sha256(),
            "snapshots": [{"source": snapshot.source, "sha256": snapshot.sha256} for snapshot in snapshots],
        },
    )
    publish(built.file, paths.warehouse)


def clear_work(paths: Paths) -> list[str]:
    """Remove what killed runs left, in the scratch folder and in the archive; gives the names in the former.

    Call while holding the writer's lock.
    """
    Archive(paths.raw).clear_scratch()
    found = list(paths.work.iterdir())
    for left in found:
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)
    return [left.name for left in found]
