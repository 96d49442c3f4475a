"""What changed between two built warehouse files: rows by key, fields, a few examples; as text, JSON or a page.

Which tables and columns there are is read from the two files, since an older build may lack some of today's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from schemas.problems import first_line
from schemas.tables import HISTORY, TABLES
from warehouse.ddl import quote
from warehouse.query import plain

# Where a row comes from, not what it says: a new snapshot of the same facts would change every row.
ORIGIN = frozenset({"snapshot_sha256", "snapshot_row", "last_seen"})
# What the other tables' history says anew: a corrected casualty would be told three times.
DERIVED = frozenset(table.name for table in HISTORY)
# What tells most about a row, to be shown with the key of rows added and gone; else the first columns.
TELLING: dict[str, tuple[str, ...]] = {
    "countries": ("name", "kind"),
    "missions": ("name", "kind"),
    "fatalities": ("incident_date", "mission", "nationality_iso3", "personnel_type", "incident_type"),
    "uniformed_personnel": ("female", "male", "total"),
    "assessed_contributions": ("amount_usd",),
}
TEMPLATES = Path(__file__).parent / "reports" / "templates"
NUMBERS = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE"})
BY_COUNT = "Compared by its number of rows only"


class DiffError(Exception):
    """The two files can't be compared; the text says why."""


@dataclass(frozen=True)
class Build:
    """What one of the files was made of: `vintages` has the newest vintage of each source."""

    build_id: str
    code_version: str
    vintages: dict[str, date]


@dataclass(frozen=True)
class Change:
    """One value that changed: the row's key, what stood there, what stands there now."""

    key: dict[str, Any]
    before: Any
    after: Any


@dataclass(frozen=True)
class FieldDiff:
    """A column whose values changed: in how many rows, and some of them, the biggest difference first."""

    field: str
    unit: str | None
    changed: int
    examples: list[Change]


@dataclass(frozen=True)
class TableDiff:
    """What changed in a table. Rows are None where the file has no such table; `note` says what was not compared."""

    table: str
    title: str
    key: tuple[str, ...]
    rows_before: int | None
    rows_after: int | None
    added: int
    gone: int
    changed: int = 0
    note: str = ""
    fields: list[FieldDiff] = field(default_factory=list)
    columns_added: list[str] = field(default_factory=list)
    columns_gone: list[str] = field(default_factory=list)
    examples_added: list[dict[str, Any]] = field(default_factory=list)
    examples_gone: list[dict[str, Any]] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Rows added, gone and changed."""
        return self.added + self.gone + self.changed

    @property
    def in_both(self) -> int:
        """Rows that both files have, of which a field's changes are a share."""
        return (self.rows_before or 0) - self.gone

    @property
    def differs(self) -> bool:
        """Whether anything is to be told: a table or column can come or go without a row."""
        return bool(self.size or self.columns_added or self.columns_gone) or None in (self.rows_before, self.rows_after)


@dataclass(frozen=True)
class Diff:
    """Two builds and what changed between them, every table, the biggest change first."""

    before: Build
    after: Build
    tables: list[TableDiff]

    @property
    def total(self) -> int:
        """Rows added, gone and changed in all tables."""
        return sum(table.size for table in self.tables)

    @property
    def differing(self) -> list[TableDiff]:
        """The tables with something to tell."""
        return [table for table in self.tables if table.differs]

    def vintages(self) -> list[tuple[str, date | None, date | None]]:
        """Each source with its vintage in the one build and the other; None where it has none."""
        sources = sorted({*self.before.vintages, *self.after.vintages})
        return [(source, self.before.vintages.get(source), self.after.vintages.get(source)) for source in sources]

    def as_json(self) -> dict[str, Any]:
        """All of it in JSON's own types; dates as ISO texts."""
        return {"total": self.total, **plain(asdict(self))}

    def lines(self) -> list[str]:
        """The report as plain text, a block a table."""
        told = [
            f"Before: build {shown(self.before.build_id)}, version {shown(self.before.code_version)}",
            f"After:  build {shown(self.after.build_id)}, version {shown(self.after.code_version)}",
        ]
        for source, old, new in self.vintages():
            vintage = shown(new) if old == new else f"{shown(old or 'none')} → {shown(new or 'none')}"
            told.append(f"  {shown(source)}: {vintage}")
        if not self.differing:
            return [*told, "", "Nothing changed."]
        for table in self.differing:
            told += ["", *_block(table)]
        same = [shown(table.table) for table in self.tables if not table.differs]
        return [*told, "", f"Unchanged: {', '.join(same)}."] if same else told


