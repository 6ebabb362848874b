"""Programs that `edbprof attach` and `edbprof dump` look into."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import textwrap

from edbprof_native._program import find
from terminal import wait_for

#: Main thread in `main` and `waits_here`; another one in `works`; children on demand.
PROGRAM = """
    import os, subprocess, sys, threading, time

    def works_inside():
        return sum(range(100))

    def works(stop):
        while not os.path.exists(stop):
            works_inside()

    def waits_here(worker):
        worker.join()

    def main(started, stop):
        worker = threading.Thread(target=works, args=(stop,), name="worker")
        worker.start()
        with open(started + ".tmp", "w") as file:
            print(os.getpid(), file=file)
        os.rename(started + ".tmp", started)
        waits_here(worker)
        print("threads", threading.active_count(), flush=True)

    main(*sys.argv[1:])
"""

LISTENS = """
    import edbprof_native
    edbprof_native.listen()
"""


class Target:
    def __init__(self, command, tmp_path, environment=None):
        self.stop = tmp_path / "stop"
        started = tmp_path / "started"
        self.process = subprocess.Popen(
            [*map(str, command), str(started), str(self.stop)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, "TMPDIR": str(tmp_path), **(environment or {})},
        )
        self.pid = int(wait_for(started))

    def ended(self):
        self.stop.touch()
        return self.process.communicate()


@contextlib.contextmanager
def attaching(started, tmp_path):
    """Records a process for ten minutes, or until the test ends that."""
    command = [find(), "attach", "--seconds=600", str(started.pid)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, cwd=tmp_path, encoding="utf-8"
    ) as attached:
        assert "recording process" in attached.stderr.readline()
        yield attached


def edbprof(*arguments, tmp_path, **more):
    return subprocess.run(
        [find(), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
        cwd=tmp_path,
        **more,
    )


def started_by(way, text, tmp_path):
    """Starts a program that opens its door, the way that is named."""
    own = sys.executable
    prefix = LISTENS if way == "listen" else ""
    program = tmp_path / "program.py"
    program.write_text(textwrap.dedent(prefix) + textwrap.dedent(text))
    command = [own, program]
    if way == "run":
        command = [find(), "run", f"--python={own}", "--start=off", program]
    return Target(command, tmp_path)
