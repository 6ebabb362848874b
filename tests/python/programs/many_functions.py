"""Records `argv[1]` lambdas that are made, called once and dropped, into `argv[2]`.

Prints by how many bytes a code object the process has grown, before anything is saved.
"""

import os
import sys

from edbprof_native import Profile
from prof_file import ProfFile


def resident_bytes():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


count = int(sys.argv[1])
profile = Profile()
with profile:
    for i in range(1000):
        eval(f"lambda: {i}")()
before = resident_bytes()
with profile:
    for i in range(count):
        eval(f"lambda: {i}")()
# eval compiles two code objects each time: '<module>' of '<string>' and the lambda's.
print((resident_bytes() - before) / (2 * count))
profile.save(sys.argv[2])
file = ProfFile(sys.argv[2])
assert len(file.nodes) == 2 * (count + 1000) + 1, len(file.nodes)
assert file.calls("<lambda>") == file.calls("<module>") == count + 1000
