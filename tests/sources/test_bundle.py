"""The bundled files match their manifest and can be written again, byte for byte, from the same figures."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from sources import bundle
from sources.acceptance import accept
from sources.catalogue import load_catalogue
from sources.errors import Refused

ORIGINS: list[dict[str, Any]] = yaml.safe_load((bundle.BUNDLED / "origins.yaml").read_text(encoding="utf-8"))
FILES = sorted(entry["file"] for entry in ORIGINS)

# As the origins of the files state them; see the declarations' notes.
ROWS = {
    "fatalities_2021-06.csv.gz": 4117,
    "fatalities_2025-04.csv.gz": 4429,
    "missions_2024-02.csv.gz": 81,
    "peacekeeping_rates_2024-2026_derived.csv.gz": 193,
    "uniformed_personnel_printed_totals.csv.gz": 122,
}


def table(packed: bytes) -> tuple[list[str], list[list[str]]]:
    header, *rows = csv.reader(io.StringIO(gzip.decompress(packed).decode("utf-8"), newline=""))
    return header, rows


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# What is shipped


def test_the_bundled_files_are_those_of_the_manifest_and_of_the_origins() -> None:
    entries = {entry["file"]: entry for entry in bundle.manifest()}
    assert sorted(entries) == FILES == sorted(path.name for path in bundle.BUNDLED.glob("*.gz"))
    for origin in ORIGINS:
        file = origin["file"]
        payload, entry = (bundle.BUNDLED / file).read_bytes(), entries[file]
        assert {name: entry[name] for name in bundle.COPIED} == {name: origin[name] for name in bundle.COPIED}, file
        assert (entry["sha256"], entry["bytes"]) == (hashlib.sha256(payload).hexdigest(), len(payload)), file
        # Timestamp 0 and no flags: no file name, no comment.
        assert payload[:8] == b"\x1f\x8b\x08" + b"\0" * 5, file
        assert accept(bundle.BUNDLED / file).format == "csv", file
        header, rows = table(payload)
        assert entry["rows"] == len(rows) == ROWS.get(file, len(rows)), file
        places = [header.index(column) for column in origin["key"]]
        keys = [[row[place] for place in places] for row in rows]
        assert keys == sorted(keys) and {len(row) for row in rows} == {len(header)}, file


def test_every_source_that_a_warehouse_needs_is_bundled_and_nothing_else() -> None:
    needed = {name for name, source in load_catalogue().items() if not source.optional}
    held = {entry["source"] for entry in bundle.manifest() if entry["role"] == "snapshot"}
    assert held == needed | {"mission_budget_lines"}  # optional: only the data hub's lines are not held
    assert {entry["role"] for entry in bundle.manifest()} == {"snapshot", "control_totals"}


# Rendering

CELLS = st.text("ab1 é’漢,;\"'-#\n\t", max_size=8)  # spelt out: all of Unicode takes seconds to draw from at first
property_test = settings(max_examples=30)  # a busy machine is no fault
TABLES = st.lists(st.tuples(CELLS, CELLS, CELLS).map(list), max_size=8)


@property_test
@given(TABLES, st.randoms(use_true_random=False))
def test_equal_content_has_equal_bytes_in_whatever_order_it_came(rows: list[list[str]], rng: random.Random) -> None:
    shuffled = list(rows)
    rng.shuffle(shuffled)
    assert bundle.render(["a", "b", "c"], shuffled, ["b", "a"]) == bundle.render(["a", "b", "c"], rows, ["b", "a"])


@property_test
@given(TABLES)
def test_published_values_are_untouched(rows: list[list[str]]) -> None:
    header, back = table(bundle.render(["a", "b", "c"], rows, ["b"]))
    assert header == ["a", "b", "c"]
    assert sorted(back) == sorted(rows)
    assert [row[1] for row in back] == sorted(row[1] for row in rows)


def test_a_lone_carriage_return_inside_a_value_is_untouched() -> None:
    assert table(bundle.render(["a", "b"], [["Port-\rau-Prince", "1"]], ["a"]))[1] == [["Port-\rau-Prince", "1"]]


def test_rows_of_one_key_are_ordered_by_the_rest() -> None:
    packed = bundle.render(["n", "key"], [["2", "b"], ["9", "a"], ["1", "b"], ["1", "a"]], ["key"])
    assert gzip.decompress(packed) == b"n,key\n1,a\n9,a\n1,b\n2,b\n"


# Writing, from a small folder of figures


@pytest.fixture
def figures(tmp_path: Path) -> Path:
    """A folder with a small file for each origin: its key columns and one more, not in order."""
    folder = tmp_path / "figures"
    folder.mkdir()
    for entry in ORIGINS:
        lines = [",".join([*entry["key"], "value"])]
        lines += [",".join([f"{letter}{place}" for place in range(len(entry["key"]))] + [" 1,"[:2]]) for letter in "ba"]
        put(folder / entry["from"], "".join(f"{line}\n" for line in lines).encode())
    return folder


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command writes in these tests: never into the project's own folder."""
    folder = tmp_path / "bundled"
    folder.mkdir()
    monkeypatch.setattr(bundle.write, "__defaults__", (folder,))
    return folder


def put(path: Path, content: bytes) -> None:
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def test_writing_gives_every_file_and_a_manifest_that_matches(figures: Path, target: Path) -> None:
    entries = bundle.write(figures)
    assert json.loads((target / "manifest.json").read_text(encoding="utf-8")) == entries
    assert set(files(target)) == {*FILES, "manifest.json"}
    for entry in entries:
        payload = (target / entry["file"]).read_bytes()
        assert entry["sha256"] == hashlib.sha256(payload).hexdigest()
        assert (entry["rows"], entry["bytes"]) == (2, len(payload))
        assert [row[0] for row in table(payload)[1]] == ["a0", "b0"]


