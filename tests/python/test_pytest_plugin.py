"""`pytest --edbprof`, with the pytest that is installed and with those in EDBPROF_PYTESTS."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from edbprof_native._program import find
from prof_file import ProfFile

pytest_plugins = "pytester"

#: Directories of `pip install --target`, each with another pytest.
OTHERS = [path for path in os.environ.get("EDBPROF_PYTESTS", "").split(os.pathsep) if path]

TESTS = """
    import json, time, unittest
    import pytest

    def parse(n):
        return [json.loads("[1]") for _ in range(n)]

    @pytest.fixture
    def db():
        parse(200)
        yield 5
        parse(100)

    @pytest.fixture
    def client(db, request):
        request.addfinalizer(lambda: parse(50))
        return db

    def test_fixtures(client, tmp_path):
        parse(20)

    @pytest.mark.parametrize("n", [1, 2])
    def test_numbers(n):
        parse(n)

    class TestClass(unittest.TestCase):
        def setUp(self):
            parse(3)

        def test_method(self):
            parse(4)
"""


@pytest.fixture(params=["installed", *OTHERS], ids=lambda path: Path(path).name)
def start(request, pytester, monkeypatch):
    """Runs pytest with these arguments in a process of its own."""
    if request.param != "installed":
        monkeypatch.setenv("PYTHONPATH", request.param)
    for name in list(os.environ):
        if name.startswith(("PYTEST_XDIST", "EDBPROF")):
            monkeypatch.delenv(name)

    monkeypatch.setenv("COLUMNS", "200")

    def start(*arguments):
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)

    return start


def result(pytester, name="profile_analysis.prof"):
    return ProfFile(pytester.path / name)


def calls_below(file, *names):
    """Calls of json.loads on paths with all these names."""
    found = 0
    for node in file.nodes:
        if node.name == "loads" and set(names) <= set(node.names):
            found += node.calls
    return found


def nodeids(file):
    return {node.name for node in file.nodes if "::" in node.name}


def figures(out, name):
    """The two lines below the name of a test."""
    lines = out.splitlines()
    (at,) = (number for number, line in enumerate(lines) if line.endswith(f"  {name}"))
    return lines[at + 1].strip(), lines[at + 2].strip()


def test_a_frame_for_each_test(pytester, start):
    pytester.makepyfile(test_a=TESTS)
    ended = start("--edbprof")
    ended.assert_outcomes(passed=4)
    ended.stdout.fnmatch_lines(["=* edbprof =*", "tests *, fixtures *, collection *"])
    ended.stdout.fnmatch_lines(["wrote profile_analysis.prof, *profile_analysis.svg"])
    file = result(pytester)
    assert nodeids(file) == {
        "test_a.py::test_fixtures",
        "test_a.py::test_numbers[1]",
        "test_a.py::test_numbers[2]",
        "test_a.py::TestClass::test_method",
    }
    assert calls_below(file, "test_a.py::test_fixtures") == 370
    assert calls_below(file, "test_a.py::test_numbers[2]") == 2
    assert calls_below(file, "test_a.py::TestClass::test_method", "setUp") == 3
    test, fixtures = figures(ended.stdout.str(), "test_a.py::test_fixtures")
    assert test.startswith("test ")
    assert re.fullmatch(r"fixtures .*: .*; pytest and plugins .*", fixtures), fixtures
    assert "Warning" not in ended.stdout.str()


def test_fixtures_are_named_and_apart(pytester, start):
    pytester.makepyfile(
        test_a="""
        import time, pytest

        @pytest.fixture
        def slow():
            time.sleep(0.2)
            yield
            time.sleep(0.2)

        @pytest.fixture
        def finalized(request):
            request.addfinalizer(lambda: time.sleep(0.2))

        def setup_function(function):
            time.sleep(0.2)

        def test_it(slow, finalized):
            time.sleep(0.1)
        """
    )
    ended = start("--edbprof", "--edbprof-slowest=0")
    test, fixtures = figures(ended.stdout.str(), "test_a.py::test_it")
    assert re.fullmatch(r"test .*, of which waiting .*: time\.sleep .*", test), test
    named = {name: int(time) for name, time in re.findall(r"(\w+) (\d{3}) ms", fixtures)}
    assert named["slow"] >= 400 and named["fixtures"] >= 800, fixtures
    assert named.keys() >= {"slow", "setup_function"}, fixtures
    finalizer = "finalized" if sys.version_info >= (3, 11) else "finalizer at line 11"
    assert f"{finalizer} 2" in fixtures, fixtures


def test_results_of_single_tests(pytester, start):
    pytester.makepyfile(test_a=TESTS)
    (pytester.path / "out").mkdir()
    start("--edbprof-by-test", "--edbprof-out=out/x.svg").assert_outcomes(passed=4)
    assert calls_below(result(pytester, "out/x.prof")) == 380
    path = "out/x.tests/test_a.py"
    assert sorted(os.listdir(pytester.path / path)) == [
        "TestClass.test_method.prof",
        "test_fixtures.prof",
        "test_numbers[1].prof",
        "test_numbers[2].prof",
    ]
    single = result(pytester, f"{path}/test_numbers[2].prof")
    assert calls_below(single) == 2
    assert nodeids(single) == {"test_a.py::test_numbers[2]"}


LIMITS = """
    import json
    import pytest

    def parse(n):
        return [json.loads("[1]") for _ in range(n)]

    @pytest.fixture
    def many():
        return parse(1000)

    @pytest.mark.edbprof(max_calls={"json.*": 100, "parse": 1})
    def test_kept(many):
        parse(10)

    @pytest.mark.edbprof(max_calls={"json.loads": 20, "parse": 0})
    def test_broken():
        parse(30)

    @pytest.mark.edbprof(max_calls={"json.loads": 20})
    def test_fails_anyway():
        assert parse(30) is None

    @pytest.mark.xfail(strict=True)
    @pytest.mark.edbprof(max_calls={"json.loads": 20})
    def test_expected_to_fail():
        parse(30)

    @pytest.mark.edbprof(max_calls=3)
    def test_not_understood():
        pass
