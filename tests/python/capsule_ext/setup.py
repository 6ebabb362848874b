"""Builds the extension against the headers that edbprof_native ships."""

import edbprof_native
from setuptools import Extension, setup

setup(
    name="spans",
    ext_modules=[
        Extension(
            "spans",
            ["spans.c"],
            include_dirs=[edbprof_native.get_include()],
            extra_compile_args=["-Wall", "-Wextra", "-Werror"],
        )
    ],
)
