"""Sources, tasks, imports and copies of pictures on the page of `edbprof view`."""

from __future__ import annotations

import json
import re
import sys
import xml.dom.minidom

import pytest
from pages import check_windows, duration, fragment, functions, open_page, program, rows
from selenium.webdriver.common.keys import Keys

JOB = """
import asyncio, json, time

def parse(n):
    return sorted(range(n))

async def step(n):
    await asyncio.sleep(0.001)
    parse(n)

async def handle(n):
    await step(n)
    await step(n)

async def main():
    await asyncio.gather(*(handle(n) for n in range(5)))

def evil():
    "<b>bold</b></script><script>alert(1)</script>"
    return parse(3)

asyncio.run(main())
evil()
import xml.dom.minidom
"""


class Recorded:
    def __init__(self, directory):
        self.job = directory / "<b>job.py"
        self.job.write_text(JOB)
        self.prof = directory / "run.prof"
        run = ["run", "--quiet", f"--out={self.prof}", "--format=prof"]
        program(*run, sys.executable, self.job)
        self.page = directory / "page.html"
        program("view", "--no-open", "--source", "-o", self.page, self.prof)
        self.json = json.loads(program("export", "--format=json", self.prof))

    def of(self, name):
        here = [row for row in self.json["functions"] if row["file"] == str(self.job)]
        [row] = [row for row in here if row["name"] == name]
        return row


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("more"))


def choose(page, recorded, name):
    """Returns the words of an address that choose a function."""
    open_page(page, recorded.page, f"#view=table&search=^{name} .*job")
    page.script("document.querySelector('.rows .row').click()")
    return re.search(r"fn=\d+", fragment(page))[0]


def line_of(words):
    return next(number for number, line in enumerate(JOB.split("\n"), 1) if words in line)


def test_source_has_the_figures_of_definitions_and_of_calls(page, recorded):
    open_page(page, recorded.page, "#view=source&" + choose(page, recorded, "parse"))
    lines = {int(row[3]): row for row in rows(page)}
    page.screenshot("page-source")
    parse = recorded.of("parse")
    calls, own, total, _, text = lines[line_of("def parse")]
    assert text == "def parse(n):"
    assert (calls, own, total) == (
        str(parse["calls"]),
        duration(parse["self_ns"]),
        duration(parse["total_ns"]),
    )
    [by_step] = [
        caller
        for caller in parse["callers"]
        if recorded.json["functions"][caller["function"]]["name"] == "step"
    ]
    assert lines[line_of("    parse(n)")][:3] == [
        f"≈ {by_step['calls']}",
        "",
        f"≈ {duration(by_step['total_ns'])}",
    ]
    assert lines[line_of("return parse(3)")][0] == "≈ 1"
    # Both lines that name it have the figures of the calls.
    assert lines[line_of("    await step(n)")][0] == lines[line_of("    await step(n)") + 1][0]


def test_source_is_text_and_lines_choose_functions(page, recorded):
    open_page(page, recorded.page, "#view=source&" + choose(page, recorded, "evil"))
    assert page.script("return document.querySelectorAll('script, b').length") == 1
    shown = page.script("return document.querySelector('.source .rows').textContent")
    assert "<b>bold</b></script><script>alert(1)</script>" in shown
    contained = page.script("return document.querySelector('#view details').textContent")
    assert str(recorded.job) in contained
    page.script("document.querySelector('.source').focus()")
    page.keys(Keys.HOME, *[Keys.ARROW_DOWN] * (line_of("def parse") - 1), Keys.ENTER)
    assert fragment(page).endswith(choose(page, recorded, "parse"))


def test_changed_files_are_not_in_the_page(page, recorded, tmp_path):
    recorded.job.write_text(JOB + "\n# changed\n")
    path = tmp_path / "changed.html"
    program("view", "--no-open", "--source", "-o", path, recorded.prof)
    open_page(page, path, "#view=source")
    text = page.script("return document.querySelector('#view details').textContent")
    assert f"{recorded.job}: it has changed since the recording" in text
    plain = tmp_path / "plain.html"
    program("view", "--no-open", "-o", plain, recorded.prof)
    open_page(page, plain, "#view=source")
    assert not page.driver.find_elements("css selector", "#tab-source")


