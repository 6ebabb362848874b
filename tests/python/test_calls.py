"""Calls and returns as the recorder sees them: the tree must be what the program did."""

from __future__ import annotations

import sys
import threading

import pytest


def test_direct_recursion_makes_a_node_a_level(record):
    def down(n):
        return n and down(n - 1)

    file = record(lambda: (down(3), down(1)))
    assert file.paths() == {
        ("<lambda>",): 1,
        ("<lambda>", "down"): 2,
        ("<lambda>", "down", "down"): 2,
        ("<lambda>", "down", "down", "down"): 1,
        ("<lambda>", "down", "down", "down", "down"): 1,
    }
    (row,) = (row for label, row in file.rows.items() if label[2] == "down")
    assert row[:2] == (2, 6)


def test_mutual_recursion(record):
    def even(n):
        return True if n == 0 else odd(n - 1)

    def odd(n):
        return False if n == 0 else even(n - 1)

    file = record(lambda: even(4))
    longest = ("<lambda>", "even", "odd", "even", "odd", "even")
    assert file.paths() == {longest[:length]: 1 for length in range(1, 7)}


def test_exception_closes_every_frame_it_passes(record):
    def catching():
        try:
            passing(3)
        except KeyError:
            after()

    def passing(n):
        if n:
            passing(n - 1)
        {}["missing"]

    def after():
        pass

    file = record(catching)
    down = ("catching",) + ("passing",) * 4
    assert file.paths() == {
        **{down[:length]: 1 for length in range(1, 6)},
        ("catching", "after"): 1,
    }


def test_exception_that_leaves_the_recorded_block(record):
    def failing():
        raise ValueError

    def outer():
        failing()

    file = record(outer, raises=ValueError)
    assert file.paths() == {("outer",): 1, ("outer", "failing"): 1}


def test_c_functions_returning_and_raising(record):
    def program():
        len("abc")
        try:
            int("x", base=99)
        except ValueError:
            pass
        try:
            len(5)
        except TypeError:
            pass
        [].append(1)
        try:
            [].pop()
        except IndexError:
            pass
        after()

    def after():
        pass

    paths = record(program).paths()
    assert paths.pop(("program",)) == 1
    assert paths == {
        ("program", "<built-in method builtins.len>"): 2,
        ("program", "<method 'append' of 'list' objects>"): 1,
        ("program", "<method 'pop' of 'list' objects>"): 1,
        ("program", "after"): 1,
    }


def test_python_called_by_c_stands_under_it(record):
    def key(x):
        return -x

    def boom(x):
        raise LookupError

    def program():
        sorted([1, 2, 3], key=key)
        list(map(key, [1, 2]))
        try:
            sorted([1, 2], key=boom)
        except LookupError:
            after()

    def after():
        pass

    paths = record(program).paths()
    call_sorted = ("program", "<built-in method builtins.sorted>")
    assert paths[call_sorted] == 2
    assert paths[call_sorted + ("key",)] == 3
    assert paths[call_sorted + ("boom",)] == 1
    # list() and map() are types: no profile function hears of them (DESIGN 3.11).
    assert paths[("program", "key")] == 2
    assert paths[("program", "after")] == 1


def test_builtins_can_be_left_out(record):
    def key(x):
        return -x

    def program():
        sorted([1, 2, 3], key=key)

    file = record(program, builtins=False)
    assert file.paths() == {("program",): 1, ("program", "key"): 3}


def test_switched_on_in_the_middle_of_a_stack(tmp_path):
    """Returns of frames that were entered before are nobody's."""
    from edbprof_native import Profile
    from prof_file import ProfFile

    profile = Profile()

    def outer():
        middle()
        callee("after middle")

    def middle():
        inner()
        callee("after inner")

    def inner():
        profile.enable()
        callee("inside")

    def callee(_):
        pass

    outer()
    profile.disable()
    profile.save(tmp_path / "x.prof")
    assert ProfFile(tmp_path / "x.prof").paths() == {("callee",): 3}


def test_switched_off_in_the_middle_of_a_stack(tmp_path):
    from edbprof_native import Profile
    from prof_file import ProfFile

    profile = Profile()

    def outer():
        inner()
        callee()

    def inner():
        callee()
        profile.disable()
        callee()

    def callee():
        pass

    for _ in range(2):
        profile.enable()
        outer()
    profile.save(tmp_path / "x.prof")
    assert ProfFile(tmp_path / "x.prof").paths() == {
        ("outer",): 2,
        ("outer", "inner"): 2,
        ("outer", "inner", "callee"): 2,
    }


def test_sys_exit_in_a_recorded_call(run, tmp_path):
    """The file is written at exit, and so is what ran up to the SystemExit."""
    from prof_file import only_file

    run(
        """
        import sys
        from edbprof_native import profile

        def leave():
            sys.exit(7)

        @profile(dir=sys.argv[1], save_every_n_calls=0)
        def main():
            leave()

        main()
        """,
        tmp_path,
        code=7,
    )
    assert only_file(tmp_path).paths() == {
        ("main",): 1,
        ("main", "leave"): 1,
        ("main", "leave", "<built-in method sys.exit>"): 1,
    }


def test_recursion_50000_deep(run, tmp_path):
    from prof_file import ProfFile

    run("deep_recursion.py", 50_000, tmp_path / "deep.prof")
    file = ProfFile(tmp_path / "deep.prof")
    assert file.calls("down") == 50_001
    (deepest,) = (node for node in file.nodes if node.depth == 50_002)
    assert set(deepest.names[1:]) == {"down"}
    (row,) = (row for label, row in file.rows.items() if label[2] == "down")
    assert row[:2] == (1, 50_001)
    assert sum(node.self_time for node in file.nodes) == file.nodes[0].total


def test_recursion_error_is_survived(record):
    def forever():
        forever()

    def program():
        for _ in range(2):
            try:
                forever()
            except RecursionError:
                after()

    def after():
        pass

    file = record(program)
    assert file.calls("after") == 2
    assert file.calls("forever") > 100
    assert [node.name for node in file.nodes if node.parent is None] == ["program"]
    assert ("program", "after") in file.paths()


def test_each_thread_has_a_tree_of_its_own(tmp_path):
    from edbprof_native import Profile
    from prof_file import ProfFile

    profile = Profile()

    def work(n):
        for _ in range(n):
            step()

    def step():
        pass

    def thread(n):
        with profile:
            work(n)

    for n in (3, 5):
        started = threading.Thread(target=thread, args=(n,), name=f"worker {n}")
        started.start()
        started.join()
    thread(7)
    profile.save(tmp_path / "x.prof")
    file = ProfFile(tmp_path / "x.prof")
    steps = {
        thread.name: sum(node.calls for node in thread.nodes if node.name == "step")
        for thread in file.threads
    }
    assert steps == {"worker 3": 3, "worker 5": 5, "MainThread": 7}


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="inlined from 3.12 on (PEP 709)")
def test_comprehensions_are_calls(record):
    file = record(lambda: [x for x in range(3)])
    assert file.paths() == {("<lambda>",): 1, ("<lambda>", "<listcomp>"): 1}
