"""The replica speaks as the publishers do, and misbehaves when told to."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import replica
import requests
import yaml
from replica import (
    BUDGETS,
    CEB_FILE,
    FATALITIES,
    MISSIONS,
    PERSONNEL,
    UNDESCRIBED,
    Dataset,
    Fault,
    Replica,
    bundled_datasets,
)

from sources import bundle
from sources.catalogue import load_catalogue
from sources.errors import Refused

Get = Callable[..., requests.Response]
JSON, CSV = f"/data/{FATALITIES}/json", f"/data/{FATALITIES}/csv"
ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def served() -> Iterator[Replica]:
    with Replica() as running:
        yield running


@pytest.fixture
def get(served: Replica) -> Iterator[Get]:
    """GET a path of psdata, over one connection that is kept."""
    with requests.Session() as session:

        def ask(path: str, **options: Any) -> requests.Response:
            return session.get(served.psdata_url + path, **({"timeout": 10, "allow_redirects": False} | options))

        yield ask


@pytest.fixture
def small(served: Replica) -> list[dict[str, Any]]:
    """Five rows in place of the fatalities."""
    rows = [
        {
            "id": number,
            "incident_date": -86_400_000 * number,
            "casualty_id": f"UNTSO-1969-12-{number:05}",
            "mission_acronym": "UNTSO" if number % 2 else "UNIFIL",
            "type_of_incident": "Illness",
            "m49_code": 250.0 if number < 5 else None,
        }
        for number in range(1, 6)
    ]
    served.put(FATALITIES, rows)
    return rows


def lines_of(reply: requests.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(reply.content.decode("utf-8-sig"), newline="")))


def ask_raw(served: Replica, path: str = JSON) -> socket.socket:
    """A connection that has asked for a path of psdata, its reply unread."""
    port = int(served.psdata_url.split(":")[2].split("/")[0])
    connection = socket.create_connection(("127.0.0.1", port), timeout=5)
    connection.sendall(f"GET /public{path} HTTP/1.1\r\nHost: replica\r\n\r\n".encode())
    return connection


def read_head(connection: socket.socket) -> tuple[str, bytes]:
    """The head of a reply, and what came of the body with it."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(1 << 16)
    head, _, body = got.partition(b"\r\n\r\n")
    return head.decode(), body


# The data


def test_the_whole_list_has_4429_fatalities_numbered_from_one_and_starts_in_1948(get: Get) -> None:
    reply = get(JSON)
    rows = reply.json()
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    assert len(rows) == 4429
    assert [row["id"] for row in rows] == list(range(1, 4430))
    assert rows[0] == {
        "id": 1,
        "incident_date": -678_153_600_000,  # 1948-07-06, 7,849 days before 1970
        "casualty_id": "UNTSO-1948-07-02408",
        "mission_acronym": "UNTSO",
        "type_of_casualty": "Fatality",
        "gender": "M",
        "casualty_nationality": "France",
        "casualty_personnel_type": "Military",
        "type_of_incident": "Malicious Act",
        "m49_code": 250.0,
        "isocode3": "FRA",
        "last_update": 1_743_724_800_000,  # 2025-04-04
    }
    assert list(rows[0]) == list(replica.COLUMNS[FATALITIES])


def test_what_is_unknown_is_an_empty_gender_and_null_codes(get: Get) -> None:
    rows = get(JSON).json()
    assert sum(row["gender"] == "" for row in rows) == 151
    assert sum(row["isocode3"] is None and row["m49_code"] is None for row in rows) == 52
    assert not any(row["gender"] is None or row["isocode3"] == "" for row in rows)


def test_csv_has_iso_days_codes_with_a_decimal_point_and_the_same_rows(get: Get) -> None:
    reply = get(CSV)
    header, first, *rest = lines_of(reply)
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert ",".join(header).startswith("id,incident_date,casualty_id,mission_acronym,type_of_casualty,gender,")
    assert (
        ",".join(first)
        == "1,1948-07-06,UNTSO-1948-07-02408,UNTSO,Fatality,M,France,Military,Malicious Act,250.0,FRA,2025-04-04"
    )
    assert len(rest) == 4428
    assert {len(line) for line in rest} == {12}


def test_personnel_have_no_rows_without_mission_or_sex_and_the_apis_columns(get: Get) -> None:
    # 108,949 rows are bundled; the 7,568 without a mission include all 610 without a sex
    rows = get(f"/data/{PERSONNEL}/json?per_page=200000").json()
    assert len(rows) == 101_381
    assert rows[0] == {
        "contribution_id": 1,
        "isocode3": None,
        "m49_code": None,
        "contributing_country": "Argentina",
        "mission_acronym": "MINURSO",
        "personnel_type": "Experts on Mission",
        "female_personnel": 0,
        "male_personnel": 3,
        "last_reporting_date": 1_422_662_400_000,  # 2015-01-31
    }
    assert len(get(f"/data/{PERSONNEL}/csv?page_num=11&per_page=10000").content.splitlines()) == 1 + 1381


