"""The frames of a call tree, put together from the JSON of `edbprof export`."""

import json
import sys

from pages import PROGRAM, duration, program, view


class Recorded:
    """Recordings of two runs, their page, and the frames of their call tree from the JSON."""

    def __init__(self, directory):
        job = directory / "job.py"
        job.write_text(PROGRAM)
        profs = [directory / f"{number}.prof" for number in range(2)]
        for prof in profs:
            run = ["run", "--quiet", f"--out={prof}", "--format=prof"]
            program(*run, sys.executable, job)
        self.page = view(directory / "page.html", *profs)
        self.json = json.loads(program("export", "--format=json", *profs))
        self.frames = frames_of(self.json["tree"])


class Frame:
    """All calls of one function below one path of callers."""

    def __init__(self, name):
        self.name, self.calls, self.total, self.waiting = name, 0, 0, 0
        self.callees = {}

    @property
    def own(self):
        return self.total - sum(callee.total for callee in self.callees.values())

    def heaviest(self):
        return max(self.callees.values(), key=lambda frame: frame.total)

    def figures(self, whole):
        def share(part):
            return f"{100 * part / whole:.2f} %"

        times = [duration(self.own), share(self.own), duration(self.total), share(self.total)]
        each = duration(self.total / self.calls)
        return [f"{self.calls:,}", *times, each, duration(self.waiting)]


def frames_of(tree):
    root, of = Frame("All"), []
    waiting = zip(*tree["waiting"].values())
    columns = (tree[name] for name in ("parent", "function", "calls", "total_ns"))
    for parent, function, calls, total, waits in zip(*columns, waiting):
        above = root if parent == -1 else of[parent]
        name = tree["functions"][function]["name"]
        frame = above.callees.setdefault(function, Frame(name))
        frame.calls += calls
        frame.total += total
        frame.waiting += sum(waits)
        of.append(frame)
    return root