def _block(table: TableDiff) -> list[str]:
    counts = [
        f"{count:,} {what}"
        for count, what in ((table.added, "added"), (table.gone, "gone"), (table.changed, "changed"))
        if count
    ]
    told = [f"{shown(table.title)} ({shown(table.table)})"]
    told.append(f"  {number(table.rows_before)} → {_rows(table.rows_after)}: {', '.join(counts) or 'all as they were'}")
    told += [f"  {table.note}"] if table.note else []
    for what, names in (("New", table.columns_added), ("Gone", table.columns_gone)):
        told += [f"  {what} columns: {', '.join(map(shown, names))}"] if names else []
    for changed in table.fields:
        unit = f" [{changed.unit}]" if changed.unit else ""
        told.append(f"  {shown(changed.field)}{unit} changed in {_rows(changed.changed)}")
        for one in changed.examples:
            told.append(f"    {', '.join(map(shown, one.key.values()))}: {shown(one.before)} → {shown(one.after)}")
        told += _more(changed.changed - len(changed.examples))
    for what, examples, count in (
        ("Added", table.examples_added, table.added),
        ("Gone", table.examples_gone, table.gone),
    ):
        if examples:
            told.append(f"  {what}:")
            for row in examples:
                key = ", ".join(shown(row[name]) for name in table.key)
                rest = ", ".join(f"{name} {shown(cell)}" for name, cell in row.items() if name not in table.key)
                told.append(f"    {key}: {rest}" if rest else f"    {key}")
            told += _more(count - len(examples))
    return told


def _rows(count: int | None) -> str:
    return f"{number(count)} row{'' if count == 1 else 's'}"


def _more(count: int) -> list[str]:
    return [f"    … and {count:,} more"] if count > 0 else []


def number(count: int | None) -> str:
    """A count for a reader; of what a file lacks there is none."""
    return "none" if count is None else f"{count:,}"


def shown(value: Any) -> str:
    """A value for a reader, on one line: thousands separated, and what can't be seen made visible."""
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).lower()
    if not isinstance(value, str):
        return str(value) if isinstance(value, date) else f"{value:,}"
    text = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in value)
    return text if text and text == text.strip() else f'"{text}"'


def to_html(diff: Diff) -> str:
    """The report as one page that needs nothing else: no script, no network."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    pages = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {"shown": shown, "number": number}
    return pages.get_template("diff.html.jinja").render(diff=diff)


def compare(before: Path, after: Path, examples: int = 10) -> Diff:
    """What changed from one built file to another, with up to `examples` rows of each kind of change.

    Raises DiffError when a file is missing, damaged, or no warehouse of this project.
    """
    with duckdb.connect() as connection:
        builds = [_opened(connection, before, "older"), _opened(connection, after, "newer")]
        with _told(f"{before} and {after} can't be compared"):
            # What stands in the files (a generated column, say) shall reach nothing else.
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            older, newer = _tables(connection, "older"), _tables(connection, "newer")
            tables = [
                _compare_table(connection, name, older.get(name, {}), newer.get(name, {}), examples)
                for name in {*older, *newer} - DERIVED
            ]
    tables.sort(key=lambda table: (-table.size, not table.differs, table.table))
    return Diff(builds[0], builds[1], tables)


@contextmanager
def _told(failure: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise DiffError(f"{failure}: {first_line(error)}.") from error


def _opened(connection: duckdb.DuckDBPyConnection, file: Path, side: str) -> Build:
    """Attach a file read-only, and read what it was made of."""
    if not file.is_file():
        raise DiffError(f"There is no warehouse at {file}.")
    with _told(f"The warehouse {file} can't be opened"):
        connection.execute(f"ATTACH {quote(str(file))} AS {side} (READ_ONLY, TYPE duckdb)")
    try:
        with _told(f"The warehouse {file} can't be read"):
            builds = connection.execute(f"SELECT build_id, code_version FROM {side}.meta.builds").fetchall()
            vintages = connection.execute(
                f"SELECT source, max(vintage) FROM {side}.meta.snapshots GROUP BY source ORDER BY source"
            ).fetchall()
    except DiffError as error:
        if isinstance(error.__cause__, duckdb.CatalogException | duckdb.BinderException):
            raise DiffError(f"{file} is no warehouse of this project: it does not say what it was made of.") from error
        raise
    if len(builds) != 1:
        raise DiffError(f"{file} is no finished warehouse: it names {len(builds)} builds, not one.")
    return Build(builds[0][0], builds[0][1], dict(vintages))


def _tables(connection: duckdb.DuckDBPyConnection, side: str) -> dict[str, dict[str, str]]:
    """The tables of `main` in one file, each with its columns and their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(
        "SELECT table_name, column_name, data_type "
        "FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name) "
        "WHERE database_name = ? AND schema_name = 'main' ORDER BY table_name, column_index",
        [side],
    ).fetchall():
        found.setdefault(table, {})[column] = data_type
    return found


def _compare_table(
    connection: duckdb.DuckDBPyConnection, name: str, older: dict[str, str], newer: dict[str, str], examples: int
) -> TableDiff:
    """One table by its key, or by its number of rows where that can't be; no columns: the file lacks the table."""
    declared = TABLES.get(f"main.{name}")
    rows = [
        _query(connection, f"SELECT count(*) FROM {side}.main.{_quoted(name)}")[0][0] if columns else None
        for side, columns in (("older", older), ("newer", newer))
    ]
    more = (rows[1] or 0) - (rows[0] or 0)
    by_count = TableDiff(
        table=name,
        title=declared.title if declared else name,
        key=declared.key if declared else (),
        rows_before=rows[0],
        rows_after=rows[1],
        added=max(more, 0),
        gone=max(-more, 0),
    )
    if not (older and newer):
        return replace(by_count, note=f"Only the {'earlier' if older else 'later'} build has this table.")
    by_count = replace(
        by_count,
        columns_added=[column for column in newer if column not in older],
        columns_gone=[column for column in older if column not in newer],
    )
    if not by_count.key:
        return replace(by_count, note=f"{BY_COUNT}: no key is declared for it.")
    if not {*by_count.key} <= {*older} & {*newer}:
        return replace(by_count, note=f"{BY_COUNT}: its key is not in both builds.")
    return _compare_rows(connection, by_count, older, newer, examples)