"""


def test_limits(pytester, start):
    pytester.makepyfile(test_a=LIMITS)
    ended = start("--edbprof", "--strict-markers")
    ended.assert_outcomes(passed=1, failed=3, xfailed=1)
    ended.stdout.fnmatch_lines(
        [
            '*edbprof: calls("json.loads"): at most 20, but there were 30',
            'calls("parse"): at most 0, but there were 1',
            "*assert *",
            "*max_calls of the marker edbprof must be a dict*not 3",
        ]
    )
    ended.stdout.no_fnmatch_line("*were not checked*")


def test_limits_are_not_checked_unasked(pytester, start):
    pytester.makepyfile(test_a=LIMITS, conftest="import sys\nbefore = set(sys.modules)")
    ended = start("--strict-markers", "-k", "kept or broken or understood")
    ended.assert_outcomes(passed=3)
    told = [line for line in ended.outlines if "edbprof" in line and "plugins" not in line]
    assert told == ["edbprof: limits of 3 tests were not checked; pytest --edbprof checks them"]


def test_nothing_is_imported_unasked(pytester, start):
    pytester.makepyfile(
        """
        import sys

        def test_modules():
            assert [name for name in sys.modules if name.startswith("edbprof")] == [
                "edbprof_pytest"
            ]
        """
    )
    ended = start("--strict-markers")
    ended.assert_outcomes(passed=1)
    ended.stdout.no_fnmatch_line("edbprof:*")


@pytest.mark.parametrize("options", [(), ("--edbprof",)])
def test_fixture(pytester, start, options):
    pytester.makepyfile(
        """
        import json, threading

        def test_of_threads(edbprof_calls):
            before = edbprof_calls("json.loads")
            thread = threading.Thread(target=json.loads, args=("[]",))
            thread.start()
            thread.join()
            json.loads("[]")
            assert (before, edbprof_calls("json.loads"), edbprof_calls("no_such")) == (0, 2, 0)

        def test_again(edbprof_calls):
            [len("") for _ in range(7)]
            assert edbprof_calls("builtins.len") >= 7
            assert edbprof_calls("json.loads") == 0
        """
    )
    start(*options).assert_outcomes(passed=2)


def test_baselines(pytester, start):
    text = """
        import json, pytest

        def parse():
            json.loads("[]")

        @pytest.mark.edbprof
        def test_own():
            {own}

        @pytest.mark.edbprof(max_calls=["json.*"])
        @pytest.mark.parametrize("what", ["a/b"])
        def test_chosen(what):
            {chosen}
    """

    def run(*options, own="parse()", chosen="parse()"):
        pytester.makepyfile(test_a=text.format(own=own, chosen=chosen))
        return start(*options)

    first = run("--edbprof")
    first.assert_outcomes(passed=2)
    first.stdout.fnmatch_lines(["tests without a baseline: 2; --edbprof-update writes them"])
    assert not (pytester.path / "edbprof-baselines").exists()
    run("--edbprof-update").stdout.fnmatch_lines(["wrote 2 baselines"])
    directory = pytester.path / "edbprof-baselines/test_a.py"
    own, chosen = sorted(directory.iterdir(), key=lambda path: "chosen" in path.name)
    assert own.name == "test_own.toml"
    assert re.fullmatch(r"test_chosen\[a-b\]-[0-9a-f]{8}\.toml", chosen.name)
    assert '"test_a.parse" = 1' in own.read_text()
    assert '"json.loads" = 1' in chosen.read_text()
    run("--edbprof").assert_outcomes(passed=2)
    more = run("--edbprof", own="parse(), parse()", chosen="parse(), json.loads('[]')")
    more.assert_outcomes(failed=2)
    more.stdout.fnmatch_lines(
        [
            'edbprof: calls("test_a.parse"): was 1 call, is 2 calls; *',
            "more than in edbprof-baselines/test_a.py/test_own.toml; *",
            '*calls("json.loads"): was 1 call, is 2 calls; *',
        ]
    )
    checked = subprocess.run(
        [find(), "check", f"--budget={own}", "profile_analysis.prof"],
        cwd=pytester.path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert checked.returncode == 5, checked  # Both tests together call `parse` three times.
    run("--edbprof-update", own="parse(), parse()").assert_outcomes(passed=2)
    assert '"test_a.parse" = 2' in own.read_text()
    own.write_text("nonsense")
    spoilt = run("--edbprof")
    spoilt.assert_outcomes(passed=2)
    spoilt.stdout.fnmatch_lines(["edbprof: cannot check *test_own.toml: *"])


def test_workers_of_xdist(pytester, start):
    pytest.importorskip("xdist")
    pytester.makepyfile(test_a=TESTS, test_b=LIMITS)
    ended = start("--edbprof", "-n2")
    ended.assert_outcomes(passed=5, failed=3, xfailed=1)
    ended.stdout.fnmatch_lines(["*edbprof: the slowest 5 of 9 tests*"])
    file = result(pytester)
    assert calls_below(file, "test_a.py::test_fixtures") == 370
    assert len(nodeids(file)) == 9
    assert len(file.exact["processes"]) == 3
    unasked = start("-n2")
    unasked.stdout.fnmatch_lines(["edbprof: limits of 5 tests were not checked; *"])


def test_worker_that_is_killed(pytester, start):
    pytest.importorskip("xdist")
    pytester.makepyfile(
        """
        import json, os, signal

        def test_killed():
            json.loads("[]")
            os.kill(os.getpid(), signal.SIGKILL)
        """
    )
    start("--edbprof", "-n1").assert_outcomes(failed=1)
    killed = "test_worker_that_is_killed.py::test_killed"
    assert calls_below(result(pytester), killed) == 1


ASYNC = """
    import asyncio, json, time
    import pytest, pytest_asyncio

    @pytest_asyncio.fixture
    async def adb():
        await asyncio.sleep(0.01)
        json.loads("[]")
        yield 1
        json.loads("[]")

    async def assist():
        await asyncio.sleep(0.01)
        json.loads("[]")

    @pytest.mark.asyncio
    @pytest.mark.edbprof(max_calls={"assist": 3, "json.loads": 3})
    async def test_asyncio(adb):
        await asyncio.gather(assist(), assist(), assist())

    @pytest.fixture
    def anyio_backend():
        return "asyncio"

    @pytest.fixture
    async def afixture(anyio_backend):
        time.sleep(0.05)
        yield 2

    @pytest.mark.anyio
    @pytest.mark.edbprof(max_calls={"assist": 1})
    async def test_anyio(afixture):
        await asyncio.gather(assist(), assist())
