"""A dataset is got whole or not at all, in however many pages it comes and whatever moves meanwhile."""

from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from replica import FATALITIES, Fault, Replica
from werkzeug import Request, Response

from sources import download
from sources.client import Client, Validator
from sources.download import Fetched, Wanted
from sources.errors import Refused, Unavailable

JSON = ["application/json"]
Row = dict[str, Any]


def casualties(count: int) -> list[Row]:
    """Rows that are equal but for their keys, as 726 of the real ones are."""
    return [
        {"id": n, "casualty_id": f"MINUSMA-2019-01-{n:05d}", "mission_acronym": "MINUSMA"} for n in range(1, count + 1)
    ]


@pytest.fixture(scope="module")
def replica() -> Iterator[Replica]:
    with Replica({}) as served:
        yield served


@pytest.fixture(autouse=True)
def behaving(replica: Replica) -> None:
    replica.behave()
    replica.requests.clear()


def url(replica: Replica) -> str:
    return f"{replica.psdata_url}/data/{FATALITIES}/json"


def fetch(address: str, folder: Path, rows_per_page: int | None, known: tuple[Validator, ...] = ()) -> Fetched | None:
    with Client(address) as session:
        return download.fetch(session, Wanted(address, JSON, rows_per_page), folder / "reply", known)


def rows_of(fetched: Fetched | None) -> list[Row]:
    assert fetched is not None
    content = fetched.path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == fetched.sha256
    found: list[Row] = json.loads(content)
    return found


class Publisher:
    """Serves rows in pages as psdata does; what is asked can change them. `most` caps a page.

    A page beyond the last has the status `beyond`. With `tags` each page names its state, but for an empty one.
    """

    def __init__(
        self, server: HTTPServer, rows: list[Row], *, most: int = 10**9, beyond: int = 200, tags: bool = False
    ) -> None:
        self.rows, self.most, self.beyond, self.tags = rows, most, beyond, tags
        self.asked: list[tuple[int, int]] = []
        self.statuses: list[int] = []
        self.url = server.url_for("/data")
        server.expect_request("/data").respond_with_handler(self.answer)

    def page(self, number: int, size: int, /) -> list[Row]:
        size = min(size, self.most)
        return self.rows[(number - 1) * size : number * size]

    def answer(self, request: Request) -> Response:
        number, size = int(request.args["page_num"]), int(request.args["per_page"])
        self.asked.append((number, size))
        page = self.page(number, size)
        status = 200 if page else self.beyond
        answer = Response(json.dumps(page) if status == 200 else "{}", status=status, content_type="application/json")
        if self.tags and page:
            answer.add_etag()
            answer.make_conditional(request)
        self.statuses.append(answer.status_code)
        self.after()
        return answer

    def after(self) -> None:
        """Called when a page was given."""


class FixedPages(Publisher):
    """Gives 50 rows a page whatever is asked for."""

    def page(self, number: int, _size: int, /) -> list[Row]:
        return self.rows[(number - 1) * 50 : number * 50]


class FirstPage(Publisher):
    """Gives the first rows whatever page is asked for."""

    def page(self, _number: int, size: int, /) -> list[Row]:
        return self.rows[:size]


class Everything(Publisher):
    """Gives all rows whatever is asked for."""

    def page(self, _number: int, _size: int, /) -> list[Row]:
        return self.rows


class FarPages(Publisher):
    """Gives at most `most` rows a page, which begins where the page of as many as were asked for would."""

    def page(self, number: int, size: int, /) -> list[Row]:
        return self.rows[(number - 1) * size :][: min(size, self.most)]


