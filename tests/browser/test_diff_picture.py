"""The differential flame graph of `edbprof diff -o FILE.svg` in a real browser: its zoom."""

from __future__ import annotations

import marshal

import pytest
from pages import program
from selenium.webdriver.common.keys import Keys
from test_picture import HOSTILE

FRAMES = """
return [...document.querySelectorAll('.frame')].map(frame => ({
  title: frame.querySelector('title').textContent,
  isShown: getComputedStyle(frame).display !== 'none',
  isAbove: frame.classList.contains('above'),
  x: Number(frame.querySelector('rect').getAttribute('x')),
  width: Number(frame.querySelector('rect').getAttribute('width')),
  text: frame.querySelector('text').textContent,
}))"""


def stats(own, names=("f", "g", "h")):
    """Statistics of a program in which the first function calls the others."""
    first, *others = [("a.py", line, name) for line, name in enumerate(names, 1)]
    table = {first: (1, 1, own[0], sum(own), {})}
    for function, time in zip(others, own[1:]):
        table[function] = (1, 1, time, time, {first: (1, 1, time, time)})
    return marshal.dumps(table)


@pytest.fixture
def picture(tmp_path):
    (tmp_path / "old.prof").write_bytes(stats([1.0, 1.0, 2.0]))
    (tmp_path / "new.prof").write_bytes(stats([1.0, 3.0, 1.0]))
    out = tmp_path / "diff.svg"
    program("diff", "-o", out, tmp_path / "old.prof", tmp_path / "new.prof")
    return out


def frame(page, name):
    [found] = [of for of in page.script(FRAMES) if of["title"].startswith(name)]
    return found


def click(page, name):
    page.script(
        "[...document.querySelectorAll('.frame')].find(frame =>"
        " frame.querySelector('title').textContent.startsWith(arguments[0]))"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))",
        name,
    )


def test_a_click_zooms_and_escape_returns(page, picture):
    page.open(picture)
    before = page.script(FRAMES)
    f, g, h = (frame(page, name) for name in "fgh")
    assert f["width"] == 1200 and g["width"] == pytest.approx(720, abs=1)
    assert h["width"] == pytest.approx(240, abs=1)
    click(page, "g")
    page.screenshot("diff-picture-zoomed")
    f, g, h = (frame(page, name) for name in "fgh")
    assert (g["x"], g["width"], g["isShown"]) == (0, 1200, True)
    assert (f["x"], f["width"], f["isAbove"]) == (0, 1200, True)
    assert not h["isShown"]
    assert f["text"] == "f" and g["text"] == "g"
    page.keys(Keys.ESCAPE)
    assert page.script(FRAMES) == before


def test_a_click_on_the_way_back_returns(page, picture):
    page.open(picture)
    before = page.script(FRAMES)
    click(page, "h")
    assert frame(page, "h")["width"] == 1200 and not frame(page, "g")["isShown"]
    page.script("document.getElementById('back').dispatchEvent(new MouseEvent('click'))")
    assert page.script(FRAMES) == before


def test_hostile_names_stay_text(page, tmp_path):
    for side, own in (("old", 1.0), ("new", 2.0)):
        times = [own] * len(HOSTILE)
        (tmp_path / f"{side}.prof").write_bytes(stats(times, HOSTILE))
    out = tmp_path / "diff.svg"
    program("diff", "-o", out, tmp_path / "old.prof", tmp_path / "new.prof")
    page.open(out)
    assert page.script("return document.querySelectorAll('script').length") == 1
    assert page.script("return document.querySelectorAll('b').length") == 0
    assert len(page.script(FRAMES)) == len(HOSTILE)
