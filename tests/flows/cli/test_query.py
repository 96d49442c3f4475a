"""`peacekeeping query`: formats by extension, UTF-8 everywhere, limits, and links."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner, Result
from pyarrow import parquet

from flows.cli import console
from flows.cli.main import app
from warehouse.query import Answer, connect

ROOT = Path(__file__).parents[3]
Ask = Callable[..., Result]
NAMES = ["Côte d'Ivoire", "France"]


def small_warehouse(data: Path) -> Path:
    """A data folder with a warehouse that has one table, `states`."""
    data.mkdir(parents=True)
    with duckdb.connect(str(data / "peacekeeping.duckdb")) as connection:
        connection.execute("CREATE TABLE states (iso3 TEXT, name TEXT)")
        connection.executemany("INSERT INTO states VALUES (?, ?)", [["CIV", NAMES[0]], ["FRA", NAMES[1]]])
    return data


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Runs `peacekeeping query` in an empty folder."""
    monkeypatch.setenv("PEACEKEEPING_DATA", str(small_warehouse(tmp_path / "data")))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")

    def run(*arguments: str, code: int = 0, stdin: bytes | None = None) -> Result:
        done = CliRunner().invoke(app, ["query", *arguments], input=stdin, prog_name="peacekeeping")
        assert done.exit_code == code, (done.stdout, done.stderr, done.exception)
        return done

    return run


# Formats


def names_in(file: Path) -> list[str]:
    """The column `name` of a file, read by its extension."""
    extension = file.suffix.lower()
    if extension == ".parquet":
        return list(parquet.read_table(file).column("name").to_pylist())
    text = file.read_text(encoding="utf-8")
    if extension == ".json":
        return [row["name"] for row in json.loads(text)]
    return [row["name"] for row in csv.DictReader(io.StringIO(text), delimiter="," if extension == ".csv" else "\t")]


@pytest.mark.parametrize("name", ["a.csv", "a.CSV", "a.json", "a.parquet", "a.tsv", "a.txt", "2024.05.json"])
def test_the_format_follows_the_extension(ask: Ask, name: str) -> None:
    ask("FROM states ORDER BY name", "--output", name)
    assert names_in(Path(name)) == NAMES
    form = {".csv": "csv", ".json": "json", ".parquet": "parquet"}.get(Path(name).suffix.lower(), "table")
    ask("FROM states LIMIT 0", "--output", name, "--format", form)
    assert names_in(Path(name)) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.xlsx"], "Write .csv, which spreadsheets open, or .parquet, which keeps the types."),
        (["-o", "a.xlsx", "-f", "csv"], "can't write .xlsx: a.xlsx."),
        (["-o", "a.dat"], "Possible extensions: .txt, .tsv, .csv, .json, .parquet."),
        (["-o", "a.csv.gz", "-f", "csv"], "can't write .gz"),
        (["-o", "a.json", "-f", "csv"], "--format csv contradicts the extension .json of a.json"),
        (["-o", "a.csv", "-f", "table"], "leave out --format, or write .txt or .tsv."),
        (["-f", "parquet"], "name it with --output FILE"),
    ],
)
def test_what_can_t_be_written_is_refused_before_the_query_runs(ask: Ask, arguments: list[str], message: str) -> None:
    done = ask("FROM nowhere", *arguments, code=2)
    assert message in done.stderr and "nowhere" not in done.stderr and done.stderr.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_a_name_without_extension_gets_the_format_that_is_named(ask: Ask) -> None:
    ask("FROM states", "-o", "answer", "-f", "json")
    assert [row["iso3"] for row in json.loads(Path("answer").read_text())] == ["CIV", "FRA"]
    ask("FROM states", "-o", "answer")
    assert Path("answer").read_text().splitlines()[0] == "iso3\tname"
    assert ask("FROM states", "-o", "-", "-f", "csv").stdout.startswith("iso3,name\n")


def test_the_target_of_a_link_is_written_and_the_link_stays(ask: Ask) -> None:
    Path("folder").mkdir()
    Path("link.csv").symlink_to("folder/answer.csv")
    for sql, lines in (("FROM states", 3), ("FROM states LIMIT 1", 2)):  # the target is not there yet, and then it is
        ask(sql, "-o", "link.csv")
        assert Path("link.csv").is_symlink() and len(Path("folder/answer.csv").read_text().splitlines()) == lines
    Path("lost.csv").symlink_to("missing/answer.csv")
    assert "lost.csv can't be written: No such file or directory" in ask("FROM states", "-o", "lost.csv", code=1).stderr


