"""The picture in a real browser: what it answers to a mouse, to keys and to its address."""

from __future__ import annotations

import io
import json
import marshal
import pathlib
import pstats
import re
import subprocess
import sys

import pytest
from pages import duration
from selenium.webdriver.common.keys import Keys

ROOT = pathlib.Path(__file__).parents[2]
EDBPROF = pathlib.Path(sys.executable).with_name("edbprof")

JOB = """
import docutils.core
from edbprof_native import Profile
with Profile() as profile:
    docutils.core.publish_string("Title\\n=====\\n\\nSome *text*.\\n\\n" + "* item\\n" * 20, writer_name="html5")
profile.save({!r})
"""


def draw(out, *arguments):
    subprocess.run([EDBPROF, "--quiet", f"--out={out}", *arguments], check=True)
    return out.with_suffix(".svg")


class Recorded:
    """A recording, its picture with all frames, and what pstats says of it."""

    def __init__(self, directory):
        self.prof = directory / "job.prof"
        subprocess.run([sys.executable, "-c", JOB.format(str(self.prof))], check=True)
        self.svg = draw(directory / "all.svg", "--threshold=0", "--max-size=100MB", self.prof)
        self.rows = pstats.Stats(str(self.prof), stream=io.StringIO()).stats
        self.whole = sum(tt for _, _, tt, _, _ in self.rows.values())

    def of(self, name):
        [row] = [row for (_, _, function), row in self.rows.items() if function == name]
        return row

    def share(self, seconds):
        return f"{100 * seconds / self.whole:.2f} %"


def time(seconds):
    return duration(round(seconds * 1e9))


def test_names_are_cut_as_by_the_program(page):
    """A test of the program has the same table."""
    script = (ROOT / "src" / "report" / "svg" / "graph.js").read_text()
    function = re.search(r"^function beginning\(.*?^}", script, re.MULTILINE | re.DOTALL)[0]
    table = json.loads((ROOT / "tests" / "browser" / "beginnings.json").read_text())
    for text, room, expected in table["beginnings"]:
        found = page.script(function + "return beginning(...arguments)", text, room, table["cells"])
        assert (found or None) == (expected or None), (text, room)


def test_numbers_are_rounded_as_by_the_program(page):
    script = (ROOT / "src" / "report" / "svg" / "graph.js").read_text()
    numbers = script[script.index("function rounded(") : script.index("// The width of one")]
    # Halves, which have no nearest digits, and their neighbours.
    times = [
        half * unit // 1000 + off
        for unit in (10**3, 10**6, 10**9)
        for half in (1125, 1375, 2625, 10250, 10750, 12350, 100500, 101500, 999499, 999500)
        for off in (-1, 0, 1)
    ]
    times += [0, 1, 499, 500, 999, 1000]
    texts = page.script(f"const data = {{}}; {numbers} return arguments[0].map(duration)", times)
    assert texts == [duration(time) for time in times]
    parts = [(part, 160_000) for part in range(2000)] + [(1, 800), (3, 800), (1, 0)]
    texts = page.script(f"{numbers} return arguments[0].map(of => percent(...of))", parts)
    assert texts == [f"{100 * part / whole if whole else 0:.2f} %" for part, whole in parts]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory):
    return Recorded(tmp_path_factory.mktemp("recorded"))


def test_hovering_tells_what_pstats_tells(page, recorded):
    page.open(recorded.svg)
    x, y = page.place("stacks", "publish_programmatically")
    page.mouse("move", x, y)
    name, place, here, calls, everywhere, ran, exact = page.tip()
    cc, nc, tt, ct, _ = recorded.of("publish_programmatically")
    assert name == "publish_programmatically"
    assert re.fullmatch(r"docutils/core\.py:\d+", place)
    assert here == f"{recorded.share(ct)} of all time here: total {time(ct)}, self {time(tt)}"
    assert calls == "1 call on this path"
    assert everywhere == (
        f"Everywhere: total {time(ct)}, self {time(tt)}, {nc} call ({cc} primitive)"
    )
    assert ran == "Ran in 1 of 1 process; threads: MainThread"
    assert exact.startswith("Exact")
    for graph in ("stacks", "reverse"):
        outline = page.script(
            "return document.querySelector(`#${arguments[0]} .same`).getAttribute('d')", graph
        )
        assert outline.startswith("M"), "it is shown in both graphs"


