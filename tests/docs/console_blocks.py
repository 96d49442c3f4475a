"""The commands printed in the README and in docs/: read them, run them in a terminal, compare their output.

A fenced `console` block has commands, each after `$ `, and below each command its output. In the output a line `...`
stands for any lines and `...` within a line for any text; a command without output is only run. A command ends where
its quotes do. The blocks of a page run in order, in one folder. A comment above a block changes how it is tested:

    <!-- fresh: REASON -->     run in a folder of its own
    <!-- not run: REASON -->   commands, options, targets and files only have to exist
    <!-- slow: REASON -->      run by the test that is marked slow

`python` blocks are run as well, with the same comments.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import struct
import subprocess
import termios
from dataclasses import dataclass
from pathlib import Path

COLUMNS, LINES = 120, 40
COMMENT = re.compile(r"<!-- (fresh|not run|slow): (\S.*) -->")


@dataclass(frozen=True)
class Command:
    """One command as printed, and the lines printed below it."""

    text: str
    output: list[str]


@dataclass(frozen=True)
class Block:
    """A fenced block that has commands; `mode` is `run`, `fresh`, `not run` or `slow`."""

    page: Path
    line: int
    mode: str
    commands: list[Command]


def read_blocks(page: Path) -> list[Block]:
    """The `console` and `python` blocks of a page."""
    lines = page.read_text(encoding="utf-8").splitlines()
    fences = [number for number, line in enumerate(lines) if line.startswith("```")]
    blocks = []
    for start, end in zip(fences[::2], fences[1::2], strict=True):
        comment = COMMENT.fullmatch(lines[start - 1]) if start else None
        mode = comment.group(1) if comment else "run"
        body = lines[start + 1 : end]
        if lines[start] == "```console":
            blocks.append(Block(page, start + 1, mode, read_commands(body)))
        elif lines[start] == "```python":
            blocks.append(Block(page, start + 1, mode, [Command(f"python -c {shlex.quote(chr(10).join(body))}", [])]))
    return blocks


def read_commands(lines: list[str]) -> list[Command]:
    """The commands of a block, each with its output."""
    commands: list[Command] = []
    unfinished: list[str] = []
    for line in lines:
        if unfinished or line.startswith("$ "):
            unfinished.append(line if unfinished else line[2:])
            if is_complete("\n".join(unfinished)):
                commands.append(Command("\n".join(unfinished), []))
                unfinished = []
        else:
            assert commands, f"output without a command: {line}"
            commands[-1].output.append(line.rstrip())
    assert not unfinished, f"unfinished command: {unfinished}"
    return commands


def is_complete(text: str) -> bool:
    """Whether a command's quotes are closed and its last line does not end in a backslash."""
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return not text.endswith("\\")


def run_in_terminal(command: str, folder: Path, environment: dict[str, str]) -> tuple[int, str]:
    """Run a command with bash in a terminal of 120 columns; returns its exit code and all that it prints."""
    terminal, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    shown = {"TERM": "dumb", "COLUMNS": str(COLUMNS), "LINES": str(LINES), "PYTHONIOENCODING": "utf-8"}
    process = subprocess.Popen(
        ["bash", "-c", command], cwd=folder, env=environment | shown, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=side, stderr=side,
    )  # fmt: skip
    os.close(side)
    printed = b""
    try:
        while part := os.read(terminal, 65536):
            printed += part
    except OSError:  # Linux: the last process on the other side has ended
        pass
    finally:
        os.close(terminal)
    lines = printed.decode("utf-8").replace("\r\n", "\n").splitlines()
    return process.wait(timeout=60), "\n".join(line.rstrip() for line in lines).strip("\n")


def matches(expected: list[str], printed: str) -> bool:
    """Whether printed output is what a page says, `...` standing for anything."""
    if not expected:
        return True
    parts = [
        r"(?:.*\n)*?" if line == "..." else ".*".join(map(re.escape, line.split("..."))) + r"\n" for line in expected
    ]
    return re.fullmatch("".join(parts), printed + "\n") is not None
