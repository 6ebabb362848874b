"""`tracing_singledispatch`: which generic function it was, in files and sidecars."""

from __future__ import annotations

import functools
import inspect
import pickle
import pickletools
import sys
import threading

import pytest
from edbprof_native import profile, tracing_singledispatch
from prof_file import files, only_file

WRAPPER, DISPATCH = 1, 2
SLOWNESS = 0xFF00  # Of the function's instructions, on Python 3.11.


@pytest.fixture
def patched():
    tracing_singledispatch.patch_functools()
    yield
    tracing_singledispatch.unpatch_functools()


def existing(value):
    """A generic function that was there before."""
    return "object"


existing_default = existing
existing = functools.singledispatch(existing)


@existing.register(int)
def existing_int(value):
    return "int"


def make_generic():
    @functools.singledispatch
    def made(value):
        """Doc."""
        return "object"

    @made.register(int)
    def made_int(value):
        return "int"

    @made.register(list)
    def made_list(value):
        return [made(item) for item in value]

    return made


def label(function):
    code = function.__code__
    return code.co_filename, code.co_firstlineno, code.co_name


def recorded(tmp_path, function):
    decorate = profile(dir=tmp_path, save_every_n_calls=0)
    decorate(function)()
    decorate.save()
    return only_file(tmp_path)


def sidecar(tmp_path):
    (path,) = files(tmp_path, "*.singledispatch")
    data = path.read_bytes()
    # Data only: what names a class or calls something would be an attack on its reader.
    harmful = {"GLOBAL", "STACK_GLOBAL", "REDUCE", "INST", "OBJ", "NEWOBJ", "BUILD"}
    assert not {opcode.name for opcode, _, _ in pickletools.genops(data)} & harmful
    return pickle.loads(data)


def first_caller():
    existing(1)
    existing(2)
    existing("text")


def second_caller():
    existing(3)


def flags_by_name(file):
    return {function[4]: function[1] & ~SLOWNESS for function in file.functions}


def test_wrappers_are_flagged_patched_or_not(tmp_path):
    file = recorded(tmp_path, first_caller)
    flags = flags_by_name(file)
    assert flags["wrapper"] == WRAPPER
    assert flags["dispatch"] == DISPATCH
    assert flags["existing_int"] == flags["first_caller"] == 0
    assert file.calls("wrapper") == file.calls("dispatch") == 3
    assert files(tmp_path, "*.singledispatch") == []


def test_methods_wrappers_are_flagged(tmp_path):
    class Class:
        @functools.singledispatchmethod
        def method(self, value):
            return "object"

        @method.register(int)
        def _(self, value):
            return "int"

    file = recorded(tmp_path, lambda: Class().method(5))
    flags = flags_by_name(file)
    assert flags["__call__" if sys.version_info >= (3, 14) else "_method"] == WRAPPER


def test_sidecar_says_who_reached_what_through_which(tmp_path, patched):
    def both():
        first_caller()
        second_caller()

    file = recorded(tmp_path, both)
    assert sidecar(tmp_path) == {
        label(existing_default): {
            label(first_caller): {label(existing_int): 2, label(existing_default): 1},
            label(second_caller): {label(existing_int): 1},
        }
    }
    generics = [function[7] for function in file.functions if function[1] & WRAPPER]
    assert generics == [label(existing_default)]
    (path,) = files(tmp_path, "*.singledispatch")
    assert path.name == file.path.name + ".singledispatch"


def test_generics_made_while_patched(tmp_path, patched):
    made = make_generic()

    def caller():
        return made([1, "x", [2]])

    recorded(tmp_path, caller)
    default = made.dispatch(object)
    made_int, made_list = made.dispatch(int), made.dispatch(list)
    counts = sidecar(tmp_path)[label(default)]
    assert counts.pop(label(caller)) == {label(made_list): 1}
    # Up to 3.11 it is a comprehension in made_list that calls, from 3.12 on itself.
    (by_list,) = counts.values()
    assert by_list == {label(made_int): 2, label(default): 1, label(made_list): 1}


def test_generic_recursion_stands_under_real_callers(tmp_path, patched):
    made = make_generic()
    file = recorded(tmp_path, lambda: made([1]))
    assert file.calls("wrapper") == 2
    assert file.calls("made_int") == file.calls("made_list") == 1


def test_different_generics_do_not_share_a_function(tmp_path, patched):
    one, other = make_generic(), make_generic()
    assert one.__code__ is not other.__code__
    assert one.__code__ == other.__code__ == existing.__code__


def test_patching_twice_is_patching_once(tmp_path):
    try:
        tracing_singledispatch.patch_functools()
        code = existing.__code__
        tracing_singledispatch.patch_functools()
        assert existing.__code__ is code
        recorded(tmp_path, first_caller)
        assert sum(sidecar(tmp_path)[label(existing_default)][label(first_caller)].values()) == 3
    finally:
        tracing_singledispatch.unpatch_functools()
        tracing_singledispatch.unpatch_functools()


def test_no_sidecars_after_unpatching(tmp_path):
    tracing_singledispatch.patch_functools()
    tracing_singledispatch.unpatch_functools()
    recorded(tmp_path, first_caller)
    assert files(tmp_path, "*.singledispatch") == []
    assert make_generic().__code__ is make_generic().__code__


