"""Downloads: unchanged data, wrong and incomplete replies, and limits of size and memory."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from download_shared import (
    JSON,
    FixedPages,
    Publisher,
    Row,
    casualties,
    fetch,
    rows_of,
    url,
)
from pytest_httpserver import HTTPServer
from replica import FATALITIES, Fault, Replica
from werkzeug import Response

from sources import download
from sources.client import Client
from sources.errors import Refused, Unavailable

# Unchanged data


@pytest.mark.parametrize("rows_per_page", [None, 6, 10, 100])
def test_an_unchanged_dataset_is_not_sent_again(replica: Replica, tmp_path: Path, rows_per_page: int | None) -> None:
    replica.put(FATALITIES, casualties(20))
    first = fetch(url(replica), tmp_path, rows_per_page)
    assert first is not None
    replica.requests.clear()
    assert fetch(url(replica), tmp_path, rows_per_page, first.validators) is None
    pages = [] if rows_per_page is None else [200]  # the page after the last is empty
    with_rows = {None: 1, 6: 4, 10: 2, 100: 1}[rows_per_page]
    assert [request.status for request in replica.requests] == [304] * with_rows + pages


@pytest.mark.parametrize("kind", [Publisher, FixedPages])
@pytest.mark.parametrize("beyond", [200, 404])
@pytest.mark.parametrize("count", [95, 100])
def test_an_empty_page_without_an_etag_leaves_the_others_conditional(
    httpserver: HTTPServer, tmp_path: Path, count: int, beyond: int, kind: type[Publisher]
) -> None:
    publisher = kind(httpserver, casualties(count), most=50, beyond=beyond, tags=True)
    first = fetch(publisher.url, tmp_path, 5000)
    assert first is not None
    publisher.statuses.clear()
    assert fetch(publisher.url, tmp_path, 5000, first.validators) is None
    assert publisher.statuses == [304, 304, beyond]
    publisher.rows.append({"casualty_id": "LATE"})
    assert rows_of(fetch(publisher.url, tmp_path, 5000, first.validators)) == publisher.rows


@pytest.mark.parametrize("kind", [Publisher, FixedPages])
@pytest.mark.parametrize("left", [94, 60, 50, 49, 0])
def test_deleted_rows_are_noticed(httpserver: HTTPServer, tmp_path: Path, left: int, kind: type[Publisher]) -> None:
    publisher = kind(httpserver, casualties(95), most=50, tags=True)
    first = fetch(publisher.url, tmp_path, 5000)
    assert first is not None
    del publisher.rows[left:]
    assert rows_of(fetch(publisher.url, tmp_path, 5000, first.validators)) == casualties(left)


def test_a_record_without_an_empty_last_page_does_not_hide_that_rows_were_deleted(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    publisher = Publisher(httpserver, casualties(7), tags=True)
    first = fetch(publisher.url, tmp_path, 5)
    assert first is not None
    del publisher.rows[5:]
    assert rows_of(fetch(publisher.url, tmp_path, 5, first.validators[:2])) == casualties(5)


@pytest.mark.parametrize("changed", [0, 5, 6, 12, 19])
def test_a_change_on_any_page_is_noticed(replica: Replica, tmp_path: Path, changed: int) -> None:
    replica.put(FATALITIES, casualties(20))
    first = fetch(url(replica), tmp_path, 6)
    assert first is not None
    rows = replica.rows(FATALITIES)
    rows[changed]["mission_acronym"] = "UNMISS"
    replica.put(FATALITIES, rows)
    assert rows_of(fetch(url(replica), tmp_path, 6, first.validators)) == rows


@pytest.mark.parametrize("more", [1, 4, 5])
def test_rows_added_at_the_end_are_noticed(replica: Replica, tmp_path: Path, more: int) -> None:
    replica.put(FATALITIES, casualties(20))
    first = fetch(url(replica), tmp_path, 5)
    assert first is not None
    replica.put(FATALITIES, casualties(20 + more))
    assert len(rows_of(fetch(url(replica), tmp_path, 5, first.validators))) == 20 + more


def test_without_validators_requests_are_unconditional(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(7))
    fetched = fetch(publisher.url, tmp_path, 3)
    assert fetched is not None and fetched.validators == ()


def test_not_modified_without_a_condition_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(b"", status=304)
    with pytest.raises(Refused, match="answered 304"):
        fetch(httpserver.url_for("/data"), tmp_path, None)


# Wrong replies


@pytest.mark.parametrize("rows_per_page", [None, 5])
def test_another_content_type_is_refused_and_kept(replica: Replica, tmp_path: Path, rows_per_page: int | None) -> None:
    replica.put(FATALITIES, casualties(3))
    replica.misbehave(Fault.WRONG_CONTENT_TYPE)
    with pytest.raises(Refused, match=r"came as image/png; expected application/json\.$") as caught:
        fetch(url(replica), tmp_path, rows_per_page)
    assert caught.value.file is not None
    assert json.loads(caught.value.file.read_bytes()) == casualties(3)


@pytest.mark.parametrize("kind", ["", "application/json", "Application/JSON; charset=utf-8"])
def test_the_content_type_can_be_missing_in_capitals_or_with_a_charset(
    httpserver: HTTPServer, tmp_path: Path, kind: str
) -> None:
    answer = Response("[]")
    answer.headers["Content-Type"] = kind
    httpserver.expect_request("/data").respond_with_response(answer)
    assert rows_of(fetch(httpserver.url_for("/data"), tmp_path, 5)) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<!doctype html><html>Back soon", "This is an HTML page"),
        ('{"error": "no such dataset"}', 'begins with \'{"error": "no such dataset"}\''),
        ('[{"casualty_id": "A"} {"casualty_id": "B"}]', "begins with"),
        ("[" + "9" * 5000 + "]", "begins with"),
        ("", r"The file is empty \(0 bytes\)"),
        ("[" * 100_000, "begins with"),
    ],
)
def test_a_page_that_is_no_array_is_refused_with_what_came(
    httpserver: HTTPServer, tmp_path: Path, body: str, expected: str
) -> None:
    httpserver.expect_request("/data").respond_with_data(body, content_type="application/json")
    with pytest.raises(Refused, match=f"Expected a JSON array of rows from .*{expected}"):
        fetch(httpserver.url_for("/data"), tmp_path, 5)


# Incomplete replies

WHOLE = (
    '\ufeff [{"né": "a\\u00e9\\"\\\\", "n": -12.5e+3, "t": true, "f": [false, null, []]}, {}, [1, 2.5], "]", NaN, -Infinity]'
).encode()


def serve_at(length: int, address: str, httpserver: HTTPServer) -> None:
    httpserver.clear()
    httpserver.expect_request(address).respond_with_data(WHOLE[:length], content_type="application/json")


@pytest.mark.parametrize("rows_per_page", [None, 50], ids=["in one", "in pages"])
def test_json_that_ends_too_early_is_cut_off(httpserver: HTTPServer, tmp_path: Path, rows_per_page: int | None) -> None:
    begun = WHOLE.index(b"[") + 1
    for length in range(begun, len(WHOLE)):
        serve_at(length, "/data", httpserver)
        with pytest.raises(Unavailable, match=f"is cut off: it ends after {length:,} bytes"):
            fetch(httpserver.url_for("/data"), tmp_path, rows_per_page)


@pytest.mark.parametrize("rows_per_page", [None, 50], ids=["in one", "in pages"])
def test_complete_json_is_not_cut_off(httpserver: HTTPServer, tmp_path: Path, rows_per_page: int | None) -> None:
    serve_at(len(WHOLE), "/data", httpserver)
    fetch(httpserver.url_for("/data"), tmp_path, rows_per_page)
    assert (tmp_path / "reply").read_bytes() == WHOLE


def test_a_later_page_cut_off_is_unavailable_as_well(httpserver: HTTPServer, tmp_path: Path) -> None:
    pages = {"1": json.dumps(casualties(5)), "2": json.dumps(casualties(5))[:-40]}
    httpserver.expect_request("/data").respond_with_handler(
        lambda request: Response(pages[request.args["page_num"]], content_type="application/json")
    )
    with pytest.raises(Unavailable, match="is cut off"):
        fetch(httpserver.url_for("/data"), tmp_path, 5)


# Bounds


def test_an_endless_page_is_refused_at_the_limit(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_PAGE_BYTES", 100_000)
    replica.put(FATALITIES, casualties(5))
    replica.misbehave(Fault.ENDLESS)
    with pytest.raises(Refused, match="more than 100,000 bytes"):
        fetch(url(replica), tmp_path, 10)


def test_pages_without_end_are_refused_at_the_limit(
    httpserver: HTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Endless(Publisher):
        def page(self, number: int, _size: int, /) -> list[Row]:
            return [row | {"page": number} for row in casualties(10)]

    monkeypatch.setattr(download, "MAX_BYTES", 5_000)
    publisher = Endless(httpserver, [])
    with pytest.raises(Refused, match="more than 5,000 bytes"):
        fetch(publisher.url, tmp_path, 10)
    assert len(publisher.requested) == 6  # pages of about 900 bytes


def test_a_packed_bomb_is_refused_before_it_is_unpacked(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(5))
    replica.misbehave(Fault.GZIP_BOMB)
    tracemalloc.start()
    with pytest.raises(Refused, match="more than 67,108,864 bytes"):
        fetch(url(replica), tmp_path, 10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200_000_000  # of four gigabytes


def test_four_times_the_rows_take_no_more_memory(replica: Replica, tmp_path: Path) -> None:
    peaks = []
    for count in (10_000, 40_000):
        replica.put(FATALITIES, casualties(count))
        fetch(url(replica), tmp_path, 2_000)  # the replica's own pages are made and counted before
        tracemalloc.start()
        fetch(url(replica), tmp_path, 2_000)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 2.5 * peaks[0]  # the replica's threads are counted, too


def test_one_connection_serves_all_pages(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(50))
    address = url(replica)
    with Client(address) as session:
        download.fetch(session, download.Request(address, JSON, 5), tmp_path / "reply")
        pools = session._session.get_adapter(address).poolmanager.pools  # type: ignore[attr-defined]
        (pool,) = [pools[key] for key in pools.keys()]  # noqa: SIM118
    assert pool.num_requests == 11 + 1 + 9 + 1  # pages, is per_page heeded, last rows once more, one after the last
    assert pool.num_connections == 1
