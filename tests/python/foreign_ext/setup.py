"""Builds an extension whose threads call Python."""

from setuptools import Extension, setup

setup(
    name="foreign",
    ext_modules=[
        Extension(
            "foreign",
            ["foreign.c"],
            extra_compile_args=["-Wall", "-Wextra", "-Werror"],
            extra_link_args=["-pthread"],
        )
    ],
)
