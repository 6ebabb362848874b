"""Measures how long Chromium takes to open a page and to answer: `make bench-pictures` calls it.

    python benches/open_pages.py PAGE.html...

From asking for the file to the first frame on the screen after a first key was answered, in a
browser that runs already; then what changes of the view take, from the change to the frame after
it. *Blocked* is the longest task of the page meanwhile, since the page answers nothing before its
end: by the clock, and in processor time, which other work on the machine adds less to. Five rounds,
of which the shortest and the longest are printed.
"""

import json
import os
import pathlib
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "browser"))

import chromium
import websocket  # Selenium brings it.

READY = """
const done = arguments[0];
const at = () => 'ready' in document.body.dataset ? answer() : setTimeout(at, 1);
const answer = () => {
  const graph = document.querySelector('.graph');
  graph.focus();
  graph.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowDown', bubbles: true }));
  requestAnimationFrame(() => setTimeout(done));
};
at();
"""
CHANGE = """
const [fragment, done] = arguments;
let start, work;
const begin = () => {
  start = performance.now();
  history.pushState(null, '', '#' + fragment);
  dispatchEvent(new Event('popstate'));
  work = performance.now() - start;
  end();
};
const end = () => 'busy' in document.body.dataset
  ? setTimeout(end, 1)
  : requestAnimationFrame(() => setTimeout(shown));
const shown = () => {
  const took = performance.now() - start;
  setTimeout(() => done([work, took]), 100);
};
setTimeout(begin, 50);
"""
TIMELINE_CHANGES = (
    ("timeline", "view=timeline"),
    ("calls of a function", "view=timeline&fn=1"),
    ("zoom", "view=timeline&t0={0}&t1={1}"),
    ("range", "from={0}&to={1}"),
    ("range, table", "view=table&from={0}&to={1}"),
)
CHANGES = (
    ("zoom", "zoom=0"),
    ("search", "search=function_7"),
    ("call tree", "view=tree"),
    ("call tree, a row unfolded", "view=tree&unfolded=0"),
    ("call tree, search", "view=tree&unfolded=0&search=function_7"),
    ("inverted", "view=inverted"),
    ("inverted, zoom", "view=inverted&zoom=0"),
    ("table", "view=table"),
    ("sort", "view=table&sort=total"),
    ("filter", "view=table&sort=total&search=function_7"),
    ("sandwich", "view=sandwich&fn=0"),
    ("calls", "measure=calls"),
    ("my code only", "mine=1"),
)


class Tasks:
    """The tasks of the page's main thread, as the browser traces them."""

    def __init__(self, driver):
        address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
        version = json.load(urllib.request.urlopen(f"http://{address}/json/version"))
        url = version["webSocketDebuggerUrl"]
        self.socket = websocket.create_connection(url, suppress_origin=True, timeout=60)

    def begin(self):
        config = {"includedCategories": ["toplevel", "__metadata"], "excludedCategories": ["*"]}
        self.send("Tracing.start", traceConfig=config)
        self.until(lambda message: "id" in message)

    def longest(self):
        """Returns the longest tasks since the beginning: by the clock, and of processor time, ms."""
        self.send("Tracing.end")
        messages = self.until(lambda message: message.get("method") == "Tracing.tracingComplete")
        collected = (
            message["params"].get("value", []) for message in messages[:-1] if "params" in message
        )
        events = [event for part in collected for event in part]
        threads = {
            (event["pid"], event["tid"])
            for event in events
            if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
        }
        tasks = [
            event
            for event in events
            if event["ph"] == "X"
            and event["name"].endswith("RunTask")
            and (event["pid"], event["tid"]) in threads
        ]
        return [max(task.get(key, 0) / 1000 for task in tasks) for key in ("dur", "tdur")]

    def send(self, method, **parameters):
        self.socket.send(json.dumps({"id": 1, "method": method, "params": parameters}))

    def until(self, is_last):
        messages = [json.loads(self.socket.recv())]
        while not is_last(messages[-1]):
            messages.append(json.loads(self.socket.recv()))
        return messages


def main():
    with tempfile.TemporaryDirectory() as directory:
        driver = chromium.start(directory)
        driver.set_script_timeout(60)
        tasks = Tasks(driver)
        for name in sys.argv[1:]:
            page = pathlib.Path(name).resolve()
            print(f"load {os.getloadavg()[0]:.1f}; {page.name}: {page.stat().st_size} bytes")
            times, blocks = zip(*(opened(driver, page, tasks) for _ in range(5)))
            print(f"opened: {spread(times, 1000)} ms, {blocked(blocks)}")
            measure(driver, tasks, CHANGES)
            if driver.find_elements("id", "tab-timeline"):
                # Reading it comes first, and once.
                opened(driver, page, tasks)
                measure(driver, tasks, TIMELINE_CHANGES[:1], 1)
                measure(driver, tasks, TIMELINE_CHANGES)
        driver.quit()


def opened(driver, page, tasks):
    driver.get("about:blank")
    tasks.begin()
    start = time.perf_counter()
    driver.get(page.as_uri())
    driver.execute_async_script(READY)
    return time.perf_counter() - start, tasks.longest()


def measure(driver, tasks, changes, rounds=5):
    figures = {what: [] for what, _ in changes}
    for number in range(rounds):
        # Another part each time, since the latest one is kept.
        times = [1_000_000_000 + 1_000_000 * number, 2_000_000_000 + 1_000_000 * number]
        for what, fragment in changes:
            tasks.begin()
            took = driver.execute_async_script(CHANGE, fragment.format(*times))
            figures[what].append((*took, tasks.longest()))
    for what, took in figures.items():
        work, shown, blocks = zip(*took)
        print(
            f"{what}: shown after {spread(shown)} ms, at once {spread(work)} ms, {blocked(blocks)}"
        )


def blocked(blocks):
    clock, processor = (spread(column) for column in zip(*blocks))
    return f"blocked {clock} ms, of processor time {processor} ms"


def spread(values, scale=1):
    """The least and the largest."""
    least, largest = scale * min(values), scale * max(values)
    return f"{least:.0f}" if f"{least:.0f}" == f"{largest:.0f}" else f"{least:.0f} to {largest:.0f}"


main()
