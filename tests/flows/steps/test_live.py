"""Live fetching from the replica: every fault of a publisher, and what is then archived."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from replica import BUDGETS, CEB_FILE, FATALITIES, Fault, Replica, bundled_datasets
from tests_shared import CATALOGUE, load_bytes

from flows.steps import fetch
from flows.steps.as_of import choose_snapshots
from flows.steps.build import build_from_snapshots
from flows.steps.fetch import FetchResult, PublicationDates
from flows.steps.staging_cache import StagingCache
from sources import bundle, client, download
from sources.archive import Archive
from sources.client import Retry
from sources.errors import Refused, SourceError, Unavailable

DAY_MS = 86_400_000


class AtOnce(Retry):
    """The client's retries without its pauses (those that a server requests stay)."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **(options | {"backoff_factor": 0, "backoff_jitter": 0}))


@pytest.fixture(scope="module")
def served() -> Iterator[Replica]:
    with Replica() as replica:
        yield replica


@pytest.fixture
def replica(served: Replica, monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    """Publishers that serve the bundled rows, in small pages: the fatalities come in three."""
    monkeypatch.setenv("PEACEKEEPING_PSDATA_URL", served.psdata_url)
    monkeypatch.setenv("PEACEKEEPING_CEB_URL", served.ceb_url)
    monkeypatch.setenv("PEACEKEEPING_CONTRIBUTIONS_URL", served.contributions_url)
    monkeypatch.setenv("PEACEKEEPING_REPORTS_URL", served.reports_url)
    monkeypatch.setattr(client, "Retry", AtOnce)
    source = CATALOGUE["fatalities"]
    live = source.live.model_copy(update={"rows_per_page": 2000})
    monkeypatch.setitem(CATALOGUE, "fatalities", source.model_copy(update={"live": live}))
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    for dataset in (FATALITIES, BUDGETS):
        served.put(dataset, bundled_datasets()[dataset].rows)
    served.requests.clear()
    yield served
    served.behave()


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "raw")


def fetched_from(archive: Archive, source: str = "fatalities") -> FetchResult:
    work = archive.root.with_name("work")
    work.mkdir(exist_ok=True)
    result = fetch.fetch(archive, StagingCache(archive.root.with_name("staged")), CATALOGUE[source], work)
    assert list(work.iterdir()) == []
    return result


def refused(archive: Archive, source: str = "fatalities") -> dict[str, Any]:
    """The one record of a refused file."""
    (note,) = (archive.root / "refused" / source).glob("*.json")
    record: dict[str, Any] = json.loads(note.read_text(encoding="utf-8"))
    return record


# What passes


def test_pages_are_archived_as_one_snapshot_of_all_rows(replica: Replica, archive: Archive) -> None:
    result = fetched_from(archive)
    assert (result.outcome, result.vintage) == ("fetched", "2025-04-04")
    assert result.message == "Fetched the vintage 2025-04-04: 4,429 rows (psdata-json)."
    (snapshot,) = archive.snapshots("fatalities")
    assert json.loads(archive.require_whole(snapshot).read_bytes()) == replica.rows(FATALITIES)
    assert [request.query["page_num"] for request in replica.requests if request.query.get("per_page") == "2000"] == [
        "1", "2", "3", "4",
    ]  # fmt: skip


def test_an_unchanged_reply_makes_no_new_vintage(replica: Replica, archive: Archive) -> None:
    """With 304, after a failed check, and from a publisher that does not send 304."""
    fetched_from(archive)
    for _ in range(2):
        replica.requests.clear()
        result = fetched_from(archive)
        assert (result.outcome, result.message) == ("unchanged", "Unchanged since the vintage 2025-04-04.")
        assert [request.status for request in replica.requests] == [304, 304, 304, 200]  # the last page is empty
        fetch.fall_back(archive, CATALOGUE["fatalities"], "unreachable", "No network.")
    check = archive.last_check("fatalities")
    assert check is not None
    archive.note_check("fatalities", check | {"reply": check["reply"] | {"validators": []}})
    replica.requests.clear()
    assert fetched_from(archive).outcome == "unchanged"
    assert {request.status for request in replica.requests} == {200}
    assert len(archive.snapshots("fatalities")) == 1


