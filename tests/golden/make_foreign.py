"""Make the golden files of other profilers: what they export as pstats files.

    python3.11 -m venv build/foreign && build/foreign/bin/pip install yappi==1.6.10 pyinstrument==5.1.3
    build/foreign/bin/python tests/golden/make_foreign.py
"""

import tempfile
import threading

import pyinstrument
import yappi
from make import program, write_rows
from pyinstrument.renderers.pstatsrenderer import PstatsRenderer

SPIN = '''
import time

def spin(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        pass

def recurse(n):
    spin(0.01)
    if n:
        recurse(n - 1)

def main():
    recurse(3)
    spin(0.02)

with profiler:
    main()
'''


def by_yappi(path):
    yappi.set_clock_type('wall')
    yappi.start(builtins=True)
    function = program('demo.py')
    thread = threading.Thread(target=function)
    thread.start()
    function()
    thread.join()
    yappi.stop()
    ours = yappi.get_func_stats(filter_callback=lambda stat: stat.module[0] not in '/<')
    ours.save(path, type='pstat')


def by_pyinstrument(path):
    profiler = pyinstrument.Profiler(interval=0.001)
    exec(compile(SPIN, 'spin.py', 'exec'), {'profiler': profiler})
    text = profiler.output(PstatsRenderer())
    # As its command line writes it: the bytes of a marshal file, held in a str.
    with open(path, 'w', encoding='utf-8', errors='surrogateescape', newline='') as file:
        file.write(text)


for name, make in (('yappi', by_yappi), ('pyinstrument', by_pyinstrument)):
    with tempfile.NamedTemporaryFile() as file:
        make(file.name)
        write_rows(name, file.read())