def test_missions_are_81_with_days_or_null_and_decimal_commas(get: Get) -> None:
    rows = {row["mission_acronym"]: row for row in get(f"/data/{MISSIONS}/json").json()}
    assert len(rows) == 81
    iptf = rows["IPTF"]
    assert (iptf["start_date"], iptf["end_date"]) == (819_504_000_000, 1_041_292_800_000)
    assert (iptf["mission_longitude"], iptf["last_update"]) == ("18,4167", 1_708_300_800_000)
    assert sum(row["start_date"] is None for row in rows.values()) == 3


def test_budget_lines_are_in_thousands_and_made_from_the_bundled_amounts_of_whole_years(get: Get) -> None:
    """MINUSMA 2018-19: approved 1,074,718,900, spent 1,105,667,000; of MINURSO 2024-25 only a prorated amount is held."""
    rows = {(row["Mission_acronym"], row["Start_date"]): row for row in get(f"/data/{BUDGETS}/json").json()}
    assert len(rows) == 95
    assert rows["MINUSMA", 1_530_403_200_000] == {
        "Mission_acronym": "MINUSMA",
        "Start_date": 1_530_403_200_000,  # 2018-07-01
        "End_date": 1_561_852_800_000,  # 2019-06-30
        "Budget_class": "Total requirements",
        "Budget_subclass": "",
        "Apportionment": 1_074_718.9,
        "Expenditure": 1_105_667.0,
        "Variance": -30_948.1,
        "Document_symbol": "A/74/736",
    }
    prorated = rows["MINURSO", 1_719_792_000_000]  # 2024-07-01
    assert (prorated["Apportionment"], prorated["Expenditure"], prorated["Variance"]) == (None, 64_732.4, None)
    assert sum(row["Apportionment"] is not None for row in rows.values()) == 4
    assert {row["Budget_class"] for row in rows.values()} == {"Total requirements"}
    first = get(f"/data/{BUDGETS}/csv?filter=mission_acronym:MINUSMA&per_page=1").text.splitlines()[1]
    assert first == "MINUSMA,2018-07-01,2019-06-30,Total requirements,,1074718.9,1105667.0,-30948.1,A/74/736"


def test_cebs_file_is_the_bundled_one_with_a_byte_order_mark(served: Replica) -> None:
    reply = requests.get(f"{served.ceb_url}/revenue_government_donors.csv", timeout=10)
    assert reply.content.startswith(b"\xef\xbb\xbfgovernment_donor,entity,rev_type,calendar_year,amount\n")
    assert len(lines_of(reply)) == 1 + 2653
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"


def test_an_older_vintage_can_be_served() -> None:
    with Replica(bundled_datasets("fatalities_2021-06.csv.gz")) as old:
        rows = requests.get(f"{old.psdata_url}{JSON}", timeout=10).json()
        said = requests.get(f"{old.psdata_url}/metadata/{FATALITIES}", timeout=10).json()
    assert len(rows) == 4117
    assert {(row["last_update"], row["gender"]) for row in rows} == {(1_625_011_200_000, "")}  # 2021-06-30
    assert said[0]["Last Update Date"] == "2021-06-30"


def test_starting_converts_nothing() -> None:
    def fail() -> list[replica.Row]:
        raise AssertionError("nobody asked for it")

    with Replica({"DPO-X": Dataset(fail, datetime(2025, 1, 1, tzinfo=UTC))}) as running:
        assert requests.get(f"{running.psdata_url}/metadata/all", timeout=10).ok


def test_every_source_of_the_catalogue_has_its_live_address_here(get: Get, served: Replica) -> None:
    publishers = yaml.safe_load((ROOT / "sources" / "publishers.yaml").read_text(encoding="utf-8"))
    assert publishers["psdata"]["environment"] == replica.PSDATA_ENVIRONMENT
    assert publishers["ceb"]["environment"] == replica.CEB_ENVIRONMENT
    assert publishers["contributions"]["environment"] == replica.CONTRIBUTIONS_ENVIRONMENT
    bases = {
        replica.PSDATA_ENVIRONMENT: served.psdata_url,
        replica.CEB_ENVIRONMENT: served.ceb_url,
        replica.CONTRIBUTIONS_ENVIRONMENT: served.contributions_url,
    }
    for source in load_catalogue().values():
        paths = [source.live.path, source.live.metadata] if source.live else []
        for url in (bases[source.publisher.environment] + path for path in paths if path):
            assert requests.get(url, params={"per_page": 1}, timeout=10).status_code == 200, url


# Pages and filters


def test_a_page_of_ten_is_ten_rows(get: Get) -> None:
    assert [row["id"] for row in get(f"{JSON}?page_num=3&per_page=10").json()] == list(range(21, 31))
    assert [line[0] for line in lines_of(get(f"{CSV}?page_num=1&per_page=2"))] == ["id", "1", "2"]


def test_all_pages_together_are_the_whole(get: Get) -> None:
    pages = [get(f"{JSON}?page_num={number}&per_page=1000").json() for number in range(1, 7)]
    assert [len(page) for page in pages] == [1000, 1000, 1000, 1000, 429, 0]
    assert [row for page in pages for row in page] == get(JSON).json()