@pytest.mark.parametrize("damage", ["bytes", "lost", "check"])
def test_a_damaged_snapshot_is_fetched_again_and_never_called_unchanged(
    replica: Replica, archive: Archive, damage: str
) -> None:
    fetched_from(archive)
    (snapshot,) = archive.snapshots("fatalities")
    if damage == "bytes":
        archive.path("fatalities", snapshot.sha256).write_bytes(b"damaged")
    elif damage == "lost":
        archive.path("fatalities", snapshot.sha256).unlink()
    else:
        (archive.root / "fatalities" / "last_checked.json").write_text('{"reply": ')
    replica.requests.clear()
    assert fetched_from(archive).outcome == ("unchanged" if damage == "check" else "fetched")
    assert 200 in {request.status for request in replica.requests}
    archive.require_whole(snapshot)
    assert archive.snapshots("fatalities") == [snapshot]


def test_a_new_vintage_is_archived_beside_the_previous_one(replica: Replica, archive: Archive) -> None:
    fetched_from(archive)
    rows = replica.rows(FATALITIES)
    new = rows[-1] | {"casualty_id": "MINUSCA-2025-05-00001", "id": len(rows) + 1}
    replica.put(FATALITIES, [row | {"last_update": row["last_update"] + DAY_MS} for row in [*rows, new]])
    result = fetched_from(archive)
    assert (result.outcome, result.vintage, result.warnings) == ("fetched", "2025-04-05", [])
    assert [snapshot.vintage for snapshot in archive.snapshots("fatalities")] == ["2025-04-04", "2025-04-05"]


def test_a_file_is_requested_conditionally_too(replica: Replica, archive: Archive) -> None:
    assert fetched_from(archive, "assessed_contributions").outcome == "fetched"
    replica.requests.clear()
    assert fetched_from(archive, "assessed_contributions").outcome == "unchanged"
    assert [(request.path, request.status) for request in replica.requests] == [(CEB_FILE, 304)]


# A dataset of which no reply was ever recorded: optional, and in thousands of dollars

BUDGET_LINES = "mission_budget_lines"
SMALL = {name: CATALOGUE[name] for name in (BUDGET_LINES, "missions")}


def budget_lines(archive: Archive) -> duckdb.DuckDBPyConnection:
    """The warehouse of the archive's budget lines and missions, built and checked."""
    chosen, cache = choose_snapshots(archive, SMALL), StagingCache(archive.root.with_name("staged"))
    made, _ = build_from_snapshots(archive, cache, SMALL, chosen, archive.root.with_name("build"))
    return duckdb.connect(str(made.file), read_only=True)


def test_budget_lines_are_fetched_and_are_in_the_warehouse_in_dollars(replica: Replica, archive: Archive) -> None:
    fetch.ensure_bundled(archive, CATALOGUE)
    with budget_lines(archive) as before:
        held = before.sql("SELECT publication, count(*) FROM main.mission_budget_lines GROUP BY ALL").fetchall()
        assert held == [("open_data", 922)]
    result = fetched_from(archive, BUDGET_LINES)
    assert (result.message, result.warnings) == ("Fetched the vintage 2026-11-24: 95 rows (pkbudget-json).", [])
    assert fetched_from(archive, BUDGET_LINES).outcome == "unchanged"
    with budget_lines(archive) as connection:
        rows = connection.sql(
            "SELECT peacekeeping_year, period_end::VARCHAR, budget_class, budget_subclass, apportionment_usd::BIGINT, "
            "expenditure_usd::BIGINT, variance_usd::BIGINT, is_total FROM main.mission_budget_lines "
            "WHERE mission = 'MINUSMA' AND peacekeeping_year = '2018-19'"
        ).fetchall()
        assert rows == [
            ("2018-19", "2019-06-30", "Total requirements", "", 1_074_718_900, 1_105_667_000, -30_948_100, True)
        ]
        assert connection.sql(
            "SELECT count(*), count(apportionment_usd) FROM main.mission_budget_lines WHERE publication = 'data_hub'"
        ).fetchall() == [(95, 4)]
        assert connection.sql("SELECT count(*) FROM meta.signals").fetchall() == [(0,)]
        named = connection.sql(
            "SELECT published_name FROM meta.published_names WHERE table_name = 'mission_budget_lines' "
            "AND column_name = 'expenditure_usd'"
        )
        assert named.fetchall() == [("Expenditure",)]


