"""The page of two sides in a real browser, beside what `edbprof diff --json` says."""

from __future__ import annotations

import json
import marshal
import sys

import pytest
from pages import check_windows, duration, fragment, functions, open_page, program, rows, told
from selenium.webdriver.common.keys import Keys
from test_picture import HOSTILE

JOB = """
import time

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def parse(n):
    return sorted(range(n))

def {only}():
    time.sleep(0.001)

for n in range({times}):
    fib(5), parse({size}), {only}()
"""


def signed(nanoseconds):
    if not nanoseconds:
        return "0 s"
    return ("+" if nanoseconds > 0 else "−") + duration(abs(nanoseconds))


class Compared:
    def __init__(self, directory):
        self.sides = {}
        jobs = {"old": ("gone", 5, 400), "new": ("added", 9, 900)}
        for side, (only, times, size) in jobs.items():
            # One name, so that functions of both sides are the same.
            (directory / "job.py").write_text(JOB.format(only=only, times=times, size=size))
            prof = directory / f"{side}.prof"
            run = ["run", "--quiet", f"--out={prof}", "--format=prof"]
            program(*run, sys.executable, directory / "job.py")
            self.sides[side] = prof
        self.page = directory / "page.html"
        sides = [f"--before={self.sides['old']}", f"--after={self.sides['new']}"]
        program("view", "--no-open", "-o", self.page, *sides)
        self.json = json.loads(program("diff", "--json", *self.sides.values()))

    def of(self, name):
        [row] = [row for row in self.json["functions"] if row["name"] == name]
        return row


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    return Compared(tmp_path_factory.mktemp("compared"))


def test_changes_are_those_of_diff(page, compared):
    open_page(page, compared.page, "#view=changes")
    page.screenshot("page-changes")
    changed = sorted(
        compared.json["functions"],
        key=lambda row: -abs(row["self_after_ns"] - row["self_before_ns"]),
    )
    assert [row["name"] for row in changed[:3]] == functions(page)[:3]
    for name in ("fib", "parse", "gone", "added"):
        open_page(page, compared.page, f"#view=changes&search=^{name} ")
        [[_, change, by_calls, by_time, own, calls, total]] = rows(page)
        row = compared.of(name)
        growth = row["self_after_ns"] - row["self_before_ns"]
        word = {"gone": "gone ", "added": "new "}.get(name, "")
        assert change == word + signed(growth), name
        assert (by_calls, by_time) == (
            signed(row["change_by_calls_ns"]),
            signed(row["change_by_time_ns"]),
        )
        assert calls == f"{row['calls_before']} → {row['calls_after']}"
        for text, key in ((own, "self"), (total, "total")):
            before, after = duration(row[f"{key}_before_ns"]), duration(row[f"{key}_after_ns"])
            assert text == (after if before == after else f"{before} → {after}")


def test_changes_sort_by_size_and_choose_a_function(page, compared):
    open_page(page, compared.page, "#view=changes&sort=calls")
    growths = [
        abs(row["calls_after"] - row["calls_before"])
        for name in functions(page)
        for row in compared.json["functions"]
        if row["name"] == name
    ]
    assert growths[0] == max(growths)
    page.script("document.querySelector('.table').focus()")
    page.keys(Keys.ENTER)
    assert "fn=" in fragment(page)


def test_other_views_show_the_side_after(page, compared):
    for name in ("fib", "parse"):
        open_page(page, compared.page, f"#view=table&search=^{name} ")
        [[_, calls, own, *_]] = rows(page)
        row = compared.of(name)
        assert (calls, own) == (f"{row['calls_after']:,}", duration(row["self_after_ns"]))
    open_page(page, compared.page, "#view=table&search=^gone ")
    assert rows(page) == []


def test_graph_has_both_sides_of_a_frame(page, compared):
    open_page(page, compared.page)
    page.screenshot("page-changes-graph")
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    assert "before: self " in told(page) and "change of self time: " in told(page)
    # Paths that are gone are seen in the width of before.
    open_page(page, compared.page, "#measure=before&search=^gone ")
    matched = page.script("return document.getElementById('matched').textContent")
    assert matched.startswith("1 function: on the stack ") and "stack 0.00 %" not in matched


def test_diff_writes_the_same_page(page, compared, tmp_path):
    path = tmp_path / "diff.html"
    program("diff", "-o", path, *compared.sides.values())
    assert path.read_text() == compared.page.read_text()


def test_names_of_changes_stay_text(page, tmp_path):
    for side, time in (("before", 1.0), ("after", 2.0)):
        table = {("<script>.py", 1, name): (1, 1, time, time, {}) for name in HOSTILE}
        (tmp_path / f"<b>{side}.prof").write_bytes(marshal.dumps(table))
    path = tmp_path / "page.html"
    sides = [f"--{side}={tmp_path / f'<b>{side}.prof'}" for side in ("before", "after")]
    program("view", "--no-open", "-o", path, *sides)
    scripts = None
    for name in ("changes", "flame", "table"):
        open_page(page, path, f"#view={name}")
        found = page.script("return document.querySelectorAll('script, b').length")
        scripts = scripts or found
        assert found == scripts == 1, name
    open_page(page, path, "#view=changes")
    assert len(functions(page)) == len(HOSTILE)


def test_equal_and_empty_sides(page, tmp_path):
    (tmp_path / "empty.prof").write_bytes(marshal.dumps({}))
    (tmp_path / "one.prof").write_bytes(marshal.dumps({("a.py", 1, "f"): (1, 1, 1.0, 1.0, {})}))
    for before, after, number in (("one", "one", 0), ("empty", "empty", 0), ("empty", "one", 1)):
        path = tmp_path / f"{before}-{after}.html"
        sides = [f"--before={tmp_path / before}.prof", f"--after={tmp_path / after}.prof"]
        program("view", "--no-open", "-o", path, *sides)
        for name in ("flame", "changes", "inverted", "table"):
            open_page(page, path, f"#view={name}")
        open_page(page, path, "#view=changes")
        assert len(functions(page)) == number


def test_changes_fit_each_window(page, compared):
    check_windows(page, compared.page, {"changes": "#view=changes", "changes-graph": ""})
