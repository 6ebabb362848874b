"""Builds the module `solver` from C++. Only the headers of edbprof are needed."""

from pathlib import Path

import edbprof_native
import nanobind
from setuptools import Extension, setup

NANOBIND = Path(nanobind.__file__).parent

# Setuptools builds no source from an absolute path into the build folder.
Path("nb_combined.cpp").write_text(f'#include "{NANOBIND / "src/nb_combined.cpp"}"\n')

setup(
    name="solver",
    ext_modules=[
        Extension(
            "solver",
            ["solver.cpp", "nb_combined.cpp"],
            include_dirs=[
                edbprof_native.get_include(),
                nanobind.include_dir(),
                str(NANOBIND / "ext/robin_map/include"),
            ],
            extra_compile_args=["-std=c++17", "-fvisibility=hidden"],
        ),
    ],
)
