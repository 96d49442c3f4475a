"""The registry: how each source is read, staged and merged into tables, as its declaration names it."""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import pandas as pd

from schemas.columns import ORIGIN, Table
from schemas.source import Source
from schemas.tables import TABLES
from schemas.tables.codebook import PUBLISHED_NAMES, PUBLISHER_DATASETS, PUBLISHER_REVISIONS
from schemas.tables.contributions import ASSESSED_CONTRIBUTION_REVISIONS
from schemas.tables.fatalities import FATALITY_FIELDS, FATALITY_REVISIONS, FATALITY_STATES
from schemas.tables.personnel import MONTHLY_REPORT, UNIFORMED_PERSONNEL_REVISIONS, UNIFORMED_PERSONNEL_SUPERSEDED
from schemas.validate import conform
from sources.acceptance import accept
from sources.errors import CatalogueError
from transforms import codebook, dialects, revisions, vintages
from transforms.completeness import Salvage, unread_rows
from transforms.neighbours import ROWS, Comparison
from transforms.staging import Staged
from transforms.vintages import Vintage

LISTED_MISSIONS = "listed_missions"  # completed in the build: the table needs the acronyms of the others
Stage = Callable[[dialects.Raw, Source, date], Staged]
Tables = Mapping[str, pd.DataFrame]


def stage_of(source: Source) -> Stage:
    """The staging function that a declaration names. Raises CatalogueError where there is none."""
    try:
        return cast(Stage, pkgutil.resolve_name(source.stage))
    except (ImportError, AttributeError) as error:
        raise CatalogueError(
            f"{source.name}.yaml: stage: expected the name of a function such as transforms.personnel.stage, "
            f"got {source.stage!r} ({error})."
        ) from error


def table_of(source: Source) -> Table:
    """The table that a declaration names. Raises CatalogueError where there is none."""
    if source.table not in TABLES:
        raise CatalogueError(
            f"{source.name}.yaml: table: expected a table of schemas.tables such as main.fatalities, "
            f"got {source.table!r}."
        )
    return TABLES[source.table]


def read(source: Source, file: Path) -> dialects.Raw:
    """A file of a source as rows of text. Raises Refused for its bytes, ContractError when no dialect fits."""
    accepted = accept(file, workbook=True, pdf=bool(source.pdf_forms))
    with accepted.open() as text:
        return dialects.read(text, accepted.format, source.dialects, source.name)


def stage_rows(source: Source, raw: dialects.Raw, vintage: date) -> Staged:
    """Stage one snapshot's rows. Raises ContractError when none of them is what the source promises."""
    stage = stage_of(source)
    staged = stage(raw, source, vintage)
    if not staged.rows_rejected:
        return staged
    salvage = Salvage(lambda rows: stage(rows, source, vintage), source.becomes)
    return replace(staged, unread=unread_rows(raw, staged, salvage, comparison_of(source)))


def comparison_of(source: Source) -> Comparison:
    """How a source's tidy rows are compared with those of other snapshots; by all columns where the key is a place."""
    table, coverage = table_of(source), source.coverage
    return Comparison(
        key=[name for name in table.columns if name not in ORIGIN] if ORIGIN.keys() & set(table.key) else table.key,
        period=coverage.period,
        measures=coverage.measures or [ROWS],
        groups=coverage.groups,
        bounds=source.envelope.against_neighbours.model_dump(by_alias=True, exclude_unset=True),
        unspecified=coverage.unspecified,
    )


def merged(source: Source, snapshots: Sequence[Vintage]) -> pd.DataFrame:
    """The rows of a source's snapshots (in publication order) as one table, by its rule of coverage.

    Each publication is merged by itself where the source declares a column of publications.
    """
    coverage = source.coverage
    publications: dict[str, list[Vintage]] = {}
    for snapshot in snapshots:
        name = snapshot.staged.rows[coverage.publications].iloc[0] if coverage.publications else ""
        publications.setdefault(name, []).append(snapshot)
    return pd.concat([_merged(source, each) for each in publications.values()], ignore_index=True)


