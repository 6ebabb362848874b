"""The page of `edbprof view` in a real browser, beside what `edbprof export` says."""

from __future__ import annotations

import json
import marshal
import re
import sys

import pytest
from pages import (
    PROGRAM,
    SHOWN_INTEGERS,
    check_windows,
    duration,
    fragment,
    functions,
    open_page,
    program,
    rows,
    told,
    view,
)
from selenium.webdriver.common.keys import Keys
from test_picture import HOSTILE


class Recorded:
    """Recordings of two runs, the page of both, and the same figures as JSON."""

    def __init__(self, directory):
        job = directory / "job.py"
        job.write_text(PROGRAM)
        self.profs = [directory / f"{number}.prof" for number in range(2)]
        for prof in self.profs:
            run = ["run", "--quiet", f"--out={prof}", "--format=prof"]
            program(*run, sys.executable, job)
        self.page = view(directory / "page.html", *self.profs)
        self.json = json.loads(program("export", "--format=json", *self.profs))
        self.first = json.loads(program("export", "--format=json", self.profs[0]))

    def of(self, name):
        [row] = [row for row in self.json["functions"] if row["name"] == name]
        return row


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("page"))


def test_table_has_the_figures_of_pstats(page, recorded):
    for name in ("fib", "deep", "work", "show_int"):
        open_page(page, recorded.page, f"#view=table&search=^{name} job")
        [[_, calls, own, _, total, _, each, _]] = rows(page)
        row = recorded.of(name)
        assert calls == f"{row['calls']:,}", name
        assert (own, total) == (duration(row["self_ns"]), duration(row["total_ns"])), name
        assert each == duration(round(row["total_ns"] / row["calls"])) or "µs" in each
    open_page(page, recorded.page, "#view=table")
    page.screenshot("page-table")
    heaviest = max(recorded.json["functions"], key=lambda row: row["self_ns"])
    assert rows(page)[0][2] == duration(heaviest["self_ns"])
    share = 100 * heaviest["self_ns"] / recorded.json["total_ns"]
    assert rows(page)[0][3] == f"{share:.2f} %"


def test_table_sorts_and_unfolds_callers_and_callees(page, recorded):
    open_page(page, recorded.page, "#view=table&search=^fib job")
    page.script("document.querySelector('.table').focus()")
    page.keys(Keys.ENTER)
    shown = [row[0] for row in rows(page)]
    assert any("called by" in name and "work" in name for name in shown)
    assert any("called by" in name and "fib" in name for name in shown)
    by_work = next(row for row in rows(page) if "called by" in row[0] and "work" in row[0])
    fib = recorded.of("fib")
    labels = [row["name"] for row in recorded.json["functions"]]
    [expected] = [row for row in fib["callers"] if labels[row["function"]] == "work"]
    assert by_work[1] == str(expected["calls"]) and by_work[4] == duration(expected["total_ns"])
    open_page(page, recorded.page, "#view=table&sort=calls")
    calls = [int(row[1].replace(",", "")) for row in rows(page)]
    assert calls == sorted(calls, reverse=True)
    assert "sort=calls" in fragment(page)


def test_graph_is_read_by_keys_zooms_and_goes_back(page, recorded):
    open_page(page, recorded.page)
    page.screenshot("page-flame")
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN)
    whole = recorded.json["total_ns"]
    assert told(page).startswith("All: " + duration(whole))
    page.keys(Keys.ARROW_DOWN)
    name, _, share, *_ = told(page).split(". ")
    tree = recorded.json["tree"]
    roots = {}
    for parent, function, total in zip(tree["parent"], tree["function"], tree["total_ns"]):
        if parent == -1:
            roots[function] = roots.get(function, 0) + total
    function, total = max(roots.items(), key=lambda root: root[1])
    assert name.split(" ")[0] == tree["functions"][function]["name"].split(" ")[0]
    assert share == f"{100 * total / whole:.2f} % of the time: {duration(total)}"
    page.keys(Keys.ENTER)
    assert "zoom=" in fragment(page) and "fn=" in fragment(page)
    zoomed = fragment(page)
    page.keys("5")
    assert "view=table" in fragment(page)
    page.script("history.back()")
    page.settle()
    assert fragment(page) == zoomed
    page.keys("0")
    assert "zoom=" not in fragment(page)