def test_a_page_beyond_the_end_is_empty_and_in_csv_the_header_alone(get: Get) -> None:
    assert get(f"{JSON}?page_num=2").content == b"[]"
    assert lines_of(get(f"{CSV}?page_num=99&per_page=1000")) == [list(replica.COLUMNS[FATALITIES])]


def test_a_dataset_without_rows_is_an_empty_array_and_a_header(served: Replica, get: Get) -> None:
    served.put(FATALITIES, [])
    assert get(JSON).content == b"[]"
    assert lines_of(get(CSV)) == [list(replica.COLUMNS[FATALITIES])]


@pytest.mark.parametrize(
    "query",
    [
        "page_num=0",
        "page_num=-1",
        "page_num=one",
        "page_num=",
        "page_num=1.5",
        "per_page=0",
        "per_page=ten",
        f"per_page={'9' * 5000}",
        "filter=colour:red",
        "filter=gender",
    ],
)
def test_wrong_parameters_are_told_as_400(get: Get, query: str) -> None:
    reply = get(f"{JSON}?{query}")
    assert reply.status_code == 400
    assert reply.json()["error"]
    assert "ETag" not in reply.headers


@pytest.mark.parametrize(
    "path", ["/data/NO-SUCH/json", f"/data/{FATALITIES}/parquet", f"/data/{FATALITIES}", "/metadata/NO-SUCH", "/"]
)
def test_what_is_not_there_is_404(get: Get, path: str) -> None:
    assert get(path).status_code == 404


def test_a_filter_takes_several_values_of_several_columns_in_any_case(get: Get) -> None:
    rows = get(f"{JSON}?filter=MISSION_ACRONYM:MINUSMA,UNMISS;Type_Of_Incident:Malicious Act").json()
    with gzip.open(bundle.BUNDLED / "fatalities_2025-04.csv.gz", "rt", encoding="utf-8", newline="") as file:
        expected = [
            row["casualty_id"]
            for row in csv.DictReader(file)
            if row["mission_acronym"] in ("MINUSMA", "UNMISS") and row["type_of_incident"] == "Malicious Act"
        ]
    assert len(expected) > 100
    assert sorted(row["casualty_id"] for row in rows) == sorted(expected)


def test_a_filter_compares_with_what_csv_prints_and_pages_apply_after_it(get: Get) -> None:
    assert [row["id"] for row in get(f"{JSON}?filter=incident_date:1948-07-06").json()] == [1]
    assert len(get(f"{JSON}?filter=gender:").json()) == 151
    french = get(f"{JSON}?filter=m49_code:250.0").json()
    assert get(f"{JSON}?filter=m49_code:250.0&per_page=5&page_num=2").json() == french[5:10]


@pytest.mark.parametrize("name", [FATALITIES.lower(), "DppaDposs-Fatalities"])
def test_dataset_names_count_in_any_case(get: Get, name: str) -> None:
    assert get(f"/data/{name}/json?per_page=1").json()[0]["id"] == 1
    assert get(f"/metadata/{name}").json()[0]["Dataset ID"] == FATALITIES


# The codebook


def test_metadata_are_a_list_of_entries_and_all_gives_each(get: Get) -> None:
    every = get("/metadata/all").json()
    assert [entry["Dataset ID"] for entry in every] == [FATALITIES, PERSONNEL, MISSIONS, BUDGETS, UNDESCRIBED]
    assert get(f"/metadata/{PERSONNEL}").json() == [every[1]]
    assert [entry["Last Update Date"] for entry in every] == [
        "2025-04-04", "2025-07-31", "2024-02-19", "2026-11-24", None,
    ]  # fmt: skip


def test_every_column_served_is_defined(get: Get) -> None:
    for entry in get("/metadata/all").json()[:4]:
        rows = get(f"/data/{entry['Dataset ID']}/json?per_page=1").json()
        assert [column["Column Name"] for column in entry["Column definitions"]] == list(rows[0])
        assert {tuple(column) for column in entry["Column definitions"]} == {
            ("Column Name", "Definition", "Format", "Attributes")
        }


def test_the_codebook_has_the_traps_of_the_real_one(get: Get) -> None:
    fatalities, personnel, missions, _, undescribed = get("/metadata/all").json()
    texts = {column["Column Name"]: column["Definition"] for column in personnel["Column definitions"]}
    assert "M49" in texts["isocode3"]
    assert "ISO 3166" in texts["m49_code"]
    assert (fatalities["Data Steward"], fatalities["Technical Focal Point"]) == ("Jane Doe", "jane.doe@example.org")
    assert (missions["Update Frequency"], missions["Limitations and Exceptions"]) == (None, None)
    assert [name for name, value in undescribed.items() if value is not None] == ["Dataset ID"]


def test_a_test_can_rewrite_the_codebook_of_its_own_replica(served: Replica, get: Get) -> None:
    served.codebook[0]["Last Update Date"] = "2025-05-01"
    served.codebook.append({"Dataset ID": None, "Name": "nameless"})
    assert get(f"/metadata/{FATALITIES}").json()[0]["Last Update Date"] == "2025-05-01"
    assert len(get("/metadata/all").json()) == 6
    assert Replica().codebook[0]["Last Update Date"] == "2025-04-04"


# What changes, and what has not changed


