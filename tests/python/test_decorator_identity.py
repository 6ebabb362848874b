"""A decorated function looks, pickles, copies and is collected as the function does."""

from __future__ import annotations

import asyncio
import copy
import functools
import inspect
import pickle
import types
import typing
import weakref

import pytest
from edbprof_native import profile
from prof_file import only_file

decorate = profile(prefix="identity_", save_every_n_calls=0)


def undecorated(a: int, b: str = "x", *c: float, d: list, **e: dict) -> typing.Optional[int]:
    """A docstring.

    With paragraphs.
    """
    return a


undecorated.attribute = object()


@decorate
def decorated(a: int, *, b: str = "x") -> bool:
    """Of the module."""
    return bool(a)


async def coroutine_function():
    pass


def generator_function():
    yield


async def async_generator_function():
    yield


@types.coroutine
def iterable_coroutine_function():
    yield


ALL_KINDS = [
    undecorated,
    coroutine_function,
    generator_function,
    async_generator_function,
    iterable_coroutine_function,
]


class Class:
    @decorate
    def method(self, x):
        """Doc of the method."""
        return self, x

    @decorate
    @staticmethod
    def static_inside(x):
        return x

    @staticmethod
    @decorate
    def static_outside(x):
        return x

    @decorate
    @classmethod
    def class_inside(cls, x):
        return cls, x

    @classmethod
    @decorate
    def class_outside(cls, x):
        return cls, x

    @property
    @decorate
    def a_property(self):
        return self

    @decorate
    async def coroutine(self):
        return self

    def __eq__(self, other):
        return type(other) is Class

    class Nested:
        @decorate
        def method(self):
            return "nested"

        def __eq__(self, other):
            return True


class Derived(Class):
    def method(self, x):
        return "derived", super().method(x)


@pytest.mark.parametrize("function", ALL_KINDS, ids=lambda f: f.__name__)
def test_attributes(function):
    wrapped = decorate(function)
    names = set(dir(function)) | {"__annotations__", "__dict__"}
    own = {"__call__", "__get__", "__reduce_ex__", "__init__", "__delattr__", "__setattr__"}
    for name in names - own:
        expected, found = getattr(function, name), getattr(wrapped, name)
        if not isinstance(expected, (types.MethodWrapperType, types.BuiltinMethodType)):
            assert found is expected or found == expected, name
    assert set(dir(wrapped)) >= set(dir(function))
    assert wrapped.__wrapped__ is function
    assert repr(wrapped) == repr(function)
    assert isinstance(wrapped, types.FunctionType)
    assert wrapped.__class__ is types.FunctionType


PREDICATES = [
    predicate
    for name, predicate in vars(inspect).items()
    if name.startswith("is") and inspect.isfunction(predicate) and name != "iskeyword"
] + [asyncio.iscoroutinefunction, callable]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("function", ALL_KINDS, ids=lambda f: f.__name__)
def test_inspect_says_the_same(function):
    wrapped = decorate(function)
    for predicate in PREDICATES:
        assert predicate(wrapped) == predicate(function), predicate.__name__
    for ask in (
        inspect.signature,
        inspect.getfullargspec,
        inspect.getsource,
        inspect.getdoc,
        inspect.getmodule,
        inspect.unwrap,
        inspect.getfile,
        typing.get_type_hints,
    ):
        assert ask(wrapped) == ask(function), ask.__name__


def test_bound_methods_say_the_same():
    class Plain:
        def method(self, x):
            """Doc of the method."""

    ours, theirs = Class().method, Plain().method
    assert inspect.ismethod(ours) and inspect.isroutine(ours)
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert ours.__doc__ == theirs.__doc__
    assert ours.__name__ == "method"
    assert ours.__qualname__ == "Class.method"
    assert repr(ours).startswith("<bound method Class.method of ")


def test_setting_attributes_sets_the_functions():
    def function():
        pass

    wrapped = decorate(function)
    wrapped.attribute = 5
    wrapped.__doc__ = "new"
    wrapped.__name__ = "renamed"
    assert (function.attribute, function.__doc__, function.__name__) == (5, "new", "renamed")
    del wrapped.attribute
    with pytest.raises(AttributeError):
        wrapped.attribute
    with pytest.raises(TypeError):
        wrapped.__name__ = 5


def test_methods_of_all_sorts():
    instance = Class()
    assert instance.method(1) == (instance, 1)
    assert Class.method(instance, 1) == (instance, 1)
    assert Class.static_inside(2) == instance.static_inside(2) == 2
    assert Class.static_outside(2) == instance.static_outside(2) == 2
    assert Class.class_inside(3) == instance.class_inside(3) == (Class, 3)
    assert Class.class_outside(3) == instance.class_outside(3) == (Class, 3)
    assert Derived().class_outside(3) == (Derived, 3)
    assert Derived.class_inside(3) == (Derived, 3)
    assert instance.a_property is instance
    assert asyncio.run(instance.coroutine()) is instance
    assert Derived().method(1)[0] == "derived"
    assert isinstance(vars(Class)["static_inside"], staticmethod)
    assert isinstance(vars(Class)["class_inside"], classmethod)


