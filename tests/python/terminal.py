"""A program in a terminal of its own, and the screen that it draws there."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import termios
import time
from pathlib import Path

COLUMNS, LINES = 120, 30
#: Seconds after which a test fails that waits for something on the screen.
LIMIT = 60

SEQUENCE = re.compile(r"\x1b\[([?\d;]*)([A-Za-z])|\x1b\[[?\d;]*$")


class TerminalProgram:
    """A command that runs in a terminal. The terminal stays open when the command has ended."""

    def __init__(self, command, environment=None, directory=None):
        self.output = ""
        self._bytes = b""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.before = termios.tcgetattr(theirs)
        self._ours, self._theirs = ours, theirs
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.setsid()
                fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)
                for descriptor in (0, 1, 2):
                    os.dup2(theirs, descriptor)
                if directory is not None:
                    os.chdir(directory)
                full = {**os.environ, "TERM": "xterm", "LC_ALL": "C.UTF-8", **(environment or {})}
                os.execve(command[0], [str(word) for word in command], full)
            finally:
                os._exit(126)

    @property
    def modes(self):
        return termios.tcgetattr(self._theirs)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def _read(self, seconds: float) -> None:
        if select.select([self._ours], [], [], seconds)[0]:
            self._bytes += os.read(self._ours, 1 << 16)
            self.output = self._bytes.decode("utf-8", "ignore")

    def until(self, condition) -> str:
        """Reads until the condition holds of the screen, and returns the screen."""
        end = time.monotonic() + LIMIT
        while not condition(self.screen()):
            assert time.monotonic() < end, f"not on the screen:\n{self.screen()}"
            self._read(1)
        return self.screen()

    def ended(self) -> int:
        """Waits for the end, and returns the status that `os.waitstatus_to_exitcode` gives."""
        end = time.monotonic() + LIMIT
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            assert time.monotonic() < end, f"goes on:\n{self.screen()}"
            self._read(0.05)
        while select.select([self._ours], [], [], 0)[0]:
            self._read(0)
        return os.waitstatus_to_exitcode(status)

    def close(self) -> None:
        os.close(self._ours)
        os.close(self._theirs)

    def is_left(self) -> bool:
        """True if the terminal shows its first screen, with a cursor, in its former modes."""
        latest = dict(SEQUENCE.findall(self.output))
        is_shown = latest.get("?1049") == "l" and latest.get("?25") == "h"
        return is_shown and self.modes == self.before

    def screen(self) -> str:
        """The text on the screen, from the sequences that the view uses."""
        grid = [[" "] * COLUMNS for _ in range(LINES)]
        row = column = 0
        at = 0
        output = self.output
        while at < len(output):
            found = SEQUENCE.match(output, at)
            if found is not None:
                at = found.end()
                parameters, kind = found.group(1), found.group(2)
                if kind == "H":
                    row, column = (int(number) - 1 for number in (parameters or "1;1").split(";"))
                elif kind == "J":
                    grid = [[" "] * COLUMNS for _ in range(LINES)]
                continue
            character = output[at]
            at += 1
            if character == "\r":
                column = 0
            elif character == "\n":
                row = min(row + 1, LINES - 1)
            elif row < LINES and column < COLUMNS:
                grid[row][column] = character
                column += 1
        return "\n".join("".join(line).rstrip() for line in grid)


def wait_for(path: Path) -> str:
    """Waits for a file with a line, and returns its text."""
    end = time.monotonic() + LIMIT
    while True:
        text = path.read_text() if path.exists() else ""
        if text.endswith("\n"):
            return text.strip()
        assert time.monotonic() < end, f"there is no {path}"
        time.sleep(0.02)
