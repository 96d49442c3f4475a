"""The briefing in a browser, opened from disk: no network, readable charts, accessible; and its words and figures."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")


def in_a_browser(test: Any) -> Any:
    missing = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed: the pages can't be opened")
    return pytest.mark.slow(missing(test))


WIDTHS = (390, 1280)
PAGES = {
    "MINUSMA_up-to-2019-01-25": ("MINUSMA", "--up-to", "2019-01-25"),
    "UNIFIL_up-to-2024-06-30": ("UNIFIL", "--up-to", "2024-06-30"),
    "ONUC": ("ONUC",),  # over since 1964: no personnel, no money
    "UNAMA": ("UNAMA",),  # a special political mission, without dates
    "UNMHA": ("UNMHA",),  # personnel, no deaths
    "index": (),
}
# A script that lists what is hard to read: overlapping, cut or tiny texts, empty charts, a page wider than the screen.
FAULTS = """() => {
  const faults = [], shown = node => node.getClientRects().length > 0;
  const boxes = (root, query, flat) => [...root.querySelectorAll(query)].filter(shown)
    .map(node => ({node, box: node.getBoundingClientRect()})).filter(({box}) => flat ? box.width + box.height > 1 : box.width > 0.5 && box.height > 0.5);
  const apart = (a, b, slack) => a.right - b.left < slack || b.right - a.left < slack
    || a.bottom - b.top < slack || b.bottom - a.top < slack;
  if (document.documentElement.scrollWidth > innerWidth)
    faults.push(`the page is ${document.documentElement.scrollWidth} wide`);
  for (const figure of document.querySelectorAll('figure')) {
    if (!shown(figure)) continue;
    const charts = [...figure.querySelectorAll('svg.chart')].filter(shown);
    if (charts.length !== 1) faults.push(`${charts.length} drawings of one chart are shown`);
  }
  for (const svg of [...document.querySelectorAll('svg.chart')].filter(shown)) {
    const name = svg.querySelector('title').textContent, whole = svg.getBoundingClientRect();
    if (whole.width < 200 || whole.height < 20) faults.push(`${name}: ${whole.width} x ${whole.height}`);
    const marks = boxes(svg, '.role-mark path', true);
    if (!marks.length) faults.push(`${name}: nothing is drawn`);
    const texts = boxes(svg, 'text').filter(({node}) => node.textContent.trim());
    if (!texts.length) faults.push(`${name}: no text`);
    const bars = boxes(svg, '.mark-rect path');
    for (const [place, {node, box}] of texts.entries()) {
      const size = parseFloat(getComputedStyle(node).fontSize) * whole.width / svg.viewBox.baseVal.width;
      if (size < 11) faults.push(`${name}: ${node.textContent} is ${size} px`);
      if (box.left < whole.left - 1 || box.right > whole.right + 1 || box.top < whole.top - 1 || box.bottom > whole.bottom + 1)
        faults.push(`${name}: ${node.textContent} leaves the chart`);
      for (const other of texts.slice(place + 1))
        if (!apart(box, other.box, 1)) faults.push(`${name}: ${node.textContent} touches ${other.node.textContent}`);
      for (const bar of bars)
        if (!apart(box, bar.box, 2)) faults.push(`${name}: ${node.textContent} touches a bar`);
    }
  }
  for (const {node} of boxes(document, 'p, li, dt, dd, h1, h2, h3, caption, td, th, summary, a, code'))
    if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).display !== 'inline')
      faults.push(`cut off: ${node.textContent.trim().slice(0, 60)}`);
  return faults;
}"""


@pytest.fixture(scope="module")
def folder(built: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages, written by the command."""
    pages = tmp_path_factory.mktemp("pages")
    for arguments in PAGES.values():
        if arguments:
            built("briefing", *arguments, "--output", str(pages))
    return pages


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


