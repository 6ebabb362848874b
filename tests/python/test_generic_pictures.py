"""Generic functions in the picture: each implementation under whoever really called it.

By a clock that is made up, with nothing patched and with everything patched: the picture
is the same, to the nanosecond.
"""

from __future__ import annotations

import functools
import subprocess

import pytest
from edbprof_native import Profile, tracing_singledispatch
from edbprof_native._program import find
from flame_graph import stacks

milliseconds = 0


def spend(time):
    global milliseconds
    milliseconds += time


@functools.singledispatch
def generic(value):
    spend(1)


@generic.register(int)
def of_int(value):
    spend(10)


@generic.register(list)
def of_list(value):
    spend(100)
    for item in value:
        generic(item)


@functools.singledispatch
def outer(value):
    spend(1000)
    return generic(value)


class Class:
    @functools.singledispatchmethod
    def method(self, value):
        spend(3)

    @method.register(int)
    def method_of_int(self, value):
        spend(30)
        generic(value)

    @functools.singledispatchmethod
    @classmethod
    def class_method(cls, value):
        spend(5)


@pytest.fixture(params=["unpatched", "patched"])
def picture(request, tmp_path):
    """What the picture of a call of `main` says: paths of names and milliseconds."""
    if request.param == "patched":
        tracing_singledispatch.patch_functools()
        request.addfinalizer(tracing_singledispatch.unpatch_functools)

    def picture(main):
        before = milliseconds
        with Profile(lambda: milliseconds, 0.001) as profile:
            main()
        profile.save(tmp_path / "x.prof")
        command = [find(), "--quiet", "--format=flamegraph", f"--out={tmp_path}/x", "x.prof"]
        subprocess.run(command, check=True, cwd=tmp_path)
        svg = (tmp_path / "x.flamegraph.svg").read_text(encoding="utf-8")
        # From 3.11 on names are qualified.
        found = {
            tuple(name.rpartition(".")[2] for name in names): width / 10**6
            for names, width in stacks(svg).items()
        }
        assert found["main",] == milliseconds - before
        return {"/".join(names): time for names, time in found.items() if names[-1] != "spend"}

    return picture


def first():
    generic(1)
    generic(2)


def second():
    generic("text")
    generic(3)


def test_callers_reach_their_own_implementations(picture):
    def main():
        first()
        second()

    assert picture(main) == {
        "main": 31,
        "main/first": 20,
        "main/first/of_int": 20,
        "main/second": 11,
        "main/second/generic": 1,
        "main/second/of_int": 10,
    }


def test_recursion_through_the_generic(picture):
    def main():
        generic([1, [2, "text"]])

    assert picture(main) == {
        "main": 221,
        "main/of_list": 221,
        "main/of_list/of_int": 10,
        "main/of_list/of_list": 111,
        "main/of_list/of_list/of_int": 10,
        "main/of_list/of_list/generic": 1,
    }


def test_generics_that_call_generics(picture):
    def main():
        outer(1)

    assert picture(main) == {"main": 1010, "main/outer": 1010, "main/outer/of_int": 10}


def test_generics_called_from_c(picture):
    def main():
        list(map(generic, [1, "text"]))
        sorted([2, 1], key=generic_key)

    def generic_key(value):
        generic(value)
        return value

    found = picture(main)
    assert found["main"] == 31
    assert (found["main/of_int"], found["main/generic"]) == (10, 1)
    (by_sorted,) = (path for path in found if path.endswith("/generic_key/of_int"))
    assert found[by_sorted] == 20
    assert "wrapper" not in " ".join(found)


def test_generic_methods(picture):
    def main():
        Class().method(1)
        Class().method("text")
        Class.class_method("text")

    assert picture(main) == {
        "main": 48,
        "main/method_of_int": 40,
        "main/method_of_int/of_int": 10,
        "main/method": 3,
        "main/class_method": 5,
    }


def test_a_generic_that_raises(picture):
    @generic.register(bytes)
    def of_bytes(value):
        spend(7)
        raise ValueError

    def main():
        for value in (b"", 1):
            try:
                generic(value)
            except ValueError:
                spend(2)

    assert picture(main) == {"main": 19, "main/of_bytes": 7, "main/of_int": 10}
