"""Builds the module `solver` by Cython. edbprof.pxd is beside the headers of edbprof."""

import edbprof_native
from Cython.Build import cythonize
from setuptools import Extension, setup

INCLUDE = edbprof_native.get_include()

setup(
    name="solver",
    ext_modules=cythonize(
        [Extension("solver", ["solver.pyx"], include_dirs=[INCLUDE])],
        include_path=[INCLUDE],
        language_level=3,
    ),
)