def test_the_top_row_of_the_reverse_graph_is_self_time(page, recorded):
    page.open(recorded.svg)
    top = min(label["top"] for label in page.labels("reverse"))
    widest = max(row[2] for row in recorded.rows.values())
    first = min(
        (label for label in page.labels("reverse") if label["top"] == top),
        key=lambda label: label["x"],
    )
    assert first["title"].endswith(f", {recorded.share(widest)} of all time, {time(widest)}")
    graph = page.script("return document.getElementById('reverse').width.baseVal.value")
    assert first["width"] / graph == pytest.approx(widest / recorded.whole, rel=1e-6)


def test_search_finds_in_both_graphs_and_adds_up(page, recorded):
    page.open(recorded.svg)
    _, _, tt, ct, _ = recorded.of("publish_programmatically")
    page.keys("/", "^PUBLISH_programmatically ")
    assert page.matched() == "Nothing matches ^PUBLISH_programmatically ", (
        "capitals matter where there are any"
    )
    page.keys(Keys.ESCAPE, "/", "^publish_prog.*ly ")
    assert page.matched() == (
        f"1 function: on the stack {recorded.share(ct)} of the time, "
        f"themselves running {recorded.share(tt)}"
    )
    for graph in ("stacks", "reverse"):
        hits = page.script(
            "return document.querySelector(`#${arguments[0]} .hits`).getAttribute('d')", graph
        )
        assert hits.startswith("M")
    page.keys(Keys.ESCAPE, "/", r"\.py:\d")
    own = sum(row[2] for (file, _, _), row in recorded.rows.items() if file.endswith(".py"))
    assert page.matched().endswith(f"themselves running {recorded.share(own)}")
    page.screenshot("searched")
    page.keys(Keys.ESCAPE, "/", "(")
    assert page.matched() == "Not a regular expression"
    page.keys(Keys.ESCAPE)
    assert page.matched() == "" and "#" not in page.driver.current_url.rstrip("#")


def test_zoom_by_click_is_in_the_address_and_back(page, recorded):
    page.open(recorded.svg)
    before = page.labels("stacks")
    assert all(label["fits"] for graph in ("stacks", "reverse") for label in page.labels(graph))
    name = "Publisher.publish" if sys.version_info >= (3, 11) else "publish"
    page.mouse("click", *page.place("stacks", name))
    page.mouse("move", *page.place("stacks", name))
    page.screenshot("zoomed")
    zoomed = page.labels("stacks")
    assert all(label["fits"] for label in zoomed)
    graph = page.script("return document.getElementById('stacks').width.baseVal.value")
    [label] = [label for label in zoomed if label["title"].startswith(name + ",")]
    assert label["width"] == pytest.approx(graph)
    address = page.driver.current_url
    assert re.search(r"#stacks=\d+$", address)
    page.keys("/", "parse")
    fragment = "#" + page.driver.current_url.partition("#")[2]
    matched = page.matched()
    page.open(recorded.svg, fragment=fragment)
    assert page.labels("stacks") == zoomed and page.matched() == matched != ""
    page.script("document.querySelector('#tools button').click()")
    page.settle()
    # Whether the narrowest have room for a name hangs on the font that the script measured.
    wide = [
        [(label["title"], round(label["width"], 2)) for label in labels if label["width"] > 40]
        for labels in (before, page.labels("stacks"))
    ]
    assert wide[0] == wide[1]


PUBLISH = "Publisher.publish" if sys.version_info >= (3, 11) else "publish"


def test_back_and_other_addresses_change_the_view(page, recorded):
    page.open(recorded.svg)
    all_of_it = page.labels("stacks")
    page.mouse("click", *page.place("stacks", PUBLISH))
    zoomed, address = page.labels("stacks"), page.driver.current_url
    page.keys("/", "parse")
    page.driver.back()
    page.settle()
    assert page.labels("stacks") == all_of_it and page.matched() == ""
    page.driver.forward()
    page.settle()
    assert page.labels("stacks") == zoomed and page.matched() != ""
    page.script("location.hash = ''")
    page.settle()
    assert page.labels("stacks") == all_of_it
    page.script("location.href = arguments[0]", address)
    page.settle()
    assert page.labels("stacks") == zoomed


def looking(page):
    return page.script("return document.getElementById('looking').textContent")


