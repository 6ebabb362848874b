"""Extensions of the tests' own, which are compiled when they are wanted."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent


def build(source: str, directory: Path) -> Path:
    """Builds the extension in the folder `source` beside this file, in `directory`."""
    for path in (HERE / source).iterdir():
        if path.is_file():
            shutil.copy(path, directory)
    done = subprocess.run(
        [sys.executable, "setup.py", "-q", "build_ext", "--inplace"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return directory


def load(name: str, directory: Path) -> ModuleType:
    """The extension called `name` that was built in `directory`."""
    (path,) = directory.glob(f"{name}.*so")
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
