"""The program `edbprof`: finds it, runs it, and aggregates with it."""

import os
import sys

TYPE_CHECKING = False  # see _decorator.py
if TYPE_CHECKING:
    from typing import Iterator, List, NoReturn, Optional, Sequence, Tuple, Union

_NAME = "edbprof.exe" if os.name == "nt" else "edbprof"

# Exit codes; see `edbprof --help`.
_SOME_FAILED = 1
_WRONG_USAGE = 2
_NOTHING_TO_READ = 3


def _places() -> "Iterator[str]":
    """Yield directories that may have the program: this Python's, pip's for scripts, PATH's."""
    if sys.executable:
        yield os.path.dirname(sys.executable)
    import sysconfig

    for scheme in sysconfig.get_scheme_names():
        yield sysconfig.get_path("scripts", scheme)
    yield from os.get_exec_path()


def find() -> str:
    """Return the path of the program. Raises FileNotFoundError."""
    for place in _places():
        path = os.path.join(place, _NAME)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    raise FileNotFoundError(
        f"the program {_NAME} is neither beside {sys.executable} nor on PATH: "
        f"reinstall with 'pip install --force-reinstall edbprof'"
    )


def main(arguments: "Optional[Sequence[str]]" = None) -> "NoReturn":
    """Replace this process by the program, for `python -m edbprof_native`."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["run"]:
        given.insert(1, f"--python={sys.executable}")
    command = [find(), *given]
    if os.name == "posix":
        os.execv(command[0], command)
    import subprocess

    sys.exit(subprocess.call(command))


def aggregate(
    directories: "List[str]",
    out_path: "Union[str, os.PathLike[str]]",
    *,
    prefix: str,
    suffix: str,
    sort_by: str,
    width: int,
    threshold: float,
    quiet: bool,
) -> "Tuple[int, int]":
    """See `profile.aggregate`."""
    import json
    import subprocess
    import tempfile

    with tempfile.TemporaryDirectory(prefix="edbprof-aggregate-") as scratch:
        summary = os.path.join(scratch, "summary.json")
        command: "List[str]" = [
            find(),
            f"--prefix={prefix}",
            f"--suffix={suffix}",
            f"--out={os.fspath(out_path)}",
            f"--sort-by={sort_by}",
            f"--width={width}",
            f"--threshold={threshold}",
            f"--summary-json={summary}",
            *(["--quiet"] if quiet else []),
            "--",
            # A live directory may be missing: that does not stop recording either.
            directories[0],
            *filter(os.path.isdir, directories[1:]),
        ]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        told = os.fsdecode(done.stderr)
        if not quiet:
            sys.stdout.write(os.fsdecode(done.stdout))
            sys.stderr.write(told)
        if done.returncode == _NOTHING_TO_READ:
            return 0, 0
        if done.returncode == _WRONG_USAGE:
            raise ValueError(told.strip())
        try:
            with open(summary, encoding="utf-8") as file:
                counts = json.load(file)
        except OSError:
            counts = None
        if done.returncode not in (0, _SOME_FAILED) or counts is None:
            raise OSError(told.strip() or f"{_NAME} has failed ({done.returncode})")
        return counts["succeeded"], counts["failed"]
