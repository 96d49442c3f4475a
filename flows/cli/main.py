"""The command `peacekeeping`: the group of all commands. Each command is a module of this package, imported when used.

Exit codes: 0 done (also when a publisher could not be reached and the last good snapshot is kept, which is reported);
1 the work failed (a refused reply or file, a failed build, wrong SQL); 2 the command was wrong.
"""

from __future__ import annotations

import io
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from flows.cli.errors import FAILED, INTERRUPTED, STOPPED, WRONG, fail
from flows.cli.options import examples
from flows.steps.settings import project_version
from schemas.errors import ProjectError

COMMANDS = {
    "refresh": "Fetch or load every source and rebuild the warehouse.",
    "sources": "List the sources, or show one in full.",
    "status": "Show each source: vintage, coverage, freshness, rows, last check.",
    "verify": "Check that the archive and the warehouse are undamaged.",
    "diff": "Show what changed between two builds.",
    "query": "Query the warehouse in SQL, read-only.",
    "serve": "Start Prefect with its UI and run the schedules, until stopped.",
    "briefing": "Write a mission's briefing as an HTML page.",
    "claims": "Check a printed claim against the warehouse.",
    "export": "Export the warehouse as Parquet files.",
    "load": "Put a file into the raw archive.",
    "doctor": "Check everything that a run needs.",
}


class LazyGroup(click.Group):
    """Imports a command's module when the command is used; help lists the commands without importing any."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"flows.cli.{cmd_name}"), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for argument in args:
            try:
                argument.encode()
            except UnicodeEncodeError:  # Python keeps the bytes of such an argument as lone surrogates
                fail(f"An argument is no UTF-8 text: {os.fsencode(argument)!r}.", WRONG)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ProjectError as error:
            fail(str(error), error.exit_code)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples(
        "peacekeeping refresh",
        "peacekeeping query \"SELECT count(*) FROM fatalities WHERE mission = 'MINUSMA'\"",
        "",
        "The data folder is PEACEKEEPING_DATA (default ./data).",
        "Exit codes: 0 done, 1 the work failed, 2 the command was wrong.",
    ),
)
@click.version_option(project_version(), prog_name="peacekeeping", message="%(prog)s %(version)s")
def app() -> None:
    """A warehouse of UN peacekeeping: fatalities, uniformed personnel, budgets and contributions."""
    if any(name.lower().endswith("_proxy") for name in os.environ):
        from flows.steps import proxies  # takes a third of the imports of every command

        proxies.except_loopback()


def main() -> None:
    """The console script."""
    _open_standard_streams()
    _use_utf8()
    try:
        app(standalone_mode=False)
        sys.stdout.flush()
    except click.ClickException as error:  # a wrong command: prints usage and the error, exit code 2
        error.show()
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        click.echo(STOPPED, err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:  # `peacekeeping query … | head` closed the pipe
        _close_stdout()
    except OSError as error:  # an output or a folder that can't be written or read
        click.echo(f"error: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", err=True)
        _close_stdout()
        sys.exit(FAILED)


def _open_standard_streams() -> None:
    """A standard stream that the caller closed is the null device. Else Python has none, and a file gets its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115


def _use_utf8() -> None:
    """Arguments, file names and what is printed are UTF-8 in every locale.

    In a locale with another encoding (`LC_ALL=C` where PYTHONUTF8 is 0), this process starts again in Python's UTF-8
    mode: only there are arguments and file names UTF-8 too.
    """
    if sys.getfilesystemencoding() != "utf-8" and "utf8" not in sys._xoptions:
        os.environ["PYTHONUTF8"] = "1"  # for the processes that this one starts
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])  # noqa: S606
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="replace")


def _close_stdout() -> None:
    """Discard what is still buffered, so that Python does not fail once more while it exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
