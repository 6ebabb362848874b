"""The timeline of the page in a real browser, beside what commands say of the same windows."""

from __future__ import annotations

import json
import re
import sys

import pytest
from pages import (
    EMPTY,
    PROGRAM,
    check_windows,
    duration,
    fragment,
    functions,
    open_page,
    program,
    rows,
    told,
)
from selenium.webdriver.common.keys import Keys


class Recorded:
    def __init__(self, directory):
        job = directory / "job.py"
        job.write_text(PROGRAM)
        self.prof = directory / "run.prof"
        run = ["run", "--quiet", "--timeline", f"--out={self.prof}", "--format=prof"]
        program(*run, sys.executable, job)
        self.page = directory / "page.html"
        program("view", "--no-open", "-o", self.page, self.prof)
        self.end = json.loads(program("calls", "--json", "work", self.prof))

    def of(self, start, end, *more):
        window = [f"--from={start / 1e9:.9f}s", f"--to={end / 1e9:.9f}s"]
        return json.loads(program("export", "--format=json", *window, *more, self.prof))


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("timeline"))


def windows(recorded):
    """Parts of the run: the whole of calls, pieces of them, and a single microsecond."""
    calls = json.loads(program("calls", "--json", "--slowest=3", "work", recorded.prof))
    starts = [(call["start_ns"], call["duration_ns"]) for call in calls["slowest"]]
    for start, lasted in starts:
        yield start, start + lasted
        yield start + lasted // 3, start + lasted // 2
    yield start + lasted // 2, start + lasted // 2 + 1000


def by_name(tree):
    """Calls, self time and total of each function of a tree as JSON, and the whole."""
    figures = {}
    rows = list(zip(tree["parent"], tree["function"], tree["calls"], tree["total_ns"]))
    own = [total for *_, total in rows]
    above = []
    for node, (parent, function, calls, total) in enumerate(rows):
        name = tree["functions"][function]["name"]
        callers = above[parent] if parent >= 0 else frozenset()
        above.append(callers | {name})
        if parent >= 0:
            own[parent] -= total
        row = figures.setdefault(name, [0, [], 0])
        row[0] += calls
        row[1].append(node)
        row[2] += 0 if name in callers else total
    whole = sum(total for parent, *_, total in rows if parent < 0)
    return {
        name: (calls, sum(own[node] for node in nodes), total)
        for name, (calls, nodes, total) in figures.items()
    }, whole


def test_range_is_the_profile_of_the_window(page, recorded):
    for start, end in windows(recorded):
        expected, whole = by_name(recorded.of(start, end)["tree"])
        number = 0
        wrapper = "singledispatch.<locals>.wrapper"
        for name in ("fib", "deep", "squares", "work", "nap", "show_int", wrapper):
            pattern = f"^{name} job" if name != wrapper else f"^{name}"
            open_page(page, recorded.page, f"#view=table&from={start}&to={end}&search={pattern}")
            found = rows(page)
            assert bool(found) == (name in expected), (name, start, end)
            if not found:
                continue
            number += 1
            [[_, calls, own, _, total, *_]] = found
            figures = expected[name]
            assert calls == f"{figures[0]:,}", (name, start, end)
            assert (own, total) == tuple(map(duration, figures[1:])), (name, start, end)
        open_page(page, recorded.page, f"#from={start}&to={end}")
        page.script("document.querySelector('.graph').focus()")
        page.keys(Keys.ARROW_DOWN)
        assert told(page).startswith(f"All: {duration(whole)} of") or told(page).startswith(
            f"All: {duration(whole)}. "
        ), (start, end)
    assert number


def test_calls_of_a_function_are_listed_by_duration(page, recorded):
    for name in ("work", "fib", "nap"):
        open_page(page, recorded.page, f"#view=table&search=^{name} job")
        page.script("document.querySelector('.rows .row').click()")
        chosen = re.search(r"fn=\d+", fragment(page))[0]
        open_page(page, recorded.page, f"#view=timeline&{chosen}")
        calls = json.loads(program("calls", "--json", "--slowest=5", name, recorded.prof))
        title = page.script("return document.querySelector('.call-list h2').textContent")
        assert title.startswith(f"{calls['calls']} calls of {name}: longest ")
        found = [(row[0], row[1]) for row in rows(page)[:5]]
        expected = [
            (duration(call["duration_ns"]), f"{call['start_ns'] / 1e9:.6f} s")
            for call in calls["slowest"]
        ]
        assert found == expected, name
    page.screenshot("page-timeline")


def test_calls_lead_to_their_places(page, recorded):
    open_page(page, recorded.page, "#view=table&search=^nap job")
    page.script("document.querySelector('.rows .row').click()")
    page.keys("2")
    assert "view=timeline" in fragment(page)
    page.script("document.querySelector('.calls .row.row:not(.head)').click()")
    page.settle()
    first, last = (int(re.search(rf"{key}=(\d+)", fragment(page))[1]) for key in ("t0", "t1"))
    [call] = json.loads(program("calls", "--json", "--slowest=1", "nap", recorded.prof))["slowest"]
    assert first < call["start_ns"] < call["start_ns"] + call["duration_ns"] < last
    assert last - first < 1.3 * call["duration_ns"]
    page.screenshot("page-timeline-call")


