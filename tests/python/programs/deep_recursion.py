"""Records a recursion `argv[1]` calls deep into `argv[2]`.

In a thread with a large stack: up to 3.10 each Python call takes C stack.
"""

import sys
import threading

from edbprof_native import Profile


def down(n):
    return n and down(n - 1)


def main():
    sys.setrecursionlimit(depth + 1000)
    profile = Profile()
    profile.enable()
    start()
    profile.disable()
    profile.save(sys.argv[2])


def start():
    down(depth)


depth = int(sys.argv[1])
threading.stack_size(512 << 20)
thread = threading.Thread(target=main)
thread.start()
thread.join()
