"""Measures how long Chromium takes to open a page and to answer: `make bench-pictures` calls it.

    python benches/open_pages.py PAGE.html...

From asking for the file to the first frame on the screen after a first key was answered, in a
browser that runs already, and the longest task meanwhile, which blocks the page; then what changes
of the view take, from the change to the frame after it. The best of five, since other work on the
machine only adds.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "browser"))

import chromium

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
LONGEST = """
const done = arguments[0];
const show = entries => done(Math.max(0, ...entries.map(entry => entry.duration)));
new PerformanceObserver(list => show(list.getEntries())).observe({ type: 'longtask', buffered: true });
setTimeout(() => show([]), 500);
"""
CHANGE = """
const [fragment, done] = arguments, start = performance.now();
history.pushState(null, '', '#' + fragment);
dispatchEvent(new Event('popstate'));
const work = performance.now() - start;
const end = () => 'busy' in document.body.dataset
  ? setTimeout(end, 1)
  : requestAnimationFrame(() => setTimeout(() => done([work, performance.now() - start])));
end();
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
    ("inverted", "view=inverted"),
    ("table", "view=table"),
    ("sort", "view=table&sort=total"),
    ("filter", "view=table&sort=total&search=function_7"),
    ("sandwich", "view=sandwich&fn=0"),
    ("calls", "measure=calls"),
    ("my code only", "mine=1"),
)


def main():
    with tempfile.TemporaryDirectory() as directory:
        driver = chromium.start(directory)
        driver.set_script_timeout(60)
        for name in sys.argv[1:]:
            page = pathlib.Path(name).resolve()
            times, blocks = [], []
            for _ in range(5):
                driver.get("about:blank")
                start = time.perf_counter()
                driver.get(page.as_uri())
                driver.execute_async_script(READY)
                times.append(time.perf_counter() - start)
                blocks.append(driver.execute_async_script(LONGEST))
            print(
                f"opened, {page.stem}: {page.stat().st_size} bytes, {1000 * min(times):.0f} ms, "
                f"blocked for {min(blocks):.0f} ms at most"
            )
            measure(driver, CHANGES)
            if driver.find_elements("id", "tab-timeline"):
                # Reading it comes first, and once.
                driver.get("about:blank")
                driver.get(page.as_uri())
                driver.execute_async_script(READY)
                measure(driver, TIMELINE_CHANGES[:1], 1)
                print(f"blocked for {driver.execute_async_script(LONGEST):.0f} ms at most")
                measure(driver, TIMELINE_CHANGES)
        driver.quit()


def measure(driver, changes, rounds=5):
    best = {}
    for number in range(rounds):
        # Another part each time, since the latest one is kept.
        times = [1_000_000_000 + 1_000_000 * number, 2_000_000_000 + 1_000_000 * number]
        for what, fragment in changes:
            took = driver.execute_async_script(CHANGE, fragment.format(*times))
            best[what] = min(best.get(what, took), took)
    for what, (work, shown) in best.items():
        print(f"{what}: {work:.0f} ms of script, shown after {shown:.0f} ms")


main()