def test_tasks_are_those_of_the_tree(page, recorded):
    open_page(page, recorded.page, "#view=tasks")
    page.screenshot("page-tasks")
    shown = {row[0].split(" ")[0].split("<b>")[0]: row[1:] for row in rows(page)}
    expected = program("tree", "--tasks", "--threshold=0", recorded.prof).decode()
    for name in ("main", "handle", "step"):
        line = next(line for line in expected.splitlines() if re.search(rf" {name}  ", line))
        figures = re.findall(r"[\d.,]+ (?:[mµ]?s|ns)|(?<= )\d+(?=  )", line)
        assert shown[name] == figures, line


def test_chosen_tasks_are_all_that_other_views_show(page, recorded):
    open_page(page, recorded.page, "#view=processes")
    press = "[...document.querySelectorAll('#view button')].find(b => b.textContent === arguments[0]).click()"
    page.script(press, "Tasks alone")
    page.settle()
    page.screenshot("page-tasks-chosen")
    assert "tasksOnly=1" in fragment(page)
    left_out = page.script("return document.querySelector('.range:not([hidden])').textContent")
    assert left_out.startswith("Left out time in no task")

    def calls(name, words):
        open_page(page, recorded.page, f"#view=table&search=^{name} .*job&{words}")
        return [row[1] for row in rows(page)]

    assert calls("evil", "tasksOnly=1") == []
    # evil() calls it outside of tasks.
    [by_step] = [
        caller["calls"]
        for caller in recorded.of("parse")["callers"]
        if recorded.json["functions"][caller["function"]]["name"] == "step"
    ]
    assert calls("parse", "tasksOnly=1") == [str(by_step)]
    assert calls("parse", "") == [str(by_step + 1)]
    off = choose(page, recorded, "handle").replace("fn=", "tasksOff=")
    assert calls("parse", off) == ["1"] and calls("main", off) != []
    assert calls("parse", off + "&tasksOnly=1") == []
    open_page(page, recorded.page, f"#view=processes&{off}")
    ticked = "return [...document.querySelectorAll('#view input:checked')].map(e => e.ariaLabel)"
    assert "handle" not in page.script(ticked) and "In no task" in page.script(ticked)


def test_folded_imports_have_the_names_of_modules(page, recorded):
    open_page(page, recorded.page, "#imports=1&search=importlib")
    page.script("document.querySelector('.graph').focus()")
    found = set()
    for key in [Keys.ARROW_DOWN] * 4 + [Keys.ARROW_RIGHT] * 10:
        page.keys(key)
        found.add(page.script("return document.querySelector('.told').textContent"))
    assert any(text.startswith("import ") and "xml" in text for text in found), found
    page.screenshot("page-imports")


def copied(page):
    """What the button SVG copies: what Python's parser reads without a complaint."""
    page.script(
        "Object.defineProperty(navigator, 'clipboard', {value: {"
        "writeText: text => { window.copied = text; return Promise.resolve(); }}})"
    )
    page.script(
        "[...document.querySelectorAll('button')].find(b => b.textContent === 'SVG').click()"
    )
    page.settle()
    return page.script("return window.copied")


def test_a_graph_is_copied_as_svg(page, recorded):
    open_page(page, recorded.page)
    text = copied(page)
    picture = xml.dom.minidom.parseString(text.encode())
    titles = [title.firstChild.data for title in picture.getElementsByTagName("title")]
    assert titles[0].startswith("All: " + duration(recorded.json["total_ns"]))
    assert any("<b>job.py" in title for title in titles)
    open_page(page, recorded.page, "#view=table")
    shown = "return getComputedStyle(document.querySelector('.only-graph')).display"
    assert page.script(shown) == "none"


def test_tables_of_source_need_no_mouse(page, recorded):
    for name in ("source", "tasks"):
        open_page(page, recorded.page, f"#view={name}")
        page.script("document.querySelector('#view .table').focus()")
        page.keys(Keys.END, Keys.ENTER)
        assert functions(page) is not None


def test_source_and_tasks_fit_each_window(page, recorded):
    source = "#view=source&" + choose(page, recorded, "parse")
    check_windows(page, recorded.page, {"source": source, "tasks": "#view=tasks"})