def _compare_rows(
    connection: duckdb.DuckDBPyConnection, by_count: TableDiff, older: dict[str, str], newer: dict[str, str], limit: int
) -> TableDiff:
    """One full join, kept: k0… the key, old0… and new0… the fields. All is counted in it and read from it."""
    key, table = by_count.key, _quoted(by_count.table)
    fields = [column for column in newer if column in older and column not in {*key, *ORIGIN}]
    kinds = {column: _common_kind(older[column], newer[column]) for column in (*key, *fields)}
    sides = {column: (_value("o", column, kind), _value("n", column, kind)) for column, kind in kinds.items()}
    selected = [f"coalesce({', '.join(sides[column])}) AS k{place}" for place, column in enumerate(key)]
    for place, column in enumerate(fields):
        selected += [f"{sides[column][0]} AS old{place}", f"{sides[column][1]} AS new{place}"]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE joined AS SELECT {', '.join(selected)}, "
        "o.rowid IS NOT NULL AS had, n.rowid IS NOT NULL AS has "
        f"FROM older.main.{table} AS o FULL JOIN newer.main.{table} AS n "
        f"ON {' AND '.join(' IS NOT DISTINCT FROM '.join(sides[column]) for column in key)}"
    )
    changes = [f"had AND has AND old{place} IS DISTINCT FROM new{place}" for place in range(len(fields))]
    wanted = ["had", "has", "NOT had", "NOT has", " OR ".join(changes) or "false", *changes]
    counted = f"SELECT {', '.join(f'count(*) FILTER ({condition})' for condition in wanted)} FROM joined"
    had, has, added, gone, changed, *changed_in = _query(connection, counted)[0]
    if (had, has) != (by_count.rows_before, by_count.rows_after):
        return replace(by_count, note=f"{BY_COUNT}: its key repeats.")
    keys = [f"k{place}" for place in range(len(key))]
    field_diffs = []
    for place, column in enumerate(fields):
        if changed_in[place]:
            old, new, condition = f"old{place}", f"new{place}", changes[place]
            found = _query(
                connection,
                f"SELECT {', '.join([*keys, old, new])} FROM joined WHERE {condition} "
                f"ORDER BY {', '.join([*_biggest_first(old, new, kinds[column]), *keys])} LIMIT {limit}",
            )
            examples = [Change(dict(zip(key, row[:-2], strict=True)), row[-2], row[-1]) for row in found]
            field_diffs.append(FieldDiff(column, _unit(by_count.table, column), changed_in[place], examples))
    telling = [column for column in TELLING.get(by_count.table, fields[:4]) if column in fields]

    def only_on(side: str, condition: str) -> list[dict[str, Any]]:
        cells = [*keys, *(f"{side}{fields.index(column)}" for column in telling)]
        rows = f"SELECT {', '.join(cells)} FROM joined WHERE {condition} ORDER BY ALL LIMIT {limit}"
        return [dict(zip([*key, *telling], row, strict=True)) for row in _query(connection, rows)]

    return replace(
        by_count,
        added=added,
        gone=gone,
        changed=changed,
        fields=sorted(field_diffs, key=lambda one: (-one.changed, one.field)),
        examples_added=only_on("new", "NOT had"),
        examples_gone=only_on("old", "NOT has"),
    )


def _query(connection: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _unit(table: str, column: str) -> str | None:
    declared = TABLES[f"main.{table}"].columns.get(column)
    return (declared.metadata or {}).get("unit") if declared else None


def _common_kind(*data_types: str) -> str:
    """How two columns can be compared: number, DATE, BOOLEAN; all else (ENUM too), and different kinds, as text."""
    kinds = {"number" if one in NUMBERS or re.fullmatch(r"DECIMAL\(.*\)", one) else one for one in data_types}
    return kinds.pop() if len(kinds) == 1 and kinds <= {"number", "DATE", "BOOLEAN"} else "text"


def _value(side: str, column: str, kind: str) -> str:
    return f"{side}.{_quoted(column)}" + ("::VARCHAR" if kind == "text" else "")


def _biggest_first(old: str, new: str, kind: str) -> list[str]:
    """What orders a field's changes before the key does: their size; those from or to NULL have none, and come last."""
    sizes = {"number": f"abs({old}::DOUBLE - {new}::DOUBLE)", "DATE": f"abs({old} - {new})"}
    return [f"{sizes[kind]} DESC NULLS LAST"] if kind in sizes else []