def test_writing_twice_gives_equal_bytes(figures: Path, target: Path) -> None:
    bundle.write(figures)
    first = files(target)
    for path in figures.iterdir():  # other times, and other names inside the archives
        os.utime(path, (1, 1))
    bundle.write(figures)
    assert files(target) == first


def test_figures_in_a_subfolder_facts_are_found(figures: Path, target: Path) -> None:
    (figures / "facts").mkdir()
    for name in {entry["from"] for entry in ORIGINS}:
        (figures / name).rename(figures / "facts" / name)
    assert len(bundle.write(figures)) == len(ORIGINS)


def test_byte_order_mark_and_line_ends_of_the_figures_do_not_matter(figures: Path, target: Path) -> None:
    bundle.write(figures)
    plain = files(target)
    path = figures / "peacekeeping_operations_2024-02.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    bundle.write(figures)
    assert files(target) == plain


def test_the_command_prints_what_it_wrote(figures: Path, target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bundle.main([str(figures)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(ORIGINS)
    assert printed[0].startswith("fatalities_2021-06.csv.gz: 2 rows, vintage 2021-06-30, ")


def failed(figures: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that the command prints when it ends with 1."""
    assert bundle.main([str(figures)]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ") and printed.err.count("\n") == 1
    return printed.err


def test_a_missing_file_is_an_error_that_names_it(
    figures: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for entry in ORIGINS:
        (figures / entry["from"]).rename(figures / "away")
        message = failed(figures, capsys)
        assert entry["from"] in message and "not there" in message and "origins.yaml" in message
        (figures / "away").rename(figures / entry["from"])
    with pytest.raises(Refused, match="is not there"):
        bundle.write(figures / "nowhere")


@pytest.mark.parametrize("row", ["MINUSMA", "MINUSMA,x,too much", ""])
def test_ragged_row_is_an_error_that_names_file_and_line(
    figures: Path, target: Path, capsys: pytest.CaptureFixture[str], row: str
) -> None:
    put(figures / "peacekeeping_operations_2024-02.csv", f"mission_acronym,value\nUNMIK,1\n{row}\nUNEF,2\n".encode())
    message = failed(figures, capsys)
    assert "peacekeeping_operations_2024-02.csv" in message and "line 3" in message


@pytest.mark.parametrize(
    "content",
    [b"", b"mission_acronym,value\nT\xfcrkiye,1\n", b"mission_acronym,value\n" + b"x" * 200_000 + b",1\n"],
    ids=["empty", "Latin-1", "a value of 200,000 letters"],
)
def test_unreadable_csv_is_an_error_that_names_the_file(
    figures: Path, target: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    put(figures / "peacekeeping_operations_2024-02.csv", content)
    assert "peacekeeping_operations_2024-02.csv" in failed(figures, capsys)


def test_file_without_its_key_is_an_error_that_names_file_and_column(
    figures: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put(figures / "peacekeeping_operations_2024-02.csv", b"acronym,value\nUNMIK,1\n")
    message = failed(figures, capsys)
    assert "peacekeeping_operations_2024-02.csv" in message and "mission_acronym" in message


@pytest.mark.parametrize("how", ["cut", "checksum", "data", "not gzip"])
def test_damaged_gzip_is_an_error_that_names_the_file(
    figures: Path, target: Path, capsys: pytest.CaptureFixture[str], how: str
) -> None:
    path = figures / "fatalities_2021-06.csv.gz"
    whole = bytearray(path.read_bytes())
    if how == "cut":
        del whole[-12:]
    elif how == "checksum":
        whole[-5] ^= 0xFF
    elif how == "data":
        whole[10] ^= 0xFF
    else:
        whole[:] = gzip.decompress(whole)
    path.write_bytes(whole)
    assert "fatalities_2021-06.csv.gz" in failed(figures, capsys)


def test_a_failing_run_leaves_what_was_bundled_as_it_was(
    figures: Path, target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No file is written before all are read: new files would not match the old manifest."""
    bundle.write(figures)
    before = files(target)
    put(figures / "fatalities_2021-06.csv.gz", b"casualty_id,casualty_nationality,value\nx,Chad,1\n")
    (figures / "peacekeeping_operations_2024-02.csv").unlink()
    failed(figures, capsys)
    assert files(target) == before


@pytest.mark.parametrize("arguments", [[], ["one", "two"]])
def test_wrong_usage_ends_with_2(target: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert bundle.main(arguments) == 2
    assert "usage: python -m sources.bundle FOLDER" in capsys.readouterr().err
    assert files(target) == {}


# Writing, from the real figures


@pytest.mark.real
def test_the_real_figures_give_what_is_bundled(tmp_path: Path) -> None:
    named = os.environ.get("PEACEKEEPING_TEST_DATA", "")
    if not named or not (Path(named) / "facts").is_dir():
        pytest.skip(
            "PEACEKEEPING_TEST_DATA names no folder with facts/: the figures that the bundle is from aren't here"
        )
    bundle.write(Path(named), tmp_path)
    written, bundled = files(tmp_path), files(bundle.BUNDLED)
    for file in FILES:
        # Another zlib may pack the same text differently.
        assert written[file] == bundled[file] or gzip.decompress(written[file]) == gzip.decompress(bundled[file]), file