def test_it_says_what_it_is_zoomed_to_and_shares_say_of_what(page, recorded):
    page.open(recorded.svg)
    assert looking(page) == ""
    _, _, _, ct, _ = recorded.of("publish_programmatically")
    page.mouse("click", *page.place("stacks", "publish_programmatically"))
    assert looking(page) == f"Zoomed to publish_programmatically, {recorded.share(ct)} of all time."
    page.mouse("move", *page.place("stacks", PUBLISH))
    here = page.tip()[2]
    assert re.match(
        r"\d+\.\d\d % of all time, \d+\.\d\d % of publish_programmatically here: ", here
    ), here
    page.screenshot("zoomed-tip")
    buttons = "return [...document.querySelectorAll('#tools button')].find(b => b.textContent === arguments[0])"
    page.script(buttons, "Zoom out").click()
    page.settle()
    assert "publish_programmatically" not in looking(page)
    page.script(buttons, "Show all").click()
    page.settle()
    assert looking(page) == ""
    assert not page.script(buttons, "Zoom out").is_enabled()


def test_a_switch_hides_imports_and_libraries(page, tmp_path):
    (tmp_path / "late.py").write_text("import json\ndef late(): return 1\n")
    (tmp_path / "job.py").write_text(
        "import json\n"
        "def loads(text):\n    return json.loads(text, object_hook=hook)\n"
        "def hook(found):\n    return sum(range(2000))\n"
        "def main():\n    import late\n    late.late()\n"
        "    for _ in range(300): loads('[{}, {}]')\n"
        "main()\n"
    )
    subprocess.run([EDBPROF, "run", "--quiet", "job.py"], cwd=tmp_path, check=True)
    page.open(tmp_path / "profile_analysis.svg", width=1200)

    def names(graph):
        return {label["title"].partition(",")[0] for label in page.labels(graph)}

    everything = names("stacks")
    assert {"main", "loads", "hook", "builtins.sum"} <= everything
    totals = (
        "return [...document.querySelectorAll('#stacks .labels title')].map(t => t.textContent)"
    )
    [before] = [text for text in page.script(totals) if text.startswith("main,")]
    page.screenshot("own-off")
    page.script("document.querySelector('#tools input[type=checkbox]').click()")
    page.settle()
    page.screenshot("own-on")
    [after] = [text for text in page.script(totals) if text.startswith("main,")]
    assert before == after, "the time stays"
    shown = names("stacks")
    assert {"main", "loads", "hook"} <= shown and not shown & {"builtins.sum", "json.loads"}
    assert not any("import" in name or "late.py" in name for name in shown), shown
    assert {"hook", "loads"} <= names("reverse") <= shown | {"late"}
    page.mouse("click", *page.place("stacks", "loads"))
    address = page.driver.current_url
    assert "own=1" in address and looking(page).startswith("Zoomed to loads, ")
    zoomed = page.labels("stacks")
    page.open(
        tmp_path / "profile_analysis.svg", width=1200, fragment="#" + address.partition("#")[2]
    )
    assert page.labels("stacks") == zoomed
    width = "return document.querySelector('#stacks').width.baseVal.value"
    without_bar = page.script(width)
    page.keys(Keys.ESCAPE)
    assert names("stacks") == everything
    # The window has a scroll bar now, and labels are as long as in one that is made so wide.
    assert page.script(width) < without_bar
    labels = page.labels("stacks")
    for pixels in 1300, 1200:
        page.size(pixels, 1000)
        page.settle()
    assert page.labels("stacks") == labels


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_all_of_it(page, recorded, dark):
    page.open(recorded.svg, width=390, height=844, mobile=True, dark=dark)
    page.screenshot(f"phone-{'dark' if dark else 'light'}")
    assert page.script("return innerWidth") == 390
    assert page.script("return document.documentElement.scrollWidth") <= 390
    beyond = """return [...document.querySelectorAll('#head *, .heading')]
        .filter(e => e.getBoundingClientRect().right > 391).map(e => e.outerHTML)"""
    assert page.script(beyond) == []
    assert all(label["fits"] for label in page.labels("stacks"))
    page.mouse("click", *page.place("stacks", PUBLISH))
    page.screenshot(f"phone-zoomed-{'dark' if dark else 'light'}")
    assert page.script("return document.documentElement.scrollWidth") <= 390


def test_the_title_says_what_was_recorded(page, recorded):
    page.open(recorded.svg)
    heading, about = page.script(
        "return [...document.querySelectorAll('#head > *')].slice(0, 2).map(e => e.textContent)"
    )
    assert "import docutils.core" in heading
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, wall time \d", about), about
    assert page.driver.title.startswith(heading[:30])


