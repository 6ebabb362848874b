"""What can't be had or goes wrong: the program is unharmed, told once, loses nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from prof_file import ProfFile, files

if not sys.platform.startswith("linux"):
    pytest.skip("live files are Linux's", allow_module_level=True)

WORK = """
import sys
from edbprof_native import profile

def branch(depth, function):
    function()
    if depth:
        branch(depth - 1, function)

@profile(dir={directory!r}, save_every_n_calls=1)
def main():
    for number in range({number}):
        branch(30, eval(f"lambda: {{number}}"))
    return "unharmed"
"""


def told_of_memory(err: str) -> int:
    return sum("recording goes on in memory" in line for line in err.splitlines())


def test_files_may_not_grow(run, tmp_path):
    done = run(
        WORK.format(directory=".", number=300)
        + """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (150_000, resource.RLIM_INFINITY))
for _ in range(3):
    assert main() == "unharmed"
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
main()
""",
        err=None,
    )
    assert told_of_memory(done.err) == 1
    (path,) = files(tmp_path)
    assert ProfFile(path).calls("branch") == 4 * 300 * 31
    assert files(tmp_path, "*.live") == []


def test_directory_removed_meanwhile(run, tmp_path):
    done = run(
        WORK.format(directory="in", number=300)
        + """
import os, shutil
os.mkdir("in")
profile(dir="in")(lambda: None)()
shutil.rmtree("in")
for _ in range(3):
    assert main() == "unharmed"
os.mkdir("in")
assert main() == "unharmed"
""",
        err=None,
    )
    assert told_of_memory(done.err) == 1
    (path,) = files(tmp_path / "in")
    assert ProfFile(path).calls("branch") == 4 * 300 * 31


def mounted(directory: Path, options: str) -> "list[str]":
    """The beginning of a command that runs where a tmpfs is mounted at `directory`."""
    mount = f'mount -t tmpfs -o {options} tmpfs "$0" && exec "$@"'
    command = ["unshare", "-m", "sh", "-c", mount, str(directory)]
    try:
        subprocess.run([*command, "true"], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a tmpfs is not allowed here")
    return command


@pytest.mark.parametrize(
    "options, is_saved",
    [("size=40k", False), ("size=160k", False), ("size=1m", True), ("ro", False)],
)
def test_full_or_read_only_disk(tmp_path, options, is_saved):
    disk = tmp_path / "disk"
    disk.mkdir()
    program = (
        WORK.format(directory=str(disk), number=300)
        + f"""
import glob, os, shutil
print(main())
profile(dir={str(disk)!r}).save() if {is_saved} else None
for path in glob.glob({str(disk)!r} + "/*.prof"):
    shutil.copy(path, {str(tmp_path)!r})
assert os.statvfs({str(disk)!r}).f_bavail or not {is_saved}
"""
    )
    done = subprocess.run(
        [*mounted(disk, options), sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    assert (done.returncode, done.stdout) == (0, "unharmed\n"), done.stderr
    lines = done.stderr.splitlines()
    assert lines and all(line.startswith("edbprof: ") for line in lines), done.stderr
    assert told_of_memory(done.stderr) == 1
    if is_saved:
        assert len(lines) == 1
        (path,) = files(tmp_path)
        assert ProfFile(path).calls("branch") == 300 * 31


PROFILE = """
import sys
from edbprof_native import Profile
def callee(): pass
def work():
    callee()
    # Where a thread looks at what is pending.
    for _ in range(3):
        callee()
recorded = Profile(live_dir="missing")
"""


@pytest.mark.parametrize(
    "use",
    [
        "recorded.enable(); work(); recorded.disable()",
        "with recorded: work()",
        "recorded.enable(); callee(); recorded.save('saved.prof')",
        "recorded.enable(); callee(); del recorded",
        "recorded.enable(); callee()",
        "recorded.enable(); work(); work(); print('later', file=sys.stderr)",
        "recorded.enable(); exec('def f(): pass\\nf()'); print('later', file=sys.stderr)",
    ],
)
def test_a_profile_tells_however_it_is_used(run, use):
    done = run(f"{PROFILE}\n{use}", err=None)
    lines = done.err.splitlines()
    assert "recording goes on in memory" in lines[0], done
    assert lines[1:] == (["later"] if "later" in use else []), done


def test_it_is_told_on_the_stderr_that_there_is(run):
    done = run(
        PROFILE
        + """
class Stderr:
    def write(self, text):
        texts.append(callee() or text)

texts, before = [], sys.stderr
with recorded:
    sys.stderr = Stderr()
    work()
    sys.stderr = before
    work()
assert "recording goes on in memory" in "".join(texts), texts
with Profile(live_dir="also missing"):
    work()
recorded.save("saved.prof")
""",
        err="",
    )
    assert done.out == ""
