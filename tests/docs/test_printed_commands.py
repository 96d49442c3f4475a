"""Every command printed in the README and in docs/ runs and prints what the page says; every name printed exists."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import duckdb
import pytest
from docs.console_blocks import Block, matches, read_blocks, read_commands, run_in_terminal

from flows.cli.main import app
from flows.steps import settings

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCKS = {page: read_blocks(page) for page in PAGES}
FENCES = ("console", "python", "sql", "r", "yaml", "text")
OTHER_PROGRAMS = ("aws", "createdb", "dask", "duckdb", "export", "flock", "git", "pg_dump", "pip", "prefect", "sed")
Reader = Callable[[int], tuple[Path, dict[str, str]]]


def pages_with(*modes: str) -> list[Any]:
    """The pages that have blocks of these modes, as parameters."""
    return [pytest.param(page, id=page.name) for page in PAGES if any(block.mode in modes for block in BLOCKS[page])]


def run_blocks(blocks: list[Block], reader: Reader) -> None:
    """Run the blocks of a page in order, and compare what their commands print."""
    folder, environment = reader(0)
    for block in blocks:
        where, variables = reader(block.line) if block.mode == "fresh" else (folder, environment)
        for command in block.commands:
            code, printed = run_in_terminal(command.text, where, variables)
            place = f"{block.page.name}:{block.line}: {command.text}"
            assert code == 0, f"{place}\nexit code {code}\n{printed}"
            assert matches(command.output, printed), f"{place}\nprints\n{printed}"


@pytest.mark.parametrize("page", pages_with("run", "fresh"))
def test_commands_print_what_the_page_says(page: Path, reader: Reader) -> None:
    run_blocks([block for block in BLOCKS[page] if block.mode in ("run", "fresh")], reader)


@pytest.mark.slow
@pytest.mark.server
@pytest.mark.parametrize("page", pages_with("slow"))
def test_slow_commands_print_what_the_page_says(page: Path, reader: Reader) -> None:
    run_blocks([block for block in BLOCKS[page] if block.mode == "slow"], reader)


def problem_of(command: str) -> str | None:
    """What is wrong with a command that isn't run: an unknown program, option, target, file or variable."""
    words = shlex.split(command, comments=True)
    while words and re.match(r"[A-Z_]+=", words[0]):
        words.pop(0)
    program, *arguments = words or ["export"]
    program = program.rpartition("/")[2]
    if program == "make":
        targets = re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        unknown = [word for word in arguments if "=" not in word and word not in targets]
        return f"no target {unknown}" if unknown else None
    if program == "peacekeeping":
        return problem_of_arguments(arguments)
    if program == "python":
        if arguments[0] == "-m":
            exists = arguments[1] in ("pip", "pytest") or importlib.util.find_spec(arguments[1]) is not None
        else:
            exists = (ROOT / arguments[0]).is_file()
        return None if exists else f"no {arguments}"
    return None if program in OTHER_PROGRAMS else f"unknown program {program}"


def problem_of_arguments(arguments: list[str]) -> str | None:
    """What is wrong with the arguments of `peacekeeping`: an unknown command or option."""
    context = click.Context(app)
    name = arguments[0] if arguments else "--help"
    if name.startswith("-"):
        return None if name in ("--version", "--help", "-h") else f"no option {name}"
    command = app.get_command(context, name)
    if command is None:
        return f"no command {name}"
    options = {"-h", "--help"} | {option for parameter in command.params for option in parameter.opts}
    unknown = [word for word in arguments[1:] if re.match(r"--?[a-z]", word) and word not in options]
    return f"{name} has no option {unknown}" if unknown else None


def test_commands_that_are_not_run_exist() -> None:
    blocks = [block for blocks in BLOCKS.values() for block in blocks if block.mode == "not run"]
    problems = {
        f"{block.page.name}: {command.text}": problem
        for block in blocks
        for command in block.commands
        if not command.text.startswith("python -c") and (problem := problem_of(command.text))
    }
    assert problems == {}


def test_commands_within_sentences_exist() -> None:
    problems = {}
    for page in PAGES:
        for code in re.findall(r"`((?:peacekeeping|make|python) [^`]+)`", page.read_text(encoding="utf-8")):
            if problem := problem_of(code.replace("…", "").replace("\\|", " ")):
                problems[f"{page.name}: {code}"] = problem
    assert problems == {}


def test_tables_columns_and_variables_named_in_the_pages_exist(data_folder: Path) -> None:
    with duckdb.connect(str(data_folder / "peacekeeping.duckdb"), read_only=True) as connection:
        tables = {f"{schema}.{name}" for schema, name in connection.sql(
            "SELECT schema_name, table_name FROM duckdb_tables() UNION SELECT schema_name, view_name FROM duckdb_views()"
            " UNION SELECT schema_name, function_name FROM duckdb_functions() WHERE function_type LIKE '%macro'"
        ).fetchall()}  # fmt: skip
    variables = {f"{settings.PREFIX}{field.name.upper()}" for field in fields(settings.Settings)}
    variables |= {"PEACEKEEPING_HOME", "PEACEKEEPING_TEST_DATA"}  # of prefect.yaml and of the tests
    unknown = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        unknown += [name for name in re.findall(r"\b(?:main|marts|meta)\.[a-z_]+\b(?![./])", text)
                    if name not in tables and not name.endswith((".parquet", ".sql"))]  # fmt: skip
        unknown += [name for name in re.findall(r"PEACEKEEPING_[A-Z_]+", text) if name not in variables]
    assert unknown == []


def test_files_named_in_the_pages_exist() -> None:
    folders = "sources|schemas|transforms|warehouse|flows|tests|docs|benchmarks"
    named = {
        f"{page.name}: {name}"
        for page in PAGES
        for name in re.findall(rf"`((?:{folders})/[a-z_./-]*)`", page.read_text(encoding="utf-8"))
        if not (ROOT / name).exists()
    }
    assert named == set()


def test_links_lead_to_files_of_the_project() -> None:
    missing = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", page.read_text(encoding="utf-8"))
        if not (page.parent / target).exists()
    ]
    assert missing == []


def test_every_page_is_linked_from_the_readme_and_every_fence_names_its_language() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[2:] if f"docs/{page.name}" not in readme] == []
    fences = {
        line for page in PAGES for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("```")
    }
    assert fences <= {"```", *(f"```{language}" for language in FENCES)}


def test_the_readme_is_one_page() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900


def test_output_is_compared_with_gaps_allowed() -> None:
    (command,) = read_commands(['$ echo "a', 'b"', "a", "...", "d ... f"])
    assert command.text == 'echo "a\nb"' and command.output == ["a", "...", "d ... f"]
    assert matches(command.output, "a\nb\nc\nd 1 f") and matches(command.output, "a\nd  f") and matches([], "anything")
    assert not matches(command.output, "a\nb\nd 1 g") and not matches(["a"], "a\nb")
