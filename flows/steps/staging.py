"""Staging: a source's archived snapshots become tidy tables, written as Parquet for the build."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from flows.steps.registry import comparison_of, published_names, tables_of
from flows.steps.staging_cache import StagingCache
from schemas.columns import Table
from schemas.source import Source
from schemas.tables.builds import SNAPSHOTS
from schemas.tables.codebook import PUBLISHED_NAMES
from schemas.tables.quality import CORRECTIONS, INCOMPLETE_PERIODS, KNOWN_DEFECTS, MERGED_ROWS, REJECTED_ROWS, SIGNALS
from schemas.tables.reconciliations import CONTROL_TOTALS
from schemas.validate import ContractError, shape
from sources import bundle
from sources.acceptance import accept
from sources.archive import Archive, Snapshot
from sources.errors import ArchiveError, Refused
from transforms import envelope
from transforms.completeness import incomplete_periods
from transforms.control_totals import control_totals
from transforms.periods import period_labels
from transforms.reading import read_csv
from transforms.staging import Staged
from transforms.vintages import Vintage


@dataclass
class StageReport:
    """The outcome of staging a source. `accounts` has a row for each snapshot (schemas.tables.builds).

    rows, table  the rows of the first of its staged tables, and that table's name
    """

    source: str
    folder: Path
    rows: int
    accounts: list[dict[str, object]]
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0
    table: str = ""

    def total(self, column: str) -> int:
        """The sum of a count over the source's snapshots."""
        return sum(int(str(account[column])) for account in self.accounts)

    def row_counts(self) -> str:
        """The staged table with its rows, and how many were rejected and merged.

        The table has the source's name, but for `listed_missions`: the build adds the register's to those.
        """
        counts = {what: self.total(f"rows_{what}") for what in ("rejected", "merged")}
        others = ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
        return f"{self.table or self.source} {self.rows:,}" + (f" ({others})" if others else "")


def _account(source: Source, snapshot: Snapshot, staged: Staged) -> dict[str, object]:
    return {
        "source": source.name,
        "sha256": snapshot.sha256,
        "vintage": pd.Timestamp(snapshot.vintage),
        "vintage_basis": snapshot.vintage_basis,
        "origin": snapshot.origin,
        "url": snapshot.url,
        "retrieved_at": snapshot.retrieved_at,
        "dialect": staged.dialect,
        "bytes": snapshot.bytes,
        "covers_from": pd.Timestamp(staged.covers_from) if staged.covers_from else pd.NaT,
        "covers_to": pd.Timestamp(staged.covers_to) if staged.covers_to else pd.NaT,
        "rows_read": staged.rows_read,
        "rows_out_of_scope": staged.rows_out_of_scope,
        "rows_in": staged.rows_in,
        "rows_staged": len(staged.rows),
        "rows_rejected": staged.rows_rejected,
        "rows_merged": len(staged.merged),
        "citation": source.citation_of(snapshot.vintage, staged.dialect),
        "accepted": "; ".join(f"{one['check']}: {one['because']}" for one in snapshot.accepted) or None,
    }


def _part_of_all(vintages: Sequence[Vintage], source: Source, part: str, table: Table) -> pd.DataFrame:
    parts = [(getattr(vintage.staged, part), vintage.sha256) for vintage in vintages]
    frames = (rows.assign(source=source.name, snapshot_sha256=sha256) for rows, sha256 in parts)
    return _joined(frames, table)


def _joined(frames: Iterable[pd.DataFrame], table: Table) -> pd.DataFrame:
    """The rows of the frames in the table's shape; where there are none, columns without types."""
    with_rows = [frame for frame in frames if len(frame)]
    if not with_rows:
        return pd.DataFrame(columns=list(table.stored_columns))
    return shape(pd.concat(with_rows, ignore_index=True), table)


def control_totals_of(source: Source) -> pd.DataFrame:
    """The totals that the publisher of a source prints beside its rows, where they are bundled."""
    totals = []
    for entry in bundle.manifest():
        if entry["source"] != source.name or "totals" not in entry:
            continue
        with accept(bundle.BUNDLED / entry["file"]).open() as text:
            printed, broken, _ = read_csv(text)
        if len(broken):
            raise ContractError(f"{entry['file']}: row {broken['row_number'].iloc[0]:,}: {broken['reason'].iloc[0]}.")
        totals.append(control_totals(printed, source.name, entry["totals"], entry["origin"]))
    return _joined(totals, CONTROL_TOTALS)


