"""Fail if a wheel takes more than 4 MB: `size.py WHEEL...`."""

import pathlib
import sys

MOST = 4_000_000

for name in sys.argv[1:]:
    size = pathlib.Path(name).stat().st_size
    print(f"{size / 1e6:.2f} MB  {name}")
    if size > MOST:
        sys.exit(f"{name} has {size} bytes: strip it, or find out what grew ({MOST} are allowed)")
