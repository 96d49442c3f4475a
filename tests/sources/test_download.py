"""Downloads in pages: the end, publishers that ignore parameters, and data that changes meanwhile."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from download_shared import (
    Everything,
    FarPages,
    FirstPage,
    FirstPageAgain,
    FixedPages,
    LastPageAgain,
    Publisher,
    casualties,
    fetch,
    rows_of,
    url,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_httpserver import HTTPServer
from replica import FATALITIES, Fault, Replica

from sources.errors import Refused, Unavailable

# Pages


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


@pytest.mark.parametrize("beyond", [200, 404], ids=["empty", "not rows"])
@pytest.mark.parametrize("count", [6, 7, 9])
def test_the_end_can_be_a_short_an_empty_or_a_missing_page(
    httpserver: HTTPServer, tmp_path: Path, count: int, beyond: int
) -> None:
    publisher = Publisher(httpserver, casualties(count), beyond=beyond)
    assert rows_of(fetch(publisher.url, tmp_path, 3)) == casualties(count)


def test_a_publisher_may_give_fewer_rows_than_requested(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(23), most=10)
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(23)


# A publisher that ignores parameters


def test_pages_are_requested_until_one_is_empty_then_their_last_rows_again(
    httpserver: HTTPServer, tmp_path: Path
) -> None:
    publisher = Publisher(httpserver, casualties(95))
    assert rows_of(fetch(publisher.url, tmp_path, 40)) == casualties(95)
    # Four pages, whether per_page is heeded, the ends of the pages before the last, and one after the last row.
    assert publisher.requested == [(1, 40), (2, 40), (3, 40), (4, 40), (1, 1), (40, 1), (80, 1), (96, 1)]


def test_a_dataset_in_one_page_takes_three_requests(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(95))
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(95)
    assert publisher.requested == [(1, 5000), (2, 5000), (96, 1)]


@pytest.mark.parametrize("rows_per_page", [5000, 50, 20, 1])
@pytest.mark.parametrize("beyond", [200, 404])
@pytest.mark.parametrize("count", [95, 100, 101])
def test_pages_of_a_fixed_size_are_all_read_and_requested_again(
    httpserver: HTTPServer, tmp_path: Path, count: int, beyond: int, rows_per_page: int
) -> None:
    publisher = FixedPages(httpserver, casualties(count), beyond=beyond)
    assert rows_of(fetch(publisher.url, tmp_path, rows_per_page)) == casualties(count)
    pages = 2 if count <= 100 else 3
    requested = [(number, rows_per_page) for number in range(1, pages + 2)]
    assert publisher.requested == [*requested, (1, 1), *requested[:-1]]


@pytest.mark.parametrize(("count", "requests"), [(30, 3), (50, 3), (2451, 50 + 1 + 1 + 50)])
def test_pages_of_a_fixed_size_may_be_one_or_have_one_row(
    httpserver: HTTPServer, tmp_path: Path, count: int, requests: int
) -> None:
    """Page 50 of 2,451 rows has one row, as it would have if the publisher applied per_page=1."""
    publisher = FixedPages(httpserver, casualties(count))
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(count)
    assert len(publisher.requested) == requests


def test_a_limit_on_the_rows_of_a_page_loses_no_row(httpserver: HTTPServer, tmp_path: Path) -> None:
    publisher = Publisher(httpserver, casualties(95), most=50)
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == casualties(95)
    assert publisher.requested == [(1, 5000), (2, 5000), (3, 5000), (1, 1), (50, 1), (96, 1)]


@pytest.mark.parametrize(("rows_per_page", "requests"), [(5000, 3 + 6), (60, 6 + 6)])
def test_a_limit_that_leaves_out_rows_between_pages_is_noticed(
    httpserver: HTTPServer, tmp_path: Path, rows_per_page: int, requests: int
) -> None:
    publisher = FarPages(httpserver, casualties(95), most=50)
    assert rows_of(fetch(publisher.url, tmp_path, rows_per_page)) == casualties(95)
    assert len(publisher.requested) == requests
    assert publisher.requested[-6:] == [(1, 50), (2, 50), (3, 50), (1, 1), (50, 1), (96, 1)]


@pytest.mark.parametrize("count", [95, 50])
def test_a_repeated_first_page_is_refused(httpserver: HTTPServer, tmp_path: Path, count: int) -> None:
    """It is refused also where that page has all rows, because nothing shows that there are no more."""
    publisher = FirstPage(httpserver, casualties(count))
    with pytest.raises(
        Refused, match="gives page 1 again as page 2: it ignores page_num .* whether 50 rows are complete"
    ):
        fetch(publisher.url, tmp_path, 50)
    assert publisher.requested == [(1, 50), (2, 50)]


@pytest.mark.parametrize(
    ("ignores", "rows_per_page"), [(Everything, 5), (Everything, 20), (FirstPage, 13)], ids=["both", "both", "page_num"]
)
def test_a_publisher_may_give_everything_for_any_page(
    httpserver: HTTPServer, tmp_path: Path, ignores: type[Publisher], rows_per_page: int
) -> None:
    publisher = ignores(httpserver, casualties(12), tags=True)
    fetched = fetch(publisher.url, tmp_path, rows_per_page)
    assert (tmp_path / "reply").read_text() == json.dumps(casualties(12))
    assert publisher.requested == [(1, rows_per_page), (2, rows_per_page)]
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
    assert len(publisher.requested) == 4


# Data that changes


def test_a_row_inserted_meanwhile_makes_all_pages_be_read_again(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(20))
    replica.misbehave(Fault.MOVING_PAGE, times=1)
    rows = [row["casualty_id"] for row in rows_of(fetch(url(replica), tmp_path, 6))]
    assert len(rows) == len(set(rows)) == 21
    assert rows == [row["casualty_id"] for row in replica.rows(FATALITIES)]


@pytest.mark.parametrize("gone", [0, 3, 5, 7])
def test_a_row_deleted_meanwhile_loses_no_other(httpserver: HTTPServer, tmp_path: Path, gone: int) -> None:
    class Withdrawing(Publisher):
        def after(self) -> None:
            if len(self.requested) == 2:
                del self.rows[gone]

    publisher = Withdrawing(httpserver, casualties(17))
    rows = rows_of(fetch(publisher.url, tmp_path, 4))
    assert rows == publisher.rows and len(rows) == 16


def test_a_row_added_at_the_end_meanwhile_is_read_too(httpserver: HTTPServer, tmp_path: Path) -> None:
    class Growing(Publisher):
        def after(self) -> None:
            if len(self.requested) == 5:  # the short page at the end was given
                self.rows.append({"casualty_id": "LATE"})

    publisher = Growing(httpserver, casualties(17))
    assert rows_of(fetch(publisher.url, tmp_path, 4))[-1] == {"casualty_id": "LATE"}


@pytest.mark.parametrize("at", [0, 30, 94, 95])
@pytest.mark.parametrize("read", [1, 2, 3])
def test_a_row_inserted_into_pages_of_a_fixed_size_makes_them_be_read_again(
    httpserver: HTTPServer, tmp_path: Path, read: int, at: int
) -> None:
    class Growing(FixedPages):
        def after(self) -> None:
            if len(self.requested) == read:
                self.rows.insert(at, {"casualty_id": "NEW"})

    publisher = Growing(httpserver, casualties(95))
    assert rows_of(fetch(publisher.url, tmp_path, 5000)) == [
        *casualties(at),
        {"casualty_id": "NEW"},
        *casualties(95)[at:],
    ]
    assert len(publisher.requested) <= 2 * 6


@pytest.mark.parametrize("beyond", [200, 404])
def test_rows_deleted_meanwhile_are_left_out(httpserver: HTTPServer, tmp_path: Path, beyond: int) -> None:
    class Emptied(Publisher):
        def after(self) -> None:
            if len(self.requested) == 4:  # all pages were read
                del self.rows[3:]

    publisher = Emptied(httpserver, casualties(10), beyond=beyond)
    assert rows_of(fetch(publisher.url, tmp_path, 4)) == casualties(3)


def test_data_that_keeps_changing_is_unavailable(replica: Replica, tmp_path: Path) -> None:
    replica.put(FATALITIES, casualties(20))
    replica.misbehave(Fault.MOVING_PAGE)
    with pytest.raises(Unavailable, match="changed each of the 3 times that its pages were read"):
        fetch(url(replica), tmp_path, 6)
