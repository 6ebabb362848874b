"""Pages of `edbprof view` in a browser: how tests make, open and read them."""

from __future__ import annotations

import pathlib
import subprocess
import sys

# Threads with a hostile name, generic functions, generators, deep calls, sleep and an import.
PROGRAM = """
import functools, threading, time

@functools.singledispatch
def show(value):
    return str(value)

@show.register(int)
def show_int(value):
    return hex(value)

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def deep(n):
    return n and deep(n - 1)

def squares(n):
    for i in range(n):
        yield i * i

def nap():
    time.sleep(0.002)

def work(n):
    for size in range(n):
        fib(7), deep(60), list(squares(5)), show(size), show("a")
    deep(400), nap()

threads = [threading.Thread(target=work, args=(8,), name=f"<b>worker-{i}") for i in range(2)]
[thread.start() for thread in threads]
work(20)
[thread.join() for thread in threads]
import xml.dom.minidom
sorted([3, 1, 2], key=lambda value: -value)
"""
# Calls of show_int() by work() in all threads.
SHOWN_INTEGERS = 8 + 8 + 20

# The page without data.
EMPTY = pathlib.Path(__file__).parents[2] / "src" / "report" / "page" / "page.html"
EDBPROF = pathlib.Path(sys.executable).with_name("edbprof")


def program(*arguments):
    return subprocess.run(
        [EDBPROF, *arguments], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ).stdout


def view(page, *inputs):
    program("view", "--no-open", "-o", page, *inputs)
    return page


def duration(nanoseconds):
    # Computed as the program does, because a half may be none by another way.
    seconds = nanoseconds / 1e9
    for unit, number, least in (("s", 1, 0.9995), ("ms", 1e3, 0.9995e-3), ("µs", 1e6, 0.9995e-6)):
        if seconds >= least:
            value = seconds * number
            return f"{value:.{0 if value >= 99.95 else 1 if value >= 9.995 else 2}f} {unit}"
    return f"{seconds * 1e9:.0f} ns" if nanoseconds else "0 s"


def wait(page):
    page.driver.execute_async_script(
        "const done = arguments[0], at = () => 'ready' in document.body.dataset && !('busy' in document.body.dataset) ? done()"
        " : setTimeout(at, 10); at()"
    )
    page.settle()


def open_page(page, path, fragment="", **options):
    page.open(path, fragment=fragment, **options)
    wait(page)


def rows(page):
    """Texts of the table's rows that are in sight."""
    return page.script(
        "return [...document.querySelectorAll('.rows .row')].map(row =>"
        " [...row.children].map(cell => cell.textContent))"
    )


def told(page):
    return page.script("return document.querySelector('.told').textContent")


def fragment(page):
    return page.driver.current_url.partition("#")[2]


def functions(page):
    return page.script(
        "return [...document.querySelectorAll('.rows .name .text')].map(e => e.textContent)"
    )


def counted_nodes(profile, name):
    """Number of nodes of functions of that name in a JSON export."""
    tree = profile["tree"]
    return sum(tree["functions"][function]["name"] == name for function in tree["function"])


SIZES = [
    (width, height, dark)
    for width, height in [(1280, 800), (1920, 1080), (390, 844), (360, 740)]
    for dark in (False, True)
]


def check_windows(page, path, views):
    """Opens each of `views`, fragments by their names, in windows of each size and theme."""
    for width, height, dark in SIZES:
        for name, words in views.items():
            look = {"width": width, "height": height, "dark": dark, "mobile": width < 500}
            open_page(page, path, words, **look)
            fits = "return document.documentElement.scrollWidth <= innerWidth"
            assert page.script(fits), (name, width)
            page.screenshot(f"page-{name}-{width}x{height}-{'dark' if dark else 'light'}")