def test_patching_and_unpatching_from_many_threads():
    """While others make and call generic functions."""
    failures = []

    def repeat(action):
        try:
            for _ in range(200):
                action()
        except Exception as error:
            failures.append(error)

    def use():
        made = make_generic()
        assert (made(1), made([1, "x"]), existing(1)) == ("int", ["int", "object"], "int")

    actions = [
        tracing_singledispatch.patch_functools,
        tracing_singledispatch.unpatch_functools,
        use,
    ]
    threads = [threading.Thread(target=repeat, args=(action,)) for action in actions * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tracing_singledispatch.unpatch_functools()
    assert failures == []
    assert make_generic().__code__ is make_generic().__code__
    tracing_singledispatch.patch_functools()
    assert make_generic().__code__ is not make_generic().__code__
    tracing_singledispatch.unpatch_functools()


def test_a_generic_function_that_another_thread_is_just_making():
    made = make_generic()
    wrapped = made.__dict__.pop("__wrapped__")
    code = made.__code__
    tracing_singledispatch.patch_functools()
    try:
        assert made.__code__ is code
    finally:
        tracing_singledispatch.unpatch_functools()
    made.__wrapped__ = wrapped
    assert made(1) == "int"


def test_patching_in_the_middle_of_a_recording(tmp_path):
    """What was called before goes by its wrapper's name, nothing is lost."""
    decorate = profile(dir=tmp_path, save_every_n_calls=0)
    decorate(first_caller)()
    try:
        tracing_singledispatch.patch_functools()
        decorate(first_caller)()
        decorate.save()
        total = sum(
            count
            for callers in sidecar(tmp_path).values()
            for implementations in callers.values()
            for count in implementations.values()
        )
        assert total == 6
        assert only_file(tmp_path).calls("wrapper") == 6
    finally:
        tracing_singledispatch.unpatch_functools()


def test_functools_stays_what_it_is(patched):
    singledispatch = functools.singledispatch
    assert singledispatch.__name__ == "singledispatch"
    assert singledispatch.__module__ == "functools"
    assert str(inspect.signature(singledispatch)) == "(func)"
    assert "Single-dispatch generic function decorator" in singledispatch.__doc__
    assert pickle.loads(pickle.dumps(singledispatch)) is singledispatch


def test_the_very_same_object_stays(run):
    """Whoever imported the decorator before is patched, too."""
    run(
        """
        from functools import singledispatch
        from edbprof_native import tracing_singledispatch
        import functools
        tracing_singledispatch.patch_functools()
        assert functools.singledispatch is singledispatch
        one, other = singledispatch(lambda x: 1), singledispatch(func=lambda x: 2)
        assert one.__code__ is not other.__code__
        assert (one(0), other(0)) == (1, 2)
        """
    )


def test_generics_behave_as_ever(patched):
    made = make_generic()
    assert made(5) == "int" and made(True) == "int" and made(None) == "object"
    assert made.registry[int] is made.dispatch(bool)
    assert made.__wrapped__ is made.dispatch(object) is made.registry[object]
    assert (made.__name__, made.__doc__) == ("made", "Doc.")
    assert str(inspect.signature(made)) == "(value)"
    made.register(str, lambda value: "str")
    assert made("x") == "str"
    with pytest.raises(TypeError, match="requires at least"):
        made()
    assert pickle.loads(pickle.dumps(existing)) is existing
    assert functools.singledispatch(len)([1, 2]) == 2
    assert functools.singledispatch(functools.partial(max, 1))(5) == 5


def test_errors_are_the_same(patched):
    outcomes = []
    for _ in range(2):
        for bad in (None, 5, "text"):
            with pytest.raises(Exception) as caught:
                functools.singledispatch(bad)(1)
            outcomes.append((caught.type, str(caught.value)))
        tracing_singledispatch.unpatch_functools()
    assert outcomes[:3] == outcomes[3:]


def test_counts_are_the_same_patched_or_not(tmp_path):
    def counts(directory):
        directory.mkdir()
        return recorded(directory, first_caller).paths()

    plain = counts(tmp_path / "plain")
    tracing_singledispatch.patch_functools()
    try:
        assert counts(tmp_path / "patched") == plain
    finally:
        tracing_singledispatch.unpatch_functools()


def test_workers_write_sidecars(run, tmp_path, monkeypatch):
    monkeypatch.setenv("JOBS_DIRECTORY", str(tmp_path))
    run(
        """
        import functools, multiprocessing, os
        from edbprof_native import profile, tracing_singledispatch
        tracing_singledispatch.patch_functools()

        @functools.singledispatch
        def generic(value): pass

        @profile(dir=os.environ["JOBS_DIRECTORY"], save_every_n_calls=0)
        def job(n):
            generic(n)

        if __name__ == "__main__":
            pool = multiprocessing.get_context("fork").Pool(2)
            pool.map(job, range(10), chunksize=1)
            pool.close()
            pool.join()
        """
    )
    total = 0
    for path in files(tmp_path, "*.singledispatch"):
        for callers in pickle.loads(path.read_bytes()).values():
            total += sum(sum(counts.values()) for counts in callers.values())
    assert total == 10
