"""Tables of data quality: rejected and merged rows, incomplete periods, signals, corrections, known defects."""

from __future__ import annotations

from schemas.columns import SHA256, Table, category, day, number, text, whole

_RAW_ROW = {
    "source": text("Name of the source."),
    "snapshot_sha256": text("Snapshot of the row (meta.snapshots).", pattern=SHA256),
    "row_number": whole("Number of the row in the snapshot; the first row of data is 1.", unit="row", minimum=1),
}

REJECTED_ROWS = Table(
    "meta",
    "rejected_rows",
    "Rejected rows",
    "One row per fault of a rejected row, with the raw row as JSON. A rejected row can have several faults.",
    (),
    False,
    {
        **_RAW_ROW,
        "raw_row": text("Published row as JSON, with the published column names."),
        "column_name": text(
            "Column at fault (name in the warehouse); NULL if the fault concerns the whole row.", nullable=True
        ),
        "check_name": text("Name of the failed check."),
        "reason": text("Expected and actual value."),
    },
)

INCOMPLETE_PERIODS = Table(
    "meta",
    "incomplete_periods",
    "Incomplete periods",
    "One row per period (month, year) with rejected rows: its total is incomplete. A source whose rows are persons or "
    "things has one row for all periods ('all').",
    ("source", "snapshot_sha256", "period"),
    False,
    {
        "source": text("Name of the source and of its table in main."),
        "snapshot_sha256": text("Snapshot that the period is taken from.", pattern=SHA256),
        "period": text("Period as text: 2025-07-31, 2023-24, 2019; all for a source without periods."),
        "measure": text("Column that is estimated; rows where each row counts as one."),
        "rows_rejected": whole("Rejected rows that belong, or may belong, to the period.", unit="row", minimum=1),
        "published": number("Sum of the measure over the staged rows.", unit=None, minimum=-1e15, maximum=1e15),
        "missing": number(
            "Estimated sum of the rejected rows: their own figures where readable, otherwise those of the same keys "
            "in the nearest other period; NULL where neither is known.",
            unit=None,
            nullable=True,
            minimum=0,
            maximum=1e15,
        ),
        "share_pct": number(
            "missing as a share of published plus missing; NULL where missing is unknown.",
            unit="percent",
            nullable=True,
            minimum=0,
            maximum=100,
        ),
    },
    hazards=(
        "A total of such a period is too low by an unknown amount. `missing` is an estimate and not part of any total.",
    ),
)

MERGED_ROWS = Table(
    "meta",
    "merged_rows",
    "Merged rows",
    "One row per published row that was merged into another by a named rule.",
    (),
    False,
    {
        **_RAW_ROW,
        "rule": text("Name of the rule."),
        "into_row": whole("Number of the row that it was merged into.", unit="row", minimum=1),
    },
)

SIGNALS = Table(
    "meta",
    "signals",
    "Signals",
    "One row per observation that should be reviewed and does not stop a build: new columns, names in no code list, "
    "codes that contradict names.",
    (),
    False,
    {
        "source": text("Name of the source."),
        "snapshot_sha256": text("Snapshot of the row (meta.snapshots).", pattern=SHA256),
        "kind": text("Kind of the observation."),
        "value": text("Value that was observed."),
        "rows": whole("Rows with the value.", unit="row"),
    },
)

CORRECTIONS = Table(
    "meta",
    "corrections",
    "Corrections",
    "One row per correction that a source declares, with its status.",
    ("source", "correction_id"),
    True,
    {
        "source": text("Name of the source."),
        "correction_id": text("Id in the source's declaration."),
        "status": category(
            "applied; expired: the publisher no longer prints what the correction expects; absent: no such row.",
            ("applied", "expired", "absent"),
        ),
        "where_row": text("Row that it applies to, as JSON."),
        "expected": text("Published values that it replaces, as JSON."),
        "corrected": text("Corrected values, as JSON."),
        "reason": text("Reason for the correction."),
        "noted": day("Day on which it was recorded."),
    },
)

KNOWN_DEFECTS = Table(
    "meta",
    "known_defects",
    "Known defects",
    "One row per known defect of a source that is kept as published.",
    ("source", "defect_id"),
    True,
    {
        "source": text("Name of the source."),
        "defect_id": text("Id in the source's declaration."),
        "noted": day("Day on which it was recorded."),
        "description": text("Description of the defect and its consequences."),
        "expect": text(
            "SQL query for the number of cases in the tables; NULL where no query can determine it.",
            nullable=True,
        ),
        "cases": whole("Recorded number of cases; NULL where it differs by vintage.", unit="case", nullable=True),
        "found": whole("Number of cases that the query returns in this build.", unit="case", nullable=True),
        "status": category(
            "stands: the defect is unchanged; changed: the number of cases differs from the recorded one, review it; "
            "mended: no case is left, remove the declaration; not asked: there is no query, or the snapshots cannot "
            "answer it.",
            ("stands", "changed", "mended", "not asked"),
        ),
    },
)
