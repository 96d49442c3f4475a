"""Hold the rows of a report against every total that it prints."""

from __future__ import annotations

from collections import defaultdict

from schemas.report_layout import ReportLayout
from schemas.validate import ContractError, CutOffError
from transforms.reports.rows import Body, Row, Total

MISREAD = "A row is missing, misprinted or misread"
INSTEAD = "nothing is loaded. Get the file again; if it stays, load the month's figures as CSV"


def require_totals(body: Body, layout: ReportLayout) -> None:
    """Raise ContractError naming page, line and both figures where the rows don't add up to a printed total.

    Raises CutOffError where a total that the layout always prints is missing.
    """
    for row in body.rows:
        _require_row(row, layout)
    by_group: dict[tuple[tuple[str, str], ...], list[Row]] = defaultdict(list)
    keys = {tuple(total.names) for total in body.totals}
    for row in body.rows:
        for key in keys:
            by_group[tuple((held, getattr(row, held)) for held in key)].append(row)
    for total in body.totals:
        _require_total(total, by_group[tuple(total.names.items())])
    _require_printed(body, layout)
    if body.row_count is not None and body.row_count[1] != len(body.rows):
        line, count = body.row_count
        raise ContractError(
            f"{line.place}: the report counts {count:,} rows, there are {len(body.rows):,}. {MISREAD}; {INSTEAD}."
        )


def _require_row(row: Row, layout: ReportLayout) -> None:
    """Men and women, or the types, have to add up to the row's total."""
    parts = [column for column in layout.columns if column.figures and (column.type or column.holds != ("total",))]
    whole = next((column for column in layout.columns if column.holds == ("total",) and not column.type), None)
    if whole is None:
        return
    added, printed = sum(row.figures[column.name] for column in parts), row.figures[whole.name]
    if added != printed:
        names = " and ".join(column.name for column in parts)
        raise ContractError(
            f"{row.line.place} ({_named(row)}): {names} add up to {added:,}, the report prints {printed:,}. "
            f"{MISREAD}; {INSTEAD}."
        )


def _require_total(total: Total, rows: list[Row]) -> None:
    for name, printed in total.line.figures.items():
        added = sum(row.figures[name] for row in rows)
        if added != printed:
            raise ContractError(
                f"{total.line.place}: the report prints {printed:,} as the {total.what} under {name}, its "
                f"{len(rows):,} rows add up to {added:,}. {MISREAD}; {INSTEAD}."
            )


def _require_printed(body: Body, layout: ReportLayout) -> None:
    """Raise CutOffError where the total of an outer group, or of all, is missing, and the layout prints it."""
    printed = {(total.level, *total.names.values()) for total in body.totals}
    outer = layout.groups[0] if layout.groups else ""
    if outer and getattr(layout.totals, outer):
        for row in body.rows:
            if (outer, getattr(row, outer)) not in printed:
                raise CutOffError(
                    f"{row.line.place}: the total of {getattr(row, outer)} is missing; expected one for each {outer}. "
                    "The report is cut off, or pages are missing. Get it again."
                )
    if layout.totals.grand and ("grand",) not in printed:
        last = body.rows[-1].line
        raise CutOffError(
            f"The grand total is missing after page {last.page}, line {last.line}; expected one at the end. "
            "The report is cut off, or pages are missing. Get it again."
        )


def _named(row: Row) -> str:
    return ", ".join(name for name in (row.mission, row.contributor, row.type) if name)
