"""`edbprof mcp` with the protocol's official client."""

import asyncio
import json
import shutil
import sys
from pathlib import Path

import pytest
from edbprof_native import Profile

if sys.version_info < (3, 10):
    pytest.skip("the client needs Python 3.10", allow_module_level=True)
mcp = pytest.importorskip("mcp")
stdio = pytest.importorskip("mcp.client.stdio")

PROGRAM = shutil.which("edbprof", path=str(Path(sys.executable).parent))


def leaf():
    pass


def asked(directory, *calls, options=()):
    """The names of the tools, and the (text, is an error) of each call."""

    async def ask():
        server = mcp.StdioServerParameters(command=PROGRAM, args=["mcp", *options, str(directory)])
        async with stdio.stdio_client(server) as streams:
            async with mcp.ClientSession(*streams) as session:
                await session.initialize()
                tools = {tool.name for tool in (await session.list_tools()).tools}
                answers = [await session.call_tool(name, words) for name, words in calls]
                # The attribute's own name differs between versions of the client.
                results = [of.model_dump(by_alias=True) for of in answers]
                return tools, [(of["content"][0]["text"], of["isError"]) for of in results]

    return asyncio.run(asyncio.wait_for(ask(), 120))


@pytest.fixture
def profiles(tmp_path):
    for name, times in (("a.prof", 3), ("b.prof", 8)):
        profile = Profile()
        with profile:
            for _ in range(times):
                leaf()
        profile.save(tmp_path / name)
    return tmp_path


def test_tools_answer(profiles):
    tools, answers = asked(
        profiles,
        ("summary", {}),
        ("summary", {"profile": "a.prof"}),
        ("tree", {"profile": "a.prof", "threshold": 0}),
        ("function", {"profile": "a.prof", "function": "leaf"}),
        ("diff", {"before": "a.prof", "after": "b.prof"}),
    )
    assert tools == {"summary", "tree", "function", "diff", "calls"}
    assert not any(is_error for _, is_error in answers), answers
    listed, top, tree, function, diff = (json.loads(text) for text, _ in answers)
    assert listed["profiles"] == ["a.prof", "b.prof"]
    assert function["functions"][0]["calls"] == 3
    of_diff = {function["name"]: function for function in diff["functions"]}
    assert of_diff["leaf"]["calls_after"] == 8
    assert diff["before"]["files"] == ["a.prof"]
    ids = {
        function["id"]
        for answer in (top, tree, function, diff)
        for function in answer["functions"]
        if function["name"] == "leaf"
    }
    assert len(ids) == 1


RECORDED = "print('a; echo b'); sum(sum(range(999)) for _ in range(2000))"


def test_single_calls_are_those_of_the_timeline(profiles):
    profile = Profile(timeline=True)
    with profile:
        for _ in range(5):
            leaf()
    profile.save(profiles / "t.prof")
    _, answers = asked(
        profiles,
        ("calls", {"profile": "t.prof", "function": "leaf"}),
        ("calls", {"profile": "t.prof.timeline", "function": "leaf"}),
        ("calls", {"profile": "a.prof", "function": "leaf"}),
    )
    (of_profile, failed), (of_timeline, _), (_, is_refused) = answers
    assert not failed, of_profile
    assert of_profile == of_timeline
    value = json.loads(of_profile)
    assert (value["function"], value["calls"], value["in_history"]) == ("leaf", 5, 5)
    assert is_refused


def test_programs_run_only_where_that_is_allowed(profiles):
    words = {"arguments": [sys.executable, "-c", RECORDED], "name": "new"}
    tools, answers = asked(
        profiles,
        ("record", words),
        ("summary", {"profile": "new.prof"}),
        ("record", {**words, "name": "../new"}),
        options=["--allow-run"],
    )
    assert "record" in tools
    (_, is_refused), (text, is_error), (_, is_outside) = answers
    assert not is_refused and not is_error and is_outside
    assert "sum" in text
