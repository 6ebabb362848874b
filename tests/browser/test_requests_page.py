"""Pages of recorded requests in a real browser, from a server of this process."""

from __future__ import annotations

import socketserver
import threading
import wsgiref.simple_server

import pytest
from edbprof_native.wsgi import Middleware
from selenium.webdriver.common.by import By

TOKEN = "a-token-of-this-test"


def of_this_request(n):
    return n and of_this_request(n - 1)


def application(environ, start_response):
    of_this_request(9)
    status = "200 OK" if environ["PATH_INFO"] == "/orders" else "404 Not Found"
    start_response(status, [("Content-Type", "text/html")])
    return [f"<title>{status}</title>".encode()]


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, format, *arguments):
        pass


class Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """Waits for no connection that the browser keeps open for minutes."""

    daemon_threads = True
    block_on_close = False


@pytest.fixture
def site(tmp_path, monkeypatch):
    monkeypatch.setenv("TOKEN_OF_TEST", TOKEN)
    app = Middleware(application, token_from="TOKEN_OF_TEST", store=str(tmp_path / "store"))
    with wsgiref.simple_server.make_server("127.0.0.1", 0, app, Server, Quiet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_from_the_request_to_its_functions(page, site):
    driver = page.driver
    driver.get(f"{site}/orders?edbprof={TOKEN}")
    [timing] = page.script(
        "return performance.getEntriesByType('navigation')[0].serverTiming.map(t => t.description)"
    )
    driver.get(f"{site}/edbprof/?edbprof={TOKEN}")
    assert driver.current_url == f"{site}/edbprof/"
    link = driver.find_element(By.LINK_TEXT, "GET /orders")
    assert link.get_attribute("href") == site + timing
    link.click()
    driver.execute_async_script(
        "const done = arguments[0], at = () => 'ready' in document.body.dataset ? done()"
        " : setTimeout(at, 10); at()"
    )
    tab = driver.find_element(By.XPATH, "//*[@role='tab' or self::button][.='Functions']")
    tab.click()
    page.settle()
    assert "of_this_request" in driver.find_element(By.CLASS_NAME, "rows").text
    # The page has no rights on the site, and its address keeps the view.
    assert page.script("return window.origin") == "null"
    assert driver.current_url.startswith(f"{site}{timing}#view=table")
    driver.back()
    page.settle()
    assert driver.current_url == site + timing
    driver.delete_all_cookies()
    driver.get(site + timing)
    assert driver.title == "404 Not Found"
    # Chromium notes the program's 404, and that it has asked for an icon.
    log = [entry for entry in driver.get_log("browser") if "404" not in entry["message"]]
    assert log == []
