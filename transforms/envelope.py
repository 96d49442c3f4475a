"""The envelope: what a snapshot must look like by itself, before it is compared with others.

Each function is one check and returns the problems that it found. Bounds stand in the source's YAML under `envelope`.
"""

from __future__ import annotations

from datetime import date

from schemas.problems import Problem
from schemas.source import Source
from transforms.staging import Staged, most_frequent


def rejected_share(staged: Staged, declared: Source) -> list[Problem]:
    """Few rows are not what the source promises."""
    share, allowed = staged.rows_rejected / max(staged.rows_in, 1), declared.envelope.rejected_share.max
    if share <= allowed:
        return []
    told = (
        f"{staged.rows_rejected:,} of {staged.rows_in:,} rows are not what {declared.name} promises (at most "
        f"{allowed:.0%} may be rejected). {most_frequent(staged.rejected)}"
    )
    return [Problem("rejected_share", True, told)]


def newest_row(staged: Staged, declared: Source, vintage: date) -> list[Problem]:
    """The newest row lies near the publication date, for a source that is updated often."""
    reach = declared.envelope.newest_within_days
    if reach is None or staged.covers_to is None or (vintage - staged.covers_to).days <= reach:
        return []
    told = (
        f"Its newest row is of {staged.covers_to}, more than {reach} days before its publication on {vintage}: the "
        "dates are not what they seem (seconds for milliseconds?), or the file is older; then say --vintage DATE."
    )
    return [Problem("newest_row", True, told)]


def number_of_rows(staged: Staged, declared: Source) -> list[Problem]:
    """The file, and each period of it where that is declared, has as many rows as it may: fewer are refused, more are
    a warning."""
    envelope, period = declared.envelope, declared.coverage.column
    counts = [("the file", staged.rows_in, envelope.rows)]
    if envelope.rows_per_period:
        per = staged.rows[period].value_counts().sort_index()
        counts += [(str(name)[:10], int(rows), envelope.rows_per_period) for name, rows in per.items()]
    told = []
    for what, rows, bound in counts:
        if rows < bound.min:
            text = f"{what} has {rows:,} rows of {declared.name}, expected {bound.min:,} or more: {envelope.why}."
            told.append(Problem("rows", True, text))
        elif rows > bound.max:
            text = f"{what} has {rows:,} rows, more than the {bound.max:,} expected at most"
            told.append(Problem("rows", False, text))
    return told
