"""Compare two built warehouse files: rows by key, changed fields, a few examples.

Tables and columns are read from the two files, since an older build may lack some of today's.
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

from schemas.errors import ProjectError
from schemas.problems import first_line
from schemas.tables import HISTORY, TABLES
from warehouse.ddl import quote
from warehouse.query import QueryError, opened, plain, records

# Columns on a row's origin: a new snapshot of the same facts would change every row.
ORIGIN = frozenset({"snapshot_sha256", "snapshot_row", "last_seen"})
# The tables of history repeat the changes of the other tables.
DERIVED = frozenset(table.name for table in HISTORY)
# Columns shown beside the key in examples of rows added and gone; for other tables, the first four.
EXAMPLE_COLUMNS: dict[str, tuple[str, ...]] = {
    "countries": ("name", "kind"),
    "missions": ("name", "kind"),
    "fatalities": ("incident_date", "mission", "nationality_iso3", "personnel_type", "incident_type"),
    "uniformed_personnel": ("female", "male", "total"),
    "assessed_contributions": ("amount_usd",),
}
NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|FLOAT|DOUBLE|DECIMAL\(.*\)")
BY_COUNT = "Compared by its number of rows only"

Connection = duckdb.DuckDBPyConnection


class DiffError(ProjectError):
    """The two files can't be compared; the message says why."""


@dataclass(frozen=True)
class Build:
    """What one of the files was made of: `vintages` has the newest vintage of each source."""

    build_id: str
    code_version: str
    vintages: dict[str, date]


@dataclass(frozen=True)
class Change:
    """One value that changed: the row's key, the value before and after."""

    key: dict[str, Any]
    before: Any
    after: Any


@dataclass(frozen=True)
class FieldDiff:
    """A column whose values changed: in how many rows, and examples, the largest difference first."""

    field: str
    unit: str | None
    changed: int
    examples: list[Change]


@dataclass(frozen=True)
class TableDiff:
    """What changed in a table. Rows are None where the build has no such table; `note` says what was not compared."""

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
        """Rows that both builds have."""
        return (self.rows_before or 0) - self.gone

    @property
    def differs(self) -> bool:
        """Whether rows, columns or the table itself differ: a table or column can come or go without a row."""
        return bool(self.size or self.columns_added or self.columns_gone) or None in (self.rows_before, self.rows_after)


@dataclass(frozen=True)
class Diff:
    """Two builds and the changes of every table, the largest change first."""

    before: Build
    after: Build
    tables: list[TableDiff]

    @property
    def total(self) -> int:
        """Rows added, gone and changed in all tables."""
        return sum(table.size for table in self.tables)

    @property
    def differing(self) -> list[TableDiff]:
        """The tables that differ."""
        return [table for table in self.tables if table.differs]

    def vintages(self) -> list[tuple[str, date | None, date | None]]:
        """Each source with its vintage before and after; None where it has none."""
        sources = sorted({*self.before.vintages, *self.after.vintages})
        return [(source, self.before.vintages.get(source), self.after.vintages.get(source)) for source in sources]

    def as_json(self) -> dict[str, Any]:
        """The comparison in JSON types; dates as ISO texts."""
        return {"total": self.total, **plain(asdict(self))}


def compare(before: Path, after: Path, examples: int = 10) -> Diff:
    """What changed from one built file to another, with up to `examples` rows of each kind of change.

    Raises DiffError when a file is missing, damaged, or no warehouse of this project.
    """
    with duckdb.connect() as connection:
        builds = [_attach(connection, before, "older"), _attach(connection, after, "newer")]
        with _duckdb_errors(f"{before} and {after} can't be compared"):
            # SQL within the files, such as a generated column, must not reach other files.
            connection.execute("SET enable_external_access = false; SET lock_configuration = true")
            older, newer = _tables(connection, "older"), _tables(connection, "newer")
            tables = [
                _compare_table(connection, name, older.get(name, {}), newer.get(name, {}), examples)
                for name in {*older, *newer} - DERIVED
            ]
    tables.sort(key=lambda table: (-table.size, not table.differs, table.table))
    return Diff(builds[0], builds[1], tables)


