"""Which recordings are of one process, and how it ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from edbprof_native._program import find
from prof_file import files

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="too little is known elsewhere")


def summary(directory):
    command = [find(), f"--out={directory}/merged", "--summary-json=-", str(directory)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    counts = json.loads(done.stdout)
    return counts["processes"], counts["killed"]


def test_a_program_that_was_replaced_was_not_killed(run, tmp_path):
    """Its live file stays, for nobody has told it of the end; the process ends later."""
    program = """
    import os, sys
    from edbprof_native import profile

    @profile(dir=sys.argv[1])
    def work(rest):
        if rest > 1:
            arguments = [__file__, sys.argv[1], str(rest - 1), sys.argv[3]]
            os.execv(sys.executable, [sys.executable, *arguments])
        if sys.argv[3] == "kill":
            os.kill(os.getpid(), 9)

    work(int(sys.argv[2]))
    """
    for way, code in [("end", 0), ("kill", -9)]:
        directory = tmp_path / way
        directory.mkdir()
        run(program, directory, 3, way, code=code)
        names = [name for name in os.listdir(directory) if name.endswith(".live")]
        assert len(names) == {"end": 2, "kill": 3}[way]
        assert summary(directory) == (1, {"end": 0, "kill": 1}[way])


def test_recordings_of_one_process_are_of_one_process(run, tmp_path):
    run(
        """
        import os, sys
        from edbprof_native import Profile, profile

        def save():
            for number in range(4):
                with Profile() as recorded:
                    print()
                recorded.save(f"{sys.argv[1]}/edbprof_{os.getpid()}_{number}.prof")

        save()
        if os.fork() == 0:
            save()
            os._exit(0)
        os.wait()
        """,
        tmp_path,
    )
    assert len(files(tmp_path)) == 8
    assert summary(tmp_path) == (2, 0)
