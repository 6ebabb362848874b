"""Callables written in C that are neither builtins nor methods of types.

`sys.monitoring` reports each call, PyEval_SetProfile those of builtins alone.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import sys
import types
import weakref

import pytest
from edbprof_native import Profile
from extensions import build, load

pytestmark = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="PyEval_SetProfile reports no such call"
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    """Directory of the built extensions."""
    for needed in ("Cython", "nanobind", "pybind11"):
        pytest.importorskip(needed)
    return build("native_ext", tmp_path_factory.mktemp("native_ext"))


@pytest.fixture(scope="module")
def made(directory):
    """The built extensions, where programs import them from: each is in sys.modules."""
    names = ("cybound", "nanobound", "pybound")
    modules = types.SimpleNamespace(**{name: load(name, directory) for name in names})
    sys.modules.update(vars(modules))
    yield modules
    for name in names:
        del sys.modules[name]


def rows(function, *arguments, **options):
    """Calls and callers of what `function` calls, once everything is known and once anew."""
    function(*arguments)
    profiler = Profile(live_dir="", **options)
    with profiler:
        function(*arguments)
        function(*arguments)
    profiler.create_stats()
    own = ("<lambda>", "__exit__", function.__name__)
    return {
        label[2]: (row[1], [caller[2] for caller in row[4]])
        for label, row in profiler.stats.items()
        if label[2] not in own
    }


def of(label, caller="<lambda>"):
    return {label: (2, [caller])}


#: Expression of `made`, and the names that its call is recorded by.
CASES = {
    "pybound.add(1)": "<built-in method pybound.add>",
    "pybound.add(x=1)": "<built-in method pybound.add>",
    "pybound.add(*one)": "<built-in method pybound.add>",
    "pybound.Adder.of(1)": "<built-in method pybound.of>",
    "pybound_adder.add(1)": "<method 'add' of 'pybound.Adder' objects>",
    "pybound_adder.add('')": "<method 'add' of 'pybound.Adder' objects>",
    "pybound.Adder.add(pybound_adder, 1)": "<method 'add' of 'pybound.Adder' objects>",
    "pybound_bound(1)": "<method 'add' of 'pybound.Adder' objects>",
    "pybound_adder(1)": "<method '__call__' of 'pybound.Adder' objects>",
    "nanobound.add(1)": "<nb_func nanobound.add>",
    "nanobound.add(x=1)": "<nb_func nanobound.add>",
    "nanobound.add(*one)": "<nb_func nanobound.add>",
    "nanobound.Adder.of(1)": "<nb_func nanobound.Adder.of>",
    "nanobound_adder.add(1)": "<nb_method nanobound.Adder.add>",
    "nanobound.Adder.add(nanobound_adder, 1)": "<nb_method nanobound.Adder.add>",
    "nanobound_bound(1)": "<nb_method nanobound.Adder.add>",
    "nanobound_bound(*one)": "<nb_method nanobound.Adder.add>",
    "nanobound_adder(1)": "<nb_method nanobound.Adder.__call__>",
    "cybound.add(1)": "<cyfunction cybound.add>",
    "cybound.add(*one)": "<cyfunction cybound.add>",
    "cybound.cpdef_add(1)": "<cyfunction cybound.cpdef_add>",
    "cybound_inner(1)": "<cyfunction cybound.make.<locals>.inner>",
    "cybound_plain.add(1)": "<cyfunction cybound.Plain.add>",
    "cybound.Plain.of(1)": "<cyfunction cybound.Plain.of>",
    "cybound_adder.add(1)": "<cyfunction cybound.Adder.add>",
    "cybound.Adder.of(1)": "<cyfunction cybound.Adder.of>",
    "cybound_adder(1)": "<cybound.Adder object>",
}


@pytest.fixture(scope="module")
def names(made):
    """The variables of CASES."""
    return {
        **vars(made),
        "one": (1,),
        "pybound_adder": made.pybound.Adder(),
        "pybound_bound": made.pybound.Adder().add,
        "nanobound_adder": made.nanobound.Adder(),
        "nanobound_bound": made.nanobound.Adder().add,
        "cybound_inner": made.cybound.make(1),
        "cybound_plain": made.cybound.Plain(),
        "cybound_adder": made.cybound.Adder(),
    }


@pytest.mark.parametrize("expression", CASES)
def test_names(names, expression):
    function = eval(f"lambda: {expression}", names)
    assert rows(function) == of(CASES[expression])


@pytest.mark.parametrize("expression", CASES)
def test_names_where_functions_are_chosen(names, expression):
    function = eval(f"lambda: {expression}", names)
    assert rows(function, record="<lambda>") == of(CASES[expression])


@pytest.mark.parametrize("module", ["cybound", "nanobound", "pybound"])
def test_calls_back(made, module):
    apply = getattr(made, module).apply

    def inner():
        return 1

    found = rows(lambda: apply(lambda: apply(inner)))
    assert found.pop("inner") == (2, found_apply := [*found])
    assert found == {found_apply[0]: (4, ["<lambda>"])}


@pytest.mark.parametrize("module", ["cybound", "nanobound", "pybound"])
def test_an_exception_ends_the_call(made, module):
    fail = getattr(made, module).fail

    def swallow():
        try:
            fail()
        except ValueError:
            len("x")

    ((_, failing), (_, length)) = sorted(rows(swallow).items(), key=lambda row: "len" in row[0])
    assert failing == length == (2, ["swallow"])


def test_functions_of_one_definition_are_one(made):
    """Closures share theirs, and those of pybind11 that were freed leave their place."""
    make = made.cybound.make
    found = rows(lambda: [make(each)(1) for each in range(3)])
    assert found["<cyfunction cybound.make.<locals>.inner>"][0] == 6
    make = made.pybound.make
    found = rows(lambda: [make(each)(1) for each in range(3)])
    assert found == {
        "<built-in method pybound.make>": (6, ["<lambda>"]),
        "<built-in method >": (6, ["<lambda>"]),
    }


def test_ctypes():
    libc = ctypes.CDLL(None)
    libc.abs(1)
    assert rows(lambda: libc.abs(1)) == of("<_FuncPtr abs>")
    # The same C function, by objects that have no name.
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
    unnamed = [prototype(("abs", libc)), prototype(("toupper", libc))]
    assert rows(lambda: unnamed[0](1)) == of("<CFunctionType abs>")
    found = rows(lambda: [function(1) for function in unnamed])
    assert found == {**of("<CFunctionType abs>"), **of("<CFunctionType toupper>")}


def test_ctypes_calls_back():
    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)
    def callback(x):
        return x

    assert rows(lambda: callback(1)) == {
        **of("<CFunctionType object>"),
        "callback": (2, ["<CFunctionType object>"]),
    }


def test_cffi():
    cffi = pytest.importorskip("cffi")
    ffi = cffi.FFI()
    ffi.cdef("int abs(int); int toupper(int);")
    library = ffi.dlopen(None)
    assert rows(lambda: library.abs(1)) == of("<cdata 'int(*)(int)' abs>")
    found = rows(lambda: (library.abs(1), library.toupper(1)))
    assert set(found) == {"<cdata 'int(*)(int)' abs>", "<cdata 'int(*)(int)' toupper>"}


def test_numpy():
    numpy = pytest.importorskip("numpy")
    values = numpy.arange(3)
    assert rows(lambda: numpy.add(values, 1)) == of("<ufunc 'add'>")
    made = numpy.frompyfunc(abs, 1, 1)
    assert rows(lambda: made(values)) == of("<ufunc 'abs (vectorized)'>")
    # Functions written in C that Python code may replace; those in Python are themselves.
    assert rows(lambda: numpy.dot(values, values))["<function numpy.dot>"] == (2, ["<lambda>"])
    assert rows(lambda: numpy.sum(values))["sum"] == (2, ["<lambda>"])


def test_numba():
    numba = pytest.importorskip("numba")

    @numba.njit
    def add(x):
        return x + 1

    add(1)
    found = rows(lambda: add(1))
    assert found == of(f"<CPUDispatcher {__name__}.test_numba.<locals>.add>")


def test_bound_builtins():
    bound = types.MethodType(len, "x")
    appending = types.MethodType(list.append, [])
    assert rows(lambda: bound()) == of("<built-in method builtins.len>")
    assert rows(lambda: appending(1)) == of("<method 'append' of 'list' objects>")


def test_the_start_of_a_bound_builtin_without_an_end_is_left_out():
    """CPython reports no end where it is called with `*arguments`."""
    bound, nothing = types.MethodType(len, "x"), ()

    def inner():
        return abs(1)

    def outer():
        bound(*nothing)
        inner()

    found = rows(outer)
    assert found == {"inner": (2, ["outer"]), "<built-in method builtins.abs>": (2, ["inner"])}


class Counted:
    """An object that is called by Python code."""

    def __call__(self):
        return len("x")


def test_what_hands_a_call_on_is_left_out_unless_asked_for():
    called = functools.lru_cache(maxsize=None)(lambda x: abs(x))
    cases = {
        "<functools.partial object>": functools.partial(abs, 1),
        f"<_lru_cache_wrapper {__name__}."
        f"{test_what_hands_a_call_on_is_left_out_unless_asked_for.__name__}.<locals>.<lambda>>": (
            lambda: called(1)
        ),
        "<slot wrapper '__add__' of 'int' objects>": lambda: int.__add__(1, 2),
        "<class 'int'>": lambda: int("1"),
        f"<class '{__name__}.Counted'>": lambda: Counted(),
    }
    for label, function in cases.items():
        assert label not in rows(lambda: function())
        assert rows(lambda: function(), record_types=True)[label][0] == 2
        assert rows(lambda: function(), record_types=True, record="<lambda>")[label][0] == 2
    counted = Counted()
    for record_types in (False, True):
        found = rows(lambda: counted(), record_types=record_types)
        assert found["__call__"] == (2, ["<lambda>"])
        assert len(found) == 2


def test_recorders_beside_each_other_record_what_each_wants():
    plain, with_types = Profile(live_dir=""), Profile(live_dir="", record_types=True)
    with plain, with_types:
        int(str(len("x")))
    labels = []
    for profiler in (plain, with_types):
        profiler.create_stats()
        labels.append({label[2] for label in profiler.stats if "class" in label[2]})
    assert labels == [set(), {"<class 'int'>", "<class 'str'>"}]


def test_record_types_needs_monitoring():
    with pytest.raises(ValueError, match="record_types"):
        Profile(hook="setprofile", record_types=True)


def test_no_callable_lives_longer_because_it_was_recorded(made):
    numpy = pytest.importorskip("numpy")

    class Watched:
        pass

    def record():
        watched = Watched()
        ufunc = numpy.frompyfunc(lambda x: watched and x, 1, 1)
        closure = made.cybound.make(watched)
        with Profile(live_dir="", record_types=True) as profiler:
            ufunc(1)
            with pytest.raises(TypeError):
                closure(1)
            type("Local", (Watched,), {})()
        return profiler, weakref.ref(watched)

    profiler, watched = record()
    gc.collect()
    assert watched() is None
    assert not Watched.__subclasses__()
    profiler.create_stats()


def test_names_run_no_code_of_the_program():
    """Of a class that inherits its call from C and looks attributes up in Python."""
    looked_up = []

    class Looking(ctypes._CFuncPtr):
        _flags_ = 1
        _argtypes_ = (ctypes.c_int,)
        _restype_ = ctypes.c_int

        def __getattr__(self, name):
            looked_up.append(name)
            raise AttributeError(name)

        def __repr__(self):
            looked_up.append("repr")
            return "?"

    function = Looking(("abs", ctypes.CDLL(None)))
    looked_up.clear()
    assert rows(lambda: function(1), record_types=True) == of("<Looking abs>")
    assert looked_up == []


@pytest.mark.skipif(sys.version_info < (3, 13), reason="CPython reports no bound method's start")
def test_both_hooks_agree_on_functions_of_pybind11(names):
    for expression in ("pybound.add(1)", "pybound_adder.add(1)", "pybound_bound(1)"):
        function = eval(f"lambda: {expression}", names)
        assert rows(function, hook="setprofile") == rows(function, hook="monitoring")


def test_option_of_run(edbprof_run, tmp_path):
    program = "def work():\n    int('1')\nwork()\n"
    (tmp_path / "program.py").write_text(program, encoding="utf-8")
    for options in ([], ["--record-types"]):
        edbprof_run("program.py", options=options)
        names = {label[2] for label in edbprof_run.results().rows}
        assert ("<class 'int'>" in names) == bool(options)


def test_types_that_change_while_others_call(run):
    """Without the GIL, what is found in a type may be freed at once."""
    calls = 20_000
    assert int(run("changing_types.py", calls).out) == 2 * calls
