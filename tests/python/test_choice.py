"""Choosing while recording: the result is a full recording without what was not chosen."""

from __future__ import annotations

import random
import sys
from collections import defaultdict

import pytest
from edbprof_native import Profile, profile
from prof_file import ProfFile
from timeline_file import check_against, only_process

HOOKS = ["setprofile"] + (["monitoring"] if sys.version_info >= (3, 12) else [])
hooks = pytest.mark.parametrize("hook", HOOKS)

LEN = "<built-in method builtins.len>"
SORTED = "<built-in method builtins.sorted>"


def is_python(label):
    return label[0] != "~"


def without(nodes, is_chosen):
    """Figures by path of a full recording whose other functions were removed afterwards."""
    kept = {}
    found = defaultdict(lambda: [0, 0, 0])
    for node in nodes:
        above = node.parent and kept[id(node.parent)]
        path, in_chosen = above if above else ((), False)
        stays = is_chosen(node.label) if is_python(node.label) else in_chosen
        if stays:
            path = (*path, node.name)
            for at, value in enumerate((node.calls, node.resumes, node.total)):
                found[path][at] += value
        kept[id(node)] = (path, stays and is_python(node.label))
    return dict(found)


def figures(nodes):
    return without(nodes, lambda label: True)


def by_thread(path):
    found = defaultdict(list)
    for thread in ProfFile(path).threads:
        found[thread.name] += thread.nodes
    return found


KINDS = [
    "call",
    "call",
    "call",
    "sort",
    "iterate",
    "throw",
    "close",
    "raise",
    "catch",
    "tick",
    "len",
]


def source(seed):
    """A program of functions and generators that call each other: `c...` are chosen, `u...` not."""
    choose = random.Random(seed)
    names = [f"{kind}{number}" for kind in ("c", "u") for number in range(4)]
    generators = [f"{kind}g{number}" for kind in ("c", "u") for number in range(2)]
    lines = ["fuel = 400", "now = 0", "class Stop(Exception): pass"]

    def action(indent):
        kind = choose.choice(KINDS)
        name, generator = choose.choice(names), choose.choice(generators)
        text = {
            "call": [f"{name}(depth + 1)"],
            "sort": [f"sorted([depth, depth], key=lambda_{name})"],
            "iterate": [f"for _ in {generator}(depth + 1): now += 1"],
            "throw": [
                f"it = {generator}(depth + 1)",
                "try:",
                "    next(it); it.throw(Stop); next(it, None)",
                "except (Stop, StopIteration): now += 2",
            ],
            "close": [f"it = {generator}(depth + 1)", "next(it, None); it.close()"],
            "raise": ["if fuel % 7 == depth % 7: raise Stop"],
            "catch": ["try:", f"    {name}(depth + 1)", "except Stop: now += 5"],
            "tick": [f"now += {choose.randrange(9)}"],
            "len": ["len('x')"],
        }[kind]
        return [indent + line for line in text]

    for name in names + generators:
        lines += [f"def {name}(depth):", "    global fuel, now", "    fuel -= 1; now += 1"]
        lines.append("    if fuel < 0 or depth > 12: return 0")
        for _ in range(choose.randrange(2, 5)):
            lines += action("    ")
            if name in generators:
                lines += ["    try: yield depth", "    except Stop: now += 3"]
        lines.append("    return 0" if name in names else "    yield 0")
    for name in names:
        lines += [f"def lambda_{name}(x):", "    global now", "    now += 1"]
        lines.append(f"    return {name}(x + 1) and 0")
    lines += ["def main():", "    for name in (c0, u0, c1, u1, c2, u2):"]
    lines += ["        try: name(0)", "        except Stop: pass"]
    return "\n".join(lines)


def is_chosen(label):
    return label[2].startswith(("c", "lambda_c"))


PATTERNS = ["c*", "lambda_c*"]


@hooks
@pytest.mark.parametrize("by_timer", [False, True])
@pytest.mark.parametrize("seed", range(40))
def test_a_choice_is_the_full_recording_without_the_rest(hook, by_timer, seed, tmp_path):
    """Recursion, generators, exceptions and callbacks of C functions; times by the timer exact."""
    namespace = {"__name__": "generated"}
    exec(compile(source(seed), "generated.py", "exec"), namespace)
    timer = (lambda: namespace["now"]) if by_timer else None
    full = Profile(timer, 1e-9, hook=hook)
    chosen = Profile(timer, 1e-9, hook=hook, record=PATTERNS)
    chosen_again = Profile(timer, 1e-9, hook=hook, record=PATTERNS)
    full.enable()
    chosen.enable()
    namespace["main"]()
    chosen.disable()
    full.disable()
    namespace.update(fuel=400)
    # The places of others are disabled by now.
    full_again = Profile(timer, 1e-9, hook=hook)
    full_again.enable()
    chosen_again.enable()
    namespace["main"]()
    chosen_again.disable()
    full_again.disable()
    for one, other in ((full, chosen), (full_again, chosen_again)):
        one.save(tmp_path / "full.prof")
        other.save(tmp_path / "chosen.prof")
        (expected,), (found,) = (
            list(by_thread(tmp_path / name).values()) or [[]]
            for name in ("full.prof", "chosen.prof")
        )
        expected, found = without(expected, is_chosen), figures(found)
        if not by_timer:
            for value in (*expected.values(), *found.values()):
                value[2] = 0
        assert found == expected


