"""Interpreters that a program makes itself, each with a GIL of its own from Python 3.12 on."""

from __future__ import annotations

import importlib.util
import re
import sys
import textwrap

import pytest
from prof_file import ProfFile
from running import is_ours, write

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
    """Nothing of theirs differs but what records them."""
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

    # Up to 3.9 the functions of `atexit` belong to its module.
    ignored = {"atexit"} if sys.version_info < (3, 10) else set()

    def others(printed):
        lines = [line.strip("[]").replace("'", "").split(", ") for line in printed.splitlines()]
        return [
            [name for name in line if not is_ours(name) and name not in ignored] for line in lines
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


#: Up to 3.11 such interpreters can't start threads.
HAVE_THREADS = sys.version_info >= (3, 12)
FIB = f"""
import threading

def fib(number):
    return number if number < 2 else fib(number - 1) + fib(number - 2)

fib(15)
if {HAVE_THREADS}:
    thread = threading.Thread(target=fib, args=(12,))
    thread.start()
    thread.join()
"""
FIB_CALLS = 1973 + (465 if HAVE_THREADS else 0)


def calls_by_interpreter(file: ProfFile, name: str) -> dict:
    """Calls of a function by the frames of the interpreters, those of the main one by ""."""
    found: dict = {}
    for node in file.nodes:
        if node.name == name:
            frames = [each for each in node.names if each.startswith("<interpreter ")]
            found["".join(frames)] = found.get("".join(frames), 0) + node.calls
    return found


@pytest.mark.parametrize("hook", ["auto", "setprofile"])
def test_calls_are_recorded_exactly(edbprof_run, tmp_path, hook):
    """In several at once, each of which runs code twice, beside the main interpreter's."""
    program = write(
        tmp_path / "program.py",
        INTERPRETERS
        + f"CODE = {FIB!r}"
        + textwrap.dedent(
            """
            import threading

            def fib(number):
                return number if number < 2 else fib(number - 1) + fib(number - 2)

            def use():
                one = interpreters.create()
                interpreters.run_string(one, CODE)
                interpreters.run_string(one, CODE)
                interpreters.destroy(one)

            threads = [threading.Thread(target=use) for _ in range(3)]
            for thread in threads:
                thread.start()
            fib(15)
            for thread in threads:
                thread.join()
            use()
            fib(15)
            """
        ),
    )
    done = edbprof_run(str(program), options=[f"--hook={hook}"])
    assert done.returncode == 0, done
    assert "1 process" in done.stderr
    assert "not recorded" not in done.stderr
    calls = calls_by_interpreter(edbprof_run.results(), "fib")
    assert calls.pop("") == 2 * 1973
    assert list(calls.values()) == [2 * FIB_CALLS] * 4


def test_interpreters_take_turns(edbprof_run, tmp_path):
    """Their Python threads have the same numbers."""
    program = write(
        tmp_path / "program.py",
        INTERPRETERS
        + textwrap.dedent(
            """
            def turn(): pass
            made = [interpreters.create() for _ in range(3)]
            for _ in range(4):
                for one in made:
                    interpreters.run_string(one, "def turn(): pass" + chr(10) + "turn()")
                    turn()
            for one in made:
                interpreters.destroy(one)
            turn()
            """
        ),
    )
    done = edbprof_run(str(program))
    assert done.returncode == 0, done
    calls = calls_by_interpreter(edbprof_run.results(), "turn")
    assert (calls.pop(""), list(calls.values())) == (13, [4, 4, 4])


def test_one_that_is_left_to_the_end_of_the_process(edbprof_run, tmp_path):
    program = write(
        tmp_path / "program.py",
        INTERPRETERS + f"interpreters.run_string(interpreters.create(), {FIB!r})",
    )
    done = edbprof_run(str(program))
    assert done.returncode == 0, done
    assert edbprof_run.results().calls("fib") == FIB_CALLS


def test_addresses_of_functions_that_are_gone(edbprof_run, tmp_path):
    """Another interpreter's functions may have them: each has a recording of its own."""
    program = write(
        tmp_path / "program.py",
        INTERPRETERS
        + textwrap.dedent(
            """
            for number in range(8):
                names = [f"gone_{number}_{at}" for at in range(50)]
                lines = [f"def {name}(): pass" for name in names] + [f"{name}()" for name in names]
                made_and_used(chr(10).join(lines))
            """
        ),
    )
    done = edbprof_run(str(program))
    assert done.returncode == 0, done
    nodes = [node for node in edbprof_run.results().nodes if node.name.startswith("gone_")]
    assert sorted(node.name for node in nodes) == sorted(
        f"gone_{number}_{at}" for number in range(8) for at in range(50)
    )
    assert {node.calls for node in nodes} == {1}


def test_a_profile_in_an_interpreter(run, tmp_path):
    """It is its user's: no frame is added to it."""
    hooks = ["setprofile", "monitoring"] if sys.version_info >= (3, 12) else ["setprofile"]
    run(
        INTERPRETERS
        + textwrap.dedent(
            f"""
            path = sys.path[:]
            made_and_used(f'''if True:
                import sys
                sys.path[:] = {{path!r}}
                from edbprof_native import Profile
                def inner(): pass
                def outer(): inner(); inner()
                for hook in {hooks!r}:
                    with Profile(hook=hook, builtins=False) as recorded:
                        outer()
                    recorded.save(hook + ".prof")
            ''')
            """
        )
    )
    for hook in hooks:
        file = ProfFile(tmp_path / f"{hook}.prof")
        assert file.process["hook"] == hook
        assert file.calls("outer") == 1
        assert file.calls("inner") == 2
        assert not any("interpreter" in name for names in file.paths() for name in names)


DECORATED = """
from edbprof_native import profile

@profile(dir=".", prefix="here_")
def work(number):
    return number if number == 0 else work(number - 1)
"""


def test_decorated_functions(run, tmp_path):
    """Each interpreter imports the module, and leaves a file; the main one does, too."""
    write(tmp_path / "decorated.py", DECORATED)
    run(
        INTERPRETERS
        + textwrap.dedent(
            """
            path = sys.path[:]
            for _ in range(2):
                made_and_used(
                    f"import sys; sys.path[:] = {path!r}; import decorated; decorated.work(9)"
                )
            import decorated
            decorated.work(4)
            """
        ),
    )
    found = [ProfFile(path) for path in tmp_path.glob("here_*.prof")]
    assert sorted(file.calls("work") for file in found) == [5, 10, 10]
    assert not list(tmp_path.glob("here_*.live"))


@pytest.mark.skipif(sys.version_info < (3, 14), reason="3.14 has this pool")
def test_decorated_functions_in_a_pool(run, tmp_path):
    write(tmp_path / "decorated.py", DECORATED)
    told = run(
        """
        from concurrent.futures import InterpreterPoolExecutor
        import decorated
        if __name__ == "__main__":
            with InterpreterPoolExecutor(2) as pool:
                print(sum(pool.map(decorated.work, [9] * 6)))
        """
    )
    assert told.out == "0\n"
    found = [ProfFile(path) for path in tmp_path.glob("here_*.prof")]
    assert sum(file.calls("work") for file in found) == 60


@pytest.mark.parametrize("module", ["test__interpreters", "test__xxsubinterpreters"])
def test_cpythons_own_tests(both, module):
    """They pass and fail as without us. They come with most installations."""
    if importlib.util.find_spec(f"test.{module}") is None:
        pytest.skip(f"{module} is of another Python, or not installed")
    plain, profiled = both("-m", "unittest", f"test.{module}")

    def outcome(done):
        told = re.search(r"^Ran (\d+) tests? in .*\n\n(.*)$", done.stderr, re.MULTILINE)
        assert told is not None, done
        return told.groups()

    assert outcome(profiled) == outcome(plain)