def test_keys_move_zoom_and_choose_a_range(page, recorded):
    open_page(page, recorded.page, "#view=timeline")
    page.script("document.querySelector('.lanes').focus()")
    for _ in range(30):
        page.script(
            "document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: '+', bubbles: true}))"
        )
    first, last = (int(re.search(rf"{key}=(\d+)", fragment(page))[1]) for key in ("t0", "t1"))
    assert last - first <= 1000
    page.keys("0")
    assert "t1=" not in fragment(page)
    page.keys("+", Keys.ARROW_RIGHT, Keys.ENTER)
    assert "from=" in fragment(page) and "to=" in fragment(page)
    text = page.script("return document.querySelector('.range').textContent")
    assert text.startswith("Range ")
    page.keys(Keys.ESCAPE, Keys.ESCAPE)
    assert "to=" not in fragment(page)


def test_dragging_chooses_a_range_and_back_returns(page, recorded):
    open_page(page, recorded.page, "#view=timeline")
    left, top, wide = page.script(
        "const box = document.querySelector('.lanes').getBoundingClientRect();"
        "return [box.left, box.top, box.width]"
    )
    points = [
        ("mousePressed", 0.25),
        ("mouseMoved", 0.4),
        ("mouseMoved", 0.5),
        ("mouseReleased", 0.5),
    ]
    for kind, share in points:
        page.protocol(
            "Input.dispatchMouseEvent",
            type=kind,
            x=left + share * wide,
            y=top + 60,
            button="left",
            buttons=1,
            clickCount=1,
        )
    page.settle()
    first, last = (int(re.search(rf"{key}=(\d+)", fragment(page))[1]) for key in ("from", "to"))
    assert 0.3 < first / last < 0.7
    page.screenshot("page-timeline-range")
    page.keys("6")
    page.settle()
    assert "view=table" in fragment(page) and functions(page)
    page.script("history.back(); history.back()")
    page.settle()
    assert "to=" not in fragment(page)


def test_a_click_chooses_a_function_and_hovering_says_all(page, recorded):
    open_page(page, recorded.page, "#view=timeline")
    [call] = json.loads(program("calls", "--json", "--slowest=1", "nap", recorded.prof))["slowest"]
    middle = call["start_ns"] + call["duration_ns"] // 2
    open_page(page, recorded.page, f"#view=timeline&t0={middle - 1000}&t1={middle + 1000}")
    x, top, height = page.script(
        "const {left, top, height} = document.querySelector('.lanes').getBoundingClientRect();"
        "return [left + 400, top, height]"
    )

    def is_told(y):
        page.mouse("move", x, y)
        tip = "return [...document.querySelectorAll('#tip > *')].map(line => line.textContent)"
        return any(", from " in line for line in page.script(tip))

    # The first thread may have no call there, while the recorder takes time for itself.
    y = next(y for y in range(int(top) + 50, int(top + height), 17) if is_told(y))
    page.mouse("click", x, y)
    assert "fn=" in fragment(page)


def test_thread_names_stay_text(page, recorded):
    for words in ("view=timeline", "view=timeline&fn=3", "view=processes"):
        open_page(page, recorded.page, "#" + words)
        assert page.script("return document.querySelectorAll('script, b').length") == 1, words


def test_short_calls_are_left_out_where_there_is_no_room(page, recorded, tmp_path):
    path = tmp_path / "small.html"
    # Room for a part of the data beside the page itself.
    most = EMPTY.stat().st_size + 25_500
    program("view", "--no-open", f"--max-size={most}", "-o", path, recorded.prof)
    assert path.stat().st_size <= most
    open_page(page, path, "#view=timeline")
    remark = page.script("return document.querySelector('.remark').textContent")
    assert re.search(r"\d of [\d,]+ calls and waits of the timeline are left out", remark)
    page.screenshot("page-timeline-small")


def test_addresses_of_others_are_harmless(page, recorded):
    for words in ("from=9&to=1", "t0=999999999999999&t1=999999999999999", "to=1", "t1=1&fn=77777"):
        open_page(page, recorded.page, f"#view=timeline&{words}")
        assert page.script("return document.querySelectorAll('.lanes canvas').length") == 1


def test_timeline_fits_each_window(page, recorded):
    [call] = json.loads(program("calls", "--json", "--slowest=1", "nap", recorded.prof))["slowest"]
    end = call["start_ns"] + call["duration_ns"]
    chosen = f"&t0={call['start_ns'] // 2}&t1={end}&from={call['start_ns']}&to={end}&fn=1"
    check_windows(page, recorded.page, {"timeline": "#view=timeline" + chosen})
