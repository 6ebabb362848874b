"""What a program loses or gives up while `edbprof run` records it: what came before is in the
result, and what comes after is too, or is named.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile

if not sys.platform.startswith("linux"):
    pytest.skip("live files are Linux's", allow_module_level=True)

#: `grow(n)` makes some 60 new nodes for each n: 300 make the live file grow several times.
BEGIN = """
import os, sys

def leaf(): pass

def branch(depth, function):
    function()
    if depth:
        branch(depth - 1, function)

def grow(number):
    for n in range(number):
        branch(30, eval(f"lambda: {n}"))

def in_child():
    leaf()

def fork(end=True):
    pid = os.fork()
    if pid == 0:
        for _ in range(100): in_child()
        grow(100)
        if end: os._exit(0)
        sys.exit()
    os.waitpid(pid, 0)

directory = os.environ["EDBPROF_RUN"].rpartition("directory=")[2]
for _ in range(10): leaf()
"""
END = """
for _ in range(10): leaf()
grow(300)
"""


class Result:
    def __init__(self, done, results: Path) -> None:
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.summary = json.loads((results / "summary.json").read_text())
        path = results / "profile_analysis.prof"
        self.profile = ProfFile(path) if path.exists() else None

    def calls(self, name: str) -> int:
        assert self.profile is not None, self.err
        return self.profile.calls(name)

    def check_program(self) -> None:
        assert self.calls("leaf") >= 20, self.err
        assert self.calls("branch") >= 300 * 31, self.err


@pytest.fixture
def lose(tmp_path):
    """Runs a program that loses something in its middle; gives what is in the result."""
    # The directory of pytest is for this user alone.
    place = Path(tempfile.mkdtemp(prefix="lost-rights-", dir="/tmp"))
    place.chmod(0o755)

    def lose(loss: str, *, end: str = END, code: int = 0, options=(), err: "str | None" = None):
        results = tmp_path / "results"
        results.mkdir()
        program = tmp_path / "program.py"
        program.write_text(BEGIN + textwrap.dedent(loss) + end)
        (place / "tmp").mkdir()
        done = subprocess.run(
            [
                *(find(), "run", f"--python={sys.executable}", f"--out={results}/"),
                *(f"--summary-json={results}/summary.json", *options, str(program)),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            cwd=place,
            env={**os.environ, "TMPDIR": str(place / "tmp")},
            check=False,
        )
        assert done.returncode == code, done.stderr
        if err is not None:
            assert err in done.stderr
        else:
            assert "recording goes on in memory" not in done.stderr
        assert "nothing was recorded" not in done.stderr
        return Result(done, results)

    lose.place = place
    yield lose
    shutil.rmtree(place)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do that")

BECOME_NOBODY = "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"


@needs_root
@pytest.mark.parametrize("keep", [False, True], ids=["temporary", "kept"])
def test_another_user(lose, keep):
    options = ["--keep=kept"] if keep else []
    found = lose(BECOME_NOBODY + "fork(); fork(end=False)", options=options)
    found.check_program()
    assert found.calls("leaf") == 20 + 2 * 100
    assert found.calls("branch") == (300 + 2 * 100) * 31
    assert "3 recordings are of user 65534, whom the program became" in found.err
    assert found.summary["of_others"] == {"65534": 3}
    assert os.listdir(lose.place / "tmp") == []
    if keep:
        names = os.listdir(lose.place / "kept")
        assert len(names) == 3 and all(name.startswith("edbprof_") for name in names), names


@needs_root
def test_a_user_who_only_has_the_effective_rights_of_another(lose):
    found = lose("os.setegid(65534); os.seteuid(65534)\nfork()", end=END + "os.seteuid(0)\n")
    found.check_program()
    assert found.calls("leaf") == 120


@needs_root
def test_other_users_neither_read_nor_replace_recordings(lose):
    found = lose(
        """
import stat
outer = os.path.dirname(directory)
assert stat.S_IMODE(os.stat(outer).st_mode) == 0o711
assert stat.S_IMODE(os.stat(directory).st_mode) == 0o1733
(name,) = os.listdir(directory)
path = os.path.join(directory, name)
"""
        + BECOME_NOBODY
        + """
for step in (
    lambda: os.listdir(directory),
    lambda: os.listdir(outer),
    lambda: open(path, "rb"),
    lambda: os.unlink(path),
    lambda: os.rename(path, path + "x"),
    lambda: open(os.path.join(outer, "edbprof_1.prof"), "x"),
):
    try:
        step()
    except PermissionError:
        continue
    raise SystemExit(99)
