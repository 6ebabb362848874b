"""Cost of recording a choice of functions in whole programs, as a ratio of processor times.

    python benches/choosing.py [--rounds 7] [--programs pylint,docutils,sphinx] [--json FILE]

Needs edbprof and benches/requirements.txt in this Python. Each program runs without edbprof, with
one small module chosen, with `mine`, and recorded in full, by turns. Start-up is apart: the cost of
`python -c pass` recorded likewise is subtracted.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from statistics import median

SECTION = """
Section {i} with *emphasis*
---------------------------

A paragraph with ``literal``, **strong**, a link_{i}_ and a footnote [#f{i}]_; {words}

1. first of {i}
2. second

   - nested
   - list

.. _link_{i}: https://example.org/{i}
.. [#f{i}] The footnote.

.. list-table::

   * - a
     - b
   * - ``c``
     - *d*
"""

PYTHON = [sys.executable, "-X", "utf8", "-W", "ignore"]
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if not name.startswith(("EDBPROF", "PYTHON"))
}


def sections(first: int, count: int) -> str:
    words = "words of a paragraph, " * 20
    return "".join(SECTION.format(i=i, words=words) for i in range(first, first + count))


def docutils(directory: Path) -> list[str]:
    (directory / "big.rst").write_text("Title\n=====\n" + sections(0, 150))
    return ["-m", "docutils", str(directory / "big.rst"), str(directory / "big.html")]


def sphinx(directory: Path) -> list[str]:
    source = directory / "source"
    source.mkdir()
    (source / "conf.py").write_text("project = 'bench'\n")
    pages = [f"page{i}" for i in range(30)]
    index = "Index\n=====\n\n.. toctree::\n\n" + "".join(f"   {page}\n" for page in pages)
    (source / "index.rst").write_text(index)
    for number, page in enumerate(pages):
        text = f"{page}\n======\n" + sections(number * 4, 4)
        (source / f"{page}.rst").write_text(text)
    return ["-m", "sphinx", "-q", "-E", "-a", str(source), str(directory / "html")]


def pylint(directory: Path) -> list[str]:
    library = Path(sysconfig.get_path("stdlib"))
    files = [str(library / "json")]
    return ["-m", "pylint", "--exit-zero", "-rn", "-sn", "--rcfile=/dev/null", *files]


def start(directory: Path) -> list[str]:
    return ["-c", "pass"]


#: Command and small module.
PROGRAMS = {
    "pylint": (pylint, "pylint.checkers.imports.*"),
    "docutils": (docutils, "docutils.transforms.references.*"),
    "sphinx": (sphinx, "sphinx.environment.collectors.toctree.*"),
}


def settings(record: str, directory: Path) -> str:
    chosen = f"record={record}\n" if record else ""
    return (
        "threads=1\nbuiltins=1\nwaiting=1\nchildren=1\nclock=wall\nhook=auto\n"
        f"{chosen}directory={directory}"
    )


def seconds(command: list[str], record: "str | None") -> float:
    """Processor time; `record` is None without edbprof and empty for all functions."""
    with tempfile.TemporaryDirectory(prefix="edbprof-bench-") as directory:
        environment = dict(ENVIRONMENT, PYTHONDONTWRITEBYTECODE="1")
        if record is not None:
            environment["EDBPROF_RUN"] = settings(record, Path(directory))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            PYTHON + command,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        is_whole_program = command[0] != "-c"
        if record is not None and is_whole_program:
            assert any(name.endswith(".prof") for name in os.listdir(directory)), record
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(name: str, rounds: int) -> dict[str, float]:
    prepare, module = PROGRAMS[name]
    modes = {"module": module, "mine": "mine", "all": ""}
    with tempfile.TemporaryDirectory(prefix="edbprof-bench-") as scratch:
        command = prepare(Path(scratch))
        seconds(command, None)
        plain: list[float] = []
        ratios: dict[str, list[float]] = {mode: [] for mode in modes}
        for _ in range(rounds):
            plain.append(seconds(command, None))
            plain_start = seconds(start(Path(scratch)), None)
            for mode, record in modes.items():
                began = seconds(start(Path(scratch)), record) - plain_start
                took = seconds(command, record) - began
                ratios[mode].append(took / plain[-1])
    return {"seconds": median(plain), **{mode: median(each) for mode, each in ratios.items()}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--programs", default=",".join(PROGRAMS))
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    print(f"Python {sys.version.split()[0]}, medians of {options.rounds} rounds")
    print(f"{'program':10} {'alone':>8} {'module':>8} {'mine':>8} {'all':>8}")
    found = {}
    for name in options.programs.split(","):
        found[name] = measure(name, options.rounds)
        figures = found[name]
        ratios = "".join(f"{figures[mode]:9.3f}" for mode in ("module", "mine", "all"))
        print(f"{name:10} {figures['seconds']:6.2f} s{ratios}   {PROGRAMS[name][1]}", flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
