"""Interpreters that a program under `edbprof run` makes itself."""

from __future__ import annotations

import textwrap

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
