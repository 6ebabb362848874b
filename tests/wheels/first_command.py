"""Run the README's first command with the edbprof that is installed beside this Python.

`edbprof run` records a script; what it writes has to hold the script's calls.
"""

import os
import pathlib
import pstats
import subprocess
import sys
import tempfile

SCRIPT = """
import sys
def work(n):
    return n and work(n - 1)
work(10)
print(sys.argv[1:])
"""

program = pathlib.Path(sys.executable).parent / "edbprof"
with tempfile.TemporaryDirectory() as directory:
    pathlib.Path(directory, "script.py").write_text(SCRIPT, encoding="utf-8")
    done = subprocess.run(
        [str(program), "run", "script.py", "--its-option"],
        cwd=directory,
        env={**os.environ, "PATH": f"{program.parent}:{os.environ.get('PATH', '')}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (0, "['--its-option']\n"), (done.stdout, done.stderr)
    written = sorted(path.name for path in pathlib.Path(directory).glob("profile_analysis.*"))
    assert written == [f"profile_analysis.{end}" for end in ("prof", "pstats", "svg")], written
    stats = pstats.Stats(str(pathlib.Path(directory, "profile_analysis.prof"))).stats
    calls = [row[1] for (_, _, name), row in stats.items() if name == "work"]
    assert calls == [11], calls
print(f"{sys.version.split()[0]}: edbprof run script.py --its-option, 11 calls of work() recorded")
