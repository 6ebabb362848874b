"""Plugin of pytest, which records with `pytest --edbprof`.

Every run of pytest imports it, so it imports nothing of edbprof until that is asked for, and
pytest need not rewrite it: PYTEST_DONT_REWRITE.
"""

import pytest

TYPE_CHECKING = False  # typing takes longer to import than all of this
if TYPE_CHECKING:
    from typing import Any, Callable, Iterator

_MARKER = (
    "edbprof(max_calls): limits for the calls that the test makes, which `pytest --edbprof` checks."
    ' max_calls={"sqlalchemy.*": 1200} sets limits; max_calls=["sqlalchemy.*"] takes them from the'
    " baseline; without max_calls, the baseline limits the program's own functions."
)


def pytest_addoption(parser: "Any") -> None:
    group = parser.getgroup("edbprof", "profiling by edbprof")
    group.addoption(
        "--edbprof",
        action="store_true",
        help="record the run as one profile, and say where the slowest tests spend their time",
    )
    group.addoption(
        "--edbprof-out",
        metavar="DIR|FILE",
        help="directory or file name of the results; the default is the current directory",
    )
    group.addoption(
        "--edbprof-by-test",
        action="store_true",
        help="also write one result for each test; implies --edbprof",
    )
    group.addoption(
        "--edbprof-slowest",
        type=int,
        default=5,
        metavar="N",
        help="number of tests to show, 0 for all; 5 by default",
    )
    group.addoption(
        "--edbprof-update",
        action="store_true",
        help="write the baselines of marked tests anew; implies --edbprof",
    )
    parser.addini(
        "edbprof_baselines",
        "directory of the baselines of marked tests, below the root directory",
        default="edbprof-baselines",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: "Any") -> None:
    given = early_config.known_args_namespace
    if not (given.edbprof or given.edbprof_by_test or given.edbprof_update):
        return
    try:
        from edbprof_native._pytest.run import start
    except Exception as error:
        early_config._edbprof_missing = str(error)
    else:
        start(early_config, given)


def pytest_configure(config: "Any") -> None:
    config.addinivalue_line("markers", _MARKER)


def pytest_collection_finish(session: "Any") -> None:
    config = session.config
    marked = sum(item.get_closest_marker("edbprof") is not None for item in session.items)
    if hasattr(config, "workeroutput"):
        config.workeroutput["edbprof_marked"] = marked
    else:
        config._edbprof_marked = marked


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: "Any") -> None:
    """Take the number of marked tests that a worker of xdist has collected."""
    marked = getattr(node, "workeroutput", {}).get("edbprof_marked", 0)
    node.config._edbprof_marked = max(marked, getattr(node.config, "_edbprof_marked", 0))


def pytest_terminal_summary(terminalreporter: "Any", config: "Any") -> None:
    if config.pluginmanager.has_plugin("edbprof-run"):
        return
    missing = getattr(config, "_edbprof_missing", None)
    if missing is not None:
        terminalreporter.write_line(f"edbprof: the run was not recorded: {missing}")
    marked = getattr(config, "_edbprof_marked", 0)
    if marked:
        tests = "1 test" if marked == 1 else f"{marked} tests"
        terminalreporter.write_line(
            f"edbprof: limits of {tests} were not checked; pytest --edbprof checks them"
        )


@pytest.fixture
def edbprof_calls(request: "Any") -> "Iterator[Callable[[str], int]]":
    """Counts calls of functions since the fixture was set up: edbprof_calls("json.*")."""
    from edbprof_native._pytest.limits import counting

    with counting(request.config) as calls:
        yield calls
