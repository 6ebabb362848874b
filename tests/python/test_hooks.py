"""Both hooks: the same trees, whatever is recorded; when which is used."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import sys
import threading

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile, only_file
from programs import compared, constructs

MONITORING = sys.version_info >= (3, 12)
HOOKS = ["setprofile", "monitoring"] if MONITORING else ["setprofile"]
needs_monitoring = pytest.mark.skipif(not MONITORING, reason="sys.monitoring is new in 3.12")


def tree(file):
    """Everything but times, in the order in which functions were first called."""
    return [
        (thread.name, [(node.path, node.calls, node.resumes) for node in thread.nodes])
        for thread in file.threads
    ]


def play(function, hook, path):
    recorded = Profile(hook=hook)
    gc.collect()
    gc.disable()  # Finalizers would run anywhere.
    try:
        recorded.enable()
        try:
            function()
        except Exception:
            pass
        recorded.disable()
    finally:
        gc.enable()
    recorded.save(path)
    recorded.close()
    return ProfFile(path)


def compare(function, tmp_path):
    try:
        function()  # Fills caches, imports.
    except Exception:
        pass
    with_setprofile, with_monitoring = (
        play(function, hook, tmp_path / f"{hook}.prof") for hook in ("setprofile", "monitoring")
    )
    assert with_setprofile.process["hook"] == "setprofile"
    assert with_monitoring.process["hook"] == "monitoring"
    assert with_monitoring.nodes
    assert tree(with_monitoring) == tree(with_setprofile)
    assert with_monitoring.functions == with_setprofile.functions


@needs_monitoring
@pytest.mark.parametrize("name", constructs.CONSTRUCTS)
def test_same_trees_of_constructs(name, tmp_path):
    compare(constructs.CONSTRUCTS[name], tmp_path)


@needs_monitoring
@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(compared.__path__)]
)
def test_same_trees_of_programs(name, tmp_path):
    compare(importlib.import_module(f"programs.compared.{name}").main, tmp_path)


def test_there_are_enough_constructs():
    assert len(constructs.CONSTRUCTS) >= 23


# ---- which hook is used -------------------------------------------------------------


def hook_of(recorded, tmp_path):
    recorded.enable()
    len("")
    recorded.disable()
    recorded.save(tmp_path / "hook.prof")
    recorded.close()
    return ProfFile(tmp_path / "hook.prof").process["hook"]


@pytest.mark.parametrize("hook", HOOKS)
def test_file_says_which(hook, tmp_path):
    assert hook_of(Profile(hook=hook), tmp_path) == hook


def test_auto_is_the_best_there_is(tmp_path):
    assert hook_of(Profile(), tmp_path) == HOOKS[-1]
    assert hook_of(Profile(hook="auto"), tmp_path) == HOOKS[-1]
    decorated = profile(dir=tmp_path, prefix="decorated")(lambda: None)
    decorated()
    assert only_file(tmp_path, "decorated*").process["hook"] == HOOKS[-1]


def test_unknown_hook():
    with pytest.raises(ValueError, match="'auto', 'setprofile' or 'monitoring', not 'other'"):
        Profile(hook="other")


@pytest.mark.skipif(MONITORING, reason="has it")
def test_monitoring_on_old_pythons():
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with pytest.raises(ValueError, match=f"needs Python 3.12 .* this is {version}: use"):
        Profile(hook="monitoring")


TAKING_TOOL_IDS = """
    import sys
    from pathlib import Path
    from edbprof_native import Profile, profile
    from prof_file import ProfFile, only_file

    ids = {ids}
    for id in ids:
        sys.monitoring.use_tool_id(id, f"tool {{id}}")

    def callee(): pass

    try:
        explicit = Profile(hook="monitoring")
    except ValueError as error:
        print(error)

    @profile(dir=".")
    def decorated():
        callee()

    decorated()
    with Profile() as recorded:
        callee()
    recorded.save("x.recorded")
    for file in (ProfFile("x.recorded"), only_file(Path("."))):
        assert file.calls("callee") == 1
        print(file.process["hook"])
    assert [sys.monitoring.get_tool(id) for id in ids] == [f"tool {{id}}" for id in ids]
    print(*[id for id in range(6) if sys.monitoring.get_tool(id) == "edbprof"])
