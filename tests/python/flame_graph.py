"""Reads `--format=flamegraph` pictures back: inferno writes each frame's place and width."""

from __future__ import annotations

import re
from typing import Dict, Tuple

_FRAME = re.compile(
    r"<g><title>(?P<name>[^<]*?)(?:\xa0\([^<]*)? \([\d,]+ ns, [\d.]+%\)</title>"
    r'<rect[^>]* y="(?P<y>\d+)"[^>]* fg:x="(?P<x>\d+)" fg:w="(?P<width>\d+)"/>'
)


def stacks(svg: str) -> Dict[Tuple[str, ...], int]:
    """Names from the root to a frame, and its nanoseconds."""
    frames = [
        (int(match["y"]), int(match["x"]), int(match["width"]), match["name"])
        for match in _FRAME.finditer(svg)
    ]
    assert len(frames) == svg.count("<g><title>")
    rows = sorted({y for y, *_ in frames}, reverse=True)
    found: Dict[Tuple[str, ...], int] = {}
    above: list[tuple[int, int, tuple[str, ...]]] = []
    for number, row in enumerate(rows):
        placed = []
        for _, x, width, name in (frame for frame in frames if frame[0] == row):
            parents = [path for left, right, path in above if left <= x and x + width <= right]
            # The lowest row is the frame 'all'.
            path = (*parents[0], name) if number else ()
            placed.append((x, x + width, path))
            found[path] = width
        above = placed
    del found[()]
    return found
