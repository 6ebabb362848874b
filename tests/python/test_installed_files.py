"""Files that the wheel installs beside the package."""

import os
import subprocess
import sys
import sysconfig

import pytest

SCRIPTS = sysconfig.get_path("scripts")
DATA = sysconfig.get_path("data")


@pytest.mark.parametrize(
    "path",
    [
        "share/man/man1/edbprof.1",
        "share/man/man1/edbprof-run.1",
        "share/bash-completion/completions/edbprof",
        "share/zsh/site-functions/_edbprof",
        "share/fish/vendor_completions.d/edbprof.fish",
    ],
)
def test_shells_and_man_find_their_files(path: str) -> None:
    assert os.path.getsize(os.path.join(DATA, path)) > 500


def test_python_m_runs_the_program_of_that_python(tmp_path) -> None:
    environment = dict(os.environ, PATH="/nowhere")
    command = [sys.executable, "-m", "edbprof"]
    version = subprocess.run(
        [*command, "--version"], env=environment, cwd=tmp_path, stdout=subprocess.PIPE, check=True
    )
    program = os.path.join(SCRIPTS, "edbprof")
    expected = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True)
    assert version.stdout == expected.stdout
    ended = subprocess.run([*command, "tree", "no.prof"], cwd=tmp_path, stderr=subprocess.PIPE)
    assert ended.returncode == 2
    assert b"no.prof" in ended.stderr
