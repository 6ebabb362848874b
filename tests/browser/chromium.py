"""Starts Chromium for tests and benches.

Chromium and its driver are Debian's packages chromium and chromium-driver; tests/check.sh
skips the tests, loudly, where they are missing.
"""

import shutil

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

FLAGS = (
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
    "window-size=1920,1000",
)


def start(directory, **capabilities):
    """Return the driver of a headless browser, whose profile is in `directory`."""
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for flag in (*FLAGS, f"user-data-dir={directory}"):
        options.add_argument("--" + flag)
    for name, value in capabilities.items():
        options.set_capability(name, value)
    # With both paths given selenium looks for nothing in the network.
    return webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
