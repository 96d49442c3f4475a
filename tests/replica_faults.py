"""The faults of the publishers' replica."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """What can go wrong between a publisher and the pipeline."""

    TOO_MANY_REQUESTS = "too-many-requests"
    ODD_RETRY_AFTER = "odd-retry-after"
    REQUEST_TIMEOUT = "request-timeout"
    TOO_EARLY = "too-early"
    SERVER_ERROR = "server-error"
    INSUFFICIENT_STORAGE = "insufficient-storage"
    UNKNOWN_ERROR = "unknown-error"
    STALLED_BODY = "stalled-body"
    CUT_BODY = "cut-body"
    SHORT_LENGTH = "short-length"
    CUT_GZIP = "cut-gzip"
    HTML = "html"
    WRONG_CONTENT_TYPE = "wrong-content-type"
    RENAMED_COLUMN = "renamed-column"
    DROPPED_COLUMN = "dropped-column"
    DOUBLED_KEY = "doubled-key"
    MOVING_PAGE = "moving-page"
    FIXED_PAGES = "fixed-pages"
    REPEATED_PAGE = "repeated-page"
    ENDLESS = "endless"
    REDIRECT = "redirect"
    GZIP_BOMB = "gzip-bomb"


# 520 is not in the standard; proxies give it for an unknown error of the server.
STATUSES = {
    Fault.TOO_MANY_REQUESTS: 429,
    Fault.ODD_RETRY_AFTER: 429,
    Fault.REQUEST_TIMEOUT: 408,
    Fault.TOO_EARLY: 425,
    Fault.SERVER_ERROR: 500,
    Fault.INSUFFICIENT_STORAGE: 507,
    Fault.UNKNOWN_ERROR: 520,
}
RETRY_AFTER = {Fault.TOO_MANY_REQUESTS: "1", Fault.ODD_RETRY_AFTER: "0.129"}
# Any reply can have these; the others wait for a reply of data.
OF_ANY_REPLY = {*STATUSES, Fault.HTML, Fault.REDIRECT}
# The parameters in force instead of those requested.
PAGING = {Fault.FIXED_PAGES: {"per_page": 50}, Fault.REPEATED_PAGE: {"page_num": 1}}
OF_PAGES = {*PAGING, Fault.MOVING_PAGE}
OF_ROWS = {Fault.RENAMED_COLUMN, Fault.DROPPED_COLUMN, Fault.DOUBLED_KEY}
OF_BODIES = {Fault.STALLED_BODY, Fault.CUT_BODY, Fault.SHORT_LENGTH, Fault.CUT_GZIP, Fault.ENDLESS, Fault.GZIP_BOMB}