def _merged(source: Source, snapshots: Sequence[Vintage]) -> pd.DataFrame:
    coverage = source.coverage
    if coverage.rule == "replace_periods":
        series = "series" if coverage.precedence else None
        return vintages.replace_periods(snapshots, coverage.column, series, coverage.precedence)
    if coverage.rule == "newest":
        return vintages.newest(snapshots)
    rows = pd.concat([snapshot.rows() for snapshot in snapshots], ignore_index=True)
    return rows.drop_duplicates(list(comparison_of(source).key), keep="last", ignore_index=True)


def tables_of(source: Source, snapshots: Sequence[Vintage]) -> Tables:
    """The tables of a source's snapshots (in publication order) by name, its own table first."""
    if source.name == "missions":
        return {LISTED_MISSIONS: merged(source, snapshots)}
    if source.name in WITH_HISTORY:
        frames = WITH_HISTORY[source.name](source, snapshots)
    else:
        frames = {table_of(source): merged(source, snapshots)}
    return {table.full_name: conform(frame, table) for table, frame in frames.items()}


Frames = dict[Table, pd.DataFrame]


def _fatalities(source: Source, snapshots: Sequence[Vintage]) -> Frames:
    history = revisions.states(snapshots, "casualty_id")
    return {
        table_of(source): revisions.newest(history),
        FATALITY_STATES: history,
        FATALITY_REVISIONS: revisions.revisions(history, "casualty_id", FATALITY_FIELDS),
    }


def _uniformed_personnel(source: Source, snapshots: Sequence[Vintage]) -> Frames:
    table, coverage = table_of(source), source.coverage
    revised, before = [], pd.DataFrame()
    for series in coverage.precedence:
        same = [snapshot for snapshot in snapshots if snapshot.staged.rows["series"].iloc[0] == series]
        if same:
            changes = revisions.period_revisions(same, list(table.key), coverage.column, ("female", "male", "total"))
            revised.append(changes.assign(series=series))
        if same and series == MONTHLY_REPORT:
            before = vintages.before_newest(same, coverage.column)
    return {
        table: merged(source, snapshots),
        UNIFORMED_PERSONNEL_REVISIONS: pd.concat(revised, ignore_index=True),
        UNIFORMED_PERSONNEL_SUPERSEDED: before,
    }


def _assessed_contributions(source: Source, snapshots: Sequence[Vintage]) -> Frames:
    table, coverage = table_of(source), source.coverage
    return {
        table: merged(source, snapshots),
        ASSESSED_CONTRIBUTION_REVISIONS: revisions.period_revisions(
            snapshots, list(table.key), coverage.column, coverage.measures
        ),
    }


def _publisher_codebook(source: Source, snapshots: Sequence[Vintage]) -> Frames:
    newest, revised = codebook.newest_and_revised(snapshots)
    of_a_dataset = newest["column_name"] == ""
    return {
        table_of(source): newest[~of_a_dataset],
        PUBLISHER_DATASETS: newest[of_a_dataset],
        PUBLISHER_REVISIONS: revised,
    }


# The sources that have tables of what changed between snapshots, besides their own.
WITH_HISTORY: dict[str, Callable[[Source, Sequence[Vintage]], Frames]] = {
    "fatalities": _fatalities,
    "uniformed_personnel": _uniformed_personnel,
    "assessed_contributions": _assessed_contributions,
    "publisher_codebook": _publisher_codebook,
}


def published_names(source: Source) -> pd.DataFrame:
    """Which published columns of psdata's API our columns come from (schemas.tables.codebook).

    A source that is fetched as /data/<dataset>/json is published under the names of its JSON dialects. An incoming
    column that is only compared with another one (a printed code) has no column of ours. No row for a source that is
    no dataset of the API.
    """
    table = table_of(source)
    match = re.fullmatch(r"/data/([^/]+)/(csv|json)", source.live.path) if source.live else None
    rows: set[tuple[str, ...]] = set()
    if match:
        dataset, form = match.groups()
        for dialect in [dialect for dialect in source.dialects if dialect.format == form]:
            for theirs, incoming in {**dialect.required, **dialect.optional}.items():
                ours = source.becomes.get(incoming, [incoming] if incoming in table.columns else [])
                rows |= {(source.name, dataset, theirs, table.name, column) for column in ours}
    return conform(pd.DataFrame(sorted(rows), columns=list(PUBLISHED_NAMES.columns)), PUBLISHED_NAMES)
