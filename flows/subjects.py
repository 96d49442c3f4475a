"""The subjects: how each source is staged, and which tables its snapshots make together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd

from schemas.columns import Table
from schemas.tables import (
    ASSESSED_CONTRIBUTION_REVISIONS,
    ASSESSED_CONTRIBUTIONS,
    FATALITIES,
    FATALITY_FIELDS,
    FATALITY_REVISIONS,
    FATALITY_STATES,
    UNIFORMED_PERSONNEL,
    UNIFORMED_PERSONNEL_REVISIONS,
)
from schemas.validate import conform
from sources.acceptance import accept
from sources.catalogue import Source
from transforms import contributions, dialects, fatalities, missions, personnel, revisions, vintages
from transforms.staging import Declaration, Staged
from transforms.vintages import Vintage

LISTED_MISSIONS = "listed_missions"  # completed in the build: the table needs the acronyms of the others
Tables = Mapping[str, pd.DataFrame]


@dataclass(frozen=True)
class Subject:
    """How one source is staged, the tables of its snapshots (the main one first), and the key of its tidy rows."""

    stage: Callable[[dialects.Raw, Declaration, date], Staged]
    tables: Callable[[Sequence[Vintage], Declaration], Tables]
    key: Sequence[str]


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


SUBJECTS = {
    "fatalities": Subject(fatalities.stage, _fatalities, ["casualty_id"]),
    "uniformed_personnel": Subject(personnel.stage, _uniformed_personnel, personnel.KEY),
    "assessed_contributions": Subject(contributions.stage, _assessed_contributions, contributions.KEY),
    "missions": Subject(missions.stage, lambda found, _: {LISTED_MISSIONS: vintages.newest(found)}, ["mission"]),
}


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
    accepted = accept(file)
    with accepted.open() as text:
        return dialects.read(text, accepted.format, source.dialects, source.name)


def stage_rows(source: Source, raw: dialects.Raw, vintage: date) -> Staged:
    """Stage one snapshot's rows. Raises ContractError when they are not what the source promises."""
    return SUBJECTS[source.name].stage(raw, declaration_of(source), vintage)
