"""Which files `@profile()` makes, when, and what is in them."""

from __future__ import annotations

import errno
import os
import re
import threading

import pytest
from edbprof_native import profile
from prof_file import ProfFile, files, only_file


def callee():
    pass


def call(n):
    for _ in range(n):
        callee()


def test_no_file_before_the_first_call(run, tmp_path):
    run(
        """
        from edbprof_native import profile

        @profile(dir=".", prefix="never_")
        def never():
            pass

        profile(dir=".", prefix="never_").save()
        """
    )
    assert files(tmp_path) == []


def test_one_file_is_used_again(tmp_path):
    decorated = profile(dir=tmp_path)(call)
    for _ in range(5):
        decorated(1)
        assert len(files(tmp_path)) == 1
    profile(dir=tmp_path).save()
    assert only_file(tmp_path).paths() == {("call",): 5, ("call", "callee"): 5}


def test_name_of_the_file(tmp_path):
    decorated = profile(dir=tmp_path, prefix="a b ü", suffix=".x.prof")(call)
    decorated(1)
    (path,) = files(tmp_path, "*")
    assert re.fullmatch(rf"a b ü{os.getpid()}_[0-9a-f]{{16}}\.x\.prof", path.name)


def test_temporary_directory_is_the_default(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run(
        """
        from edbprof_native import profile
        profile()(lambda: None)()
        """
    )
    (path,) = files(tmp_path)
    assert re.fullmatch(r"edbprof_[0-9]+_[0-9a-f]{16}\.prof", path.name)
    assert ProfFile(path).calls("<lambda>") == 1


def test_nothing_else_lies_there(tmp_path):
    decorated = profile(dir=tmp_path)
    decorated(call)(1)
    decorated.save()
    assert [path.suffix for path in files(tmp_path, "*")] == [".prof"]
    (live,) = files(tmp_path, "*.live")
    assert live.name == files(tmp_path)[0].name + ".live"


def test_relative_directory_is_meant_as_it_was_then(run, tmp_path):
    (tmp_path / "there").mkdir()
    run(
        """
        import os
        from edbprof_native import profile

        @profile(dir="there")
        def main():
            pass

        os.chdir("/")
        main()
        """
    )
    assert only_file(tmp_path / "there").calls("main") == 1


def test_only_invocations_are_recorded(tmp_path):
    decorate = profile(dir=tmp_path)
    decorated = decorate(call)
    call(100)
    decorated(2)
    callee()
    call(100)
    decorate.save()
    assert only_file(tmp_path).paths() == {("call",): 1, ("call", "callee"): 2}


def test_every_call_is_recorded(tmp_path):
    """The original tool recorded the first call of a process only."""
    decorate = profile(dir=tmp_path)
    decorated = decorate(call)
    for n in range(50):
        decorated(n)
    decorate.save()
    file = only_file(tmp_path)
    assert (file.calls("call"), file.calls("callee")) == (50, sum(range(50)))


def test_same_arguments_share_one_recording(tmp_path):
    """Calling one from the other counts nothing twice."""
    inner = profile(dir=tmp_path)(call)

    @profile(dir=str(tmp_path) + "/./")
    def outer():
        inner(3)
        inner(4)

    outer()
    profile(dir=tmp_path).save()
    assert only_file(tmp_path).paths() == {
        ("outer",): 1,
        ("outer", "call"): 2,
        ("outer", "call", "callee"): 7,
    }


@pytest.mark.parametrize("different", ["prefix", "suffix", "dir"])
def test_different_arguments_each_have_all(tmp_path, different):
    """The original tool raised when two profilers were nested."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    if different == "dir":
        arguments = [{"dir": one}, {"dir": two}]
    else:
        arguments = [{"dir": one, different: "a_"}, {"dir": one, different: "b_"}]
    inner = profile(**arguments[1])(call)

    @profile(**arguments[0])
    def outer():
        callee()
        inner(3)
        callee()

    outer()
    for each in arguments:
        profile(**each).save()
    whole, part = sorted(
        (ProfFile(path) for path in files(one, "*") + files(two, "*")),
        key=lambda file: -len(file.nodes),
    )
    assert whole.paths() == {
        ("outer",): 1,
        ("outer", "callee"): 2,
        ("outer", "call"): 1,
        ("outer", "call", "callee"): 3,
    }
    assert part.paths() == {("call",): 1, ("call", "callee"): 3}


def test_stacked_decorators(tmp_path):
    @profile(dir=tmp_path, prefix="a_")
    @profile(dir=tmp_path, prefix="b_")
    def function():
        callee()

    function()
    for prefix in ("a_", "b_"):
        profile(dir=tmp_path, prefix=prefix).save()
        file = only_file(tmp_path, prefix + "*")
        assert file.paths() == {("function",): 1, ("function", "callee"): 1}


def test_save_writes_what_is_there_now(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)
    decorated = decorate(call)
    decorated(1)
    assert files(tmp_path) == []
    decorate.save()
    assert only_file(tmp_path).calls("callee") == 1
    decorated(1)
    assert only_file(tmp_path).calls("callee") == 1
    decorate.save()
    assert only_file(tmp_path).calls("callee") == 2


def test_save_inside_of_a_recorded_call(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)

    @decorate
    def outer():
        callee()
        decorate.save()
        callee()

    outer()
    file = only_file(tmp_path)
    assert file.paths() == {("outer",): 1, ("outer", "callee"): 1}
    assert file.process["ending"] == 0


def test_the_first_call_is_saved_at_once(tmp_path):
    """So that even a process that is killed has a file."""
    decorated = profile(dir=tmp_path)(call)
    decorated(1)
    assert only_file(tmp_path).calls("callee") == 1


def test_saved_after_every_nth_call(tmp_path):
    """Every n-th, unless writing has taken a hundredth of the time: the first of them is."""
    decorated = profile(dir=tmp_path, save_every_n_calls=3)(call)
    decorated(1)
    decorated(1)
    assert files(tmp_path) == []
    decorated(1)
    assert only_file(tmp_path).calls("callee") == 3


def test_nested_calls_do_not_count_for_saving(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=2)

    @decorate
    def down(n):
        return n and down(n - 1)

    down(10)
    assert files(tmp_path) == []
    down(10)
    assert only_file(tmp_path).calls("down") == 22


def test_the_shortest_interval_holds(tmp_path):
    profile(dir=tmp_path, save_every_n_calls=0)
    decorated = profile(dir=tmp_path, save_every_n_calls=100)(call)
    profile(dir=tmp_path, save_every_n_calls=2)
    profile(dir=tmp_path, save_every_n_calls=50)
    decorated(1)
    assert files(tmp_path) == []
    decorated(1)
    assert len(files(tmp_path)) == 1


def test_written_at_exit_and_finished(run, tmp_path):
    run(
        """
        import atexit
        from edbprof_native import profile

        @profile(dir=".", save_every_n_calls=0)
        def main():
            pass

        main()
        atexit.register(main)  # runs before what was registered at import
        """
    )
    file = only_file(tmp_path)
    assert file.calls("main") == 2
    assert file.process["ending"] == 1


def test_directory_that_is_missing_is_told_once(run, tmp_path):
    told = run(
        """
        from edbprof_native import profile

        @profile(dir="missing", save_every_n_calls=1)
        def main():
            return 5

        assert [main() for _ in range(10)] == [5] * 10
        """,
        err=None,
    )
    lines = told.err.splitlines()
    assert all(line.startswith("edbprof: ") and "missing" in line for line in lines)
    # After a call, that there is no live file, and at exit.
    assert ["cannot save" in line for line in lines] == [True, False, True]
    assert os.listdir(tmp_path) == [os.path.basename(tmp_path.joinpath("program_0.py"))]


def test_save_raises(tmp_path):
    decorate = profile(dir=tmp_path / "missing", save_every_n_calls=0)
    decorate(call)(1)
    with pytest.raises(FileNotFoundError) as raised:
        decorate.save()
    assert raised.value.errno == errno.ENOENT
    assert os.path.dirname(raised.value.filename) == str(tmp_path / "missing")
    (tmp_path / "missing").mkdir()
    decorate.save()
    assert only_file(tmp_path / "missing").calls("callee") == 1


def test_directory_may_be_bytes_or_a_path(tmp_path):
    for directory in (tmp_path, str(tmp_path), os.fsencode(tmp_path)):
        profile(dir=directory)(call)(1)
    profile(dir=tmp_path).save()
    assert only_file(tmp_path).calls("callee") == 3


def test_bad_arguments(tmp_path):
    bad = [
        ({"prefix": 5}, TypeError),
        ({"prefix": "a/b"}, ValueError),
        ({"suffix": "\0"}, ValueError),
        ({"dir": 5}, TypeError),
        ({"dir": "nul\0"}, ValueError),
        ({"save_every_n_calls": "1"}, TypeError),
        ({"save_every_n_calls": -1}, ValueError),
        ({"unknown": 1}, TypeError),
    ]
    for arguments, error in bad:
        with pytest.raises(error):
            profile(**arguments)
    with pytest.raises(TypeError):
        profile("prefix_")
    for thing in (5, "text", int, property(call), None):
        with pytest.raises(TypeError, match="decorates functions"):
            profile(dir=tmp_path)(thing)


def test_one_function_in_eight_threads(tmp_path):
    decorate = profile(dir=tmp_path, save_every_n_calls=7)
    decorated = decorate(call)
    together = threading.Barrier(8)

    def thread(n):
        together.wait()
        for _ in range(100):
            decorated(n)

    threads = [threading.Thread(target=thread, args=(n,), name=f"t{n}") for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    decorate.save()
    file = only_file(tmp_path)
    counted = {
        thread.name: {node.names: node.calls for node in thread.nodes} for thread in file.threads
    }
    expected = {f"t{n}": {("call",): 100, ("call", "callee"): 100 * n} for n in range(1, 8)}
    assert counted == {**expected, "t0": {("call",): 100}}


def test_two_decorators_at_once_in_two_threads(tmp_path):
    """The HOWTO's caveat (data of profilers at the same time are corrupt) is gone."""
    inside = [threading.Event(), threading.Event()]

    def work(n):
        inside[n].set()
        inside[1 - n].wait()
        call(10 + n)

    def decorated(n):
        return profile(dir=tmp_path, prefix=f"{n}_")(work)

    threads = [threading.Thread(target=decorated(n), args=(n,)) for n in (0, 1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for n in (0, 1):
        profile(dir=tmp_path, prefix=f"{n}_").save()
        file = only_file(tmp_path, f"{n}_*")
        assert file.calls("callee") == 10 + n
        assert len(file.threads) == 1


def test_functions_written_in_c(tmp_path):
    # C calls them, so the interpreter reports nothing.
    counted = profile(dir=tmp_path)(len)
    upper = profile(dir=tmp_path)(str.upper)
    assert [counted([1, 2]), counted("abc"), upper("x")] == [2, 3, "X"]
    with pytest.raises(TypeError):
        counted(1)
    profile(dir=tmp_path).save()
    assert only_file(tmp_path).paths() == {
        ("<built-in method builtins.len>",): 3,
        ("<method 'upper' of 'str' objects>",): 1,
    }


def test_function_written_in_c_within_a_recorded_call(tmp_path):
    counted = profile(dir=tmp_path, prefix="inner_")(len)

    def around():
        return counted("abc")

    assert profile(dir=tmp_path, prefix="outer_")(around)() == 3
    profile(dir=tmp_path, prefix="inner_").save()
    profile(dir=tmp_path, prefix="outer_").save()
    inner, outer = (only_file(tmp_path, f"{which}_*.prof") for which in ("inner", "outer"))
    name = "<built-in method builtins.len>"
    assert inner.paths() == {(name,): 1}
    assert outer.paths() == {("around",): 1, ("around", name): 1}
