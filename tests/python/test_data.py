"""`edbprof_native.load` and `merge`: profiles as data."""

import cProfile
import json
import os
import pstats
import subprocess
import sys
import threading
from pathlib import Path

import edbprof_native
import pytest
from edbprof_native import Profile, ProfileError, load, merge


def leaf(number):
    return len(range(number))


def branch(times):
    for number in range(times):
        leaf(number)
    return json.dumps({"a": [1, {"b": 2}]}, indent=1)


def recorded(path, times):
    profile = Profile()
    with profile:
        branch(times)
    profile.save(path)
    return path


@pytest.fixture
def two(tmp_path):
    return recorded(tmp_path / "a.prof", 10), recorded(tmp_path / "b.prof", 25)


def only(data, name):
    (function,) = (function for function in data.functions if function.name == name)
    return function


def test_functions_are_those_of_pstats(two):
    data = load(two[0])
    rows = pstats.Stats(str(two[0])).stats
    assert len(data.functions) == len(rows)
    for function in data.functions:
        primitive, calls, own, total, _ = rows[function.file, function.line, function.name]
        assert (function.calls, function.primitive_calls) == (calls, primitive)
        assert abs(function.self_ns - own * 1e9) <= 1
        assert abs(function.total_ns - total * 1e9) <= 1
    assert data.to_pstats().stats == rows
    found = only(data, "leaf")
    assert (found.qualified_name, found.module, found.kind) == ("leaf", __name__, "python")
    assert (found.file, found.line) == (__file__, leaf.__code__.co_firstlineno)
    assert len(found.id) == 16 and found.waiting == (0, 0, 0) or found.waiting.blocked_ns >= 0


def test_nodes(two):
    data = load(two[0])
    nodes = list(data.walk())
    assert len(nodes) == len(data) == len(set(nodes))
    (root,) = (node for node in nodes if node.parent is None)
    assert root.function.name == "branch"
    assert sum(node.self_ns for node in nodes) == root.total_ns
    below = {node.function.name: node for node in root.children}
    assert below["leaf"].calls == 10
    assert below["leaf"].path == ("branch", "leaf")
    assert all(child.parent == node for node in nodes for child in node.children)
    assert list(root.subtree()) == nodes
    assert [*below["leaf"].subtree()][1].function.qualified_name == "builtins.len"
    assert data.column("calls").readonly
    assert sum(data.column("calls")) == sum(function.calls for function in data.functions)
    with pytest.raises(KeyError):
        data.column("no column")


def test_processes_and_threads(two, tmp_path):
    data = load(*two)
    assert {process.pid for process in data.processes} == {os.getpid()}
    assert {thread.name for thread in data.threads} == {threading.current_thread().name}
    assert data.threads[0].process in data.processes
    assert repr(load(two[0])).endswith(" nodes, 1 process>")
    apart = load(*two, by="process")
    roots = [node for node in apart.walk() if node.parent is None]
    assert [root.function.kind for root in roots] == ["group"] * 2
    assert only(apart, "leaf").calls == 35
    with pytest.raises(ValueError, match="by is"):
        load(*two, by="function")


def test_patterns_and_subtrees(two):
    data = load(two[0])
    assert only(data, "leaf") in data.find("leaf")
    found = data.find("json.*")
    assert {"dumps", "encode"} <= {function.name for function in found}
    assert data.find("nothing") == []
    part = data.subtree("json.*")
    assert all(node.path[0] == "dumps" for node in part.walk())
    assert only(part, "dumps").total_ns == only(data, "dumps").total_ns
    assert only(data.subtree(only(data, "leaf")), "leaf").calls == 10
    assert len(data.subtree("nothing")) == 0


def test_differences(two):
    before, after = map(load, two)
    changes = {change.name: change for change in before.diff(after)}
    change = changes["leaf"]
    assert (change.calls_before, change.calls_after) == (10, 25)
    parts = change.change_by_calls_ns + change.change_by_time_ns
    assert abs(parts - (change.self_after_ns - change.self_before_ns)) <= 2
    assert change.id == only(after, "leaf").id
    assert before.diff(before) == []


