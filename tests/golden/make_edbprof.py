"""Make the golden files of edbprof's own formats: one small file of every kind there is.

    .venv-3.11/bin/python tests/golden/make_edbprof.py tests/golden/edbprof-<version>

The Python must have edbprof installed. Each version of the formats has a directory. Its
files are made once, when the version is finished, and never again: later code has to read
them to the same values, which the `.txt` beside each file says. `tests/it/golden_files.rs`
compares them, and with EDBPROF_WRITE_GOLDEN=1 writes texts that are missing.
"""

import os
import shutil
import site
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent

#: Fields of a live file's header that only other processes or rare failures set, by their
#: places: see src/format/live/mod.rs.
HEADER = {132: ("<I", 2), 144: ("<Q", 3), 152: ("<Q", 400_000_000), 252: ("<I", 5)}
BOOT, EPOCH, ENDED, DIRECTORY = 40, 80, 136, 256

# Run under another name, so that no path of this machine's gets into the files.
PROGRAM = """
import functools, os, signal, sys, threading, time
from edbprof_native import Profile, profile

class Shape:
    @property
    def area(self):
        return 6

    def __init__(self):
        self.sides = [1, 2, 3]

@functools.singledispatch
def size(value):
    return 0

@size.register
def size_of_list(value: list):
    return len(value)

def numbers():
    yield 1
    yield 2

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def grüße():
    return sum(numbers()) + size([1, 2]) + size(3) + Shape().area

def branch(depth):
    fib(2)
    if depth:
        branch(depth - 1)
        eval(f"(lambda: fib({depth % 3}))()")

class Pause:
    def __await__(self):
        yield

async def task():
    fib(3)
    await Pause()
    fib(4)

def tasks():
    # Two wait at once, and one is never woken.
    waiting = [task(), task()]
    for one in waiting:
        one.send(None)
    fib(6)
    try:
        waiting.pop().send(None)
    except StopIteration:
        pass
    return waiting

def main():
    fib(5)
    grüße()
    branch(3)
    waiting.extend(tasks())

waiting = []

def in_thread(name):
    thread = threading.Thread(target=fib, args=(3,), name=name)
    thread.start()
    thread.join()

def record():
    size([]), size(0)

    @profile(dir=".", threads=True, save_every_n_calls=0)
    def decorated():
        main()
        fib(22)  # As many calls as it takes for the recorder to measure what they cost.
        in_thread("worker 1")
        # Called like a tree that version 1 has written for twenty threads.
        in_thread("Thread-# (worker), 20 threads")

    decorated()

def overflow():
    size([]), size(0)
    recorded = Profile(max_nodes=64)
    with recorded:
        for number in range(3):
            eval(f"lambda: [branch(9), main(), {number}]")()
    recorded.save("edbprof_overflow.prof")

def fork():
    size([]), size(0)
    recorded = Profile()

    def in_child():
        main()
        time.sleep(0.05)

    def start():
        return os.fork()

    with recorded:
        child = start()
        if child == 0:
            in_child()
    if child == 0:
        recorded.save("edbprof_forked.prof")
        os._exit(0)
    os.waitpid(child, 0)

def kill():
    size([]), size(0)
    with Profile(live_dir=".", max_nodes=64):
        branch(9)
        main()
        os.kill(os.getpid(), signal.SIGKILL)

def kill_deep():
    size([]), size(0)

    def deep(depth):
        time.sleep(0.01)
        deep(depth - 1) if depth else os.kill(os.getpid(), signal.SIGKILL)

    with Profile(live_dir="."):
        main()
        deep(3)
"""


def run(directory, function):
    """Run one of the program's functions; return the file that it leaves."""
    directory.mkdir()
    (directory / "program.py").write_text(
        f"exec(compile({PROGRAM!r}, '/app/program.py', 'exec'))\n{function}()\n"
    )
    executable = Path(sys._base_executable)
    path = f"{executable.parent}:{os.environ['PATH']}"
    packages = os.pathsep.join(site.getsitepackages())
    environment = {**os.environ, "PATH": path, "PYTHONPATH": packages}
    subprocess.run([executable.name, "program.py"], cwd=directory, env=environment)
    (made,) = directory.glob("edbprof_*")
    return made


def of_another_boot(live):
    """A live file without what lies behind its segments, for whose clock no clock of today's is
    asked.
    """
    segments = struct.iter_unpack("<QQ", live[DIRECTORY:4096])
    end = max(offset + (length & ~3) for offset, length in segments)
    cut = bytearray(live[:end])
    cut[BOOT : BOOT + 16] = bytes(range(16))
    return cut


def with_whole_header(live):
    """A live file with a value in each field of its header but that of its end."""
    for place, (format, value) in HEADER.items():
        struct.pack_into(format, live, place, value)
    return live


def with_end(live):
    """Its end was noticed a second or two after its latest event."""
    (epoch,) = struct.unpack_from("<Q", live, EPOCH)
    struct.pack_into("<Q", live, ENDED, epoch + (1 << 32))
    return live


def aggregate(out, *arguments):
    command = [sys.executable, "-m", "edbprof_native", "--quiet", "--out", str(out)]
    subprocess.run([*command, *map(str, arguments)], check=True)


def make(out):
    out.mkdir(exist_ok=True)
    functions = {
        "recorder.prof": "record",
        "overflow.prof": "overflow",
        "forked.prof": "fork",
        "killed.live": "kill",
        "open.live": "kill_deep",
    }
    with tempfile.TemporaryDirectory() as made:
        made = Path(made)
        for name, function in functions.items():
            left = run(made / function, function).read_bytes()
            if name.endswith(".live"):
                left = of_another_boot(left)
            (out / name).write_bytes(left)
        whole = with_whole_header(bytearray((out / "open.live").read_bytes()))
        (out / "open.live").write_bytes(whole)
        (out / "ended.live").write_bytes(with_end(whole))
        recorded = [out / name for name in functions]
        aggregate(made / "merged_ended", out / "ended.live")
        cprofile = ROOT / "cprofile-3.11"
        aggregate(made / "all", *recorded, cprofile)
        aggregate(made / "by_process", "--by=process", *recorded, cprofile)
        aggregate(made / "by_thread", "--by=thread", *recorded)
        aggregate(made / "mixed", "--by=thread", made / "all.prof")
        aggregate(made / "excluded", "--exclude=fib", "--exclude=*program.py*", *recorded)
        aggregate(made / "included", "--include=fib", *recorded)
        for path in made.glob("*.prof"):
            shutil.copy(path, out / path.name)


if __name__ == "__main__":
    make(Path(sys.argv[1]))