def test_a_pipe_gets_every_row_of_a_table_and_a_terminal_a_bounded_number(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(ask("FROM range(25_000)", "--limit", "0").stdout.splitlines()) == 25_001
    assert len(ask("FROM range(25_000)", "--limit", "7").stdout.splitlines()) == 8
    assert "The first 7 rows; --limit 0 shows all" in ask("FROM range(8)", "--limit", "7").stderr
    assert "The first" not in ask("FROM range(7)", "--limit", "7").stderr

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(console, "LONGEST_TABLE", 5)
    monkeypatch.setattr(sys, "stdout", shown := Terminal())
    with connect(tmp_path / "data" / "peacekeeping.duckdb") as connection:
        console.show_answer(Answer(connection, "SELECT i + 100 AS i FROM range(9) t(i)"), 0)
    assert "104" in shown.getvalue() and "105" not in shown.getvalue()
    assert capsys.readouterr().err == "The first 5 rows; a file or a pipe gets all.\n"


# UTF-8


def test_standard_input_is_utf8(ask: Ask) -> None:
    sql = "SELECT iso3 FROM states\nWHERE name LIKE 'Côte%'"
    for encoding in ("utf-8", "utf-8-sig"):
        assert ask("-", "-f", "csv", stdin=sql.encode(encoding)).stdout == "iso3\nCIV\n"
    done = ask("-", stdin=sql.encode("latin-1"), code=2)
    assert done.stderr == "error: Standard input is no UTF-8 text: the byte 0xf4 in line 2.\n"


@pytest.mark.parametrize("arguments", [["query", "SELECT '\udcff'"], ["query", "SELECT 1", "-o", "\udcff.csv"],
                                       ["load", "fatalities", "\udcff.csv"], ["diff", "\udcff"]])  # fmt: skip
def test_an_argument_that_is_no_utf8_is_2(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith("error: An argument is no UTF-8 text: b") and "\\xff" in done.stderr


def test_data_arguments_and_file_names_are_utf8_in_every_locale(tmp_path: Path) -> None:
    data = small_warehouse(tmp_path / "donnée")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "latin-1"}

    def run(*arguments: str) -> bytes:
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli.main", "query", "FROM states WHERE name LIKE 'Côte%'", *arguments],
            env={"PATH": os.environ["PATH"], "PEACEKEEPING_DATA": str(data), **locale},
            cwd=ROOT,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert run("-f", "csv") == "iso3,name\nCIV,Côte d'Ivoire\n".encode()
    run("-o", str(tmp_path / "Côte.json"))
    assert json.loads((tmp_path / "Côte.json").read_bytes()) == [{"iso3": "CIV", "name": "Côte d'Ivoire"}]


def test_a_closed_standard_stream_is_an_empty_one(tmp_path: Path) -> None:
    data = small_warehouse(tmp_path / "data")
    done = subprocess.run(
        f"'{sys.executable}' -m flows.cli.main query - <&- >&-", shell=True, cwd=ROOT, text=True, stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "PEACEKEEPING_DATA": str(data)},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "error: The query is empty.\n")


# The data folder


@pytest.mark.parametrize("name", ["a b", "#1", "100%", "it's", 'a"b', "a::b", "é", "s3:", "a;b&c=d", "{a,b}"])
def test_a_data_folder_may_have_an_odd_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEACEKEEPING_DATA", str(small_warehouse(tmp_path / name)))
    done = CliRunner().invoke(app, ["query", "SELECT count(*) AS n FROM states", "-f", "csv"])
    assert (done.stdout, done.exit_code) == ("n\n2\n", 0)


# Limits


def test_the_memory_of_a_query_is_an_option_a_setting_or_a_quarter(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    sql = "SELECT current_setting('memory_limit') AS m"
    monkeypatch.setenv("PEACEKEEPING_QUERY_MEMORY", "512 MiB")
    assert ask(sql).stdout == "m\n512.0 MiB\n"
    assert ask(sql, "--memory", "1.5GiB").stdout == "m\n1.5 GiB\n"
    assert ask(sql, "--memory", "999999TB").stdout.endswith("PiB\n")
    for wrong in ("much", "101%", "9999999TB", "-1GB"):
        assert f"--memory is '{wrong}'; expected a size such as" in ask(sql, "--memory", wrong, code=2).stderr
    monkeypatch.setenv("PEACEKEEPING_QUERY_MEMORY", "2")
    assert "PEACEKEEPING_QUERY_MEMORY is '2'; expected" in ask(sql, code=2).stderr
    assert "Allow more memory than 10KB." in ask(sql, "--memory", "10KB", code=1).stderr


def test_the_time_of_a_query_is_limited(ask: Ask) -> None:
    done = ask("SELECT sum(a.i * b.i) FROM range(1_000_000_000) a(i), range(10_000) b(i)", "--timeout", "1", code=1)
    assert done.stdout == "" and done.stderr.startswith("error: The query took more than 1 s and was stopped.")
    assert ask("SELECT 1 AS a", "--timeout", "0").stdout == "a\n1\n"


@pytest.mark.slow
def test_a_query_in_a_function_that_can_t_be_interrupted_ends_with_the_process(tmp_path: Path) -> None:
    data = small_warehouse(tmp_path / "data")
    done = subprocess.run(
        [
            sys.executable, "-m", "flows.cli.main", "query", "SELECT list_distinct(range(30_000_000)).length()",
            "--timeout", "1", "--memory", "2GB", "-o", str(tmp_path / "answer.csv"),
        ],
        env={"PATH": os.environ["PATH"], "PEACEKEEPING_DATA": str(data)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 1 and "took more than 1 s" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
