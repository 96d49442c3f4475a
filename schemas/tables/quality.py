"""Tables of data quality: rejected and merged rows, incomplete periods, signals, corrections, known defects."""

from __future__ import annotations

from schemas.columns import SHA256, Table, category, day, number, text, whole

_RAW_ROW = {
    "source": text("Name of the source."),
    "snapshot_sha256": text("The snapshot.", pattern=SHA256),
    "row_number": whole("The row's number in it, the first row of data being 1.", unit="row", minimum=1),
}

REJECTED_ROWS = Table(
    "meta",
    "rejected_rows",
    "Rejected rows",
    "One row a fault of a rejected row, with the raw row as JSON. A row can have several faults.",
    (),
    False,
    {
        **_RAW_ROW,
        "raw_row": text("The row as published, as JSON under the published column names."),
        "column_name": text("The column at fault (our name); NULL when it is the whole row.", nullable=True),
        "check_name": text("The check that failed."),
        "reason": text("What was expected and what came."),
    },
)

INCOMPLETE_PERIODS = Table(
    "meta",
    "incomplete_periods",
    "Incomplete periods",
    "One row a period (month, year) of which published rows were rejected: its total is not the whole. Of a source in "
    "which each row is one person or thing, one row for all of it (period 'all').",
    ("source", "snapshot_sha256", "period"),
    False,
    {
        "source": text("Name of the source, which is that of its table in main."),
        "snapshot_sha256": text("The snapshot that speaks for the period.", pattern=SHA256),
        "period": text("The period as text: 2025-07-31, 2023-24, 2019; all for a source without periods."),
        "measure": text("The column of the table that is estimated; rows where each row counts as one."),
        "rows_rejected": whole("Rejected rows that are, or may be, of the period.", unit="row", minimum=1),
        "published": number("Sum of the measure as published.", unit=None, minimum=-1e15, maximum=1e15),
        "missing": number(
            "What the rejected rows would add: their own figures where these can be read, else those of the same keys "
            "in the nearest other period; NULL where neither is known.",
            unit=None,
            nullable=True,
            minimum=0,
            maximum=1e15,
        ),
        "share_pct": number(
            "The missing part of the whole; NULL where it is not known.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=100,
        ),
    },
    hazards=("A total of such a period is too low by an unknown amount; `missing` is an estimate and in no total.",),
)

MERGED_ROWS = Table(
    "meta",
    "merged_rows",
    "Merged rows",
    "One row a published row that was merged into another by a named rule.",
    (),
    False,
    {
        **_RAW_ROW,
        "rule": text("The rule's name."),
        "into_row": whole("Number of the row that was kept.", unit="row", minimum=1),
    },
)

SIGNALS = Table(
    "meta",
    "signals",
    "Signals",
    "Things noticed that stop nothing and want a look: new columns, names that no code list knows, codes that "
    "contradict names.",
    (),
    False,
    {
        "source": text("Name of the source."),
        "snapshot_sha256": text("The snapshot.", pattern=SHA256),
        "kind": text("What was noticed."),
        "value": text("The value in question."),
        "rows": whole("How many rows have it.", unit="row"),
    },
)

CORRECTIONS = Table(
    "meta",
    "corrections",
    "Corrections",
    "One row a correction declared for a source, and whether it applied.",
    ("source", "correction_id"),
    True,
    {
        "source": text("Name of the source."),
        "correction_id": text("Its id."),
        "status": category(
            "applied; expired: the publisher no longer prints what the correction expects; absent: no such row.",
            ("applied", "expired", "absent"),
        ),
        "where_row": text("Which row, as JSON."),
        "expected": text("What the publisher prints, as JSON."),
        "corrected": text("What stands in the tables, as JSON."),
        "reason": text("Why."),
        "noted": day("When it was noted."),
    },
)

KNOWN_DEFECTS = Table(
    "meta",
    "known_defects",
    "Known defects",
    "One row a known defect of a source that is left as published.",
    ("source", "defect_id"),
    True,
    {
        "source": text("Name of the source."),
        "defect_id": text("Its id."),
        "noted": day("When it was noted."),
        "description": text("What is wrong, and what follows."),
        "expect": text(
            "SQL for the number of cases of the defect that stand in the tables; NULL where no query can tell.",
            nullable=True,
        ),
        "cases": whole(
            "How many cases were noted; NULL where their number differs by vintage.", unit="case", nullable=True
        ),
        "found": whole("How many the query finds in this build.", unit="case", nullable=True),
        "status": category(
            "stands; changed: another number of cases than noted, look at it; mended: none is left, and the "
            "declaration can be changed; not asked: no query can tell, or what is held can't.",
            ("stands", "changed", "mended", "not asked"),
        ),
    },
)