def test_replies_carry_a_tag_of_the_body_and_the_day_of_the_vintage(get: Get) -> None:
    reply = get(JSON)
    assert reply.headers["ETag"] == f'"{hashlib.sha256(reply.content).hexdigest()[:32]}"'
    assert reply.headers["Last-Modified"] == "Fri, 04 Apr 2025 00:00:00 GMT"
    assert get(f"{JSON}?per_page=1").headers["ETag"] != reply.headers["ETag"]


@pytest.mark.parametrize("tags", ["{}", "W/{}", '"other", {}', "*"])
def test_a_known_tag_is_answered_304_without_a_body(get: Get, tags: str) -> None:
    first = get(JSON)
    again = get(JSON, headers={"If-None-Match": tags.format(first.headers["ETag"])})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", first.headers["ETag"])
    assert again.headers["Last-Modified"] == first.headers["Last-Modified"]
    assert get(f"{JSON}?per_page=1").status_code == 200  # the connection is still in step


@pytest.mark.parametrize(
    ("since", "status"),
    [
        ("Fri, 04 Apr 2025 00:00:00 GMT", 304),
        ("Sat, 05 Apr 2025 00:00:00 -0000", 304),
        ("Thu, 03 Apr 2025 23:59:59 GMT", 200),
        ("yesterday", 200),
    ],
)
def test_if_modified_since_is_compared_with_the_vintage(get: Get, since: str, status: int) -> None:
    assert get(f"{JSON}?per_page=1", headers={"If-Modified-Since": since}).status_code == status


def test_a_tag_goes_before_a_date(get: Get) -> None:
    headers = {"If-None-Match": '"other"', "If-Modified-Since": "Fri, 04 Apr 2025 00:00:00 GMT"}
    assert get(f"{JSON}?per_page=1", headers=headers).status_code == 200


def test_rows_put_in_place_are_served_next_with_a_new_tag_and_date(served: Replica, get: Get) -> None:
    before = get(JSON)
    rows = served.rows(FATALITIES.lower())
    rows[0]["gender"] = "F"
    served.put(FATALITIES.lower(), rows[:3])
    after = get(JSON, headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, len(after.json()), after.json()[0]["gender"]) == (200, 3, "F")
    seen = {"If-Modified-Since": after.headers["Last-Modified"]}
    assert get(JSON, headers=seen).status_code == 304
    served.put(FATALITIES, rows[:4])  # within the same second
    assert get(JSON, headers=seen).status_code == 200


def test_changed_copies_leave_the_bundled_rows_alone(served: Replica) -> None:
    served.rows(FATALITIES)[0]["gender"] = "F"
    assert served.rows(FATALITIES)[0]["gender"] == "M"
    assert bundled_datasets()[FATALITIES].rows[0]["gender"] == "M"


def test_datasets_and_files_can_be_added(served: Replica, get: Get) -> None:
    served.put("DPO-New", [{"a": 1, "b": "x,\r"}, {"a": None}], datetime(2020, 2, 29, tzinfo=UTC))
    assert get("/data/dpo-new/json").json() == [{"a": 1, "b": "x,\r"}, {"a": None}]
    assert get("/data/dpo-new/csv").content == b'a,b\n"1","x,\r"\n,\n'
    assert get("/data/dpo-new/csv").headers["Last-Modified"] == "Sat, 29 Feb 2020 00:00:00 GMT"
    served.put_file("/ceb/more.txt", b"more", "text/plain")
    reply = requests.get(f"{served.ceb_url}/more.txt", timeout=10)
    assert (reply.content, reply.headers["Content-Type"]) == (b"more", "text/plain")


def test_days_in_wrong_units_are_printed_as_they_are(served: Replica, get: Get) -> None:
    served.put(FATALITIES, [{"incident_date": 10**20}, {"incident_date": "1948-07-06"}])
    assert get(CSV).content == b"incident_date\n100000000000000000000\n1948-07-06\n"


def test_requests_are_kept_with_their_query_headers_and_status(served: Replica, get: Get) -> None:
    get(f"{JSON}?page_num=2&per_page=10", headers={"X-Word": "hello"})
    get("/data/NO-SUCH/json")
    first, second = served.requests
    assert (first.path, first.query, first.status) == (f"/public{JSON}", {"page_num": "2", "per_page": "10"}, 200)
    assert first.headers["X-Word"] == "hello"
    assert (second.query, second.status) == ({}, 404)


def test_one_connection_serves_many_requests(served: Replica) -> None:
    with ask_raw(served, f"{JSON}?per_page=1") as connection:
        for _ in range(3):
            head, body = read_head(connection)
            length = int(re.search(r"Content-Length: (\d+)", head)[1])  # type: ignore[index]
            while len(body) < length:
                body += connection.recv(1 << 16)
            assert head.startswith("HTTP/1.1 200")
            assert json.loads(body)[0]["id"] == 1
            connection.sendall(f"GET /public{JSON}?per_page=1 HTTP/1.1\r\nHost: replica\r\n\r\n".encode())