@contextmanager
def _duckdb_errors(failure: str) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise DiffError(f"{failure}: {first_line(error)}.") from error
    except QueryError as error:
        raise DiffError(str(error)) from error


def _attach(connection: Connection, file: Path, side: str) -> Build:
    """Attach a file read-only, and read what it was made of."""
    if not file.is_file():
        raise DiffError(f"There is no warehouse at {file}.")
    with _duckdb_errors(f"The warehouse {file} can't be opened"):
        opened(file, lambda: connection.execute(f"ATTACH {quote(str(file))} AS {side} (READ_ONLY, TYPE duckdb)"))
    with _duckdb_errors(f"The warehouse {file} can't be read"):
        try:
            builds = connection.execute(f"SELECT build_id, code_version FROM {side}.meta.builds").fetchall()
            vintages = connection.execute(
                f"SELECT source, max(vintage) FROM {side}.meta.snapshots GROUP BY source ORDER BY source"
            ).fetchall()
        except (duckdb.CatalogException, duckdb.BinderException) as error:
            raise DiffError(f"{file} is no warehouse of this project: it has no record of its build.") from error
    if len(builds) != 1:
        raise DiffError(f"{file} is no finished warehouse: it names {len(builds)} builds, not one.")
    return Build(builds[0][0], builds[0][1], dict(vintages))


def _tables(connection: Connection, side: str) -> dict[str, dict[str, str]]:
    """The tables of `main` in one file, each with its columns and their types."""
    tables: dict[str, dict[str, str]] = {}
    for table, column, data_type in connection.execute(
        "SELECT table_name, column_name, data_type "
        "FROM duckdb_columns() SEMI JOIN duckdb_tables() USING (database_name, schema_name, table_name) "
        "WHERE database_name = ? AND schema_name = 'main' ORDER BY table_name, column_index",
        [side],
    ).fetchall():
        tables.setdefault(table, {})[column] = data_type
    return tables


def _compare_table(
    connection: Connection, name: str, older: dict[str, str], newer: dict[str, str], examples: int
) -> TableDiff:
    """Compare one table by its key, or by its number of rows if it has none. No columns: the build lacks the table."""
    declared = TABLES.get(f"main.{name}")
    before, after = (
        _query(connection, f"SELECT count(*) FROM {side}.main.{_quoted(name)}")[0][0] if columns else None
        for side, columns in (("older", older), ("newer", newer))
    )
    more = (after or 0) - (before or 0)
    by_count = TableDiff(
        table=name,
        title=declared.title if declared else name,
        key=declared.key if declared else (),
        rows_before=before,
        rows_after=after,
        added=max(more, 0),
        gone=max(-more, 0),
        columns_added=[column for column in newer if column not in older] if older else [],
        columns_gone=[column for column in older if column not in newer] if newer else [],
    )
    if not (older and newer):
        return replace(by_count, note=f"Only the {'earlier' if older else 'later'} build has this table.")
    if not by_count.key:
        return replace(by_count, note=f"{BY_COUNT}: no key is declared for it.")
    if not {*by_count.key} <= {*older} & {*newer}:
        return replace(by_count, note=f"{BY_COUNT}: its key is not in both builds.")
    return _Joined(connection, by_count, older, newer).compared(by_count, examples)