def test_hovering_says_all_of_a_frame(page, recorded):
    open_page(page, recorded.page, "#search=^fib job")
    x, y = page.script(
        "const {left, top} = document.querySelector('.graph').getBoundingClientRect();"
        "return [left + 30, top + 30]"
    )
    page.mouse("move", x, y)
    lines = page.script("return [...document.querySelectorAll('#tip > *')].map(e => e.textContent)")
    assert len(lines) >= 4 and re.search(r"^total .*, self ", lines[3])


def test_search_adds_up_to_what_pstats_says(page, recorded):
    open_page(page, recorded.page)
    page.keys("/", "^fib job")
    row, whole = recorded.of("fib"), recorded.json["total_ns"]
    matched = "return document.getElementById('matched').textContent"
    assert page.script(matched) == (
        f"1 function: on the stack {100 * row['total_ns'] / whole:.2f} %, "
        f"by themselves {100 * row['self_ns'] / whole:.2f} %"
    )
    assert "search=%5Efib" in fragment(page)
    page.keys(Keys.ESCAPE, "/", "(")
    assert page.script(matched) == "Not a regular expression"
    page.keys(Keys.ESCAPE)
    assert fragment(page) == ""


def test_sandwich_has_all_callers_and_callees(page, recorded):
    open_page(page, recorded.page, "#view=table&search=^work job")
    page.script("document.querySelector('.rows .row').click()")
    page.keys("s")
    page.settle()
    page.screenshot("page-sandwich")
    assert "view=sandwich" in fragment(page)
    [callers, callees] = page.driver.find_elements("css selector", ".halves .graph")
    page.script("arguments[0].focus()", callees)
    page.keys(Keys.ARROW_DOWN)
    work = recorded.of("work")
    assert f": {duration(work['total_ns'])}" in told(page) and told(page).startswith("work. ")
    page.script("arguments[0].focus()", callers)
    page.keys(Keys.ARROW_UP, Keys.ARROW_UP)
    assert "on the way to work" in told(page)


def test_sandwich_begins_with_the_heaviest_function(page, recorded):
    open_page(page, recorded.page, "#view=table")
    # The table is sorted by self time.
    name = functions(page)[0]
    heaviest = max(recorded.json["functions"], key=lambda row: row["self_ns"])
    open_page(page, recorded.page, "#view=sandwich")
    hint = page.driver.find_element("css selector", ".sandwich > .hint")
    assert hint.text.startswith(f"{name} has the most time of its own. ")
    page.script("document.querySelectorAll('.halves .graph')[1].focus()")
    page.keys(Keys.ARROW_DOWN)
    assert told(page).startswith(f"{name}. ")
    assert duration(heaviest["total_ns"]) in told(page)
    page.keys(Keys.ENTER)
    assert "fn=" in fragment(page) and not hint.is_displayed()


def test_bars_are_as_long_as_shares(page, recorded):
    open_page(page, recorded.page, "#view=table")
    cells = page.script(
        "return [...document.querySelectorAll('.rows .bar')].map(cell =>"
        " [cell.textContent, cell.style.backgroundSize])"
    )
    shares = [float(text.removeprefix("≈ ").removesuffix(" %")) for text, _ in cells]
    bars = [float(size.partition("%")[0]) for _, size in cells]
    assert shares and bars == pytest.approx(shares, abs=0.006)


def test_inverted_begins_with_self_time(page, recorded):
    open_page(page, recorded.page, "#view=inverted")
    page.screenshot("page-inverted")
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN, Keys.ARROW_DOWN)
    heaviest = max(row["self_ns"] for row in recorded.json["functions"])
    assert duration(heaviest) in told(page)


def test_width_by_calls(page, recorded):
    open_page(page, recorded.page, "#measure=calls")
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN)
    assert f"{sum(recorded.json['tree']['calls']):,} calls" in told(page)


