"""Read a PDF as pages of words and ruled lines, within limits of size and time."""

from __future__ import annotations

import io
import logging
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any

from schemas.validate import ContractError, CutOffError
from transforms.reports.packed import require_unpackable

FIRST_PAGES = 3  # the headings are on the first page; a cover may come before it
MAX_PAGES = 200  # the longest report of 2015-2025 has 127
MAX_SECONDS = 120  # the longest takes 4
MAX_PAGE_LETTERS = 20_000  # a page of a report has 3,300
MAX_PAGE_SHAPES = 20_000  # a page of a report has 400 lines and rectangles
MAX_PAGE_BYTES = 500_000  # of drawing instructions; a page of a report has 63,000
END, END_WITHIN = b"%%EOF", 1024  # the last bytes of a PDF
EXPECTED = "expected a monthly report of uniformed personnel, with its text"
SPACE = 0.12  # of the letters' size: a wider gap parts words
PHRASE = 0.4  # a wider gap parts cells
AGAIN = 0.1  # the same letter as near as this is printed again, to look bold


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words next to each other on one line, and where they stand; `size` is that of the letters."""

    text: str
    left: float
    right: float
    top: float
    bottom: float
    size: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass(frozen=True, slots=True)
class Rule:
    """A horizontal or vertical line, or an edge of a filled rectangle."""

    left: float
    right: float
    top: float
    bottom: float

    @property
    def horizontal(self) -> bool:
        return self.right - self.left >= self.bottom - self.top


@dataclass(frozen=True)
class Page:
    """A page: its number (from 1), its lines of phrases from top to bottom, and its rules."""

    number: int
    lines: Sequence[Sequence[Phrase]]
    rules: Sequence[Rule]

    def text(self) -> str:
        """The text, a line a line."""
        return "\n".join(" ".join(phrase.text for phrase in line) for line in self.lines)


@dataclass(frozen=True)
class Document:
    """The pages of a PDF, and when its file says that it was made (D:20250306...); empty if it doesn't."""

    pages: Sequence[Page]
    created: str


def has_end(payload: bytes) -> bool:
    """Whether a PDF has the mark of its end. A file without it can be cut off."""
    return END in payload[-END_WITHIN:]


def read_pages(payload: bytes, check_first: Callable[[Sequence[Page]], object]) -> Document:
    """The pages of a PDF. `check_first` gets the first FIRST_PAGES, and can refuse the PDF before the others are read.

    Raises ContractError for a file that is no report: with a password, too large, without text; CutOffError where it
    is cut off or damaged.
    """
    require_unpackable(payload)
    with _opened(payload) as document:
        pages = _pages(document, check_first)
        created = document.metadata.get("CreationDate")
    if not any(page.lines for page in pages):
        raise ContractError(
            f"The PDF has {len(pages):,} page{'s' if len(pages) > 1 else ''} and no text: it is a scan or a picture; "
            f"{EXPECTED}. Get the publisher's own file."
        )
    return Document(pages, created if isinstance(created, str) else "")


@contextmanager
def _opened(payload: bytes) -> Iterator[Any]:
    """An open PDF of pdfplumber. Raises ContractError where it has a password, CutOffError where it is damaged."""
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect

    logging.getLogger("pdfminer").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pdfplumber.open(io.BytesIO(payload)) as document:
                yield document
    except ContractError:
        raise
    except Exception as error:  # pdfminer raises many types of exceptions for a damaged file
        cause = error.args[0] if error.args and isinstance(error.args[0], Exception) else error
        if isinstance(cause, PDFPasswordIncorrect):
            raise ContractError(
                f"The PDF has a password; {EXPECTED} and without one. Save it without the password."
            ) from None
        reason = " ".join(str(cause).split())[:60]
        raise CutOffError(
            f"The PDF can't be read ({type(cause).__name__}{f': {reason}' if reason else ''}): it is cut off or "
            f"damaged; {EXPECTED}. Get it again."
        ) from error