def test_a_number_fixes_the_width(page, recorded, tmp_path):
    page.open(draw(tmp_path / "fixed.svg", "--width=1500", recorded.prof), width=1920)
    assert page.script("return document.documentElement.getBoundingClientRect().width") == 1500
    page.mouse(
        "move",
        *page.place(
            "reverse",
            max(page.labels("reverse"), key=lambda label: label["width"])["title"].partition(",")[
                0
            ],
        ),
    )
    assert page.tip()


@pytest.mark.parametrize(
    "fragment", ["#stacks=99999999&reverse=-1", "#stacks=x&search=(", "#search=<img src=x>"]
)
def test_any_address_opens(page, recorded, fragment):
    page.open(recorded.svg, fragment=fragment)
    assert len(page.labels("stacks")) > 10


def test_all_of_it_by_keyboard(page, recorded):
    page.open(recorded.svg)
    page.keys(Keys.TAB)
    focused = "return document.activeElement.id"
    assert page.script(focused) == "stacks"
    page.keys(Keys.ARROW_UP)
    name, *_ = page.tip()
    page.keys(Keys.ARROW_DOWN)
    assert page.tip()[0] != name
    page.keys(Keys.ARROW_UP, Keys.ARROW_UP, Keys.ENTER)
    assert re.search(r"#stacks=\d+$", page.driver.current_url)
    page.keys(Keys.ESCAPE)
    assert "stacks=" not in page.driver.current_url
    page.keys(Keys.TAB)
    assert page.script(focused) == "reverse"
    page.keys(Keys.ARROW_RIGHT, Keys.ENTER)
    assert re.search(r"#reverse=\d+$", page.driver.current_url)
    page.keys(Keys.TAB)
    assert page.script("return document.activeElement.type") == "search"


def test_a_screen_reader_finds_names(page, recorded):
    page.open(recorded.svg)
    tree = page.protocol("Accessibility.getFullAXTree")["nodes"]
    names = {(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree}
    assert any("edbprof: 1 process" in name for _, name in names)
    assert ("application", "Call stacks") in names and ("searchbox", "Search") in names
    assert any(name.startswith("publish_programmatically, ") for _, name in names)


HOSTILE = [
    "</script><script>document.title = 'owned'</script>",
    "]]>",
    "&amp; \"quoted\" 'twice' <b>",
    "\u05d0\u05d1\u05d2 \u0627\u0644\u0639",
    "\u202ereversed",
    "nul\x00, escape\x1b, line\nfeed",
    "long" * 2500,
]


def test_names_stay_text(page, tmp_path):
    rows = {("<script>.py", 1, name): (1, 1, 1.0, 1.0, {}) for name in HOSTILE}
    (tmp_path / "hostile.prof").write_bytes(marshal.dumps(rows))
    page.open(draw(tmp_path / "out.svg", tmp_path / "hostile.prof"))
    count = "return document.querySelectorAll(arguments[0]).length"
    assert page.script(count, "script") == 1 and page.script(count, "b") == 1
    names = {
        label["title"].rpartition(", 14.29 % of all time")[0] for label in page.labels("stacks")
    }
    shown = {
        name.replace("\u202e", "\\u202e")
        .replace("\x00", "\\x00")
        .replace("\x1b", "\\x1b")
        .replace("\n", "\\x0a")
        for name in HOSTILE
    }
    assert names == shown
    for name in shown:
        page.mouse("move", *page.place("stacks", name))
        assert page.tip()[0] == name
    assert all(label["fits"] for label in page.labels("stacks"))
    page.screenshot("hostile")
    assert page.driver.title != "owned"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1200, 1920])
def test_names_fit_their_frames_in_every_window(page, recorded, tmp_path, width, dark):
    svg = draw(tmp_path / "fluid.svg", "--width=0", recorded.prof)
    page.open(svg, width=width, dark=dark)
    page.screenshot(f"fluid-{width}-{'dark' if dark else 'light'}")
    assert page.script("return document.documentElement.scrollWidth <= innerWidth")
    for graph in ("stacks", "reverse"):
        labels = page.labels(graph)
        assert len(labels) > 10 and all(label["fits"] for label in labels)
    background = page.script("return getComputedStyle(document.querySelector('.page')).fill")
    assert (background == "rgb(24, 26, 29)") == dark


def test_without_scripts_the_picture_is_there(page, recorded):
    page.protocol("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.driver.get("about:blank")
        page.driver.get(recorded.svg.as_uri())
        page.screenshot("no-script")
        page.pdf("print")
    finally:
        page.protocol("Emulation.setScriptExecutionDisabled", value=False)
    assert len(page.labels("stacks")) > 10