def test_processes_are_chosen_for_all_views(page, recorded):
    open_page(page, recorded.page, "#view=processes")
    page.screenshot("page-processes")
    boxes = page.driver.find_elements("css selector", ".plain input")
    names = [box.get_attribute("aria-label") for box in boxes]
    processes = [box for box, name in zip(boxes, names) if name.startswith("process ")]
    assert len(processes) == 2 and len(boxes) > 2
    first = recorded.first["processes"][0]["pid"]
    other = next(
        box for box in processes if f"process {first}:" not in box.get_attribute("aria-label")
    )
    other.click()
    page.settle()
    assert "off=" in fragment(page)
    open_page(page, recorded.page, "#" + fragment(page).replace("view=processes", "view=flame"))
    page.script("document.querySelector('.graph').focus()")
    page.keys(Keys.ARROW_DOWN)
    assert told(page).startswith("All: " + duration(recorded.first["total_ns"]))


def test_own_code_and_imports(page, recorded):
    open_page(page, recorded.page)
    page.keys("m")
    assert fragment(page) == "mine=1"
    page.keys("5")
    own = {"work", "fib", "deep", "show_int", "show", "<lambda>"}
    # Beginnings of threads have no caller that could take their time.
    assert set(functions(page)) >= own - {"show"}
    assert not any("parse" in name for name in functions(page))
    open_page(page, recorded.page, "#imports=1&view=table&search=importlib")
    assert 0 < len(functions(page)) < 10


def test_generic_functions_by_implementation(page, recorded):
    open_page(page, recorded.page, "#view=generics")
    table = page.script("return document.querySelector('#view').innerText")
    if "show_int" not in table:
        pytest.skip("this Python's recording tells no generic functions apart")
    calls = 2 * SHOWN_INTEGERS
    assert re.search(rf"work job\.py:\d+\tshow_int job\.py:\d+\t{calls}", table)


def test_names_stay_text(page, tmp_path):
    table = {("<script>.py", 1, name): (1, 1, 1.0, 1.0, {}) for name in HOSTILE}
    (tmp_path / "hostile.prof").write_bytes(marshal.dumps(table))
    path = view(tmp_path / "hostile.html", tmp_path / "hostile.prof")
    for name in ("flame", "inverted", "table", "sandwich&fn=0", "sandwich&fn=6"):
        open_page(page, path, f"#view={name}")
        page.mouse("move", 300, 180)
        assert page.script("return document.querySelectorAll('script, b').length") == 1, name
        assert page.driver.title.startswith("edbprof: ")
    open_page(page, path, "#view=table")
    shown = set(functions(page))
    expected = {
        name.replace("\u202e", "\\u202e")
        .replace("\x00", "\\x00")
        .replace("\x1b", "\\x1b")
        .replace("\n", "\\x0a")
        for name in HOSTILE
    }
    assert shown == expected
    page.screenshot("page-hostile")
    heaviest = page.script("return document.getElementById('heaviest').textContent")
    assert all(name in heaviest for name in expected)


def test_figures_of_cprofile_are_exact_in_the_table(page, tmp_path):
    calls = {
        ("a.py", 1, "f"): (1, 1, 1.0, 4.0, {}),
        ("a.py", 2, "g"): (1, 1, 1.0, 3.0, {}),
        ("a.py", 3, "h"): (
            5,
            9,
            2.0,
            2.0,
            {("a.py", 1, "f"): (1, 1, 0.5, 0.5), ("a.py", 2, "g"): (4, 8, 1.5, 1.5)},
        ),
    }
    (tmp_path / "plain.prof").write_bytes(marshal.dumps(calls))
    path = view(tmp_path / "plain.html", tmp_path / "plain.prof")
    open_page(page, path, "#view=table&search=^h ")
    [[_, calls_text, own, _, total, *_]] = rows(page)
    assert (calls_text, own, total) == ("9", "2.00 s", "2.00 s")


def test_empty_and_single_profiles(page, tmp_path):
    (tmp_path / "empty.prof").write_bytes(marshal.dumps({}))
    path = view(tmp_path / "empty.html", tmp_path / "empty.prof")
    for name in ("flame", "inverted", "sandwich", "table"):
        open_page(page, path, f"#view={name}")
    (tmp_path / "one.prof").write_bytes(marshal.dumps({("a.py", 1, "f"): (1, 1, 1.0, 1.0, {})}))
    open_page(page, view(tmp_path / "one.html", tmp_path / "one.prof"), "#view=table")
    assert functions(page) == ["f"]


