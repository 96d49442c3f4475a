"""The fourteen claims of the article on the bundled figures, compared with numbers known from elsewhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from marts_shared import Connection, select

from sources import bundle
from warehouse.claims.files import FOLDER, load_claims
from warehouse.claims.judge import Judged, stated_text

CLAIMS = load_claims()


def values(judged: Judged, *names: str) -> list[Any]:
    figures = {figure.definition.id: figure.value for figure in judged.figures}
    return [figures[name] for name in names]


# The article


def test_the_verdicts_of_the_article_s_fourteen_claims(judged: dict[str, Judged]) -> None:
    assert [(one.claim.number, one.claim.id, one.verdict) for one in judged.values()] == [
        (1, "chadians-killed-2019-01", "confirmed with a correction"),
        (2, "wounded-2019-01", "not in the data"),
        (3, "deadliest-attacks", "confirmed"),
        (4, "minusma-fatalities", "out of date"),
        (5, "deadliest-mission", "depends on the definition"),
        (6, "minusma-size", "not confirmed"),
        (7, "largest-missions", "confirmed"),
        (8, "developing-contributors", "confirmed"),
        (9, "minusma-deployed", "confirmed"),
        (10, "wealthier-states-pay", "confirmed"),
        (11, "largest-payer", "confirmed"),
        (12, "us-arrears", "confirmed with a correction"),
        (13, "cash-for-two-months", "confirmed"),
        (14, "states-pay-late", "confirmed"),
    ]


KNOWN = {
    "chadians-killed-2019-01": {
        "killed": 10, "chadians": 10, "uniformed": 10, "attack_day": date(2019, 1, 20), "on_printed_day": 0,
        "rows_published": 10, "registered_in_january": 9,
    },
    "wounded-2019-01": {"wounded": None, "killed": 10, "columns_on_wounded": 0},
    "deadliest-attacks": {
        "rank_all_staff": 8, "rank_uniformed": 7, "shared_all_staff": 3, "shared_uniformed": 3, "rank_in_minusma": 1,
    },
    "minusma-fatalities": {
        "to_end_of_2018": 177, "to_event": 188, "to_article": 190, "rows_to_article": 190, "malicious_to_article": 118,
        "to_now": 311,
    },
    "deadliest-mission": {
        "active_malicious": 1, "ever_malicious": 2, "active_all_causes": 3, "ever_all_causes": 7,
        "ever_malicious_now": 1, "first_of_all_time_from": date(2021, 1, 13), "malicious_deaths": 118, "deaths": 190,
        "leader_malicious": "ONUC 135", "leader_all_causes": "UNIFIL 313",
    },
    "minusma-size": {
        "uniformed_before": 13_532, "uniformed_fact": 14_769, "uniformed_after": 13_997, "civilians": 1_584,
        "all_before": 13_532 + 1_584, "all_fact": 14_769 + 1_584,
    },
    "largest-missions": {
        "rank_before": 3, "rank_after": 3, "month_before": date(2018, 2, 28), "uniformed_before": 13_532,
        "rank_peacekeeping": 3, "missions_before": 23, "peacekeeping_before": 15, "political_before": 7,
        "others_before": 1,
    },
    "developing-contributors": {
        "month_before": date(2018, 2, 28), "first_three": "Burkina Faso, Bangladesh, Chad",
        "first_three_troops": "Burkina Faso, Chad, Bangladesh", "first_three_after": "Bangladesh, Burkina Faso, Chad",
        "income_unknown": 0,
    },
    "minusma-deployed": {"start": date(2013, 4, 25), "first_strength": date(2013, 7, 31)},
    "largest-payer": {
        "rank_assessed": 1, "amount": 1_971_130_833, "first": "United States of America 28.17 %",
        "second": "China 12.71 %", "rank_regular_budget": 1, "rank_all_revenue": 1,
    },
    "us-arrears": {
        "owed": 776_000_000, "owed_in_september": 1_000_000_000, "as_of": date(2019, 1, 1),
        "regular_budget": 381_000_000,
    },
    "cash-for-two-months": {"months": 2, "a_year_before": 4, "said_on": date(2019, 1, 11)},
    "states-pay-late": {
        "on_time": 34, "late": 112, "not_in_full": 47, "late_or_not_in_full": 159, "in_full_2018": 152,
    },
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_the_figures_of_a_claim_equal_those_of_other_sources(judged: dict[str, Judged], name: str) -> None:
    assert dict(zip(KNOWN[name], values(judged[name], *KNOWN[name]), strict=True)) == KNOWN[name]


def test_deaths_still_to_be_determined_are_given_beside_the_figure(judged: dict[str, Judged]) -> None:
    pending = {figure.definition.id: figure.pending for figure in judged["minusma-fatalities"].figures}
    assert (pending["to_article"], pending["to_end_of_2018"], pending["rows_to_article"]) == (4, 4, None)
    assert "4 of its deaths still to be determined" in judged["deadliest-mission"].because


def test_a_figure_that_is_not_exact_has_its_qualifier(judged: dict[str, Judged]) -> None:
    texts = {(name, figure.definition.id): figure.text for name, one in judged.items() for figure in one.figures}
    assert texts["us-arrears", "owed"] == "about 776,000,000"
    assert texts["us-arrears", "owed_in_september"] == "more than 1,000,000,000"
    assert texts["us-arrears", "cap_related"] == "more than 500,000,000"
    assert texts["us-arrears", "regular_budget"] == "381,000,000"
    assert (
        texts["us-arrears", "all_states"] == texts["states-pay-late", "peacekeeping_arrears"] == "about 2,000,000,000"
    )
    assert texts["cash-for-two-months", "months"] == "less than 2"
    assert texts["minusma-size", "civilians"] == "1,584" and texts["minusma-size", "uniformed_fact"] == "14,769"
    assert "owed about 2,000,000,000 USD" in judged["states-pay-late"].because
    assert "September 2018 gives more than 1,000,000,000 USD" in judged["us-arrears"].because
    assert "covered less than 2 months of operations" in judged["cash-for-two-months"].because
    assert [
        one.claim.id for one in judged.values() if "less than less" in one.because or "about about" in one.because
    ] == []


def test_the_qualifier_of_a_figure_is_that_of_the_fact(changed: Callable[..., Judged]) -> None:
    one = changed("us-arrears", "UPDATE main.dated_facts SET qualifier = 'exact' WHERE as_of = '2019-01-01'")
    assert "gives 776,000,000 USD" in one.because
    one = changed("minusma-size", "UPDATE main.dated_facts SET qualifier = 'about' WHERE subject = 'civilian'")
    assert "With about 1,584 civilians" in one.because


def test_a_rank_names_the_missions_that_it_compares(judged: dict[str, Judged]) -> None:
    assert (
        "rank 3 of 23 missions on 2018-02-28 (13,532). Of these missions, 15 are peacekeeping operations, 7 special "
        "political missions and 1 of another kind (support offices); among the peacekeeping operations it was rank 3."
    ) in judged["largest-missions"].because


def test_the_share_without_china_is_of_the_total_that_includes_china(judged: dict[str, Judged]) -> None:
    because = judged["wealthier-states-pay"].because
    assert "96.1 % of 2018-19; without China, 83.4 % of the same total" in because
    assert not [figure for figure in judged["wealthier-states-pay"].figures if "income" in figure.definition.definition]


def test_shares_by_level_add_up_from_the_rows(real: Connection, judged: dict[str, Judged]) -> None:
    developing = "('D', 'E', 'F', 'G', 'H|I', 'J')"
    troops = select(
        real,
        f"SELECT sum(total) FILTER (level IN {developing}), sum(total) FROM main.uniformed_personnel AS p "
        "JOIN main.peacekeeping_levels AS l ON l.contributor_iso3 = p.contributor_iso3 AND scale_period = '2016-2018' "
        "WHERE mission = 'MINUSMA' AND month_end = '2018-02-28'",
    )
    assert troops == [(1464 + 10432 + 20, 13_532)]  # levels H and I, J, D to G
    assert values(judged["developing-contributors"], "developing") == [pytest.approx(100 * 11_916 / 13_532)]
    # High income: 571 of Germany, 290 of Sweden, 216 of the Netherlands, and 149 of 17 others.
    by_income = values(judged["developing-contributors"], "developing_by_income")
    assert by_income == [pytest.approx(100 * (13_532 - 1_226) / 13_532)]
    wealthier, without = values(judged["wealthier-states-pay"], "wealthier", "without_china")
    assert (round(wealthier, 1), round(wealthier - without, 2)) == (96.1, 12.71)


def test_the_reason_of_a_verdict_names_its_figures(judged: dict[str, Judged]) -> None:
    assert "rank 8 of all days of all missions counting all staff" in judged["deadliest-attacks"].because
    assert "2019-01-20, not 2019-01-21" in judged["chadians-killed-2019-01"].because
    assert "177 is the count up to the end of 2018" in judged["minusma-fatalities"].because
    assert "plausible (15,116 to 16,353)" in judged["minusma-size"].because
    assert "gives about 776,000,000 USD (Reuters idUSKCN1PB2OD Jan 2019)" in judged["us-arrears"].because
    assert "34 states paid on time, 112 late and 47 not in full" in judged["states-pay-late"].because
    assert not [one.claim.id for one in judged.values() if "{" in one.because or "no figure" in one.because]


def test_a_claim_rests_on_the_snapshots_of_its_rows(judged: dict[str, Judged]) -> None:
    def of(name: str) -> set[tuple[str, str]]:
        return {(source, sha256) for source, sha256 in judged[name].snapshots}

    def held(source: str, file: str) -> tuple[str, str]:
        return source, hashlib.sha256((bundle.BUNDLED / file).read_bytes()).hexdigest()

    assert of("us-arrears") == {held("dated_facts", "dated_facts_arrears.csv.gz")}
    assert of("cash-for-two-months") == {held("dated_facts", "dated_facts_cash.csv.gz")}
    assert of("minusma-size") == {
        held("uniformed_personnel", "uniformed_personnel_2015-01_2025-07.csv.gz"),
        held("dated_facts", "dated_facts_minusma.csv.gz"),
    }
    assert of("deadliest-attacks") == {
        held("fatalities", "fatalities_2025-04.csv.gz")
    }  # its rows name no snapshot: that of main.fatalities
    for one in judged.values():
        assert {source for source, _ in one.snapshots} == set(one.claim.rests_on)


def test_a_citation_names_publisher_vintage_and_where_a_fact_was_read(judged: dict[str, Judged]) -> None:
    assert judged["minusma-fatalities"].citation == (
        'United Nations, Peace & Security Data Hub, "Fatalities in PKOs and SPMs since 1948" (DPPADPOSS-FATALITIES), '
        "vintage 2025-04-04."
    )
    assert judged["us-arrears"].citation.endswith("Read in: Reuters idUSKCN1PB2OD Jan 2019.")


def test_every_claim_names_the_article_and_a_sentence_of_its_own() -> None:
    assert [claim.number for claim in CLAIMS] == list(range(1, 15))
    for claim in CLAIMS:
        assert claim.printed.where.startswith("UN Dispatch, ") and claim.printed.date == date(2019, 1, 25)
        assert len(claim.definitions) >= 3, claim.id


def test_no_claim_copies_a_figure_of_the_data() -> None:
    """A claim's file has only the figures that the article states; counts, ranks and amounts come from the tables."""
    copied = [10_432, 13_532, 14_769, 13_997, 1_584, 188, 190, 311, 118, 135, 313, 112, 159, "28.17", "776"]
    for claim in CLAIMS:
        text = (FOLDER / f"{claim.id}.yaml").read_text(encoding="utf-8").replace(",", "").replace("_", " ")
        assert not [figure for figure in copied if f" {figure}" in text], claim.id


def test_the_stated_figure_as_text() -> None:
    texts = {claim.id: stated_text(claim) for claim in CLAIMS}
    assert texts["minusma-fatalities"] == "177" and texts["minusma-size"] == "more than 15,000"
    assert texts["deadliest-mission"] == "rank 1" and texts["us-arrears"] == "about 750,000,000"
    assert texts["chadians-killed-2019-01"] == "10, on 2019-01-21" and texts["minusma-deployed"] == "2013"
    assert texts["developing-contributors"] == "more than 50, naming Burkina Faso, Chad, Bangladesh"
    assert texts["states-pay-late"] is None