def _pages(document: Any, check_first: Callable[[Sequence[Page]], object]) -> list[Page]:
    """The pages. Raises ContractError for too many or too large ones, and after MAX_SECONDS."""
    from pdfminer.pdfpage import PDFPage

    count = sum(1 for _ in islice(PDFPage.create_pages(document.doc), MAX_PAGES + 1))
    if count > MAX_PAGES:
        raise ContractError(f"The PDF has more than {MAX_PAGES:,} pages; {EXPECTED}. Load the report itself.")
    if not count:
        raise CutOffError(f"The PDF has no pages: it is cut off or damaged; {EXPECTED}. Get it again.")
    until = time.monotonic() + MAX_SECONDS
    pages: list[Page] = []
    for page in document.pages:
        if time.monotonic() > until:
            raise ContractError(
                f"Reading the PDF takes more than {MAX_SECONDS} seconds, {len(pages):,} of {count:,} pages so far; "
                f"{EXPECTED}. Load the report itself."
            )
        pages.append(_page(page))
        if len(pages) == FIRST_PAGES and any(read.lines for read in pages):
            check_first(pages)
    return pages


def _page(page: Any) -> Page:
    """A page of pdfplumber. Its letters are pdfminer's: pdfplumber's copies of them take a quarter more time."""
    from pdfminer.layout import LTChar, LTLine, LTRect
    from pdfminer.pdftypes import resolve1

    number = page.page_number
    size = sum(len(stream.get_data()) for one in page.page_obj.contents if (stream := resolve1(one)) is not None)
    _require(size, MAX_PAGE_BYTES, "bytes of drawing instructions", number)
    page.page_obj.resources["XObject"] = {}  # pictures; and forms, which could be drawn without an end
    try:
        height, drawn = page.layout.y1, list(page.layout)
        letters = [one for one in drawn if isinstance(one, LTChar) and one.upright and one.get_text().strip()]
        _require(len(letters), MAX_PAGE_LETTERS, "letters", number)
        shapes = [one for one in drawn if isinstance(one, LTRect | LTLine)]
        _require(len(shapes), MAX_PAGE_SHAPES, "lines and rectangles", number)
        rules = [edge for one in shapes for edge in _edges(Rule(one.x0, one.x1, height - one.y1, height - one.y0))]
        return Page(number, _lines([_letter(one, height) for one in letters]), rules)
    finally:
        page.close()


def _require(found: int, most: int, what: str, page: int) -> None:
    if found > most:
        raise ContractError(
            f"Page {page:,} of the PDF has more than {most:,} {what}; {EXPECTED}. Load the report itself."
        )


def _letter(drawn: Any, height: float) -> Phrase:
    """A letter as a phrase of one. Vertical places count from the top of the page."""
    return Phrase(drawn.get_text(), drawn.x0, drawn.x1, height - drawn.y1, height - drawn.y0, drawn.size)


def _edges(rule: Rule) -> list[Rule]:
    """The horizontal and vertical edges of a rectangle; a line is one."""
    thin = 2.0
    if rule.bottom - rule.top <= thin or rule.right - rule.left <= thin:
        return [rule]
    return [
        Rule(rule.left, rule.right, rule.top, rule.top),
        Rule(rule.left, rule.right, rule.bottom, rule.bottom),
        Rule(rule.left, rule.left, rule.top, rule.bottom),
        Rule(rule.right, rule.right, rule.top, rule.bottom),
    ]


def _lines(letters: list[Phrase]) -> list[list[Phrase]]:
    """Letters as lines of phrases. Letters are on one line if their middles are less than half a letter apart."""
    lines: list[list[Phrase]] = []
    line: list[Phrase] = []
    for letter in sorted(letters, key=lambda one: one.middle):
        if line and letter.middle - line[0].middle > min(letter.size, line[0].size) / 2:
            lines.append(_phrases(line))
            line = []
        line.append(letter)
    return [*lines, _phrases(line)] if line else lines


def _phrases(line: list[Phrase]) -> list[Phrase]:
    """The letters of a line as phrases, from left to right."""
    phrases: list[Phrase] = []
    run: list[Phrase] = []
    text = ""
    for letter in sorted(line, key=lambda one: one.left):
        if run and letter.text == run[-1].text and letter.left - run[-1].left < AGAIN * letter.size:
            continue
        gap = (letter.left - run[-1].right) / max(letter.size, 1.0) if run else 0.0
        if gap > PHRASE:
            phrases.append(_phrase(run, text))
            run, text = [], ""
        text += (" " if run and gap > SPACE else "") + letter.text
        run.append(letter)
    return [*phrases, _phrase(run, text)]


def _phrase(run: Sequence[Phrase], text: str) -> Phrase:
    top, bottom = min(one.top for one in run), max(one.bottom for one in run)
    return Phrase(text, run[0].left, run[-1].right, top, bottom, run[0].size)