@hooks
@pytest.mark.parametrize("seed", range(12))
def test_a_timeline_has_the_calls_of_the_choice(hook, seed, tmp_path):
    namespace = {"__name__": "generated"}
    exec(compile(source(seed), "generated.py", "exec"), namespace)
    # The second recording finds the places of others disabled.
    for number in range(2):
        namespace.update(fuel=400)
        chosen = Profile(hook=hook, record=PATTERNS, timeline=True, live_dir=tmp_path)
        chosen.enable()
        namespace["main"]()
        chosen.disable()
        path = tmp_path / f"{number}.prof"
        chosen.save(path)
        chosen.close()
        recorded = ProfFile(path)
        assert recorded.nodes
        check_against(only_process(f"{path}.timeline"), recorded)


def test_the_programs_do_something():
    """Otherwise the test above would say nothing."""
    namespace = {"__name__": "generated"}
    exec(compile(source(1), "generated.py", "exec"), namespace)
    namespace["main"]()
    assert namespace["fuel"] < 300


def compare(tmp_path, full, chosen, is_chosen=is_chosen):
    full.save(tmp_path / "full.prof")
    chosen.save(tmp_path / "chosen.prof")
    expected, found = (by_thread(tmp_path / name) for name in ("full.prof", "chosen.prof"))
    counts = lambda some: {path: value[:2] for path, value in some.items()}  # noqa: E731
    left = {name: counts(without(nodes, is_chosen)) for name, nodes in expected.items()}
    left = {name: some for name, some in left.items() if some}
    got = {name: counts(figures(nodes)) for name, nodes in found.items() if nodes}
    assert got == left
    assert left


@hooks
def test_coroutines(hook, tmp_path):
    import asyncio

    async def c_leaf(n):
        await asyncio.sleep(0)
        return n

    async def u_middle(n):
        return await c_leaf(n) + await c_leaf(n)

    async def c_numbers():
        for n in range(3):
            yield await u_middle(n)

    async def u_main():
        async for _ in c_numbers():
            pass
        await asyncio.gather(*(u_middle(n) for n in range(3)))
        task = asyncio.ensure_future(c_leaf(1))
        await asyncio.sleep(0)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            pass

    full, chosen = Profile(hook=hook), Profile(hook=hook, record="c_*")
    for _ in range(2):
        with full, chosen:
            asyncio.run(u_main())
    names = {"c_leaf", "c_numbers"}
    compare(tmp_path, full, chosen, lambda label: label[2] in names)


