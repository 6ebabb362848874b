"""Builds the module `solver` from C++. Only the headers of edbprof are needed."""

import edbprof_native
from pybind11.setup_helpers import Pybind11Extension, build_ext
from setuptools import setup

setup(
    name="solver",
    ext_modules=[
        Pybind11Extension(
            "solver",
            ["solver.cpp"],
            include_dirs=[edbprof_native.get_include()],
            cxx_std=17,
        ),
    ],
    cmdclass={"build_ext": build_ext},
)
