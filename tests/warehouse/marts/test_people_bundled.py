"""The marts on deaths and personnel on the bundled figures, compared with numbers read elsewhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from marts_shared import Connection, one, select


def ladder(connection: Connection, *arguments: str, columns: str = "rank, mission, deaths") -> list[tuple[Any, ...]]:
    return select(connection, f"SELECT {columns} FROM marts.deadliest_missions({', '.join(arguments)})")


def test_by_malicious_acts_minusma_was_second_of_all_time_on_25_january_2019(real: Connection) -> None:
    assert ladder(real, "'2019-01-25'", "'Malicious Act'")[:4] == [
        (1, "ONUC", 135),
        (2, "MINUSMA", 118),
        (3, "UNOSOM", 114),
        (4, "UNIFIL", 93),
    ]


def test_by_malicious_acts_minusma_was_first_of_the_missions_active_on_that_day(real: Connection) -> None:
    columns = "rank, mission, deaths, is_active"
    rows = ladder(real, "'2019-01-25'", "'Malicious Act'", "true", columns=columns)
    assert rows[:2] == [(1, "MINUSMA", 118, True), (2, "UNIFIL", 93, True)]
    assert {row[3] for row in rows} == {True}


def test_by_all_causes_minusma_was_seventh_on_that_day(real: Connection) -> None:
    rows = ladder(real, "'2019-01-25'", columns="rank, mission, deaths, pending, last_incident")
    assert [row[:3] for row in rows[:3]] == [(1, "UNIFIL", 313), (2, "UNAMID", 270), (3, "ONUC", 249)]
    assert rows[6] == (7, "MINUSMA", 190, 4, date(2019, 1, 25))


def test_minusma_became_first_of_all_time_on_13_january_2021(real: Connection) -> None:
    assert ladder(real, "'2021-01-12'", "'Malicious Act'")[0][1] == "ONUC"
    assert ladder(real, "'2021-01-13'", "'Malicious Act'")[0][1] == "MINUSMA"


def test_minusma_is_active_to_its_last_day_and_unmil_through_the_month_printed(real: Connection) -> None:
    def active(day: str, mission: str) -> bool:
        sql = f"SELECT is_active FROM marts.deadliest_missions('{day}') WHERE mission = '{mission}'"
        return bool(one(real, sql)[0])

    assert active("2023-12-31", "MINUSMA") and not active("2024-01-01", "MINUSMA")
    # The list prints the 1st of March 2018, as it does where it knows the month only: UNMIL closed on the 30th.
    assert active("2018-03-30", "UNMIL") and not active("2018-04-01", "UNMIL")


def test_a_mission_whose_first_day_no_list_has_is_active_where_reports_name_it(real: Connection) -> None:
    sql = "SELECT is_active, start_date FROM marts.deadliest_missions({}) WHERE mission = '{}'"
    assert one(real, sql.format("'2019-01-25'", "UNAMA")) == (True, None)
    assert one(real, sql.format("", "OSESyria")) == (None, None)  # no dates and no report: not known


def test_the_attack_of_20_january_2019_has_two_ranks_each_shared_by_three(real: Connection) -> None:
    columns = "malicious_deaths, nationalities, rank_malicious, rank_uniformed_malicious, sharing_rank, pending"
    sql = f"SELECT {columns} FROM marts.deadliest_days WHERE mission = 'MINUSMA' AND incident_date = '2019-01-20'"
    assert one(real, sql) == (10, "TCD 10", 8, 7, 3, 0)
    ranked = "SELECT mission, rank_uniformed_malicious FROM marts.deadliest_days WHERE {} = {} ORDER BY 1"
    assert select(real, ranked.format("rank_malicious", 8)) == [("MINUSMA", 7), ("ONUC", 7), ("UNAMIR", 7)]
    assert select(real, ranked.format("rank_malicious", 2)) == [("UNOHCI", None), ("UNOSOM", 2)]


def test_every_casualty_is_in_every_toll_once(real: Connection) -> None:
    # 4,429 rows in the file, six of them one casualty under two nationalities.
    for mart in ("mission_toll", "mission_toll_by_year", "contributor_toll", "deadliest_days"):
        assert one(real, f"SELECT sum(deaths) FROM marts.{mart}") == (4423,)
    causes = "malicious_act + accident + illness + self_inflicted + unknown + to_be_determined"
    for mart in ("mission_toll", "contributor_toll"):
        assert one(real, f"SELECT count(*) FROM marts.{mart} WHERE deaths <> {causes}") == (0,)
    assert one(real, "SELECT sum(pending) FROM marts.deadliest_missions()") == one(
        real, "SELECT sum(to_be_determined) FROM marts.mission_toll"
    )


def test_dissolved_states_stay_and_undetermined_is_a_row(real: Connection) -> None:
    rows = select(
        real,
        "SELECT nationality_iso3, contributor, deaths FROM marts.contributor_toll "
        "WHERE nationality_iso3 IS NULL OR nationality_iso3 IN ('SCG', 'YUG') ORDER BY 1",
    )
    # Fourteen of "ZZ [Undetermined]" and one blank.
    assert rows == [("SCG", "Serbia and Montenegro", 6), ("YUG", "Yugoslavia", 14), (None, "Undetermined", 15)]


@pytest.mark.parametrize(
    ("day", "month_end", "strength", "after"),
    [
        ("2019-01-25", "2018-02-28", 13_532, "2019-09-30"),
        ("2019-08-31", "2018-02-28", 13_532, "2019-09-30"),
        ("2019-09-30", "2019-09-30", 13_997, "2019-10-31"),
        ("2018-02-28", "2018-02-28", 13_532, "2019-09-30"),
    ],
)
def test_minusma_s_strength_around_the_months_that_print_no_mission(
    real: Connection, day: str, month_end: str, strength: int, after: str
) -> None:
    row = one(
        real,
        "SELECT month_end, sum(uniformed_personnel), next_month_end, round(sum(share_pct), 6) "
        f"FROM marts.top_contributors('MINUSMA', '{day}') GROUP BY ALL",
    )
    assert row == (date.fromisoformat(month_end), strength, date.fromisoformat(after), 100)


def test_the_contributors_of_minusma_before_and_after_that_gap(real: Connection) -> None:
    columns = "rank, contributor_iso3, uniformed_personnel, level_group, next_rank, next_uniformed_personnel"
    rows = select(real, f"SELECT {columns} FROM marts.top_contributors('MINUSMA', '2019-01-25') WHERE rank <= 3")
    assert rows == [
        (1, "BFA", 1890, "J", 2, 1540),
        (2, "BGD", 1674, "J", 1, 1621),
        (3, "TCD", 1467, "J", 3, 1446),
    ]


def test_nepal_is_first_over_all_missions_in_july_2025(real: Connection) -> None:
    columns = "rank, contributor_iso3, month_end, uniformed_personnel, level_group, next_month_end, next_rank"
    assert select(real, f"SELECT {columns} FROM marts.top_contributors() LIMIT 1") == [
        (1, "NPL", date(2025, 7, 31), 6039, "unknown", None, None)
    ]


def test_levels_add_up_to_all_personnel_and_are_unknown_after_2024(real: Connection) -> None:
    sql = "SELECT month_end, mission, sum({}) FROM {} GROUP BY ALL ORDER BY ALL"
    assert select(real, sql.format("uniformed_personnel", "marts.personnel_by_level")) == select(
        real, sql.format("total", "main.uniformed_personnel")
    )
    assert select(
        real, "SELECT DISTINCT level_group FROM marts.personnel_by_level WHERE month_end > DATE '2024-12-31'"
    ) == [("unknown",)]


def test_no_share_of_women_where_the_report_prints_no_sex(real: Connection) -> None:
    rows = select(
        real,
        "SELECT DISTINCT month_end FROM marts.women_in_uniform WHERE (women IS NULL OR men IS NULL) AND total IS NOT NULL",
    )
    assert rows == [(date(2023, 9, 30),)]
    sql = "SELECT count(women_share_pct), sum(total) > 0 FROM marts.women_in_uniform WHERE month_end = '2023-09-30'"
    assert one(real, sql) == (0, True)
