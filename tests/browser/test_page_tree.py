"""The call tree, the overview of zoomed graphs and small windows on the page of `edbprof view`."""

from __future__ import annotations

import json
import marshal
import re
import sys

import pytest
from pages import (
    PROGRAM,
    check_windows,
    counted_nodes,
    duration,
    fragment,
    functions,
    open_page,
    program,
    rows,
    told,
    view,
    wait,
)
from selenium.webdriver.common.keys import Keys
from test_picture import HOSTILE


class Recorded:
    """Recordings of two runs, their page, and the frames of their call tree from the JSON."""

    def __init__(self, directory):
        job = directory / "job.py"
        job.write_text(PROGRAM)
        profs = [directory / f"{number}.prof" for number in range(2)]
        for prof in profs:
            run = ["run", "--quiet", f"--out={prof}", "--format=prof"]
            program(*run, sys.executable, job)
        self.page = view(directory / "page.html", *profs)
        self.json = json.loads(program("export", "--format=json", *profs))
        self.frames = frames_of(self.json["tree"])


class Frame:
    """All calls of one function below one path of callers."""

    def __init__(self, name):
        self.name, self.calls, self.total, self.waiting = name, 0, 0, 0
        self.callees = {}

    @property
    def own(self):
        return self.total - sum(callee.total for callee in self.callees.values())

    def heaviest(self):
        return max(self.callees.values(), key=lambda frame: frame.total)

    def figures(self, whole):
        def share(part):
            return f"{100 * part / whole:.2f} %"

        times = [duration(self.own), share(self.own), duration(self.total), share(self.total)]
        each = duration(self.total / self.calls)
        return [f"{self.calls:,}", *times, each, duration(self.waiting)]


def frames_of(tree):
    root, of = Frame("All"), []
    waiting = zip(*tree["waiting"].values())
    columns = (tree[name] for name in ("parent", "function", "calls", "total_ns"))
    for parent, function, calls, total, waits in zip(*columns, waiting):
        above = root if parent == -1 else of[parent]
        name = tree["functions"][function]["name"]
        frame = above.callees.setdefault(function, Frame(name))
        frame.calls += calls
        frame.total += total
        frame.waiting += sum(waits)
        of.append(frame)
    return root


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("tree"))


def tree_rows(page):
    """Level, signs, name and figures of each row that is made."""
    return page.script(
        "return [...document.querySelectorAll('.tree .rows .row')].map(row => ({"
        " level: Number(row.ariaLevel), isOpen: row.ariaExpanded,"
        " name: row.querySelector('.text').textContent,"
        " place: [row.getAttribute('aria-posinset'), row.getAttribute('aria-setsize')].map(Number),"
        " figures: [...row.children].slice(1).map(cell => cell.textContent) }))"
    )


def current(page):
    """The row that screen readers say."""
    name = page.script(
        "return document.querySelector('.tree').getAttribute('aria-activedescendant')"
    )
    [index] = re.findall(r"\d+$", name)
    is_there = "return document.getElementById(arguments[0]) !== null"
    assert page.script(is_there, name)
    return int(index)


def focus_tree(page):
    page.script("document.querySelector('.tree').focus()")


def check_callees(page, recorded, frame, level):
    """Compares the rows of a level, those of one frame's callees, with the JSON."""
    shown = [row for row in tree_rows(page) if row["level"] == level]
    whole = recorded.json["total_ns"]
    expected = [[callee.name, *callee.figures(whole)] for callee in frame.callees.values()]
    assert sorted([row["name"], *row["figures"]] for row in shown) == sorted(expected)
    heaviest = sorted((callee.total for callee in frame.callees.values()), reverse=True)
    assert [row["figures"][3] for row in shown] == [duration(total) for total in heaviest]
    assert [row["place"] for row in shown] == [
        [at + 1, len(heaviest)] for at in range(len(heaviest))
    ]


