"""Profiles in the outputs of hosts other than Jupyter: frames with rights and policies of theirs."""

from __future__ import annotations

import html
import socket
import subprocess
import sys
import time

import pytest
from edbprof_native import Profile
from pages import functions
from selenium.webdriver.common.by import By

# Sandbox and policy of the documents that hold outputs, as their hosts make them.
HOSTS = {
    "vs-code": (
        "allow-scripts allow-same-origin allow-forms allow-pointer-lock allow-downloads",
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline';"
        " img-src https: http: data:; font-src https:; connect-src https:; child-src https: data:",
    ),
    "colab": (
        "allow-downloads allow-forms allow-pointer-lock allow-popups allow-same-origin"
        " allow-scripts",
        "",
    ),
    # A host that grants scripts alone.
    "strict": (
        "allow-scripts",
        "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'",
    ),
}

CELL = """
import marimo
app = marimo.App()

@app.cell
def _():
    from edbprof_native import Profile

    def leaf(number):
        return number

    with Profile(live_dir="") as profile:
        [leaf(number) for number in range(100)]
    profile
    return
"""


def leaf(number):
    return number


@pytest.fixture(scope="module")
def output():
    with Profile(live_dir="") as profile:
        [leaf(number) for number in range(100)]
    return profile._repr_html_()


def check_frame(page):
    """Uses the page in the frame that the driver is in."""
    page.driver.execute_async_script(
        "const done = arguments[0], at = () => 'ready' in document.body.dataset ? done()"
        " : setTimeout(at, 10); at()"
    )
    assert page.script("return window.origin") == "null"
    tab = page.driver.find_element(By.ID, "tab-table")
    page.script("arguments[0].click()", tab)
    page.settle()
    assert "leaf" in functions(page)
    search = page.driver.find_element(By.ID, "search")
    page.script(
        "arguments[0].value = 'no such'; arguments[0].dispatchEvent(new Event('input'))", search
    )
    page.settle()
    assert functions(page) == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_frame_of_a_host(page, output, tmp_path, host):
    rights, policy = HOSTS[host]
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">' if policy else ""
    inner = f"<!doctype html><meta charset=utf-8>{head}<div id=output>{output}</div>"
    path = tmp_path / "host.html"
    frame = f'<iframe sandbox="{rights}" width=1000 height=800 srcdoc="{html.escape(inner)}">'
    path.write_text(f"<!doctype html><meta charset=utf-8>{frame}</iframe>", encoding="utf-8")
    page.open(path)
    page.driver.switch_to.frame(page.driver.find_element(By.TAG_NAME, "iframe"))
    page.driver.switch_to.frame(page.driver.find_element(By.TAG_NAME, "iframe"))
    try:
        check_frame(page)
    finally:
        page.driver.switch_to.default_content()
    page.screenshot(f"notebook-{host}")
    # The host's own frame has rights that browsers warn of.
    log = page.driver.get_log("browser")
    assert [entry for entry in log if "can escape its sandboxing" not in entry["message"]] == []


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


FRAME = """
const walk = root => {
  for (const element of root.querySelectorAll('*')) {
    if (element.title === 'Profile by edbprof') return element;
    const inner = element.shadowRoot && walk(element.shadowRoot);
    if (inner) return inner;
  }
  return null;
};
return walk(document);
"""


def test_a_program_of_marimo(page, tmp_path):
    pytest.importorskip("marimo")
    notebook = tmp_path / "notebook.py"
    notebook.write_text(CELL, encoding="utf-8")
    port = free_port()
    command = [sys.executable, "-m", "marimo", "--quiet", "run", "--headless", "--no-token"]
    server = subprocess.Popen([*command, f"--port={port}", str(notebook)])
    try:
        address = f"http://127.0.0.1:{port}/"
        until(lambda: is_open(port))
        page.driver.get(address)
        page.driver.switch_to.frame(until(lambda: page.script(FRAME)))
        check_frame(page)
        page.driver.switch_to.default_content()
        page.screenshot("notebook-marimo")
    finally:
        page.driver.switch_to.default_content()
        # Its complaints are its own.
        page.driver.get("about:blank")
        page.driver.get_log("browser"), page.driver.get_log("performance")
        server.terminate()
        server.wait()


def is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def until(found, seconds=120):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if result := found():
            return result
        time.sleep(0.1)
    raise TimeoutError