def test_methods_are_recorded(tmp_path):
    decorator = profile(dir=tmp_path, save_every_n_calls=0)

    class Recorded:
        @decorator
        def method(self):
            pass

        @decorator
        @staticmethod
        def static_inside():
            pass

        @staticmethod
        @decorator
        def static_outside():
            pass

        @decorator
        @classmethod
        def class_inside(cls):
            pass

        @classmethod
        @decorator
        def class_outside(cls):
            pass

        @decorator
        def __call__(self):
            pass

    instance = Recorded()
    names = ["method", "static_inside", "static_outside", "class_inside", "class_outside"]
    for name in names:
        getattr(instance, name)()
    instance()
    decorator.save()
    assert only_file(tmp_path).paths() == {(name,): 1 for name in names + ["__call__"]}


def test_without_parentheses(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    run(
        """
        import asyncio
        from edbprof_native import profile

        @profile
        def function(argument):
            "A docstring."
            return argument

        @profile
        async def coroutine(): pass

        class Class:
            @profile
            def method(self): return self

            @profile
            @staticmethod
            def static(): pass

            @classmethod
            @profile
            def of_class(cls): return cls

            attribute = profile(function)

        assert function(5) == 5
        assert (function.__name__, function.__doc__) == ("function", "A docstring.")
        assert not isinstance(function, profile)
        asyncio.run(coroutine())
        instance = Class()
        assert instance.method() is instance is instance.attribute()
        assert Class.static() is None and Class.of_class() is Class
        """
    )
    names = ("function", "coroutine", "method", "static", "of_class")
    file = only_file(tmp_path)
    assert {name: file.calls(name) for name in names} == {
        "function": 2,
        "coroutine": 1,
        "method": 1,
        "static": 1,
        "of_class": 1,
    }


def test_without_parentheses_it_takes_functions_alone():
    for thing in (5, "prefix_", int, property(undecorated)):
        with pytest.raises(TypeError, match="decorates functions"):
            profile(thing)


def test_function_and_options_at_once(tmp_path):
    profile(lambda: None, dir=tmp_path)()
    assert only_file(tmp_path).calls("<lambda>") == 1
    with pytest.raises(TypeError):
        profile(undecorated, unknown=1)


def test_as_key_and_in_functools():
    assert {decorated: 1}[decorated] == 1
    assert decorated == decorated
    assert decorated != undecorated
    assert functools.partial(decorated, 0)() is False
    assert functools.lru_cache(decorated)(1) is True
    copied = functools.wraps(decorated)(lambda: None)
    assert copied.__name__ == "decorated"
    assert copied.__wrapped__ is decorated
    generic = functools.singledispatch(decorated)
    assert generic(1) is True


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol):
    def there_and_back(thing):
        return pickle.loads(pickle.dumps(thing, protocol))

    assert there_and_back(decorated) is decorated
    assert there_and_back(Class().method)(5) == (Class(), 5)
    assert there_and_back(Class.static_inside)(1) == 1
    assert there_and_back(Class.class_inside)(1) == (Class, 1)
    assert there_and_back(functools.partial(decorated, 0))() is False
    assert there_and_back([decorated, decorated])[1] is decorated
    if protocol >= 4:
        assert there_and_back(Class.Nested().method)() == "nested"
        assert there_and_back(Class.Nested.method) is Class.Nested.method


def test_pickle_holds_the_name_alone():
    """So that it can be read where the function is not decorated."""
    assert pickle.dumps(decorated) == pickle.dumps(stand_in(decorated))


def stand_in(function):
    """An undecorated function under the same name, that pickle takes for it."""
    replaced = types.FunctionType(function.__code__, globals(), function.__name__)
    globals()[function.__name__] = replaced
    replaced.__qualname__ = function.__qualname__
    try:
        pickle.dumps(replaced)
        return replaced
    finally:
        restore.append((function.__name__, function))


restore: list = []


@pytest.fixture(autouse=True)
def restored():
    yield
    while restore:
        name, function = restore.pop()
        globals()[name] = function


def test_local_functions_do_not_pickle():
    local = decorate(lambda: None)
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(local)


def test_copy_is_itself():
    assert copy.copy(decorated) is decorated
    assert copy.deepcopy([decorated])[0] is decorated


def test_weak_references():
    def function():
        pass

    wrapped = decorate(function)
    seen = []
    reference = weakref.ref(wrapped, seen.append)
    assert reference() is wrapped
    del wrapped
    assert reference() is None
    assert seen == [reference]