def test_rows_are_the_frames_of_the_json(page, recorded):
    # High enough for all rows to be made.
    open_page(page, recorded.page, "#view=tree&unfolded=-", height=3000)
    check_callees(page, recorded, recorded.frames, 1)
    focus_tree(page)
    frame = recorded.frames
    for level in range(1, 4):
        page.keys(Keys.ARROW_RIGHT)
        frame = frame.heaviest()
        check_callees(page, recorded, frame, level + 1)
        page.keys(Keys.ARROW_RIGHT)
    page.screenshot("page-tree-unfolded")


def test_without_libraries_it_has_the_times_of_the_table(page, recorded):
    open_page(page, recorded.page, "#view=table&mine=1&search=^work job", height=3000)
    [table] = rows(page)
    open_page(page, recorded.page, "#view=tree&mine=1&unfolded=-", height=3000)
    roots = tree_rows(page)
    focus_tree(page)
    # From the last root on, so that the places of others stay.
    for at in reversed(range(len(roots))):
        page.keys(Keys.HOME, *[Keys.ARROW_DOWN] * at, Keys.ARROW_RIGHT)
    # <module> calls work(), and so does the beginning of each thread.
    calls = [int(row["figures"][0]) for row in tree_rows(page) if row["name"] == "work"]
    assert len(calls) == 2 and sum(calls) == int(table[1])


def test_unfolds_by_keys_as_other_trees_do(page, recorded):
    open_page(page, recorded.page, "#view=tree&unfolded=-")
    roots = len(tree_rows(page))
    assert all(row["isOpen"] != "true" for row in tree_rows(page))
    focus_tree(page)
    page.keys(Keys.ARROW_RIGHT)
    unfolded = tree_rows(page)
    assert len(unfolded) > roots and unfolded[0]["isOpen"] == "true" and current(page) == 0
    assert re.fullmatch(r"view=tree&unfolded=\d+", fragment(page))
    page.keys(Keys.ARROW_RIGHT)
    assert current(page) == 1
    page.keys(Keys.ARROW_LEFT)
    assert current(page) == 0
    page.keys(Keys.ARROW_LEFT)
    assert len(tree_rows(page)) == roots and "unfolded=-" in fragment(page)
    page.keys(Keys.END)
    assert current(page) == roots - 1
    page.keys(Keys.ARROW_UP, Keys.HOME)
    assert current(page) == 0
    # Back goes back by one row each.
    page.script("history.back()")
    wait(page)
    assert tree_rows(page) == unfolded


def test_a_link_shows_what_its_sender_saw(page, recorded):
    open_page(page, recorded.page, "#view=tree")
    assert any(row["isOpen"] == "true" for row in tree_rows(page))
    focus_tree(page)
    page.keys("h", Keys.ENTER)
    shown, words = tree_rows(page), fragment(page)
    assert {"unfolded", "zoom", "fn"} <= {word.partition("=")[0] for word in words.split("&")}
    chosen = "return [...document.querySelectorAll('.tree .chosen .text')].map(e => e.textContent)"
    [name] = page.script(chosen)
    open_page(page, recorded.page, "#" + words)
    assert tree_rows(page) == shown and page.script(chosen) == [name]
    # What is chosen in one view fills the width of the other.
    page.keys("1")
    assert "view=" not in fragment(page)
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN)
    assert told(page).startswith(name)
    # And the frame of a graph is a row, though nothing was unfolded.
    zoom = re.search(r"zoom=[\d.]+", words)[0]
    open_page(page, recorded.page, f"#view=tree&{zoom}&unfolded=-")
    assert page.script(chosen) == [name]
    assert len([row for row in tree_rows(page) if row["isOpen"] == "true"]) == zoom.count(".")


