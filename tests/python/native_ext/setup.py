"""Builds the same functions by Cython, nanobind and pybind11."""

from pathlib import Path

import nanobind
import pybind11
from Cython.Build import cythonize
from setuptools import Extension, setup

NANOBIND = Path(nanobind.__file__).parent
CPP = ["-std=c++17", "-fvisibility=hidden", "-O0", "-g0"]

nanobound = Extension(
    "nanobound",
    ["nanobound.cpp", "nb_combined.cpp"],
    include_dirs=[nanobind.include_dir(), str(NANOBIND / "ext/robin_map/include")],
    extra_compile_args=CPP,
)
pybound = Extension(
    "pybound", ["pybound.cpp"], include_dirs=[pybind11.get_include()], extra_compile_args=CPP
)
# Setuptools builds no source from an absolute path into the build folder.
Path("nb_combined.cpp").write_text('#include "{}"\n'.format(NANOBIND / "src/nb_combined.cpp"))
setup(ext_modules=[*cythonize("cybound.pyx"), nanobound, pybound])
