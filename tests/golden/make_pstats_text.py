#!/usr/bin/env python3
"""Write what Python's own pstats prints: the expectation of tests/it/pstats_text.rs.

    for python in python3.11 python3.13; do $python tests/golden/make_pstats_text.py; done
    git diff --exit-code tests/golden

Every version must write the same files.
"""

import io
import itertools
import marshal
import pathlib
import pstats
import random

HERE = pathlib.Path(__file__).parent / 'pstats_text'
ORDERS = ['', *pstats.Stats.sort_arg_dict_default, 'file', 'tot', 'cumu', 'calls,name',
          'pcalls,time,nfl', 'module,line', 'name,file,line', 'stdname,calls']


def realistic():
    choose = random.Random(20)
    stats = {}
    for number in range(150):
        if number % 5 == 0:
            label = ('~', 0, choose.choice([
                f'<built-in method builtins.f{number}>', f'<method {number!r} of {"x"!r} objects>',
                f'plain{number}']))
        else:
            label = (f'/srv/{choose.choice("äbcz")}/m{choose.randrange(9)}.py',
                     choose.randrange(-1, 40), choose.choice(['f', 'g', '<lambda>', 'été', 'Z']))
        primitive = choose.choice([0, 1, 1, 7, 1234, 10 ** 7, 10 ** 12])
        calls = primitive + choose.choice([0, 0, 0, 3, 10 ** 9])
        own = choose.choice([0.0, 0.0, choose.random(), choose.random() * 1e6])
        total = own + choose.choice([0.0, choose.random()])
        stats[label] = (primitive, calls, own, total, {})
    return stats


PROFILES = {
    'empty': {},
    'one': {('a.py', 1, 'f'): (1, 1, 0.0005, 0.0015, {})},
    'realistic': realistic(),
    'extreme': {
        ('a.py', 1, 'huge'): (10 ** 30, 10 ** 30 + 1, 1e22, 1e300, {}),
        ('~', 0, '<'): (0, 0, 0.0, 0.0, {}),
        ('~', 0, '<>'): (0, 5, -0.0, -1.5, {}),
        ('~', 1, '<len>'): (2, 5, float('inf'), float('-inf'), {}),
        ('', 0, ''): (-3, -1, -0.0625, 0.0625, {}),
    },
    'not_a_number': {
        ('a.py', 1, 'f'): (1, 1, float('nan'), 1.0, {}),
        ('b.py', 1, 'f'): (2, 1, 1.0, float('nan'), {}),
    },
}

for name, stats in PROFILES.items():
    (HERE / f'{name}.marshal').write_bytes(marshal.dumps(stats, 2))
    text = io.StringIO()
    for order in ORDERS:
        if name == 'not_a_number' and ('time' in order or 'tot' in order or 'cum' in order):
            continue  # the order would be that of Python's sorting algorithm
        table = pstats.Stats(stream=text)
        table.stats = dict(stats)
        table.get_top_level_stats()
        if order:
            table.sort_stats(*order.split(','))
        text.write(f'=== {order}\n')
        table.print_stats()
    (HERE / f'{name}.txt').write_text(text.getvalue(), encoding='utf-8')

keys = sorted(pstats.Stats().get_sort_arg_defs())
(HERE.parent / 'pstats_sort_keys.txt').write_text('\n'.join(keys) + '\n')
