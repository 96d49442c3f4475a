"""The comparison of two builds as plain text and as an HTML page."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from warehouse.diff import Diff, TableDiff, unit_of
from warehouse.reports.formats import templates


def lines(diff: Diff) -> list[str]:
    """The comparison as plain text, one block per table."""
    text = [
        f"Before: build {shown(diff.before.build_id)}, version {shown(diff.before.code_version)}",
        f"After:  build {shown(diff.after.build_id)}, version {shown(diff.after.code_version)}",
    ]
    for source, old, new in diff.vintages():
        vintage = shown(new) if old == new else f"{shown(old or 'none')} → {shown(new or 'none')}"
        text.append(f"  {shown(source)}: {vintage}")
    if not diff.differing:
        return [*text, "", "Nothing changed."]
    for table in diff.differing:
        text += ["", *_block(table)]
    same = [shown(table.table) for table in diff.tables if not table.differs]
    return [*text, "", f"Unchanged: {', '.join(same)}."] if same else text


def _block(table: TableDiff) -> list[str]:
    counts = [(table.added, "added"), (table.gone, "gone"), (table.changed, "changed")]
    changes = ", ".join(f"{count:,} {what}" for count, what in counts if count)
    text = [f"{shown(table.title)} ({shown(table.table)})"]
    text.append(f"  {number(table.rows_before)} → {_rows(table.rows_after)}: {changes or 'all as they were'}")
    text += [f"  {table.note}"] if table.note else []
    for what, names in (("New", table.columns_added), ("Gone", table.columns_gone)):
        text += [f"  {what} columns: {', '.join(map(shown, names))}"] if names else []
    for field in table.fields:
        unit = f" [{field.unit}]" if field.unit else ""
        text.append(f"  {shown(field.field)}{unit} changed in {_rows(field.changed)}")
        for one in field.examples:
            before, after = (shown(value, field.unit) for value in (one.before, one.after))
            text.append(f"    {_cells(table, one.key)}: {before} → {after}")
        text += _more(field.changed - len(field.examples))
    for title, examples, count in (
        ("Added", table.examples_added, table.added),
        ("Gone", table.examples_gone, table.gone),
    ):
        if examples:
            text.append(f"  {title}:")
            for row in examples:
                key = _cells(table, {name: row[name] for name in table.key})
                rest = ", ".join(
                    f"{name} {shown(cell, unit_of(table.table, name))}"
                    for name, cell in row.items()
                    if name not in table.key
                )
                text.append(f"    {key}: {rest}" if rest else f"    {key}")
            text += _more(count - len(examples))
    return text


def _cells(table: TableDiff, row: Mapping[str, Any]) -> str:
    """Values of a table's columns, by name, in one line."""
    return ", ".join(shown(value, unit_of(table.table, name)) for name, value in row.items())


def _rows(count: int | None) -> str:
    return f"{number(count)} row{'' if count == 1 else 's'}"


def _more(count: int) -> list[str]:
    return [f"    … and {count:,} more"] if count > 0 else []


def number(count: int | None) -> str:
    """A count as text; none where the build lacks the table."""
    return "none" if count is None else f"{count:,}"


def shown(value: Any, unit: str | None = None) -> str:
    """A value on one line: thousands separated except in years, control characters escaped, edge spaces quoted."""
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).lower()
    if not isinstance(value, str):
        return str(value) if isinstance(value, date) or unit == "year" else f"{value:,}"
    text = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in value)
    return text if text and text == text.strip() else f'"{text}"'


def to_html(diff: Diff) -> str:
    """The comparison as one self-contained page: no script, no network."""
    return (
        templates({"shown": shown, "number": number, "unit_of": unit_of})
        .get_template("diff.html.jinja")
        .render(diff=diff)
    )
