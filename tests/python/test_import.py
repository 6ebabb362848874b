"""Importing the package costs the program nothing that it would notice."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest


def test_imports_nothing_else(run):
    told = run(
        """
        import sys
        before = set(sys.modules)
        import edbprof_native
        print(*set(sys.modules) - before)
        before = set(sys.modules)
        edbprof_native.profile, edbprof_native.Profile
        print(*set(sys.modules) - before)
        """
    )
    at_once, late = (set(line.split()) for line in told.out.splitlines())
    assert at_once == {"edbprof_native", "edbprof_native._native"}
    # A module `atexit` of Python 3.9 has functions of its own.
    others = {name for name in late if not name.startswith("edbprof_native.")}
    assert others <= {"atexit"} if sys.version_info < (3, 10) else not others
    assert not late & {"edbprof_native._program", "edbprof_native.tracing_singledispatch"}


def test_what_it_imports_late_is_there_all_the_same(run):
    run(
        """
        import edbprof_native
        edbprof_native.tracing_singledispatch.patch_functools()
        from edbprof_native.tracing_singledispatch import unpatch_functools
        unpatch_functools()
        try:
            edbprof_native.nothing
        except AttributeError as error:
            assert "nothing" in str(error)
        else:
            raise SystemError("there is no such attribute")
        """
    )


def test_starts_no_thread_and_no_process(run):
    """Nor opens a file, nor touches signals or the profile function."""
    run(
        """
        import os, signal, sys, threading
        events = []
        sys.addaudithook(lambda event, arguments: events.append((event, arguments)))

        def state():
            there = "/proc/self"
            return (
                threading.enumerate(),
                threading._profile_hook if hasattr(threading, "_profile_hook") else None,
                sys.getprofile(), sys.gettrace(), sys.getswitchinterval(),
                sorted(os.listdir(there + "/fd")) if os.path.isdir(there) else None,
                len(os.listdir(there + "/task")) if os.path.isdir(there) else None,
                [signal.getsignal(number) for number in signal.valid_signals()],
                os.environ.copy(), sys.path[:], sys.excepthook, sys.unraisablehook,
            )

        before = state()
        import edbprof_native
        from edbprof_native import profile

        @profile(dir=".")
        def function():
            pass

        assert state() == before
        suspicious = ("subprocess.Popen", "os.fork", "os.exec", "os.posix_spawn", "os.system",
                      "_thread.start_new_thread", "socket.connect", "os.mkdir", "os.remove")
        assert not [event for event in events if event[0] in suspicious]
        written = [arguments for event, arguments in events
                   if event == "open" and arguments[1] not in ("r", "rb", None)]
        assert not [name for name, *_ in written if not str(name).endswith(("pyc", "pyc.tmp"))
                    and ".pyc." not in str(name)], written
        """
    )


def test_recording_imports_nothing(run):
    run(
        """
        import sys
        from edbprof_native import profile

        @profile(dir=".")
        def function():
            pass

        before = set(sys.modules)
        function()
        profile(dir=".").save()
        assert set(sys.modules) == before
        """
    )


def test_works_without_site(run):
    import edbprof_native

    run(
        """
        import sys
        sys.path.append(sys.argv[1])
        from edbprof_native import Profile
        with Profile() as recorded:
            len("x")
        recorded.save("x.prof")
        """,
        Path(edbprof_native.__file__).parents[1],
        options=["-S"],
    )


@pytest.mark.skipif(sys.version_info < (3, 12), reason="own interpreters with a GIL of their own")
def test_interpreters_with_a_gil_of_their_own_import_it(run):
    run(
        """
        import sys
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        path = sys.path[:]
        one = interpreters.create()
        code = f'''if True:
            import sys
            sys.path[:] = {path!r}
            import edbprof_native
            import edbprof_native._profiles
            import edbprof_native._annotations
            assert edbprof_native.span("a").__enter__() is not None
        '''
        failed = interpreters.run_string(one, code)
        assert failed is None, failed
        interpreters.destroy(one)
        """
    )


def test_api_is_what_is_documented():
    import edbprof_native

    assert set(edbprof_native.__all__) == {
        "Profile",
        "ProfileData",
        "ProfileError",
        "async_span",
        "counter",
        "get_include",
        "install",
        "keep_timeline",
        "label",
        "listen",
        "load",
        "mark",
        "merge",
        "profile",
        "run",
        "runctx",
        "span",
        "tracing",
        "tracing_singledispatch",
    }
    for name in edbprof_native.__all__:
        assert getattr(edbprof_native, name).__doc__