"""


@needs_monitoring
@pytest.mark.parametrize(
    "ids, taken", [((), 4), ((3,), 4), ((0, 1, 2, 3, 5), 4), ((4,), 3), ((3, 4), 5)]
)
def test_free_tool_id_is_taken(run, ids, taken):
    assert run(TAKING_TOOL_IDS.format(ids=ids)).out.split() == ["monitoring"] * 2 + [str(taken)]


@needs_monitoring
@pytest.mark.parametrize("ids", [(3, 4, 5), (0, 1, 2, 3, 4, 5)])
def test_tool_ids_are_taken(run, ids):
    """Who asks for it is told; 'auto' records all the same."""
    refusal, *hooks = run(TAKING_TOOL_IDS.format(ids=ids)).out.splitlines()
    assert "'tool 4', 'tool 3' and 'tool 5'" in refusal and "free_tool_id()" in refusal
    assert "use hook='setprofile'" in refusal
    assert hooks == ["setprofile"] * 2 + [""]


@needs_monitoring
@pytest.mark.parametrize("taker", [None, "another tool"])
@pytest.mark.parametrize("while_on", [True, False])
def test_tool_id_freed_by_others(run, taker, while_on):
    """Between recordings. It is taken again, or the next one where it has a new user."""
    run(
        f"""
        import sys
        from edbprof_native import Profile, _native
        from prof_file import ProfFile

        def callee(): pass

        recorded = Profile(hook="monitoring")
        with recorded:
            callee()
        while not {while_on} and _native._monitoring()["on"]:
            callee()
        sys.monitoring.free_tool_id(4)
        if {taker!r}:
            sys.monitoring.use_tool_id(4, {taker!r})
        with recorded:
            callee()
        recorded.save("x.prof")
        assert ProfFile("x.prof").calls("callee") == 2
        assert _native._monitoring()["tool"] == (3 if {taker!r} else 4)
        if {taker!r} and not {while_on}:
            assert sys.monitoring.get_events(4) == 0
        """
    )


@needs_monitoring
def test_decorated_calls_go_on_after_others_freed_the_tool_id(run):
    """It costs too much to look each time."""
    run(
        """
        import sys
        from pathlib import Path
        from edbprof_native import profile
        from prof_file import only_file

        @profile(dir=".", save_every_n_calls=0)
        def decorated(): pass

        decorated()
        sys.monitoring.free_tool_id(4)
        for _ in range(1000):
            decorated()
        profile(dir=".").save()
        # Up to 3.13 events go on after free_tool_id().
        assert 1000 - 256 < only_file(Path(".")).calls("decorated") <= 1001
        """
    )


@needs_monitoring
def test_places_that_other_tools_have_disabled_stay_disabled(run):
    """Whether our tool id is taken for the first time or again."""
    told = run(
        """
        import sys
        from edbprof_native import Profile

        def callee(): pass

        monitoring = sys.monitoring
        started = []

        def on_start(code, offset):
            if code is callee.__code__:
                started.append(code)
            return monitoring.DISABLE

        monitoring.use_tool_id(3, "other")
        monitoring.register_callback(3, monitoring.events.PY_START, on_start)
        monitoring.set_events(3, monitoring.events.PY_START)
        callee()
        for _ in range(2):
            with Profile(hook="monitoring"):
                callee()
            monitoring.free_tool_id(4)
        print(len(started), monitoring.get_tool(3))
        """
    )
    assert told.out == "1 other\n"


@needs_monitoring
def test_both_at_once(tmp_path):
    """Each has everything, once."""
    recorded = {hook: Profile(hook=hook) for hook in HOOKS}

    def callee():
        pass

    def program():
        callee()
        with recorded["monitoring"]:
            callee()
            sum(len(x) for x in "abc")
        callee()

    with recorded["setprofile"]:
        program()
        with recorded["monitoring"]:
            program()
    assert sys.getprofile() is None
    for hook, profile_ in recorded.items():
        profile_.save(tmp_path / hook)
    files = {hook: ProfFile(tmp_path / hook) for hook in HOOKS}
    assert files["setprofile"].calls("callee") == 6
    assert files["monitoring"].calls("callee") == 4  # one after the inner block has ended
    for file in files.values():
        assert file.calls("<genexpr>") == 2
        assert file.resumes("<genexpr>") == 6


@needs_monitoring
@pytest.mark.parametrize("hook", HOOKS)
def test_only_the_threads_that_record(hook, tmp_path):
    """Events come to all threads; who records nothing shows in no file."""
    recorded = Profile(hook=hook)

    def silent():
        pass

    def loud():
        pass

    def other():
        silent()
        handshake.wait()
        silent()
        handshake.wait()

    handshake = threading.Barrier(2)
    thread = threading.Thread(target=other)
    with recorded:
        thread.start()
        handshake.wait()
        loud()
        handshake.wait()
    thread.join()
    recorded.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    assert file.calls("loud") == 1
    assert "silent" not in file.names()
    assert len(file.threads) == 1


# ---- interpreters --------------------------------------------------------------------


@needs_monitoring
def test_in_subinterpreters(run):
    """Monitoring is an interpreter's own."""
    told = run(
        """
        import sys
        try:
            import _interpreters as interpreters
            one, execute = interpreters.create("legacy"), interpreters.exec
        except ImportError:
            import _xxsubinterpreters as interpreters
            one, execute = interpreters.create(isolated=False), interpreters.run_string
        from edbprof_native import Profile
        from prof_file import ProfFile

        code = f'''if True:
            import sys
            sys.path[:] = {sys.path!r}
            from edbprof_native import Profile
            from prof_file import ProfFile
            def inner(): pass
            def outer(): inner()
            for hook in ("monitoring", "setprofile"):
                with Profile(hook=hook) as recorded:
                    outer()
                    outer()
                recorded.save("sub.prof")
                file = ProfFile("sub.prof")
                print(file.process["hook"], *file.paths().values())
        '''
        def callee(): pass

        with Profile() as recorded:
            callee()
            execute(one, code)
            callee()
            interpreters.destroy(one)
            callee()
        recorded.save("main.prof")
        assert ProfFile("main.prof").calls("callee") == 3
        assert ProfFile("main.prof").calls("outer") == 0
        """
    )
    assert told.out.splitlines() == ["monitoring 2 2", "setprofile 2 2"]


@pytest.mark.parametrize("hook", HOOKS)
def test_shutdown_while_recording(run, hook):
    """In the main thread and in daemon threads, whose end nobody waits for."""
    run(
        f"""
        import threading
        from edbprof_native import Profile

        def callee(): pass

        def forever(recorded):
            recorded.enable()
            started.release()
            while True:
                callee()

        class Finalized:
            def __del__(self, callee=callee):  # Without the GIL, the global is gone.
                callee(), len("x")

        started = threading.Semaphore(0)
        for _ in range(3):
            threading.Thread(target=forever, args=(Profile(hook="{hook}"),), daemon=True).start()
            started.acquire()
        kept = Finalized(), Profile(hook="{hook}")
        kept[1].enable()
        callee()
        """
    )
