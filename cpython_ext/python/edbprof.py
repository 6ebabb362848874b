"""The program `edbprof` as `python -m edbprof`: this Python's own, even if PATH has another."""

import os
import sys
from importlib import metadata
from typing import NoReturn


def main() -> NoReturn:
    """Run the program that was installed with this module, in place of this process."""
    for file in metadata.files("edbprof") or ():
        if file.parts[-2:] == ("bin", "edbprof"):
            program = os.path.realpath(str(file.locate()))
            os.execv(program, [program, *sys.argv[1:]])
    sys.exit("edbprof: the program is missing: install edbprof again with this Python's pip")


if __name__ == "__main__":
    main()
