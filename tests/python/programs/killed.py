"""Calls deep down, forever; ends at the given number of returned calls if told how.

Arguments: directory, way to end, number, what records. The file 'returned' in the directory is shared
with the test: how many calls of leaf() have returned.
"""

import ctypes
import mmap
import os
import sys
import threading

from edbprof_native import Profile, profile

directory, way, end, recorder = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
with open(os.path.join(directory, "returned"), "r+b") as file:
    returned = memoryview(mmap.mmap(file.fileno(), 8)).cast("Q")


def leaf():
    pass


def exit_in_a_thread():
    thread = threading.Thread(target=ctypes.CDLL(None).exit, args=(3,), daemon=True)
    thread.start()
    while True:
        leaf()
        returned[0] += 1


ways = {"_exit": lambda: os._exit(3), "abort": os.abort, "exit in a thread": exit_in_a_thread}


def branch(depth, function):
    for _ in range(3):
        leaf()
        returned[0] += 1
    if way in ways and returned[0] >= end:
        ways[way]()
    function()
    if depth:
        branch(depth - 1, function)


def main():
    number = 0
    while True:
        number += 1
        branch(40, eval(f"lambda: {number}"))


if recorder == "profile":
    profile(dir=directory, save_every_n_calls=0)(main)()
else:
    with Profile(live_dir=directory):
        main()