def stage_source(
    archive: Archive, cache: StagingCache, source: Source, snapshots: Sequence[Snapshot], folder: Path
) -> StageReport:
    """Stage snapshots of a source (in publication order) and write its tables to `folder`.

    A snapshot that can't be used is a problem in the report. Without snapshots the report is empty and nothing is
    written. Raises ArchiveError when none of them can be used.
    """
    began = time.perf_counter()
    vintages: list[Vintage] = []
    accounts, problems = [], []
    for snapshot in snapshots:
        try:
            staged = cache.staged(archive, source, snapshot)
            _require_few_rejected(staged, source, snapshot)
        except (ArchiveError, ContractError, Refused) as error:
            problems.append(f"{source.name}: the archived snapshot of {snapshot.vintage} can't be used: {error}")
            continue
        vintages.append(Vintage(snapshot.sha256, date.fromisoformat(snapshot.vintage), staged))
        accounts.append(_account(source, snapshot, staged))
    folder.mkdir(parents=True, exist_ok=True)
    if not vintages:
        if problems:
            raise ArchiveError(" ".join(problems))
        return StageReport(source.name, folder, 0, [])
    tables = dict(tables_of(source, vintages))
    first, main = next(iter(tables.items()))
    meta = {
        SNAPSHOTS: shape(pd.DataFrame(accounts), SNAPSHOTS),
        CONTROL_TOTALS: control_totals_of(source),
        REJECTED_ROWS: _part_of_all(vintages, source, "rejected", REJECTED_ROWS),
        INCOMPLETE_PERIODS: _incomplete_periods(vintages, source, main),
        MERGED_ROWS: _part_of_all(vintages, source, "merged", MERGED_ROWS),
        SIGNALS: _part_of_all(vintages, source, "signals", SIGNALS),
        CORRECTIONS: _part_of_all(vintages[-1:], source, "corrections", CORRECTIONS),
        KNOWN_DEFECTS: _known_defects(source),
        PUBLISHED_NAMES: published_names(source),
    }
    for name, frame in {**tables, **{table.full_name: frame for table, frame in meta.items()}}.items():
        write_rows(frame, folder / f"{name}.parquet")
    seconds = time.perf_counter() - began
    return StageReport(source.name, folder, len(main), accounts, problems, seconds, first.partition(".")[2] or first)


def write_rows(frame: pd.DataFrame, file: Path) -> Path | None:
    """Write a table's rows as Parquet. A table without rows has no file."""
    if frame.empty:
        return None
    frame.to_parquet(file, index=False)
    return file


def of_all_sources(reports: Sequence[StageReport], table: Table) -> pd.DataFrame:
    """The rows that staging wrote for a table, of all sources; without columns where there are none."""
    files = [report.folder / f"{table.full_name}.parquet" for report in reports]
    frames = [pd.read_parquet(file) for file in files if file.exists()]
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _require_few_rejected(staged: Staged, source: Source, snapshot: Snapshot) -> None:
    """Raise ContractError where newer code rejects too many rows of a snapshot that older code accepted."""
    accepted = {one["check"] for one in snapshot.accepted}
    for problem in envelope.rejected_share(staged, source):
        if problem.check not in accepted:
            raise ContractError(problem.text)


def _incomplete_periods(vintages: Sequence[Vintage], source: Source, main: pd.DataFrame) -> pd.DataFrame:
    """The periods that lack rejected rows of the snapshot from which they are published (schemas.tables.quality).

    main  the published rows; where newer snapshots don't replace whole periods, all come from the newest one
    """
    how = comparison_of(source)
    frames = []
    for vintage in vintages if how.period else vintages[-1:]:
        lacking = incomplete_periods(vintage.staged, main, how)
        if how.period:
            by_others = main.loc[main["snapshot_sha256"] != vintage.sha256, how.period]
            lacking = lacking[~lacking["period"].isin(period_labels(by_others))]
        frames.append(lacking.assign(source=source.name, snapshot_sha256=vintage.sha256))
    return _joined(frames, INCOMPLETE_PERIODS)


def _known_defects(source: Source) -> pd.DataFrame:
    defects = [
        {
            "source": source.name,
            "defect_id": defect.id,
            "noted": pd.Timestamp(defect.noted),
            "description": defect.text,
            "expect": defect.expect,
            "cases": defect.cases,
            "status": "not asked",
        }
        for defect in source.known_defects
    ]
    return _joined([pd.DataFrame(defects)], KNOWN_DEFECTS)