def test_many_functions_scroll(page, tmp_path):
    table = {
        (f"{n % 100}.py", n, f"f{n}"): (1, 1, 1e-6 * n, 1e-6 * n, {}) for n in range(1, 200_001)
    }
    (tmp_path / "many.prof").write_bytes(marshal.dumps(table))
    path = view(tmp_path / "many.html", tmp_path / "many.prof")
    open_page(page, path, "#view=table")
    assert functions(page)[0] == "f200000" and len(functions(page)) < 100
    page.script("document.querySelector('.table').focus()")
    page.keys(Keys.END)
    assert functions(page)[-1] == "f1"


def test_addresses_of_others_are_harmless(page, recorded):
    for words in (
        "view=<b>&fn=99999999",
        "zoom=9.9.9&off=1.2.99999999",
        "fn=-1&view=sandwich",
        "%%%",
    ):
        open_page(page, recorded.page, "#" + words)
        assert page.script("return document.querySelectorAll('[role=tab]').length") >= 4


def test_each_view_fits_each_window(page, recorded):
    views = ("flame", "inverted", "sandwich", "table", "processes", "generics")
    words = {name: f"#view={name}" for name in views}
    check_windows(page, recorded.page, {**words, "sandwich": "#view=sandwich&fn=1"})


def test_keys_are_listed_and_the_theme_is_switched(page, recorded):
    open_page(page, recorded.page)
    page.keys("?")
    assert page.script("return document.getElementById('help').open")
    page.screenshot("page-help")
    page.keys(Keys.ESCAPE, "t")
    assert page.script("return document.documentElement.dataset.theme") == "dark"
    page.keys("t")
    assert page.script("return document.documentElement.dataset.theme") == "light"
    # The choice is what the system has, which the page follows again, but for paper.
    open_page(page, recorded.page, dark=True)
    for event, theme in (("load", "dark"), ("beforeprint", "light"), ("afterprint", "dark")):
        page.script(f"dispatchEvent(new Event('{event}'))")
        assert page.script("return document.documentElement.dataset.theme") == theme


def luminance(colour):
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_text_on_frames_can_be_read(page, recorded):
    """4.5 is what WCAG asks for at level AA; other text is text of the document."""
    roles = [
        f"{role}-{shade}" for role in ("own", "library", "builtin", "import") for shade in "abc"
    ]
    changes = [f"{way}-{step}" for way in ("less", "more") for step in "123"]
    for dark in (False, True):
        open_page(page, recorded.page, dark=dark)
        colours = page.script(
            "const style = getComputedStyle(document.documentElement);"
            "return Object.fromEntries(arguments[0].map(name =>"
            " [name, style.getPropertyValue('--' + name).trim()]))",
            [*roles, *changes, "same", "match", "frame-text", "dim", "dim-text"],
        )
        assert contrast(colours["dim"], colours["dim-text"]) >= 4.5
        for name in (*roles, *changes, "same", "match"):
            assert contrast(colours[name], colours["frame-text"]) >= 4.5, (dark, name)


def test_page_allows_no_network_and_is_small_without_data(page, recorded):
    text = recorded.page.read_text()
    assert "default-src 'none'" in text and not re.search(r"(src|href)\s*=\s*[\"']?https?:", text)
    open_page(page, recorded.page)
    blocked = page.driver.execute_async_script(
        "const done = arguments[0]; fetch('data:text/plain,x').then(() => done(false), () => done(true))"
    )
    assert blocked
    # The refusal of this test's own request.
    page.driver.get_log("browser"), page.driver.get_log("performance")


def test_without_scripts_the_heaviest_functions_are_there(page, recorded):
    page.protocol("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.driver.get("about:blank")
        page.driver.get(recorded.page.as_uri())
        page.screenshot("page-no-script")
    finally:
        page.protocol("Emulation.setScriptExecutionDisabled", value=False)
    heaviest = max(row["self_ns"] for row in recorded.json["functions"])
    text = page.script("return document.getElementById('heaviest').textContent")
    assert duration(heaviest) in text
