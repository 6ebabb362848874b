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


def test_an_entry_of_a_start_file_does_what_the_pth_file_does(monkeypatch):
    """`edbprof_native.start` names a function without arguments (PEP 829); a second call, as in a
    virtual environment, does nothing."""
    import edbprof_native_start as module

    calls: "list[set[str]]" = []
    monkeypatch.setattr(module, "_is_entered", False)
    monkeypatch.setattr(module, "start", calls.append)
    monkeypatch.setenv(module.VARIABLE, "anything")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    module.start_at_entry()
    module.start_at_entry()
    assert calls == [set(sys.path_importer_cache)]
    monkeypatch.setattr(module, "_is_entered", False)
    monkeypatch.setenv(module.VARIABLE, "")
    module.start_at_entry()
    assert len(calls) == 1
    assert module.__name__ not in sys.modules
