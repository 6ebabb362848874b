"""The overview of zoomed graphs, and small windows, on the page of `edbprof view`."""

from __future__ import annotations

import pytest
from call_frames import Recorded
from pages import check_windows, fragment, open_page, wait
from selenium.webdriver.common.keys import Keys


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("overview"))


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
