"""Exit codes: 1 for work that failed, 2 for a wrong command, a traceback for anything else."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from flows.cli import main


def test_an_exception_ends_a_command_with_its_message_and_code(monkeypatch: pytest.MonkeyPatch) -> None:
    from sources.errors import ArchiveError, UnknownSource

    for error, code, text in (
        (ArchiveError("It is damaged."), 1, "error: It is damaged.\n"),
        (UnknownSource("There is no such source."), 2, "error: There is no such source.\n"),
        (ZeroDivisionError("a bug"), 1, ""),
    ):

        def command(error: Exception = error) -> None:
            raise error

        monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: click.Command("status", callback=command))
        done = CliRunner().invoke(main.app, ["status"])
        assert (done.exit_code, done.stderr) == (code, text)


def test_help_lists_every_command_and_each_has_a_module() -> None:
    shown = CliRunner().invoke(main.app, ["--help"]).stdout
    for name, text in main.COMMANDS.items():
        assert f"  {name} " in shown and text in " ".join(shown.split())
        assert (
            f"Usage: peacekeeping {name}"
            in CliRunner().invoke(main.app, [name, "--help"], prog_name="peacekeeping").stdout
        )