# Of what it may make, links are not read.
os.symlink(path, os.path.join(directory, "edbprof_7.prof"))
os.symlink("/etc/passwd", os.path.join(directory, "edbprof_8.prof"))
""",
    )
    found.check_program()
    assert found.summary["failed"] == 0
    assert found.summary["succeeded"] == 1


@needs_root
@pytest.mark.parametrize("user", ["", BECOME_NOBODY], ids=["root", "nobody"])
def test_another_root_directory(lose, user):
    found = lose(f"os.mkdir('jail'); os.chroot('jail'); os.chdir('/')\n{user}fork()", err="")
    found.check_program()
    assert found.calls("leaf") == 20
    # Its child has no place to record to.
    assert found.summary["unsaved_children"] == 1
    assert "1 forked process could not save what it recorded" in found.err
    assert found.summary["left_live"] == 1


@pytest.mark.parametrize("mask", [0o777, 0o400])
def test_a_umask_that_forbids_everything(lose, mask):
    found = lose(f"os.umask({mask})\nfork(end=False)")
    found.check_program()
    assert found.calls("leaf") == 120


def test_another_directory_and_no_descriptors(lose):
    found = lose("os.chdir('/'); os.closerange(3, 5000)\nfork(end=False)", options=["--keep=kept"])
    found.check_program()
    assert found.calls("leaf") == 120


HOLD_ALL_DESCRIPTORS = """
import resource
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (50, {hard}))
held = []
try:
    while True: held.append(os.dup(0))
except OSError:
    pass
fork()
assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 50
"""


def test_no_descriptor_left(lose):
    found = lose(HOLD_ALL_DESCRIPTORS.format(hard="hard"))
    found.check_program()
    assert found.calls("leaf") == 120


def test_no_descriptor_to_be_had(lose):
    end = END + "os._exit(0) if 0 else None\n"
    found = lose(HOLD_ALL_DESCRIPTORS.format(hard=50), end=end, err="")
    found.check_program()
    assert found.calls("leaf") == 20
    assert found.summary["unsaved_children"] == 1


@pytest.mark.parametrize("size", [0, 1000, 150_000])
def test_files_may_not_grow(lose, size):
    found = lose(
        f"""
        import resource, signal
        # As in programs other than Python.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, resource.RLIM_INFINITY))
        """,
        end=END + "grow(2000)\n",
    )
    found.check_program()
    assert found.calls("branch") == 2300 * 31


def test_files_that_could_never_grow(tmp_path):
    """The result has what the live file has room for, and says what is missing."""
    program = tmp_path / "program.py"
    program.write_text(
        "def leaf(): pass\nfor _ in range(10): leaf()\n"
        + BEGIN.replace('directory = os.environ["EDBPROF_RUN"].rpartition("directory=")[2]', "")
        + END
    )
    done = subprocess.run(
        [
            *("bash", "-c", 'ulimit -f 150; exec "$@"', "", find(), "run"),
            *(f"--python={sys.executable}", f"--keep={tmp_path}/kept", "--out=x", str(program)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
    )
    assert "nothing was recorded" not in done.stderr
    merged = subprocess.run(
        [find(), f"--out={tmp_path}/y", "--summary-json=s", f"{tmp_path}/kept"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )
    assert ProfFile(tmp_path / "y.prof").calls("leaf") >= 10, merged.stderr
    assert json.loads((tmp_path / "s").read_text())["dropped_calls"] > 0
    assert "Dropped: " in merged.stdout


def test_the_directory_is_renamed(lose):
    outer = "os.path.dirname(directory) if os.geteuid() == 0 else directory"
    found = lose(f"os.rename({outer}, ({outer}) + '-renamed')")
    found.check_program()
    assert found.summary["left_live"] == 1
    assert os.listdir(lose.place / "tmp") == []


@needs_root
def test_the_directory_is_unmounted(lose):
    """Lazily, since it is in use."""
    command = 'mount -t tmpfs tmpfs "$TMPDIR" && exec "$0" "$@"'
    if subprocess.run(["unshare", "-m", "true"], check=False).returncode:
        pytest.skip("mounting a tmpfs is not allowed here")
    (lose.place / "tmp").mkdir()
    program = lose.place / "program.py"
    program.write_text(BEGIN + "os.system('umount -l \"$TMPDIR\"')\n" + END)
    done = subprocess.run(
        [
            *("unshare", "-m", "sh", "-c", command, find(), "run"),
            *(f"--python={sys.executable}", f"--out={lose.place}/", str(program)),
        ],
        env={**os.environ, "TMPDIR": str(lose.place / "tmp")},
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ProfFile(lose.place / "profile_analysis.prof").calls("branch") == 300 * 31


def test_the_directory_is_removed(lose):
    found = lose("import shutil; shutil.rmtree(directory)\nfork(end=False)", err="")
    found.check_program()
    assert found.calls("leaf") == 120
    assert os.listdir(lose.place / "tmp") == []
