"""A program under `edbprof run` can't tell that it is there."""

from __future__ import annotations

import _imp
import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile


@pytest.fixture
def both(tmp_path):
    """Runs Python with these arguments without and with us, and gives what came of each."""

    def both(*arguments, directory=tmp_path, recorded=True, **more):
        def finished(command):
            return subprocess.run(
                [*command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                cwd=directory,
                check=False,
                **more,
            )

        results = tmp_path / "results"
        results.mkdir(exist_ok=True)
        run = [find(), "run", "--quiet", f"--python={sys.executable}", f"--out={results}"]
        plain, profiled = finished([sys.executable]), finished(run)
        assert profiled.returncode == plain.returncode, profiled
        if recorded:
            assert ProfFile(results / "profile_analysis.prof").rows
        return plain, profiled

    return both


def write(path: Path, text: str) -> Path:
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def is_ours(name: str) -> bool:
    return name.startswith("edbprof_native")


# atexit of Python 3.9 keeps its functions in the module, so there the program gets ours.
ALLOWED = {"atexit"} if sys.version_info < (3, 10) else set()
# Before Python 3.12 -X dev takes it to load any extension.
ALLOWED |= {"encodings.ascii"} if sys.version_info < (3, 12) else set()


@pytest.mark.parametrize(
    "options", [[], ["-I"], ["-E"], ["-s"], ["-B"], ["-O"], ["-X", "dev"], ["-S"]], ids=" ".join
)
def test_modules_at_the_first_line(both, tmp_path, options):
    program = write(tmp_path / "program.py", "import sys; print(*sys.modules)")
    plain, profiled = both(*options, str(program), recorded="-S" not in options)
    seen = [name for name in profiled.stdout.split() if not is_ours(name)]
    # Another run of this user makes every Python import what looks for it.
    expected = [name for name in plain.stdout.split() if not is_ours(name)]
    assert [name for name in seen if name not in ALLOWED] == expected
    if "-S" not in options:  # Where nothing is recorded, `edbprof run` says so.
        assert profiled.stderr == plain.stderr == ""


#: Makes us do all that we do in a program, so that each late import would be there.
BUSY = """
import os, sys

def busy(calls=40_000):
    for _ in range(calls):
        len("")

def forked():
    child = os.fork()
    if child == 0:
        busy()
        sys.exit()
    os.waitpid(child, 0)

busy()
forked()
"""


def imported(stderr: str) -> list[str]:
    """What -X importtime says was imported. Other lines are kept."""
    return [line.rpartition("|")[2].strip() for line in stderr.splitlines()]


@pytest.mark.parametrize(
    "more",
    [
        "",
        "import atexit; atexit.register(busy)",
        "import threading; t = threading.Thread(target=busy); t.start(); t.join()",
        """
        import multiprocessing
        for method in ("fork", "spawn", "forkserver"):
            with multiprocessing.get_context(method).Pool(1) as pool:
                pool.map(abs, [1])
                pool.close()
                pool.join()
        """,
    ],
    ids=["alone", "atexit", "threading", "multiprocessing"],
)
def test_nothing_is_imported_until_the_end(both, tmp_path, more):
    """Not by us: in this process nor in others, at a fork, at a thread's start, at exit."""
    guarded = "if __name__ == '__main__':\n    pass\n" + textwrap.indent(
        textwrap.dedent(more), "    "
    )
    program = write(tmp_path / "program.py", BUSY.replace("busy()\nforked()", "") + guarded)
    with program.open("a") as file:
        file.write("\n    busy()\n    forked()\n")
    plain, profiled = both("-X", "importtime", "-W", "ignore", str(program))
    # A forkserver may live a little longer than the program.
    of_others = [
        name
        for name in imported(profiled.stderr)
        if not is_ours(name) and "still running; what is recorded" not in name
    ]
    assert sorted(name for name in of_others if name not in ALLOWED) == sorted(
        name for name in imported(plain.stderr) if name not in ALLOWED and not is_ours(name)
    )


def standard_modules() -> list[str]:
    """All that are written in Python and not loaded by every Python."""
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout.split()
    directory = Path(os.__file__).parent
    names = {path.stem for path in directory.glob("*.py")}
    names |= {path.parent.name for path in directory.glob("*/__init__.py")}
    # Python finds frozen ones before any file, and setuptools finds distutils.
    return sorted(
        name
        for name in names - {"distutils", *loaded}
        if name.isidentifier() and not _imp.is_frozen(name)
    )


def test_modules_of_the_programs_own_have_any_name(both, tmp_path):
    """Such a module is found where the program has it, whatever we do meanwhile."""
    directory = tmp_path / "program"
    directory.mkdir()
    names = standard_modules()
    assert {"types", "keyword", "operator", "functools", "threading", "tempfile"} <= set(names)
    for name in names:
        write(directory / f"{name}.py", f"print('own {name}')\n")
    late = "".join(f"import {name}\n" for name in names)
    plain, profiled = both(str(write(directory / "main.py", BUSY + late)), directory=directory)
    assert plain.stdout.split("\n")[:-1] == [f"own {name}" for name in names]
    assert (profiled.stdout, profiled.stderr) == (plain.stdout, plain.stderr)
    # And where they are not imported before the end.
    plain, profiled = both(str(write(directory / "main.py", BUSY)), directory=directory)
    assert (profiled.stdout, profiled.stderr) == (plain.stdout, plain.stderr) == ("", "")


def test_python_m_takes_no_modules_of_the_programs_own(tmp_path):
    """Which are found before the standard library's, since -m begins with this directory."""
    for name in ("json", "subprocess", "tempfile", "sysconfig"):
        write(tmp_path / f"{name}.py", f"raise SystemExit('{name} was imported')\n")
    write(tmp_path / "program.py", "print('ran')\n")
    done = subprocess.run(
        [sys.executable, "-m", "edbprof_native", "run", "--quiet", "program.py"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("ran\n", "")


def test_decorators_take_no_modules_of_the_programs_own(run, tmp_path):
    for name in standard_modules():
        write(tmp_path / f"{name}.py", f"raise SystemExit('{name} was imported')\n")
    run(
        BUSY
        + textwrap.dedent(
            """
            from edbprof_native import Profile, profile

            @profile()
            def generator():
                yield busy(10)

            @profile(threads=True)
            def decorated():
                busy()

            before = set(sys.modules)
            for _ in range(3):
                list(generator())
                decorated()
                forked()
            with Profile() as recorded:
                busy()
            recorded.save("x.prof")
            print(*set(sys.modules) - before)
            """
        )
    )


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


def play_with_setting(value: str, tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", "import sys; print('edbprof_native' in sys.modules)"],
        env=dict(os.environ, EDBPROF_RUN=value),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=True,
    )


def test_empty_is_as_unset(tmp_path):
    done = play_with_setting("", tmp_path)
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("setting", ["nonsense", "threads=1"])
def test_a_bad_setting_takes_one_line(tmp_path, setting):
    done = play_with_setting(setting, tmp_path)
    (line,) = done.stderr.splitlines()
    assert line.startswith("edbprof: this process is not recorded: ")


@pytest.mark.parametrize(
    "setting",
    [
        "threads=1\nbuiltins=1\nchildren=1\nclock=\n\nhook=auto\ndirectory=.",
        "threads=1\nbuiltins=1\nchildren=1\nclock=bad\nhook=auto\ndirectory=.",
        "threads=1\nbuiltins=1\nchildren=1\nclock=wall\nhook=bad\ndirectory=.",
    ],
)
def test_the_run_is_told_what_goes_wrong(tmp_path, setting):
    """And not the program's own readers."""
    done = play_with_setting(setting, tmp_path)
    assert done.stderr == ""
    (note,) = tmp_path.iterdir()
    assert note.name.startswith("unrecorded_")
    assert note.name.endswith("_failed")
    assert note.read_text(encoding="utf-8").strip()


def test_a_package_that_does_not_load_takes_one_line(tmp_path):
    """Where another package of that name is found first."""
    (tmp_path / "edbprof_native").mkdir()
    write(tmp_path / "edbprof_native" / "__init__.py", "raise ValueError('two\\nlines')\n")
    done = subprocess.run(
        [sys.executable, "-c", "pass"],
        env=dict(os.environ, EDBPROF_RUN="nonsense", PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    )
    assert done.stderr == "edbprof: this process is not recorded: two lines\n"


def test_the_summary_names_a_start_that_failed(tmp_path):
    (tmp_path / "edbprof_native").mkdir()
    write(tmp_path / "edbprof_native" / "__init__.py", "raise ValueError('two\\nlines')\n")
    write(tmp_path / "program.py", "import sys; print('ran', file=sys.stderr)\n")
    run = [find(), "run", f"--python={sys.executable}", "--out=results.prof", "program.py"]
    done = subprocess.run(
        run,
        env=dict(os.environ, PYTHONPATH=str(tmp_path)),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        cwd=tmp_path,
        check=False,
    )
    ran, reason = done.stderr.splitlines()
    assert (done.returncode, ran) == (4, "ran")
    assert reason.startswith(
        "edbprof: nothing was recorded: 1 process was not recorded (recording failed): "
    )
    assert reason.endswith(" (two lines)")


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


INTERPRETERS = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
import sys, _thread

def made_and_used(code):
    one = interpreters.create()
    interpreters.run_string(one, code)
    interpreters.destroy(one)
"""


def test_interpreters_of_the_programs_own(both, tmp_path):
    """Nothing is told of them, nor imported into them."""
    program = write(
        tmp_path / "program.py",
        INTERPRETERS
        + textwrap.dedent(
            """
            for _ in range(3):
                made_and_used("import sys; print(sorted(sys.modules), flush=True)")
            """
        ),
    )
    plain, profiled = both(str(program))
    assert profiled.stderr == plain.stderr == ""

    def others(printed):
        return [
            [name for name in line.strip("[]").replace("'", "").split(", ") if not is_ours(name)]
            for line in printed.splitlines()
        ]

    assert others(profiled.stdout) == others(plain.stdout)


def test_an_interpreter_that_another_thread_has_made(both, tmp_path):
    """It is destroyed in the main thread, which waits for its threads."""
    program = write(
        tmp_path / "program.py",
        INTERPRETERS
        + textwrap.dedent(
            """
            import threading
            made = []
            thread = threading.Thread(target=lambda: made.append(interpreters.create()))
            thread.start()
            thread.join()
            interpreters.run_string(made[0], "print('in it', flush=True)")
            interpreters.destroy(made[0])
            print("done")
            """
        ),
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