def test_budget_lines_under_names_in_lower_case_are_the_same_dataset(replica: Replica, archive: Archive) -> None:
    lower = [{name.lower(): value for name, value in row.items()} for row in replica.rows(BUDGETS)]
    replica.put(BUDGETS, lower)
    result = fetched_from(archive, BUDGET_LINES)
    assert result.message.endswith("95 rows (pkbudget-json).")


def test_budget_lines_in_dollars_are_refused(replica: Replica, archive: Archive) -> None:
    amounts = ("Apportionment", "Expenditure", "Variance")
    dollars = [
        {name: value * 1000 if name in amounts and value is not None else value for name, value in row.items()}
        for row in replica.rows(BUDGETS)
    ]
    replica.put(BUDGETS, dollars)
    with pytest.raises(Refused, match=r"95 of 95 rows .*\(published in thousands\) .*It is kept in"):
        fetched_from(archive, BUDGET_LINES)
    assert archive.snapshots(BUDGET_LINES) == []


# Misbehaviour that passes

ANSWERED = {
    Fault.TOO_MANY_REQUESTS: 429,
    Fault.REQUEST_TIMEOUT: 408,
    Fault.TOO_EARLY: 425,
    Fault.SERVER_ERROR: 500,
    Fault.INSUFFICIENT_STORAGE: 507,
    Fault.UNKNOWN_ERROR: 520,
}


@pytest.mark.parametrize(
    ("fault", "times"),
    [(Fault.TOO_MANY_REQUESTS, 1), *((fault, 3) for fault in ANSWERED if ANSWERED[fault] != 429)],
    ids=str,
)
def test_a_temporary_fault_of_the_publisher_is_retried_until_it_answers(
    replica: Replica, archive: Archive, fault: Fault, times: int
) -> None:
    replica.misbehave(fault, times=times)
    assert fetched_from(archive).outcome == "fetched"
    assert len([request for request in replica.requests if request.status == ANSWERED[fault]]) == times


def test_an_invalid_retry_after_does_not_end_the_retries(replica: Replica, archive: Archive) -> None:
    replica.misbehave(Fault.ODD_RETRY_AFTER, times=3)
    assert fetched_from(archive).outcome == "fetched"
    assert [request.status for request in replica.requests][:4] == [429, 429, 429, 200]


def test_pages_of_a_fixed_size_are_archived_as_one_snapshot_of_all_rows(replica: Replica, archive: Archive) -> None:
    replica.misbehave(Fault.FIXED_PAGES)
    assert len(replica.rows(BUDGETS)) == 95
    assert fetched_from(archive, BUDGET_LINES).outcome == "fetched"
    (snapshot,) = archive.snapshots(BUDGET_LINES)
    assert json.loads(archive.require_whole(snapshot).read_bytes()) == replica.rows(BUDGETS)
    pages = [(request.query["page_num"], request.query["per_page"]) for request in replica.requests if request.query]
    once = [("1", "5000"), ("2", "5000")]
    assert pages == [*once, ("3", "5000"), ("1", "1"), *once]
    assert fetched_from(archive, BUDGET_LINES).outcome == "unchanged"


