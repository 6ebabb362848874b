"""The call tree on the page of `edbprof view`."""

from __future__ import annotations

import marshal
import re

import pytest
from call_frames import Recorded
from pages import (
    counted_nodes,
    duration,
    fragment,
    functions,
    open_page,
    rows,
    told,
    view,
    wait,
)
from selenium.webdriver.common.keys import Keys
from test_picture import HOSTILE


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
    # High enough for all rows to be made.
    open_page(page, recorded.page, "#view=tree", height=3000)
    assert any(row["isOpen"] == "true" for row in tree_rows(page))
    focus_tree(page)
    page.keys("h", Keys.ENTER)
    shown, words = tree_rows(page), fragment(page)
    assert {"unfolded", "zoom", "fn"} <= {word.partition("=")[0] for word in words.split("&")}
    chosen = "return [...document.querySelectorAll('.tree .chosen .text')].map(e => e.textContent)"
    [name] = page.script(chosen)
    open_page(page, recorded.page, "#" + words, height=3000)
    assert tree_rows(page) == shown and page.script(chosen) == [name]
    # The function that is chosen in one view fills the width of the other.
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


def test_the_current_row_stays_in_sight(page, recorded):
    open_page(page, recorded.page, "#view=tree&unfolded=-")
    focus_tree(page)
    page.keys("h", Keys.ENTER)
    for height in 1000, 420, 360:
        page.size(1920, height)
        page.settle()
        row, table = page.script(
            "return ['.tree .chosen', '.tree'].map(where => {"
            " const {top, bottom} = document.querySelector(where).getBoundingClientRect();"
            " return [top, bottom] })"
        )
        assert table[0] <= row[0] and row[1] <= table[1] + 1


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