class _Joined:
    """A full join of one table of both builds, as temporary table.

    Its columns are k0… (the key), old0… and new0… (the fields), had and has (whether the build has the row).
    """

    def __init__(self, connection: Connection, table: TableDiff, older: dict[str, str], newer: dict[str, str]) -> None:
        self.connection, self.table, self.key = connection, table.table, table.key
        self.fields = [column for column in newer if column in older and column not in {*table.key, *ORIGIN}]
        self.kinds = {column: _common_kind(older[column], newer[column]) for column in (*table.key, *self.fields)}
        self.changed = [f"had AND has AND old{i} IS DISTINCT FROM new{i}" for i in range(len(self.fields))]
        sides = {
            column: [f"{side}.{_quoted(column)}" + ("::VARCHAR" if kind == "text" else "") for side in ("o", "n")]
            for column, kind in self.kinds.items()
        }
        selected = [f"coalesce({', '.join(sides[column])}) AS k{i}" for i, column in enumerate(self.key)]
        for i, column in enumerate(self.fields):
            selected += [f"{sides[column][0]} AS old{i}", f"{sides[column][1]} AS new{i}"]
        name = _quoted(self.table)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE joined AS SELECT {', '.join(selected)}, "
            "o.rowid IS NOT NULL AS had, n.rowid IS NOT NULL AS has "
            f"FROM older.main.{name} AS o FULL JOIN newer.main.{name} AS n "
            f"ON {' AND '.join(' IS NOT DISTINCT FROM '.join(sides[column]) for column in self.key)}"
        )

    def compared(self, by_count: TableDiff, limit: int) -> TableDiff:
        """The differences; `by_count` with a note where the key is not unique."""
        conditions = ["had", "has", "NOT had", "NOT has", " OR ".join(self.changed) or "false", *self.changed]
        counts = ", ".join(f"count(*) FILTER ({condition})" for condition in conditions)
        had, has, added, gone, changed, *changed_in = _query(self.connection, f"SELECT {counts} FROM joined")[0]
        if (had, has) != (by_count.rows_before, by_count.rows_after):
            return replace(by_count, note=f"{BY_COUNT}: its key repeats.")
        fields = [self._field(i, count, limit) for i, count in enumerate(changed_in) if count]
        return replace(
            by_count,
            added=added,
            gone=gone,
            changed=changed,
            fields=sorted(fields, key=lambda one: (-one.changed, one.field)),
            examples_added=self._only_in("new", "NOT had", limit),
            examples_gone=self._only_in("old", "NOT has", limit),
        )

    def _field(self, i: int, count: int, limit: int) -> FieldDiff:
        name, keys = self.fields[i], [f"k{place}" for place in range(len(self.key))]
        # The largest difference first; changes from or to NULL have none and come last.
        sizes = {"number": f"abs(old{i}::DOUBLE - new{i}::DOUBLE)", "DATE": f"abs(old{i} - new{i})"}
        size = sizes.get(self.kinds[name])
        order = [f"{size} DESC NULLS LAST", *keys] if size else keys
        rows = _query(
            self.connection,
            f"SELECT {', '.join(keys)}, old{i}, new{i} FROM joined WHERE {self.changed[i]} "
            f"ORDER BY {', '.join(order)} LIMIT {limit}",
        )
        changes = [Change(dict(zip(self.key, row[:-2], strict=True)), row[-2], row[-1]) for row in rows]
        return FieldDiff(name, unit_of(self.table, name), count, changes)

    def _only_in(self, side: str, condition: str, limit: int) -> list[dict[str, Any]]:
        shown = [name for name in EXAMPLE_COLUMNS.get(self.table, self.fields[:4]) if name in self.fields]
        cells = [f"k{i} AS {_quoted(name)}" for i, name in enumerate(self.key)]
        cells += [f"{side}{self.fields.index(name)} AS {_quoted(name)}" for name in shown]
        sql = f"SELECT {', '.join(cells)} FROM joined WHERE {condition} ORDER BY ALL LIMIT {limit}"
        return records(self.connection.execute(sql))


def unit_of(table: str, column: str) -> str | None:
    """The declared unit of a column of `main`; None where it has none, or only another version declares it."""
    declared = TABLES.get(f"main.{table}")
    found = declared.columns.get(column) if declared else None
    return (found.metadata or {}).get("unit") if found else None


def _query(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql).fetchall()


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _common_kind(*data_types: str) -> str:
    """How to compare two columns: number, DATE or BOOLEAN; ENUM, other types and different kinds as text."""
    kinds = {"number" if NUMBERS.fullmatch(one) else one for one in data_types}
    return kinds.pop() if len(kinds) == 1 and kinds <= {"number", "DATE", "BOOLEAN"} else "text"