def test_data_that_changes_while_its_pages_are_read_is_read_again(replica: Replica, archive: Archive) -> None:
    replica.misbehave(Fault.MOVING_PAGE, times=1)
    assert fetched_from(archive).message == "Fetched the vintage 2025-04-04: 4,430 rows (psdata-json)."
    (snapshot,) = archive.snapshots("fatalities")
    assert json.loads(archive.require_whole(snapshot).read_bytes()) == replica.rows(FATALITIES)


# Misbehaviour that does not pass: nothing is archived, the reason is reported, and the reply is kept apart

PASSES = {Fault.FIXED_PAGES}
UNAVAILABLE = {
    **{fault: f"answered {status}.*, also after retries" for fault, status in ANSWERED.items()},
    Fault.ODD_RETRY_AFTER: "answered 429 .*, also after retries",
    Fault.STALLED_BODY: "stopped sending in the middle of the reply",
    Fault.CUT_BODY: r"was cut off \([\d,]+ bytes came, [\d,]+ are missing\)",
    Fault.SHORT_LENGTH: r"is cut off: it ends after [\d,]+ bytes, before its last bracket",
    Fault.CUT_GZIP: r"was cut off \(its gzip encoding has no end\)",
    Fault.MOVING_PAGE: "changed each of the 3 times that its pages were read",
}
REFUSED = {
    Fault.HTML: "came as text/html; expected application/json or text/json. This is an HTML page",
    Fault.WRONG_CONTENT_TYPE: "came as image/png; expected application/json or text/json",
    Fault.RENAMED_COLUMN: "needs the column type_of_incident. New columns: incident_kind",
    Fault.DROPPED_COLUMN: "needs the column casualty_id",
    Fault.DOUBLED_KEY: "twice",
    Fault.REPEATED_PAGE: "gives page 1 again as page 2: it ignores page_num",
    Fault.ENDLESS: "sends more than 3,000,000 bytes",
    Fault.GZIP_BOMB: "sends more than 3,000,000 bytes",
    Fault.REDIRECT: "redirects to http://localhost.invalid; expected the same host",
}


def test_every_misbehaviour_of_the_replica_is_tried() -> None:
    assert PASSES | UNAVAILABLE.keys() | REFUSED.keys() == set(Fault)


@pytest.mark.parametrize(("fault", "message"), [*UNAVAILABLE.items(), *REFUSED.items()], ids=str)
def test_a_publisher_that_misbehaves_leaves_the_archive_unchanged_and_is_reported(
    replica: Replica, archive: Archive, monkeypatch: pytest.MonkeyPatch, fault: Fault, message: str
) -> None:
    monkeypatch.setattr(client, "READ_SECONDS", 0.5)
    monkeypatch.setattr(client, "RETRY_AFTER_MAX_SECONDS", 0.1)
    monkeypatch.setattr(download, "MAX_PAGE_BYTES", 3_000_000)
    fetch.ensure_bundled(archive, CATALOGUE)
    before = archive.snapshots("fatalities")
    replica.misbehave(fault)
    expected: type[SourceError] = Unavailable if fault in UNAVAILABLE else Refused
    with pytest.raises(expected, match=message) as caught:
        fetched_from(archive)
    assert type(caught.value) is expected and "\n" not in str(caught.value)
    assert archive.snapshots("fatalities") == before
    kept = {Fault.HTML, Fault.WRONG_CONTENT_TYPE, Fault.RENAMED_COLUMN, Fault.DROPPED_COLUMN, Fault.DOUBLED_KEY}
    if fault in kept:
        assert str(caught.value).startswith(refused(archive)["why"]) and "It is kept in" in str(caught.value)
    else:
        assert not (archive.root / "refused").exists()
    replica.behave()
    assert fetched_from(archive).outcome == "fetched"


# Drift


