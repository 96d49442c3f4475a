"""Checks of a snapshot by itself, before it is compared with others.

Each function is one check and returns its problems. The bounds are in the source's YAML under `envelope`.
"""

from __future__ import annotations

from datetime import date

from schemas.problems import Problem
from schemas.source import Source
from transforms.staging import Staged, most_frequent


def rejected_share(staged: Staged, declared: Source) -> list[Problem]:
    """The share of rejected rows is within bounds."""
    share, allowed = staged.rows_rejected / max(staged.rows_in, 1), declared.envelope.rejected_share.max
    if share <= allowed:
        return []
    text = (
        f"{staged.rows_rejected:,} of {staged.rows_in:,} rows are not what {declared.name} promises (at most "
        f"{allowed:.0%} may be rejected). {most_frequent(staged.rejected)}"
    )
    return [Problem("rejected_share", True, text)]


def newest_row(staged: Staged, declared: Source, vintage: date) -> list[Problem]:
    """The newest row is close to the publication date, for sources that are updated often."""
    reach = declared.envelope.newest_within_days
    if reach is None or staged.covers_to is None or (vintage - staged.covers_to).days <= reach:
        return []
    text = (
        f"Its newest row is of {staged.covers_to}, more than {reach} days before its publication on {vintage}: the "
        "dates are not what they seem (seconds for milliseconds?), or the file is older; then say --vintage DATE."
    )
    return [Problem("newest_row", True, text)]


def number_of_rows(staged: Staged, declared: Source) -> list[Problem]:
    """The number of rows of the file, and of each period where declared, is within bounds. Too few rows are refused,
    too many are a warning."""
    envelope, period = declared.envelope, declared.coverage.column
    counts = [("the file", staged.rows_in, envelope.rows)]
    if envelope.rows_per_period:
        per = staged.rows[period].value_counts().sort_index()
        own = next((form.fewest_per_period for form in declared.dialects if form.name == staged.dialect), None)
        bound = envelope.rows_per_period.model_copy(update={"min": own} if own else {})
        counts += [(str(name)[:10], int(rows), bound) for name, rows in per.items()]
    problems = []
    for what, rows, bound in counts:
        if rows < bound.min:
            text = f"{what} has {rows:,} rows of {declared.name}, expected {bound.min:,} or more: {envelope.why}."
            problems.append(Problem("rows", True, text))
        elif rows > bound.max:
            text = f"{what} has {rows:,} rows, more than the {bound.max:,} expected at most"
            problems.append(Problem("rows", False, text))
    return problems