@hooks
def test_threads(hook, tmp_path):
    import threading

    def c_work(n):
        return u_work(n - 1) if n else len("x")

    def u_work(n):
        return c_work(n - 1) if n else len("x")

    def target():
        for _ in range(20):
            c_work(5)
            u_work(4)

    full = Profile(hook=hook, threads=True)
    chosen = Profile(hook=hook, threads=True, record=["c_*"])
    with full, chosen:
        threads = [threading.Thread(target=target, name=f"t{n}") for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        target()
    compare(tmp_path, full, chosen, lambda label: label[2] == "c_work")


@hooks
def test_greenlets(hook, tmp_path):
    greenlet = pytest.importorskip("greenlet")

    def c_work(n):
        len("x")
        u_switch()
        return n and u_work(n - 1)

    def u_work(n):
        len("x")
        u_switch()
        return n and c_work(n - 1)

    def u_switch():
        others = [one for one in greenlets if not one.dead and one is not greenlet.getcurrent()]
        if others:
            others[0].switch(3)

    full, chosen = Profile(hook=hook), Profile(hook=hook, record="c_*")
    for _ in range(2):
        with full, chosen:
            greenlets = [greenlet.greenlet(run) for run in (c_work, u_work, c_work)]
            for one in greenlets:
                while not one.dead:
                    one.switch(3)
    compare(tmp_path, full, chosen, lambda label: label[2] == "c_work")


def test_decorated_functions(tmp_path):
    @profile(dir=tmp_path, prefix="chosen", record="c_*")
    def u_outer():
        return c_inner() + len("x")

    @profile(dir=tmp_path, prefix="chosen")
    def c_inner():
        return u_leaf()

    def u_leaf():
        return len("x") and abs(c_leaf())

    def c_leaf():
        return len("x")

    @profile(dir=tmp_path, prefix="chosen")
    def c_generator():
        yield u_leaf()

    u_outer()
    c_inner()
    list(c_generator())
    profile(dir=tmp_path, prefix="chosen").save()
    (path,) = tmp_path.glob("chosen*.prof")
    assert ProfFile(path).paths() == {
        ("c_inner",): 2,
        ("c_inner", "c_leaf"): 2,
        ("c_inner", "c_leaf", LEN): 2,
        ("c_generator",): 1,
        ("c_generator", "c_leaf"): 1,
        ("c_generator", "c_leaf", LEN): 1,
    }
    with pytest.raises(ValueError, match="another prefix"):
        profile(dir=tmp_path, prefix="chosen", record="other")
    profile(dir=tmp_path, prefix="chosen", record=["c_*"])


@hooks
def test_switched_on_in_the_middle_of_a_stack(hook, tmp_path):
    """Returns of functions that were open before, chosen or not, end nothing."""

    def c_outer(recorded):
        u_middle(recorded)
        c_leaf()

    def u_middle(recorded):
        c_inner(recorded)
        c_leaf()

    def c_inner(recorded):
        recorded.enable()
        c_leaf()

    def c_leaf():
        return len("x")

    chosen = Profile(hook=hook, record="c_*")
    c_outer(chosen)
    chosen.disable()
    chosen.save(tmp_path / "x.prof")
    assert ProfFile(tmp_path / "x.prof").paths() == {("c_leaf",): 3, ("c_leaf", LEN): 3}


@hooks
def test_without_builtins_and_changed(hook, tmp_path):
    def c_work():
        return sorted([u_key(2)], key=u_key)

    def u_key(x):
        return c_key(x) + len("x")

    def c_key(x):
        return abs(x)

    chosen = Profile(hook=hook, record="c_*", builtins=False)
    chosen.enable()
    c_work()
    chosen.enable(builtins=True)
    c_work()
    chosen.enable(builtins=False)
    c_work()
    chosen.disable()
    chosen.save(tmp_path / "x.prof")
    assert ProfFile(tmp_path / "x.prof").paths() == {
        ("c_work",): 3,
        ("c_work", "c_key"): 5,
        ("c_work", "c_key", "<built-in method builtins.abs>"): 1,
        ("c_work", SORTED): 1,
        ("c_work", SORTED, "c_key"): 1,
        ("c_work", SORTED, "c_key", "<built-in method builtins.abs>"): 1,
    }


@hooks
def test_patterns_that_leave_out(hook, tmp_path):
    def work():
        return helper() + len("x")

    def helper():
        return leaf()

    def leaf():
        return len("x")

    recorded = Profile(hook=hook, no_record="*:helper")
    with recorded:
        work()
    recorded.save(tmp_path / "x.prof")
    paths = ProfFile(tmp_path / "x.prof").paths()
    assert ("work", "leaf", LEN) in paths and ("work", LEN) in paths
    assert not any("helper" in path for path in paths)


def test_wrong_patterns():
    for wrong in ("", [""], ["a", ""]):
        with pytest.raises(ValueError, match="empty pattern"):
            Profile(record=wrong)
    with pytest.raises(TypeError):
        Profile(record=[1])
    with pytest.raises(TypeError):
        Profile(no_record=3)


def test_mine(run, tmp_path):
    """Neither the standard library nor packages nor what is frozen; generated code by its module."""
    package = tmp_path / "site-packages" / "installed"
    package.mkdir(parents=True)
    package.joinpath("__init__.py").write_text("def installed(f):\n    return f()\n")
    run(
        """
    import sys
    sys.path.insert(0, "site-packages")
    from edbprof_native import Profile
    from prof_file import ProfFile
    import dataclasses, json, installed

    @dataclasses.dataclass
    class Point:
        x: int

    def own():
        return json.loads("[1]", object_hook=own_hook), json.loads('{"a": 1}', object_hook=own_hook)

    def own_hook(found):
        return Point(1)

    recorded = Profile(record="mine")
    with recorded:
        own()
        installed.installed(own)
        exec("def generated(): pass\\ngenerated()", {})
        import importlib.util
    recorded.save("x.prof")
    paths = ProfFile("x.prof").paths()
    python = {path: calls for path, calls in paths.items() if not path[-1].startswith("<built")}
    called = "<built-in method builtins.exec>"
    expected = {
        ("own",): 2,
        ("own", "own_hook"): 2,
        ("own", "own_hook", "__init__"): 2,
        (called, "<module>"): 1,
        (called, "<module>", "generated"): 1,
    }
    assert python == expected, python
        """
    )


def test_nothing_is_imported(run):
    run(
        """
    import sys
    from edbprof_native import Profile
    Profile().close()
    before = set(sys.modules)
    Profile(record=["mine", "json.*"]).close()
    assert set(sys.modules) == before, set(sys.modules) - before
        """
    )