def test_a_vintage_without_a_casualty_that_its_neighbours_both_have_is_refused(
    replica: Replica, archive: Archive
) -> None:
    """A reply of 2023, between the bundled vintages of 2021 and 2025, from which one casualty of 2013 is missing."""
    fetch.ensure_bundled(archive, CATALOGUE)
    rows = [row for row in replica.rows(FATALITIES) if row["incident_date"] < 1_700_000_000_000]
    victim = next(row for row in rows if row["casualty_id"].startswith("MINUSMA-2013"))
    as_of_2023 = [row | {"last_update": 1_701_302_400_000} for row in rows]
    replica.put(FATALITIES, [row for row in as_of_2023 if row["casualty_id"] != victim["casualty_id"]])
    with pytest.raises(Refused, match=f"both have \\({victim['casualty_id']}\\)"):
        fetched_from(archive)
    assert "both have" in refused(archive)["why"]
    replica.put(FATALITIES, as_of_2023)
    assert (fetched_from(archive).vintage, len(archive.snapshots("fatalities"))) == ("2023-11-30", 3)


def test_a_casualty_gone_from_the_newest_vintage_is_reported_and_kept(replica: Replica, archive: Archive) -> None:
    fetched_from(archive)
    rows = [row | {"last_update": row["last_update"] + DAY_MS} for row in replica.rows(FATALITIES)]
    replica.put(FATALITIES, rows[1:])
    result = fetched_from(archive)
    assert result.outcome == "fetched"
    assert result.warnings == [
        f"1 rows of the vintage of 2025-04-04 are not in it ({rows[0]['casualty_id']})"
    ]  # fmt: skip


@pytest.mark.parametrize("share", [0.98, 1.6])
def test_a_list_that_shrinks_or_grows_all_at_once_is_refused(replica: Replica, archive: Archive, share: float) -> None:
    fetched_from(archive)
    rows = [row | {"last_update": row["last_update"] + DAY_MS} for row in replica.rows(FATALITIES)]
    more = [row | {"casualty_id": f"{row['casualty_id'][:-5]}{50_000 + n}"} for n, row in enumerate(rows)]
    count = int(share * len(rows))
    replica.put(FATALITIES, (more + rows)[-count:])
    with pytest.raises(Refused, match="Part of it may be missing or doubled"):
        fetched_from(archive)
    assert len(archive.snapshots("fatalities")) == 1


def test_printed_and_derived_rates_are_each_compared_with_their_own(archive: Archive) -> None:
    """They have 26 and 579 rows, so that a comparison of one with the other would refuse it."""
    fetch.ensure_bundled(archive, CATALOGUE)
    for file in ("peacekeeping_rates_printed.csv.gz", "peacekeeping_rates_2024-2026_derived.csv.gz"):
        again = gzip.decompress((bundle.BUNDLED / file).read_bytes())
        loaded = load_bytes(archive.root, "peacekeeping_rates", again, PublicationDates(by_hand="2026-06-30"))
        assert loaded.new and loaded.warnings == []


def test_the_years_of_ceb_are_compared_with_the_same_years_alone(archive: Archive, contributions: Any) -> None:
    fetch.ensure_bundled(archive, CATALOGUE)
    year = contributions.rows.query("peacekeeping_year == '2018-19'")
    lines = [f'"{row.contributor_as_published}",UN-DPO,Assessed contributions,2019,{row.amount_usd}'
             for row in year.itertuples()]  # fmt: skip
    csv = "\n".join(["government_donor,entity,rev_type,calendar_year,amount", *lines])
    assert load_bytes(archive.root, "assessed_contributions", csv.encode(), PublicationDates(by_hand="2025-12-31")).new
    short = "\n".join(csv.split("\n")[:188])
    with pytest.raises(Refused, match="in the peacekeeping years that both cover"):
        load_bytes(archive.root, "assessed_contributions", short.encode(), PublicationDates(by_hand="2026-03-31"))
