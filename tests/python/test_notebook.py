"""The magics of IPython, and what notebooks show of a profile."""

import html
import re

import pytest
from edbprof_native import Profile, _page, load

pytest.importorskip("IPython")

SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell

class Publisher:
    is_publishing = False
    def __init__(self): self.data = []
    def publish(self, data, metadata=None, **more): self.data.append(data)
    def clear_output(self, wait=False): pass

shell = InteractiveShell.instance()
shell.display_pub = Publisher()

def cell(text, raises=None):
    done = shell.run_cell(text, silent=False)
    error = done.error_before_exec or done.error_in_exec
    assert type(error).__name__ == (raises or "NoneType"), error
    return done.result

def names(profile):
    profile.create_stats()
    return {label[2]: row[1] for label, row in profile.stats.items()}

cell("%load_ext edbprof_native")
"""


def test_a_statement_and_a_cell(run):
    run(
        SHELL
        + """
cell("def leaf(n):\\n    return n * 2")
profile = cell("%edbprof [leaf(n) for n in range(5)]")
assert names(profile)["leaf"] == 5, names(profile)
assert shell.user_ns["_edbprof"] is profile
profile = cell("%%edbprof\\nfor n in range(7):\\n    leaf(n)\\nkept = leaf(20)\\nkept")
assert names(profile)["leaf"] == 8
assert shell.user_ns["kept"] == 40
assert [data["text/plain"] for data in shell.display_pub.data] == [
    "[0, 2, 4, 6, 8]", "40"], shell.display_pub.data
assert profile.stats and not any("IPython" in label[0] for label in profile.stats), profile.stats
cell("%unload_ext edbprof_native")
cell("%edbprof 1", raises="UsageError")
""",
        err=None,
    )


def test_options(run, tmp_path):
    run(
        SHELL
        + """
cell("def leaf():\\n    pass\\ndef other():\\n    leaf()")
profile = cell("%%edbprof -o 'kept file.prof' --record='*:other'\\nother();")
assert "leaf" not in names(profile) and names(profile)["other"] == 1
assert shell.display_pub.data == []
cell("%edbprof", raises="UsageError")
cell("%%edbprof leaf()\\nleaf()", raises="UsageError")
import threading
shell.user_ns["threading"] = threading
text = "t = threading.Thread(target=leaf); t.start(); t.join()"
assert "leaf" in names(cell("%edbprof --threads " + text))
assert "leaf" not in names(cell("%edbprof " + text))
""",
        err=None,
    )
    assert [f.name for f in load(tmp_path / "kept file.prof").find("other")] == ["other"]


def test_a_cell_that_ends_early_is_kept(run):
    run(
        SHELL
        + """
cell("import sys, asyncio\\ndef fail():\\n    return {}[1]")
cell("%%edbprof\\nfail()", raises="KeyError")
assert names(shell.user_ns["_edbprof"])["fail"] == 1
assert "<built-in method sys.exit>" in names(cell("%edbprof sys.exit(3)"))
cell("%%edbprof\\nawait asyncio.sleep(0)", raises="UsageError")
cell("%%edbprof\\n1 +", raises="SyntaxError")
""",
        err=None,
    )


def leaf(text):
    return [text]


def recorded():
    with Profile() as profile:
        leaf("</iframe>")
    return profile


def test_the_page_is_whole_and_has_no_rights():
    profile = recorded()
    shown = profile._repr_html_()
    match = re.fullmatch(r'<iframe ([^<>"]+="[^"]*" )+srcdoc="([^"]*)">([^<]*)</iframe>', shown)
    assert match and 'sandbox="allow-scripts"' in shown
    page = html.unescape(match[2])
    assert page.startswith("<!doctype html>") and "leaf" in page
    # Hosts that allow no frames show its content.
    assert "trust this notebook" in match[3]
    assert load_of(profile)._repr_html_().startswith("<iframe ")


def load_of(profile):
    return load(profile._recorder.encode())


def test_the_table_is_markdown():
    profile = recorded()
    lines = profile._repr_markdown_().splitlines()
    assert re.fullmatch(r"[\d,]+ calls of \d+ functions in [\d.]+ (ns|µs|ms)", lines[0])
    assert lines[2] == "| calls | self | total | function | file |"
    [row] = [line for line in lines if "| leaf |" in line]
    assert row.startswith("| 1 | ") and "test\\_notebook.py:" in row
    assert load_of(profile)._repr_markdown_() == profile._repr_markdown_()


def test_names_stay_in_their_cells():
    names = {}
    name = "<b>|`*_[x](y)"
    code = leaf.__code__.replace(co_name=name)
    if hasattr(code, "co_qualname"):
        code = code.replace(co_qualname=name)
    odd = type(leaf)(code, names)
    with Profile() as profile:
        odd(1)
    [row] = [line for line in profile._repr_markdown_().splitlines() if "test\\_notebook" in line]
    assert "\\<b\\>\\|\\`\\*\\_\\[x\\](y)" in row
    assert "<b>" not in profile._repr_html_()


def heaviest(profile):
    """The list of the heaviest functions in the page."""
    page = html.unescape(profile._repr_html_())
    return page.partition('<section id="heaviest"')[2].partition("</section>")[0]


def test_frames_of_notebooks_are_folded():
    code = compile("def shown(function):\n    function()", "/x/IPython/core.py", "exec")
    names = {"__name__": "IPython.core"}
    exec(code, names)
    with Profile() as profile:
        names["shown"](lambda: leaf(1))
    table = profile._repr_markdown_()
    assert "leaf" in table and "shown" not in table
    assert "leaf" in heaviest(profile) and "shown" not in heaviest(profile)


def test_a_directory_that_is_called_like_a_package_is_shown():
    code = compile("def mine(function):\n    function()", "/x/comm/notebook.py", "exec")
    names = {"__name__": "__main__"}
    exec(code, names)
    with Profile() as profile:
        names["mine"](lambda: leaf(1))
    assert "| mine |" in profile._repr_markdown_()
    assert "mine" in heaviest(profile)


def test_durations_are_those_of_the_program():
    times = [0, 999, 999_499, 999_500, 1_125, 1_000_400_000_000]
    texts = ["0 s", "999 ns", "999 µs", "1.00 ms", "1.12 µs", "1000 s"]
    assert list(map(_page._duration, times)) == texts


def test_without_the_program_the_error_says_so(monkeypatch):
    monkeypatch.setattr("edbprof_native._program._places", lambda: iter(()))
    with pytest.raises(FileNotFoundError, match="reinstall"):
        recorded()._repr_html_()