def opened(browser: Any, file: Path, width: int, scheme: str = "light") -> tuple[Any, list[str], list[str]]:
    """The page at that width, its console messages and errors, and its requests."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    messages: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    return page, messages, requests


@in_a_browser
@pytest.mark.parametrize("name", PAGES)
def test_a_page_requests_nothing_and_is_readable_at_both_widths(browser: Any, folder: Path, name: str) -> None:
    for width in WIDTHS:
        page, messages, requests = opened(browser, folder / f"{name}.html", width)
        faults = page.evaluate(FAULTS)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        faults += page.evaluate(FAULTS)
        page.close()
        assert faults == [], f"at {width} px"
        assert messages == []
        assert requests and requests == [(folder / f"{name}.html").as_uri(), "data:,"][: len(requests)]


@in_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["MINUSMA_up-to-2019-01-25", "UNMHA", "index"])
def test_a_page_is_accessible(browser: Any, folder: Path, name: str, scheme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for width in WIDTHS:
        page, _, _ = opened(browser, folder / f"{name}.html", width, scheme)
        page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        violations = Axe().run(page).response["violations"]
        page.close()
        texts = [f"{one['id']} ({one['impact']}): {one['nodes'][0]['html'][:120]}" for one in violations]
        assert texts == [], f"at {width} px"


@in_a_browser
def test_the_page_and_its_charts_follow_light_and_dark(browser: Any, folder: Path) -> None:
    script = """() => [
      getComputedStyle(document.body).backgroundColor,
      getComputedStyle(document.querySelector('svg.chart text')).fill,
      getComputedStyle(document.querySelector('svg.chart.wide .mark-rect path')).fill]"""
    shown = {}
    for scheme in ("light", "dark"):
        page, _, _ = opened(browser, folder / "MINUSMA_up-to-2019-01-25.html", 1280, scheme)
        shown[scheme] = page.evaluate(script)
        page.close()
    assert all(light != dark for light, dark in zip(shown["light"], shown["dark"], strict=True)), shown


@in_a_browser
def test_every_chart_has_a_text_alternative_and_ids_are_unique(browser: Any, folder: Path) -> None:
    page, _, _ = opened(browser, folder / "MINUSMA_up-to-2019-01-25.html", 1280)
    named = page.evaluate(
        """() => [...document.querySelectorAll('svg.chart')].map(svg => [svg.getAttribute('role'),
             ...svg.getAttribute('aria-labelledby').split(' ').map(id => document.getElementById(id).textContent)])"""
    )
    doubled = page.evaluate(
        "() => { const ids = [...document.querySelectorAll('[id]')].map(one => one.id);"
        " return ids.filter((id, place) => ids.indexOf(id) !== place) }"
    )
    levels = page.evaluate("() => [...document.querySelectorAll('h1, h2, h3')].map(one => +one.tagName[1])")
    page.close()
    assert len(named) == 18  # eight charts in two widths, two in one for both
    assert all(role == "img" and title and len(words) > 20 for role, title, words in named)
    assert doubled == []
    assert levels[0] == 1 and all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_is_one_file_without_scripts(folder: Path) -> None:
    for name in PAGES:
        text = (folder / f"{name}.html").read_text(encoding="utf-8")
        assert "<script" not in text
        assert "@import" not in text and "url(http" not in text
        assert re.findall(r'\b(?:src|srcset|data|poster|action)="[^"]*"', text) == []


@in_a_browser
def test_in_print_the_tables_are_open_and_the_page_is_light(browser: Any, folder: Path) -> None:
    page, _, _ = opened(browser, folder / "MINUSMA_up-to-2019-01-25.html", 794, "dark")
    dark = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    page.emulate_media(media="print")
    light = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    height = page.evaluate("() => document.querySelector('details table td').getBoundingClientRect().height")
    page.close()
    assert (dark, light) == ("rgb(18, 23, 27)", "rgb(253, 253, 251)")
    assert height > 0


def words_of(file: Path, name: str) -> str:
    """The text of a section of a page, or of its head."""
    text = file.read_text(encoding="utf-8")
    opening, closing = ("<header", "</header>") if name == "head" else (f'aria-labelledby="{name}"', "</section>")
    part = re.sub(r"<svg.*?</svg>", " ", text.partition(opening)[2].partition(closing)[0], flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", part).split())


def test_the_page_of_the_article_has_its_figures_and_its_two_dates(folder: Path) -> None:
    page = folder / "MINUSMA_up-to-2019-01-25.html"
    head, toll, days = (words_of(page, name) for name in ("head", "toll", "days"))
    assert "Events up to 25 January 2019" in head
    assert "newest available deaths: data of 4 April 2025" in head
    assert re.search("deaths 190 .* by malicious acts 118 .* uniformed 178 .* cause pending 4 ", toll)
    ranks = "MINUSMA ranked {} of all missions ever and {} of the missions active on 25 January 2019"
    assert "By deaths from malicious acts, " + ranks.format("2nd", "1st") in toll
    assert "By deaths from all causes, " + ranks.format("7th", "3rd") in toll
    assert "of 35 days with two or more deaths" in days and "On 71 other days one person died" in days
    assert "20 January 2019 Chad 10 10 10 10 uniformed 8th shared by 3" in days
    people, pay, owed = (words_of(page, name) for name in ("people", "pay", "owed"))
    assert "28 February 2018 , 57 states had 13,532 uniformed personnel there." in people
    assert "of 30 September 2019 (after the day of this page), there were 13,997." in people
    assert "No figure: March 2018 to December 2018" in people
    assert "2018-19 (1 July to 30 June) member states were assessed $7.00 billion before credits for all" in pay
    assert "1 United States of America 1,971.1 28.2 % 2 China 889.2 12.7 % 3 Japan 638.8 9.1 %" in pay
    assert "1 January 2019 United States of America, peacekeeping" in owed and "about 776" in owed
    assert "by 25 January 2019 itself, 25 states had paid in full" in owed
    assert "Regular budget: year-end CASH SHORTFALL (not arrears), $323 million" in owed
    assert "2 December 2019" not in owed  # later than 25 January 2019
    assert words_of(page, "claims").count("definitions and their figures") >= 10


def test_a_sentence_says_where_there_are_no_data(folder: Path) -> None:
    absent = {
        ("ONUC", "people"): "There are no data on uniformed personnel in ONUC",
        ("ONUC", "pay"): "begin with the peacekeeping year 2012-13; the mission’s last was 1963-64",
        ("ONUC", "cost"): "There are no data on budgets, spending or assessments of ONUC",
        ("ONUC", "owed"): "there is none of 1964",
        ("UNMHA", "toll"): "names no death in UNMHA",
        ("UNMHA", "days"): "The data name no death in UNMHA",
        ("UNAMA", "pay"): "it is paid from the regular budget of the United Nations",
        ("UNAMA", "cost"): "not special political ones",
    }
    for (name, section), words in absent.items():
        assert words in words_of(folder / f"{name}.html", section)
    assert 'aria-labelledby="claims"' not in (folder / "UNIFIL_up-to-2024-06-30.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["MINUSCAA"], 2, "No mission is called 'MINUSCAA'. Close to it: MINUSCA"),
        (["France"], 2, "No mission with deaths or uniformed personnel in the data is or was in France (FRA)."),
        (["UNYOM"], 2, "There are no deaths and no uniformed personnel of UNYOM"),
        (["MINUSMA", "--up-to", "2013-04-24"], 2, "Nothing is known of MINUSMA by 2013-04-24"),
        (["MINUSMA", "--up-to", "25.1.2019"], 2, "--up-to takes a day that is not in the future"),
        (["MINUSMA", "--up-to", "2999-01-01"], 2, "--up-to takes a day that is not in the future"),
        (["MINUSMA", "--as-of", "25.1.2019"], 2, "--as-of takes a day that is not in the future"),
        (["MINUSMA", "--as-of", "2022-01"], 1, "Run `peacekeeping refresh --as-of 2022-01` first"),
        (["MINUSMA", "--as-of", "2013-01"], 1, "had been published by 2013-01-31; the first is of 2014-03-31"),
        (["MINUSMA", "--output", ""], 2, "--output takes a folder for the pages and their index; got"),
        (["MINUSMA", "--output", "/dev/null"], 2, "--output takes a folder for the pages and their index; /dev/null"),
        (["MINUSMA", "--all"], 2, "Name one mission, or say --all"),
        ([], 2, "Name one mission, or say --all"),
        (["MINUSMA", "--output", "/dev/null/pages"], 1, "can't be written"),
    ],
)
def test_wrong_arguments_give_a_sentence(built: Any, arguments: list[str], code: int, message: str) -> None:
    done = built("briefing", *arguments, code=code)
    assert message in done.stderr and done.stdout == ""


def test_all_missions_up_to_a_day_are_those_that_had_begun(built: Any, tmp_path: Path) -> None:
    done = built("briefing", "--all", "--up-to", "1949-02-01", "--output", str(tmp_path))
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["UNMOGIP_up-to-1949-02-01.html", "UNTSO_up-to-1949-02-01.html", "index.html"]
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in names[:2]]
    assert "Wrote 2 pages" in done.stderr and "; skipped " in done.stderr
    assert re.findall(r'<a href="(\w[^"]*)"', (tmp_path / "index.html").read_text(encoding="utf-8")) == names[:2]
