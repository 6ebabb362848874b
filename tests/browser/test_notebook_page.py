"""A notebook that nbconvert executes, and what a browser shows of it."""

from __future__ import annotations

import html
import re

import pytest
from selenium.webdriver.common.by import By

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
nbconvert = pytest.importorskip("nbconvert")

CELLS = [
    "%load_ext edbprof_native\n%config InlineBackend.figure_format = 'svg'",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)",
    "%edbprof fib(10)",
    "%%edbprof\nimport time\ntime.sleep(0.001)\nfib(12)",
    "from edbprof_native import Profile\nover_cells = Profile(live_dir='')\nover_cells.enable()",
    "fib(18)",
    "over_cells.disable()\nover_cells",
]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    directory = tmp_path_factory.mktemp("notebook")
    cells = [nbformat.v4.new_code_cell(cell) for cell in CELLS]
    made = nbformat.v4.new_notebook(cells=cells)
    client = nbclient.NotebookClient(
        made, timeout=None, startup_timeout=300, resources={"metadata": {"path": str(directory)}}
    )
    client.execute()
    body, _ = nbconvert.HTMLExporter(template_name="basic").from_notebook_node(made)
    path = directory / "notebook.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{body}", encoding="utf-8")
    return made, path


def profiles(notebook):
    outputs = (output for cell in notebook.cells for output in cell.outputs)
    return [output.data for output in outputs if "text/html" in output.get("data", {})]


def test_outputs_have_the_page_and_a_table(notebook):
    made, _ = notebook
    shown = profiles(made)
    assert len(shown) == 3
    for data in shown:
        assert data["text/html"].startswith("<iframe ")
        assert "| fib |" in data["text/markdown"]
        assert "Profile" in data["text/plain"]
    # Between two cells IPython itself runs, and none of its functions is shown.
    page = html.unescape(shown[2]["text/html"])
    heaviest = re.search('<section id="heaviest".*?</section>', page, re.DOTALL)
    assert "fib" in heaviest[0] and not re.search("IPython|ipykernel", heaviest[0])


def test_a_browser_shows_the_frames(notebook, page):
    _, path = notebook
    page.open(path)
    frames = page.driver.find_elements(By.TAG_NAME, "iframe")
    assert len(frames) == 3
    for frame in frames:
        # Browsers draw no frame that is out of sight.
        page.script("arguments[0].scrollIntoView()", frame)
        # A wider frame would give the output a scroll bar.
        assert page.script(
            "return arguments[0].offsetWidth <= arguments[0].parentElement.clientWidth", frame
        )
        page.driver.switch_to.frame(frame)
        page.driver.execute_async_script(
            "const done = arguments[0], at = () => 'ready' in document.body.dataset ? done()"
            " : setTimeout(at, 10); at()"
        )
        # A click changes the view, though a frame of no origin may keep no address.
        tab = page.driver.find_element(By.XPATH, "//*[@role='tab' or self::button][.='Functions']")
        page.script("arguments[0].click()", tab)
        page.settle()
        rows = page.script(
            "return [...document.querySelectorAll('.rows .row')].map(row => row.textContent)"
        )
        assert any("fib" in row for row in rows), rows
        assert page.script("return window.origin") == "null"
        page.driver.switch_to.default_content()
    page.screenshot("notebook")
