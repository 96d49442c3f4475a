"""Staging: a source's archived snapshots become one tidy table, written as Parquet for the build."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pandas as pd

from schemas.columns import Table
from schemas.tables import (
    ASSESSED_CONTRIBUTIONS,
    CORRECTIONS,
    FATALITIES,
    KNOWN_DEFECTS,
    MERGED_ROWS,
    REJECTED_ROWS,
    SIGNALS,
    SNAPSHOTS,
    UNIFORMED_PERSONNEL,
)
from schemas.validate import ContractError, conform, shape
from sources import bundle
from sources.acceptance import accept
from sources.archive import Archive, Snapshot
from sources.catalogue import Source
from sources.errors import ArchiveError, Refused
from transforms import contributions, dialects, fatalities, missions, personnel, vintages
from transforms.staging import Declaration, Staged
from transforms.vintages import Vintage

log = logging.getLogger("peacekeeping.stage")


@dataclass(frozen=True)
class Subject:
    """How one source is staged, and how its snapshots make one table."""

    stage: Callable[[dialects.Raw, Declaration, date], Staged]
    combine: Callable[[Sequence[Vintage], Declaration], pd.DataFrame]
    table: Table | None = None  # None: completed in the build (missions need the acronyms of the others)


def _by_period(found: Sequence[Vintage], declared: Declaration) -> pd.DataFrame:
    precedence = declared.coverage.get("precedence", ())
    return vintages.replace_periods(found, declared.coverage["column"], "series" if precedence else None, precedence)


SUBJECTS = {
    "fatalities": Subject(fatalities.stage, lambda found, _: vintages.union(found, "casualty_id"), FATALITIES),
    "uniformed_personnel": Subject(personnel.stage, _by_period, UNIFORMED_PERSONNEL),
    "assessed_contributions": Subject(contributions.stage, _by_period, ASSESSED_CONTRIBUTIONS),
    "missions": Subject(missions.stage, lambda found, _: vintages.newest(found)),
}


@dataclass
class StageReport:
    """What came of staging a source. `accounts` has one row a snapshot (schemas.tables.SNAPSHOTS)."""

    source: str
    folder: Path
    rows: int
    accounts: list[dict[str, object]]
    problems: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def total(self, column: str) -> int:
        """The sum of a count over the source's snapshots."""
        return sum(int(str(account[column])) for account in self.accounts)


def declaration_of(source: Source) -> Declaration:
    """What a source's YAML says about its rows, as the transforms take it."""
    declared = source.declaration
    return Declaration(
        source.name,
        declared["coverage"],
        declared["envelope"],
        declared["bounds"],
        declared.get("scope", {}),
        declared["corrections"],
    )


def stage_snapshot(source: Source, raw: dialects.Raw, vintage: date) -> Staged:
    """Stage one snapshot's rows. Raises ContractError when they are not what the source promises."""
    return SUBJECTS[source.name].stage(raw, declaration_of(source), vintage)


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
        "citation": source.citation(snapshot.vintage),
    }


def _set_aside(found: Sequence[Vintage], source: Source, part: str, table: Table) -> pd.DataFrame:
    frames = [
        getattr(vintage.staged, part).assign(source=source.name, snapshot_sha256=vintage.sha256) for vintage in found
    ]
    return shape(pd.concat(frames, ignore_index=True), table)


def _control_totals(source: Source, table: pd.DataFrame) -> pd.DataFrame | None:
    """The table held against the totals that its publisher prints, where some are bundled."""
    entry = next((e for e in bundle.manifest() if e["source"] == source.name and e["role"] == "control_totals"), None)
    if entry is None:
        return None
    accepted = accept((bundle.BUNDLED / entry["file"]).read_bytes())
    printed = dialects.read_csv(accepted.payload)
    return personnel.reconcile(table, printed)


def stage_source(archive: Archive, source: Source, folder: Path) -> StageReport:
    """Stage all archived snapshots of a source into `folder`; a snapshot that can't be used is a problem told.

    Raises ArchiveError when not one snapshot can be used.
    """
    began = time.perf_counter()
    found: list[Vintage] = []
    accounts, problems = [], []
    for snapshot in archive.snapshots(source.name):
        vintage = date.fromisoformat(snapshot.vintage)
        try:
            accepted = accept(archive.read(snapshot))
            raw = dialects.read(accepted.payload, accepted.format, source.dialects, source.name)
            staged = stage_snapshot(source, raw, vintage)
        except (ArchiveError, ContractError, Refused) as error:
            problems.append(f"{source.name}: the archived snapshot of {snapshot.vintage} can't be used: {error}")
            continue
        found.append(Vintage(snapshot.sha256, vintage, staged))
        accounts.append(_account(source, snapshot, staged))
    if not found:
        raise ArchiveError(" ".join(problems) or f"The archive has no snapshot of {source.name}.")
    subject = SUBJECTS[source.name]
    rows = subject.combine(found, declaration_of(source))
    table = conform(rows, subject.table) if subject.table else rows
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "rows.parquet", index=False)
    reconciliations = _control_totals(source, table)
    if reconciliations is not None:
        reconciliations.to_parquet(folder / "meta.reconciliations.parquet", index=False)
    aside = {
        SNAPSHOTS: shape(pd.DataFrame(accounts), SNAPSHOTS),
        REJECTED_ROWS: _set_aside(found, source, "rejected", REJECTED_ROWS),
        MERGED_ROWS: _set_aside(found, source, "merged", MERGED_ROWS),
        SIGNALS: _set_aside(found, source, "signals", SIGNALS),
        CORRECTIONS: _set_aside(found[-1:], source, "corrections", CORRECTIONS),
        KNOWN_DEFECTS: shape(
            pd.DataFrame(
                [
                    {
                        "source": source.name,
                        "defect_id": defect["id"],
                        "noted": pd.Timestamp(defect["noted"]),
                        "description": defect["text"],
                    }
                    for defect in source.declaration["known_defects"]
                ]
            ),
            KNOWN_DEFECTS,
        ),
    }
    for meta, frame in aside.items():
        frame.to_parquet(folder / f"{meta.full_name}.parquet", index=False)
    return StageReport(source.name, folder, len(table), accounts, problems, time.perf_counter() - began)