"""


def test_async_tests(pytester, start):
    pytest.importorskip("pytest_asyncio")
    pytest.importorskip("anyio")
    pytester.makepyfile(test_a=ASYNC)
    ended = start("--edbprof")
    ended.assert_outcomes(passed=1, failed=1)
    ended.stdout.fnmatch_lines(['*calls("assist"): at most 1, but there were 2'])
    file = result(pytester)
    assert calls_below(file, "test_a.py::test_asyncio", "assist") == 3
    assert calls_below(file, "test_a.py::test_asyncio", "adb") == 2
    assert calls_below(file, "test_a.py::test_anyio", "assist") == 2
    assert "fixtures" in figures(ended.stdout.str(), "test_a.py::test_anyio")[1]
    assert ": afixture " in figures(ended.stdout.str(), "test_a.py::test_anyio")[1]
    assert " adb " in figures(ended.stdout.str(), "test_a.py::test_asyncio")[1]


def test_below_edbprof_run(pytester, start, edbprof_run):
    """One recording, and the section all the same."""
    pytester.makepyfile(test_a=TESTS)
    for options in ([], ["-n2"]):
        if options:
            pytest.importorskip("xdist")
        done = edbprof_run(
            "-m", "pytest", "--edbprof", *options, str(pytester.path), env=dict(os.environ)
        )
        assert done.returncode == 0, done
        assert "edbprof run writes the profile" in done.stdout
        assert "test_a.py::test_fixtures" in done.stdout
        assert "Warning" not in done.stdout
        file = edbprof_run.results()
        name = next(name for name in nodeids(file) if name.endswith("::test_fixtures"))
        assert calls_below(file, name) == 370
    assert not list(pytester.path.glob("profile_analysis*"))


def test_edbprof_run_alone(pytester, start, edbprof_run):
    pytester.makepyfile(test_a=TESTS)
    done = edbprof_run("-m", "pytest", str(pytester.path), env=dict(os.environ))
    assert done.returncode == 0, done
    assert "Warning" not in done.stdout and "edbprof:" not in done.stdout


def test_beside_coverage(pytester, start):
    pytest.importorskip("pytest_cov")
    pytester.makepyfile(test_a=TESTS)
    ended = start("--edbprof", "--cov=test_a")
    ended.assert_outcomes(passed=4)
    ended.stdout.fnmatch_lines(["test_a.py *100%"])
    assert calls_below(result(pytester)) == 380


def test_switched_off(pytester, start):
    pytester.makepyfile(test_a="def test_it(): pass")
    assert start("-p", "no:edbprof").ret == 0
    assert start("-p", "no:edbprof", "--edbprof").ret == pytest.ExitCode.USAGE_ERROR


def test_failing_to_write_changes_no_exit_code(pytester, start):
    pytester.makepyfile(test_a="def test_it(): pass")
    ended = start("--edbprof", "--edbprof-out=no/such/directory")
    assert ended.ret == 0
    ended.stdout.fnmatch_lines(["edbprof: there is no directory *no/such *--edbprof-out"])


def test_program_that_is_missing(pytester, start, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    pytester.makepyfile(
        conftest="import edbprof_native._program as p\np._places = lambda: iter(())",
        test_a="def test_it(): pass",
    )
    ended = start("--edbprof")
    assert ended.ret == 0
    ended.stdout.fnmatch_lines(["edbprof: there is no profile of this run: the program edbprof *"])


@pytest.mark.parametrize(
    "arguments", [("--collect-only",), ("no_such_file.py",), ("--version",), ("--no-such-option",)]
)
def test_nothing_is_left_behind(pytester, start, monkeypatch, arguments):
    temporary = pytester.mkdir("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary))
    pytester.makepyfile(test_a="def test_it(): pass")
    codes = [start(*options, *arguments).ret for options in ((), ("--edbprof",))]
    assert codes[0] == codes[1]
    assert not list(temporary.glob("*edbprof*"))


def test_traceback_is_as_ever(pytester, start):
    pytester.makepyfile(
        test_a="""
        import pytest

        @pytest.fixture
        def failing():
            raise KeyError("set-up")

        def test_error(failing):
            pass

        def test_failure():
            assert 1 == 2
        """
    )

    def failures(*options):
        out = start("-p", "no:randomly", *options).stdout.str()
        return out[out.index("= ERRORS") : out.rindex("\n_", 0, out.index("1 == 2"))]

    assert failures("--edbprof") == failures()


def test_entry_point():
    """Of the wheel: the module is beside the package, and pytest finds it."""
    distribution = metadata.distribution("edbprof")
    (found,) = (each for each in distribution.entry_points if each.group == "pytest11")
    assert (found.name, found.value) == ("edbprof", "edbprof_pytest")
    assert "edbprof_pytest.py" in {str(file) for file in distribution.files}
    loaded = sys.modules["edbprof_pytest"].__file__
    assert Path(loaded).parent == Path(str(distribution.locate_file("edbprof_pytest.py"))).parent
