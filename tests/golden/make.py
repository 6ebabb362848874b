# coding: utf-8
"""Make the golden files: profiles and sidecars as real Pythons write them.

    for v in 2.7.18 3.6.15 3.7.16 3.8.18 3.9.18 3.10.13 3.11.7 3.12.1 3.13.0; do
        ~/.pyenv/versions/$v/bin/python tests/golden/make.py; done
    for v in 3.14 3.15; do build/sid/usr/bin/python$v tests/golden/make.py; done

with the kinds of files to make as arguments, or all of them. Each profile X comes
with X.txt, what is in it, written by the same Python: one line a function, callers
indented (with a dash those of whom only calls are known), strings as hexadecimal
UTF-8, floats as the hexadecimal of their eight bytes. All sidecars hold what
sidecar.txt says; all of versions-* hold what versions.txt says, in every version of
marshal that this Python writes, one object after the other. Runs on Python 2.7 and
later.
"""

import binascii
import cProfile
import marshal
import os
import pickle
import profile
import pstats
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VERSION = '%d.%d' % sys.version_info[:2]

PROGRAM = u'''
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

def even(n):
    return True if n == 0 else odd(n - 1)

def odd(n):
    return False if n == 0 else even(n - 1)

def numbers(n):
    for i in range(n):
        yield i

def fails():
    raise ValueError(len('x'))

def main():
    extra()
    fib(8)
    even(5)
    sorted(numbers(3), key=lambda i: -i)
    try:
        fails()
    except ValueError:
        pass
'''


def program(name):
    scope = {}
    if sys.version_info[0] > 2:
        exec(compile('def größe(): pass', 'grö\udc80ße.py', 'exec'), scope)
        scope['extra'] = scope['größe']
    else:
        scope['extra'] = dir
    exec(compile(PROGRAM, name, 'exec'), scope)
    return scope['main']


def hexed(text):
    if not isinstance(text, bytes):
        text = text.encode('utf-8', *['surrogatepass'] * (sys.version_info[0] > 2))
    return binascii.hexlify(text).decode()


def label(key):
    return '%s %d %s' % (hexed(key[0]), key[1], hexed(key[2]))


def figures(nc, cc, tt, ct):
    bits = tuple(hexed(struct.pack('>d', value)) for value in (tt, ct))
    return '%d %d %s %s' % ((nc, cc) + bits)


def rows_text(rows):
    lines = []
    for key, (cc, nc, tt, ct, callers) in rows.items():
        block = ['%s %s\n' % (label(key), figures(nc, cc, tt, ct))]
        for caller, value in callers.items():
            mark = ' '
            if not isinstance(value, tuple):
                mark = '-'
                value = (value, value, 0.0, 0.0)
            block.append('   %s%s %s\n' % (mark, label(caller), figures(*value)))
        block[1:] = sorted(block[1:])
        lines.append(''.join(block))
    return ''.join(sorted(lines))


def write(name, data):
    with open(os.path.join(HERE, name), 'wb') as f:
        f.write(data)


def write_rows(name, data):
    write(name, data)
    write(name + '.txt', rows_text(marshal.loads(data)).encode())


def dumped(stats):
    path = os.path.join(HERE, 'temporary')
    stats.dump_stats(path)
    with open(path, 'rb') as f:
        data = f.read()
    os.unlink(path)
    return data


def profiles():
    p = cProfile.Profile()
    p.runcall(program('demo.py'))
    data = dumped(p)
    write_rows('cprofile-%s' % VERSION, data)

    q = profile.Profile()
    q.runcall(program('demo.py'))
    data = dumped(q)
    write_rows('profile-%s' % VERSION, data)

    r = cProfile.Profile()
    r.runcall(program('other.py'))
    merged = pstats.Stats(p)
    merged.add(p, r)
    data = dumped(merged)
    write_rows('stats-%s' % VERSION, data)


def sidecars():
    def f(name, line=1):
        return (u'demo.py', line, name)

    value = {
        f(u'S', 10): {
            f(u'A'): {f(u'F1', 20): 1, f(u'F2', 30): 300},
            f(u'B', 70000): {f(u'F2', 30): 70000, f(u'F3', 40): 2**40, f(u'F' * 300): 2**63},
        },
        f(u'T', 50): {f(u'\xe4\u20ac\U0001d11e'): {f(u'F1', 20): 3}},
        f(u'U'): {},
    }
    lines = []
    for generic, callers in value.items():
        lines.append('%s\n' % label(generic))
        for caller, implementations in callers.items():
            for implementation, count in implementations.items():
                lines.append('%s  %s  %s  %d\n' % (
                    label(generic), label(caller), label(implementation), count))
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        data = pickle.dumps(value, protocol)
        write('sidecar-%s-%d' % (VERSION, protocol), data)
    write('sidecar.txt', ''.join(sorted(lines)).encode())


def versions():
    f = (u'demo.py', 2**31, u'f')
    g = (b'\xff' * 300, -7, u'\xe4\u20ac' * 100)
    rows = {
        f: (True, False, 1, -2**31, {}),
        g: (10**30, -10**30, 0.1, -1e300, {f: (-1, 2**15, 5e-324, 1e22), g: (0, 3, -0.5, 2**40)}),
        (u'', 0, u'<\u0100>'): (2**62, -2**62, float('inf'), float('-inf'), {f: 1, g: -2**33}),
    }
    data = b''.join(marshal.dumps(rows, version) for version in range(marshal.version + 1))
    write('versions-%s' % VERSION, data)
    write('versions.txt', rows_text(rows).encode())


KINDS = [profiles, versions]
if sys.version_info[0] > 2:  # Before that there was no singledispatch.
    KINDS.append(sidecars)
if __name__ == '__main__':
    for kind in KINDS:
        if not sys.argv[1:] or kind.__name__ in sys.argv[1:]:
            kind()