def test_unfolds_by_mouse(page, recorded):
    open_page(page, recorded.page, "#view=tree&unfolded=-")
    roots = tree_rows(page)

    def click(what):
        x, y = page.script(
            "const {left, top} = document.querySelector(arguments[0]).getBoundingClientRect();"
            "return [left + 6, top + 6]",
            f".tree .rows {what}",
        )
        page.mouse("click", x, y)

    click("button.toggle")
    assert len(tree_rows(page)) > len(roots)
    # The keyboard goes on where the mouse was.
    page.keys(Keys.ARROW_LEFT)
    assert tree_rows(page) == roots
    click("button.toggle")
    click(".text")
    assert "zoom=" in fragment(page) and tree_rows(page)[0]["isOpen"] == "true"
    page.driver.find_element("xpath", "//button[text()='Fold all']").click()
    wait(page)
    assert tree_rows(page) == roots and "zoom=" not in fragment(page)
    page.driver.find_element("xpath", "//button[text()='Unfold the heaviest path']").click()
    wait(page)
    assert len(tree_rows(page)) > len(roots)


def test_a_search_leads_to_matches(page, recorded):
    open_page(page, recorded.page, "#view=tree&unfolded=-&search=^show_int job")
    matches = "return document.querySelectorAll('.tree .match').length"
    assert page.script(matches) == 0
    lead = page.script(
        "return [...document.querySelectorAll('.tree .row[aria-level]:not(.no-match) .text')]"
        ".map(e => e.textContent)"
    )
    assert "<module>" in lead and len(lead) < len(tree_rows(page))
    focus_tree(page)
    for index, row in enumerate(tree_rows(page)):
        if row["name"] in lead:
            page.keys(Keys.HOME, *[Keys.ARROW_DOWN] * index, "h")
            break
    assert page.script(matches) >= 1
    assert tree_rows(page)[current(page)]["name"] == "show_int"
    page.screenshot("page-tree-search")


def copied(page, form):
    page.script(
        "Object.defineProperty(navigator, 'clipboard', {configurable: true, value: {"
        "writeText: text => { window.copied = text; return Promise.resolve(); }}});"
        f"[...document.querySelectorAll('button')].find(b => b.textContent === '{form}').click()"
    )
    page.settle()
    return page.script("return window.copied")


