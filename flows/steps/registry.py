"""The subjects: how each source is staged, and which tables its snapshots make together."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pandas as pd

from schemas.columns import ORIGIN, Table
from schemas.tables import TABLES
from schemas.tables.assessments import SCALE_OF_ASSESSMENTS
from schemas.tables.budgets import MISSION_BUDGET_LINES
from schemas.tables.codebook import PUBLISHED_NAMES, PUBLISHER_COLUMNS, PUBLISHER_DATASETS, PUBLISHER_REVISIONS
from schemas.tables.contributions import ASSESSED_CONTRIBUTION_REVISIONS, ASSESSED_CONTRIBUTIONS
from schemas.tables.fatalities import FATALITIES, FATALITY_FIELDS, FATALITY_REVISIONS, FATALITY_STATES
from schemas.tables.missions import MISSIONS
from schemas.tables.personnel import UNIFORMED_PERSONNEL, UNIFORMED_PERSONNEL_REVISIONS
from schemas.validate import conform
from sources.acceptance import accept
from sources.catalogue import Source
from transforms import (
    budget_lines,
    codebook,
    contributions,
    dialects,
    fatalities,
    missions,
    personnel,
    revisions,
    scales,
    vintages,
)
from transforms.compiled import SHAPES, Shape, stage
from transforms.completeness import Salvage, unread_rows
from transforms.neighbours import ROWS, Comparison
from transforms.staging import Declaration, Staged
from transforms.vintages import Vintage

LISTED_MISSIONS = "listed_missions"  # completed in the build: the table needs the acronyms of the others
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Subject:
    """How one source is staged, the tables of its snapshots (the main one first), and the key of its tidy rows.

    main    the table for analysts that its rows go to; None where they describe others
    become  which columns of it an incoming column becomes, where they are not called the same
    apart   the column that names the publication, where a source has several that don't speak for each other
    """

    stage: Callable[[dialects.Raw, Declaration, date], Staged]
    tables: Callable[[Sequence[Vintage], Declaration], Tables]
    key: Sequence[str]
    main: Table | None = None
    become: Mapping[str, Sequence[str]] = field(default_factory=dict)
    apart: str | None = None


def _named(frames: Mapping[Table, pd.DataFrame]) -> Tables:
    return {table.full_name: conform(frame, table) for table, frame in frames.items()}


def _fatalities(found: Sequence[Vintage], _: Declaration) -> Tables:
    history = revisions.states(found, "casualty_id")
    return _named(
        {
            FATALITIES: revisions.newest(history),
            FATALITY_STATES: history,
            FATALITY_REVISIONS: revisions.revisions(history, "casualty_id", FATALITY_FIELDS),
        }
    )


def _uniformed_personnel(found: Sequence[Vintage], declared: Declaration) -> Tables:
    series = declared.coverage["precedence"]
    figures = ("female", "male", "total")
    apart = [[vintage for vintage in found if vintage.staged.rows["series"].iloc[0] == name] for name in series]
    revised = [
        revisions.period_revisions(some, personnel.KEY, "month_end", figures).assign(series=name)
        for name, some in zip(series, apart, strict=True)
        if some
    ]
    return _named(
        {
            UNIFORMED_PERSONNEL: vintages.replace_periods(found, "month_end", "series", series),
            UNIFORMED_PERSONNEL_REVISIONS: pd.concat(revised, ignore_index=True),
        }
    )


def _assessed_contributions(found: Sequence[Vintage], _: Declaration) -> Tables:
    revised = revisions.period_revisions(found, contributions.KEY, "peacekeeping_year", ["amount_usd"])
    return _named(
        {
            ASSESSED_CONTRIBUTIONS: vintages.replace_periods(found, "peacekeeping_year"),
            ASSESSED_CONTRIBUTION_REVISIONS: revised,
        }
    )


def _by_period(table: Table) -> Callable[[Sequence[Vintage], Declaration], Tables]:
    """The newest rows of each period, without a history of their own."""
    return lambda found, declared: _named({table: vintages.replace_periods(found, declared.coverage["column"])})


def _publisher_codebook(found: Sequence[Vintage], _: Declaration) -> Tables:
    newest, revised = codebook.newest_and_revised(found)
    of_a_dataset = newest["column_name"] == ""
    return _named(
        {
            PUBLISHER_COLUMNS: newest[~of_a_dataset],
            PUBLISHER_DATASETS: newest[of_a_dataset],
            PUBLISHER_REVISIONS: revised,
        }
    )


def _compiled(shape: Shape, table: Table) -> Subject:
    """A compiled source: each of its publications apart, where the rows name one, and the newest for each period."""

    def tables(found: Sequence[Vintage], declared: Declaration) -> Tables:
        apart: dict[str, list[Vintage]] = {}
        for vintage in found:
            apart.setdefault(vintage.staged.rows[shape.apart].iloc[0] if shape.apart else "", []).append(vintage)
        period = declared.coverage["column"] if declared.coverage["rule"] == "replace_periods" else None
        rows = [vintages.replace_periods(some, period) if period else vintages.newest(some) for some in apart.values()]
        return _named({table: pd.concat(rows, ignore_index=True)})

    return Subject(
        lambda raw, declared, vintage: stage(raw, declared, vintage, shape),
        tables,
        shape.key,
        table,
        {"contributor": ["contributor_iso3"], "calendar_year": ["peacekeeping_year"], "reported_on": ["month_end"]},
        shape.apart,
    )


SUBJECTS = {
    "fatalities": Subject(
        fatalities.stage,
        _fatalities,
        ["casualty_id"],
        FATALITIES,
        {"nationality": ["nationality_as_published", "nationality_iso3"]},
    ),
    "uniformed_personnel": Subject(
        personnel.stage,
        _uniformed_personnel,
        personnel.KEY,
        UNIFORMED_PERSONNEL,
        {"contributor": ["contributor_iso3"]},
    ),
    "assessed_contributions": Subject(
        contributions.stage,
        _assessed_contributions,
        contributions.KEY,
        ASSESSED_CONTRIBUTIONS,
        {"contributor": ["contributor_iso3"], "calendar_year": ["peacekeeping_year"]},
    ),
    "missions": Subject(
        missions.stage, lambda found, _: {LISTED_MISSIONS: vintages.newest(found)}, ["mission"], MISSIONS
    ),
    "publisher_codebook": Subject(codebook.stage, _publisher_codebook, codebook.KEY),
    "scale_of_assessments": Subject(
        scales.stage,
        _by_period(SCALE_OF_ASSESSMENTS),
        scales.KEY,
        SCALE_OF_ASSESSMENTS,
        {"contributor": ["contributor_iso3"]},
    ),
    "mission_budget_lines": Subject(
        budget_lines.stage,
        _by_period(MISSION_BUDGET_LINES),
        budget_lines.KEY,
        MISSION_BUDGET_LINES,
        {"mission": ["mission", "mission_as_published"], "period_start": ["peacekeeping_year", "period_start"]},
    ),
    **{name: _compiled(shape, TABLES[f"main.{name}"]) for name, shape in SHAPES.items()},
}


def published_names(source: Source) -> pd.DataFrame:
    """Which published columns of psdata's API our columns come from (schemas.tables.codebook).

    Read off the dialects: a source that is asked for as /data/<dataset>/json is published so under the names of its
    JSON dialects. An incoming column that is only held against another one (a printed code) has no column of ours.
    No row for a source that is no dataset of the API.
    """
    subject = SUBJECTS[source.name]
    found = re.fullmatch(r"/data/([^/]+)/(csv|json)", source.live_path) if source.live else None
    rows: set[tuple[str, ...]] = set()
    if found and subject.main:
        dataset, form = found.groups()
        for declared in [dialect for dialect in source.dialects if dialect["format"] == form]:
            for theirs, incoming in {**declared["required"], **declared.get("optional", {})}.items():
                ours = subject.become.get(incoming, [incoming] if incoming in subject.main.columns else [])
                rows |= {(source.name, dataset, theirs, subject.main.name, column) for column in ours}
    return conform(pd.DataFrame(sorted(rows), columns=list(PUBLISHED_NAMES.columns)), PUBLISHED_NAMES)


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


def read(source: Source, file: Path) -> dialects.Raw:
    """A file of a source as rows of text. Raises Refused for its bytes, ContractError when no dialect fits."""
    accepted = accept(file, workbook=True)
    with accepted.open() as text:
        return dialects.read(text, accepted.format, source.dialects, source.name)


def comparison_of(source: Source) -> Comparison:
    """How a source's tidy rows are compared with those of other snapshots; rows whose key is their place are whole."""
    coverage, subject = source.declaration["coverage"], SUBJECTS[source.name]
    keyed = subject.main is None or set(subject.key) <= set(subject.main.columns)
    return Comparison(
        key=subject.key if keyed or not subject.main else [name for name in subject.main.columns if name not in ORIGIN],
        period=coverage["column"] if coverage["rule"] == "replace_periods" else None,
        measures=coverage.get("measures", [ROWS]),
        groups=coverage.get("groups", []),
        bounds=source.declaration["envelope"]["against_neighbours"],
        unspecified=coverage.get("unspecified", {}),
    )


def stage_rows(source: Source, raw: dialects.Raw, vintage: date) -> Staged:
    """Stage one snapshot's rows. Raises ContractError when none of them is what the source promises."""
    subject, declared = SUBJECTS[source.name], declaration_of(source)
    staged = subject.stage(raw, declared, vintage)
    if not staged.rows_rejected:
        return staged
    salvage = Salvage(lambda only: subject.stage(only, declared, vintage), subject.become)
    return replace(staged, unread=unread_rows(raw, staged, salvage, comparison_of(source)))