def test_many_are_served_at_once(served: Replica) -> None:
    counts: list[int] = []

    def ask() -> None:
        counts.append(len(requests.get(f"{served.psdata_url}{JSON}?per_page=100", timeout=10).json()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [100] * 8


def test_it_listens_on_loopback_only_and_stops_with_its_connections() -> None:
    running = Replica().start()
    address = running.psdata_url
    assert address.startswith("http://127.0.0.1:")
    connection = ask_raw(running, f"{JSON}?per_page=1")
    read_head(connection)
    running.stop()
    running.stop()
    with connection:
        while connection.recv(1 << 16):
            pass
    with pytest.raises(requests.ConnectionError):
        requests.get(address, timeout=5)
    with pytest.raises(RuntimeError, match="not running"):
        running.psdata_url  # noqa: B018


# Faults


def test_too_many_requests_is_429_with_a_time_to_wait(served: Replica, get: Get) -> None:
    served.misbehave(Fault.TOO_MANY_REQUESTS)
    reply = get(JSON)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "1")


def test_an_odd_retry_after_is_a_fraction_of_a_second(served: Replica, get: Get) -> None:
    served.misbehave(Fault.ODD_RETRY_AFTER)
    reply = get(JSON)
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "0.129")


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault.REQUEST_TIMEOUT, 408),
        (Fault.TOO_EARLY, 425),
        (Fault.SERVER_ERROR, 500),
        (Fault.INSUFFICIENT_STORAGE, 507),
        (Fault.UNKNOWN_ERROR, 520),
    ],
)
def test_temporary_errors_have_their_status_and_no_time_to_wait(
    served: Replica, get: Get, fault: Fault, status: int
) -> None:
    served.misbehave(fault)
    for path in (JSON, CSV, "/metadata/all"):
        reply = get(path)
        assert (reply.status_code, reply.headers.get("Retry-After")) == (status, None)


def test_a_fault_lasts_as_often_as_it_is_told_to(served: Replica, get: Get) -> None:
    served.misbehave(Fault.SERVER_ERROR, times=2)
    assert [get(f"{JSON}?per_page=1").status_code for _ in range(4)] == [500, 500, 200, 200]


def test_a_fault_without_a_number_lasts_until_it_ends(served: Replica, get: Get) -> None:
    served.misbehave(Fault.SERVER_ERROR)
    assert [get(f"{JSON}?per_page=1").status_code for _ in range(5)] == [500] * 5
    served.behave()
    assert get(f"{JSON}?per_page=1").status_code == 200


def test_a_fault_touches_only_the_paths_it_is_meant_for(served: Replica, get: Get) -> None:
    served.misbehave(Fault.SERVER_ERROR, times=1, only="/metadata/")
    assert get(f"{JSON}?per_page=1").status_code == 200
    assert [get("/metadata/all").status_code for _ in range(2)] == [500, 200]


def test_several_faults_come_one_after_the_other(served: Replica, get: Get) -> None:
    served.misbehave(Fault.TOO_MANY_REQUESTS, times=1)
    served.misbehave(Fault.SERVER_ERROR, times=1)
    assert [get(f"{JSON}?per_page=1").status_code for _ in range(3)] == [429, 500, 200]


def test_a_fault_of_columns_waits_for_a_reply_that_has_some(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.DROPPED_COLUMN, times=1)
    assert get("/metadata/all").json()[0]["Dataset ID"] == FATALITIES
    assert get("/data/NO-SUCH/json").status_code == 404
    assert "casualty_id" not in get(JSON).json()[0]
    assert get(JSON).json() == small


