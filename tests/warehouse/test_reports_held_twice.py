"""A month of the monthly reports that two vintages cover is reconciled figure by figure."""

from __future__ import annotations

from datetime import date

import duckdb
from report_pdfs import LAYOUTS, Figures, report
from tests_shared import CATALOGUE, stage_bytes

from flows.steps.registry import tables_of
from transforms.vintages import Vintage
from warehouse import reconcile

SOURCE = CATALOGUE["uniformed_personnel"]
NAME = "monthly reports that are held twice, figure by figure"


def vintage(day: date, rows: list[Figures], number: int) -> Vintage:
    payload = report(LAYOUTS["S"], rows, date(2025, 8, 31))
    return Vintage(str(number) * 64, day, stage_bytes(SOURCE.name, payload, day.isoformat()))


def test_each_figure_of_two_vintages_is_compared() -> None:
    first = [Figures("UNMISS", "Congo", "Troops", 50, 10), Figures("UNMISS", "Nepal", "Troops", 7, 0)]
    second = [first[0]._replace(male=49), Figures("UNMISS", "Zambia", "Troops", 1, 1)]
    alone = vintage(date(2025, 9, 1), first, 1)
    assert not len(tables_of(SOURCE, [alone])["main.uniformed_personnel_superseded"])
    tables = tables_of(SOURCE, [alone, vintage(date(2025, 9, 9), second, 2)])
    connection = duckdb.connect()
    for name, frame in tables.items():
        connection.register("frame", frame)
        connection.execute(f"CREATE TABLE {name} AS FROM frame")
    (declared,) = (one for one in reconcile.declared().reconciliations if one.name == NAME)
    rows = connection.execute(f"SELECT subject, period, left_value, right_value, status FROM ({declared.sql()}) "
                               "AS t(name, subject, period, unit, l, r, left_value, right_value, difference, status, "
                               "explained_by, known)").fetchall()  # fmt: skip
    assert rows == [
        ("UNMISS COG Troops female", "2025-08", 10, 10, "equal"),
        ("UNMISS COG Troops male", "2025-08", 49, 50, "differs"),
        ("UNMISS COG Troops total", "2025-08", 59, 60, "differs"),
        ("UNMISS NPL Troops female", "2025-08", None, 0, "only_right"),
        ("UNMISS NPL Troops male", "2025-08", None, 7, "only_right"),
        ("UNMISS NPL Troops total", "2025-08", None, 7, "only_right"),
        ("UNMISS ZMB Troops female", "2025-08", 1, None, "only_left"),
        ("UNMISS ZMB Troops male", "2025-08", 1, None, "only_left"),
        ("UNMISS ZMB Troops total", "2025-08", 2, None, "only_left"),
    ]
