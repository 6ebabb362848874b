"""A program under `edbprof run` can't tell that it is there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile
from running import write

STATE = """
import sys
importers = [str(key) for key in sys.path_importer_cache]
modules_are_plain = "functools" not in sys.modules and "threading" not in sys.modules
main = sorted(vars(sys.modules["__main__"]))
gc_is_enabled = (__import__("gc").isenabled(), __import__("gc").get_freeze_count())
import builtins, gc, json, locale, os, signal, warnings
mask = os.umask(0)
print(json.dumps({
    "argv": sys.argv,
    "orig_argv": getattr(sys, "orig_argv", None),
    "executable": sys.executable,
    "flags": str(sys.flags),
    "path": sys.path,
    "importers": importers,
    "modules": modules_are_plain,
    "meta_path": [getattr(one, "__name__", type(one).__name__) for one in sys.meta_path],
    "path_hooks": len(sys.path_hooks),
    "main": main,
    "builtins": sorted(vars(builtins)),
    "gc": [gc_is_enabled, gc.get_threshold(), gc.get_debug(), len(gc.callbacks)],
    "signals": [str(signal.getsignal(number)) for number in signal.valid_signals()],
    "blocked": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
    "filters": [str(one) for one in warnings.filters],
    "locale": [locale.setlocale(locale.LC_ALL), locale.getpreferredencoding(False)],
    "umask": mask,
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval()],
    "hooks": [str(one) for one in (sys.excepthook, sys.displayhook, sys.unraisablehook)],
    "trace": [sys.gettrace(), str(sys.get_asyncgen_hooks())],
    "streams": [str(one) for one in (sys.stdin, sys.stdout, sys.stderr)],
    "environment": sorted(set(os.environ) - {"EDBPROF_RUN"}),
    "files": sorted(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None,
    "threads": len(os.listdir("/proc/self/task")) if os.path.isdir("/proc/self/task") else None,
    "directory": os.getcwd(),
}))
"""


@pytest.mark.parametrize(
    "options", [[], ["-I"], ["-W", "error"], ["-X", "dev"], ["-O", "-b"]], ids=" ".join
)
def test_state_of_the_interpreter(both, tmp_path, options):
    program = write(tmp_path / "program.py", STATE)
    plain, profiled = both(*options, str(program), "an argument")
    expected, found = json.loads(plain.stdout), json.loads(profiled.stdout)
    assert found == expected
    assert profiled.stderr == plain.stderr


@pytest.mark.parametrize("name", ["python", "python3"])
def test_python_is_started_by_the_name_that_users_type(tmp_path, name):
    """Where that is the first one on PATH."""
    scripts = tmp_path / "bin"
    scripts.mkdir()
    (scripts / name).symlink_to(sys.executable)
    # Beside a program that has no Python beside it.
    program = tmp_path / "edbprof"
    shutil.copy(find(), program)
    (Path(scripts.parent) / "pyvenv.cfg").write_text(
        (Path(sys.prefix) / "pyvenv.cfg").read_text(encoding="utf-8"), encoding="utf-8"
    )
    code = "import sys; print(sys.executable, sys.argv, getattr(sys, 'orig_argv', None))"
    write(tmp_path / "program.py", code)
    path = f"{scripts}{os.pathsep}/usr/bin{os.pathsep}/bin"
    outputs = [
        subprocess.run(
            [*command, "program.py", "a"],
            stdout=subprocess.PIPE,
            encoding="utf-8",
            cwd=tmp_path,
            env=dict(os.environ, PATH=path),
            check=True,
        ).stdout
        for command in (
            [name],
            [program, "run", "--quiet", "--out=results.prof"],
            [program, "run", "--quiet", "--out=results.prof", f"--python={name}"],
        )
    ]
    assert outputs == [outputs[0]] * 3
    assert outputs[0].startswith(f"{scripts / name} ")


def test_our_exit_function_is_the_last(both, tmp_path):
    program = write(
        tmp_path / "program.py",
        """
        import atexit, sys
        def at_exit(): print("at exit", len([n for n in sys.modules if n == "functools"]))
        atexit.register(at_exit)
        """,
    )
    plain, profiled = both(str(program))
    assert (profiled.stdout, profiled.stderr) == (plain.stdout, plain.stderr)
    file = ProfFile(tmp_path / "results" / "profile_analysis.prof")
    assert file.calls("at_exit") == 1


def test_functions_that_end_with_a_code_object(both, tmp_path):
    """Code that was called is kept alive until the interpreter ends, when those are gone."""
    program = write(
        tmp_path / "program.py",
        """
        import ctypes

        python = ctypes.pythonapi
        try:
            request = python.PyUnstable_Eval_RequestCodeExtraIndex
            set_extra = python.PyUnstable_Code_SetExtra
        except AttributeError:  # before Python 3.12
            request, set_extra = python._PyEval_RequestCodeExtraIndex, python._PyCode_SetExtra
        function_type = ctypes.CFUNCTYPE(None, ctypes.c_voidp)
        request.argtypes, request.restype = (function_type,), ctypes.c_ssize_t
        set_extra.argtypes = (ctypes.py_object, ctypes.c_ssize_t, ctypes.c_voidp)
        ended = []
        free = function_type(ended.append)
        index = request(free)
        names = {}
        exec("def f(): pass", names)
        names["f"]()
        set_extra(names["f"].__code__, index, ctypes.c_voidp(100))
        del names  # Without us its code ends here.
        """,
    )
    plain, profiled = both(str(program))
    assert (profiled.stdout, profiled.stderr) == (plain.stdout, plain.stderr)


def test_generic_functions_are_known(both, tmp_path):
    """Though functools is imported after us."""
    program = write(
        tmp_path / "program.py",
        """
        import functools

        @functools.singledispatch
        def generic(value): pass

        class Class:
            @functools.singledispatchmethod
            def method(self, value): pass

        def wrapper(): pass
        def dispatch(): pass

        generic(1), Class().method(1), wrapper(), dispatch()
        """,
    )
    both(str(program))
    file = ProfFile(tmp_path / "results" / "profile_analysis.prof")
    flagged = {(Path(label[0]).name, label[2]): flags for label, flags in flags_of(file).items()}
    method = "__call__" if sys.version_info >= (3, 14) else "_method"
    assert flagged == {
        ("functools.py", "wrapper"): 1,
        ("functools.py", "dispatch"): 2,
        ("functools.py", method): 1,
    }


def flags_of(file):
    """Those of generic functions."""
    return {
        (function[2], function[3], function[4]): function[1] & 3
        for function in file.functions
        if function[1] & 3
    }


def test_other_programs_find_nothing_of_a_run(tmp_path):
    """Any Python of this user looks for a run while there is one, and forgets that it did."""
    program = "import sys; print('ready', flush=True); sys.stdin.read()"
    command = [find(), "run", "--quiet", f"--python={sys.executable}", f"--out={tmp_path}/"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, "-c", program], stdin=pipe, stdout=pipe) as run:
        assert run.stdout.readline() == b"ready\n"
        names = "import sys; print(*sys.modules, *sys.path_importer_cache)"
        environment = {k: v for k, v in os.environ.items() if k != "EDBPROF_RUN"}
        other = subprocess.run(
            [sys.executable, "-c", names], stdout=pipe, env=environment, encoding="utf-8"
        )
        run.communicate()
    assert "edbprof_native_start" not in other.stdout