def test_a_cut_body_promises_the_whole_and_sends_half(served: Replica) -> None:
    served.misbehave(Fault.CUT_BODY)
    with ask_raw(served) as connection:
        head, body = read_head(connection)
        while chunk := connection.recv(1 << 16):
            body += chunk
    length = int(re.search(r"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    assert len(body) == length // 2
    assert body.startswith(b'[{"id":1,')


def test_a_short_length_promises_half_and_sends_the_whole(served: Replica) -> None:
    served.misbehave(Fault.SHORT_LENGTH)
    with ask_raw(served) as connection:
        head, body = read_head(connection)
        while chunk := connection.recv(1 << 16):
            body += chunk
    length = int(re.search(r"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    assert length == len(body) // 2
    assert len(json.loads(body)) == 4429


def test_a_cut_gzip_is_half_of_one_in_a_reply_that_is_whole(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.CUT_GZIP)
    with get(JSON, stream=True) as reply:
        packed = reply.raw.read(decode_content=False)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert int(reply.headers["Content-Length"]) == len(packed)
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    found = unpacker.decompress(packed)
    assert not unpacker.eof and len(found) > 0
    served.behave()
    assert get(JSON).content.startswith(found) and len(found) < len(get(JSON).content)


def test_a_doubled_key_stands_twice_in_the_first_row_alone(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.DOUBLED_KEY, times=1)
    assert get(CSV).status_code == 200  # waits for a reply in JSON with rows
    assert get(f"{JSON}?page_num=9&per_page=5").json() == []
    rows = json.loads(get(JSON).content, object_pairs_hook=list)
    names = [[name for name, _ in row] for row in rows]
    assert names == [["id", *small[0]], *map(list, small[1:])]
    assert (rows[0][0][1], rows[0][1][1]) == (None, 1)


@pytest.mark.parametrize("asked", [1, 20, 50, 5000])
def test_fixed_pages_have_50_rows_whatever_is_asked_for(served: Replica, get: Get, asked: int) -> None:
    served.misbehave(Fault.FIXED_PAGES)
    served.put(FATALITIES, served.rows(FATALITIES)[:95])
    pages = [get(f"{JSON}?page_num={number}&per_page={asked}").json() for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 45, 0]
    assert pages[0] + pages[1] == served.rows(FATALITIES)


def test_a_repeated_page_is_the_first_whichever_is_asked_for(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.REPEATED_PAGE)
    assert [get(f"{JSON}?page_num={number}&per_page=2").json() for number in (1, 2, 9)] == [small[:2]] * 3
    assert get("/metadata/all").status_code == 200


def test_a_stalled_body_sends_half_and_then_nothing_and_does_not_hold_up_the_end(served: Replica) -> None:
    served.misbehave(Fault.STALLED_BODY)
    connection = ask_raw(served)
    head, body = read_head(connection)
    length = int(re.search(r"Content-Length: (\d+)", head)[1])  # type: ignore[index]
    while len(body) < length // 2:
        body += connection.recv(1 << 16)
    assert len(body) == length // 2
    connection.settimeout(0.3)
    with pytest.raises(TimeoutError):
        connection.recv(1)
    started = time.monotonic()
    served.stop()
    assert time.monotonic() - started < 1
    with connection:
        assert connection.recv(1) == b""


def handlers() -> list[threading.Thread]:
    """The threads that serve connections."""
    return [thread for thread in threading.enumerate() if "process_request_thread" in thread.name]


@pytest.mark.parametrize("fault", [Fault.STALLED_BODY, Fault.ENDLESS])
def test_a_client_that_goes_ends_what_would_never_end(
    served: Replica, fault: Fault, capfd: pytest.CaptureFixture[str]
) -> None:
    before = set(handlers())
    served.misbehave(fault)
    connection = ask_raw(served, f"{JSON}?per_page=10")
    read_head(connection)
    assert set(handlers()) - before
    connection.close()
    deadline = time.monotonic() + 3
    while set(handlers()) - before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not set(handlers()) - before
    assert capfd.readouterr().err == ""


def test_an_endless_body_comes_in_chunks_for_as_long_as_one_reads(served: Replica, get: Get) -> None:
    served.misbehave(Fault.ENDLESS)
    whole = 0
    with get(JSON, stream=True) as reply:
        assert reply.headers["Transfer-Encoding"] == "chunked"
        assert "Content-Length" not in reply.headers
        for chunk in reply.iter_content(1 << 20):
            whole += len(chunk)
            if whole > 20_000_000:
                break
    started = time.monotonic()
    served.stop()
    assert time.monotonic() - started < 1


def test_an_html_page_comes_with_status_200(served: Replica, get: Get) -> None:
    served.misbehave(Fault.HTML)
    reply = get(CSV)
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert reply.text.startswith("<!DOCTYPE html>")


def test_a_wrong_content_type_stands_over_the_right_body(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.WRONG_CONTENT_TYPE)
    reply = get(JSON)
    assert (reply.headers["Content-Type"], reply.json()) == ("image/png", small)


def test_a_column_is_renamed_in_either_form(served: Replica, get: Get) -> None:
    served.misbehave(Fault.RENAMED_COLUMN)
    names = [name.replace("type_of_incident", "incident_kind") for name in replica.COLUMNS[FATALITIES]]
    row = get(f"{JSON}?per_page=1").json()[0]
    assert (list(row), row["incident_kind"]) == (names, "Malicious Act")
    header, first = lines_of(get(f"{CSV}?per_page=1"))
    assert (header, first[8]) == (names, "Malicious Act")
    assert list(get(f"/data/{MISSIONS}/json?per_page=1").json()[0])[:4] == [
        "id",
        "mission_acronym",
        "mission_name_new",
        "lead_department",
    ]


def test_the_third_column_is_gone_in_either_form(served: Replica, get: Get) -> None:
    served.misbehave(Fault.DROPPED_COLUMN)
    names = [name for name in replica.COLUMNS[FATALITIES] if name != "casualty_id"]
    row = get(f"{JSON}?per_page=1").json()[0]
    assert (list(row), row["mission_acronym"]) == (names, "UNTSO")
    header, first = lines_of(get(f"{CSV}?per_page=1"))
    assert (header, first[:3]) == (names, ["1", "1948-07-06", "UNTSO"])


def test_faults_of_columns_reach_cebs_file_and_leave_its_mark(served: Replica) -> None:
    url = f"{served.ceb_url}/revenue_government_donors.csv"
    served.misbehave(Fault.DROPPED_COLUMN, times=1)
    served.misbehave(Fault.RENAMED_COLUMN, times=1)
    dropped, renamed = (requests.get(url, timeout=10) for _ in range(2))
    assert dropped.content.startswith(
        b"\xef\xbb\xbfgovernment_donor,entity,calendar_year,amount\nAfghanistan,UN-DPO,2013,"
    )
    assert renamed.content.startswith(
        b"\xef\xbb\xbfgovernment_donor,entity,rev_type_new,calendar_year,amount\nAfghanistan,"
    )
    assert len(lines_of(dropped)) == 2654


def test_moving_pages_shift_every_row_by_one_after_each_page(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.MOVING_PAGE)
    ids = [row["casualty_id"] for row in small]
    pages = [get(f"{JSON}?page_num={number}&per_page=2").json() for number in range(1, 6)]
    seen = [[row["casualty_id"] for row in page] for page in pages]
    # Page by page the list is one longer, so each page begins with the last row of the page before.
    assert seen == [ids[0:2], ids[1:3], ids[2:4], ids[3:5], ids[4:5]]
    assert [[row["id"] for row in page] for page in pages] == [[1, 2], [3, 4], [5, 6], [7, 8], [9]]


def test_rows_that_moved_in_stay_and_have_keys_of_their_own(
    served: Replica, get: Get, small: list[dict[str, Any]]
) -> None:
    served.misbehave(Fault.MOVING_PAGE, times=2)
    for _ in range(4):
        rows = get(JSON).json()
    assert len(rows) == 7
    assert len({row["casualty_id"] for row in rows}) == 7
    assert [row["id"] for row in rows] == [1, 2, 3, 4, 5, 6, 7]
    assert [row["casualty_id"] for row in rows[2:]] == [row["casualty_id"] for row in small]
    assert [row["id"] for row in small] == [1, 2, 3, 4, 5]  # the caller's rows are left alone


def test_moving_pages_of_csv_and_of_other_datasets_move_too(served: Replica, get: Get) -> None:
    served.misbehave(Fault.MOVING_PAGE)
    for _ in range(2):
        get(f"/data/{MISSIONS}/csv?per_page=1")
    rows = get(f"/data/{MISSIONS}/json").json()
    assert len({row["mission_acronym"] for row in rows}) == len(rows) == 83
    assert len(get(JSON).json()) == 4429


def test_a_redirect_leads_away(served: Replica, get: Get) -> None:
    served.misbehave(Fault.REDIRECT)
    reply = get(JSON)
    assert (reply.status_code, reply.headers["Location"]) == (302, "http://localhost.invalid/")


def test_a_gzip_bomb_is_small_on_the_wire_and_unpacks_without_end(served: Replica, get: Get) -> None:
    served.misbehave(Fault.GZIP_BOMB)
    with get(JSON, stream=True) as reply:
        packed = reply.raw.read(decode_content=False)
    assert reply.headers["Content-Encoding"] == "gzip"
    assert int(reply.headers["Content-Length"]) == len(packed) < 5_000_000
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert unpacker.decompress(packed, 1 << 25) == bytes(1 << 25)  # 32 MiB of 4,096: all would take seconds
    block = (len(packed) - 10 - 2 - 8) / 4096
    assert block == int(block)
    assert packed[10 : 10 + int(block)] * 4096 == packed[10:-10]
    assert packed[-4:] == bytes(4)  # 4 GiB is 0 modulo 4 GiB
    with get(JSON, stream=True) as reply:
        assert next(reply.iter_content(1 << 16)).strip(b"\0") == b""


def test_a_fault_on_the_wire_goes_before_what_the_client_knows(served: Replica, get: Get) -> None:
    tag = get(JSON).headers["ETag"]
    served.misbehave(Fault.CUT_BODY)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(JSON, headers={"If-None-Match": tag})


def test_each_fault_has_a_name_for_the_command_line() -> None:
    assert {fault.value for fault in Fault} == {
        "too-many-requests",
        "odd-retry-after",
        "request-timeout",
        "too-early",
        "server-error",
        "insufficient-storage",
        "unknown-error",
        "stalled-body",
        "cut-body",
        "short-length",
        "cut-gzip",
        "html",
        "wrong-content-type",
        "renamed-column",
        "dropped-column",
        "doubled-key",
        "moving-page",
        "fixed-pages",
        "repeated-page",
        "endless",
        "redirect",
        "gzip-bomb",
    }


# Files in the API's or the compiled form


def test_the_apis_own_csv_gives_the_same_rows_again(get: Get) -> None:
    for dataset in (FATALITIES, MISSIONS, BUDGETS):
        payload = get(f"/data/{dataset}/csv").content
        assert replica.to_wire(payload, "1999-12-31") == (dataset, get(f"/data/{dataset}/json").json())


def test_the_apis_personnel_csv_keeps_its_codes_and_numbers() -> None:
    payload = (
        b"contribution_id,isocode3,m49_code,contributing_country,mission_acronym,personnel_type,female_personnel,"
        b"male_personnel,last_reporting_date\n77,NPL,524.0,Nepal,UNIFIL,Troops,,812,2025-08-31\n"
    )
    dataset, rows = replica.to_wire(gzip.compress(payload), "2025-09-15")
    assert dataset == PERSONNEL
    assert list(rows[0].values()) == [77, "NPL", 524.0, "Nepal", "UNIFIL", "Troops", None, 812, 1_756_598_400_000]


@pytest.mark.parametrize(
    ("payload", "told"),
    [
        (b"", "columns are those of none"),
        (b"a,b\n1,2\n", "columns are those of none"),
        (b"casualty_id\n1\n", "column incident_date is gone"),
        (b"Budget_class\nOperational costs\n", "column Mission_acronym is gone"),
        (b"month_end,contributor_as_printed\n2015-01-31,Nepal\n", "column mission is gone"),
        (b"casualty_id,gender\n1\n", "Row 2 has 1 fields"),
        (b"\x1f\x8bnot gzip", "can't be read as CSV"),
        (b"\xff\xfe", "can't be read as CSV"),
        (
            b"contribution_id,contributing_country,mission_acronym,personnel_type,female_personnel,male_personnel,"
            b"last_reporting_date\n1,Nepal,UNIFIL,Troops,1,2,2025-08-31\n2,Nepal,UNIFIL,Troops,1,many,2025-08-31\n",
            "does not fit its column: .*many",
        ),
    ],
)
def test_other_files_are_refused_with_the_reason(payload: bytes, told: str) -> None:
    with pytest.raises(Refused, match=told):
        replica.to_wire(payload, "2025-01-01")


# The command


def run(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "replica.py"), *arguments],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def test_the_command_serves_files_with_faults_logs_requests_and_ends_quietly(tmp_path: Path) -> None:
    bundled = bundle.BUNDLED / "fatalities_2021-06.csv.gz"
    lines = gzip.decompress(bundled.read_bytes()).splitlines(keepends=True)
    file = tmp_path / "few.csv"
    file.write_bytes(b"".join(lines[:4]))
    os.utime(file, (1_750_000_000, 1_750_000_000))  # 2025-06-15
    command = run("--port", "0", "--dataset", f"{FATALITIES.lower()}={file}", "--fault", "server-error=1")
    assert command.stdout
    told = [command.stdout.readline() for _ in range(4)]
    address = re.search(r"http://127\.0\.0\.1:\d+", told[0])
    assert address
    assert told[1:] == [
        f"export PEACEKEEPING_PSDATA_URL={address[0]}/public\n",
        f"export PEACEKEEPING_CEB_URL={address[0]}/ceb\n",
        f"export PEACEKEEPING_CONTRIBUTIONS_URL={address[0]}/contributions\n",
    ]
    assert requests.get(f"{address[0]}/public{JSON}?per_page=2", timeout=10).status_code == 500
    rows = requests.get(f"{address[0]}/public{JSON}", timeout=10).json()
    assert len(rows) == 3
    assert {row["last_update"] for row in rows} == {1_749_945_600_000}
    command.send_signal(signal.SIGINT)
    rest, log = command.communicate(timeout=10)
    assert (command.returncode, rest) == (0, "")
    assert [line.partition(" ")[2] for line in log.splitlines()] == [
        f"GET /public{JSON}?per_page=2 500 (server-error)",
        f"GET /public{JSON} 200",
    ]


def test_a_bundled_file_given_by_hand_keeps_its_vintage() -> None:
    name, dataset = replica._dataset(f"{FATALITIES}={bundle.BUNDLED / 'fatalities_2021-06.csv.gz'}")
    assert (name, len(dataset.rows), dataset.modified) == (FATALITIES, 4117, datetime(2021, 6, 30, tzinfo=UTC))
    assert dataset.rows[0]["last_update"] == 1_625_011_200_000


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--port", "99999"], "'99999' is no port"),
        (["--port", "http"], "'http' is no port"),
        (["--fault", "sabotage"], "'sabotage' is no fault; there are too-many-requests, odd-retry-after"),
        (["--fault", "html=often"], "'often' is no number of times"),
        (["--fault", "html=0"], "'0' is no number of times"),
        (["--dataset", "DPO-UCLATEST=x.csv"], "is not NAME=FILE with one of DPPADPOSS-FATALITIES"),
        (["--dataset", FATALITIES], "is not NAME=FILE"),
        (["--dataset", f"{FATALITIES}=no/such.csv"], "no/such.csv can't be read (No such file or directory)."),
        (["--dataset", f"{FATALITIES}=sources/publishers.yaml"], "sources/publishers.yaml: "),
        (
            ["--dataset", f"{PERSONNEL}={bundle.BUNDLED / 'missions_2024-02.csv.gz'}"],
            "has the columns of DPPADPOSS-PKO, not of DPO-UCHISTORICAL.",
        ),
        (["extra"], "unrecognized arguments: extra"),
    ],
)
def test_wrong_arguments_end_with_2_and_a_sentence(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        replica.main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


def test_a_taken_port_is_told(served: Replica, capsys: pytest.CaptureFixture[str]) -> None:
    port = served.ceb_url.split(":")[2].split("/")[0]
    assert replica.main(["--port", port]) == 1
    assert f"Port {port} can't be had: Address already in use." in capsys.readouterr().err


def test_the_file_of_ceb_can_be_replaced(served: Replica) -> None:
    served.put_file(CEB_FILE, b"government_donor\nNepal\n")
    reply = requests.get(f"{served.ceb_url}/revenue_government_donors.csv", timeout=10)
    assert lines_of(reply) == [["government_donor"], ["Nepal"]]
