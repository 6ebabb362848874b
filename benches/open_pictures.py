"""How long Chromium takes to open pictures: `make bench-pictures` calls it.

    python benches/open_pictures.py PICTURE.svg...

From asking for the file to the first frame on the screen after the script has run, in a
browser that runs already: the best of five, since other work on the machine only adds.
Beside it the processor time of the page's thread, which other work hardly changes.
"""

import pathlib
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "browser"))

import chromium

ON_SCREEN = "requestAnimationFrame(() => setTimeout(arguments[0]))"


def open_once(driver, picture):
    driver.get("about:blank")
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    start = time.perf_counter()
    driver.get(picture.as_uri())
    driver.execute_async_script(ON_SCREEN)
    seconds = time.perf_counter() - start
    metrics = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    worked = next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
    driver.execute_cdp_cmd("Performance.disable", {})
    return seconds, worked


def main():
    with tempfile.TemporaryDirectory() as directory:
        driver = chromium.start(directory)
        for name in sys.argv[1:]:
            picture = pathlib.Path(name).resolve()
            times = [open_once(driver, picture) for _ in range(5)]
            elements = driver.execute_script("return document.querySelectorAll('*').length")
            print(
                f"opened, {picture.stem}: {picture.stat().st_size} bytes, {elements} elements, "
                f"{1000 * min(time[0] for time in times):.0f} ms, "
                f"{1000 * min(time[1] for time in times):.0f} ms of processor time"
            )
        driver.quit()


main()
