"""How long the commands take that only read, each as a process beside its floor.

    python benchmarks/commands.py [--rounds 5]

The floor is a process that imports DuckDB and reads a table of the same warehouse, which one offline refresh builds in
a temporary folder. For the exports the floor is DuckDB's own EXPORT DATABASE to Parquet files.
"""

from __future__ import annotations

import itertools

from timing import NO_SERVER, empty_folder, median, peacekeeping, python, rounds, show

READ = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    connection.sql("FROM main.fatalities").fetchall()
"""
EXPORT = """
import duckdb, sys
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    connection.sql(f"EXPORT DATABASE '{sys.argv[2]}' (FORMAT parquet)")
"""
COMMANDS = (
    ("status",),
    ("sources",),
    ("query", "FROM fatalities", "--format", "csv"),
    ("claims",),
    ("doctor",),
    ("verify",),
    ("briefing", "MINUSMA", "--up-to", "2019-01-25"),
)


def main() -> None:
    """Measure and print."""
    count = rounds(__doc__)
    with empty_folder() as folder:
        peacekeeping("refresh", "--offline", **NO_SERVER)
        warehouse = str(folder / "data" / "peacekeeping.duckdb")
        floor = median(count, lambda: python(READ, warehouse))
        show(floor, "floor: import DuckDB, read a table")
        for command in COMMANDS:
            output = ("--output", str(folder / "pages")) if command[0] == "briefing" else ()
            show(
                median(count, lambda command=command, output=output: peacekeeping(*command, *output)), command[0], floor
            )
        numbers = itertools.count()
        floor = median(count, lambda: python(EXPORT, warehouse, f"{folder}/plain-{next(numbers)}"))
        show(floor, "floor: EXPORT DATABASE")
        show(median(count, lambda: peacekeeping("export", f"{folder}/export-{next(numbers)}")), "export", floor)


if __name__ == "__main__":
    main()
