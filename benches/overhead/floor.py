"""Compiles benches/floor/floor.c for this Python and imports it."""

from __future__ import annotations

import importlib.util
import os
import shlex
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[2]


def load() -> ModuleType:
    source = ROOT / "benches" / "floor" / "floor.c"
    built = ROOT / "build" / "bench" / ("floor" + sysconfig.get_config_var("EXT_SUFFIX"))
    built.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [
            *shlex.split(os.environ.get("CC", "cc")),
            *("-std=c11", "-O3", "-fPIC", "-shared", "-Wall", "-Wextra"),
            f"-I{ROOT / 'cpython_ext'}",
            f"-I{sysconfig.get_path('include')}",
            *(str(source), "-o", str(built)),
        ],
        check=True,
    )
    spec = importlib.util.spec_from_file_location("floor", built)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
