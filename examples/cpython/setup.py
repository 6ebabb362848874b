"""Builds the module `solver` from C. Only the headers of edbprof are needed."""

import edbprof_native
from setuptools import Extension, setup

setup(
    name="solver",
    ext_modules=[
        Extension("solver", ["solver.c"], include_dirs=[edbprof_native.get_include()]),
    ],
)