def test_is_copied_as_it_is_unfolded(page, recorded):
    open_page(page, recorded.page, "#view=tree", height=3000)
    shown = tree_rows(page)
    lines = copied(page, "Text").splitlines()
    names = [re.match(r".* %  ((?:  )*)(\S+)", line).groups() for line in lines[1:]]
    assert [(len(spaces) // 2 + 1, name) for spaces, name in names] == [
        (row["level"], row["name"].split(" ")[0]) for row in shown
    ]
    [head, *cells] = copied(page, "CSV").splitlines()
    assert head == "level,function,file,line,calls,self_ns,total_ns,waiting_ns"
    roots = sum(int(line.split(",")[-2]) for line in cells if line.startswith("0,"))
    assert roots == recorded.json["total_ns"]


def test_deep_calls_are_rows_whose_names_can_be_read(page, recorded):
    deep = counted_nodes(recorded.json, "deep")
    assert deep > 400
    for width in (1280, 360):
        look = {"width": width, "height": 740, "mobile": width < 500}
        open_page(page, recorded.page, "#view=tree&mine=1&search=deep", **look)
        focus_tree(page)
        # A search leads to the first match, without it the way leads to the last call.
        page.keys("h", Keys.ESCAPE, "h", "h", Keys.END)
        focus_tree(page)
        levels = [row["level"] for row in tree_rows(page)]
        assert max(levels) > 1
        boxes = page.script(
            "return [...document.querySelectorAll('.tree .rows .name')].map(cell => {"
            " const text = cell.querySelector('.text').getBoundingClientRect();"
            " return cell.getBoundingClientRect().right - text.left; })"
        )
        assert min(boxes) > 40, (width, boxes)
        page.screenshot(f"page-tree-deep-{width}")


def test_hostile_names_are_text_in_the_tree_and_the_overview(page, tmp_path):
    callers = {("<script>.py", 1, "root"): (1, 1, 0.5, 0.5)}
    table = {("<script>.py", 1, name): (1, 1, 1.0, 1.0, callers) for name in HOSTILE}
    table[("<script>.py", 1, "root")] = (1, 1, 1.0, 9.0, {})
    (tmp_path / "hostile.prof").write_bytes(marshal.dumps(table))
    path = view(tmp_path / "hostile.html", tmp_path / "hostile.prof")
    open_page(page, path, "#view=tree")
    names = functions(page)
    assert len(names) > len(HOSTILE)
    elements = "return document.querySelectorAll('script, b').length"
    assert page.script(elements) == 1
    for at in range(len(names)):
        open_page(page, path, "#view=tree")
        focus_tree(page)
        page.keys(Keys.HOME, *[Keys.ARROW_DOWN] * at, Keys.ENTER)
        page.keys("1")
        assert page.script(elements) == 1
        value = page.script(
            "const e = document.querySelector('.overview'); return e.hidden ? '' : e.ariaValueText"
        )
        assert value.startswith(names[at][:3]), (at, value)


def test_profiles_of_nothing_of_one_and_of_many(page, tmp_path):
    (tmp_path / "empty.prof").write_bytes(marshal.dumps({}))
    path = view(tmp_path / "empty.html", tmp_path / "empty.prof")
    open_page(page, path, "#view=tree&zoom=1.2&unfolded=1.2.--.3")
    focus_tree(page)
    page.keys("h", Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.END, Keys.ENTER)
    assert tree_rows(page) == []
    (tmp_path / "one.prof").write_bytes(marshal.dumps({("a.py", 1, "f"): (1, 1, 1.0, 1.0, {})}))
    open_page(page, view(tmp_path / "one.html", tmp_path / "one.prof"), "#view=tree")
    focus_tree(page)
    page.keys("h", Keys.ARROW_RIGHT, Keys.ARROW_LEFT, Keys.ENTER)
    [row] = tree_rows(page)
    assert row["isOpen"] is None and row["figures"][:3] == ["≈ 1", "≈ 1.00 s", "≈ 100.00 %"]
    table = {
        (f"{n % 100}.py", n, f"f{n}"): (1, 1, 1e-6 * n, 1e-6 * n, {}) for n in range(1, 200_001)
    }
    (tmp_path / "many.prof").write_bytes(marshal.dumps(table))
    open_page(page, view(tmp_path / "many.html", tmp_path / "many.prof"), "#view=tree")
    shown = tree_rows(page)
    assert shown[0]["name"] == "f200000" and shown[0]["place"] == [1, 200_000] and len(shown) < 100
    focus_tree(page)
    page.keys(Keys.END)
    assert functions(page)[-1] == "f1"


def test_addresses_of_others_are_harmless(page, recorded):
    for words in ("unfolded=<b>", "unfolded=9.9.9.--.1&zoom=1.2.3", "unfolded=" + "1." * 9000):
        open_page(page, recorded.page, f"#view=tree&{words}")
        assert tree_rows(page), words


def overview(page):
    return page.script(
        "const e = document.querySelector('.overview'), {left, top, width, height} = e.getBoundingClientRect();"
        "const mark = e.querySelector('.mark').getBoundingClientRect();"
        "return e.hidden ? null : {text: e.ariaValueText, left, top, width, height, mark: [mark.left, mark.right]}"
    )


def heaviest_second(recorded):
    """The heaviest root's second callee, and its part of the whole width."""
    root = recorded.frames.heaviest()
    first, second = sorted(root.callees.values(), key=lambda frame: -frame.total)[:2]
    whole = recorded.json["total_ns"]
    return first, second, [100 * first.total / whole, 100 * (first.total + second.total) / whole]


def test_overview_marks_what_fills_the_width(page, recorded):
    open_page(page, recorded.page)
    assert overview(page) is None
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ENTER)
    page.screenshot("page-overview")
    _, second, [start, end] = heaviest_second(recorded)
    shown = overview(page)
    # Names of modules have their files.
    assert shown["text"].startswith(second.name)
    assert shown["text"].endswith(f", {start:.2f} % to {end:.2f} %")
    edge = shown["left"] + 1 + start / 100 * (shown["width"] - 2)
    assert shown["mark"][0] == pytest.approx(edge, abs=1)
    page.keys("0")
    assert overview(page) is None


