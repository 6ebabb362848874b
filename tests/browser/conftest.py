"""The browser, and pictures to open in it."""

import base64
import json
import pathlib

import chromium
import pytest
from selenium.webdriver.common.action_chains import ActionChains

ROOT = pathlib.Path(__file__).parents[2]
SCREENSHOTS = ROOT / "build" / "screenshots"


class Page:
    """One tab, which shows a picture and notes what leaves it and what it complains of."""

    def __init__(self, driver):
        self.driver = driver
        self.script = driver.execute_script

    def open(self, path, *, width=1920, height=1000, mobile=False, dark=False, fragment=""):
        self.size(width, height, mobile)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.protocol("Emulation.setEmulatedMedia", features=[scheme])
        # A new address: the same one with another fragment would not load the page again.
        self.driver.get("about:blank")
        self.driver.get(path.as_uri() + fragment)
        self.settle()

    def size(self, width, height, mobile=False):
        self.protocol(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if mobile else 1,
            mobile=mobile,
        )

    def protocol(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def settle(self):
        """Waits until what was asked for is on the screen, search field included."""
        self.driver.execute_async_script(
            "const done = arguments[0];"
            "setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 150)"
        )

    def mouse(self, kind, x, y):
        events = {"click": ["mousePressed", "mouseReleased"], "move": ["mouseMoved"]}
        for event in events[kind]:
            self.protocol(
                "Input.dispatchMouseEvent", type=event, x=x, y=y, button="left", clickCount=1
            )
        self.settle()

    def keys(self, *keys):
        for key in keys:
            ActionChains(self.driver).send_keys(key).perform()
        self.settle()

    def screenshot(self, name):
        self.keep(name + ".png", self.protocol("Page.captureScreenshot"))

    def pdf(self, name):
        self.keep(name + ".pdf", self.protocol("Page.printToPDF", printBackground=True))

    def keep(self, name, answer):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        (SCREENSHOTS / name).write_bytes(base64.b64decode(answer["data"]))

    def labels(self, graph):
        """What is written on frames: whole name, text, and whether text and frame are one
        in the other."""
        return self.script(
            """
            return [...document.querySelectorAll(`#${arguments[0]} .labels > svg`)].map(svg => {
              const { x, y, width, height } = svg, text = svg.querySelector('text');
              const value = length => length.baseVal.value;
              return {
                title: svg.querySelector('title').textContent, text: text.textContent,
                x: value(x), width: value(width), top: value(y),
                fits: text.getComputedTextLength() + 4 <= value(width) + 1,
              };
            })""",
            graph,
        )

    def place(self, graph, name):
        """The middle of the widest frame of a function, in the window, scrolled to."""
        label = max(
            (label for label in self.labels(graph) if label["title"].startswith(name + ",")),
            key=lambda label: label["width"],
        )
        where = [graph, label["x"] + label["width"] / 2, label["top"] + 8]
        return self.script(
            """
            const [id, x, y] = arguments, graph = document.getElementById(id);
            const place = () => new DOMPoint(x, y).matrixTransform(graph.getScreenCTM());
            dispatchEvent(new WheelEvent('wheel'));  // ends the view from above
            scrollBy(0, place().y - 500);
            return [place().x, place().y];""",
            *where,
        )

    def tip(self):
        box = self.script("return document.getElementById('tipbox').getAttribute('display')")
        text = "return [...document.querySelectorAll('#tip > *')].map(line => line.textContent)"
        return [] if box == "none" else [line for line in self.script(text) if line]

    def matched(self):
        return self.script("return document.querySelector('#tools [role=status]').textContent")

    def complaints(self):
        """What the console says, and what a picture asked for beside itself."""
        log = self.driver.get_log("browser")
        events = (
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        )
        requests = (
            event["params"] for event in events if event["method"] == "Network.requestWillBeSent"
        )
        # The browser's own first page has another document.
        return log + [
            request["request"]["url"]
            for request in requests
            if request["documentURL"].startswith("file:")
            and request["documentURL"].partition("#")[0]
            != request["request"]["url"].partition("#")[0]
        ]


@pytest.fixture(scope="session")
def driver(tmp_path_factory):
    driver = chromium.start(
        tmp_path_factory.mktemp("browser"),
        **{"goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}},
    )
    yield driver
    driver.quit()


@pytest.fixture
def page(driver):
    driver.get_log("browser"), driver.get_log("performance")
    page = Page(driver)
    yield page
    assert page.complaints() == []
