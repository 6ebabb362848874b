"""speedscope's own importer reads what `edbprof export` writes.

The program that npm has is opened as its command line opens it. What it has understood
it tells when asked to save: it then writes the profile in its own format again.
"""

from __future__ import annotations

import base64
import collections
import cProfile
import io
import json
import pathlib
import pstats
import subprocess
import sys
import types

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

EDBPROF = pathlib.Path(sys.executable).with_name("edbprof")
NODE = pathlib.Path(__file__).parents[2] / "build" / "node"
SPEEDSCOPE = NODE / "node_modules" / "speedscope" / "dist" / "release" / "index.html"

# With npm `make` installs it; tests/check.sh says, and in CI refuses, that npm is missing.
pytestmark = pytest.mark.skipif(
    not (NODE / ".installed").exists(), reason="make build/node/.installed"
)

JOB = """
import json, sys
from edbprof_native import Profile

def pair(n):
    return json.dumps([n] * n), json.loads("[1, 2, 3]")

def countdown(n):
    return n and countdown(n - 1)

with Profile() as profile:
    for n in range(int(sys.argv[1])):
        pair(n)
    countdown(30)
profile.save(sys.argv[2])
"""


def exact(directory):
    subprocess.run([sys.executable, "-c", JOB, "40", str(directory / "1.prof")], check=True)


def estimated(directory):
    profile = cProfile.Profile()
    profile.runcall(lambda: [json.dumps(list(range(n))) for n in range(100)])
    profile.dump_stats(directory / "1.prof")


def of_two_processes(directory):
    exact(directory)
    subprocess.run([sys.executable, "-c", JOB, "70", str(directory / "2.prof")], check=True)


def of_both_kinds(directory):
    estimated(directory)
    (directory / "1.prof").rename(directory / "2.prof")
    exact(directory)


def with_hostile_names(directory):
    from edbprof_native import Profile

    def work():
        return sum(range(1000))

    names = [
        '</script><b>"\\',
        "a;b 12\nfn=(1)",
        "\x1b[2J\r\u202e\udc80",
        "__proto__",
        "\U0001f40d\0",
    ]
    profile = Profile()
    for name in names:
        code = work.__code__.replace(co_name=name, co_filename=f"/app/{name}.py")
        profile.runcall(types.FunctionType(code, {"sum": sum, "range": range}))
    profile.dump_stats(directory / "1.prof")


def self_times_as_pstats_has_them(directory):
    """Seconds by file and line; of all builtins, which have none, together."""
    files = [str(path) for path in directory.glob("*.prof")]
    own = collections.Counter()
    for (file, line, _), (_, _, tt, _, _) in pstats.Stats(
        *files, stream=io.StringIO()
    ).stats.items():
        own[None if file == "~" else (file, line)] += tt
    return own


def self_times(profile, frames):
    """Seconds by file and line, as the openings and closings of frames have them."""
    assert profile["type"] == "evented" and profile["unit"] == "nanoseconds"
    own, open_frames, last = collections.Counter(), [], profile["startValue"]
    for event in profile["events"]:
        if open_frames:
            frame = frames[open_frames[-1]]
            place = (frame["file"], frame["line"]) if "file" in frame else None
            own[place] += (event["at"] - last) / 1e9
        last = event["at"]
        if event["type"] == "O":
            open_frames.append(event["frame"])
        else:
            assert open_frames.pop() == event["frame"]
    assert open_frames == [] and last == profile["endValue"]
    return own


def imported_by_speedscope(driver, exported):
    """What it has made of a file."""
    content = base64.b64encode(exported.read_bytes()).decode()
    script = exported.with_suffix(".js")
    script.write_text(f"speedscope.loadFileFromBase64({json.dumps(exported.name)}, {content!r})")
    driver.get("about:blank")
    driver.get(f"{SPEEDSCOPE.as_uri()}#localProfilePath={script}")
    WebDriverWait(driver, 20).until(lambda driver: driver.title != "speedscope")
    # Saving makes a blob, and a link to it that is clicked.
    driver.execute_script("URL.createObjectURL = blob => (window.saved = blob, '#')")
    driver.find_element(By.TAG_NAME, "body").send_keys(Keys.CONTROL, "s")
    return json.loads(
        WebDriverWait(driver, 20).until(
            lambda driver: driver.execute_async_script(
                "window.saved ? window.saved.text().then(arguments[0]) : arguments[0](null)"
            )
        )
    )


@pytest.mark.parametrize(
    "record", [exact, estimated, of_two_processes, of_both_kinds, with_hostile_names]
)
def test_speedscope_reads_what_was_recorded(record, driver, tmp_path):
    inputs = tmp_path / "in"
    inputs.mkdir()
    record(inputs)
    exported = tmp_path / "out.speedscope.json"
    subprocess.run([EDBPROF, "export", "-o", exported, *inputs.glob("*.prof")], check=True)

    imported = imported_by_speedscope(driver, exported)

    frames = imported["shared"]["frames"]
    found = collections.Counter()
    for profile in imported["profiles"]:
        found.update(self_times(profile, frames))
    expected = self_times_as_pstats_has_them(inputs)
    assert sum(found.values()) == pytest.approx(sum(expected.values()), abs=1e-7)
    if record is with_hostile_names:  # Escaped in what is exported.
        assert sorted(found.values()) == pytest.approx(sorted(expected.values()), abs=1e-7)
    else:
        differences = collections.Counter(found)
        differences.subtract(expected)
        assert max(map(abs, differences.values())) < 1e-7
    ours = json.loads(exported.read_text())
    for one, other in (frames, ours["shared"]["frames"]), (imported["profiles"], ours["profiles"]):
        assert {part["name"] for part in one} == {part["name"] for part in other}


def test_speedscope_reads_a_timeline(driver, tmp_path):
    (tmp_path / "job.py").write_text(
        "import time\ndef f(n):\n    return n and f(n - 1)\nf(20)\ntime.sleep(0.01)\nf(3)\n"
    )
    command = [EDBPROF, "run", "--timeline", "--quiet", "--out=run.prof", "--", sys.executable]
    subprocess.run([*command, "job.py"], check=True, cwd=tmp_path)
    exported = tmp_path / "out.speedscope.json"
    subprocess.run([EDBPROF, "export", "-o", exported, tmp_path / "run.timeline"], check=True)

    imported = imported_by_speedscope(driver, exported)

    def slices(file):
        """Names, beginnings and ends of the frames that last, by profile."""
        found = {}
        for profile in file["profiles"]:
            events, open_frames = profile["events"], []
            calls = found[profile["name"]] = collections.Counter()
            for event in events:
                if event["type"] == "O":
                    open_frames.append(event["at"])
                    continue
                name = file["shared"]["frames"][event["frame"]]["name"]
                begin, end = (at - events[0]["at"] for at in (open_frames.pop(), event["at"]))
                # The importer drops what takes no time.
                if end > begin:
                    calls[name, begin, end] += 1
        return found

    found, ours = slices(imported), slices(json.loads(exported.read_text()))
    assert [name.rpartition(":")[2] for name in ours if ":" in name] == [" waits"]
    assert found == ours
    calls = [name for calls in ours.values() for name, _, _ in calls if name == "f"]
    assert len(calls) == 25
