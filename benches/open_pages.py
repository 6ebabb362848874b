"""Measures how long Chromium takes to open a page and to answer: `make bench-pictures` calls it.

    python benches/open_pages.py PAGE.html...

From asking for the file to the first frame on the screen after a first key was answered, in a
browser that runs already; then what changes of the view take, from the change to the frame after
it. *Blocked* is the longest task meanwhile, since the page answers nothing before its end; Chromium
tells those of 50 ms and more. Five rounds, of which the shortest and the longest are printed: other
work on the machine adds to all but the shortest.
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
# Tasks are told a while after their end.
LONGEST = """
const done = arguments[0], found = [0];
const observer = new PerformanceObserver(list => keep(list.getEntries()));
const keep = entries => found.push(...entries.map(entry => entry.duration));
observer.observe({ type: 'longtask', buffered: true });
setTimeout(() => { keep(observer.takeRecords()); done(Math.max(...found)); }, 500);
"""
CHANGE = """
const [fragment, done] = arguments, found = [0];
const keep = entries => found.push(...entries.map(entry => entry.duration));
const observer = new PerformanceObserver(list => keep(list.getEntries()));
observer.observe({ type: 'longtask' });
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
  setTimeout(() => {
    keep(observer.takeRecords());
    observer.disconnect();
    done([work, took, Math.max(...found)]);
  }, 100);
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
                f"opened, {page.stem}: {page.stat().st_size} bytes, {spread(times, 1000)} ms, "
                f"blocked {spread(blocks)} ms"
            )
            measure(driver, CHANGES)
            if driver.find_elements("id", "tab-timeline"):
                # Reading it comes first, and once.
                driver.get("about:blank")
                driver.get(page.as_uri())
                driver.execute_async_script(READY)
                measure(driver, TIMELINE_CHANGES[:1], 1)
                print(f"blocked {driver.execute_async_script(LONGEST):.0f} ms")
                measure(driver, TIMELINE_CHANGES)
        driver.quit()


def measure(driver, changes, rounds=5):
    figures = {what: [] for what, _ in changes}
    for number in range(rounds):
        # Another part each time, since the latest one is kept.
        times = [1_000_000_000 + 1_000_000 * number, 2_000_000_000 + 1_000_000 * number]
        for what, fragment in changes:
            took = driver.execute_async_script(CHANGE, fragment.format(*times))
            figures[what].append(took)
    for what, took in figures.items():
        work, shown, blocked = (spread(column) for column in zip(*took))
        print(f"{what}: shown after {shown} ms, at once {work} ms, blocked {blocked} ms")


def spread(values, scale=1):
    """The least and the largest; 0 stands for less than 50 ms where tasks are meant."""
    least, largest = scale * min(values), scale * max(values)
    return f"{least:.0f}" if f"{least:.0f}" == f"{largest:.0f}" else f"{least:.0f} to {largest:.0f}"


main()
