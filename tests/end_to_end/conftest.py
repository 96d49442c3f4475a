"""The command with its own PREFECT_HOME and data folder."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from click.testing import CliRunner

from flows.cli.main import app

COMMAND = str(Path(sys.executable).with_name("peacekeeping"))


def as_in_a_terminal() -> None:
    """Handle Ctrl-C, which processes started in the background, as the tests may be, ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass
class Shell:
    """Runs `peacekeeping` with its own PREFECT_HOME and PEACEKEEPING_DATA.

    `refresh` and `serve`, which bring up Prefect, run as processes; every other command runs in this one.
    """

    folder: Path
    extra: dict[str, str] = field(default_factory=dict)
    command: str = COMMAND

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def warehouse(self) -> Path:
        return self.data / "peacekeeping.duckdb"

    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "PEACEKEEPING_"))}
        return kept | {
            "PREFECT_HOME": str(self.folder / "prefect"),
            "PREFECT_SERVER_API_PORT": "4999",  # nobody listens there, so each run starts its own server
            "PEACEKEEPING_DATA": str(self.data),
            "PEACEKEEPING_PSDATA_URL": "http://127.0.0.1:9",
            "PEACEKEEPING_CEB_URL": "http://127.0.0.1:9",
            "PEACEKEEPING_CONTRIBUTIONS_URL": "http://127.0.0.1:9",
            "PEACEKEEPING_REPORTS_URL": "http://127.0.0.1:9",
            **self.extra,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command in its own process group, as a terminal does."""
        return subprocess.Popen(
            [COMMAND, *arguments], cwd=self.folder, env=self.environment(), text=True, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=as_in_a_terminal,
        )  # fmt: skip

    def __call__(self, *arguments: str, code: int = 0, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        inside = arguments[0] not in ("refresh", "serve")
        done = (self.invoke if inside else self.run)(*arguments, stdin=stdin)
        assert "Traceback" not in done.stderr, done.stderr
        assert done.returncode == code, f"{done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command as a process."""
        return subprocess.run(
            [COMMAND, *arguments], cwd=self.folder, env=self.environment(), text=True, capture_output=True,
            input=stdin, timeout=240,
        )  # fmt: skip

    def invoke(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run the command in this process."""
        with contextlib.chdir(self.folder), mock.patch.dict(os.environ, self.environment(), clear=True):
            done = CliRunner().invoke(app, arguments, input=stdin, prog_name="peacekeeping")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    def ask(self, sql: str) -> str:
        """The answer's lines below the header."""
        return self("query", sql, "--format", "csv").stdout.partition("\n")[2].strip()


def send(process: subprocess.Popen[str], how: signal.Signals) -> None:
    """Send a signal as in a terminal: Ctrl-C goes to every process of the group, other signals to one."""
    if how == signal.SIGINT:
        os.killpg(process.pid, how)
    else:
        process.send_signal(how)


@pytest.fixture(scope="session")
def built(built_folder: Path) -> Shell:
    """The shell of the built folder, shared by all tests: only for commands that read."""
    return Shell(built_folder)


@pytest.fixture
def served(prefect_server: str) -> dict[str, str]:
    """The environment of commands whose own Prefect server does not matter to the test."""
    return {"PREFECT_API_URL": prefect_server}


@pytest.fixture
def fresh(served: dict[str, str], prefect_home: Path, tmp_path: Path) -> Shell:
    """A shell without any data."""
    shutil.copytree(prefect_home, tmp_path / "prefect")
    return Shell(tmp_path, served)


@pytest.fixture
def copy(fresh: Shell, built: Shell) -> Shell:
    """A shell with its own copy of the built data folder."""
    shutil.copytree(built.data, fresh.data)
    return fresh