def test_merging_counts_every_recording_once(two):
    merged = merge([two[0], Path(two[1]).read_bytes()])
    assert only(load(merged), "leaf").calls == 35
    assert merge([merged, *two]) == merged == merge(reversed([*map(str, two)]))
    assert load(merged).to_bytes() == merged
    assert merge([]) and len(load()) == 0
    with pytest.raises(TypeError, match="several"):
        merge(str(two[0]))


def test_files_of_cprofile(tmp_path):
    profile = cProfile.Profile()
    profile.runcall(branch, 10)
    profile.dump_stats(tmp_path / "c.prof")
    data = load(tmp_path / "c.prof")
    assert only(data, "leaf").calls == 10
    assert all(node.is_estimated for node in data.walk())


def test_refused_files_say_why(two, tmp_path):
    whole = Path(two[0]).read_bytes()
    (tmp_path / "text.prof").write_text("print()")
    os.mkfifo(tmp_path / "fifo")
    for source, reason in [
        (whole[: len(whole) // 2], "source 0: .*cut off"),
        (b"", "is empty"),
        (tmp_path / "text.prof", "text.prof: it is text"),
        (tmp_path / "fifo", "a FIFO"),
        (tmp_path, "a directory"),
    ]:
        with pytest.raises(ProfileError, match=reason):
            load(two[1], source) if not isinstance(source, bytes) else load(source)
        with pytest.raises(ProfileError, match="source 1" if isinstance(source, bytes) else reason):
            merge([two[1], source])
    with pytest.raises(FileNotFoundError) as raised:
        load(tmp_path / "none.prof")
    assert raised.value.filename == str(tmp_path / "none.prof")
    merged = merge(two)
    other = recorded(tmp_path / "c.prof", 1)
    both = merge([two[0], other])
    with pytest.raises(ProfileError, match="source 1|source 0"):
        merge([merged, both])


def test_any_damage_is_refused_or_read(two):
    """Nothing crashes, whatever byte is changed."""
    whole = bytearray(Path(two[0]).read_bytes())
    for at in range(0, len(whole), 7):
        damaged = whole[:]
        damaged[at] ^= 0x55
        try:
            for node in load(damaged).walk():
                _ = node.path, node.waiting
        except ProfileError:
            pass


def test_other_threads_run_while_files_are_read(two):
    contents = [Path(two[0]).read_bytes()] * 500
    done = []
    thread = threading.Thread(target=lambda: done.append(merge(contents)))
    thread.start()
    thread.join()
    assert load(done[0]).to_bytes() == merge([two[0]])


def test_a_forked_child_can_load(two):
    load(*two)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if len(load(*two)) > 0 and merge(two) else 1
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_the_second_module_is_loaded_at_first_use(tmp_path):
    code = """
import sys, edbprof_native
with edbprof_native.Profile() as p: len("")
p.save(sys.argv[1])
assert not {"edbprof_native._profiles", "edbprof_native._data"} & set(sys.modules)
edbprof_native.load(sys.argv[1])
assert "edbprof_native._profiles" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code, tmp_path / "x.prof"], check=True)


def test_the_wheel_says_what_the_formats_are():
    assert "marshal" in edbprof_native.load.__doc__
    schema = Path(edbprof_native.__file__).parent / "edbprof.schema.json"
    if not schema.exists():
        pytest.skip("an editable install")
    assert "definitions" in json.loads(schema.read_text())


@pytest.mark.parametrize("table", ["nodes", "functions"])
def test_data_frames(two, table):
    data = load(two[0])
    expected = sum(function.calls for function in data.functions)
    frame = data._table(table)
    assert sum(frame["calls"]) == expected
    if table == "nodes":
        assert frame["parent"][0] == -1
    with pytest.raises(ValueError, match="no table"):
        data._table("rows")


def test_pandas(two):
    pandas = pytest.importorskip("pandas")
    frame = load(two[0]).to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame[frame.name == "leaf"].calls.sum() == 10


def test_polars(two):
    polars = pytest.importorskip("polars")
    frame = load(two[0]).to_polars("functions")
    assert frame.filter(polars.col("name") == "leaf")["calls"].sum() == 10


def test_networkx(two):
    pytest.importorskip("networkx")
    data = load(two[0])
    graph = data.to_networkx()
    edge = graph.edges[only(data, "branch").id, only(data, "leaf").id]
    assert edge["calls"] == 10
    assert graph.nodes[only(data, "leaf").id]["qualified_name"] == "leaf"