def test_overview_is_dragged_and_back_undoes_all_of_it(page, recorded):
    open_page(page, recorded.page)
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    first, second, [start, end] = heaviest_second(recorded)
    before, words = overview(page), fragment(page)
    assert before["text"].endswith(f"0.00 % to {start:.2f} %")
    y = before["top"] + before["height"] / 2
    middle = sum(before["mark"]) / 2
    target = before["left"] + (start + end) / 200 * before["width"]

    def mouse(kind, x):
        buttons = 0 if kind == "mouseReleased" else 1
        page.protocol(
            "Input.dispatchMouseEvent",
            type=kind, x=x, y=y, button="left", buttons=buttons, clickCount=1,
        )  # fmt: skip
        page.settle()

    mouse("mousePressed", middle)
    assert overview(page) == before
    for step in (0.3, 0.6, 0.9, 1):
        mouse("mouseMoved", middle + step * (target - middle))
    mouse("mouseReleased", target)
    assert overview(page)["text"].endswith(f", {start:.2f} % to {end:.2f} %")
    moved = fragment(page)
    assert moved != words and moved.count(".") == words.count(".")
    page.script("history.back()")
    wait(page)
    assert fragment(page) == words and overview(page)["text"] == before["text"]


def test_overview_is_moved_by_keys(page, recorded):
    open_page(page, recorded.page)
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    words = fragment(page)
    page.script("document.querySelector('.overview').focus()")
    page.keys(Keys.ARROW_RIGHT)
    _, _, [start, end] = heaviest_second(recorded)
    assert overview(page)["text"].endswith(f", {start:.2f} % to {end:.2f} %")
    page.keys(Keys.ARROW_LEFT)
    assert fragment(page) == words
    page.keys(Keys.END, Keys.HOME, Keys.ARROW_DOWN, Keys.ARROW_UP, Keys.ARROW_UP)
    whole = recorded.json["total_ns"]
    root = recorded.frames.heaviest()
    assert overview(page)["text"].endswith(f"0.00 % to {100 * root.total / whole:.2f} %")
    # Without a zoom there is none, and the graph goes on with the keys.
    page.keys(Keys.ARROW_UP)
    assert overview(page) is None
    focused = "return document.activeElement.classList.contains('graph')"
    assert page.script(focused)


def test_small_windows_leave_the_room_to_the_view(page, recorded):
    for width, height in ((390, 844), (360, 740), (844, 390)):
        look = {"width": width, "height": height, "mobile": True}
        for name in ("flame", "tree", "table"):
            open_page(page, recorded.page, f"#view={name}", **look)
            header = page.script(
                "return document.getElementById('view').getBoundingClientRect().top"
            )
            assert header <= 80, (width, name)
        open_page(page, recorded.page, **look)
        find = "return document.getElementById('search').offsetParent !== null"
        assert not page.script(find)
        page.driver.find_element("xpath", "//button[text()='Options']").click()
        page.settle()
        assert page.script(find) and fragment(page) == "options=1"
        page.script("history.back()")
        wait(page)
        assert not page.script(find)
        page.keys("/", "fib")
        assert page.script(find) and "search=fib" in fragment(page)
        # All tabs are reached, though one line has no room for them.
        last = "return [...document.querySelectorAll('[role=tab]')].at(-1)"
        page.script(last).click()
        page.settle()
        seen = page.script(
            "const tab = document.querySelector('[aria-selected=true]').getBoundingClientRect();"
            "return tab.left >= 0 && tab.right <= innerWidth"
        )
        assert seen, width


def test_each_fits_each_window(page, recorded):
    open_page(page, recorded.page)
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ARROW_DOWN, Keys.ENTER)
    views = {"tree": "#view=tree", "zoomed": "#" + fragment(page), "options": "#options=1"}
    check_windows(page, recorded.page, views)
