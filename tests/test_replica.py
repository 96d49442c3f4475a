"""The replica serves the publishers' forms and each of its faults."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from replica import BUDGETS, CEB_FILE, COLUMNS, FATALITIES, MISSIONS, PERSONNEL, STATUSES, Fault, Replica

from sources.catalogue import load_catalogue

Get = Callable[..., requests.Response]
Rows = list[dict[str, Any]]
JSON = f"/data/{FATALITIES}/json"
ROOT = Path(__file__).parents[1]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Replica]:
    monkeypatch.setenv("NO_PROXY", "*")
    with Replica() as running:
        yield running


@pytest.fixture
def get(served: Replica) -> Get:
    """GET a path of psdata."""

    def request(path: str, **options: Any) -> requests.Response:
        return requests.get(served.psdata_url + path, timeout=10, allow_redirects=False, **options)

    return request


@pytest.fixture
def small(served: Replica) -> Rows:
    """Five rows in place of the fatalities."""
    rows = [
        {"id": n, "casualty_id": f"UNTSO-1969-12-{n:05}", "mission_acronym": "UNTSO", "type_of_incident": "Illness"}
        for n in range(1, 6)
    ]
    served.put(FATALITIES, rows)
    return rows


def raw_reply(served: Replica) -> tuple[socket.socket, int, bytes]:
    """An open connection, the announced length of its reply, and the body received so far."""
    connection = socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2])), timeout=5)
    connection.sendall(f"GET /public{JSON} HTTP/1.1\r\nHost: replica\r\n\r\n".encode())
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1 << 16)
    head, _, body = received.partition(b"\r\n\r\n")
    (length,) = (line.split(b":")[1] for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    return connection, int(length), body


def rest_of(connection: socket.socket) -> bytes:
    received = b""
    while chunk := connection.recv(1 << 16):
        received += chunk
    return received


# The data


def test_fatalities_have_the_forms_of_the_api(get: Get) -> None:
    reply = get(JSON)
    rows = reply.json()
    assert (reply.status_code, reply.headers["Content-Type"]) == (200, "application/json")
    assert [row["id"] for row in rows] == list(range(1, 4430))
    # Days: 1948-07-06, 7,849 days before 1970; 2025-04-04.
    assert list(rows[0].values()) == [
        1, -678_153_600_000, "UNTSO-1948-07-02408", "UNTSO", "Fatality", "M", "France", "Military",
        "Malicious Act", 250.0, "FRA", 1_743_724_800_000,
    ]  # fmt: skip
    # Unknown: an empty gender, but null codes.
    assert sum(row["gender"] == "" for row in rows) == 151
    assert sum(row["isocode3"] is None and row["m49_code"] is None for row in rows) == 52


def test_personnel_are_the_rows_with_a_mission_and_numbers_by_sex(get: Get) -> None:
    # 108,949 rows are bundled; the 7,568 without a mission include all 610 without a sex
    rows = get(f"/data/{PERSONNEL}/json").json()
    assert len(rows) == 101_381
    # Days: 2015-01-31.
    assert list(rows[0].values()) == [
        1, None, None, "Argentina", "MINURSO", "Experts on Mission", 0, 3, 1_422_662_400_000,
    ]  # fmt: skip


def test_missions_have_days_or_null_and_decimal_commas(get: Get) -> None:
    rows = {row["mission_acronym"]: row for row in get(f"/data/{MISSIONS}/json").json()}
    assert len(rows) == 81
    iptf = rows["IPTF"]
    assert (iptf["start_date"], iptf["end_date"]) == (819_504_000_000, 1_041_292_800_000)
    assert iptf["mission_longitude"] == "18,4167"
    assert sum(row["start_date"] is None for row in rows.values()) == 3


def test_budget_lines_are_in_thousands_from_the_bundled_amounts_of_full_years(get: Get) -> None:
    rows = {(row["Mission_acronym"], row["Start_date"]): row for row in get(f"/data/{BUDGETS}/json").json()}
    assert len(rows) == 95
    # Approved 1,074,718,900, spent 1,105,667,000.
    # Days: 2018-07-01; 2019-06-30.
    assert list(rows["MINUSMA", 1_530_403_200_000].values()) == [
        "MINUSMA", 1_530_403_200_000, 1_561_852_800_000, "Total requirements", "", 1_074_718.9, 1_105_667.0, -30_948.1,
        "A/74/736",
    ]  # fmt: skip
    only_prorated = rows["MINURSO", 1_719_792_000_000]  # 2024-07-01
    assert (only_prorated["Apportionment"], only_prorated["Variance"]) == (None, None)
    assert sum(row["Apportionment"] is not None for row in rows.values()) == 4


def test_files_and_metadata_are_served(served: Replica, get: Get) -> None:
    reply = requests.get(served.url + CEB_FILE, timeout=10)
    assert reply.content.startswith(b"\xef\xbb\xbfgovernment_donor,entity,rev_type,calendar_year,amount\n")
    assert len(reply.content.splitlines()) == 1 + 2653
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    entries = get("/metadata/all").json()
    assert [entry["Last Update Date"] for entry in entries] == [
        "2025-04-04", "2025-07-31", "2024-02-19", "2026-11-24", None,
    ]  # fmt: skip
    assert get(f"/metadata/{PERSONNEL}").json() == [entries[1]]
    for entry in entries[:4]:
        names = [column["Column Name"] for column in entry["Column definitions"]]
        assert tuple(names) == COLUMNS[entry["Dataset ID"]] == tuple(served.rows(entry["Dataset ID"])[0])
    assert [name for name, value in entries[4].items() if value is not None] == ["Dataset ID"]


def test_every_live_source_of_the_catalogue_has_its_address_here(served: Replica) -> None:
    bases = {
        "PEACEKEEPING_PSDATA_URL": served.psdata_url,
        "PEACEKEEPING_CEB_URL": served.ceb_url,
        "PEACEKEEPING_CONTRIBUTIONS_URL": served.contributions_url,
    }
    for source in load_catalogue().values():
        paths = [source.live.path, source.live.metadata] if source.live else []
        if source.reports:
            page = served.reports_url + source.reports.page
            assert "04_mission_and_country_july_2025.pdf" in requests.get(page, timeout=10).text
        for url in (bases[source.publisher.environment] + path for path in paths if path):
            assert requests.get(url, params={"per_page": 1}, timeout=10).status_code == 200, url


@pytest.mark.parametrize("path", ["/data/NO-SUCH/json", f"/data/{FATALITIES}", "/metadata/NO-SUCH", "/"])
def test_other_paths_are_404(get: Get, path: str) -> None:
    assert get(path).status_code == 404


# Pages, changes and requests


def test_pages_together_are_all_rows_and_the_last_is_empty(get: Get) -> None:
    pages = [get(f"{JSON}?page_num={number}&per_page=1000").json() for number in range(1, 7)]
    assert [len(page) for page in pages] == [1000, 1000, 1000, 1000, 429, 0]
    assert [row for page in pages for row in page] == get(JSON.lower().replace("/json", "/JSON")).json()


def test_known_bodies_are_answered_304(get: Get) -> None:
    reply = get(JSON)
    assert reply.headers["Last-Modified"] == "Fri, 04 Apr 2025 00:00:00 GMT"
    tag, date = reply.headers["ETag"], reply.headers["Last-Modified"]
    for known in ({"If-None-Match": tag}, {"If-Modified-Since": date}):
        again = get(JSON, headers=known)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    for unknown in ({"If-None-Match": '"other"', "If-Modified-Since": date}, {"If-None-Match": f'"{tag}x"'}):
        assert get(JSON, headers=unknown).status_code == 200


def test_rows_put_are_served_with_a_new_tag_and_date(served: Replica, get: Get) -> None:
    before = get(JSON)
    rows = served.rows(FATALITIES)
    rows[0]["gender"] = "F"
    assert served.rows(FATALITIES)[0]["gender"] == "M"
    served.put(FATALITIES, rows[:3])
    after = get(JSON, headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, len(after.json()), after.json()[0]["gender"]) == (200, 3, "F")
    served.put(FATALITIES, rows[:4])  # within the same second
    assert get(JSON, headers={"If-Modified-Since": after.headers["Last-Modified"]}).status_code == 200
    assert Replica().rows(FATALITIES)[0]["gender"] == "M"
    served.put_file(CEB_FILE, b"government_donor\nNepal\n")
    assert requests.get(served.url + CEB_FILE, timeout=10).text == "government_donor\nNepal\n"


def test_requests_are_recorded_with_their_query_and_status(served: Replica, get: Get) -> None:
    get(f"{JSON}?page_num=2&per_page=10")
    get("/data/NO-SUCH/json")
    first, second = served.requests
    assert (first.path, first.query, first.status) == (f"/public{JSON}", {"page_num": "2", "per_page": "10"}, 200)
    assert (second.query, second.status) == ({}, 404)


# Faults


def test_faults_last_as_requested_and_follow_each_other(served: Replica, get: Get) -> None:
    served.misbehave(Fault.DROPPED_COLUMN, times=1)
    served.misbehave(Fault.SERVER_ERROR, times=2)
    assert [get("/metadata/all").status_code for _ in range(3)] == [500, 500, 200]  # metadata have no column to drop
    assert [len(get(f"{JSON}?per_page=1").json()[0]) for _ in range(2)] == [11, 12]
    served.misbehave(Fault.SERVER_ERROR)
    assert [get(JSON).status_code for _ in range(3)] == [500, 500, 500]
    served.behave()
    assert get(JSON).status_code == 200


@pytest.mark.parametrize("fault", STATUSES)
def test_temporary_errors_have_their_status(served: Replica, get: Get, fault: Fault) -> None:
    served.misbehave(fault)
    wait = {Fault.TOO_MANY_REQUESTS: "1", Fault.ODD_RETRY_AFTER: "0.129"}.get(fault)
    for path in (JSON, "/metadata/all"):
        reply = get(path)
        assert (reply.status_code, reply.headers.get("Retry-After")) == (STATUSES[fault], wait)


def test_a_cut_body_announces_all_and_sends_half(served: Replica, get: Get) -> None:
    tag = get(JSON).headers["ETag"]
    served.misbehave(Fault.CUT_BODY)
    connection, length, start = raw_reply(served)
    with connection:
        assert len(start + rest_of(connection)) == length // 2
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        get(JSON, headers={"If-None-Match": tag})


def test_a_short_length_announces_half_and_sends_all(served: Replica) -> None:
    served.misbehave(Fault.SHORT_LENGTH)
    connection, length, start = raw_reply(served)
    with connection:
        body = start + rest_of(connection)
    assert length == len(body) // 2 and len(json.loads(body)) == 4429


def test_a_stalled_body_sends_half_and_no_more_until_the_replica_stops() -> None:
    with Replica() as served:
        served.misbehave(Fault.STALLED_BODY)
        connection, length, body = raw_reply(served)
        while len(body) < length // 2:
            body += connection.recv(1 << 16)
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
    connection.settimeout(5)
    with connection:
        assert len(body) == length // 2 and connection.recv(1) == b""


def test_an_endless_body_comes_in_chunks(served: Replica, get: Get) -> None:
    served.misbehave(Fault.ENDLESS)
    with get(JSON, stream=True) as reply:
        assert "Content-Length" not in reply.headers
        chunks = reply.iter_content(1 << 20)
        assert sum(len(next(chunks)) for _ in range(20)) > 10_000_000


def test_a_cut_gzip_is_half_of_one_in_a_complete_reply(served: Replica, get: Get) -> None:
    served.misbehave(Fault.CUT_GZIP)
    with get(JSON, stream=True) as reply:
        packed = reply.raw.read(decode_content=False)
    assert (reply.headers["Content-Encoding"], int(reply.headers["Content-Length"])) == ("gzip", len(packed))
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert unpacker.decompress(packed) and not unpacker.eof


def test_a_gzip_bomb_is_small_and_unpacks_to_4_gib(served: Replica, get: Get) -> None:
    served.misbehave(Fault.GZIP_BOMB)
    with get(JSON, stream=True) as reply:
        packed = reply.raw.read(decode_content=False)
    assert reply.headers["Content-Encoding"] == "gzip" and len(packed) < 5_000_000
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    assert unpacker.decompress(packed) == bytes(1 << 20) and unpacker.eof
    member = len(packed) - len(unpacker.unused_data)
    assert packed == packed[:member] * 4096


def test_replies_in_place_of_the_data(served: Replica, get: Get) -> None:
    served.misbehave(Fault.HTML, times=1)
    served.misbehave(Fault.REDIRECT, times=1)
    page, redirect = get(JSON), get(JSON)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.text.startswith("<!DOCTYPE html>")
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "http://localhost.invalid/")


def test_faults_in_the_data(served: Replica, get: Get, small: Rows) -> None:
    for fault in (Fault.WRONG_CONTENT_TYPE, Fault.RENAMED_COLUMN, Fault.DROPPED_COLUMN, Fault.DOUBLED_KEY):
        served.misbehave(fault, times=1)
    image, renamed, dropped, doubled = (get(JSON) for _ in range(4))
    assert (image.headers["Content-Type"], image.json()) == ("image/png", small)
    assert list(renamed.json()[0]) == ["id", "casualty_id", "mission_acronym", "incident_kind"]
    assert list(dropped.json()[0]) == ["id", "casualty_id", "type_of_incident"]
    rows = json.loads(doubled.content, object_pairs_hook=list)
    assert rows[0][:2] == [("id", None), ("id", 1)]
    served.misbehave(Fault.RENAMED_COLUMN)
    assert "mission_name_new" in get(f"/data/{MISSIONS}/json").json()[0]


@pytest.mark.parametrize("per_page", [1, 50, 5000])
def test_fixed_pages_have_50_rows(served: Replica, get: Get, per_page: int) -> None:
    served.misbehave(Fault.FIXED_PAGES)
    pages = [get(f"/data/{BUDGETS}/json?page_num={number}&per_page={per_page}").json() for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [50, 45, 0] and pages[0] + pages[1] == served.rows(BUDGETS)


def test_a_repeated_page_is_the_first(served: Replica, get: Get, small: Rows) -> None:
    served.misbehave(Fault.REPEATED_PAGE)
    assert [get(f"{JSON}?page_num={number}&per_page=2").json() for number in (1, 2, 9)] == [small[:2]] * 3


def test_moving_pages_shift_all_rows_by_one_after_each_page(served: Replica, get: Get, small: Rows) -> None:
    served.misbehave(Fault.MOVING_PAGE)
    ids = [row["casualty_id"] for row in small]
    pages = [get(f"{JSON}?page_num={number}&per_page=2").json() for number in range(1, 6)]
    # Each page begins with the last row of the page before.
    assert [[row["casualty_id"] for row in page] for page in pages] == [ids[:2], ids[1:3], ids[2:4], ids[3:], ids[4:]]
    assert [[row["id"] for row in page] for page in pages] == [[1, 2], [3, 4], [5, 6], [7, 8], [9]]
    rows = served.rows(FATALITIES)
    assert len({row["casualty_id"] for row in rows}) == len(rows) == 10
    for _ in range(2):
        get(f"/data/{MISSIONS}/json?per_page=1")
    missions = served.rows(MISSIONS)
    assert len({row["mission_acronym"] for row in missions}) == len(missions) == 83


# The command


def test_the_command_prints_the_variables_logs_requests_and_ends_with_ctrl_c() -> None:
    command = subprocess.Popen(
        [sys.executable, "tests/replica.py", "--port", "0", "--fault", "server-error", "--times", "1"],
        cwd=ROOT,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert command.stdout
    first, *exports = [command.stdout.readline() for _ in range(5)]
    url = first.split(" on ")[1].split(";")[0]
    assert exports == [
        f"export PEACEKEEPING_PSDATA_URL={url}/public\n",
        f"export PEACEKEEPING_CEB_URL={url}/ceb\n",
        f"export PEACEKEEPING_CONTRIBUTIONS_URL={url}/contributions\n",
        f"export PEACEKEEPING_REPORTS_URL={url}/peacekeeping\n",
    ]
    statuses = [requests.get(f"{url}/public{JSON}?per_page=2", timeout=10).status_code for _ in range(2)]
    assert statuses == [500, 200]
    command.send_signal(signal.SIGINT)
    output, log = command.communicate(timeout=10)
    assert (command.returncode, output) == (0, "Stopped.\n")
    assert [line.split(" ", 1)[1].rstrip() for line in log.splitlines()] == [
        f"/public{JSON}?per_page=2 500 server-error", f"/public{JSON}?per_page=2 200",
    ]  # fmt: skip
