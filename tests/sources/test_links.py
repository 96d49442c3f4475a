"""The files that a page links: on its host, by their names."""

from __future__ import annotations

import pytest
from pytest_httpserver import HTTPServer

from sources.catalogue import load_catalogue
from sources.client import Client
from sources.errors import Refused
from sources.links import linked_files


def links(server: HTTPServer, body: str, content_type: str = "text/html; charset=utf-8") -> list[str]:
    server.expect_request("/en/page").respond_with_data(body, content_type=content_type)
    url = server.url_for("/en/page")
    reports = load_catalogue()["uniformed_personnel"].reports
    assert reports is not None
    with Client(url) as client:
        return linked_files(client, url, reports.link)


def test_reports_by_mission_and_contributor_are_found_in_the_order_of_the_page(httpserver: HTTPServer) -> None:
    page = """<html><body><a href="../files/04-Country%20Contributions_88.pdf?v=2">new</a>
        <A HREF=' /files/UN_country_contributions_2025_07.pdf#page=2 '>x</A> <a name="x">no link</a>
        <a href="/files/04_mission_and_country_33_dec2020.pdf">x</a><a href="/files/UN_country_contributions_2025_07.pdf">
        <a href="/files/02_ranking.pdf"></a><a href="/files/04_mission.xlsx"></a><a href="/files/14_gender.pdf"></a>
        <a href="https://other.example/04_mission.pdf"></a><a href="mailto:04.pdf"></a><a href="http://[04.pdf"></a>"""
    base = httpserver.url_for("/files/")
    assert links(httpserver, page) == [
        f"{base}04-Country%20Contributions_88.pdf?v=2",
        f"{base}UN_country_contributions_2025_07.pdf",
        f"{base}04_mission_and_country_33_dec2020.pdf",
    ]


def test_a_page_of_another_kind_is_refused(httpserver: HTTPServer) -> None:
    with pytest.raises(Refused, match="came as application/json; expected a web page"):
        links(httpserver, "{}", "application/json")