class LastPageAgain(Publisher):
    """Gives the last page for each one after it."""

    def page(self, number: int, size: int, /) -> list[Row]:
        return super().page(min(number, -(-len(self.rows) // size)), size)


class FirstPageAgain(Publisher):
    """Gives the first page for each one after the last."""

    def page(self, number: int, size: int, /) -> list[Row]:
        return super().page(number, size) or super().page(1, size)


# Pages


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 40), st.integers(1, 45))
def test_a_dataset_in_pages_is_the_dataset(replica: Replica, tmp_path: Path, count: int, rows_per_page: int) -> None:
    replica.put(FATALITIES, casualties(count))
    fetched = fetch(url(replica), tmp_path, rows_per_page)
    assert rows_of(fetched) == casualties(count)


def test_a_dataset_that_fits_into_one_page_is_kept_byte_for_byte(httpserver: HTTPServer, tmp_path: Path) -> None:
    body = b'\xef\xbb\xbf[\n  {"casualty_id": "A", "gender": null}\n]\n'
    httpserver.expect_request("/data", query_string="page_num=1&per_page=5").respond_with_data(
        body, content_type="application/json; charset=utf-8"
    )
    httpserver.expect_request("/data").respond_with_data("[]", content_type="application/json")
    fetch(httpserver.url_for("/data"), tmp_path, 5)
    assert (tmp_path / "reply").read_bytes() == body


@pytest.mark.parametrize("beyond", [200, 404], ids=["empty", "not found"])
@pytest.mark.parametrize("count", [6, 7, 9])
def test_the_end_may_be_a_short_page_an_empty_one_or_none(
    httpserver: HTTPServer, tmp_path: Path, count: int, beyond: int
) -> None:
    publisher = Publisher(httpserver, casualties(count), beyond=beyond)
    assert rows_of(fetch(publisher.url, tmp_path, 3)) == casualties(count)


def test_a_publisher_that_gives_fewer_rows_at_once_than_asked_for_still_gives_them_all(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    publisher = Publisher(httpserver, casualties(23), most=10)
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(23)


# A publisher that ignores what is asked for


def test_pages_are_asked_for_until_one_is_empty_and_the_last_rows_of_the_others_again(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    publisher = Publisher(httpserver, casualties(95))
    assert rows_of(fetch(publisher.url, tmp_path, 40)) == casualties(95)
    # Four pages, whether per_page is heeded, the ends of the pages before the last, and one after the last row.
    assert publisher.asked == [(1, 40), (2, 40), (3, 40), (4, 40), (1, 1), (40, 1), (80, 1), (96, 1)]


def test_a_dataset_in_one_page_takes_three_requests(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(95))
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(95)
    assert publisher.asked == [(1, 5000), (2, 5000), (96, 1)]


@pytest.mark.parametrize("rows_per_page", [5000, 50, 20, 1])
@pytest.mark.parametrize("beyond", [200, 404])
@pytest.mark.parametrize("count", [95, 100, 101])
def test_pages_of_a_fixed_size_are_all_read_and_asked_for_again_whole(
    httpserver: HTTPServer, tmp_path: Path, count: int, beyond: int, rows_per_page: int
) -> None:
    publisher = FixedPages(httpserver, casualties(count), beyond=beyond)
    assert rows_of(fetch(publisher.url, tmp_path, rows_per_page)) == casualties(count)
    pages = 2 if count <= 100 else 3
    asked = [(number, rows_per_page) for number in range(1, pages + 2)]
    assert publisher.asked == [*asked, (1, 1), *asked[:-1]]


@pytest.mark.parametrize(("count", "requests"), [(30, 3), (50, 3), (2451, 50 + 1 + 1 + 50)])
def test_pages_of_a_fixed_size_may_be_one_or_have_one_row(
    httpserver: HTTPServer, tmp_path: Path, count: int, requests: int
) -> None:
    """Of 2,451 rows page 50 has one, as the 50th row would if per_page=1 were heeded."""
    publisher = FixedPages(httpserver, casualties(count))
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(count)
    assert len(publisher.asked) == requests


def test_a_cap_on_the_rows_of_a_page_loses_none(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(95), most=50)
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(95)
    assert publisher.asked == [(1, 5000), (2, 5000), (3, 5000), (1, 1), (50, 1), (96, 1)]


@pytest.mark.parametrize(("rows_per_page", "requests"), [(5000, 3 + 6), (60, 6 + 6)])
def test_a_cap_that_leaves_rows_out_between_pages_is_noticed_and_asked_for(
    httpserver: HTTPServer, tmp_path: Path, rows_per_page: int, requests: int
) -> None:
    publisher = FarPages(httpserver, casualties(95), most=50)
    assert rows_of(fetch(publisher.url, tmp_path, rows_per_page)) == casualties(95)
    assert len(publisher.asked) == requests
    assert publisher.asked[-6:] == [(1, 50), (2, 50), (3, 50), (1, 1), (50, 1), (96, 1)]


@pytest.mark.parametrize("count", [95, 50])
def test_the_first_page_again_is_refused_at_once(httpserver: HTTPServer, tmp_path: Path, count: int) -> None:
    """Also where it has all rows, as many as were asked for: nothing tells that there are no more."""
    publisher = FirstPage(httpserver, casualties(count))
    with pytest.raises(Refused, match="gives page 1 again as page 2: it ignores page_num .* whether 50 rows are all"):
        fetch(publisher.url, tmp_path, 50)
    assert publisher.asked == [(1, 50), (2, 50)]


@pytest.mark.parametrize(
    ("ignores", "rows_per_page"), [(Everything, 5), (Everything, 20), (FirstPage, 13)], ids=["both", "both", "page_num"]
)
def test_a_publisher_that_gives_everything_for_any_page_is_taken_at_its_word(
    httpserver: HTTPServer, tmp_path: Path, ignores: type[Publisher], rows_per_page: int
) -> None:
    publisher = ignores(httpserver, casualties(12), tags=True)
    fetched = fetch(publisher.url, tmp_path, rows_per_page)
    assert (tmp_path / "reply").read_text() == json.dumps(casualties(12))
    assert publisher.asked == [(1, rows_per_page), (2, rows_per_page)]
    assert fetched is not None
    assert fetch(publisher.url, tmp_path, rows_per_page, fetched.validators) is None
    assert publisher.statuses[2:] == [304]
    publisher.rows.append({"casualty_id": "LATE"})
    assert rows_of(fetch(publisher.url, tmp_path, rows_per_page + 1, fetched.validators)) == publisher.rows


@pytest.mark.parametrize(("repeats", "page"), [(LastPageAgain, 3), (FirstPageAgain, 1)])
def test_a_page_that_comes_twice_is_refused_whichever_it_is(
    httpserver: HTTPServer, tmp_path: Path, repeats: type[Publisher], page: int
) -> None:
    publisher = repeats(httpserver, casualties(25))
    with pytest.raises(Refused, match=f"gives page {page} again as page 4"):
        fetch(publisher.url, tmp_path, 10)
    assert len(publisher.asked) == 4


# Data that moves


def test_a_row_put_in_while_the_pages_are_read_makes_it_read_them_again(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(20))
    replica.misbehave(Fault.MOVING_PAGE, times=1)
    found = [row["casualty_id"] for row in rows_of(fetch(url(replica), tmp_path, 6))]
    assert len(found) == len(set(found)) == 21
    assert found == [row["casualty_id"] for row in replica.rows(FATALITIES)]


@pytest.mark.parametrize("gone", [0, 3, 5, 7])
def test_a_row_taken_out_while_the_pages_are_read_loses_no_other(
    httpserver: HTTPServer, tmp_path: Path, gone: int
) -> None:
    class Withdrawing(Publisher):
        def after(self) -> None:
            if len(self.asked) == 2:
                del self.rows[gone]

    publisher = Withdrawing(httpserver, casualties(17))
    found = rows_of(fetch(publisher.url, tmp_path, 4))
    assert found == publisher.rows and len(found) == 16


def test_a_row_added_at_the_end_meanwhile_is_read_too(httpserver: HTTPServer, tmp_path: Path) -> None:
    class Growing(Publisher):
        def after(self) -> None:
            if len(self.asked) == 5:  # the short page at the end was given
                self.rows.append({"casualty_id": "LATE"})

    publisher = Growing(httpserver, casualties(17))
    assert rows_of(fetch(publisher.url, tmp_path, 4))[-1] == {"casualty_id": "LATE"}


@pytest.mark.parametrize("at", [0, 30, 94, 95])
@pytest.mark.parametrize("read", [1, 2, 3])
def test_a_row_put_into_pages_of_a_fixed_size_meanwhile_makes_it_read_them_again(
    httpserver: HTTPServer, tmp_path: Path, read: int, at: int
) -> None:
    class Growing(FixedPages):
        def after(self) -> None:
            if len(self.asked) == read:
                self.rows.insert(at, {"casualty_id": "NEW"})

    publisher = Growing(httpserver, casualties(95))
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == [
        *casualties(at),
        {"casualty_id": "NEW"},
        *casualties(95)[at:],
    ]
    assert len(publisher.asked) <= 2 * 6


@pytest.mark.parametrize("beyond", [200, 404])
def test_rows_that_go_while_the_pages_are_read_are_left_out(
    httpserver: HTTPServer, tmp_path: Path, beyond: int
) -> None:
    class Emptied(Publisher):
        def after(self) -> None:
            if len(self.asked) == 4:  # all pages were read
                del self.rows[3:]

    publisher = Emptied(httpserver, casualties(10), beyond=beyond)
    assert rows_of(fetch(publisher.url, tmp_path, 4)) == casualties(3)


def test_data_that_never_stands_still_is_unavailable(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(20))
    replica.misbehave(Fault.MOVING_PAGE)
    with pytest.raises(Unavailable, match="changed each of the 3 times that its pages were read"):
        fetch(url(replica), tmp_path, 6)


# Nothing new


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
def test_an_empty_page_without_a_name_of_its_state_leaves_the_others_conditional(
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
def test_rows_taken_out_are_noticed(httpserver: HTTPServer, tmp_path: Path, left: int, kind: type[Publisher]) -> None:
    publisher = kind(httpserver, casualties(95), most=50, tags=True)
    first = fetch(publisher.url, tmp_path, 5000)
    assert first is not None
    del publisher.rows[left:]
    assert rows_of(fetch(publisher.url, tmp_path, 5000, first.validators)) == casualties(left)


def test_a_record_of_pages_with_rows_alone_is_not_taken_for_one_that_ends_with_an_empty_page(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    publisher = Publisher(httpserver, casualties(7), tags=True)
    first = fetch(publisher.url, tmp_path, 5)
    assert first is not None
    del publisher.rows[5:]
    assert rows_of(fetch(publisher.url, tmp_path, 5, first.validators[:2])) == casualties(5)


@pytest.mark.parametrize("changed", [0, 5, 6, 12, 19])
def test_a_change_on_any_page_is_noticed_and_everything_is_there(
    replica: Replica, tmp_path: Path, changed: int
) -> None:
    replica.put(FATALITIES, casualties(20))
    first = fetch(url(replica), tmp_path, 6)
    assert first is not None
    rows = replica.rows(FATALITIES)
    rows[changed]["mission_acronym"] = "UNMISS"
    replica.put(FATALITIES, rows)
    assert rows_of(fetch(url(replica), tmp_path, 6, first.validators)) == rows


@pytest.mark.parametrize("more", [1, 4, 5])
def test_rows_added_at_the_end_are_noticed_though_the_first_pages_are_as_they_were(
    replica: Replica, tmp_path: Path, more: int
) -> None:
    replica.put(FATALITIES, casualties(20))
    first = fetch(url(replica), tmp_path, 5)
    assert first is not None
    replica.put(FATALITIES, casualties(20 + more))
    assert len(rows_of(fetch(url(replica), tmp_path, 5, first.validators))) == 20 + more


def test_a_publisher_that_names_no_state_is_asked_without_a_condition(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(7))
    fetched = fetch(publisher.url, tmp_path, 3)
    assert fetched is not None and fetched.validators == ()


def test_not_modified_without_a_condition_is_refused(httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/data").respond_with_data(b"", status=304)
    with pytest.raises(Refused, match="answered 304"):
        fetch(httpserver.url_for("/data"), tmp_path, None)


# What is something else


@pytest.mark.parametrize("rows_per_page", [None, 5])
def test_another_content_type_is_refused_and_what_came_is_there_to_look_at(
    replica: Replica, tmp_path: Path, rows_per_page: int | None
) -> None:
    replica.put(FATALITIES, casualties(3))
    replica.misbehave(Fault.WRONG_CONTENT_TYPE)
    with pytest.raises(Refused, match=r"came as image/png; expected application/json\.$") as caught:
        fetch(url(replica), tmp_path, rows_per_page)
    assert caught.value.file is not None
    assert json.loads(caught.value.file.read_bytes()) == casualties(3)


@pytest.mark.parametrize("kind", ["", "application/json", "Application/JSON; charset=utf-8"])
def test_the_type_may_be_missing_in_capitals_or_with_a_charset(
    httpserver: HTTPServer, tmp_path: Path, kind: str
) -> None:
    answer = Response("[]")
    answer.headers["Content-Type"] = kind
    httpserver.expect_request("/data").respond_with_response(answer)
    assert rows_of(fetch(httpserver.url_for("/data"), tmp_path, 5)) == []


@pytest.mark.parametrize(
    ("body", "told"),
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
    httpserver: HTTPServer, tmp_path: Path, body: str, told: str
) -> None:
    httpserver.expect_request("/data").respond_with_data(body, content_type="application/json")
    with pytest.raises(Refused, match=f"Expected a JSON array of rows from .*{told}"):
        fetch(httpserver.url_for("/data"), tmp_path, 5)


# What is cut off

WHOLE = (
    '\ufeff [{"né": "a\\u00e9\\"\\\\", "n": -12.5e+3, "t": true, "f": [false, null, []]}, {}, [1, 2.5], "]", NaN, -Infinity]'
).encode()


def serve_at(length: int, address: str, httpserver: HTTPServer) -> None:
    httpserver.clear()
    httpserver.expect_request(address).respond_with_data(WHOLE[:length], content_type="application/json")


@pytest.mark.parametrize("rows_per_page", [None, 50], ids=["in one", "in pages"])
def test_json_that_ends_anywhere_before_its_end_is_cut_off(
    httpserver: HTTPServer, tmp_path: Path, rows_per_page: int | None
) -> None:
    begun = WHOLE.index(b"[") + 1
    for length in range(begun, len(WHOLE)):
        serve_at(length, "/data", httpserver)
        with pytest.raises(Unavailable, match=f"is cut off: it ends after {length:,} bytes"):
            fetch(httpserver.url_for("/data"), tmp_path, rows_per_page)


@pytest.mark.parametrize("rows_per_page", [None, 50], ids=["in one", "in pages"])
def test_json_that_is_whole_is_not_cut_off(httpserver: HTTPServer, tmp_path: Path, rows_per_page: int | None) -> None:
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
    assert len(publisher.asked) == 6  # pages of about 900 bytes


def test_a_packed_bomb_is_refused_long_before_it_is_unpacked(replica: Replica, tmp_path: Path) -> None:
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
    assert peaks[1] < 1.3 * peaks[0]


def test_one_connection_serves_all_pages(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(50))
    address = url(replica)
    with Client(address) as session:
        download.fetch(session, Wanted(address, JSON, 5), tmp_path / "reply")
        pools = session._session.get_adapter(address).poolmanager.pools  # type: ignore[attr-defined]
        (pool,) = [pools[key] for key in pools.keys()]  # noqa: SIM118
    assert pool.num_requests == 11 + 1 + 9 + 1  # pages, is per_page heeded, last rows once more, one after the last
    assert pool.num_connections == 1
