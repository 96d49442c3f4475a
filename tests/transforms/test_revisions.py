"""Published states at each vintage, revisions between vintages, and changes that are not revisions."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.tables.fatalities import FATALITY_FIELDS
from transforms import revisions
from transforms.staging import Staged
from transforms.vintages import Vintage

DAYS = [date(2020, 1, 31), date(2021, 1, 31), date(2022, 1, 31), date(2023, 1, 31)]


def staged(rows: dict[str, tuple[str, str | None]], *absent: str) -> Staged:
    """A snapshot of people with a cause and a gender."""
    frame = pd.DataFrame(
        {
            "casualty_id": list(rows),
            "incident_type": [cause for cause, _ in rows.values()],
            "gender": [None if "gender" in absent else gender for _, gender in rows.values()],
            "snapshot_row": range(1, len(rows) + 1),
        }
    ).astype({"casualty_id": "str", "incident_type": "str", "gender": "str", "snapshot_row": "Int64"})
    none = pd.DataFrame({"row_number": []})
    return Staged(frame, none, none, none, none, "made-up", absent, len(rows), 0, None, None)


def history(*snapshots: Staged, days: list[date] = DAYS) -> pd.DataFrame:
    vintages = [Vintage(str(place) * 64, days[place], snapshot) for place, snapshot in enumerate(snapshots)]
    return revisions.states(vintages, "casualty_id")


def revised(states: pd.DataFrame) -> list[tuple[Any, ...]]:
    revised = revisions.revisions(states, "casualty_id", ["incident_type", "gender"])
    revised = revised.astype({"from_vintage": "str", "to_vintage": "str"}).astype(object).where(revised.notna(), None)
    return list(revised.itertuples(index=False, name=None))


def test_a_changed_value_is_a_revision_between_the_two_vintages_that_show_it() -> None:
    states = history(staged({"a": ("Pending", "F")}), staged({"a": ("Pending", "F")}), staged({"a": ("Illness", "F")}))
    assert revised(states) == [("a", "incident_type", "Pending", "Illness", "2021-01-31", "2022-01-31")]
    assert states["superseded_on"].tolist() == [pd.Timestamp(2022, 1, 31), pd.NaT]


def test_a_column_that_an_older_vintage_lacks_was_unknown_and_is_no_revision() -> None:
    states = history(staged({"a": ("Illness", None)}, "gender"), staged({"a": ("Illness", "F")}))
    assert revised(states) == []
    assert states[["gender", "unpublished"]].fillna("").to_numpy().tolist() == [["", "gender"], ["F", ""]]


def test_a_blank_that_was_filled_in_is_a_revision() -> None:
    states = history(staged({"a": ("Illness", None)}), staged({"a": ("Illness", "F")}))
    assert revised(states) == [("a", "gender", None, "F", "2020-01-31", "2021-01-31")]


def test_a_column_that_a_newer_vintage_lacks_keeps_what_was_known() -> None:
    states = history(staged({"a": ("Illness", "F")}), staged({"a": ("Illness", None)}, "gender"))
    assert len(states) == 1 and states["gender"].tolist() == ["F"] and revised(states) == []


def test_absence_ends_no_state_and_a_return_is_no_revision() -> None:
    states = history(
        staged({"a": ("Illness", "F"), "b": ("Accident", "M")}), staged({"b": ("Accident", "M")}),
        staged({"a": ("Illness", "F"), "b": ("Accident", "M")}),
    )  # fmt: skip
    assert len(states) == 2 and revised(states) == []
    newest = revisions.newest(states).set_index("casualty_id")
    assert newest["last_seen"].astype("str").tolist() == ["2022-01-31", "2022-01-31"]


def test_a_state_leads_back_to_the_first_snapshot_that_shows_it_and_the_table_to_the_newest() -> None:
    states = history(staged({"a": ("Illness", "F")}), staged({"b": ("Accident", "M"), "a": ("Illness", "F")}))
    first = states.set_index("casualty_id").loc["a"]
    assert (first["snapshot_sha256"], first["snapshot_row"]) == ("0" * 64, 1)
    newest = revisions.newest(states).set_index("casualty_id").loc["a"]
    assert (newest["snapshot_sha256"], newest["snapshot_row"]) == ("1" * 64, 2)
    assert newest["first_seen"] == pd.Timestamp(2020, 1, 31)


def test_of_two_snapshots_of_one_day_the_later_counts() -> None:
    states = history(
        staged({"a": ("Pending", "F")}), staged({"a": ("Illness", "F")}), staged({"a": ("Accident", "F")}),
        days=[DAYS[0], DAYS[1], DAYS[1]],
    )  # fmt: skip
    assert revised(states) == [("a", "incident_type", "Pending", "Accident", "2020-01-31", "2021-01-31")]


def test_a_column_that_the_later_snapshot_of_a_day_lacks_keeps_what_the_earlier_showed() -> None:
    day, rows = [DAYS[0], DAYS[1], DAYS[1]], {"a": ("Illness", "F"), "b": ("Accident", "M")}
    states = history(staged(rows, "gender"), staged(rows), staged({"a": ("Accident", None)}, "gender"), days=day)
    assert revisions.newest(states)[["casualty_id", "incident_type", "gender"]].to_numpy().tolist() == [
        ["a", "Accident", "F"], ["b", "Accident", "M"],
    ]  # fmt: skip


def test_the_bundled_vintages_have_95_causes_and_one_date_revised(
    fatalities_2021: Staged, fatalities_2025: Staged
) -> None:
    vintages = [
        Vintage("a" * 64, date(2021, 6, 30), fatalities_2021),
        Vintage("b" * 64, date(2025, 4, 4), fatalities_2025),
    ]
    states = revisions.states(vintages, "casualty_id")
    revised = revisions.revisions(states, "casualty_id", FATALITY_FIELDS)
    assert revised["field"].value_counts().to_dict() == {"incident_type": 95, "incident_date": 1}
    assert (states["first_seen"] == pd.Timestamp(2025, 4, 4)).sum() == 312
    withdrawn = set(fatalities_2021.rows["casualty_id"]) - set(fatalities_2025.rows["casualty_id"])
    assert withdrawn == set()


_SNAPSHOT = st.dictionaries(
    st.sampled_from("abcdef"), st.tuples(st.sampled_from(["Illness", "Accident"]), st.sampled_from(["F", "M", None])),
    min_size=1,
)  # fmt: skip


@settings(max_examples=60)
@given(st.lists(_SNAPSHOT, min_size=1, max_size=4))
def test_the_states_of_a_day_are_what_had_been_shown_by_then(shown: list[dict[str, tuple[str, str | None]]]) -> None:
    states = history(*map(staged, shown))
    expected: dict[str, tuple[str, str | None]] = {}
    for day, snapshot in zip(DAYS, shown, strict=False):
        expected |= snapshot
        at = pd.Timestamp(day)
        current = states[
            (states["seen_from"] <= at) & (states["superseded_on"].isna() | (states["superseded_on"] > at))
        ]
        cells = (
            current[["incident_type", "gender"]]
            .astype(object)
            .where(current[["incident_type", "gender"]].notna(), None)
        )
        assert dict(zip(current["casualty_id"], map(tuple, cells.to_numpy().tolist()), strict=True)) == expected


# Months and years


def figures(rows: dict[tuple[str, str], float]) -> Staged:
    frame = pd.DataFrame(
        {
            "year": [year for year, _ in rows],
            "state": [state for _, state in rows],
            "amount": list(rows.values()),
            "snapshot_row": range(1, len(rows) + 1),
        }
    )
    none = pd.DataFrame({"row_number": []})
    return Staged(frame, none, none, none, none, "made-up", (), len(rows), 0, None, None)


def in_periods(*snapshots: Staged, days: list[date] = DAYS) -> list[tuple[Any, ...]]:
    vintages = [Vintage(str(place) * 64, days[place], snapshot) for place, snapshot in enumerate(snapshots)]
    revised = revisions.period_revisions(vintages, ["year", "state"], "year", ["amount"])
    revised = revised.astype({"from_vintage": "str", "to_vintage": "str"}).astype(object).where(revised.notna(), None)
    return list(revised.itertuples(index=False, name=None))


def test_a_figure_is_revised_only_where_both_vintages_cover_its_period() -> None:
    old = figures({("2017", "A"): 1, ("2018", "A"): 5, ("2018", "B"): 6})
    new = figures({("2018", "A"): 7, ("2018", "B"): 6, ("2019", "A"): 9})
    assert in_periods(old, new) == [("2018", "A", "amount", 5, 7, "2020-01-31", "2021-01-31")]


def test_a_row_that_only_one_vintage_has_is_null_on_the_other_side() -> None:
    old, new = figures({("2018", "A"): 5, ("2018", "B"): 0}), figures({("2018", "A"): 5, ("2018", "C"): 2})
    assert in_periods(old, new) == [
        ("2018", "B", "amount", 0, None, "2020-01-31", "2021-01-31"),
        ("2018", "C", "amount", None, 2, "2020-01-31", "2021-01-31"),
    ]


def test_a_period_is_compared_with_the_last_vintage_that_covers_it() -> None:
    first, second, third = figures({("2018", "A"): 5}), figures({("2019", "A"): 1}), figures({("2018", "A"): 6})
    assert in_periods(first, second, third) == [("2018", "A", "amount", 5, 6, "2020-01-31", "2022-01-31")]


def test_of_several_vintages_of_one_day_the_last_counts() -> None:
    days = [DAYS[0], DAYS[1], DAYS[1], DAYS[2]]
    amounts = [figures({("2018", "A"): amount}) for amount in (5, 6, 7, 8)]
    assert in_periods(*amounts, days=days) == [
        ("2018", "A", "amount", 5, 7, "2020-01-31", "2021-01-31"),
        ("2018", "A", "amount", 7, 8, "2021-01-31", "2022-01-31"),
    ]


@pytest.mark.parametrize("snapshots", [1, 2])
def test_nothing_revised_is_an_empty_table_with_its_columns(snapshots: int) -> None:
    vintages = [Vintage("0" * 64, day, figures({("2018", "A"): 5})) for day in DAYS[:snapshots]]
    revised = revisions.period_revisions(vintages, ["year", "state"], "year", ["amount"])
    assert len(revised) == 0 and list(revised) == ["year", "state", *revisions.REVISION_COLUMNS]
